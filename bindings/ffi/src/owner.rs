//! The account owner's end: decides who gets which keys, and reads.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use blindtally::{
    AfterRevoking, EnrollmentRequest, InspectError, LoginName, NewPassword, OwnerError, ParseError, RevealError,
    ServiceHead, TicketUses, Token,
};

use crate::archive::ArchiveWriter;
use crate::backup::{Backup, KeyedBackup, RecoveryKey, Restored};
use crate::change::{Change, PasswordChange, SyncOutcome};
use crate::class::TokenClass;
use crate::enrollment::{Inspection, Ticket, VerifiedRequest};
use crate::error::{BlindtallyError, Misuse};
use crate::given::{hex, id, lifetime, narrow, or_now, signed, system_time};
use crate::held::Held;
use crate::identity::Identity;
use crate::opening::{OpeningKeys, Source};
use crate::password::{self, AccountSecret, Kdf, Prelogin, or_default};
use crate::policy::{CanonicalForm, Policy};
use crate::stream::{Output, Sink};

/// The owner of an account, unlocked: by `create_account`, `restore_account` or `Login.unlock`.
///
/// What changes the account gives a `Change`: store its vault at the service, then call `committed` and send the outbox.
#[derive(uniffi::Object)]
pub struct Owner {
    held: Arc<Held<Source>>,
}

impl Owner {
    pub(crate) fn new(owner: blindtally::Owner) -> Arc<Self> {
        Arc::new(Self { held: Arc::new(Held::new(Source::Owner(owner))) })
    }

    fn look<R>(&self, look: impl FnOnce(&blindtally::Owner) -> R) -> Result<R, Misuse> {
        self.held.look(|source| source.owner().map(look))?
    }

    fn change<R>(&self, change: impl FnOnce(&mut blindtally::Owner) -> R) -> Result<R, Misuse> {
        self.held.change(|source| source.owner_mut().map(change))?
    }

    /// An operation that gives a change.
    fn perform(
        &self,
        operation: impl FnOnce(&mut blindtally::Owner) -> Result<blindtally::Change, OwnerError>,
    ) -> Result<Arc<Change>, BlindtallyError> {
        Ok(Change::new(self.change(operation)??))
    }
}

/// A new or restored account, and what to store first.
#[derive(uniffi::Record)]
pub struct OpenedAccount {
    /// Its owner.
    pub owner: Arc<Owner>,
    /// The first change.
    pub change: Arc<Change>,
}

impl From<(blindtally::Owner, blindtally::Change)> for OpenedAccount {
    fn from((owner, change): (blindtally::Owner, blindtally::Change)) -> Self {
        Self { owner: Owner::new(owner), change: Change::new(change) }
    }
}

/// Creates an account. Takes about two seconds: it generates RSA keys and stretches the password, which is UTF-8. An
/// `identity` made elsewhere is used up, unless the credentials are refused.
///
/// # Errors
/// `login.invalid`, `password.invalid`, `kdf.` for parameters out of bounds, `binding.utf8`, `binding.closed` for an identity
/// used up; `entropy.unavailable`, `rsa.failed`.
#[uniffi::export(default(kdf = None, account_secret = None, identity = None, now = None))]
pub fn create_account(
    login: String,
    password: Vec<u8>,
    kdf: Option<Kdf>,
    account_secret: Option<Arc<AccountSecret>>,
    identity: Option<Arc<Identity>>,
    now: Option<SystemTime>,
) -> Result<OpenedAccount, BlindtallyError> {
    let password = password::password(password)?;
    let (kdf, secret) = (or_default(kdf)?, duplicate(account_secret));
    let new = NewPassword::for_new_account(LoginName::new(&login)?, kdf, secret)?;
    let now = or_now(now);
    if let Some(identity) = &identity {
        identity.held.look(|_| ())?;
    }
    let stretched = new.stretch().run(&password)?;
    let identity = match identity {
        Some(identity) => identity.held.take()?,
        None => blindtally::Identity::generate(Default::default())?,
    };
    Ok(blindtally::Owner::create_stretched(new, stretched, identity, now)?.into())
}

