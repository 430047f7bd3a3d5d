//! What of an agent survives a restart, as bytes that are secret and say so (SPEC.md#agent-state).

use core::fmt;

use zeroize::Zeroizing;

use crate::aead;
use crate::agent::{Accepted, Agent, Claim, Device, PendingAgent, Phase, Pin};
use crate::class::AnyClass;
use crate::error::{ParseError, RestoreError};
use crate::id::{AccountId, Epoch, KeyId, TicketId};
use crate::identity::{Fingerprint, Identity, PublicIdentity, SPKI_MAX};
use crate::policy::{POLICY_MAX, SignedPolicy, ascending};
use crate::private_key::PKCS8_MAX;
use crate::secret::{self, Secret};
use crate::suite::{Kind, Suite};
use crate::wire::{Reader, Writer};

const STATE_MAX: usize = POLICY_MAX + (32 << 10);
const PENDING: u8 = 1;
const SEALING: u8 = 2;
const REVOKED: u8 = 3;

/// The state of an agent: its private keys, its sealing keys, and what replays are measured against.
///
/// Where it lies in the clear, reading the disk equals a compromised agent: prefer [`SavedAgent::wrap`] under a key of
/// the platform's (DPAPI, a keychain, a TPM).
pub struct SavedAgent(Zeroizing<Vec<u8>>);

impl SavedAgent {
    pub(crate) fn pending(agent: &PendingAgent) -> Self {
        let mut out = Writer::artefact(Kind::AgentState, Suite::State);
        out.u8(PENDING);
        write_device(&mut out, &agent.device);
        Self(out.into_secret())
    }

    pub(crate) fn agent(agent: &Agent) -> Self {
        let mut out = Writer::artefact(Kind::AgentState, Suite::State);
        out.u8(match agent.phase {
            Phase::Sealing { .. } => SEALING,
            Phase::Revoked => REVOKED,
        });
        write_device(&mut out, &agent.device);
        let Accepted { owner, seq, delivery_hash, epoch, key_id, policy, keys } = &agent.accepted;
        out.lp(owner.encryption_spki()).lp(owner.signing_spki());
        out.u64(*seq).put(delivery_hash).u16(epoch.get()).put(key_id.as_bytes()).lp32(policy.as_bytes());
        out.u16(keys.len() as u16);
        keys.iter().for_each(|(class, key)| _ = out.u8(class.id()).put(key.expose()));
        Self(out.into_secret())
    }

    /// The bytes in the clear. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Takes bytes that [`SavedAgent::expose`] gave.
    pub fn from_exposed(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Seals the state under a 256-bit key of the caller's.
    ///
    /// # Errors
    /// [`RestoreError::Entropy`].
    pub fn wrap(&self, key: &Secret<32>) -> Result<Vec<u8>, RestoreError> {
        let mut out = Writer::artefact(Kind::AgentState, Suite::WrappedState);
        let nonce = secret::random::<12>()?;
        let sealed = aead::seal(key, &nonce, &self.0, out.as_slice())?;
        out.put(&nonce).put(&sealed);
        Ok(out.into_public())
    }

    /// Opens what [`SavedAgent::wrap`] sealed.
    ///
    /// # Errors
    /// [`RestoreError::Wrong`] for another key or damaged bytes, [`RestoreError::NotWrapped`].
    pub fn unwrap_with(wrapped: &[u8], key: &Secret<32>) -> Result<Self, RestoreError> {
        if is_suite(wrapped, Suite::State) {
            return Err(RestoreError::NotWrapped);
        }
        let mut reader = Reader::artefact(wrapped, Kind::AgentState, Suite::WrappedState, STATE_MAX)?;
        let aad = reader.before();
        let nonce = reader.array()?;
        let state = aead::open(key, &nonce, reader.rest(), aad).ok_or(RestoreError::Wrong)?;
        Ok(Self(state))
    }

    /// Brings the agent back.
    ///
    /// # Errors
    /// [`RestoreError::Malformed`] for damaged bytes, [`RestoreError::Wrapped`] for wrapped ones.
    pub fn restore(&self) -> Result<RestoredAgent, RestoreError> {
        if is_suite(&self.0, Suite::WrappedState) {
            return Err(RestoreError::Wrapped);
        }
        let mut reader = Reader::artefact(&self.0, Kind::AgentState, Suite::State, STATE_MAX)?;
        let phase = reader.u8()?;
        let device = read_device(&mut reader)?;
        let restored = match phase {
            PENDING => RestoredAgent::Pending(PendingAgent { device }),
            SEALING | REVOKED => {
                let accepted = read_accepted(&mut reader, device.account)?;
                // SPEC.md#state-pinned; `read_accepted` has verified the policy.
                let pinned = device.pin == Pin::Full(accepted.owner.fingerprint());
                if !pinned || (phase == REVOKED && !accepted.keys.is_empty()) {
                    return Err(ParseError::Value.into());
                }
                let mut agent = Agent::new(device, accepted);
                if phase == REVOKED {
                    agent.phase = Phase::Revoked;
                }
                RestoredAgent::Agent(agent)
            }
            _ => return Err(ParseError::Value.into()),
        };
        reader.finish()?;
        Ok(restored)
    }
}

impl fmt::Debug for SavedAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SavedAgent(..)")
    }
}

