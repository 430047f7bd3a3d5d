//! `passwd`: another password for the same keys. Every other session of the account ends.

use blindtally_client::{Failure, b64};
use serde_json::json;

use crate::cli::Passwd;
use crate::session::{Context, Session};
use crate::wire::{KdfJson, SessionAnswer};

pub(crate) fn run(args: &Passwd, context: &mut Context) -> Result<(), Failure> {
    let mut session = Session::open(context)?;
    let password = session.context().secrets.new_password("New password")?;
    let new = session.owner.new_password(args.kdf.kdf.unwrap_or(session.owner.prelogin().kdf))?;
    let stretched = new.stretch().run(&password)?;
    // Whatever others stored while somebody was typing is taken over first: a vault under the new password cannot be
    // merged with one under the old. The service refuses what still comes between.
    session.refresh()?;
    let changed = session.owner.change_password_stretched(new, stretched)?;
    let answer: SessionAnswer = session
        .service
        .post(
            "/api/v1/password",
            &json!({
                "old_login_proof": b64(changed.old_proof.expose()),
                "kdf": KdfJson::from(changed.prelogin.kdf),
                "salt": b64(&changed.prelogin.salt),
                "login_proof": b64(changed.new_proof.expose()),
                "vault": b64(changed.change.vault()),
                "generation": changed.change.generation(),
                "expected_generation": changed.change.expected(),
            }),
        )?
        .json()?;
    session.take_over(&answer.session);
    session.remember()?;
    let output = session.output();
    output.line("the password is changed; every other session of the account has ended")?;
    output.line("backups open as before, with their own passphrase or recovery key")?;
    output.object(&json!({ "generation": session.owner.generation() }))?;
    session.close();
    Ok(())
}
