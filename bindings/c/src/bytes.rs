//! Bytes that the library hands out, and wipes when they come back.

use core::ptr;

use zeroize::Zeroize;

use crate::pointer::{Out, entry};

/// Bytes that the library allocated. Where a function fills one in, it is an output: what it held before is overwritten,
/// not freed. Both fields are to be left as they are until blindtally_bytes_free().
#[repr(C)]
pub struct Bytes {
    /// The bytes, and behind them a NUL that `length` does not count, so that a text is a string of C. NULL if there are
    /// none.
    pub data: *mut u8,
    /// How many.
    pub length: usize,
}

impl Bytes {
    pub(crate) const EMPTY: Self = Self { data: ptr::null_mut(), length: 0 };

    /// A copy: what it was copied of is wiped by whose it is.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::EMPTY;
        }
        let mut copy = vec![0; bytes.len() + 1].into_boxed_slice();
        copy[..bytes.len()].copy_from_slice(bytes);
        Self { data: Box::into_raw(copy).cast(), length: bytes.len() }
    }
}

impl Out<Bytes> {
    pub(crate) fn put_bytes(&self, bytes: &[u8]) {
        self.put(Bytes::of(bytes));
    }
}

/// Wipes and frees bytes that the library allocated, and empties the variable: it may be called again. NULL and what is
/// empty are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_bytes_free(bytes: *mut Bytes) {
    entry(|given| {
        if let Some(mut bytes) = given.reclaim(bytes)? {
            bytes.zeroize();
        }
        Ok(())
    });
}
