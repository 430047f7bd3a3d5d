//! The agent's end: holds the keys of one device, seals, and never reveals.
//!
//! An agent is [`PendingAgent`] until its first delivery, then [`Agent`]. There is no way back and no plain mode: neither
//! type has a method that would send a value unsealed (SPEC.md#agent).

use core::fmt;
use core::mem::MaybeUninit;
use std::io::{self, Write};

use zeroize::Zeroizing;

use crate::agent_state::SavedAgent;
use crate::blob::{BlobKey, BlobSealer, BlobStart, BlobWriter};
use crate::class::{AnyClass, BlobClass, RecordClass, TokenClass};
use crate::delivery::{Delivery, DeliveryHeader};
use crate::enrollment::{self, EnrollmentRequest};
use crate::error::{AcceptError, BlobError, EnrollError, RecordError, TokenizeError};
use crate::hash::sha256;
use crate::id::{AccountId, DeviceId, Epoch, KeyId, TicketId};
#[cfg(feature = "rsa-private")]
use crate::identity::RsaSize;
use crate::identity::{Fingerprint, Identity, PublicIdentity};
use crate::master_key::{ClassKey, DeviceKey, Scope};
use crate::policy::{Policy, SignedPolicy};
use crate::record::{Record, RecordKey};
use crate::secret::{self, Secret};
use crate::ticket::{AccountCode, Ticket};
use crate::token::{Token, TokenKey};
use crate::token_batch::TokenBatch;

/// What a device knows from the start and for ever.
pub(crate) struct Device {
    pub(crate) account: AccountId,
    pub(crate) pin: Pin,
    pub(crate) identity: Identity,
    pub(crate) nonce: [u8; 16],
    pub(crate) queue_key: Secret<32>,
    pub(crate) claim: Claim,
}

/// What a device knows of its account's public keys before it has seen them. There is no trust on first use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// From a ticket, or from an accepted delivery.
    Full(Fingerprint),
    /// From an account code: 120 bits.
    Prefix([u8; 15]),
}

impl Pin {
    fn holds(&self, fingerprint: &Fingerprint) -> bool {
        match self {
            Self::Full(pinned) => pinned == fingerprint,
            Self::Prefix(pinned) => *pinned == fingerprint.prefix(),
        }
    }
}

/// What a device shows the service to be given a bearer for uploads. It protects the service's capacity, not secrecy,
/// and tells nothing of a ticket's secret (SPEC.md#ticket-service).
pub struct Claim {
    pub(crate) ticket: Option<TicketId>,
    pub(crate) secret: Secret<32>,
}

impl Claim {
    /// The ticket it stems from, if any.
    pub fn ticket(&self) -> Option<TicketId> {
        self.ticket
    }

    /// The 32 bytes to show: the service knows their SHA-256.
    pub fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim({:?}, ..)", self.ticket)
    }
}

impl Device {
    fn id(&self) -> DeviceId {
        self.identity.public().fingerprint().device_id(self.account)
    }

    fn queue(&self) -> RecordKey {
        RecordKey::queue(&self.queue_key, self.account, self.id())
    }

    fn duplicate(&self) -> Self {
        Self {
            account: self.account,
            pin: self.pin,
            identity: self.identity.duplicate(),
            nonce: self.nonce,
            queue_key: self.queue_key.duplicate(),
            claim: Claim { ticket: self.claim.ticket, secret: self.claim.secret.duplicate() },
        }
    }

    /// SPEC.md#accept-order, up to the decryption: nothing is decrypted before the pinned account's signature holds
    /// (SPEC.md#accept-decrypt). `None` for the delivery that was accepted last.
    fn examine(&self, bytes: &[u8], stored: Option<&Accepted>) -> Result<Option<ExaminedDelivery>, AcceptError> {
        let delivery = Delivery::parse(bytes)?;
        let sender = delivery.sender();
        if !self.pin.holds(&sender.fingerprint()) {
            return Err(AcceptError::Refused);
        }
        let header = delivery.verify().ok_or(AcceptError::Refused)?;
        let hash = sha256(&[bytes]);
        if let Some(stored) = stored
            && !stored.is_followed_by(header, &hash)?
        {
            return Ok(None);
        }
        if !self.is_meant_by(header, sender) {
            return Err(AcceptError::Refused);
        }
        let (ciphertext, label) = delivery.wrapped_key();
        Ok(Some(ExaminedDelivery { ciphertext: ciphertext.to_vec(), label, hash, bytes: bytes.to_vec() }))
    }

