//! Secret bytes across the border: copied from JavaScript's arrays into memory that is wiped, never through a string.

use blindtally::Secret;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::error::{self, BlindtallyError};

/// A secret of exactly `N` bytes. The caller wipes theirs. Text or a list would be copied as zeros: it is refused.
pub(crate) fn take<const N: usize>(bytes: &Uint8Array) -> Option<Secret<N>> {
    if !bytes.is_instance_of::<Uint8Array>() || bytes.length() as usize != N {
        return None;
    }
    let mut copy = Zeroizing::new([0; N]);
    bytes.copy_to(copy.as_mut_slice());
    Some(Secret::copy_of(&copy))
}

/// As [`take`], of a length that is wrong only if somebody else's code is.
pub(crate) fn expect<const N: usize>(bytes: &Uint8Array) -> Result<Secret<N>, BlindtallyError> {
    take(bytes).ok_or_else(|| error::of(blindtally::ParseError::Value))
}

/// Any bytes, wiped after use.
pub(crate) fn bytes(bytes: &Uint8Array) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

/// UTF-8 that a person typed, wiped after use. What is no UTF-8 is no text of ours either.
pub(crate) fn text(bytes: &Uint8Array) -> Zeroizing<String> {
    let bytes = self::bytes(bytes);
    Zeroizing::new(core::str::from_utf8(&bytes).unwrap_or_default().to_owned())
}

#[wasm_bindgen(raw_module = "./webcrypto.js")]
extern "C" {
    /// Seals secret bytes under a key of WebCrypto's. It gets a view of this memory, which WebCrypto copies from before it
    /// returns: no copy is made in JavaScript's own.
    pub(crate) fn seal(key: &JsValue, iv: &JsValue, plain: &[u8]) -> Promise;
}

/// Bytes for JavaScript, straight from memory that is wiped.
pub(crate) fn give(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}