/// Makes an opened backup an owner again, under a new password, above whatever the service and the clock show.
///
/// `generation` and `policy` are what the service shows: the generation of the vault it holds, 0 for none, and the signed
/// policy it holds, believed only if the account signed it. The outbox delivers to every device that neither revokes; look
/// through `devices` afterwards. Every ticket issued before is void. `restored` is used up, unless the credentials are
/// refused.
///
/// # Errors
/// As `create_account`; `owner.full` if the service shows numbers that cannot be exceeded.
#[uniffi::export(default(generation = 0, policy = None, kdf = None, account_secret = None, now = None))]
#[allow(clippy::too_many_arguments, reason = "all but three have defaults")]
pub fn restore_account(
    restored: Arc<Restored>,
    login: String,
    password: Vec<u8>,
    generation: i64,
    policy: Option<Vec<u8>>,
    kdf: Option<Kdf>,
    account_secret: Option<Arc<AccountSecret>>,
    now: Option<SystemTime>,
) -> Result<OpenedAccount, BlindtallyError> {
    let (login, password) = (LoginName::new(&login)?, password::password(password)?);
    let (kdf, secret, generation) = (or_default(kdf)?, duplicate(account_secret), narrow(generation)?);
    let new = restored.held.look(|source| match source {
        Source::Restored(restored) => Ok(NewPassword::for_restored(restored, login, kdf, secret)?),
        Source::Owner(_) => Err(BlindtallyError::from(Misuse::Closed)),
    })??;
    let now = or_now(now);
    let stretched = new.stretch().run(&password)?;
    let Source::Restored(restored) = restored.held.take()? else { return Err(Misuse::Closed.into()) };
    let head = ServiceHead { generation, policy: policy.as_deref() };
    Ok(blindtally::Owner::restore_stretched(restored, new, stretched, head, now)?.into())
}

#[uniffi::export]
impl Owner {
    /// What opens tokens, records, blobs and archives, as long as this owner is not wiped.
    pub fn opening_keys(&self) -> Arc<OpeningKeys> {
        OpeningKeys::new(&self.held)
    }

    /// Opens one token: `opening_keys` has more.
    ///
    /// # Errors
    /// As `OpeningKeys.reveal`.
    pub fn reveal(&self, token: String) -> Result<String, BlindtallyError> {
        self.opening_keys().reveal(token)
    }

    /// Opens many tokens: all of them or none.
    ///
    /// # Errors
    /// As `OpeningKeys.reveal_many`.
    pub fn reveal_many(&self, tokens: Vec<String>) -> Result<Vec<String>, BlindtallyError> {
        self.opening_keys().reveal_many(tokens)
    }

