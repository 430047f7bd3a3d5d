//! The account owner's end: holds every key of the account, decides who gets which, and reads.

use core::fmt;

use crate::archive::{ArchiveStart, ArchiveWriter};
use crate::backup::{Backup, RecoveryKey, Restored};
use crate::blob::BlobKey;
use crate::change::{Change, Draft, Outbox, PolicyChange, Progress, Stage};
use crate::class::{AnyClass, BlobClass, RecordClass, TokenClass};
use crate::delivery::{Bundle, DeliveryHeader, SealError, UnsignedDelivery};
use crate::enrollment::{ComparisonRequest, EnrollmentRequest, Inspection, Proof, VerifiedRequest};
use crate::error::{
    BlobError, InspectError, OwnerError, ParseError, RecordError, RevealError, TokenizeError, UnlockError,
};
use crate::id::{AccountId, DeviceId, Epoch, TicketId};
use crate::identity::{Fingerprint, Identity, RsaSize};
use crate::kept_login::KeptLogin;
use crate::keyring::{Device, DeviceStatus, Keyring};
use crate::master_key::{EpochKey, MasterKey, Scope};
use crate::opening_keys::OpeningKeys;
use crate::password::{
    AccountSecret, Kdf, LoginName, LoginProof, OwnWrapError, Password, Prelogin, Purpose, Stretch, Stretched,
    Unlocking, WrapKeys, Wrapping,
};
use crate::policy::{CanonicalForm, NO_PREVIOUS, Policy, SignedPolicy};
use crate::record::Record;
use crate::secret::{self, Secret};
use crate::suite::Suite;
use crate::ticket::{AccountCode, Ticket, TicketTerms, TicketUses};
use crate::time::{Lifetime, Timestamp};
use crate::token::Token;
use crate::token_batch::RevealBatch;

/// Choices at the creation of an account, or when it is restored.
#[derive(Debug, Default)]
pub struct OwnerOptions {
    /// How the password is stretched.
    pub kdf: Kdf,
    /// An account secret that the owner keeps beside the password.
    pub account_secret: Option<AccountSecret>,
    /// Key pairs made elsewhere; `None` generates them here. Not used when restoring.
    pub identity: Option<Identity>,
    /// Size of the key pairs generated here.
    pub rsa: RsaSize,
}

/// The owner of an account, unlocked. Everything it knows is wiped on drop.
pub struct Owner {
    keyring: Keyring,
    current: EpochKey,
    keys: OpeningKeys,
    wrapping: Wrapping,
    login: LoginName,
    account_secret: Option<AccountSecret>,
    /// Generation of the vault that the service is believed to hold: what the next change is stored over.
    stored: u64,
}

/// What can be done to an account. Each has a method on [`Owner`] that signs here; [`Owner::draft`] lets others sign.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "made once and matched at once")]
pub enum Operation {
    /// Gives a device its keys.
    Approve(VerifiedRequest),
    /// Gives a device its keys once more, with a new sequence number.
    Redeliver(DeviceId),
    /// Revokes a device.
    Revoke(DeviceId, AfterRevoking),
    /// Starts a new epoch with a new MasterKey.
    Rotate,
    /// Makes a ticket that was issued worthless.
    CancelTicket(TicketId),
    /// Changes how values of a class are brought into one form.
    SetCanonicalForm(TokenClass, CanonicalForm),
}

/// Whether revoking a device also starts a new epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRevoking {
    /// New keys for everyone who stays: from then on the device's keys are worthless.
    Rotate,
    /// The same keys: the honest service takes nothing from the device any more, but it could still read tokens.
    KeepEpoch,
}

/// The highest generation believed of a service, which proves none: whoever restores has to be able to exceed it ever after,
/// in 63 bits, since databases hold no more.
const GENERATION_SHOWN_MAX: u64 = 1 << 62;

/// What the service shows of an account that is being restored from an old backup.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceHead<'a> {
    /// Generation of the vault it holds, up to 2^62; 0 if it holds none.
    pub generation: u64,
    /// The signed policy it holds, if any; believed only if the account signed it.
    pub policy: Option<&'a [u8]>,
}

/// A password being set: for a new account, a restored one, or instead of an old one.
#[derive(Debug)]
pub struct NewPassword {
    login: LoginName,
    prelogin: Prelogin,
    account_secret: Option<AccountSecret>,
    stretch: Stretch,
}

impl NewPassword {
    fn start(
        login: LoginName,
        account: AccountId,
        kdf: Kdf,
        account_secret: Option<AccountSecret>,
    ) -> Result<Self, OwnerError> {
        let salt = secret::random()?;
        let stretch = Stretch::new(kdf, login.as_str(), account, Purpose::Login, &salt)?;
        Ok(Self { login, prelogin: Prelogin { kdf, salt, account }, account_secret, stretch })
    }

    /// For a new account with a fresh id.
    ///
    /// # Errors
    /// [`OwnerError::Credential`] for parameters out of bounds.
    pub fn for_new_account(
        login: LoginName,
        kdf: Kdf,
        account_secret: Option<AccountSecret>,
    ) -> Result<Self, OwnerError> {
        Self::start(login, AccountId::from_bytes(secret::random()?), kdf, account_secret)
    }

    /// For an account restored from a backup.
    ///
    /// # Errors
    /// As [`NewPassword::for_new_account`].
    pub fn for_restored(
        restored: &Restored,
        login: LoginName,
        kdf: Kdf,
        account_secret: Option<AccountSecret>,
    ) -> Result<Self, OwnerError> {
        Self::start(login, restored.account(), kdf, account_secret)
    }

    /// The slow step to do next.
    pub fn stretch(&self) -> &Stretch {
        &self.stretch
    }

    fn finish(self, stretched: Stretched) -> (LoginName, Wrapping, Option<AccountSecret>) {
        let keys = WrapKeys::from_password(stretched, self.account_secret.as_ref());
        let Prelogin { kdf, salt, .. } = self.prelogin;
        (self.login, Wrapping { kdf: Some(kdf), salt, purpose: Purpose::Login, keys }, self.account_secret)
    }
}

