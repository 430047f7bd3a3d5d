//! The agent's end: holds the keys of one device, seals, and never reveals.

use std::sync::Arc;
use std::time::SystemTime;

use blindtally::{AccountCode, Record, RecordError, RestoredAgent, SavedAgent, TokenBatch};
use zeroize::Zeroizing;

use crate::batch::{self, BatchItem, Results};
use crate::blob::BlobWriter;
use crate::class::{BlobClass, RecordClass, TokenClass};
use crate::enrollment::Ticket;
use crate::error::BlindtallyError;
use crate::given::{key, or_now, signed};
use crate::held::Held;
use crate::identity::Identity;
use crate::policy::Policy;
use crate::stream::{Output, Sink};

/// A device that asks to be enrolled.
#[derive(uniffi::Record)]
pub struct Enrollment {
    /// What waits for the delivery: save its state before the request is sent.
    pub pending: Arc<PendingAgent>,
    /// Goes to the owner, through the service.
    pub request: Vec<u8>,
}

impl From<(blindtally::PendingAgent, blindtally::EnrollmentRequest)> for Enrollment {
    fn from((pending, request): (blindtally::PendingAgent, blindtally::EnrollmentRequest)) -> Self {
        Self { pending: PendingAgent::new(pending), request: request.as_bytes().to_vec() }
    }
}

/// Makes a request with a ticket. Takes about a second: it generates the device's RSA keys, unless an `identity` made
/// elsewhere is given, which is used up.
///
/// # Errors
/// `enrollment.name` unless the name has 1 to 128 bytes, `entropy.unavailable`, `binding.closed` for an identity used up.
#[uniffi::export(default(identity = None))]
pub fn enroll(
    ticket: Arc<Ticket>,
    name: String,
    identity: Option<Arc<Identity>>,
) -> Result<Enrollment, BlindtallyError> {
    blindtally::Agent::check_name(&name)?;
    Ok(blindtally::Agent::enroll_with(&ticket.ticket, &name, given_or_new(identity)?)?.into())
}

/// Makes a request without a ticket, by the account code that the owner shows: the owner has to type
/// `PendingAgent.device_code`.
///
/// # Errors
/// `malformed.` for a mistyped code; as `enroll`.
#[uniffi::export(default(identity = None))]
pub fn enroll_by_code(code: String, identity: Option<Arc<Identity>>) -> Result<Enrollment, BlindtallyError> {
    let code = AccountCode::parse(&code)?;
    Ok(blindtally::Agent::enroll_by_code_with(&code, given_or_new(identity)?)?.into())
}

fn given_or_new(identity: Option<Arc<Identity>>) -> Result<blindtally::Identity, BlindtallyError> {
    match identity {
        Some(identity) => Ok(identity.held.take()?),
        None => Ok(blindtally::Identity::generate(Default::default())?),
    }
}

/// An agent brought back, in whichever phase it was.
#[derive(uniffi::Enum)]
pub enum LoadedAgent {
    /// It has no keys yet.
    Pending {
        /// What waits for the delivery.
        agent: Arc<PendingAgent>,
    },
    /// It has keys, or had until it was revoked.
    Ready {
        /// What seals.
        agent: Arc<Agent>,
    },
}

/// Brings an agent back from its state; with the key of 32 bytes that the state was wrapped under, or without one if it is
/// in the clear.
///
/// # Errors
/// `state.wrong-key`, `state.wrapped`, `state.not-wrapped`, `malformed.`; `binding.value` for a key of another length.
#[uniffi::export(default(wrapping_key = None))]
pub fn load_agent(state: Vec<u8>, wrapping_key: Option<Vec<u8>>) -> Result<LoadedAgent, BlindtallyError> {
    Ok(match restored(state, wrapping_key)? {
        RestoredAgent::Pending(agent) => LoadedAgent::Pending { agent: PendingAgent::new(agent) },
        RestoredAgent::Agent(agent) => LoadedAgent::Ready { agent: Agent::new(agent) },
    })
}

fn restored(state: Vec<u8>, wrapping_key: Option<Vec<u8>>) -> Result<RestoredAgent, BlindtallyError> {
    let state = Zeroizing::new(state);
    let saved = match wrapping_key {
        Some(bytes) => SavedAgent::unwrap_with(&state, &key(bytes)?)?,
        None => SavedAgent::from_exposed(state.to_vec()),
    };
    Ok(saved.restore()?)
}

