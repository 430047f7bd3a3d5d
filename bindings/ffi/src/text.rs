//! Tokens in text.

use blindtally::Token;

use crate::error::BlindtallyError;

/// A token in a text, and where it begins. It is ASCII: it takes as many bytes, code units and characters as it has.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct FoundToken {
    /// The token.
    pub token: String,
    /// Bytes of UTF-8 before it.
    pub byte_offset: i64,
    /// Code units of UTF-16 before it.
    pub utf16_offset: i64,
    /// Characters (Unicode scalar values) before it.
    pub character_offset: i64,
}

/// The tokens in a text, in order.
#[uniffi::export]
pub fn find_tokens(text: String) -> Vec<FoundToken> {
    let (mut byte, mut utf16, mut character) = (0, 0, 0);
    let mut found = Vec::new();
    for (range, token) in blindtally::find_tokens(&text) {
        let before = text.get(byte..range.start).unwrap_or_default();
        utf16 += before.encode_utf16().count() as i64;
        character += before.chars().count() as i64;
        found.push(FoundToken {
            token: token.to_string(),
            byte_offset: range.start as i64,
            utf16_offset: utf16,
            character_offset: character,
        });
        (utf16, character) = (utf16 + range.len() as i64, character + range.len() as i64);
        byte = range.end;
    }
    found
}

/// A short name for a token that anyone computes without a key, such as fits a UUID column: 32 hexadecimal digits.
///
/// # Errors
/// `malformed.` if it is no token.
#[uniffi::export]
pub fn token_index(token: String) -> Result<String, BlindtallyError> {
    Ok(token.parse::<Token>()?.index().to_string())
}
