//! AES-256-GCM-SIV (RFC 8452) as everything but tokens uses it: one message, ciphertext and tag appended to the rest.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use zeroize::Zeroizing;

use crate::error::ParseError;
use crate::secret::Secret;

/// Bytes that sealing adds.
pub(crate) const TAG_LEN: usize = 16;

/// Ciphertext and tag of `plain`, bound to `aad`; fails only above the cipher's limit of 64 GiB.
pub(crate) fn seal(key: &Secret<32>, nonce: &[u8; 12], plain: &[u8], aad: &[u8]) -> Result<Vec<u8>, ParseError> {
    let cipher = Aes256GcmSiv::new(key.expose().into());
    cipher.encrypt(&Nonce::from(*nonce), Payload { msg: plain, aad }).map_err(|_| ParseError::TooLong)
}

/// The plaintext, if ciphertext, tag and `aad` are exactly what was sealed (SPEC.md#early-plaintext).
pub(crate) fn open(key: &Secret<32>, nonce: &[u8; 12], sealed: &[u8], aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = Aes256GcmSiv::new(key.expose().into());
    cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad }).ok().map(Zeroizing::new)
}