fn exported(saved: &SavedAgent, wrapping_key: Option<Vec<u8>>) -> Result<Vec<u8>, BlindtallyError> {
    match wrapping_key {
        Some(bytes) => Ok(saved.wrap(&key(bytes)?)?),
        None => Ok(saved.expose().to_vec()),
    }
}

/// A device that waits for its keys. It seals what it sees under a key of its own meanwhile.
#[derive(uniffi::Object)]
pub struct PendingAgent {
    held: Held<blindtally::PendingAgent>,
}

impl PendingAgent {
    fn new(pending: blindtally::PendingAgent) -> Arc<Self> {
        Arc::new(Self { held: Held::new(pending) })
    }
}

#[uniffi::export]
impl PendingAgent {
    /// The device's id: 32 hexadecimal digits.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn device_id(&self) -> Result<String, BlindtallyError> {
        Ok(self.held.look(|agent| agent.device_id().to_string())?)
    }

    /// The account's id: 32 hexadecimal digits.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn account(&self) -> Result<String, BlindtallyError> {
        Ok(self.held.look(|agent| agent.account().to_string())?)
    }

    /// What the device shows its user, and the owner types: 24 characters, not secret.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn device_code(&self) -> Result<String, BlindtallyError> {
        Ok(self.held.look(blindtally::PendingAgent::device_code)?)
    }

    /// The ticket that the claim belongs to: 32 hexadecimal digits; none without one.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn claim_ticket(&self) -> Result<Option<String>, BlindtallyError> {
        Ok(self.held.look(|agent| agent.claim().ticket().map(|ticket| ticket.to_string()))?)
    }

    /// What to show the service for a bearer: 32 secret bytes, yours to wipe.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn claim(&self) -> Result<Vec<u8>, BlindtallyError> {
        Ok(self.held.look(|agent| agent.claim().expose().to_vec())?)
    }

    /// Seals a value until the keys are there: keep the record, and give it to `Agent.dequeue` then. `when` is of what it
    /// holds, now if none is given.
    ///
    /// # Errors
    /// `record.too-long`, `malformed.value` for no class.
    #[uniffi::method(default(when = None))]
    pub fn queue(
        &self,
        token_class: TokenClass,
        value: String,
        when: Option<SystemTime>,
    ) -> Result<String, BlindtallyError> {
        let (class, value) = (token_class.core()?, Zeroizing::new(value));
        let seq = or_now(when).unix_millis();
        Ok(self.held.look(|agent| agent.queue(class, &value, seq))??.to_string())
    }

    /// Takes the delivery: from then on the device seals. Save the agent's state.
    ///
    /// # Errors
    /// `accept.refused` for anything but a genuine one; the pending agent stays as it was.
    pub fn accept(&self, delivery: Vec<u8>) -> Result<Arc<Agent>, BlindtallyError> {
        Ok(Agent::new(self.held.look(|agent| agent.accept(&delivery))??))
    }

    /// Everything that must survive a restart, wrapped under a key of 32 bytes of the platform's, or without one in the
    /// clear: then reading it is as good as having the device.
    ///
    /// # Errors
    /// `binding.value` for a key of another length, `binding.closed`.
    pub fn export_state(&self, wrapping_key: Option<Vec<u8>>) -> Result<Vec<u8>, BlindtallyError> {
        exported(&self.held.look(blindtally::PendingAgent::save)?, wrapping_key)
    }

    /// Wipes its keys now, whoever still refers to this object.
    pub fn wipe(&self) {
        self.held.wipe();
    }
}

/// Where an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum AgentStatus {
    /// It seals.
    Encrypted {
        /// Version of the policy in force.
        policy_version: i64,
        /// The number of the epoch it seals in.
        epoch: i32,
    },
    /// The policy asks for something that this version does not know: it seals nothing, and sends nothing plain either.
    NeedsUpgrade,
    /// Its keys are erased.
    Revoked,
}

/// What became of a delivery or a policy. Save the agent's state after `Updated` and `Revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum Outcome {
    /// Accepted.
    Updated,
    /// It was the one in force already.
    Unchanged,
    /// The policy is of an epoch whose keys have not arrived: the agent seals on in the old one until they do.
    DeliveryNeeded,
    /// This device is revoked and its keys are erased.
    Revoked,
}

impl From<blindtally::Outcome> for Outcome {
    fn from(outcome: blindtally::Outcome) -> Self {
        match outcome {
            blindtally::Outcome::Updated => Self::Updated,
            blindtally::Outcome::Unchanged => Self::Unchanged,
            blindtally::Outcome::DeliveryNeeded => Self::DeliveryNeeded,
            blindtally::Outcome::Revoked => Self::Revoked,
        }
    }
}