/// A new account that still needs one signature by its own signing key, for callers who sign elsewhere: as
/// [`Draft`] says, over [`UnsignedAccount::message`].
pub struct UnsignedAccount {
    new: NewPassword,
    stretched: Stretched,
    identity: Identity,
    master_key: MasterKey,
    policy: Policy,
}

impl UnsignedAccount {
    /// With the stretched password and the account's key pairs.
    ///
    /// # Errors
    /// [`OwnerError::Entropy`].
    pub fn new(new: NewPassword, stretched: Stretched, identity: Identity, now: Timestamp) -> Result<Self, OwnerError> {
        let scope = Scope { account: new.prelogin.account, epoch: Epoch::FIRST };
        let master_key = MasterKey::generate()?;
        let policy = Policy {
            account: scope.account,
            fingerprint: identity.public().fingerprint(),
            version: now.unix_secs().max(1),
            issued_at: now.unix_secs(),
            previous: NO_PREVIOUS,
            floors: Suite::FLOORS.iter().map(|suite| *suite as u8).collect(),
            epoch: scope.epoch,
            key_id: master_key.epoch_key(scope).key_id(),
            revoked: Vec::new(),
            classes: default_classes(),
            unreadable: Vec::new(),
            needs_upgrade: false,
        };
        Ok(Self { new, stretched, identity, master_key, policy })
    }

    /// The account's keys.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What to sign.
    pub fn message(&self) -> Vec<u8> {
        Policy::message(&self.policy.encode())
    }

    /// The account, signed.
    ///
    /// # Errors
    /// [`OwnerError::Signature`] if the signature does not verify, [`OwnerError::Entropy`].
    pub fn finish(self, signature: &[u8]) -> Result<(Owner, Change), OwnerError> {
        if !self.identity.public().verifies(&self.message(), signature) {
            return Err(OwnerError::Signature);
        }
        let Self { new, stretched, identity, master_key, policy } = self;
        let scope = Scope { account: policy.account, epoch: policy.epoch };
        let current = master_key.epoch_key(scope);
        let keyring = Keyring {
            account: scope.account,
            generation: 0,
            epochs: vec![(scope.epoch, master_key)],
            policy: SignedPolicy::assemble(policy, signature),
            identity,
            ticket_root: Secret::random()?,
            devices: Default::default(),
            cancelled: Default::default(),
        };
        let keys = OpeningKeys::new(&keyring);
        let (login, wrapping, account_secret) = new.finish(stretched);
        let mut owner = Owner { keyring, current, keys, wrapping, login, account_secret, stored: 0 };
        let next = owner.keyring.duplicate();
        let outbox = Outbox { policy: Some(next.policy.as_bytes().to_vec()), ..Outbox::default() };
        let change = owner.store(next, outbox)?;
        Ok((owner, change))
    }
}

impl fmt::Debug for UnsignedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnsignedAccount({}, ..)", self.policy.account)
    }
}

/// A passphrase being set for a backup.
#[derive(Debug)]
pub struct NewPassphrase {
    kdf: Kdf,
    salt: [u8; 16],
    stretch: Stretch,
}

impl NewPassphrase {
    /// The slow step to do next.
    pub fn stretch(&self) -> &Stretch {
        &self.stretch
    }
}

/// A changed password: what the service needs to exchange the old for the new in one transaction.
#[derive(Debug)]
#[must_use]
pub struct PasswordChange {
    /// Shows the service that the old password was known.
    pub old_proof: LoginProof,
    /// The proof to take from now on.
    pub new_proof: LoginProof,
    /// What to answer to prelogin from now on.
    pub prelogin: Prelogin,
    /// The rewrapped vault. Its outbox is empty.
    pub change: Change,
}

/// What became of a vault that the service showed.
#[derive(Debug)]
#[must_use]
pub enum Sync<T = Change> {
    /// It holds what this owner holds.
    Same,
    /// It held more: this owner has taken it over.
    Adopted,
    /// This owner held more, or both held something of their own: store the union.
    Store(Box<T>),
}

impl Owner {
    /// Creates an account: identity, MasterKey, first policy. Takes seconds: it generates RSA keys and stretches a
    /// password.
    ///
    /// ```
    /// # use blindtally::*;
    /// # fn main() -> Result<(), Error> {
    /// # let now = Timestamp::from_unix_secs(1_760_000_000);
    /// let password = Password::new("correct horse battery staple")?;
    /// let (owner, change) = Owner::create("anna@example.com", &password, OwnerOptions::default(), now)?;
    /// assert_eq!(change.expected(), 0);
    /// assert_eq!(owner.prelogin().kdf, Kdf::default());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`OwnerError::Credential`] for unusable credentials or parameters, [`OwnerError::Entropy`].
    #[cfg(feature = "rsa-private")]
    pub fn create(
        login: &str,
        password: &Password,
        options: OwnerOptions,
        now: Timestamp,
    ) -> Result<(Self, Change), OwnerError> {
        let new = NewPassword::for_new_account(LoginName::new(login)?, options.kdf, options.account_secret)?;
        let stretched = new.stretch.run(password)?;
        let identity = match options.identity {
            Some(identity) => identity,
            None => Identity::generate(options.rsa)?,
        };
        Self::create_stretched(new, stretched, identity, now)
    }

    /// [`Owner::create`] after a platform stretched the password and made the key pairs.
    ///
    /// # Errors
    /// As [`Owner::create`].
    #[cfg(feature = "rsa-private")]
    pub fn create_stretched(
        new: NewPassword,
        stretched: Stretched,
        identity: Identity,
        now: Timestamp,
    ) -> Result<(Self, Change), OwnerError> {
        let account = UnsignedAccount::new(new, stretched, identity, now)?;
        let signature = account.identity.sign(&account.message()).map_err(|_| OwnerError::Rsa)?;
        account.finish(&signature)
    }

    /// Opens the vault that came back for a login proof. `seen` is the highest generation of this account's vault that
    /// this client remembers, or 0 for one without a memory.
    ///
    /// # Errors
    /// [`UnlockError::Wrong`] for a wrong password or account secret, [`UnlockError::RolledBack`] for a vault older
    /// than `seen`, [`UnlockError::Header`] if the service changed its mind about the parameters.
    pub fn unlock(unlocking: Unlocking, vault: &[u8], seen: u64) -> Result<Self, UnlockError> {
        Self::try_unlock(unlocking, vault, seen).map_err(|(error, _)| error)
    }

