//! Many tokens at once: several times as fast as one by one, in memory that is used again.

use core::borrow::Borrow;
use core::fmt;

use base64_simd::{AsOut, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::class::TokenClass;
use crate::error::{ParseError, RevealError, TokenizeError};
use crate::id::Epoch;
use crate::siv::Frames;
use crate::token::{HEADER, MAX_TEXT_LEN, PREFIX, TEXT_PREFIX, TokenKey, padded, parse, value_of};

/// So many tokens are decoded and opened together: enough to fill the widest AES unit.
const CHUNK: usize = 64;

/// The tokens of many values, one result for each.
///
/// ```
/// # use blindtally::*;
/// # let scope = Scope { account: AccountId::from_bytes([1; 16]), epoch: Epoch::FIRST };
/// # let key = TokenKey::new(&MasterKey::generate()?.epoch_key(scope).class_key(TokenClass::APP));
/// let mut batch = TokenBatch::new();
/// key.tokenize_batch(["winword.exe", "excel.exe"], &mut batch);
/// for token in batch.iter() {
///     assert!(token?.starts_with("bt1_"));
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Default)]
pub struct TokenBatch {
    /// For each token `PREFIX`, itself, and zeros to a multiple of three: base64url of the whole is that of each.
    bytes: Vec<u8>,
    text: String,
    items: Vec<Result<Slot, TokenizeError>>,
    frames: Frames,
}

/// Where a token and its prefix begin among the bytes of a batch, and the token's length.
#[derive(Clone, Copy)]
struct Slot {
    start: usize,
    len: usize,
}

impl Slot {
    /// How many bytes a token of `len` bytes takes with its prefix and the zeros after it.
    const fn size(len: usize) -> usize {
        (PREFIX.len() + len).next_multiple_of(3)
    }

    fn bytes(self, all: &[u8]) -> &[u8] {
        let start = self.start + PREFIX.len();
        all.get(start..start + self.len).unwrap_or_default()
    }

    fn text(self, all: &str) -> &str {
        let start = self.start / 3 * 4;
        all.get(start..start + TEXT_PREFIX.len() + (self.len * 4).div_ceil(3)).unwrap_or_default()
    }
}

impl TokenKey {
    /// Tokenizes many values; empties `out` first.
    pub fn tokenize_batch(&self, values: impl IntoIterator<Item = impl AsRef<str>>, out: &mut TokenBatch) {
        out.bytes.clear();
        out.text.clear();
        out.items.clear();
        let mut next = 0;
        for value in values {
            let item = padded(value.as_ref()).map(|(message, len)| {
                self.siv.push(&mut out.frames, message);
                let slot = Slot { start: next, len };
                next += Slot::size(len);
                slot
            });
            out.items.push(item);
            if out.frames.is_full() {
                out.seal(self, next);
            }
        }
        out.seal(self, next);
        out.frames.wipe();
    }
}

impl TokenBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Seals the values that wait in the frames.
    fn seal(&mut self, key: &TokenKey, end: usize) {
        let ([a, b, c], [d, e, f, g]) = (PREFIX, key.header);
        let start_of_slot = [a, b, c, d, e, f, g];
        key.siv.seal_all(&mut self.frames);
        let start = self.bytes.len();
        self.bytes.resize(end, 0);
        let mut rest = self.bytes.get_mut(start..).unwrap_or_default();
        for sealed in key.siv.sealed(&self.frames) {
            let len = HEADER + sealed.len();
            let (slot, others) = rest.split_at_mut_checked(Slot::size(len)).unwrap_or_default();
            rest = others;
            if let Some((start, sealed_to)) = slot.get_mut(..PREFIX.len() + len).and_then(<[u8]>::split_first_chunk_mut)
            {
                *start = start_of_slot;
                sealed.write(sealed_to);
            }
        }
        self.frames.clear();
        let new = self.bytes.get(start..).unwrap_or_default();
        self.text.reserve(new.len() / 3 * 4);
        URL_SAFE_NO_PAD.encode_append(new, &mut self.text);
    }

    /// How many values were tokenized or refused.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The text of the token of the value at `index`; `None` past the end.
    pub fn get(&self, index: usize) -> Option<Result<&str, TokenizeError>> {
        self.items.get(index).map(|item| item.map(|slot| slot.text(&self.text)))
    }

    /// The bytes of the token of the value at `index`; `None` past the end.
    pub fn get_bytes(&self, index: usize) -> Option<Result<&[u8], TokenizeError>> {
        self.items.get(index).map(|item| item.map(|slot| slot.bytes(&self.bytes)))
    }

    /// The texts of the tokens, in the order of the values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<&str, TokenizeError>> {
        self.items.iter().map(|item| item.map(|slot| slot.text(&self.text)))
    }
}