    /// The account's id: 32 hexadecimal digits.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn account(&self) -> Result<String, BlindtallyError> {
        self.opening_keys().account()
    }

    /// SHA-256 of the account's public keys: 64 hexadecimal digits.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn fingerprint(&self) -> Result<String, BlindtallyError> {
        self.opening_keys().fingerprint()
    }

    /// The login name, normalised.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn login(&self) -> Result<String, BlindtallyError> {
        Ok(self.look(|owner| owner.login().as_str().to_owned())?)
    }

    /// What a person types into an agent that has no ticket: 50 characters, not secret.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn account_code(&self) -> Result<String, BlindtallyError> {
        Ok(self.look(|owner| owner.account_code().to_text())?)
    }

    /// What the service answers to prelogin for this account.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn prelogin(&self) -> Result<Prelogin, BlindtallyError> {
        Ok(self.look(|owner| owner.prelogin().into())?)
    }

    /// Generation of the newest vault made or opened here: remember it, and pass it to `Login.unlock` as `seen`.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn generation(&self) -> Result<i64, BlindtallyError> {
        Ok(self.look(|owner| signed(owner.generation()))?)
    }

    /// The policy in force.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn policy(&self) -> Result<Policy, BlindtallyError> {
        Ok(self.look(|owner| owner.policy().into())?)
    }

    /// The devices of the account, in order of id: the owner's own table, never the service's directory.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn devices(&self) -> Result<Vec<Device>, BlindtallyError> {
        Ok(self.look(|owner| owner.devices().map(Device::from).collect())?)
    }

    /// What the service takes as proof of the password: 32 secret bytes, yours to wipe. It keeps a SHA-256 of them.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn login_proof(&self) -> Result<Vec<u8>, BlindtallyError> {
        Ok(self.look(|owner| owner.login_proof().expose().to_vec())?)
    }

    /// What opens the vault again without the password, by `Login.resume`: at most 488 bytes. They are as secret as the
    /// password and the account secret together, until the password changes: seal them under a key of the platform's, and
    /// wipe these.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn keep_unlocked(&self) -> Result<Vec<u8>, BlindtallyError> {
        Ok(self.look(|owner| owner.keep_unlocked().expose().to_vec())?)
    }

    /// Makes a ticket for an installer, good for 1 to 50 devices, and for whole seconds: at most 30 days (7 if none is
    /// given), or 24 hours for several devices (those if none is given). Register its `authenticator_hash` at the service;
    /// the ticket itself must never reach it.
    ///
    /// # Errors
    /// `ticket.lifetime`, `malformed.value` for other numbers of devices.
    #[uniffi::method(default(uses = 1, lifetime = None, now = None))]
    pub fn issue_ticket(
        &self,
        uses: i32,
        lifetime: Option<Duration>,
        now: Option<SystemTime>,
    ) -> Result<Arc<Ticket>, BlindtallyError> {
        let uses = TicketUses::several(u16::try_from(uses).map_err(|_| ParseError::Value)?)?;
        let lifetime = lifetime.map_or(uses.default_lifetime(), self::lifetime);
        let ticket = self.look(|owner| owner.issue_ticket(uses, lifetime, or_now(now)))??;
        Ok(Arc::new(Ticket { ticket }))
    }

    /// Examines an enrollment request that came through the service.
    ///
    /// # Errors
    /// `enrollment.`, `ticket.`, `malformed.`: it is not to be believed. `ticket.spent` is an alarm to show: another device
    /// used the ticket first.
    #[uniffi::method(default(now = None))]
    pub fn inspect(&self, request: Vec<u8>, now: Option<SystemTime>) -> Result<Inspection, BlindtallyError> {
        let now = or_now(now);
        let inspection: Result<_, InspectError> =
            self.look(|owner| owner.inspect(&EnrollmentRequest::from_bytes(&request)?, now))?;
        Ok(inspection?.into())
    }

    /// Gives a device its keys, which uses the request up: the outbox has the delivery. The device's request inspected again
    /// delivers again.
    ///
    /// # Errors
    /// `ticket.spent`, `ticket.cancelled`, `owner.device-revoked` if that came since the inspection, `binding.closed`. The request
    /// is used up by all but the last.
    #[uniffi::method(default(now = None))]
    pub fn approve(
        &self,
        request: Arc<VerifiedRequest>,
        now: Option<SystemTime>,
    ) -> Result<Arc<Change>, BlindtallyError> {
        // A wiped owner uses no request up.
        self.look(|_| ())?;
        let request = request.held.take()?;
        self.perform(|owner| owner.approve(request, or_now(now)))
    }

    /// Gives a device its keys once more.
    ///
    /// # Errors
    /// `owner.unknown-device`, `owner.device-revoked`, `malformed.` for no id of a device.
    #[uniffi::method(default(now = None))]
    pub fn redeliver(&self, device: String, now: Option<SystemTime>) -> Result<Arc<Change>, BlindtallyError> {
        let device = id(&device)?;
        self.perform(|owner| owner.redeliver(device, or_now(now)))
    }

    /// Revokes a device, for ever, and starts a new epoch. Without rotation it could still read tokens of the running epoch.
    ///
    /// # Errors
    /// `owner.unknown-device`, `malformed.` for no id of a device.
    #[uniffi::method(default(rotate = true, now = None))]
    pub fn revoke(
        &self,
        device: String,
        rotate: bool,
        now: Option<SystemTime>,
    ) -> Result<Arc<Change>, BlindtallyError> {
        let device = id(&device)?;
        let after = if rotate { AfterRevoking::Rotate } else { AfterRevoking::KeepEpoch };
        self.perform(|owner| owner.revoke(device, after, or_now(now)))
    }

    /// Starts a new epoch: new keys, new policy, a delivery for every device that stays. Old tokens stay readable.
    ///
    /// # Errors
    /// `owner.epochs-exhausted` after 65,535 epochs.
    #[uniffi::method(default(now = None))]
    pub fn rotate(&self, now: Option<SystemTime>) -> Result<Arc<Change>, BlindtallyError> {
        self.perform(|owner| owner.rotate(or_now(now)))
    }

    /// Makes the ticket of that id worthless.
    ///
    /// # Errors
    /// `malformed.` for no id of a ticket.
    #[uniffi::method(default(now = None))]
    pub fn cancel_ticket(&self, ticket: String, now: Option<SystemTime>) -> Result<Arc<Change>, BlindtallyError> {
        let ticket = id(&ticket)?;
        self.perform(|owner| owner.cancel_ticket(ticket, or_now(now)))
    }

    /// Changes how values of a class are brought into one form before they are tokenized.
    ///
    /// # Errors
    /// `malformed.value` for no class.
    #[uniffi::method(default(now = None))]
    pub fn set_canonical_form(
        &self,
        token_class: TokenClass,
        form: CanonicalForm,
        now: Option<SystemTime>,
    ) -> Result<Arc<Change>, BlindtallyError> {
        let class = token_class.core()?;
        self.perform(|owner| owner.set_canonical_form(class, form.into(), or_now(now)))
    }

    /// Replaces the password without touching any data: the same keys under a new one. The account secret, if there is one,
    /// stays.
    ///
    /// # Errors
    /// `password.invalid`, `kdf.` for parameters out of bounds.
    #[uniffi::method(default(kdf = None))]
    pub fn change_password(&self, password: Vec<u8>, kdf: Option<Kdf>) -> Result<Arc<PasswordChange>, BlindtallyError> {
        let (password, kdf) = (password::password(password)?, or_default(kdf)?);
        Ok(PasswordChange::new(self.change(|owner| owner.change_password(&password, kdf))??))
    }

    /// A backup that opens with a passphrase. Make a new one after every rotation: it holds the keys of now.
    ///
    /// # Errors
    /// `password.invalid`, `kdf.` for parameters out of bounds.
    #[uniffi::method(default(kdf = None))]
    pub fn backup_with_passphrase(
        &self,
        passphrase: Vec<u8>,
        kdf: Option<Kdf>,
    ) -> Result<Arc<Backup>, BlindtallyError> {
        let (passphrase, kdf) = (password::password(passphrase)?, or_default(kdf)?);
        Ok(Backup::new(self.look(|owner| owner.backup_with_passphrase(&passphrase, kdf))??))
    }

    /// A backup that opens with a new recovery key, and with nothing else.
    ///
    /// # Errors
    /// `entropy.unavailable`.
    pub fn backup_with_recovery_key(&self) -> Result<KeyedBackup, BlindtallyError> {
        let (backup, key) = self.look(blindtally::Owner::backup_with_recovery_key)??;
        Ok(KeyedBackup { backup: Backup::new(backup), key: RecoveryKey::new(key) })
    }

    /// Takes a vault that the service shows, of another dashboard perhaps: what each side did is merged.
    ///
    /// # Errors
    /// `unlock.`: it is not a vault of this account under this password.
    #[uniffi::method(default(now = None))]
    pub fn sync(&self, vault: Vec<u8>, now: Option<SystemTime>) -> Result<SyncOutcome, BlindtallyError> {
        Ok(self.change(|owner| owner.sync(&vault, or_now(now)))??.into())
    }

    /// Tokenizes what the owner typed, for a search. Never what a service sent: tokens of its words would tell it yours.
    ///
    /// # Errors
    /// `tokenize.too-long`, `malformed.value` for no class.
    pub fn tokenize_typed(&self, token_class: TokenClass, typed: String) -> Result<String, BlindtallyError> {
        let class = token_class.core()?;
        Ok(self.look(|owner| owner.tokenize_typed(class, &typed))??.to_string())
    }

    /// The token of the same value in the running epoch. Only for tokens whose words the owner has seen.
    ///
    /// # Errors
    /// As `reveal`.
    pub fn retokenize(&self, token: String) -> Result<String, BlindtallyError> {
        let token: Token = token.parse().map_err(RevealError::Malformed)?;
        Ok(self.look(|owner| owner.retokenize(&token))??.to_string())
    }

    /// Starts an archive, which is written to an output.
    ///
    /// # Errors
    /// `binding.stream`, `entropy.unavailable`.
    #[uniffi::method(default(now = None))]
    pub fn archive_writer(
        &self,
        output: Arc<dyn Output>,
        now: Option<SystemTime>,
    ) -> Result<Arc<ArchiveWriter>, BlindtallyError> {
        // The owner is not locked while the output is called.
        let start = self.look(|owner| owner.start_archive(or_now(now)))??;
        Ok(ArchiveWriter::new(&self.held, start.writer(Sink(output)).map_err(BlindtallyError::of_io)?))
    }

    /// Wipes every key now, whoever still refers to this object.
    pub fn wipe(&self) {
        self.held.wipe();
    }
}

