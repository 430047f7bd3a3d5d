//! `backup` and `restore`: a file that opens without the service, and the account back from it under a new password.

use std::path::Path;

use blindtally::{Backup, BackupLock, Owner, OwnerOptions, RecoveryKey, Restored, ServiceHead};
use blindtally_client::{Failure, Service, b64, from_b64};
use serde_json::json;

use crate::cli::{BackupArgs, Restore};
use crate::create::write_file;
use crate::profile::Profile;
use crate::session::{Context, Session, now};
use crate::wire::{KdfJson, RestoreHead, SessionAnswer};

/// How often a restore is tried again when others change the account meanwhile.
const ATTEMPTS: usize = 4;

pub(crate) fn backup(args: &BackupArgs, context: &mut Context) -> Result<(), Failure> {
    let mut session = Session::open(context)?;
    keep_others(&args.file, &session.owner)?;
    let (backup, key) = if args.recovery_key {
        let (backup, key) = session.owner.backup_with_recovery_key()?;
        (backup, Some(key.to_text()))
    } else {
        let passphrase = session.context().secrets.new_password("Passphrase of the backup")?;
        let kdf = args.kdf.kdf.unwrap_or(session.owner.prelogin().kdf);
        (session.owner.backup_with_passphrase(&passphrase, kdf)?, None)
    };
    write_file(&args.file, backup.to_text().as_bytes())?;
    let (output, file) = (session.output(), args.file.display());
    output.line(format_args!("backup: {file}"))?;
    if let Some(key) = &key {
        output.line(format_args!("recovery key, which opens it and is shown only now: {}", **key))?;
    }
    output.line("make a new one after every rotation: it holds the keys of now")?;
    let key = key.as_ref().map(|key| key.as_str());
    output.object(&json!({ "backup_file": file.to_string(), "recovery_key": key }))?;
    session.close();
    Ok(())
}

/// A file that is there is replaced only if it is a backup of the same account.
fn keep_others(file: &Path, owner: &Owner) -> Result<(), Failure> {
    let kept = |words| Err(Failure::refused("backup.exists", format_args!("{} {words}", file.display())));
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(_) => kept("is there already, and is no backup"),
        Ok(text) => match Backup::parse(&text) {
            Ok(backup) if backup.account() == owner.account() => Ok(()),
            Ok(_) => kept("is a backup of another account"),
            Err(_) => kept("is there already, and is no backup"),
        },
    }
}

/// Opens a backup with what its owner knows.
pub(crate) fn open(file: &Path, context: &mut Context) -> Result<Restored, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::refused("file.unreadable", format_args!("{} cannot be read: {error}", file.display()))
    })?;
    let backup = Backup::parse(&text)?;
    match backup.lock() {
        BackupLock::Passphrase(_) => {
            let typed = context.secrets.existing("Passphrase of the backup: ")?;
            Ok(backup.open_with_passphrase(&blindtally::Password::new(&typed)?)?)
        }
        BackupLock::RecoveryKey => {
            let typed = context.secrets.existing("Recovery key of the backup: ")?;
            Ok(backup.open_with_recovery_key(&RecoveryKey::parse(&typed)?)?)
        }
    }
}

pub(crate) fn restore(args: &Restore, context: &mut Context) -> Result<(), Failure> {
    let found = context.dir.find()?;
    let restored = open(&args.file, context)?;
    if found.as_ref().is_some_and(|found| found.account_id != restored.account().to_string()) {
        let words = "this profile is of another account: name another folder with --profile";
        return Err(Failure::refused("profile.other-account", words));
    }
    let service = Service::new(&args.server);
    let asked = |restored: &Restored| {
        json!({
            "account_id": restored.account().to_string(), "recovery_proof": b64(restored.recovery_proof().expose()),
        })
    };
    // Asked for before the new password, so that a service that does not know the account costs no typing.
    let mut head: RestoreHead = service.post("/api/v1/restore/head", &asked(&restored))?.json()?;
    let password = context.secrets.new_password("New password")?;
    let mut restored = Some(restored);
    for _ in 0..ATTEMPTS {
        let backup = match restored.take() {
            Some(backup) => backup,
            None => open(&args.file, context)?,
        };
        let secret = match context.secrets.account_secret_fd {
            Some(_) => Some(context.secrets.account_secret()?),
            None => None,
        };
        let (proof, with_secret) = (b64(backup.recovery_proof().expose()), secret.is_some());
        let options = OwnerOptions {
            kdf: args.kdf.kdf.unwrap_or_default(),
            account_secret: secret,
            ..OwnerOptions::default()
        };
        let policy = head.policy.as_deref().map(from_b64).transpose()?;
        let shown = ServiceHead { generation: head.generation, policy: policy.as_deref() };
        let (owner, change) = Owner::restore(backup, &args.login, &password, options, shown, now())?;
        let prelogin = owner.prelogin();
        let answer = service.post(
            "/api/v1/restore",
            &json!({
                "account_id": owner.account().to_string(),
                "recovery_proof": proof,
                "login": owner.login().as_str(),
                "kdf": KdfJson::from(prelogin.kdf),
                "salt": b64(&prelogin.salt),
                "login_proof": b64(owner.login_proof().expose()),
                "vault": b64(change.vault()),
                "generation": change.generation(),
                "expected_generation": change.expected(),
            }),
        );
        todo!()
    }
    Err(Failure::refused("vault.conflict", "the account kept changing elsewhere: try again"))
}