impl fmt::Debug for TokenBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBatch").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The values of many tokens, one result for each. Wiped on drop.
#[derive(Default)]
pub struct RevealBatch {
    values: Zeroizing<String>,
    items: Vec<Result<(usize, usize), RevealError>>,
    /// Token texts, each filled up with `A` to a multiple of four characters: they decode in one call.
    text: Vec<u8>,
    bytes: Vec<u8>,
    slots: Vec<(usize, Slot)>,
    sealed: Vec<Sealed>,
    frames: Frames,
}

/// A parsed token among the bytes of a batch.
#[derive(Clone, Copy)]
struct Sealed {
    class: TokenClass,
    epoch: Epoch,
    item: usize,
    slot: Slot,
}

impl TokenKey {
    /// Parses, checks and reveals many tokens of this key's; empties `out` first.
    pub fn reveal_batch(&self, texts: impl IntoIterator<Item = impl AsRef<str>>, out: &mut RevealBatch) {
        out.reveal(texts, |class, epoch| {
            if (class, epoch) == (self.class(), self.scope().epoch) { core::slice::from_ref(self) } else { &[] }
        });
    }
}

impl RevealBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses, checks and reveals many tokens of any classes and epochs; empties the batch first.
    ///
    /// `keys` lends the keys to try for a class and epoch: several if histories of an account were merged that have
    /// different keys for one epoch, none for [`RevealError::NoKey`]. It is asked once for each class and epoch there is.
    pub fn reveal<'k, K: Borrow<TokenKey> + 'k>(
        &mut self,
        texts: impl IntoIterator<Item = impl AsRef<str>>,
        keys: impl Fn(TokenClass, Epoch) -> &'k [K],
    ) {
        self.parse_all(texts);
        self.make_room();
        let mut sealed = core::mem::take(&mut self.sealed);
        let group = |token: &Sealed| (token.class, token.epoch);
        if !sealed.is_sorted_by_key(group) {
            sealed.sort_by_key(group);
        }
        for run in sealed.chunk_by(|a, b| group(a) == group(b)) {
            let keys = run.first().map_or(&[][..], |token| keys(token.class, token.epoch));
            for chunk in run.chunks(CHUNK) {
                self.open(chunk, keys);
            }
        }
        sealed.clear();
        self.sealed = sealed;
        self.frames.wipe();
    }

    /// Opens tokens of one class and epoch, and those that one key does not open with the next.
    fn open<K: Borrow<TokenKey>>(&mut self, tokens: &[Sealed], keys: &[K]) {
        let Some((key, other_keys)) = keys.split_first() else { return };
        let bytes = &self.bytes;
        let sealed = tokens.iter().filter_map(|token| token.slot.bytes(bytes).get(HEADER..)?.split_last_chunk());
        key.borrow().siv.open_all(&mut self.frames, sealed);
        let mut foreign = Vec::new();
        for (token, message) in tokens.iter().zip(self.frames.opened()) {
            let Some(item) = self.items.get_mut(token.item) else { continue };
            *item = match message {
                Some(message) => value_of(message).map(|value| {
                    let start = self.values.len();
                    self.values.push_str(value);
                    (start, self.values.len())
                }),
                None => {
                    foreign.push(*token);
                    Err(RevealError::Tampered)
                }
            };
        }
        if !foreign.is_empty() {
            self.open(&foreign, other_keys);
        }
    }

    /// Fills `bytes` and `sealed`, and `items` with the errors of what is no token and `NoKey` for the rest.
    fn parse_all(&mut self, texts: impl IntoIterator<Item = impl AsRef<str>>) {
        self.items.clear();
        self.bytes.clear();
        self.sealed.clear();
        for text in texts {
            let text = text.as_ref();
            let item = self.items.len();
            let taken = self.take_text(item, text);
            self.items.push(Err(taken.map_or_else(RevealError::from, |()| RevealError::NoKey)));
            if self.slots.len() == CHUNK {
                self.decode();
            }
        }
        self.decode();
    }

    /// Copies a text that may be a token's to be decoded.
    fn take_text(&mut self, item: usize, text: &str) -> Result<(), ParseError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(ParseError::TooLong);
        }
        // One character more than a multiple of four encodes nothing.
        if !text.starts_with(TEXT_PREFIX) || text.len() % 4 == 1 {
            return Err(ParseError::Encoding);
        }
        let start = self.bytes.len() + self.text.len() / 4 * 3;
        self.text.extend_from_slice(text.as_bytes());
        self.text.resize(self.text.len().next_multiple_of(4), b'A');
        self.slots.push((item, Slot { start, len: text.len() * 3 / 4 - PREFIX.len() }));
        Ok(())
    }

    /// Decodes the texts taken, and parses what they say.
    fn decode(&mut self) {
        let start = self.bytes.len();
        self.bytes.resize(start + self.text.len() / 4 * 3, 0);
        let out = self.bytes.get_mut(start..).unwrap_or_default();
        let all_decode = URL_SAFE_NO_PAD.decode(&self.text, out.as_out()).is_ok();
        for &(item, slot) in &self.slots {
            let size = Slot::size(slot.len);
            let text = ((slot.start - start) / 3 * 4, size / 3 * 4);
            let decodes = all_decode || {
                let text = self.text.get(text.0..text.0 + text.1).unwrap_or_default();
                let out = self.bytes.get_mut(slot.start..slot.start + size).unwrap_or_default();
                URL_SAFE_NO_PAD.decode(text, out.as_out()).is_ok()
            };
            // What was filled up decodes to zeros, unless the last character of the text had bits to spare.
            let filled = self.bytes.get(slot.start + PREFIX.len() + slot.len..slot.start + size).unwrap_or_default();
            let parsed = if decodes && filled.iter().all(|&byte| byte == 0) {
                parse(slot.bytes(&self.bytes))
            } else {
                Err(ParseError::Encoding)
            };
            match parsed {
                Ok((class, epoch)) => self.sealed.push(Sealed { class, epoch, item, slot }),
                Err(error) => {
                    if let Some(item) = self.items.get_mut(item) {
                        *item = Err(error.into());
                    }
                }
            }
        }
        self.text.clear();
        self.slots.clear();
    }

    /// Makes `values` long enough for all of them at once, since growing would leave copies behind.
    fn make_room(&mut self) {
        self.values.clear();
        let room = self.sealed.iter().map(|token| token.slot.len).sum();
        if self.values.capacity() < room {
            self.values = Zeroizing::new(String::with_capacity(room));
        }
    }

    /// How many tokens were revealed or refused.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The value of the token at `index`; `None` past the end.
    pub fn get(&self, index: usize) -> Option<Result<&str, RevealError>> {
        self.items.get(index).map(|item| item.map(|(start, end)| self.values.get(start..end).unwrap_or_default()))
    }

    /// The values, in the order of the tokens.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<&str, RevealError>> {
        self.items.iter().map(|item| item.map(|(start, end)| self.values.get(start..end).unwrap_or_default()))
    }
}

impl fmt::Debug for RevealBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevealBatch").field("len", &self.len()).finish_non_exhaustive()
    }
}
