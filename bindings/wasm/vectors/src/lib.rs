//! The check of the test vectors for JavaScript engines: the same code that tests/vectors.rs runs natively.

#![allow(missing_docs)]
use wasm_bindgen::prelude::*;

#[path = "../../../../tests/support/vectors.rs"]
mod vectors;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn report(text: &str);

    /// Gives the text of a file of cases.
    pub type Read;

    #[wasm_bindgen(method, js_name = call)]
    fn of(this: &Read, itself: &Read, name: &str) -> String;
}

/// Checks one file and returns how many cases it has.
#[wasm_bindgen]
pub fn check(name: &str, read: &Read) -> Result<u32, String> {
    // A failed assertion ends everything here: only this says which it was.
    std::panic::set_hook(Box::new(|panic| report(&panic.to_string())));
    vectors::check(name, &|name| serde_json::from_str(&read.of(read, name)).unwrap())
}
