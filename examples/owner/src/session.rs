//! An account that is logged in and unlocked, and the two rules of every change: the vault is stored before anything it
//! caused is sent, and what was stored is sent, if need be by the next command.

use std::collections::BTreeMap;
use std::time::SystemTime;

use blindtally::{
    Change, DeviceId, DeviceStatus, Login, LoginName, LoginProof, Outbox, Owner, Sync, Timestamp, UnlockError,
};
use blindtally_client::{Answer, Failure, Service, b64, from_b64};
use serde_json::json;

use crate::ask::Secrets;
use crate::output::Output;
use crate::profile::{Profile, ProfileDir};
use crate::wire::{DeviceList, PreloginAnswer, ServiceStatus, SessionAnswer};

/// How often a change is merged with what others stored meanwhile before giving up.
const ATTEMPTS: usize = 16;

/// What every command gets.
pub(crate) struct Context {
    pub(crate) dir: ProfileDir,
    pub(crate) secrets: Secrets,
    pub(crate) output: Output,
}

/// An account, unlocked here and logged in at its service.
pub(crate) struct Session<'c> {
    pub(crate) service: Service,
    pub(crate) owner: Owner,
    pub(crate) profile: Profile,
    context: &'c mut Context,
}

/// Whether a change was stored as it was made, or together with what others had stored meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    AsMade,
    Merged,
}

impl<'c> Session<'c> {
    /// Logs in as the profile says, and completes what an earlier command had stored but not sent.
    pub(crate) fn open(context: &'c mut Context) -> Result<Self, Failure> {
        let profile = context.dir.load()?;
        Self::open_profile(profile, context)
    }

    /// [`Session::open`] for a profile that is not written yet. An empty account id is taken from the service.
    pub(crate) fn open_profile(mut profile: Profile, context: &'c mut Context) -> Result<Self, Failure> {
        let password = context.secrets.password()?;
        let secret = if profile.account_secret { Some(context.secrets.account_secret()?) } else { None };
        let service = Service::new(&profile.server);
        let name = LoginName::new(&profile.login)?;
        let prelogin: PreloginAnswer = service.post("/api/v1/prelogin", &json!({ "login": name.as_str() }))?.json()?;
        if profile.account_id.is_empty() {
            profile.account_id.clone_from(&prelogin.account_id);
        } else if profile.account_id != prelogin.account_id {
            let words = "the service names another account for this login than this profile remembers";
            return Err(Failure::refused("profile.other-account", words));
        }
        let login = Login::start(name, prelogin.parse()?)?;
        let stretched = login.stretch().run(&password)?;
        let unlocking = login.finish(stretched, secret.as_ref());
        let answer = log_in(&service, &profile.login, &unlocking.proof())?;
        let service = service.with_bearer(&answer.session);
        let unlocked = Owner::unlock(unlocking, &from_b64(&answer.vault)?, profile.generation);
        let owner = unlocked.map_err(|error| explain_unlock(error, &profile))?;
        let mut session = Self { service, owner, profile, context };
        session.remember()?;
        session.settle()?;
        Ok(session)
    }

    /// A session that a sign-up or restore began.
    pub(crate) fn begun(service: Service, owner: Owner, profile: Profile, context: &'c mut Context) -> Self {
        Self { service, owner, profile, context }
    }

    /// Where to print.
    pub(crate) fn output(&self) -> Output {
        self.context.output
    }

    /// The profile's folder and the person, for what a command needs beyond the account.
    pub(crate) fn context(&mut self) -> &mut Context {
        self.context
    }

    /// Goes on with the session that the service has begun in place of this one.
    pub(crate) fn take_over(&mut self, bearer: &str) {
        self.service = Service::new(&self.profile.server).with_bearer(bearer);
    }

    /// Logs in again with what is known already: a session ends after hours, a watch goes on for days.
    pub(crate) fn renew(&mut self) -> Result<(), Failure> {
        let service = Service::new(&self.profile.server);
        let answer = log_in(&service, &self.profile.login, &self.owner.login_proof())?;
        self.take_over(&answer.session);
        Ok(())
    }

    /// Takes over what other clients stored since.
    pub(crate) fn refresh(&mut self) -> Result<(), Failure> {
        let vault = self.service.get("/api/v1/vault")?;
        match self.owner.sync(vault.bytes(), now())? {
            Sync::Same | Sync::Adopted => self.remember(),
            Sync::Store(change) => self.commit(*change),
        }
    }

    /// Stores a change, then sends what it allows to be sent (SPEC.md#generation).
    pub(crate) fn commit(&mut self, change: Change) -> Result<(), Failure> {
        let (stored, outbox) = self.store(change)?;
        self.send(&outbox)?;
        match stored {
            Stored::AsMade => Ok(()),
            // Two histories became one: whatever either still owed the service is sent now.
            Stored::Merged => self.settle(),
        }
    }

    /// Stores a change; on a conflict, the union of it and of what others stored meanwhile.
    fn store(&mut self, mut change: Change) -> Result<(Stored, Outbox), Failure> {
        let mut stored = Stored::AsMade;
        for _ in 0..ATTEMPTS {
            match self.put_vault(&change) {
                Ok(_) => {
                    self.remember()?;
                    return Ok((stored, change.committed()));
                }
                Err(failure) if failure.code() == "vault.conflict" => stored = Stored::Merged,
                Err(failure) => return Err(failure),
            }
            let vault = self.service.get("/api/v1/vault")?;
            match self.owner.sync(vault.bytes(), now())? {
                Sync::Store(union) => change = *union,
                // It was stored after all, by an answer that got lost or by somebody who had merged it.
                Sync::Same | Sync::Adopted => {
                    self.remember()?;
                    return Ok((stored, Outbox::default()));
                }
            }
        }
        Err(Failure::refused("vault.conflict", "the account kept changing elsewhere: try again"))
    }

