//! Blobs: files and streams, sealed whole or piece by piece.

use blindtally::{BlobClass, BlobError, BlobSealer};

use crate::agent::Agent;
use crate::bytes::Bytes;
use crate::class::{class, millis};
use crate::error::Error;
use crate::held::Held;
use crate::pointer::entry;

/// Seals a blob piece by piece. Calls of several threads wait for each other.
pub struct Sealer(Held<BlobSealer>);

/// Seals a blob in memory under this device's own key. `when` is the moment of what it holds, in milliseconds of Unix time,
/// not below 0. Gives the blob, to be freed with blindtally_bytes_free(). What is longer than some MiB is better sealed in
/// pieces: blindtally_sealer_new().
///
/// Errors: c.value for what is no blob class or moment, blob.no-key, agent.needs-upgrade, agent.revoked, blob.too-long above
/// 1 TiB, entropy.unavailable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_seal_blob(
    agent: *const Agent,
    blob_class: u32,
    content: *const u8,
    content_length: usize,
    when: i64,
    blob: *mut Bytes,
) -> *const Error {
    entry(|given| {
        let blob = given.out_bytes(blob)?;
        let (class, content) = (class(blob_class, BlobClass::from_id)?, given.slice(content, content_length)?);
        let when = millis(when)?;
        let sealed = given.handle(agent)?.0.look(|agent| agent.seal_blob(class, when, content))??;
        blob.put_bytes(&sealed);
        Ok(())
    })
}

/// Starts to seal a blob piece by piece. Gives the sealer, to be freed with blindtally_sealer_free(), and the blob's
/// beginning. The blob is that, then what each blindtally_sealer_update() gives, then what blindtally_sealer_finish() gives;
/// it is none before that. The sealer goes on when the agent is closed meanwhile.
///
/// Errors: as blindtally_agent_seal_blob().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_sealer_new(
    agent: *const Agent,
    blob_class: u32,
    when: i64,
    sealer: *mut *mut Sealer,
    beginning: *mut Bytes,
) -> *const Error {
    entry(|given| {
        let (sealer, beginning) = given.both(given.out_handle(sealer), given.out_bytes(beginning))?;
        let (class, when) = (class(blob_class, BlobClass::from_id)?, millis(when)?);
        let started = given.handle(agent)?.0.look(|agent| agent.blob_sealer(class, when))??;
        beginning.put_bytes(started.start().as_bytes());
        sealer.put_handle(Sealer(Held::new(started)));
        Ok(())
    })
}

/// Takes a piece of content of any length, and gives what is sealed by it, often nothing: chunks have 16 KiB. To be freed
/// with blindtally_bytes_free().
///
/// Errors: blob.too-long above 1 TiB in all; nothing of the piece is taken then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_sealer_update(
    sealer: *const Sealer,
    content: *const u8,
    content_length: usize,
    sealed: *mut Bytes,
) -> *const Error {
    entry(|given| {
        let (sealed, content) = (given.out_bytes(sealed)?, given.slice(content, content_length)?);
        let mut out = Vec::new();
        given.handle(sealer)?.0.change(|sealer| sealer.update(content, &mut out))??;
        sealed.put_bytes(&out);
        Ok(())
    })
}

/// Completes the blob and gives the rest of it, to be freed with blindtally_bytes_free(): up to a thirty-second part of its
/// length, which hides that length. The sealer is used up: every later call gives c.closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_sealer_finish(sealer: *const Sealer, sealed: *mut Bytes) -> *const Error {
    entry(|given| {
        let sealed = given.out_bytes(sealed)?;
        let mut out = Vec::new();
        given.handle(sealer)?.0.take()?.finish(|piece| {
            out.extend_from_slice(piece);
            Ok::<_, BlobError>(())
        })?;
        sealed.put_bytes(&out);
        Ok(())
    })
}

/// Wipes its keys: what was sealed so far stays no blob. Every later call gives c.closed. May be called again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_sealer_close(sealer: *const Sealer) -> *const Error {
    entry(|given| {
        given.handle(sealer)?.0.close();
        Ok(())
    })
}

/// Wipes and frees it, and sets the variable to NULL. NULL, and a variable that is NULL, are left alone. No other thread
/// may use it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_sealer_free(sealer: *mut *mut Sealer) {
    entry(|given| given.free(sealer));
}