    /// [`Owner::unlock`] that hands the login back where the vault does not open: another vault can be tried without
    /// another slow step.
    ///
    /// # Errors
    /// As [`Owner::unlock`], with the login.
    pub fn try_unlock(unlocking: Unlocking, vault: &[u8], seen: u64) -> Result<Self, (UnlockError, Box<Unlocking>)> {
        let (keyring, current) = match open_vault(&unlocking, vault, seen) {
            Ok(opened) => opened,
            Err(error) => return Err((error, Box::new(unlocking))),
        };
        let keys = OpeningKeys::new(&keyring);
        let Unlocking { name, wrapping, account_secret, .. } = unlocking;
        let stored = keyring.generation;
        Ok(Self { keyring, current, keys, wrapping, login: name, account_secret, stored })
    }

    /// Makes an opened backup an owner again, under a new password. Takes the account above whatever `head` and the
    /// clock show, so that no agent refuses what comes next, and delivers to every device the backup knows and the policy
    /// that the service shows does not revoke. Every ticket issued before is void. Look through [`Owner::devices`]
    /// afterwards: a service that withholds its policy hides what was revoked since the backup was made.
    ///
    /// # Errors
    /// As [`Owner::create`]; [`OwnerError::Full`] if the service shows numbers that cannot be exceeded.
    #[cfg(feature = "rsa-private")]
    pub fn restore(
        restored: Restored,
        login: &str,
        password: &Password,
        options: OwnerOptions,
        head: ServiceHead<'_>,
        now: Timestamp,
    ) -> Result<(Self, Change), OwnerError> {
        let new = NewPassword::for_restored(&restored, LoginName::new(login)?, options.kdf, options.account_secret)?;
        let stretched = new.stretch.run(password)?;
        Self::restore_stretched(restored, new, stretched, head, now)
    }

    /// [`Owner::restore`] after a platform stretched the password.
    ///
    /// # Errors
    /// As [`Owner::restore`].
    #[cfg(feature = "rsa-private")]
    pub fn restore_stretched(
        restored: Restored,
        new: NewPassword,
        stretched: Stretched,
        head: ServiceHead<'_>,
        now: Timestamp,
    ) -> Result<(Self, Change), OwnerError> {
        let (mut owner, draft) = Self::draft_restore(&restored, new, stretched, head, now)?;
        let change = owner.sign_all(draft)?;
        Ok((owner, change))
    }

    /// [`Owner::restore_stretched`] for callers who sign elsewhere: the account is restored once the draft is done.
    ///
    /// # Errors
    /// As [`Owner::restore`].
    pub fn draft_restore(
        restored: &Restored,
        new: NewPassword,
        stretched: Stretched,
        head: ServiceHead<'_>,
        now: Timestamp,
    ) -> Result<(Self, Draft), OwnerError> {
        if head.generation > GENERATION_SHOWN_MAX {
            return Err(OwnerError::Full);
        }
        let mut keyring = restored.keyring.duplicate();
        let keys = OpeningKeys::new(&keyring);
        keyring.generation = keyring.generation.max(head.generation);
        let current = keyring.current_key().ok_or(ParseError::Value)?;
        let shown = head
            .policy
            .and_then(|policy| SignedPolicy::open(policy, keyring.account, keyring.identity.public()).ok().flatten());
        let (login, wrapping, account_secret) = new.finish(stretched);
        let stored = head.generation;
        let owner = Self { keyring, current, keys, wrapping, login, account_secret, stored };
        let mut next = owner.keyring.duplicate();
        // Tickets spent since the backup was made are forgotten: none of the old ones is good any more.
        next.ticket_root = Secret::random()?;
        for device in shown.iter().flat_map(|shown| shown.policy().revoked()) {
            if let Some(known) = next.devices.get_mut(device) {
                known.status = DeviceStatus::Revoked;
            }
        }
        let mut policy = next_policy(&next, now)?;
        policy.previous = NO_PREVIOUS;
        if let Some(shown) = shown.as_ref().map(SignedPolicy::policy) {
            // Of devices that the backup does not know, too.
            revoke(&mut policy, shown.revoked().iter().copied());
            policy.version = policy.version.max(shown.version.checked_add(1).ok_or(OwnerError::Full)?);
            // An epoch that is not the backup's, even by the same number: agents take no second key for one.
            if (shown.epoch, shown.key_id) != (policy.epoch, policy.key_id) && shown.epoch >= policy.epoch {
                rotate(&mut next, &mut policy, shown.epoch)?;
            }
        }
        let devices = active(&next);
        let draft = owner.begin(next, Some(policy), devices, now)?;
        Ok((owner, draft))
    }

    /// The account's id.
    pub fn account(&self) -> AccountId {
        self.keyring.account
    }

