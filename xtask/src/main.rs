//! The project's commands: `cargo xtask demo`, `test`, `spec`, `vectors`, `verify`, `bench` and `package`.
//!
//! Each sets up what it needs by package name (Debian, PyPI, crates.io) and keeps it under `target/`.
//! Linux and macOS; elsewhere the programs build, but these commands do not run.

mod aw_server;
mod bench;
mod cargo;
mod clib;
mod dashboard;
mod day;
mod demo;
mod exchange;
mod export;
mod ffi;
mod kotlin;
mod live;
mod node;
mod npm;
mod oracle;
mod package;
mod postgres;
mod process;
mod programs;
mod project;
mod python;
mod recordings;
mod ruby;
mod spec;
mod swift;
mod system;
mod table;
mod test;
mod tokens;
mod vectors;
mod verify;
mod wasm;
mod wheel;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::project::Project;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's commands")]
enum Command {
    /// Run every test there is, in order, and stop at the first that fails
    Test {
        /// Run the steps whose name contains this only
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
    },
    /// Run the whole system on real input and show what each side sees
    Demo(demo::Options),
    /// Show what enforces and what tests each requirement of SPEC.md, and check its grammar
    Spec,
    /// Check the test vectors with every implementation, and what each makes with all others
    Vectors {
        /// Look at test-vectors/NAME only, which may be incomplete, beside the Rust library and the one in Python
        name: Option<String>,
    },
    /// Check the symbolic models of the protocol with Verifpal, which is installed first (minutes)
    Verify,
    /// Run the benchmarks, with peers side by side
    Bench {
        /// Write the figures to this file too
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Run this figure only
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
    },
    /// Build what a user would install, under target/package/
    Package(package::Options),
}

fn main() -> ExitCode {
    run(Command::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode> {
    process::stop_on_interrupt()?;
    let project = Project::find()?;
    match command {
        Command::Test { only } => return Ok(test::run(&project, only.as_deref())),
        Command::Demo(options) => demo::run(&project, &options)?,
        Command::Spec => spec::run(&project)?,
        Command::Vectors { name: None } => vectors::run(&project)?,
        Command::Vectors { name: Some(name) } => vectors::run_one(&project, &name)?,
        Command::Verify => verify::run(&project)?,
        Command::Bench { json, only } => bench::run(&project, json.as_deref(), only.as_deref())?,
        Command::Package(options) => package::run(&project, &options)?,
    }
    Ok(ExitCode::SUCCESS)
}
