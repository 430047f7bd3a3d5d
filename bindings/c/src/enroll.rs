//! How a device asks for keys.

use core::ffi::c_char;

use blindtally::{AccountCode, EnrollError, EnrollmentRequest, Identity, PendingAgent, Ticket};

use crate::bytes::Bytes;
use crate::error::{Error, Refused};
use crate::pending::Pending;
use crate::pointer::{Given, entry};

/// A device's key pairs that were made elsewhere: two different RSA private keys of 2048, 3072 or 4096 bits as PKCS#8 in
/// DER.
#[repr(C)]
pub struct KeyPairs {
    /// The key that decrypts deliveries.
    pub encryption: *const u8,
    /// Its length in bytes.
    pub encryption_length: usize,
    /// The key that signs requests.
    pub signing: *const u8,
    /// Its length in bytes.
    pub signing_length: usize,
}

/// Makes a request for keys with a ticket ("btt1_..." or a link "blindtally:btt1_..."). `device_name` is what the owner
/// sees, 1 to 128 bytes. With `key_pairs` NULL the device's key pairs are generated, which takes a second or more.
///
/// Gives the pending agent, to be freed with blindtally_pending_free(): export its state before anything else. And the
/// request, which goes through the service; to be freed with blindtally_bytes_free().
///
/// Errors: malformed.* for a ticket or keys that are none, enrollment.name, entropy.unavailable, rsa.failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_enroll(
    ticket: *const c_char,
    ticket_length: usize,
    device_name: *const c_char,
    device_name_length: usize,
    key_pairs: *const KeyPairs,
    pending: *mut *mut Pending,
    request: *mut Bytes,
) -> *const Error {
    entry(|given| {
        let (pending, request) = given.both(given.out_handle(pending), given.out_bytes(request))?;
        let ticket = Ticket::parse(given.text(ticket, ticket_length)?)?;
        let name = given.text(device_name, device_name_length)?;
        blindtally::Agent::check_name(name)?;
        let enrolled = match identity(given, key_pairs)? {
            Some(identity) => blindtally::Agent::enroll_with(&ticket, name, identity),
            None => blindtally::Agent::enroll(&ticket, name),
        };
        hand_out(enrolled, |agent, message| {
            pending.put_handle(agent);
            request.put_bytes(message);
        })
    })
}

/// Makes a request without a ticket, with the account's code as the owner reads it out: the owner has to type what
/// blindtally_pending_device_code() gives. Otherwise as blindtally_agent_enroll().
///
/// Errors: malformed.* for a code that is mistyped or keys that are none, entropy.unavailable, rsa.failed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_enroll_by_code(
    account_code: *const c_char,
    account_code_length: usize,
    key_pairs: *const KeyPairs,
    pending: *mut *mut Pending,
    request: *mut Bytes,
) -> *const Error {
    entry(|given| {
        let (pending, request) = given.both(given.out_handle(pending), given.out_bytes(request))?;
        let code = AccountCode::parse(given.text(account_code, account_code_length)?)?;
        let enrolled = match identity(given, key_pairs)? {
            Some(identity) => blindtally::Agent::enroll_by_code_with(&code, identity),
            None => blindtally::Agent::enroll_by_code(&code),
        };
        hand_out(enrolled, |agent, message| {
            pending.put_handle(agent);
            request.put_bytes(message);
        })
    })
}

fn identity(given: &Given, key_pairs: *const KeyPairs) -> Result<Option<Identity>, Refused> {
    let Some(keys) = given.option(key_pairs)? else { return Ok(None) };
    let encryption = given.slice(keys.encryption, keys.encryption_length)?;
    let signing = given.slice(keys.signing, keys.signing_length)?;
    Ok(Some(Identity::from_pkcs8(encryption, signing)?))
}

fn hand_out(
    enrolled: Result<(PendingAgent, EnrollmentRequest), EnrollError>,
    put: impl FnOnce(Pending, &[u8]),
) -> Result<(), Refused> {
    let (pending, request) = enrolled?;
    put(Pending::new(pending), request.as_bytes());
    Ok(())
}