    /// The private key's part.
    #[cfg(feature = "rsa-private")]
    fn decrypt(&self, examined: &ExaminedDelivery) -> Option<Secret<32>> {
        self.identity.decrypt(&examined.ciphertext, &examined.label)
    }

    /// The rest of SPEC.md#accept-order, which changes nothing (SPEC.md#accept-state). `None` if another delivery was
    /// accepted since the examination that makes this one the last known.
    fn finish(
        &self,
        examined: ExaminedDelivery,
        key: Option<Secret<32>>,
        stored: Option<&Accepted>,
    ) -> Result<Option<Box<Accepted>>, AcceptError> {
        let ExaminedDelivery { bytes, hash, .. } = examined;
        let delivery = Delivery::parse(&bytes)?;
        let (header, sender) = (delivery.header(), delivery.sender());
        // The examination may have been another device's, or before another delivery was accepted.
        if !self.pin.holds(&sender.fingerprint()) || !self.is_meant_by(header, sender) {
            return Err(AcceptError::Refused);
        }
        if let Some(stored) = stored
            && !stored.is_followed_by(header, &hash)?
        {
            return Ok(None);
        }
        let bundle = key.and_then(|key| delivery.open(&key)).ok_or(AcceptError::Refused)?;
        let policy = self.check_policy(&bundle.policy, header, sender)?;
        if let Some(stored) = stored {
            stored.check_successor(&policy)?;
            if header.epoch == stored.epoch && header.key_id != stored.key_id {
                return Err(AcceptError::Refused);
            }
        }
        if !bundle.keys.iter().all(|(class, _)| policy.policy().lists(*class)) {
            return Err(AcceptError::Refused);
        }
        let (epoch, key_id, seq) = (header.epoch, header.key_id, header.seq);
        let (owner, keys) = (sender.clone(), bundle.keys);
        Ok(Some(Box::new(Accepted { owner, seq, delivery_hash: hash, epoch, key_id, policy, keys })))
    }

    fn is_meant_by(&self, header: &DeliveryHeader, sender: &PublicIdentity) -> bool {
        let own = self.identity.public().fingerprint();
        header.account == self.account
            && header.recipient == own.device_id(self.account)
            && header.recipient_fingerprint == own
            && header.sender_fingerprint == sender.fingerprint()
            && header.enrollment_nonce == self.nonce
    }

    fn check_policy(
        &self,
        signed: &[u8],
        header: &DeliveryHeader,
        sender: &PublicIdentity,
    ) -> Result<SignedPolicy, AcceptError> {
        let signed = SignedPolicy::open(signed, self.account, sender).ok().flatten();
        let signed = signed.ok_or(AcceptError::Refused)?;
        let policy = signed.policy();
        let fits = signed.hash() == header.policy_hash
            && policy.epoch == header.epoch
            && policy.key_id == header.key_id
            && !policy.revoked.contains(&self.id());
        if fits { Ok(signed) } else { Err(AcceptError::Refused) }
    }
}

/// The newest delivery and policy that were accepted: what replays are measured against.
pub(crate) struct Accepted {
    /// The account's public keys, as pinned.
    pub(crate) owner: PublicIdentity,
    pub(crate) seq: u64,
    pub(crate) delivery_hash: [u8; 32],
    pub(crate) epoch: Epoch,
    pub(crate) key_id: KeyId,
    pub(crate) policy: SignedPolicy,
    /// Empty once revoked.
    pub(crate) keys: Vec<(AnyClass, Secret<32>)>,
}

impl Accepted {
    /// Whether a delivery is a new one; `false` for the very one that was accepted last.
    fn is_followed_by(&self, header: &DeliveryHeader, hash: &[u8; 32]) -> Result<bool, AcceptError> {
        if header.seq < self.seq || header.epoch < self.epoch {
            return Err(AcceptError::Stale);
        }
        if header.seq == self.seq {
            return if *hash == self.delivery_hash { Ok(false) } else { Err(AcceptError::Refused) };
        }
        Ok(true)
    }

    fn check_successor(&self, next: &SignedPolicy) -> Result<(), AcceptError> {
        if next.policy().version < self.policy.policy().version {
            return Err(AcceptError::Stale);
        }
        if next.follows(&self.policy) { Ok(()) } else { Err(AcceptError::Refused) }
    }
}