    fn put_vault(&self, change: &Change) -> Result<Answer, Failure> {
        let headers = [
            ("If-Match", format!("\"{}\"", change.expected())),
            ("X-Vault-Generation", change.generation().to_string()),
        ];
        self.service.put_bytes("/api/v1/vault", change.vault(), &headers)
    }

    /// Sends an outbox. The policy comes last: a service that has it has everything that belongs to it.
    pub(crate) fn send(&self, outbox: &Outbox) -> Result<(), Failure> {
        for device in outbox.revoked() {
            self.revoke_at_service(*device)?;
        }
        for (device, delivery) in outbox.deliveries() {
            match self.service.put_bytes(&format!("/api/v1/devices/{device}/delivery"), delivery, &[]) {
                // As after a restore from a backup that is older than the revocation.
                Err(failure) if failure.code() == "device.revoked" => self.output().note(format_args!(
                    "the service has device {device} as revoked and gives it nothing: if that is right, revoke it here too"
                )),
                result => drop(result?),
            }
        }
        if let Some(policy) = outbox.policy() {
            self.service.put_bytes("/api/v1/policy", policy, &[])?;
        }
        Ok(())
    }

    fn revoke_at_service(&self, device: DeviceId) -> Result<(), Failure> {
        match self.service.post(&format!("/api/v1/devices/{device}/revoke"), &json!({})) {
            // The service never saw it: there is nothing to take from it.
            Err(failure) if failure.code() == "device.unknown" => Ok(()),
            result => result.map(drop),
        }
    }

    /// Compares what the keyring says with what the service has, and sends what is missing. Needed after a command that
    /// died between storing and sending; costs two requests otherwise.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        let known = self.service_status()?;
        let at_service = |device: &DeviceId| known.get(device).copied();
        let own = self.owner.policy().as_bytes();
        let policy_missing = self.service_policy()?.as_deref() != Some(own);
        let (mut revoke, mut deliver) = (Vec::new(), Vec::new());
        for (id, device) in self.owner.devices() {
            match device.status() {
                DeviceStatus::Revoked if at_service(&id).is_some_and(|status| status != ServiceStatus::Revoked) => {
                    revoke.push(id);
                }
                // What the service has as revoked it would refuse.
                DeviceStatus::Active if at_service(&id) == Some(ServiceStatus::Revoked) => {}
                DeviceStatus::Active if policy_missing || at_service(&id) != Some(ServiceStatus::Active) => {
                    deliver.push(id);
                }
                _ => {}
            }
        }
        if !policy_missing && revoke.is_empty() && deliver.is_empty() {
            return Ok(());
        }
        let note = "completing what an earlier command had stored but not sent";
        self.output().note(format_args!("{note}: {} deliveries, {} revocations", deliver.len(), revoke.len()));
        for device in revoke {
            self.revoke_at_service(device)?;
        }
        for device in deliver {
            let change = self.owner.redeliver(device, now())?;
            let (_, outbox) = self.store(change)?;
            self.send(&outbox)?;
        }
        self.service.put_bytes("/api/v1/policy", self.owner.policy().as_bytes(), &[]).map(drop)
    }

    /// What the service says of each device.
    pub(crate) fn service_status(&self) -> Result<BTreeMap<DeviceId, ServiceStatus>, Failure> {
        let list: DeviceList = self.service.get("/api/v1/devices")?.json()?;
        let known = list.devices.iter().filter_map(|entry| Some((entry.device_id.parse().ok()?, entry.status)));
        Ok(known.collect())
    }

    fn service_policy(&self) -> Result<Option<Vec<u8>>, Failure> {
        match self.service.get("/api/v1/policy") {
            Ok(answer) => Ok(Some(answer.bytes().to_vec())),
            Err(failure) if failure.code() == "policy.none" => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Writes the profile with the newest generation.
    pub(crate) fn remember(&mut self) -> Result<(), Failure> {
        self.profile.generation = self.profile.generation.max(self.owner.generation());
        self.context.dir.save(&self.profile)
    }

    /// Ends the session at the service. That it could not be told changes nothing here: it forgets in a while.
    pub(crate) fn close(self) {
        let _ = self.service.post("/api/v1/logout", &json!({}));
    }
}

fn log_in(service: &Service, login: &str, proof: &LoginProof) -> Result<SessionAnswer, Failure> {
    service.post("/api/v1/login", &json!({ "login": login, "login_proof": b64(proof.expose()) }))?.json()
}

/// What to do about a vault that does not open, where the library's sentence is not enough.
fn explain_unlock(error: UnlockError, profile: &Profile) -> Failure {
    match error {
        UnlockError::RolledBack => Failure::refused(
            error.code(),
            format_args!(
                "the service returned an older vault than generation {}, which this profile has seen: it was restored \
                 from an old copy, or it hides your latest changes (devices, revocations, rotations). Nothing was done. \
                 Ask whoever runs it; if its data is truly lost, `restore` from a backup",
                profile.generation
            ),
        ),
        error => error.into(),
    }
}

/// This moment.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