/// An agent brought back, in whichever phase it was.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "made once and matched at once")]
pub enum RestoredAgent {
    /// It has no keys yet.
    Pending(PendingAgent),
    /// It has keys, or had until it was revoked.
    Agent(Agent),
}

impl RestoredAgent {
    /// The agent, if it had its delivery.
    ///
    /// # Errors
    /// [`RestoreError::Phase`] if it is pending.
    pub fn agent(self) -> Result<Agent, RestoreError> {
        match self {
            Self::Agent(agent) => Ok(agent),
            Self::Pending(_) => Err(RestoreError::Phase),
        }
    }

    /// The pending agent.
    ///
    /// # Errors
    /// [`RestoreError::Phase`] if it had its delivery.
    pub fn pending(self) -> Result<PendingAgent, RestoreError> {
        match self {
            Self::Pending(pending) => Ok(pending),
            Self::Agent(_) => Err(RestoreError::Phase),
        }
    }
}

fn is_suite(bytes: &[u8], suite: Suite) -> bool {
    Reader::artefact(bytes, Kind::AgentState, suite, STATE_MAX).is_ok()
}

fn write_device(out: &mut Writer, device: &Device) {
    out.put(device.account.as_bytes());
    match &device.pin {
        Pin::Full(fingerprint) => out.u8(1).put(fingerprint.as_bytes()),
        Pin::Prefix(prefix) => out.u8(2).put(prefix),
    };
    // An identity that was read or generated can always be encoded; an empty field would fail to parse.
    for pkcs8 in [device.identity.encryption_pkcs8(), device.identity.signing_pkcs8()] {
        out.lp32(pkcs8.as_ref().map_or(&[], |pkcs8| pkcs8.expose()));
    }
    out.put(&device.nonce).put(device.queue_key.expose());
    match &device.claim.ticket {
        Some(ticket) => out.u8(1).put(ticket.as_bytes()),
        None => out.u8(2),
    };
    out.put(device.claim.secret.expose());
}

fn read_device(reader: &mut Reader<'_>) -> Result<Device, ParseError> {
    let account = AccountId::from_bytes(reader.array()?);
    let pin = match reader.u8()? {
        1 => Pin::Full(Fingerprint::from_bytes(reader.array()?)),
        2 => Pin::Prefix(reader.array()?),
        _ => return Err(ParseError::Value),
    };
    let identity = Identity::from_pkcs8(reader.lp32(PKCS8_MAX)?, reader.lp32(PKCS8_MAX)?)?;
    let nonce = reader.array()?;
    let queue_key = reader.secret()?;
    let ticket = match reader.u8()? {
        1 => Some(TicketId::from_bytes(reader.array()?)),
        2 => None,
        _ => return Err(ParseError::Value),
    };
    let claim = Claim { ticket, secret: reader.secret()? };
    Ok(Device { account, pin, identity, nonce, queue_key, claim })
}

fn read_accepted(reader: &mut Reader<'_>, account: AccountId) -> Result<Accepted, ParseError> {
    let owner = PublicIdentity::from_spki(reader.lp(SPKI_MAX)?, reader.lp(SPKI_MAX)?)?;
    let (seq, delivery_hash) = (reader.u64()?, reader.array()?);
    let (epoch, key_id) = (Epoch::new(reader.u16()?)?, KeyId::from_bytes(reader.array()?));
    let policy = SignedPolicy::open(reader.lp32(POLICY_MAX)?, account, &owner)?.ok_or(ParseError::Value)?;
    let mut ids = Vec::new();
    let mut keys = Vec::new();
    for _ in 0..reader.u16()? {
        let id = reader.u8()?;
        ids.push(id);
        keys.push((AnyClass::from_id(id)?, reader.secret()?));
    }
    ascending(&ids)?;
    Ok(Accepted { owner, seq, delivery_hash, epoch, key_id, policy, keys })
}