/// A delivery whose signature and addressee hold: only the decryption with the device's private key is left, for callers
/// whose platform keeps that key (WebCrypto, a TPM). RSAES-OAEP-SHA-256 of [`ExaminedDelivery::ciphertext`] under
/// [`ExaminedDelivery::label`] gives the 32 bytes of the content key.
pub struct ExaminedDelivery {
    bytes: Vec<u8>,
    hash: [u8; 32],
    ciphertext: Vec<u8>,
    label: String,
}

impl ExaminedDelivery {
    /// What to decrypt.
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// The OAEP label: 64 characters of ASCII.
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl fmt::Debug for ExaminedDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExaminedDelivery(..)")
    }
}

/// A request for keys that still needs a signature by the device's signing key, for callers who sign elsewhere (WebCrypto,
/// a TPM): RSASSA-PSS-SHA-256 with a 32-byte salt over [`UnsignedEnrollment::message`].
pub struct UnsignedEnrollment {
    device: Device,
    request: Vec<u8>,
}

impl UnsignedEnrollment {
    /// As [`Agent::enroll_with`], up to the signature.
    ///
    /// # Errors
    /// [`EnrollError::Name`], [`EnrollError::Entropy`].
    pub fn with_ticket(ticket: &Ticket, name: &str, identity: Identity) -> Result<Self, EnrollError> {
        let nonce = secret::random()?;
        let request = EnrollmentRequest::unsigned_with_ticket(ticket, name, nonce, identity.public())?;
        let claim = Claim { ticket: Some(ticket.terms.id), secret: ticket.keys().authenticator };
        let pin = Pin::Full(ticket.fingerprint);
        let device =
            Device { account: ticket.terms.account, pin, identity, nonce, queue_key: Secret::random()?, claim };
        Ok(Self { device, request })
    }

    /// As [`Agent::enroll_by_code_with`], up to the signature.
    ///
    /// # Errors
    /// [`EnrollError::Entropy`].
    pub fn with_code(code: &AccountCode, identity: Identity) -> Result<Self, EnrollError> {
        let nonce = secret::random()?;
        let claim = Claim { ticket: None, secret: Secret::random()? };
        let claim_hash = sha256(&[claim.secret.expose()]);
        let request = EnrollmentRequest::unsigned_with_code(code, &claim_hash, nonce, identity.public());
        let pin = Pin::Prefix(code.prefix);
        let device = Device { account: code.account, pin, identity, nonce, queue_key: Secret::random()?, claim };
        Ok(Self { device, request })
    }

    /// The device's keys.
    pub fn identity(&self) -> &Identity {
        &self.device.identity
    }

    /// What to sign.
    pub fn message(&self) -> Vec<u8> {
        EnrollmentRequest::message(&self.request)
    }

    /// The request, signed. Save the pending agent before it is sent.
    ///
    /// # Errors
    /// [`EnrollError::Signature`] if the signature does not verify.
    pub fn finish(self, signature: &[u8]) -> Result<(PendingAgent, EnrollmentRequest), EnrollError> {
        let request = EnrollmentRequest::assemble(&self.request, signature)?;
        Ok((PendingAgent { device: self.device }, request))
    }

    #[cfg(feature = "rsa-private")]
    fn sign(self) -> Result<(PendingAgent, EnrollmentRequest), EnrollError> {
        let signature = self.device.identity.sign(&self.message()).map_err(|_| EnrollError::Rsa)?;
        self.finish(&signature)
    }
}

impl fmt::Debug for UnsignedEnrollment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnsignedEnrollment({}, ..)", self.device.id())
    }
}

/// A device that has asked for keys and has none yet. Save it ([`PendingAgent::save`]) before sending the request.
pub struct PendingAgent {
    pub(crate) device: Device,
}

impl PendingAgent {
    /// The device's id: what the service knows it by.
    pub fn device_id(&self) -> DeviceId {
        self.device.id()
    }

    /// The account it wants to belong to.
    pub fn account(&self) -> AccountId {
        self.device.account
    }

    /// The 24 characters that the owner types when the device was enrolled without a ticket.
    pub fn device_code(&self) -> String {
        self.device.identity.public().fingerprint().code()
    }

    /// What to show the service for a bearer.
    pub fn claim(&self) -> &Claim {
        &self.device.claim
    }