    /// The account's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.keyring.identity.public().fingerprint()
    }

    /// The account's keys.
    pub fn identity(&self) -> &Identity {
        &self.keyring.identity
    }

    /// What a person types into an agent that has no ticket.
    pub fn account_code(&self) -> AccountCode {
        AccountCode::new(self.keyring.account, &self.fingerprint())
    }

    /// The login name, normalised.
    pub fn login(&self) -> &LoginName {
        &self.login
    }

    /// What the service answers to prelogin for this account.
    pub fn prelogin(&self) -> Prelogin {
        let Wrapping { kdf, salt, .. } = self.wrapping;
        Prelogin { kdf: kdf.unwrap_or_default(), salt, account: self.keyring.account }
    }

    /// What the service takes as proof of the password; it keeps a SHA-256 of it.
    pub fn login_proof(&self) -> LoginProof {
        self.wrapping.keys.proof()
    }

    /// What opens the vault again without the password, for a person who chose to stay unlocked. It holds what was
    /// derived from the password, and the account secret if there is one, and ends with the password: after a change the
    /// service refuses its proof, and it does not open the new vault.
    pub fn keep_unlocked(&self) -> KeptLogin {
        KeptLogin::new(&self.login, &self.prelogin(), &self.wrapping.keys, self.account_secret.as_ref())
    }

    /// What shows the service that a backup of this account was opened, when the password is lost; it keeps a SHA-256
    /// of it. Independent of every key that protects data.
    pub fn recovery_proof(&self) -> LoginProof {
        recovery_proof(&self.keyring)
    }

    /// Generation of the newest vault made or opened here. Clients remember it, and pass it to [`Owner::unlock`].
    pub fn generation(&self) -> u64 {
        self.keyring.generation
    }

    /// The policy in force.
    pub fn policy(&self) -> &SignedPolicy {
        &self.keyring.policy
    }

    /// The devices of the account, in order of id: the owner's own table, never the service's directory.
    pub fn devices(&self) -> impl ExactSizeIterator<Item = (DeviceId, &Device)> {
        self.keyring.devices.iter().map(|(id, device)| (*id, device))
    }

    /// Makes a ticket for an installer. Nothing needs to be stored: any unlocked client can verify it. Register
    /// [`Ticket::authenticator_hash`] at the service; the ticket itself must never reach it.
    ///
    /// # Errors
    /// [`OwnerError::Lifetime`] for more than 30 days, or 24 hours for one of several uses, or no time at all.
    pub fn issue_ticket(&self, uses: TicketUses, lifetime: Lifetime, now: Timestamp) -> Result<Ticket, OwnerError> {
        if lifetime > uses.lifetime_max() || lifetime.as_secs() == 0 {
            return Err(OwnerError::Lifetime);
        }
        let id = TicketId::from_bytes(secret::random()?);
        let expiry = now.unix_secs().checked_add(lifetime.as_secs()).ok_or(OwnerError::Lifetime)?;
        let terms = TicketTerms { account: self.keyring.account, id, expiry, uses };
        Ok(Ticket { secret: terms.secret(&self.keyring.ticket_root), terms, fingerprint: self.fingerprint() })
    }

    /// Examines an enrollment request that came through the service (SPEC.md#inspect).
    ///
    /// # Errors
    /// [`InspectError::Spent`] is an alarm to show: another device used the ticket first. [`InspectError::Mac`] means
    /// that the request was not made with a ticket of this account, or was changed on its way.
    pub fn inspect(&self, request: &EnrollmentRequest, now: Timestamp) -> Result<Inspection, InspectError> {
        let own = self.fingerprint();
        let ours = match &request.proof {
            Proof::Comparison { prefix, .. } => *prefix == own.prefix(),
            Proof::Ticket { fingerprint, .. } => *fingerprint == own,
        };
        if request.account != self.keyring.account || !ours {
            return Err(InspectError::OtherAccount);
        }
        let device = request.device_id();
        let known = self.keyring.devices.get(&device);
        if self.keyring.is_revoked(device) {
            return Err(InspectError::Revoked);
        }
        match &request.proof {
            Proof::Comparison { .. } => Ok(Inspection::NeedsComparison(ComparisonRequest { request: request.clone() })),
            Proof::Ticket { terms, .. } => {
                let keys = terms.secret(&self.keyring.ticket_root).keys(terms.account, terms.id);
                let name = request.authenticate(&keys)?;
                let again = known.is_some_and(|known| known.ticket == Some(terms.id) && known.nonce == request.nonce);
                if !again {
                    if self.keyring.cancelled.contains(&terms.id) {
                        return Err(InspectError::Cancelled);
                    }
                    if terms.expired(now) {
                        return Err(InspectError::Expired);
                    }
                    if self.keyring.uses_of(terms.id, device) >= terms.uses.get().into() {
                        return Err(InspectError::Spent);
                    }
                }
                Ok(Inspection::Verified(VerifiedRequest {
                    identity: request.identity.clone(),
                    nonce: request.nonce,
                    ticket: Some(*terms),
                    name,
                    device,
                }))
            }
        }
    }

    /// Gives a device its keys: the outbox has its delivery. The same request again delivers again.
    ///
    /// # Errors
    /// [`OwnerError::TicketSpent`], [`OwnerError::TicketCancelled`], [`OwnerError::DeviceRevoked`] if that came about
    /// since the inspection; [`OwnerError::Full`].
    #[cfg(feature = "rsa-private")]
    pub fn approve(&mut self, request: VerifiedRequest, now: Timestamp) -> Result<Change, OwnerError> {
        self.perform(Operation::Approve(request), now)
    }

    /// Gives a device its keys once more.
    ///
    /// # Errors
    /// [`OwnerError::UnknownDevice`], [`OwnerError::DeviceRevoked`].
    #[cfg(feature = "rsa-private")]
    pub fn redeliver(&mut self, device: DeviceId, now: Timestamp) -> Result<Change, OwnerError> {
        self.perform(Operation::Redeliver(device), now)
    }

    /// Revokes a device, for ever. Without rotation it could still read tokens of the running epoch.
    ///
    /// # Errors
    /// [`OwnerError::UnknownDevice`], [`OwnerError::Epochs`].
    #[cfg(feature = "rsa-private")]
    pub fn revoke(&mut self, device: DeviceId, after: AfterRevoking, now: Timestamp) -> Result<Change, OwnerError> {
        self.perform(Operation::Revoke(device, after), now)
    }

    /// Starts a new epoch: new MasterKey, new policy, a delivery for every device that stays. Tokens of the old epoch
    /// stay readable; totals split at the boundary, and the owner's report merges them by revealed value.
    ///
    /// # Errors
    /// [`OwnerError::Epochs`] after 65,535 epochs.
    #[cfg(feature = "rsa-private")]
    pub fn rotate(&mut self, now: Timestamp) -> Result<Change, OwnerError> {
        self.perform(Operation::Rotate, now)
    }

    /// Makes a ticket worthless.
    ///
    /// # Errors
    /// [`OwnerError::Full`].
    #[cfg(feature = "rsa-private")]
    pub fn cancel_ticket(&mut self, ticket: TicketId, now: Timestamp) -> Result<Change, OwnerError> {
        self.perform(Operation::CancelTicket(ticket), now)
    }

    /// Changes how values of a class are brought into one form before they are tokenized.
    ///
    /// # Errors
    /// [`OwnerError::Full`].
    #[cfg(feature = "rsa-private")]
    pub fn set_canonical_form(
        &mut self,
        class: TokenClass,
        form: CanonicalForm,
        now: Timestamp,
    ) -> Result<Change, OwnerError> {
        self.perform(Operation::SetCanonicalForm(class, form), now)
    }

    /// Replaces the password without touching any data: the same keyring under new keys.
    ///
    /// # Errors
    /// [`OwnerError::Credential`] for parameters out of bounds.
    pub fn change_password(&mut self, password: &Password, kdf: Kdf) -> Result<PasswordChange, OwnerError> {
        let new = self.new_password(kdf)?;
        let stretched = new.stretch.run(password)?;
        self.change_password_stretched(new, stretched)
    }

    /// Starts [`Owner::change_password`] for a platform that stretches the password. The account secret, if there is
    /// one, stays.
    ///
    /// # Errors
    /// As [`Owner::change_password`].
    pub fn new_password(&self, kdf: Kdf) -> Result<NewPassword, OwnerError> {
        let account_secret = self.account_secret.as_ref().map(AccountSecret::duplicate);
        NewPassword::start(self.login.clone(), self.keyring.account, kdf, account_secret)
    }

    /// Finishes what [`Owner::new_password`] started.
    ///
    /// # Errors
    /// As [`Owner::change_password`].
    pub fn change_password_stretched(
        &mut self,
        new: NewPassword,
        stretched: Stretched,
    ) -> Result<PasswordChange, OwnerError> {
        let old_proof = self.login_proof();
        let (login, wrapping, account_secret) = new.finish(stretched);
        let old = core::mem::replace(&mut self.wrapping, wrapping);
        match self.store(self.keyring.duplicate(), Outbox::default()) {
            Ok(change) => {
                self.login = login;
                self.account_secret = account_secret;
                Ok(PasswordChange { old_proof, new_proof: self.login_proof(), prelogin: self.prelogin(), change })
            }
            Err(error) => {
                self.wrapping = old;
                Err(error)
            }
        }
    }

    /// A backup that opens with a passphrase. Make a new one after every rotation: it holds the keys of now.
    ///
    /// # Errors
    /// [`OwnerError::Credential`] for parameters out of bounds.
    pub fn backup_with_passphrase(&self, passphrase: &Password, kdf: Kdf) -> Result<Backup, OwnerError> {
        let new = self.new_passphrase(kdf)?;
        let stretched = new.stretch.run(passphrase)?;
        self.backup_stretched(new, stretched)
    }

    /// Starts [`Owner::backup_with_passphrase`] for a platform that stretches the passphrase.
    ///
    /// # Errors
    /// As [`Owner::backup_with_passphrase`].
    pub fn new_passphrase(&self, kdf: Kdf) -> Result<NewPassphrase, OwnerError> {
        let salt = secret::random()?;
        let stretch = Stretch::new(kdf, "", self.keyring.account, Purpose::BackupPassphrase, &salt)?;
        Ok(NewPassphrase { kdf, salt, stretch })
    }

    /// Finishes what [`Owner::new_passphrase`] started.
    ///
    /// # Errors
    /// [`OwnerError::Full`], [`OwnerError::Entropy`].
    pub fn backup_stretched(&self, new: NewPassphrase, stretched: Stretched) -> Result<Backup, OwnerError> {
        let keys = WrapKeys::from_password(stretched, None);
        self.backup(Wrapping { kdf: Some(new.kdf), salt: new.salt, purpose: Purpose::BackupPassphrase, keys })
    }

    /// A backup that opens with a fresh recovery key, to be written down apart from it.
    ///
    /// # Errors
    /// [`OwnerError::Entropy`].
    pub fn backup_with_recovery_key(&self) -> Result<(Backup, RecoveryKey), OwnerError> {
        let salt = secret::random()?;
        let key = RecoveryKey::generate()?;
        let keys = key.wrap_keys(self.keyring.account, &salt);
        let backup = self.backup(Wrapping { kdf: None, salt, purpose: Purpose::BackupRecoveryKey, keys })?;
        Ok((backup, key))
    }

    fn backup(&self, wrapping: Wrapping) -> Result<Backup, OwnerError> {
        let bytes = wrapping.wrap(self.keyring.account, self.keyring.generation, &self.keyring.encode())?;
        Ok(Backup::new(bytes, &self.fingerprint())?)
    }

    /// Reconciles with a vault that the service holds: after a conflict, or when another client may have stored one.
    /// Nothing either side knows is lost; if both had made something of their own, the union is signed anew.
    ///
    /// # Errors
    /// [`OwnerError::Unlock`] if the vault does not open with this owner's password or is another account's.
    #[cfg(feature = "rsa-private")]
    pub fn sync(&mut self, vault: &[u8], now: Timestamp) -> Result<Sync, OwnerError> {
        Ok(match self.draft_sync(vault, now)? {
            Sync::Same => Sync::Same,
            Sync::Adopted => Sync::Adopted,
            Sync::Store(draft) => Sync::Store(Box::new(self.sign_all(*draft)?)),
        })
    }

    /// [`Owner::sync`] for callers who sign elsewhere.
    ///
    /// # Errors
    /// As [`Owner::sync`].
    pub fn draft_sync(&mut self, vault: &[u8], now: Timestamp) -> Result<Sync<Draft>, OwnerError> {
        let shown = self.open_own(vault)?;
        let union = self.keyring.merge(&shown)?;
        self.stored = shown.generation;
        // Agents may have this client's policy already: they must be able to take the other's, or get one that they can.
        if union.same_content(&shown) && shown.policy.follows(&self.keyring.policy) {
            let same = shown.same_content(&self.keyring);
            self.adopt(union)?;
            return Ok(if same { Sync::Same } else { Sync::Adopted });
        }
        let mut next = union;
        let mut policy = next_policy(&next, now)?;
        policy.previous = NO_PREVIOUS;
        let newest = next.epochs.last().map(|(epoch, _)| *epoch).unwrap_or(policy.epoch);
        let keys_of_newest = next.epochs.iter().filter(|(epoch, _)| *epoch == newest).count();
        if policy.epoch != newest || keys_of_newest > 1 {
            rotate(&mut next, &mut policy, newest)?;
        }
        let devices = active(&next);
        Ok(Sync::Store(Box::new(self.begin(next, Some(policy), devices, now)?)))
    }

    /// Opens one token.
    ///
    /// # Errors
    /// [`RevealError::Tampered`] for a damaged or foreign token, [`RevealError::NoKey`] for an epoch not known here.
    pub fn reveal(&self, token: &Token) -> Result<String, RevealError> {
        self.keys.reveal(token)
    }

    /// Opens many tokens, of any classes and epochs, from text; each has a result of its own in `out`.
    pub fn reveal_batch(&self, texts: impl IntoIterator<Item = impl AsRef<str>>, out: &mut RevealBatch) {
        self.keys.reveal_batch(texts, out);
    }

    /// Opens a record. Which device sealed it, and when, its header says.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn open_record(&self, record: &Record) -> Result<zeroize::Zeroizing<String>, RecordError> {
        self.keys.open_record(record)
    }

    /// Opens a whole blob in memory; [`Owner::opening_keys`] has what opens streams and files.
    ///
    /// # Errors
    /// [`BlobError`].
    pub fn open_blob(&self, blob: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, BlobError> {
        self.keys.open_blob(blob)
    }

    /// What opens tokens, records, blobs and archives.
    pub fn opening_keys(&self) -> &OpeningKeys {
        &self.keys
    }

    /// Starts an archive: a file that holds others, sealed and signed by the account, and opens without the service.
    ///
    /// # Errors
    /// Those of `inner`; [`BlobError`] within [`std::io::Error`].
    pub fn archive_writer<W: std::io::Write>(&self, inner: W, now: Timestamp) -> std::io::Result<ArchiveWriter<W>> {
        self.start_archive(now)?.writer(inner)
    }

    /// Starts [`Owner::archive_writer`] for those that must not hold the owner while they write.
    ///
    /// # Errors
    /// [`BlobError::Entropy`].
    pub fn start_archive(&self, now: Timestamp) -> Result<ArchiveStart, BlobError> {
        let key = self.current.class_key(BlobClass::ARCHIVE).device_key(self.keys.own_device());
        let sealer = BlobKey::new(&key).sealer(now.unix_millis())?;
        Ok(ArchiveStart::new(sealer, self.account(), self.identity().public().clone(), now))
    }

    /// Tokenizes what the owner typed (SPEC.md#typed): a category's name, a search. Never feed it values that the
    /// service chose: the tokens would tell it which of them occur.
    ///
    /// # Errors
    /// [`TokenizeError::TooLong`].
    pub fn tokenize_typed(&self, class: TokenClass, typed: &str) -> Result<Token, TokenizeError> {
        let policy = self.keyring.policy.policy();
        let canonical = policy.canonical_form(class).apply(typed);
        self.tokenize_exact(class, &canonical)
    }

    /// The value of a token in the running epoch: for one row of an earlier epoch that a person has picked, to search for
    /// it, or to give it a category.
    ///
    /// Never retokenize what the service listed unless a person chose that row. That a token was observed is the service's
    /// word: together with a revoked device it can present tokens of words of its choosing, and the new tokens would tell
    /// it which of those words occur, as if nothing had been rotated. To follow values and their categories over a
    /// rotation, put together what reveals to the same word.
    ///
    /// # Errors
    /// As [`Owner::reveal`].
    pub fn retokenize(&self, token: &Token) -> Result<Token, RevealError> {
        let value = zeroize::Zeroizing::new(self.reveal(token)?);
        self.tokenize_exact(token.class(), &value).map_err(|_| RevealError::Plaintext)
    }

    fn tokenize_exact(&self, class: TokenClass, value: &str) -> Result<Token, TokenizeError> {
        crate::token::TokenKey::new(&self.current.class_key(class)).tokenize(value)
    }

    /// Prepares an operation whose signatures are made elsewhere. Nothing has changed until [`Owner::advance`] is done.
    ///
    /// # Errors
    /// As the method of the operation's name.
    pub fn draft(&self, operation: Operation, now: Timestamp) -> Result<Draft, OwnerError> {
        let mut next = self.keyring.duplicate();
        let mut deliver_to = Vec::new();
        let mut policy = None;
        match operation {
            Operation::Approve(request) => deliver_to.push(admit(&mut next, request, now)?),
            Operation::Redeliver(device) => {
                let known = next.devices.get(&device).ok_or(OwnerError::UnknownDevice)?;
                if known.status == DeviceStatus::Revoked {
                    return Err(OwnerError::DeviceRevoked);
                }
                deliver_to.push(device);
            }
            Operation::Revoke(device, after) => {
                next.devices.get_mut(&device).ok_or(OwnerError::UnknownDevice)?.status = DeviceStatus::Revoked;
                let mut changed = next_policy(&next, now)?;
                if after == AfterRevoking::Rotate {
                    let newest = changed.epoch;
                    rotate(&mut next, &mut changed, newest)?;
                    deliver_to = active(&next);
                }
                policy = Some(changed);
            }
            Operation::Rotate => {
                let mut changed = next_policy(&next, now)?;
                let newest = changed.epoch;
                rotate(&mut next, &mut changed, newest)?;
                deliver_to = active(&next);
                policy = Some(changed);
            }
            Operation::CancelTicket(ticket) => _ = next.cancelled.insert(ticket),
            Operation::SetCanonicalForm(class, form) => {
                let mut changed = next_policy(&next, now)?;
                match changed.classes.binary_search_by_key(&class.id(), |(known, _)| known.id()) {
                    Ok(at) => changed.classes[at].1 = form,
                    Err(at) => changed.classes.insert(at, (AnyClass::Token(class), form)),
                }
                policy = Some(changed);
            }
        }
        self.begin(next, policy, deliver_to, now)
    }

    /// Adds the signatures of [`Draft::messages`], in their order.
    ///
    /// # Errors
    /// [`OwnerError::Signature`] if one does not verify, [`OwnerError::Stale`] if the account changed meanwhile.
    pub fn advance(&mut self, draft: Draft, signatures: Vec<Vec<u8>>) -> Result<Progress, OwnerError> {
        if draft.next.generation != self.keyring.generation {
            return Err(OwnerError::Stale);
        }
        let messages = draft.messages();
        let public = self.keyring.identity.public();
        let sound = messages.len() == signatures.len()
            && messages.iter().zip(&signatures).all(|(message, signature)| public.verifies(message, signature));
        if !sound {
            return Err(OwnerError::Signature);
        }
        let Draft { mut next, stage, deliver_to, revoked, policy_changed, now } = draft;
        match stage {
            Stage::Policy(policy) => {
                let signature = signatures.first().map_or(&[][..], Vec::as_slice);
                next.policy = SignedPolicy::assemble(*policy, signature);
                let unsigned = prepare_deliveries(&mut next, &deliver_to, now)?;
                let stage = Stage::Deliveries(unsigned);
                let policy_changed = PolicyChange::New;
                Ok(Progress::Sign(Box::new(Draft { next, stage, deliver_to, revoked, policy_changed, now })))
            }
            Stage::Deliveries(unsigned) => {
                let signed = unsigned.into_iter().zip(signatures);
                let deliveries =
                    signed.map(|(delivery, signature)| (delivery.recipient, delivery.assemble(&signature)));
                let outbox = Outbox {
                    deliveries: deliveries.collect(),
                    policy: (policy_changed == PolicyChange::New).then(|| next.policy.as_bytes().to_vec()),
                    revoked,
                };
                self.store(next, outbox).map(Progress::Done)
            }
        }
    }

    #[cfg(feature = "rsa-private")]
    fn perform(&mut self, operation: Operation, now: Timestamp) -> Result<Change, OwnerError> {
        let draft = self.draft(operation, now)?;
        self.sign_all(draft)
    }

    fn begin(
        &self,
        mut next: Keyring,
        policy: Option<Policy>,
        deliver_to: Vec<DeviceId>,
        now: Timestamp,
    ) -> Result<Draft, OwnerError> {
        let known = self.keyring.policy.policy().revoked();
        let revoked = next.revoked().into_iter().filter(|device| !known.contains(device)).collect();
        next.generation = self.keyring.generation;
        let stage = match policy {
            Some(policy)
                if policy.revoked.len() > usize::from(u16::MAX)
                    || policy.encode().len() > crate::policy::POLICY_MAX - 1024 =>
            {
                return Err(OwnerError::Full);
            }
            Some(policy) => Stage::Policy(Box::new(policy)),
            None => Stage::Deliveries(prepare_deliveries(&mut next, &deliver_to, now)?),
        };
        Ok(Draft { next, stage, deliver_to, revoked, policy_changed: PolicyChange::Kept, now })
    }

    #[cfg(feature = "rsa-private")]
    fn sign_all(&mut self, mut draft: Draft) -> Result<Change, OwnerError> {
        loop {
            let sign = |message: Vec<u8>| self.keyring.identity.sign(&message).map_err(|_| OwnerError::Rsa);
            let signatures = draft.messages().into_iter().map(sign).collect::<Result<_, _>>()?;
            match self.advance(draft, signatures)? {
                Progress::Sign(next) => draft = *next,
                Progress::Done(change) => return Ok(change),
            }
        }
    }

    /// Wraps the next state above every generation known (SPEC.md#generation) and takes it over.
    fn store(&mut self, mut next: Keyring, outbox: Outbox) -> Result<Change, OwnerError> {
        let generation = self.keyring.generation.max(self.stored).checked_add(1).ok_or(OwnerError::Full)?;
        next.generation = generation;
        let vault = self.wrapping.wrap(next.account, generation, &next.encode())?;
        self.adopt(next)?;
        let expected = core::mem::replace(&mut self.stored, generation);
        Ok(Change { vault, expected, generation, outbox })
    }

    fn adopt(&mut self, keyring: Keyring) -> Result<(), OwnerError> {
        self.current = keyring.current_key().ok_or(ParseError::Value)?;
        self.keys = OpeningKeys::new(&keyring);
        self.keyring = keyring;
        Ok(())
    }

    fn open_own(&self, vault: &[u8]) -> Result<Keyring, UnlockError> {
        let wrapped = crate::password::Wrapped::parse(vault, crate::suite::Kind::Vault)?;
        if wrapped.account != self.keyring.account {
            return Err(UnlockError::OtherAccount);
        }
        Keyring::open(&wrapped.open(&self.wrapping.keys)?)
    }
}

