//! Bearers and login proofs: made here or shown to us, and kept only as SHA-256.
//!
//! A plain hash is enough because every one of them is a 256-bit value that nobody chose:
//! there is no dictionary to try.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base64::{Base64Of32, decode};
use crate::error::Error;

/// 32 random bytes from the operating system.
///
/// # Errors
///
/// When the operating system has none to give.
pub(crate) fn generate() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// A fresh bearer: what its holder is told, and what is kept.
pub(crate) struct Bearer {
    pub(crate) shown: Base64Of32,
    pub(crate) hash: SecretHash,
}

impl Bearer {
    pub(crate) fn generate() -> Result<Self, Error> {
        let secret = generate()?;
        Ok(Self { shown: Base64Of32(secret), hash: SecretHash::of(&secret) })
    }
}

/// The SHA-256 of a secret.
pub(crate) struct SecretHash([u8; 32]);

impl SecretHash {
    pub(crate) fn of(secret: &[u8; 32]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The hash of a bearer as it came in a header.
    pub(crate) fn of_bearer(text: &str) -> Option<Self> {
        let secret: [u8; 32] = decode(text)?.try_into().ok()?;
        Some(Self::of(&secret))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the kept hash, in constant time.
    pub(crate) fn matches(&self, kept: &[u8]) -> bool {
        self.0.as_slice().ct_eq(kept).into()
    }
}