    /// Seals a value for this device's own queue, to be tokenized when the keys arrive: see [`Agent::dequeue`]. Keep it
    /// on this device; it is of no use elsewhere.
    ///
    /// # Errors
    /// [`RecordError::TooLong`].
    pub fn queue(&self, class: TokenClass, value: &str, seq: u64) -> Result<Record, RecordError> {
        self.device.queue().seal(AnyClass::Token(class), value, seq)
    }

    /// Takes the delivery that came through the service. Works again with the same delivery, should saving fail.
    ///
    /// # Errors
    /// [`AcceptError::Refused`] for anything but a genuine delivery from the pinned account to this device.
    #[cfg(feature = "rsa-private")]
    pub fn accept(&self, delivery: &[u8]) -> Result<Agent, AcceptError> {
        let examined = self.examine(delivery)?;
        let key = self.device.decrypt(&examined);
        self.accept_decrypted(examined, key)
    }

    /// Starts [`PendingAgent::accept`] for a platform that decrypts.
    ///
    /// # Errors
    /// As [`PendingAgent::accept`].
    pub fn examine(&self, delivery: &[u8]) -> Result<ExaminedDelivery, AcceptError> {
        self.device.examine(delivery, None)?.ok_or(AcceptError::Refused)
    }

    /// Finishes what [`PendingAgent::examine`] started, with the content key, or `None` if it did not decrypt.
    ///
    /// # Errors
    /// As [`PendingAgent::accept`].
    pub fn accept_decrypted(&self, examined: ExaminedDelivery, key: Option<Secret<32>>) -> Result<Agent, AcceptError> {
        let accepted = self.device.finish(examined, key, None)?.ok_or(AcceptError::Refused)?;
        Ok(Agent::new(self.device.duplicate(), *accepted))
    }

    /// The device's keys.
    pub fn identity(&self) -> &Identity {
        &self.device.identity
    }

    /// Everything that must survive a restart. Secret: without a wrapping key, reading it is as good as the device.
    pub fn save(&self) -> SavedAgent {
        SavedAgent::pending(self)
    }
}

impl fmt::Debug for PendingAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingAgent({}, ..)", self.device_id())
    }
}

/// Where an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentStatus {
    /// It seals.
    Encrypted {
        /// Version of the policy in force.
        policy_version: u64,
        /// The epoch it seals in.
        epoch: Epoch,
    },
    /// The policy asks for something that this version does not know: it seals nothing, and sends nothing plain either.
    NeedsUpgrade,
    /// Its keys are erased.
    Revoked,
}

/// What became of a delivery or a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "save the agent if it changed"]
pub enum Outcome {
    /// Accepted: save the agent.
    Updated,
    /// It was the one in force already.
    Unchanged,
    /// The policy is of an epoch whose keys have not arrived: the agent seals on in the old one until they do.
    DeliveryNeeded,
    /// This device is revoked and its keys are erased: save the agent.
    Revoked,
}

/// A device with keys. `Send + Sync`; tokenizing takes `&self`.
pub struct Agent {
    pub(crate) device: Device,
    pub(crate) accepted: Accepted,
    pub(crate) phase: Phase,
}

pub(crate) enum Phase {
    Sealing { tokens: Vec<TokenKey>, records: Vec<RecordKey>, blobs: Vec<BlobKey> },
    Revoked,
}

impl Agent {
    /// Whether a device can have this name, for callers who would not lose an identity to one that it cannot have.
    ///
    /// # Errors
    /// [`EnrollError::Name`] unless it has 1 to 128 bytes.
    pub fn check_name(name: &str) -> Result<(), EnrollError> {
        enrollment::check_name(name).map_err(|_| EnrollError::Name)
    }

    /// Makes a request with a ticket: generates the device's key pairs (about a second). Save the pending agent before
    /// the request is sent.
    ///
    /// # Errors
    /// [`EnrollError::Name`] unless the name has 1 to 128 bytes, [`EnrollError::Entropy`].
    #[cfg(feature = "rsa-private")]
    pub fn enroll(ticket: &Ticket, name: &str) -> Result<(PendingAgent, EnrollmentRequest), EnrollError> {
        Self::enroll_with(ticket, name, Identity::generate(RsaSize::default())?)
    }

