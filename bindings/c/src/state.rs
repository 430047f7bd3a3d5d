//! What of an agent survives a restart.

use blindtally::{RestoredAgent, SavedAgent, Secret};

use crate::agent::Agent;
use crate::bytes::Bytes;
use crate::error::{Error, Refused};
use crate::pending::Pending;
use crate::pointer::{Given, Out, entry};

/// Length in bytes of the key that a state is wrapped under.
pub const BLINDTALLY_KEY_LENGTH: usize = 32;

/// Brings an agent back from what blindtally_agent_export_state() or blindtally_pending_export_state() gave. Sets one of
/// `agent` and `pending` to a handle, which is to be freed with blindtally_agent_free() or blindtally_pending_free(), and
/// the other to NULL.
///
/// `wrapping_key` is the key that the state was wrapped under, of BLINDTALLY_KEY_LENGTH bytes; NULL and 0 if it lies in the
/// clear. Another length is c.value.
///
/// Errors: state.wrong-key, state.wrapped, state.not-wrapped, malformed.*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_restore(
    state: *const u8,
    state_length: usize,
    wrapping_key: *const u8,
    wrapping_key_length: usize,
    agent: *mut *mut Agent,
    pending: *mut *mut Pending,
) -> *const Error {
    entry(|given| {
        let (agent, pending) = given.both(given.out_handle(agent), given.out_handle(pending))?;
        let state = given.slice(state, state_length)?;
        let saved = match key(given, wrapping_key, wrapping_key_length)? {
            Some(key) => SavedAgent::unwrap_with(state, &key)?,
            None => SavedAgent::from_exposed(state.to_vec()),
        };
        match saved.restore()? {
            RestoredAgent::Agent(restored) => agent.put_handle(Agent::new(restored)),
            RestoredAgent::Pending(restored) => pending.put_handle(Pending::new(restored)),
        }
        Ok(())
    })
}

/// Hands a state out, wrapped if there is a key.
pub(crate) fn export(saved: &SavedAgent, key: Option<Secret<32>>, state: &Out<Bytes>) -> Result<(), Refused> {
    match key {
        Some(key) => state.put_bytes(&saved.wrap(&key)?),
        None => state.put_bytes(saved.expose()),
    }
    Ok(())
}

/// The key that a state is wrapped under, if any.
pub(crate) fn key(given: &Given, key: *const u8, length: usize) -> Result<Option<Secret<32>>, Refused> {
    if key.is_null() && length == 0 {
        return Ok(None);
    }
    if key.is_null() {
        return Err(Refused::NULL);
    }
    let key = given.slice(key, length)?.try_into().map_err(|_| Refused::VALUE)?;
    Ok(Some(Secret::copy_of(key)))
}
