//! Finds tokens in any text and replaces them (SPEC.md#token-text).
//!
//! A token in text is a whole run of letters, digits, `_` and `-` that begins with `bt1_`: one that is glued to more
//! such characters on either side is none. Time is linear in the text, whatever it holds.

use core::ops::Range;
use std::borrow::Cow;

use crate::token::{TEXT_PREFIX, Token};

/// The tokens in `text`, with the byte range of each.
pub fn find_tokens(text: &str) -> impl Iterator<Item = (Range<usize>, Token)> {
    let mut at = 0;
    core::iter::from_fn(move || {
        while let Some(found) = text.get(at..).and_then(|rest| rest.find(TEXT_PREFIX)) {
            let start = at + found;
            let end = start + run_len(text.as_bytes().get(start..).unwrap_or_default());
            at = end;
            let glued = start > 0 && text.as_bytes().get(start - 1).copied().is_some_and(in_run);
            if let (false, Some(Ok(token))) = (glued, text.get(start..end).map(str::parse)) {
                return Some((start..end, token));
            }
        }
        None
    })
}

/// `text` with each token replaced by what `replacement` gives for it; `None` leaves the token as it is.
pub fn replace_tokens<R: AsRef<str>>(text: &str, mut replacement: impl FnMut(&Token) -> Option<R>) -> Cow<'_, str> {
    let mut replaced = String::new();
    let mut copied = 0;
    for (range, token) in find_tokens(text) {
        if let Some(replacement) = replacement(&token) {
            if copied == 0 {
                // Once and for all, since growing leaves copies behind: a value is shorter than its token.
                replaced.reserve_exact(text.len());
            }
            replaced.push_str(text.get(copied..range.start).unwrap_or_default());
            replaced.push_str(replacement.as_ref());
            copied = range.end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    replaced.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(replaced)
}

fn run_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !in_run(byte)).unwrap_or(bytes.len())
}

fn in_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}