    /// [`Agent::enroll`] with key pairs made elsewhere.
    ///
    /// # Errors
    /// As [`Agent::enroll`].
    #[cfg(feature = "rsa-private")]
    pub fn enroll_with(
        ticket: &Ticket,
        name: &str,
        identity: Identity,
    ) -> Result<(PendingAgent, EnrollmentRequest), EnrollError> {
        UnsignedEnrollment::with_ticket(ticket, name, identity)?.sign()
    }

    /// Makes a request without a ticket: the owner has to type [`PendingAgent::device_code`].
    ///
    /// # Errors
    /// As [`Agent::enroll`].
    #[cfg(feature = "rsa-private")]
    pub fn enroll_by_code(code: &AccountCode) -> Result<(PendingAgent, EnrollmentRequest), EnrollError> {
        Self::enroll_by_code_with(code, Identity::generate(RsaSize::default())?)
    }

    /// [`Agent::enroll_by_code`] with key pairs made elsewhere.
    ///
    /// # Errors
    /// As [`Agent::enroll`].
    #[cfg(feature = "rsa-private")]
    pub fn enroll_by_code_with(
        code: &AccountCode,
        identity: Identity,
    ) -> Result<(PendingAgent, EnrollmentRequest), EnrollError> {
        UnsignedEnrollment::with_code(code, identity)?.sign()
    }

    pub(crate) fn new(mut device: Device, accepted: Accepted) -> Self {
        device.pin = Pin::Full(accepted.owner.fingerprint());
        let phase = Phase::sealing(&device, &accepted);
        Self { device, accepted, phase }
    }

    /// The device's id.
    pub fn device_id(&self) -> DeviceId {
        self.device.id()
    }

    /// The account.
    pub fn account(&self) -> AccountId {
        self.device.account
    }

    /// What to show the service for a bearer.
    pub fn claim(&self) -> &Claim {
        &self.device.claim
    }

    /// Where it stands.
    pub fn status(&self) -> AgentStatus {
        let policy = self.policy();
        match self.phase {
            Phase::Revoked => AgentStatus::Revoked,
            Phase::Sealing { .. } if policy.needs_upgrade => AgentStatus::NeedsUpgrade,
            Phase::Sealing { .. } => {
                AgentStatus::Encrypted { policy_version: policy.version, epoch: self.accepted.epoch }
            }
        }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        self.accepted.policy.policy()
    }

    /// The same, as the account signed it.
    pub fn signed_policy(&self) -> &SignedPolicy {
        &self.accepted.policy
    }

    /// Seals a value of up to 4,096 bytes into its token, after bringing it into the form that the policy sets.
    ///
    /// # Errors
    /// [`TokenizeError`].
    pub fn tokenize(&self, class: TokenClass, value: &str) -> Result<Token, TokenizeError> {
        let form = self.policy().canonical_form(class);
        self.token_key(class)?.tokenize(&form.apply(value))
    }