impl Restored {
    /// As [`Owner::recovery_proof`]: what lets the service give the account a new password.
    pub fn recovery_proof(&self) -> LoginProof {
        recovery_proof(&self.keyring)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Keyring { account, generation, .. } = self.keyring;
        write!(f, "Owner({account}, generation {generation}, ..)")
    }
}

impl From<OwnWrapError> for OwnerError {
    fn from(error: OwnWrapError) -> Self {
        match error {
            OwnWrapError::TooLong => Self::Full,
            OwnWrapError::Entropy(error) => Self::Entropy(error),
        }
    }
}

impl From<SealError> for OwnerError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Rsa => Self::Rsa,
            SealError::Entropy(error) => Self::Entropy(error),
        }
    }
}

/// Every named class; hosts are brought into one form, everything else is kept as it is.
fn default_classes() -> Vec<(AnyClass, CanonicalForm)> {
    let tokens = TokenClass::NAMED.iter().map(|class| AnyClass::Token(*class));
    let records = RecordClass::NAMED.iter().map(|class| AnyClass::Record(*class));
    let blobs = BlobClass::NAMED.iter().map(|class| AnyClass::Blob(*class));
    let form =
        |class| if class == AnyClass::Token(TokenClass::HOST) { CanonicalForm::Host } else { CanonicalForm::Exact };
    tokens.chain(records).chain(blobs).map(|class| (class, form(class))).collect()
}

