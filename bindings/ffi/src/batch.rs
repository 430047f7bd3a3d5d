//! Many values in one call.

use blindtally::{Error, RevealBatch, TokenBatch};

use crate::error::{BlindtallyError, Misuse};

/// What became of one item of a batch: a text, or the code of its refusal.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct BatchItem {
    /// The token or the value; none if it was refused.
    pub text: Option<String>,
    /// The stable code of the refusal, if it was.
    pub error: Option<String>,
}

/// The results of a batch, one for each item.
pub(crate) trait Results {
    fn items(&self) -> impl Iterator<Item = Result<&str, Error>>;

    /// All of them, or the first refusal.
    fn all(&self) -> Result<Vec<String>, BlindtallyError> {
        self.items().map(|item| Ok(item?.to_owned())).collect()
    }

    /// Each for itself.
    fn each(&self) -> Vec<BatchItem> {
        let item = |item| match item {
            Ok(text) => BatchItem { text: Some(str::to_owned(text)), error: None },
            Err(error) => BatchItem { text: None, error: Some(Error::code(&error).to_owned()) },
        };
        self.items().map(item).collect()
    }

    /// Each for itself, laid out as [`split`] reads them.
    fn packed(&self) -> Vec<u8> {
        let (mut count, mut lengths, mut texts) = (0u32, vec![0; 4], Vec::new());
        for item in self.items() {
            let (text, refused) = match item {
                Ok(text) => (text, 0),
                Err(error) => (error.code(), REFUSED),
            };
            count += 1;
            lengths.extend_from_slice(&(text.len() as u32 | refused).to_le_bytes());
            texts.extend_from_slice(text.as_bytes());
        }
        lengths[..4].copy_from_slice(&count.to_le_bytes());
        lengths.append(&mut texts);
        lengths
    }
}

impl Results for TokenBatch {
    fn items(&self) -> impl Iterator<Item = Result<&str, Error>> {
        self.iter().map(|item| item.map_err(Error::from))
    }
}

impl Results for RevealBatch {
    fn items(&self) -> impl Iterator<Item = Result<&str, Error>> {
        self.iter().map(|item| item.map_err(Error::from))
    }
}

/// In the length of a packed result: it is the code of a refusal.
const REFUSED: u32 = 1 << 31;

/// Takes a packed batch apart: how many items (u32, little-endian), the length of each in bytes (u32 each), then all of them
/// one after the other, in UTF-8.
pub(crate) fn split(packed: &[u8]) -> Result<Vec<&str>, Misuse> {
    let (count, rest) = packed.split_first_chunk().ok_or(Misuse::Value)?;
    let count = u32::from_le_bytes(*count) as usize;
    let (lengths, texts) = rest.split_at_checked(count.checked_mul(4).ok_or(Misuse::Value)?).ok_or(Misuse::Value)?;
    // One look at all of it: an item that begins or ends within a character is found where it is cut out.
    let mut texts = str::from_utf8(texts).map_err(|_| Misuse::Utf8)?;
    let mut items = Vec::with_capacity(count);
    let (lengths, _) = lengths.as_chunks();
    for length in lengths {
        let length = u32::from_le_bytes(*length) as usize;
        let cut = if length > texts.len() { Misuse::Value } else { Misuse::Utf8 };
        let (item, rest) = texts.split_at_checked(length).ok_or(cut)?;
        items.push(item);
        texts = rest;
    }
    if texts.is_empty() { Ok(items) } else { Err(Misuse::Value) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn packed(numbers: &[u32], texts: &[u8]) -> Vec<u8> {
        [&numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>(), texts].concat()
    }

    #[test]
    fn a_packed_batch_is_taken_apart_only_where_all_of_it_is_told() {
        let split =
            |numbers: &[u32], texts: &str| split(&packed(numbers, texts.as_bytes())).map(|items| items.join("|"));
        assert_eq!(split(&[0], "").as_deref(), Ok(""));
        assert_eq!(split(&[3, 2, 0, 1], "abc").as_deref(), Ok("ab||c"));
        for (numbers, texts) in [
            (&[][..], ""),
            (&[0], "a"),
            (&[1], ""),
            (&[1, 1], ""),
            (&[1, 1], "ab"),
            (&[1, u32::MAX], "a"),
            (&[u32::MAX, 1], "a"),
            (&[1 << 30, 1], "a"),
            (&[1 << 31, 1], "a"),
        ] {
            assert_eq!(split(numbers, texts), Err(Misuse::Value), "{numbers:?} {texts}");
        }
        assert_eq!(split(&[2, 1, 1], "é"), Err(Misuse::Utf8));
        assert_eq!(super::split(&packed(&[1, 1], b"\xff")), Err(Misuse::Utf8));
        assert_eq!(super::split(&[0, 0, 0]), Err(Misuse::Value));
    }
}