fn duplicate(secret: Option<Arc<AccountSecret>>) -> Option<blindtally::AccountSecret> {
    secret.map(|secret| secret.secret.duplicate())
}

/// Whether a device still belongs to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum DeviceStatus {
    /// It does.
    Active,
    /// It is revoked, for ever.
    Revoked,
}

/// A device of the account, from the owner's own table.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Device {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// Its name, which it chose itself if it came with a ticket: text of an attacker's, perhaps.
    pub name: String,
    /// Whether it still belongs to the account.
    pub status: DeviceStatus,
    /// When it was first confirmed.
    pub confirmed_at: SystemTime,
    /// SHA-256 of its public keys: 64 hexadecimal digits.
    pub fingerprint: String,
    /// The same for people to compare: 24 characters.
    pub code: String,
}

impl From<(blindtally::DeviceId, &blindtally::Device)> for Device {
    fn from((id, device): (blindtally::DeviceId, &blindtally::Device)) -> Self {
        let fingerprint = device.identity().fingerprint();
        Self {
            id: id.to_string(),
            name: device.name().to_owned(),
            status: match device.status() {
                blindtally::DeviceStatus::Active => DeviceStatus::Active,
                blindtally::DeviceStatus::Revoked => DeviceStatus::Revoked,
            },
            confirmed_at: system_time(device.confirmed_at()),
            fingerprint: hex(&fingerprint),
            code: fingerprint.code(),
        }
    }
}
