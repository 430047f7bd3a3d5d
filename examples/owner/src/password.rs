//! `passwd`: another password for the same keys. Every other session of the account ends.

use blindtally_client::{Failure, b64};
use serde_json::json;

use crate::cli::Passwd;
use crate::session::{Context, Session};
use crate::wire::{KdfJson, SessionAnswer};

/// How often it is tried again when others change the account meanwhile.
const ATTEMPTS: usize = 4;

pub(crate) fn run(args: &Passwd, context: &mut Context) -> Result<(), Failure> {
    let mut session = Session::open(context)?;
    let new = session.context().secrets.new_password("New password")?;
    let kdf = args.kdf.kdf.unwrap_or(session.owner.prelogin().kdf);
    for _ in 0..ATTEMPTS {
        // What was stored under the new password cannot be merged with what others store under the old one: so the
        // account is brought up to date first, and the change is one that changes nothing else.
        let changed = session.owner.change_password(&new, kdf)?;
        let answer = session.service.post(
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
        );
        match answer {
            Ok(answer) => {
                let SessionAnswer { session: bearer, .. } = answer.json()?;
                session.take_over(&bearer);
                session.remember()?;
                let output = session.output();
                output.line("the password is changed; every other session of the account has ended")?;
                output.line("backups open as before: with their own passphrase or recovery key")?;
                output.object(&json!({ "generation": session.owner.generation() }))?;
                session.close();
                return Ok(());
            }
            Err(failure) if failure.code() == "vault.conflict" => session = session.reopen()?,
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::refused("vault.conflict", "the account kept changing elsewhere: try again"))
}
