//! Records: values that are only kept, each sealed apart.

use core::ffi::c_char;

use blindtally::RecordClass;

use crate::agent::Agent;
use crate::bytes::Bytes;
use crate::class::{class, millis};
use crate::error::Error;
use crate::pointer::entry;

/// Seals a record of up to 1 MiB of UTF-8 under this device's own key. `when` is the moment of what it holds, in
/// milliseconds of Unix time, not below 0. Gives the text of the record, to be freed with blindtally_bytes_free().
///
/// Errors: c.value for what is no record class or moment, c.utf8, record.too-long, record.no-key, agent.needs-upgrade,
/// agent.revoked, entropy.unavailable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_seal_record(
    agent: *const Agent,
    record_class: u32,
    value: *const c_char,
    value_length: usize,
    when: i64,
    record: *mut Bytes,
) -> *const Error {
    entry(|given| {
        let record = given.out_bytes(record)?;
        let (class, value) = (class(record_class, RecordClass::from_id)?, given.text(value, value_length)?);
        let when = millis(when)?;
        let sealed = given.handle(agent)?.0.look(|agent| agent.seal_record(class, value, when))??;
        record.put_bytes(sealed.to_string().as_bytes());
        Ok(())
    })
}