/// A device with keys. Any number of threads may seal at once.
#[derive(uniffi::Object)]
pub struct Agent {
    held: Held<blindtally::Agent>,
}

impl Agent {
    fn new(agent: blindtally::Agent) -> Arc<Self> {
        Arc::new(Self { held: Held::new(agent) })
    }

    fn batch<'v>(
        &self,
        class: TokenClass,
        values: impl IntoIterator<Item = &'v str>,
    ) -> Result<TokenBatch, BlindtallyError> {
        let (class, mut tokens) = (class.core()?, TokenBatch::new());
        self.held.look(|agent| agent.tokenize_batch(class, values, &mut tokens))??;
        Ok(tokens)
    }
}

#[uniffi::export]
impl Agent {
    /// Brings an agent that has its keys back: as `load_agent`, for callers who know.
    ///
    /// # Errors
    /// As `load_agent`; `state.phase` if it is pending.
    #[uniffi::constructor(default(wrapping_key = None))]
    pub fn from_state(state: Vec<u8>, wrapping_key: Option<Vec<u8>>) -> Result<Arc<Self>, BlindtallyError> {
        Ok(Self::new(restored(state, wrapping_key)?.agent()?))
    }

    /// The device's id: 32 hexadecimal digits.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn device_id(&self) -> Result<String, BlindtallyError> {
        Ok(self.held.look(|agent| agent.device_id().to_string())?)
    }

    /// The account's id: 32 hexadecimal digits.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn account(&self) -> Result<String, BlindtallyError> {
        Ok(self.held.look(|agent| agent.account().to_string())?)
    }

    /// Where it stands.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn status(&self) -> Result<AgentStatus, BlindtallyError> {
        Ok(match self.held.look(blindtally::Agent::status)? {
            blindtally::AgentStatus::Encrypted { policy_version, epoch } => {
                AgentStatus::Encrypted { policy_version: signed(policy_version), epoch: epoch.get().into() }
            }
            blindtally::AgentStatus::NeedsUpgrade => AgentStatus::NeedsUpgrade,
            blindtally::AgentStatus::Revoked => AgentStatus::Revoked,
        })
    }

    /// The policy in force.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn policy(&self) -> Result<Policy, BlindtallyError> {
        Ok(self.held.look(|agent| agent.signed_policy().into())?)
    }

    /// The ticket that the claim belongs to: 32 hexadecimal digits; none without one.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn claim_ticket(&self) -> Result<Option<String>, BlindtallyError> {
        Ok(self.held.look(|agent| agent.claim().ticket().map(|ticket| ticket.to_string()))?)
    }

    /// What to show the service for a bearer: 32 secret bytes, yours to wipe.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn claim(&self) -> Result<Vec<u8>, BlindtallyError> {
        Ok(self.held.look(|agent| agent.claim().expose().to_vec())?)
    }

    /// Seals a value of up to 4,096 bytes of UTF-8 into its token, after bringing it into the form that the policy sets.
    ///
    /// # Errors
    /// `tokenize.too-long`, `tokenize.no-key`, `agent.needs-upgrade`, `agent.revoked`; `malformed.value` for no class.
    pub fn tokenize(&self, token_class: TokenClass, value: String) -> Result<String, BlindtallyError> {
        let (class, value) = (token_class.core()?, Zeroizing::new(value));
        Ok(self.held.look(|agent| agent.tokenize(class, &value))??.to_string())
    }

    /// Seals many values of one class, in order: all of them or none.
    ///
    /// # Errors
    /// As `tokenize`, for the first that is refused.
    pub fn tokenize_many(&self, token_class: TokenClass, values: Vec<String>) -> Result<Vec<String>, BlindtallyError> {
        let values = Zeroizing::new(values);
        self.batch(token_class, values.iter().map(String::as_str))?.all()
    }

    /// Seals many values of one class, each for itself.
    ///
    /// # Errors
    /// `tokenize.no-key`, `agent.needs-upgrade`, `agent.revoked`: of all of them. `malformed.value` for no class.
    pub fn tokenize_each(
        &self,
        token_class: TokenClass,
        values: Vec<String>,
    ) -> Result<Vec<BatchItem>, BlindtallyError> {
        let values = Zeroizing::new(values);
        Ok(self.batch(token_class, values.iter().map(String::as_str))?.each())
    }

    /// `tokenize_each` in one piece of memory, laid out as `OpeningKeys.reveal_packed` says.
    ///
    /// # Errors
    /// As `tokenize_each`; `binding.value` or `binding.utf8` if it is not laid out so.
    pub fn tokenize_packed(&self, token_class: TokenClass, values: Vec<u8>) -> Result<Vec<u8>, BlindtallyError> {
        let values = Zeroizing::new(values);
        Ok(self.batch(token_class, batch::split(&values)?)?.packed())
    }

    /// Seals a record of up to 1 MiB under this device's own key; `when` is of what it holds, now if none is given.
    ///
    /// # Errors
    /// `record.too-long`, `record.no-key`, `agent.needs-upgrade`, `agent.revoked`; `malformed.value` for no class.
    #[uniffi::method(default(when = None))]
    pub fn seal_record(
        &self,
        record_class: RecordClass,
        value: String,
        when: Option<SystemTime>,
    ) -> Result<String, BlindtallyError> {
        let (class, value) = (record_class.core()?, Zeroizing::new(value));
        let seq = or_now(when).unix_millis();
        Ok(self.held.look(|agent| agent.seal_record(class, &value, seq))??.to_string())
    }

    /// Seals a blob in memory under this device's own key; `when` is of what it holds, now if none is given.
    ///
    /// # Errors
    /// `blob.no-key`, `agent.needs-upgrade`, `agent.revoked`; `malformed.value` for no class.
    #[uniffi::method(default(when = None))]
    pub fn seal_blob(
        &self,
        blob_class: BlobClass,
        content: Vec<u8>,
        when: Option<SystemTime>,
    ) -> Result<Vec<u8>, BlindtallyError> {
        let (class, content) = (blob_class.core()?, Zeroizing::new(content));
        let seq = or_now(when).unix_millis();
        Ok(self.held.look(|agent| agent.seal_blob(class, seq, &content))??)
    }

    /// Seals a blob while it is written to an output, in constant memory; `when` is of what it holds, now if none is given.
    ///
    /// # Errors
    /// As `seal_blob`; `binding.stream`.
    #[uniffi::method(default(when = None))]
    pub fn blob_writer(
        &self,
        blob_class: BlobClass,
        output: Arc<dyn Output>,
        when: Option<SystemTime>,
    ) -> Result<Arc<BlobWriter>, BlindtallyError> {
        let (class, seq) = (blob_class.core()?, or_now(when).unix_millis());
        // The agent is not locked while the output is called.
        let sealer = self.held.look(|agent| agent.blob_sealer(class, seq))??;
        Ok(BlobWriter::new(blindtally::BlobWriter::new(sealer, Sink(output)).map_err(BlindtallyError::of_io)?))
    }

    /// Opens a value that `PendingAgent.queue` sealed before the keys arrived, and tokenizes it.
    ///
    /// # Errors
    /// `record.` for a record of another device or a damaged one; as `tokenize`.
    pub fn dequeue(&self, record: String) -> Result<String, BlindtallyError> {
        let record = Record::parse(&record).map_err(RecordError::from)?;
        Ok(self.held.look(|agent| agent.dequeue(&record))??.to_string())
    }

    /// Takes a further delivery, after a rotation or when the owner delivered again.
    ///
    /// # Errors
    /// `accept.stale` for an older one, `accept.refused` for anything but a genuine one, `agent.revoked`; the agent goes on
    /// as it was.
    pub fn accept(&self, delivery: Vec<u8>) -> Result<Outcome, BlindtallyError> {
        Ok(self.held.change(|agent| agent.accept(&delivery))??.into())
    }

    /// Takes a signed policy that came by itself: a change of forms, or this device's revocation.
    ///
    /// # Errors
    /// As `accept`.
    pub fn apply_policy(&self, policy: Vec<u8>) -> Result<Outcome, BlindtallyError> {
        Ok(self.held.change(|agent| agent.apply_policy(&policy))??.into())
    }

    /// Everything that must survive a restart, wrapped under a key of 32 bytes of the platform's, or without one in the
    /// clear: then reading it is as good as having the device.
    ///
    /// # Errors
    /// `binding.value` for a key of another length, `binding.closed`.
    pub fn export_state(&self, wrapping_key: Option<Vec<u8>>) -> Result<Vec<u8>, BlindtallyError> {
        exported(&self.held.look(blindtally::Agent::save)?, wrapping_key)
    }

    /// Wipes its keys now, whoever still refers to this object.
    pub fn wipe(&self) {
        self.held.wipe();
    }
}
