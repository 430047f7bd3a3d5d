//! What the TypeScript needs of the keys to seal and open blobs and archives with WebCrypto: it does all else.

use blindtally::{
    AgentStatus, BlobClass, BlobError, BlobHeader, BlobId, BlobKey, Epoch, Fingerprint, OpeningKeys, PublicIdentity,
};
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::agent::Agent;
use crate::backup::Restored;
use crate::error::{self, BlindtallyError};
use crate::owner::{Owner, parse_device};

#[wasm_bindgen(raw_module = "./webcrypto.js")]
extern "C" {
    /// Imports the input key of chunked encryption as one that cannot be exported; as `importSigningKey`.
    #[wasm_bindgen(js_name = importInputKey)]
    fn import_input_key(key: &[u8]) -> Promise;
}

#[wasm_bindgen]
impl Owner {
    /// See [`candidates`].
    pub fn blob_keys(&self, class: u8, epoch: u16, device: &str) -> Result<Array, BlindtallyError> {
        candidates(self.0.opening_keys(), self.0.fingerprint(), class, epoch, device)
    }

    /// The account's public keys: for encryption, and for signatures.
    pub fn public_keys(&self) -> Array {
        let public = self.0.identity().public();
        Array::of2(&Uint8Array::from(public.encryption_spki()), &Uint8Array::from(public.signing_spki()))
    }
}

#[wasm_bindgen]
impl Restored {
    pub fn blob_keys(&self, class: u8, epoch: u16, device: &str) -> Result<Array, BlindtallyError> {
        candidates(self.0.opening_keys(), self.0.fingerprint(), class, epoch, device)
    }
}

#[wasm_bindgen]
impl Agent {
    /// The epoch it seals in, and its input key for blobs of a class.
    pub fn blob_key(&self, class: u8) -> Result<Array, BlindtallyError> {
        let class = BlobClass::from_id(class).map_err(error::of)?;
        let key = self.0.blob_key(class).map_err(error::of)?;
        let AgentStatus::Encrypted { epoch, .. } = self.0.status() else { return Err(error::of(BlobError::NoKey)) };
        Ok(Array::of2(&epoch.get().into(), &import(key)))
    }
}

/// The fingerprint of an account with these public keys.
#[wasm_bindgen]
pub fn account_fingerprint(encryption: &[u8], signing: &[u8]) -> Result<Vec<u8>, BlindtallyError> {
    let identity = PublicIdentity::from_spki(encryption, signing).map_err(error::of)?;
    Ok(identity.fingerprint().as_bytes().to_vec())
}

/// Takes blocks of 64 bytes into a state of SHA-256's (FIPS 180-4): WebCrypto hashes only what is in memory as a whole.
#[wasm_bindgen]
pub fn sha256_blocks(state: &mut [u32], blocks: &[u8]) {
    if let Ok(state) = state.try_into() {
        sha2::block_api::compress256(state, blocks.as_chunks().0);
    }
}

/// The account's fingerprint, and the input keys that may have made blobs with these fields in their headers.
fn candidates(
    keys: &OpeningKeys,
    fingerprint: Fingerprint,
    class: u8,
    epoch: u16,
    device: &str,
) -> Result<Array, BlindtallyError> {
    let (class, epoch) = (BlobClass::from_id(class).map_err(error::of)?, Epoch::new(epoch).map_err(error::of)?);
    // The other fields are in the context, not in the key.
    let header = BlobHeader { class, epoch, device: parse_device(device)?, id: BlobId::from_bytes([0; 16]), seq: 0 };
    let found = Array::of1(&Uint8Array::from(&fingerprint.as_bytes()[..]));
    for key in keys.blob_keys(&header) {
        found.push(&import(&key));
    }
    Ok(found)
}

/// The key, in WebCrypto's hands.
fn import(key: &BlobKey) -> Promise {
    import_input_key(key.input_key().expose())
}
