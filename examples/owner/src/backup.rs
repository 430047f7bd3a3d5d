//! `backup` and `restore`: a file that opens without the service, and the account back from it under a new password.

use std::path::Path;

use blindtally::{
    AccountSecret, Backup, BackupLock, DeviceId, Owner, OwnerOptions, RecoveryKey, Restored, ServiceHead,
};
use blindtally_client::{Failure, Service, b64, from_b64};
use serde_json::json;

use crate::cli::{BackupArgs, Restore};
use crate::create::write_file;
use crate::profile::Profile;
use crate::session::{Context, Session, now};
use crate::wire::{KdfJson, RestoreHead, SessionAnswer};

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
    let restored = open(&args.file, context)?;
    if context.dir.find()?.is_some_and(|found| found.account_id != restored.account().to_string()) {
        let words = "this profile is of another account: name another folder with --profile";
        return Err(Failure::refused("profile.other-account", words));
    }
    let service = Service::new(&args.server);
    let proof = b64(restored.recovery_proof().expose());
    let account = restored.account().to_string();
    // Asked before the new password, so that a service that does not know the account costs no typing.
    let asked = json!({ "account_id": account, "recovery_proof": proof });
    service.post("/api/v1/restore/head", &asked)?;
    let password = context.secrets.new_password("New password")?;
    let account_secret = args.account_secret.choose(context)?;
    let secret_text = account_secret.as_ref().map(AccountSecret::to_text);

    let head: RestoreHead = service.post("/api/v1/restore/head", &asked)?.json()?;
    let policy = head.policy.as_deref().map(from_b64).transpose()?;
    let shown = ServiceHead { generation: head.generation, policy: policy.as_deref() };
    let kdf = args.kdf.kdf.unwrap_or_default();
    let options = OwnerOptions { kdf, account_secret, ..OwnerOptions::default() };
    let (owner, change) = Owner::restore(restored, &args.login, &password, options, shown, now())?;
    let prelogin = owner.prelogin();
    let answer: SessionAnswer = service
        .post(
            "/api/v1/restore",
            &json!({
                "account_id": account,
                "recovery_proof": proof,
                "login": owner.login().as_str(),
                "kdf": KdfJson::from(prelogin.kdf),
                "salt": b64(&prelogin.salt),
                "login_proof": b64(owner.login_proof().expose()),
                "vault": b64(change.vault()),
                "generation": change.generation(),
                "expected_generation": change.expected(),
            }),
        )?
        .json()?;

    let profile = Profile {
        server: service.base().to_owned(),
        login: owner.login().as_str().to_owned(),
        account_id: account,
        account_secret: secret_text.is_some(),
        generation: change.generation(),
    };
    let mut session = Session::begun(service.with_bearer(&answer.session), owner, profile, context);
    session.remember()?;
    session.send(&change.committed())?;
    session.settle()?;
    tell(&session, secret_text.as_ref().map(|text| text.as_str()))?;
    session.close();
    Ok(())
}

fn tell(session: &Session<'_>, account_secret: Option<&str>) -> Result<(), Failure> {
    let (output, owner) = (session.output(), &session.owner);
    let own: Vec<_> = owner.devices().map(|(id, _)| id).collect();
    let at_service = session.service_status()?;
    let lost: Vec<_> = at_service.keys().filter(|id| !own.contains(id)).map(DeviceId::to_string).collect();
    output.line(format_args!("account {} is restored for {}", owner.account(), session.profile.login))?;
    if let Some(secret) = account_secret {
        output.line(format_args!("account secret, needed beside the password and shown only now: {secret}"))?;
    }
    if !lost.is_empty() {
        let words = "device(s) are not in this backup: they have to enrol again, with new keys of their own";
        output.line(format_args!("{} {words}: {}", lost.len(), lost.join(", ")))?;
    }
    output.line("make a new backup now")?;
    output.object(&json!({
        "account_id": owner.account().to_string(), "login": session.profile.login, "generation": owner.generation(),
        "epoch": owner.policy().policy().epoch().get(), "account_secret": account_secret, "unknown_devices": lost,
    }))
}
