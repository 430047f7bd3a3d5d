//! The agent's end.

use blindtally::{AgentStatus, Outcome, ParseError, RecordClass, RestoreError, RestoredAgent, SavedAgent, TokenBatch};
use js_sys::{Array, JsString, Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::error::{self, BlindtallyError};
use crate::identity::{self, Identity};
use crate::owner::{Policy, token_class};
use crate::ticket::{AccountCode, Ticket};
use crate::{batch, secret};

/// A request for keys that the device has still to sign.
#[wasm_bindgen]
pub struct UnsignedEnrollment(blindtally::UnsignedEnrollment);

#[wasm_bindgen]
impl UnsignedEnrollment {
    pub fn with_ticket(ticket: &Ticket, name: &str, identity: Identity) -> Result<UnsignedEnrollment, BlindtallyError> {
        blindtally::UnsignedEnrollment::with_ticket(&ticket.0, name, identity.0).map(Self).map_err(error::of)
    }

    pub fn with_code(code: &AccountCode, identity: Identity) -> Result<UnsignedEnrollment, BlindtallyError> {
        blindtally::UnsignedEnrollment::with_code(&code.0, identity.0).map(Self).map_err(error::of)
    }

    pub fn signing_key(&self) -> Result<Promise, BlindtallyError> {
        identity::signing_key(self.0.identity())
    }

    pub fn message(&self) -> Vec<u8> {
        self.0.message()
    }

    pub fn finish(self, signature: &[u8]) -> Result<Enrollment, BlindtallyError> {
        let (pending, request) = self.0.finish(signature).map_err(error::of)?;
        Ok(Enrollment { pending: Some(PendingAgent(pending)), request })
    }
}

/// A device that asks for keys, and its request.
#[wasm_bindgen]
pub struct Enrollment {
    pending: Option<PendingAgent>,
    request: blindtally::EnrollmentRequest,
}

#[wasm_bindgen]
impl Enrollment {
    pub fn take_pending(&mut self) -> Option<PendingAgent> {
        self.pending.take()
    }

    pub fn request(&self) -> Vec<u8> {
        self.request.as_bytes().to_vec()
    }
}

/// A device without keys.
#[wasm_bindgen]
pub struct PendingAgent(blindtally::PendingAgent);

#[wasm_bindgen]
impl PendingAgent {
    pub fn device_id(&self) -> String {
        self.0.device_id().to_string()
    }

    pub fn account(&self) -> String {
        self.0.account().to_string()
    }

    pub fn device_code(&self) -> String {
        self.0.device_code()
    }

    pub fn claim_ticket(&self) -> Option<String> {
        self.0.claim().ticket().map(|ticket| ticket.to_string())
    }

    pub fn claim(&self) -> JsValue {
        secret::give(self.0.claim().expose())
    }

    pub fn queue(&self, class: u8, value: &str, seq: u64) -> Result<String, BlindtallyError> {
        let record = self.0.queue(token_class(class)?, value, seq).map_err(error::of)?;
        Ok(record.to_string())
    }

    pub fn examine(&self, delivery: &[u8]) -> Result<ExaminedDelivery, BlindtallyError> {
        self.0.examine(delivery).map(ExaminedDelivery).map_err(error::of)
    }

    pub fn decryption_key(&self) -> Result<Promise, BlindtallyError> {
        identity::decryption_key(self.0.identity())
    }

    /// With the content key, or nothing if it did not decrypt; the caller wipes theirs.
    pub fn accept_decrypted(&self, examined: ExaminedDelivery, key: &Uint8Array) -> Result<Agent, BlindtallyError> {
        self.0.accept_decrypted(examined.0, secret::take(key)).map(Agent).map_err(error::of)
    }

    pub fn save(&self) -> JsValue {
        secret::give(self.0.save().expose())
    }

    pub fn save_wrapped(&self, key: &Uint8Array) -> Result<Vec<u8>, BlindtallyError> {
        self.0.save().wrap(&secret::expect(key)?).map_err(error::of)
    }
}

/// A delivery of which only the decryption is left.
#[wasm_bindgen]
pub struct ExaminedDelivery(blindtally::ExaminedDelivery);

#[wasm_bindgen]
impl ExaminedDelivery {
    pub fn ciphertext(&self) -> Vec<u8> {
        self.0.ciphertext().to_vec()
    }

    pub fn label(&self) -> Vec<u8> {
        self.0.label().as_bytes().to_vec()
    }
}

/// A device with keys.
#[wasm_bindgen]
pub struct Agent(pub(crate) blindtally::Agent);

#[wasm_bindgen]
impl Agent {
    pub fn device_id(&self) -> String {
        self.0.device_id().to_string()
    }

    pub fn account(&self) -> String {
        self.0.account().to_string()
    }

    pub fn claim_ticket(&self) -> Option<String> {
        self.0.claim().ticket().map(|ticket| ticket.to_string())
    }

    pub fn claim(&self) -> JsValue {
        secret::give(self.0.claim().expose())
    }

    pub fn status(&self) -> String {
        match self.0.status() {
            AgentStatus::Encrypted { .. } => "encrypted",
            AgentStatus::NeedsUpgrade => "needs-upgrade",
            AgentStatus::Revoked => "revoked",
        }
        .to_owned()
    }

    pub fn policy(&self) -> Policy {
        let signed = self.0.signed_policy();
        Policy { bytes: signed.as_bytes().to_vec(), policy: signed.policy().clone() }
    }

    pub fn tokenize(&self, class: u8, value: &str) -> Result<String, BlindtallyError> {
        self.0.tokenize(token_class(class)?, value).map(|token| token.to_string()).map_err(error::of)
    }

    /// The values are separated by U+0000; see [`batch::join`].
    pub fn tokenize_many(
        &self,
        class: u8,
        values: &[u8],
        lengths: &mut [i32],
        errors: &Array,
    ) -> Result<Option<JsString>, BlindtallyError> {
        let mut out = TokenBatch::new();
        self.0.tokenize_batch(token_class(class)?, batch::split(values, '\0'), &mut out).map_err(error::of)?;
        Ok(batch::join(out.iter(), lengths, errors))
    }

    pub fn seal_record(&self, class: u8, value: &str, seq: u64) -> Result<String, BlindtallyError> {
        let class = RecordClass::from_id(class).map_err(error::of)?;
        self.0.seal_record(class, value, seq).map(|record| record.to_string()).map_err(error::of)
    }

    pub fn dequeue(&self, record: &str) -> Result<String, BlindtallyError> {
        let record = blindtally::Record::parse(record).map_err(error::of)?;
        self.0.dequeue(&record).map(|token| token.to_string()).map_err(error::of)
    }

    pub fn examine(&self, delivery: &[u8]) -> Result<Option<ExaminedDelivery>, BlindtallyError> {
        Ok(self.0.examine(delivery).map_err(error::of)?.map(ExaminedDelivery))
    }

    pub fn decryption_key(&self) -> Result<Promise, BlindtallyError> {
        identity::decryption_key(self.0.identity())
    }

    /// As [`PendingAgent::accept_decrypted`].
    pub fn accept_decrypted(
        &mut self,
        examined: ExaminedDelivery,
        key: &Uint8Array,
    ) -> Result<String, BlindtallyError> {
        self.0.accept_decrypted(examined.0, secret::take(key)).map(name).map_err(error::of)
    }

    pub fn apply_policy(&mut self, policy: &[u8]) -> Result<String, BlindtallyError> {
        self.0.apply_policy(policy).map(name).map_err(error::of)
    }

    pub fn save(&self) -> JsValue {
        secret::give(self.0.save().expose())
    }

    pub fn save_wrapped(&self, key: &Uint8Array) -> Result<Vec<u8>, BlindtallyError> {
        self.0.save().wrap(&secret::expect(key)?).map_err(error::of)
    }
}

/// A saved agent brought back: one of the two is there.
#[wasm_bindgen]
pub struct Saved {
    pending: Option<PendingAgent>,
    agent: Option<Agent>,
}

#[wasm_bindgen]
impl Saved {
    pub fn restore(state: &Uint8Array) -> Result<Saved, BlindtallyError> {
        Self::of(&SavedAgent::from_exposed(state.to_vec())).map_err(error::of)
    }

    pub fn restore_wrapped(state: &[u8], key: &Uint8Array) -> Result<Saved, BlindtallyError> {
        let key = secret::take(key).ok_or_else(|| error::of(ParseError::Value))?;
        SavedAgent::unwrap_with(state, &key).and_then(|saved| Self::of(&saved)).map_err(error::of)
    }

    pub fn take_pending(&mut self) -> Option<PendingAgent> {
        self.pending.take()
    }

    pub fn take_agent(&mut self) -> Option<Agent> {
        self.agent.take()
    }
}

impl Saved {
    fn of(saved: &SavedAgent) -> Result<Self, RestoreError> {
        Ok(match saved.restore()? {
            RestoredAgent::Pending(pending) => Self { pending: Some(PendingAgent(pending)), agent: None },
            RestoredAgent::Agent(agent) => Self { pending: None, agent: Some(Agent(agent)) },
        })
    }
}

fn name(outcome: Outcome) -> String {
    match outcome {
        Outcome::Updated => "updated",
        Outcome::Unchanged => "unchanged",
        Outcome::DeliveryNeeded => "delivery-needed",
        Outcome::Revoked => "revoked",
    }
    .to_owned()
}
