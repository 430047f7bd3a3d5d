//! Whether text or bytes from elsewhere have the form of an artefact.

use blindtally::{AccountId, ParseError, Record, Token};
use wasm_bindgen::prelude::*;

use crate::error::{self, BlindtallyError};

#[wasm_bindgen]
pub fn check_token(text: &str) -> Result<(), BlindtallyError> {
    text.parse::<Token>().map(drop).map_err(error::of)
}

#[wasm_bindgen]
pub fn check_record(text: &str) -> Result<(), BlindtallyError> {
    Record::parse(text).map(drop).map_err(error::of)
}

/// The ids of accounts, devices and tickets look alike.
#[wasm_bindgen]
pub fn check_id(text: &str) -> Result<(), BlindtallyError> {
    text.parse::<AccountId>().map(drop).map_err(error::of)
}

/// The first four bytes of an artefact: everything else is checked where it is used.
#[wasm_bindgen]
pub fn check_kind(start: &[u8], kind: u8) -> Result<(), BlindtallyError> {
    match start {
        [b'B', b'T', found, _] if *found == kind => Ok(()),
        [b'B', b'T', _, _] => Err(error::of(ParseError::Kind)),
        [_, _, _, _] => Err(error::of(ParseError::Magic)),
        _ => Err(error::of(ParseError::Truncated)),
    }
}
