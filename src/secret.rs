//! Boxed, zeroized, constant-time-equal byte strings that do not print, and the one source of randomness.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::error::EntropyError;

/// A secret of exactly `N` bytes. Boxed, so that moving it leaves no copy behind; wiped on drop.
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Writes a secret in place: `fill` gets `N` zero bytes.
    pub(crate) fn build(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }

    /// Fresh randomness of the operating system.
    ///
    /// # Errors
    /// [`EntropyError`] if the operating system has none to give.
    pub fn random() -> Result<Self, EntropyError> {
        let mut secret = Self(Box::new([0; N]));
        getrandom::fill(&mut secret.0[..]).map_err(|_| EntropyError::Unavailable)?;
        Ok(secret)
    }

    /// Takes a copy of `bytes`; the caller wipes theirs.
    pub fn copy_of(bytes: &[u8; N]) -> Self {
        Self::build(|secret| secret.copy_from_slice(bytes))
    }

    /// The bytes. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self::copy_of(&self.0)
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Constant-time in the content (SPEC.md#constant-time).
impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{N}>(..)")
    }
}

/// A secret byte string of any length. Wiped on drop.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over without copying them; they are wiped when this is dropped.
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// Public randomness (nonces, salts, ids) of the operating system (SPEC.md#os-random).
pub(crate) fn random<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| EntropyError::Unavailable)?;
    Ok(bytes)
}