    /// Seals many values of one class; each has a result of its own in `out`, whose memory is used again.
    ///
    /// # Errors
    /// [`TokenizeError::NoKey`], [`TokenizeError::NeedsUpgrade`], [`TokenizeError::Revoked`]: then `out` is untouched.
    pub fn tokenize_batch<'v>(
        &self,
        class: TokenClass,
        values: impl IntoIterator<Item = &'v str>,
        out: &mut TokenBatch,
    ) -> Result<(), TokenizeError> {
        let form = self.policy().canonical_form(class);
        let key = self.token_key(class)?;
        key.tokenize_batch(values.into_iter().map(|value| form.apply(value)), out);
        Ok(())
    }

    /// [`Agent::tokenize_batch`] that writes the texts to the beginning of `text`, where [`TokenBatch::ranges`] says where
    /// they are. Gives how much of `text` was taken, or `None` if it was too short.
    ///
    /// # Errors
    /// As [`Agent::tokenize_batch`].
    pub fn tokenize_batch_to<'v>(
        &self,
        class: TokenClass,
        values: impl IntoIterator<Item = &'v str>,
        out: &mut TokenBatch,
        text: &mut [MaybeUninit<u8>],
    ) -> Result<Option<usize>, TokenizeError> {
        let form = self.policy().canonical_form(class);
        let key = self.token_key(class)?;
        Ok(key.tokenize_batch_to(values.into_iter().map(|value| form.apply(value)), out, text))
    }

    /// Seals one record of up to 1 MiB under this device's own key; `seq` is the Unix time in milliseconds of what it holds.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn seal_record(&self, class: RecordClass, value: &str, seq: u64) -> Result<Record, RecordError> {
        let Phase::Sealing { records, .. } = &self.phase else { return Err(RecordError::Revoked) };
        let class = AnyClass::Record(class);
        if self.policy().needs_upgrade {
            return Err(RecordError::NeedsUpgrade);
        }
        if !self.policy().lists(class) {
            return Err(RecordError::NoKey);
        }
        let mut sealed = records.iter().map(|key| key.seal(class, value, seq));
        sealed.find(|sealed| *sealed != Err(RecordError::NoKey)).unwrap_or(Err(RecordError::NoKey))
    }

    /// Seals a blob in memory under this device's own key; `seq` is the Unix time in milliseconds of what it holds.
    ///
    /// # Errors
    /// [`BlobError`].
    pub fn seal_blob(&self, class: BlobClass, seq: u64, content: &[u8]) -> Result<Vec<u8>, BlobError> {
        let mut sealer = self.blob_sealer(class, seq)?;
        let mut blob = Vec::with_capacity(BlobStart::blob_len(content.len() as u64) as usize);
        blob.extend_from_slice(sealer.start().as_bytes());
        sealer.update(content, &mut blob)?;
        sealer.finish(|piece| {
            blob.extend_from_slice(piece);
            Ok::<_, BlobError>(())
        })?;
        Ok(blob)
    }

    /// Seals a blob while it is written to `inner`, in constant memory.
    ///
    /// # Errors
    /// Those of `inner`; [`BlobError`] within [`std::io::Error`].
    pub fn blob_writer<W: Write>(&self, class: BlobClass, seq: u64, inner: W) -> io::Result<BlobWriter<W>> {
        BlobWriter::new(self.blob_sealer(class, seq)?, inner)
    }

    /// Starts to seal a blob piece by piece.
    ///
    /// # Errors
    /// [`BlobError`].
    pub fn blob_sealer(&self, class: BlobClass, seq: u64) -> Result<BlobSealer, BlobError> {
        self.blob_key(class)?.sealer(seq)
    }

    /// This device's key for blobs of a class, for a platform that seals the chunks itself.
    ///
    /// # Errors
    /// [`BlobError::NoKey`], [`BlobError::NeedsUpgrade`], [`BlobError::Revoked`].
    pub fn blob_key(&self, class: BlobClass) -> Result<&BlobKey, BlobError> {
        match &self.phase {
            Phase::Revoked => Err(BlobError::Revoked),
            Phase::Sealing { .. } if self.policy().needs_upgrade => Err(BlobError::NeedsUpgrade),
            Phase::Sealing { .. } if !self.policy().lists(AnyClass::Blob(class)) => Err(BlobError::NoKey),
            Phase::Sealing { blobs, .. } => blobs.iter().find(|key| key.class() == class).ok_or(BlobError::NoKey),
        }
    }

    /// Opens a value that [`PendingAgent::queue`] sealed before the keys arrived, and tokenizes it.
    ///
    /// # Errors
    /// [`RecordError`] for a record of another device or a damaged one, [`TokenizeError`] as [`Agent::tokenize`].
    pub fn dequeue(&self, record: &Record) -> Result<Token, crate::Error> {
        let AnyClass::Token(class) = record.class() else { return Err(RecordError::NoKey.into()) };
        self.token_key(class)?;
        let value: Zeroizing<String> = self.device.queue().open(record)?;
        Ok(self.tokenize(class, &value)?)
    }

    /// Takes a further delivery, after a rotation or when the owner delivered again.
    ///
    /// # Errors
    /// [`AcceptError::Stale`] for an older one, [`AcceptError::Refused`] for anything but a genuine one; the agent goes
    /// on as it was.
    #[cfg(feature = "rsa-private")]
    pub fn accept(&mut self, delivery: &[u8]) -> Result<Outcome, AcceptError> {
        let Some(examined) = self.examine(delivery)? else { return Ok(Outcome::Unchanged) };
        let key = self.device.decrypt(&examined);
        self.accept_decrypted(examined, key)
    }

    /// Starts [`Agent::accept`] for a platform that decrypts. `None` if it is the delivery accepted last: there is nothing
    /// to do.
    ///
    /// # Errors
    /// As [`Agent::accept`].
    pub fn examine(&self, delivery: &[u8]) -> Result<Option<ExaminedDelivery>, AcceptError> {
        self.check_not_revoked()?;
        self.device.examine(delivery, Some(&self.accepted))
    }

    /// Finishes what [`Agent::examine`] started, with the content key, or `None` if it did not decrypt.
    ///
    /// # Errors
    /// As [`Agent::accept`].
    pub fn accept_decrypted(
        &mut self,
        examined: ExaminedDelivery,
        key: Option<Secret<32>>,
    ) -> Result<Outcome, AcceptError> {
        self.check_not_revoked()?;
        let Some(accepted) = self.device.finish(examined, key, Some(&self.accepted))? else {
            return Ok(Outcome::Unchanged);
        };
        self.phase = Phase::sealing(&self.device, &accepted);
        self.accepted = *accepted;
        Ok(Outcome::Updated)
    }

    /// The device's keys.
    pub fn identity(&self) -> &Identity {
        &self.device.identity
    }

    /// Takes a signed policy that came by itself: a change of forms, or this device's revocation.
    ///
    /// # Errors
    /// As [`Agent::accept`].
    pub fn apply_policy(&mut self, policy: &[u8]) -> Result<Outcome, AcceptError> {
        self.check_not_revoked()?;
        let signed = SignedPolicy::open(policy, self.device.account, &self.accepted.owner)?;
        let signed = signed.ok_or(AcceptError::Refused)?;
        self.accepted.check_successor(&signed)?;
        if signed.as_bytes() == self.accepted.policy.as_bytes() {
            return Ok(Outcome::Unchanged);
        }
        if signed.policy().revoked.contains(&self.device_id()) {
            self.accepted.policy = signed;
            self.erase();
            return Ok(Outcome::Revoked);
        }
        let (epoch, key_id) = (signed.policy().epoch, signed.policy().key_id);
        if epoch > self.accepted.epoch {
            return Ok(Outcome::DeliveryNeeded);
        }
        if (epoch, key_id) != (self.accepted.epoch, self.accepted.key_id) {
            return Err(AcceptError::Refused);
        }
        self.accepted.policy = signed;
        Ok(Outcome::Updated)
    }

    /// Everything that must survive a restart: keys, maxima, policy. Save it after every [`Outcome::Updated`] and
    /// [`Outcome::Revoked`].
    pub fn save(&self) -> SavedAgent {
        SavedAgent::agent(self)
    }

    fn token_key(&self, class: TokenClass) -> Result<&TokenKey, TokenizeError> {
        match &self.phase {
            Phase::Revoked => Err(TokenizeError::Revoked),
            Phase::Sealing { .. } if self.policy().needs_upgrade => Err(TokenizeError::NeedsUpgrade),
            // A later policy may have dropped a class whose key is still here.
            Phase::Sealing { .. } if !self.policy().lists(AnyClass::Token(class)) => Err(TokenizeError::NoKey),
            Phase::Sealing { tokens, .. } => tokens.iter().find(|key| key.class() == class).ok_or(TokenizeError::NoKey),
        }
    }

    fn check_not_revoked(&self) -> Result<(), AcceptError> {
        match self.phase {
            Phase::Revoked => Err(AcceptError::Revoked),
            Phase::Sealing { .. } => Ok(()),
        }
    }

    /// Revoked: the keys go, and what was queued under the queue key with them.
    fn erase(&mut self) {
        self.phase = Phase::Revoked;
        self.accepted.keys.clear();
        self.device.queue_key = Secret::build(|_| {});
    }
}

impl Phase {
    fn sealing(device: &Device, accepted: &Accepted) -> Self {
        let scope = Scope { account: device.account, epoch: accepted.epoch };
        let mut tokens = Vec::new();
        let mut records = Vec::new();
        let mut blobs = Vec::new();
        for (class, key) in &accepted.keys {
            match *class {
                AnyClass::Token(class) => {
                    tokens.push(TokenKey::new(&ClassKey::delivered(key.duplicate(), class, scope)));
                }
                AnyClass::Record(class) => {
                    records.push(RecordKey::new(&DeviceKey::delivered(key.duplicate(), class, scope, device.id())));
                }
                AnyClass::Blob(class) => {
                    blobs.push(BlobKey::new(&DeviceKey::delivered(key.duplicate(), class, scope, device.id())));
                }
            }
        }
        Self::Sealing { tokens, records, blobs }
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({}, {:?}, ..)", self.device_id(), self.status())
    }
}