/// The keyring in a vault, no older than `seen` (SPEC.md#rollback), and the key of its running epoch.
fn open_vault(unlocking: &Unlocking, vault: &[u8], seen: u64) -> Result<(Keyring, EpochKey), UnlockError> {
    let keyring = Keyring::open(&unlocking.open(vault)?)?;
    if keyring.generation < seen {
        return Err(UnlockError::RolledBack);
    }
    let current = keyring.current_key().ok_or(ParseError::Value)?;
    Ok((keyring, current))
}

fn active(keyring: &Keyring) -> Vec<DeviceId> {
    let active = keyring.devices.iter().filter(|(_, device)| device.status == DeviceStatus::Active);
    active.map(|(id, _)| *id).collect()
}

/// The policy in force with the next version, ready to be changed: above the head and, so that a restored backup never
/// falls behind, above the clock.
fn next_policy(keyring: &Keyring, now: Timestamp) -> Result<Policy, OwnerError> {
    let mut policy = keyring.policy.policy().clone();
    policy.version = policy.version.checked_add(1).ok_or(OwnerError::Full)?.max(now.unix_secs());
    policy.issued_at = now.unix_secs();
    policy.previous = keyring.policy.hash();
    revoke(&mut policy, keyring.revoked());
    Ok(policy)
}

