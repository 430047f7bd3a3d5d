//! Every error crosses the border as one class with the core's stable code.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(raw_module = "./error.js")]
extern "C" {
    /// The class in `ts/error.ts`.
    pub type BlindtallyError;

    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> BlindtallyError;
}

/// Any error of the core's, as JavaScript sees it.
pub(crate) fn of(error: impl Into<blindtally::Error>) -> BlindtallyError {
    let error = error.into();
    BlindtallyError::new(error.code(), &error.to_string())
}
