//! Tickets and account codes.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use crate::error::{self, BlindtallyError};
use crate::secret;

/// A ticket.
#[wasm_bindgen]
pub struct Ticket(pub(crate) blindtally::Ticket);

#[wasm_bindgen]
impl Ticket {
    /// From the text or the link, as typed.
    pub fn parse(text: &Uint8Array) -> Result<Ticket, BlindtallyError> {
        blindtally::Ticket::parse(&secret::text(text)).map(Self).map_err(error::of)
    }

    /// The text, in ASCII.
    pub fn encode(&self) -> JsValue {
        secret::give(self.0.to_text().as_bytes())
    }

    /// The link, in ASCII.
    pub fn encode_link(&self) -> JsValue {
        secret::give(self.0.to_link().as_bytes())
    }

    pub fn account(&self) -> String {
        self.0.account().to_string()
    }

    pub fn id(&self) -> String {
        self.0.id().to_string()
    }

    /// In milliseconds since the Unix epoch.
    pub fn expiry(&self) -> f64 {
        self.0.expiry().unix_millis() as f64
    }

    pub fn uses(&self) -> u16 {
        self.0.uses().get()
    }

    pub fn authenticator_hash(&self) -> Vec<u8> {
        self.0.authenticator_hash().to_vec()
    }
}

/// What a person types into an agent that has no ticket.
#[wasm_bindgen]
pub struct AccountCode(pub(crate) blindtally::AccountCode);

#[wasm_bindgen]
impl AccountCode {
    pub fn parse(text: &str) -> Result<AccountCode, BlindtallyError> {
        blindtally::AccountCode::parse(text).map(Self).map_err(error::of)
    }
}
