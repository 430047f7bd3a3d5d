//! `create`: a new account, its first backup, and the recovery key that opens it.

use std::path::{Path, PathBuf};

use blindtally::{AccountSecret, Owner, OwnerOptions};
use blindtally_client::{Failure, Service, b64, write_private};
use serde_json::json;

use crate::cli::{AccountSecretArg, Create};
use crate::profile::Profile;
use crate::session::{Context, Session, now};
use crate::wire::{KdfJson, SessionAnswer};

/// Name of the first backup in the profile's folder.
const FIRST_BACKUP: &str = "first-backup.txt";

pub(crate) fn run(args: Create, context: &mut Context) -> Result<(), Failure> {
    if context.dir.find()?.is_some() {
        let words = "this profile has an account already: name another folder with --profile";
        return Err(Failure::refused("profile.exists", words));
    }
    let password = context.secrets.first_password()?;
    let account_secret = args.account_secret.choose(context)?;
    let secret_text = account_secret.as_ref().map(AccountSecret::to_text);
    let options = OwnerOptions { kdf: args.kdf.kdf.unwrap_or_default(), account_secret, ..OwnerOptions::default() };
    let service = Service::new(&args.server);
    service.get("/api/v1/health")?;
    context.output.note("making the account's keys, which takes a few seconds");
    let (owner, change) = Owner::create(&args.login, &password, options, now())?;

    let prelogin = owner.prelogin();
    let (vault, generation) = (b64(change.vault()), change.generation());
    let policy = b64(owner.policy().as_bytes());
    let answer: SessionAnswer = service
        .post(
            "/api/v1/accounts",
            &json!({
                "login": owner.login().as_str(),
                "account_id": owner.account().to_string(),
                "kdf": KdfJson::from(prelogin.kdf),
                "salt": b64(&prelogin.salt),
                "login_proof": b64(owner.login_proof().expose()),
                "recovery_proof": b64(owner.recovery_proof().expose()),
                "vault": vault,
                "generation": generation,
                "policy": policy,
            }),
        )?
        .json()?;
    // The policy went with the sign-up; a first change has nothing else to send.
    let _ = change.committed();

    let profile = Profile {
        server: service.base().to_owned(),
        login: owner.login().as_str().to_owned(),
        account_id: owner.account().to_string(),
        account_secret: secret_text.is_some(),
        generation,
    };
    let mut session = Session::begun(service.with_bearer(&answer.session), owner, profile, context);
    session.remember()?;
    let backup_file = args.backup_file.unwrap_or_else(|| session.context().dir.file(FIRST_BACKUP));
    let recovery_key = write_backup(&session.owner, &backup_file)?;
    let shown_key = match &args.recovery_key_file {
        Some(file) => {
            write_file(file, format!("{}\n", *recovery_key).as_bytes())?;
            None
        }
        None => Some(recovery_key.as_str()),
    };

    let (output, owner) = (session.output(), &session.owner);
    output.line(format_args!("account {} for {}", owner.account(), session.profile.login))?;
    output.line(format_args!("account code, for agents without a ticket: {}", owner.account_code().to_text()))?;
    if let Some(secret) = &secret_text {
        output.line(format_args!("account secret, needed beside the password and shown only now: {}", **secret))?;
    }
    output.line(format_args!("first backup, to be copied elsewhere: {}", backup_file.display()))?;
    match (shown_key, &args.recovery_key_file) {
        (Some(key), _) => {
            output.line(format_args!("recovery key, which opens it and is shown only now: {key}"))?;
        }
        (None, Some(file)) => output.line(format_args!("recovery key, which opens it: in {}", file.display()))?,
        (None, None) => {}
    }
    output.object(&json!({
        "account_id": owner.account().to_string(),
        "login": session.profile.login,
        "account_code": owner.account_code().to_text(),
        "account_secret": secret_text.as_ref().map(|secret| secret.as_str()),
        "backup_file": backup_file.display().to_string(),
        "recovery_key": shown_key,
        "recovery_key_file": args.recovery_key_file.as_ref().map(|file| file.display().to_string()),
    }))?;
    session.close();
    Ok(())
}

impl AccountSecretArg {
    /// The account secret that there shall be: one that exists, a new one, or none.
    pub(crate) fn choose(&self, context: &mut Context) -> Result<Option<AccountSecret>, Failure> {
        match context.secrets.account_secret_fd {
            Some(_) => context.secrets.account_secret().map(Some),
            None if self.account_secret => Ok(Some(AccountSecret::generate()?)),
            None => Ok(None),
        }
    }
}

fn write_backup(owner: &Owner, file: &Path) -> Result<zeroize::Zeroizing<String>, Failure> {
    let (backup, key) = owner.backup_with_recovery_key()?;
    write_file(file, backup.to_text().as_bytes())?;
    Ok(key.to_text())
}

/// Writes a file for the user alone.
pub(crate) fn write_file(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let absolute = || -> std::io::Result<PathBuf> { std::path::absolute(file) };
    absolute().and_then(|path| write_private(&path, bytes)).map_err(|error| {
        Failure::refused("file.unwritable", format_args!("{} cannot be written: {error}", file.display()))
    })
}
