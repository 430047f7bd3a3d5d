//! A device with keys: what becomes of it. What it seals is in token.rs, record.rs and blob.rs.

use core::ffi::c_char;

use blindtally::{AgentStatus, Outcome};

use crate::bytes::Bytes;
use crate::error::Error;
use crate::held::Held;
use crate::pointer::{entry, put_text};
use crate::state;

/// A device with keys. Any number of threads may use it at once; blindtally_agent_accept(), blindtally_agent_apply_policy()
/// and blindtally_agent_close() wait for those that seal.
pub struct Agent(pub(crate) Held<blindtally::Agent>);

impl Agent {
    pub(crate) fn new(agent: blindtally::Agent) -> Self {
        Self(Held::new(agent))
    }
}

/// Kind of a status: it seals.
pub const BLINDTALLY_STATUS_ENCRYPTED: u32 = 1;
/// Kind of a status: the policy asks for something that this version does not know. It seals nothing, and sends nothing
/// plain either.
pub const BLINDTALLY_STATUS_NEEDS_UPGRADE: u32 = 2;
/// Kind of a status: its keys are erased.
pub const BLINDTALLY_STATUS_REVOKED: u32 = 3;

/// Where an agent stands.
#[repr(C)]
pub struct Status {
    /// Version of the policy in force; 0 unless it seals.
    pub policy_version: u64,
    /// One of BLINDTALLY_STATUS_ENCRYPTED, BLINDTALLY_STATUS_NEEDS_UPGRADE, BLINDTALLY_STATUS_REVOKED.
    pub kind: u32,
    /// The epoch it seals in, 1 to 65535; 0 unless it seals.
    pub epoch: u32,
}

/// What became of a message: accepted. Export the state.
pub const BLINDTALLY_OUTCOME_UPDATED: u32 = 1;
/// What became of a message: it was the one in force already.
pub const BLINDTALLY_OUTCOME_UNCHANGED: u32 = 2;
/// What became of a message: the policy is of an epoch whose keys have not arrived. The agent seals on in the old one.
pub const BLINDTALLY_OUTCOME_DELIVERY_NEEDED: u32 = 3;
/// What became of a message: this device is revoked and its keys are erased. Export the state.
pub const BLINDTALLY_OUTCOME_REVOKED: u32 = 4;

fn outcome(outcome: Outcome) -> u32 {
    match outcome {
        Outcome::Updated => BLINDTALLY_OUTCOME_UPDATED,
        Outcome::Unchanged => BLINDTALLY_OUTCOME_UNCHANGED,
        Outcome::DeliveryNeeded => BLINDTALLY_OUTCOME_DELIVERY_NEEDED,
        Outcome::Revoked => BLINDTALLY_OUTCOME_REVOKED,
    }
}

/// The device's id: 32 hexadecimal digits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_device_id(
    agent: *const Agent,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let id = given.handle(agent)?.0.look(|agent| agent.device_id().to_string())?;
        put_text(&buffer, length.as_ref(), &id)
    })
}

/// The account's id: 32 hexadecimal digits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_account(
    agent: *const Agent,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let id = given.handle(agent)?.0.look(|agent| agent.account().to_string())?;
        put_text(&buffer, length.as_ref(), &id)
    })
}

/// Where it stands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_status(agent: *const Agent, status: *mut Status) -> *const Error {
    entry(|given| {
        let status = given.out(status)?;
        status.put(match given.handle(agent)?.0.look(blindtally::Agent::status)? {
            AgentStatus::Encrypted { policy_version, epoch } => {
                Status { policy_version, kind: BLINDTALLY_STATUS_ENCRYPTED, epoch: epoch.get().into() }
            }
            AgentStatus::NeedsUpgrade => Status { policy_version: 0, kind: BLINDTALLY_STATUS_NEEDS_UPGRADE, epoch: 0 },
            AgentStatus::Revoked => Status { policy_version: 0, kind: BLINDTALLY_STATUS_REVOKED, epoch: 0 },
        });
        Ok(())
    })
}

/// Takes a further delivery, after a rotation or when the owner delivered again. `result` is BLINDTALLY_OUTCOME_UPDATED or
/// BLINDTALLY_OUTCOME_UNCHANGED.
///
/// Errors: accept.stale for an older one, accept.refused for one that is not genuine, agent.revoked, malformed.*: the agent
/// goes on as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_accept(
    agent: *const Agent,
    delivery: *const u8,
    delivery_length: usize,
    result: *mut u32,
) -> *const Error {
    entry(|given| {
        let (result, delivery) = (given.out(result)?, given.slice(delivery, delivery_length)?);
        result.put(outcome(given.handle(agent)?.0.change(|agent| agent.accept(delivery))??));
        Ok(())
    })
}

/// Takes a signed policy that came by itself. `result` is one of BLINDTALLY_OUTCOME_UPDATED, BLINDTALLY_OUTCOME_UNCHANGED,
/// BLINDTALLY_OUTCOME_DELIVERY_NEEDED, BLINDTALLY_OUTCOME_REVOKED.
///
/// Errors: as blindtally_agent_accept().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_apply_policy(
    agent: *const Agent,
    policy: *const u8,
    policy_length: usize,
    result: *mut u32,
) -> *const Error {
    entry(|given| {
        let (result, policy) = (given.out(result)?, given.slice(policy, policy_length)?);
        result.put(outcome(given.handle(agent)?.0.change(|agent| agent.apply_policy(policy))??));
        Ok(())
    })
}

/// Gives everything that must survive a restart: as blindtally_pending_export_state().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_export_state(
    agent: *const Agent,
    wrapping_key: *const u8,
    wrapping_key_length: usize,
    state: *mut Bytes,
) -> *const Error {
    entry(|given| {
        let state = given.out_bytes(state)?;
        let key = state::key(given, wrapping_key, wrapping_key_length)?;
        let saved = given.handle(agent)?.0.look(blindtally::Agent::save)?;
        state::export(&saved, key, &state)
    })
}

/// Gives 32 secret bytes to show the service for the right to upload: as blindtally_pending_claim().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_claim(agent: *const Agent, claim: *mut Bytes) -> *const Error {
    entry(|given| {
        let claim = given.out_bytes(claim)?;
        given.handle(agent)?.0.look(|agent| claim.put_bytes(agent.claim().expose()))
    })
}

/// The id of the ticket that the claim stems from, 32 hexadecimal digits; empty if it was enrolled without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_claim_ticket(
    agent: *const Agent,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let ticket = given.handle(agent)?.0.look(|agent| agent.claim().ticket())?;
        put_text(&buffer, length.as_ref(), &ticket.map_or_else(String::new, |ticket| ticket.to_string()))
    })
}

/// Wipes its keys once the calls of other threads are through. Every later call gives c.closed. May be called again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_close(agent: *const Agent) -> *const Error {
    entry(|given| {
        given.handle(agent)?.0.close();
        Ok(())
    })
}

/// Wipes and frees it, and sets the variable to NULL. NULL, and a variable that is NULL, are left alone. No other thread
/// may use it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_free(agent: *mut *mut Agent) {
    entry(|given| given.free(agent));
}
