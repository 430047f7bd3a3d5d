//! A device that has asked for keys and has none yet.

use core::ffi::c_char;

use blindtally::{PendingAgent, TokenClass};

use crate::agent::Agent;
use crate::bytes::Bytes;
use crate::class::{class, millis};
use crate::error::Error;
use crate::held::Held;
use crate::pointer::{entry, put_text};
use crate::state;

/// Room for an id as text: 32 hexadecimal digits and the NUL.
pub const BLINDTALLY_ID_LENGTH: usize = 33;

/// Room for a device's code as text: 24 characters in groups of four, and the NUL.
pub const BLINDTALLY_CODE_LENGTH: usize = 30;

/// A device that has asked for keys and waits for their delivery. Any number of threads may use it at once.
pub struct Pending(Held<PendingAgent>);

impl Pending {
    pub(crate) fn new(pending: PendingAgent) -> Self {
        Self(Held::new(pending))
    }
}

/// The device's id, what the service knows it by: 32 hexadecimal digits. For `buffer`, `capacity` and `length` see the top
/// of this file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_device_id(
    pending: *const Pending,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let id = given.handle(pending)?.0.look(|pending| pending.device_id().to_string())?;
        put_text(&buffer, length.as_ref(), &id)
    })
}

/// The id of the account it wants to belong to: 32 hexadecimal digits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_account(
    pending: *const Pending,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let id = given.handle(pending)?.0.look(|pending| pending.account().to_string())?;
        put_text(&buffer, length.as_ref(), &id)
    })
}

/// The code that the owner types when the device was enrolled without a ticket; it fits BLINDTALLY_CODE_LENGTH.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_device_code(
    pending: *const Pending,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let code = given.handle(pending)?.0.look(PendingAgent::device_code)?;
        put_text(&buffer, length.as_ref(), &code)
    })
}

/// Gives 32 secret bytes to show the service for the right to upload; it knows their SHA-256. To be freed with
/// blindtally_bytes_free(), which wipes them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_claim(pending: *const Pending, claim: *mut Bytes) -> *const Error {
    entry(|given| {
        let claim = given.out_bytes(claim)?;
        given.handle(pending)?.0.look(|pending| claim.put_bytes(pending.claim().expose()))
    })
}

/// The id of the ticket that the claim stems from, 32 hexadecimal digits; empty if it was enrolled without one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_claim_ticket(
    pending: *const Pending,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let ticket = given.handle(pending)?.0.look(|pending| pending.claim().ticket())?;
        put_text(&buffer, length.as_ref(), &ticket.map_or_else(String::new, |ticket| ticket.to_string()))
    })
}

/// Seals a value of up to 1 MiB for the queue of this device, to be tokenized with blindtally_agent_dequeue() when the keys
/// are there. Gives the text of a record, to be kept on this device and freed with blindtally_bytes_free().
///
/// `when` is the moment of the value in milliseconds of Unix time, not below 0.
///
/// Errors: c.value for what is no token class or moment, record.too-long, entropy.unavailable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_queue(
    pending: *const Pending,
    token_class: u32,
    value: *const c_char,
    value_length: usize,
    when: i64,
    record: *mut Bytes,
) -> *const Error {
    entry(|given| {
        let record = given.out_bytes(record)?;
        let (class, value) = (class(token_class, TokenClass::from_id)?, given.text(value, value_length)?);
        let when = millis(when)?;
        let sealed = given.handle(pending)?.0.look(|pending| pending.queue(class, value, when))??;
        record.put_bytes(sealed.to_string().as_bytes());
        Ok(())
    })
}

/// Gives everything that must survive a restart, to be freed with blindtally_bytes_free(), which wipes it. It is sealed
/// under `wrapping_key`, BLINDTALLY_KEY_LENGTH bytes of a key store of the platform's; with NULL and 0 it is in the clear,
/// and reading it is as good as the device.
///
/// Errors: entropy.unavailable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_export_state(
    pending: *const Pending,
    wrapping_key: *const u8,
    wrapping_key_length: usize,
    state: *mut Bytes,
) -> *const Error {
    entry(|given| {
        let state = given.out_bytes(state)?;
        let key = state::key(given, wrapping_key, wrapping_key_length)?;
        let saved = given.handle(pending)?.0.look(PendingAgent::save)?;
        state::export(&saved, key, &state)
    })
}

/// Takes the delivery that came through the service. Gives the agent, to be freed with blindtally_agent_free(): export its
/// state. The pending one is as before, and takes the same delivery again should that fail.
///
/// Errors: accept.refused for anything but a genuine delivery from the account to this device, malformed.*.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_accept(
    pending: *const Pending,
    delivery: *const u8,
    delivery_length: usize,
    agent: *mut *mut Agent,
) -> *const Error {
    entry(|given| {
        let agent = given.out_handle(agent)?;
        let delivery = given.slice(delivery, delivery_length)?;
        agent.put_handle(Agent::new(given.handle(pending)?.0.look(|pending| pending.accept(delivery))??));
        Ok(())
    })
}

/// Wipes its keys once the calls of other threads are through. Every later call gives c.closed. May be called again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_close(pending: *const Pending) -> *const Error {
    entry(|given| {
        given.handle(pending)?.0.close();
        Ok(())
    })
}

/// Wipes and frees it, and sets the variable to NULL. NULL, and a variable that is NULL, are left alone. No other thread
/// may use it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_pending_free(pending: *mut *mut Pending) {
    entry(|given| given.free(pending));
}
