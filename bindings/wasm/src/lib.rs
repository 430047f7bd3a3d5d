//! The core for JavaScript: types translated, nothing decided. The TypeScript beside this crate is the API.

#![allow(missing_docs)]
use wasm_bindgen::prelude::*;

mod error;

use error::BlindtallyError;

#[wasm_bindgen]
pub struct TokenKey(blindtally::TokenKey);

#[wasm_bindgen]
impl TokenKey {
    pub fn reveal_many(&self, tokens: &str) -> Vec<usize> {
        let mut out = blindtally::RevealBatch::new();
        self.0.reveal_batch(tokens.split('\n'), &mut out);
        out.iter().map(|item| item.map_or(usize::MAX, str::len)).collect()
    }

    pub fn reveal(&self, token: &str) -> Result<String, BlindtallyError> {
        let token: blindtally::Token = token.parse().map_err(error::of)?;
        self.0.reveal(&token).map_err(error::of)
    }
}

#[wasm_bindgen]
pub fn unlock(vault: &[u8], login: &str, prelogin: &[u8], stretched: &[u8]) -> Result<Owner, BlindtallyError> {
    let _ = prelogin;
    let name = blindtally::LoginName::new(login).map_err(error::of)?;
    let prelogin = blindtally::Prelogin {
        kdf: blindtally::Kdf::default(),
        salt: [0; 16],
        account: blindtally::AccountId::from_bytes([0; 16]),
    };
    let s: &[u8; 32] = stretched.try_into().map_err(|_| error::of(blindtally::ParseError::Value))?;
    let login = blindtally::Login::start(name, prelogin).map_err(error::of)?;
    let unlocking = login.finish(blindtally::Stretched::from_platform(blindtally::Secret::copy_of(s)), None);
    blindtally::Owner::unlock(unlocking, vault, 0).map(Owner).map_err(error::of)
}

#[wasm_bindgen]
pub struct Owner(blindtally::Owner);