/// Adds to the devices that a policy revokes: the list never gets shorter.
fn revoke(policy: &mut Policy, devices: impl IntoIterator<Item = DeviceId>) {
    for device in devices {
        if let Err(at) = policy.revoked.binary_search(&device) {
            policy.revoked.insert(at, device);
        }
    }
}

/// A fresh MasterKey for the epoch after `newest`, in keyring and policy.
fn rotate(keyring: &mut Keyring, policy: &mut Policy, newest: Epoch) -> Result<(), OwnerError> {
    let epoch = newest.max(policy.epoch).next().ok_or(OwnerError::Epochs)?;
    let key = MasterKey::generate()?;
    policy.key_id = key.epoch_key(Scope { account: keyring.account, epoch }).key_id();
    policy.epoch = epoch;
    keyring.epochs.push((epoch, key));
    Ok(())
}

/// Puts a device into the table; what was inspected is checked again, since the table may have changed.
fn admit(keyring: &mut Keyring, request: VerifiedRequest, now: Timestamp) -> Result<DeviceId, OwnerError> {
    let VerifiedRequest { identity, nonce, ticket, name, device } = request;
    let known = keyring.devices.get(&device);
    if keyring.is_revoked(device) {
        return Err(OwnerError::DeviceRevoked);
    }
    // A ticket stays spent when its device comes back another way.
    let earlier = known.and_then(|known| known.ticket);
    let last_seq = known.map_or(0, |known| known.last_seq);
    let confirmed_at = known.map_or(now, |known| known.confirmed_at);
    let again = |terms: &TicketTerms| known.is_some_and(|known| known.ticket == Some(terms.id) && known.nonce == nonce);
    if let Some(terms) = ticket
        && !again(&terms)
    {
        if keyring.cancelled.contains(&terms.id) {
            return Err(OwnerError::TicketCancelled);
        }
        if keyring.uses_of(terms.id, device) >= terms.uses.get().into() {
            return Err(OwnerError::TicketSpent);
        }
    }
    let ticket = ticket.map(|terms| terms.id);
    if earlier != ticket {
        keyring.cancelled.extend(earlier);
    }
    let status = DeviceStatus::Active;
    keyring.devices.insert(device, Device { identity, nonce, ticket, name, status, last_seq, confirmed_at });
    Ok(device)
}

