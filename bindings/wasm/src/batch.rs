//! Batches across the border: one string in, one string out, and where each item ends, so that a call costs the same
//! for one value as for thousands.

use blindtally::{Error, OpeningKeys, Record, RecordError, RevealBatch, Suite};
use js_sys::{Array, JsString};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::error;

/// The items of a joined string, which JavaScript's encoder made UTF-8: passing the string itself would be slower.
pub(crate) fn split(joined: &[u8], separator: char) -> core::str::Split<'_, char> {
    core::str::from_utf8(joined).unwrap_or_default().split(separator)
}

/// The values one after the other. `lengths` gets the length of each in UTF-16 units, or -1 - i for one that failed with
/// the i-th of `errors`. `None` unless there are as many items as lengths: the separator was in one of them.
pub(crate) fn join<'v, E: Into<Error>>(
    items: impl ExactSizeIterator<Item = Result<&'v str, E>>,
    lengths: &mut [i32],
    errors: &Array,
) -> Option<JsString> {
    if items.len() != lengths.len() {
        return None;
    }
    Some(join_all(items.map(|item| item.map_err(Into::into)).collect(), lengths, errors))
}

fn join_all(items: Vec<Result<&str, Error>>, lengths: &mut [i32], errors: &Array) -> JsString {
    let mut met: Vec<Error> = Vec::new();
    let room = items.iter().map(|item| item.as_ref().map_or(0, |value| value.len())).sum();
    let mut joined = Zeroizing::new(String::with_capacity(room));
    for (item, length) in items.into_iter().zip(lengths) {
        *length = match item {
            Ok(value) => {
                joined.push_str(value);
                (if value.is_ascii() { value.len() } else { value.encode_utf16().count() }) as i32
            }
            Err(error) => {
                let known = met.iter().position(|known| *known == error);
                let index = known.unwrap_or_else(|| {
                    errors.push(&JsValue::from(error::of(error)));
                    met.push(error);
                    met.len() - 1
                });
                -1 - index as i32
            }
        };
    }
    JsString::from(joined.as_str())
}

/// Opens what is separated by line feeds, as [`join`] gives it: records if that is the suite, otherwise tokens.
pub(crate) fn open(
    keys: &OpeningKeys,
    suite: u8,
    texts: &[u8],
    lengths: &mut [i32],
    errors: &Array,
) -> Option<JsString> {
    let texts = split(texts, '\n');
    if suite != Suite::Record as u8 {
        let mut out = RevealBatch::new();
        keys.reveal_batch(texts, &mut out);
        return join(out.iter(), lengths, errors);
    }
    let opened: Vec<Result<Zeroizing<String>, RecordError>> =
        texts.map(|text| keys.open_record(&Record::parse(text)?)).collect();
    join(opened.iter().map(|item| item.as_ref().map(|value| value.as_str()).map_err(|error| *error)), lengths, errors)
}
