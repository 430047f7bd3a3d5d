//! `login`: checks the password and writes the profile; the first command on a new machine.

use blindtally::LoginName;
use blindtally_client::{Failure, Service};
use serde_json::json;

use crate::cli::LoginArgs;
use crate::profile::Profile;
use crate::session::{Context, Session};

pub(crate) fn run(args: LoginArgs, context: &mut Context) -> Result<(), Failure> {
    let found = context.dir.find()?;
    let profile = match (args.server, args.login) {
        (Some(server), Some(login)) => Profile {
            server: Service::new(&server).base().to_owned(),
            login: LoginName::new(&login)?.as_str().to_owned(),
            // A profile that is there keeps its account and its memory, wherever the account has moved.
            account_id: found.as_ref().map(|found| found.account_id.clone()).unwrap_or_default(),
            generation: found.as_ref().map_or(0, |found| found.generation),
            account_secret: args.account_secret || context.secrets.account_secret_fd.is_some(),
        },
        _ => context.dir.load()?,
    };
    let session = Session::open_profile(profile, context)?;
    let (output, owner) = (session.output(), &session.owner);
    let code = owner.account_code().to_text();
    output.line(format_args!("account {}, generation {}", owner.account(), owner.generation()))?;
    output.line(format_args!("account code, for agents without a ticket: {code}"))?;
    output.object(&json!({
        "account_id": owner.account().to_string(),
        "login": session.profile.login,
        "account_code": code,
        "generation": owner.generation(),
        "epoch": owner.policy().policy().epoch().get(),
    }))?;
    session.close();
    Ok(())
}