/// Seals the running epoch's keys to each device, each with a sequence number above its last and above the clock.
fn prepare_deliveries(
    keyring: &mut Keyring,
    devices: &[DeviceId],
    now: Timestamp,
) -> Result<Vec<UnsignedDelivery>, OwnerError> {
    let epoch_key = keyring.current_key().ok_or(ParseError::Value)?;
    let sender = keyring.identity.public().clone();
    let mut unsigned = Vec::with_capacity(devices.len());
    for id in devices {
        let device = keyring.devices.get_mut(id).ok_or(OwnerError::UnknownDevice)?;
        device.last_seq = device.last_seq.checked_add(1).ok_or(OwnerError::Full)?.max(now.unix_millis());
        let policy = keyring.policy.policy();
        let header = DeliveryHeader {
            account: keyring.account,
            recipient: *id,
            epoch: policy.epoch,
            seq: device.last_seq,
            policy_hash: keyring.policy.hash(),
            recipient_fingerprint: device.identity.fingerprint(),
            sender_fingerprint: sender.fingerprint(),
            enrollment_nonce: device.nonce,
            key_id: policy.key_id,
        };
        let keys = policy.classes.iter().map(|(class, _)| (*class, delivered_key(&epoch_key, *class, *id)));
        let policy = zeroize::Zeroizing::new(keyring.policy.as_bytes().to_vec());
        let bundle = Bundle { policy, keys: keys.collect() };
        unsigned.push(UnsignedDelivery::seal(&header, &bundle, &sender, &device.identity)?);
    }
    Ok(unsigned)
}

/// A class key for tokens, which have to group across devices; a device's own key for everything else.
fn delivered_key(epoch_key: &EpochKey, class: AnyClass, device: DeviceId) -> Secret<32> {
    fn scoped<C: crate::DeviceScoped>(epoch_key: &EpochKey, class: C, device: DeviceId) -> Secret<32> {
        epoch_key.class_key(class).device_key(device).secret().duplicate()
    }
    match class {
        AnyClass::Token(class) => epoch_key.class_key(class).secret().duplicate(),
        AnyClass::Record(class) => scoped(epoch_key, class, device),
        AnyClass::Blob(class) => scoped(epoch_key, class, device),
    }
}

/// Of the first epoch's key: every backup there ever was has it, and it never changes.
fn recovery_proof(keyring: &Keyring) -> LoginProof {
    LoginProof::from_secret(match keyring.epochs.first() {
        Some(&(epoch, ref key)) => key.epoch_key(Scope { account: keyring.account, epoch }).recovery(),
        None => keyring.ticket_root.duplicate(),
    })
}
