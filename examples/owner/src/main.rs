//! `blindtally-owner`: the account owner's command line.
//!
//! Reading order: `cli` says what there is, [`session`] how an account is opened and changed; each command has a file of
//! its own name.

mod ask;
mod backup;
mod blobs;
mod categories;
mod cli;
mod confirm;
mod create;
mod devices;
mod export;
mod layout;
mod login;
mod open;
mod output;
mod part;
mod password;
mod period;
mod policy;
mod profile;
mod records;
mod report;
mod reveal;
mod revoke;
mod rotate;
mod sealed;
mod session;
mod table;
mod ticket;
mod wire;

use std::process::ExitCode;

use blindtally_client::{Failure, Format};
use clap::Parser;

use crate::ask::Secrets;
use crate::cli::{Cli, Command};
use crate::output::Output;
use crate::profile::ProfileDir;
use crate::session::Context;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = if cli.json { Format::Json } else { Format::Text };
    blindtally_client::report(run(cli, format), format)
}

fn run(cli: Cli, format: Format) -> Result<(), Failure> {
    let mut context = Context {
        dir: ProfileDir::new(cli.profile)?,
        secrets: Secrets::new(cli.password_fd, cli.new_password_fd, cli.account_secret_fd),
        output: Output(format),
    };
    let context = &mut context;
    match cli.command {
        Command::Create(args) => create::run(args, context),
        Command::Login(args) => login::run(args, context),
        Command::Ticket(args) => ticket::run(&args, context),
        Command::Devices => devices::run(context),
        Command::Confirm(args) => confirm::run(&args, context),
        Command::Revoke(args) => revoke::run(&args, context),
        Command::Rotate => rotate::run(context),
        Command::Report(args) => report::run(&args, context),
        Command::Categorize(args) => categories::categorize(&args, context),
        Command::Categories => categories::run(context),
        Command::Policy(args) => policy::run(&args, context),
        Command::Passwd(args) => password::run(&args, context),
        Command::Backup(args) => backup::backup(&args, context),
        Command::Restore(args) => backup::restore(&args, context),
        Command::Reveal(args) => reveal::run(&args, context),
        Command::Records(args) => records::run(&args, context),
        Command::Blobs(args) => blobs::list(&args, context),
        Command::Blob(args) => blobs::get(&args, context),
        Command::Export(args) => export::run(&args, context),
        Command::Open(args) => open::run(&args, context),
    }
}
