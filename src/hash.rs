//! SHA-256 (FIPS 180-4) of byte strings one after the other.

use sha2::{Digest, Sha256};

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().into()
}

/// What shows that bytes were mistyped or damaged, and no more: whoever changes them on purpose makes it anew.
pub(crate) fn checksum(label: &str, body: &[u8]) -> [u8; 4] {
    let hash = sha256(&[label.as_bytes(), body]);
    [hash[0], hash[1], hash[2], hash[3]]
}
