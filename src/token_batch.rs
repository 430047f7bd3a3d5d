//! Many tokens at once: several times as fast as one by one, in memory that is used again.

use core::borrow::Borrow;
use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Range;

use base64_simd::{AsOut, URL_SAFE_NO_PAD};
use zeroize::{Zeroize, Zeroizing, optimization_barrier};

use crate::class::TokenClass;
use crate::error::{ParseError, RevealError, TokenizeError};
use crate::id::Epoch;
use crate::siv::Frames;
use crate::token::{
    HEADER, MAX_TEXT_LEN, MAX_TOKEN_VALUE, PREFIX, TAG, TEXT_PREFIX, Token, TokenKey, padded, parse, split, unpadded,
};

/// So many tokens are opened together: enough to fill the widest AES unit.
const CHUNK: usize = 64;

/// So many characters are decoded together: few enough that one that does not decode costs the others little.
const DECODED: usize = 4096;

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
        all.get(self.range()).unwrap_or_default()
    }

    /// Where its text is among the texts of a batch.
    fn range(self) -> Range<usize> {
        let start = self.start / 3 * 4;
        start..start + TEXT_PREFIX.len() + (self.len * 4).div_ceil(3)
    }
}

impl TokenKey {
    /// Tokenizes many values; empties `out` first.
    pub fn tokenize_batch(&self, values: impl IntoIterator<Item = impl AsRef<str>>, out: &mut TokenBatch) {
        out.text.clear();
        let mut text = core::mem::take(&mut out.text);
        self.seal_batch(values, out, |bytes| {
            text.reserve(bytes.len() / 3 * 4);
            URL_SAFE_NO_PAD.encode_append(bytes, &mut text);
        });
        out.text = text;
    }

    /// Tokenizes many values and writes their texts to the beginning of `text`, where [`TokenBatch::ranges`] says where they
    /// are, and which need not have held anything before; `out` itself has none then. Gives how much of `text` was taken, or
    /// `None` if it was too short: some of the texts may have been written then.
    pub fn tokenize_batch_to(
        &self,
        values: impl IntoIterator<Item = impl AsRef<str>>,
        out: &mut TokenBatch,
        text: &mut [MaybeUninit<u8>],
    ) -> Option<usize> {
        out.text.clear();
        let mut taken = Some(0);
        self.seal_batch(values, out, |bytes| {
            taken = taken.and_then(|start| {
                let end = start + bytes.len() / 3 * 4;
                _ = URL_SAFE_NO_PAD.encode(bytes, text.get_mut(start..end)?.as_out());
                Some(end)
            });
        });
        taken
    }

    /// Seals the values, and hands the slots of each filled frame to `encode`.
    fn seal_batch(
        &self,
        values: impl IntoIterator<Item = impl AsRef<str>>,
        out: &mut TokenBatch,
        mut encode: impl FnMut(&[u8]),
    ) {
        out.bytes.clear();
        out.items.clear();
        out.frames.clear();
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
                encode(out.seal(self, next));
            }
        }
        encode(out.seal(self, next));
        out.frames.wipe();
    }
}

impl TokenBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Seals the values that wait in the frames, and gives their slots.
    fn seal(&mut self, key: &TokenKey, end: usize) -> &[u8] {
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
        self.bytes.get(start..).unwrap_or_default()
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

    /// Where the texts of the tokens are that [`TokenKey::tokenize_batch_to`] wrote, in the order of the values. Between them
    /// up to two characters belong to none.
    ///
    /// ```
    /// # use blindtally::*;
    /// # let scope = Scope { account: AccountId::from_bytes([1; 16]), epoch: Epoch::FIRST };
    /// # let key = TokenKey::new(&MasterKey::generate()?.epoch_key(scope).class_key(TokenClass::APP));
    /// let (mut batch, long, too_long) = (TokenBatch::new(), "a".repeat(60), "a".repeat(MAX_TOKEN_VALUE + 1));
    /// let (values, mut text) = (["winword.exe", &too_long, &long, ""], [core::mem::MaybeUninit::new(0); 400]);
    /// assert_eq!(key.tokenize_batch_to(values, &mut batch, &mut text[..219]), None);
    /// assert_eq!(key.tokenize_batch_to(values, &mut batch, &mut text), Some(220));
    /// let first = batch.ranges().next().expect("there are four")?;
    /// // SAFETY: all of it held something from the beginning.
    /// let text = text.map(|byte| unsafe { byte.assume_init() });
    /// assert_eq!(text[first], *key.tokenize("winword.exe")?.to_string().as_bytes());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Result<Range<usize>, TokenizeError>> {
        self.items.iter().map(|item| item.map(Slot::range))
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
    /// The values of one chunk, not yet known to be UTF-8.
    plain: Vec<u8>,
    /// Token texts, each filled up with `A` to a multiple of four characters: they decode in one call.
    text: Vec<u8>,
    bytes: Vec<u8>,
    slots: Vec<(usize, Slot)>,
    frames: Frames,
}

/// A parsed token, and which of the batch's items it is.
#[derive(Clone, Copy)]
struct Sealed<'a> {
    class: TokenClass,
    epoch: Epoch,
    item: usize,
    sealed: (&'a [u8], &'a [u8; TAG]),
}

impl TokenKey {
    /// Parses, checks and reveals the texts of many tokens; empties `out` first.
    pub fn reveal_batch(&self, texts: impl IntoIterator<Item = impl AsRef<str>>, out: &mut RevealBatch) {
        out.reveal(texts, |class, epoch| self.if_for(class, epoch));
    }

    /// Reveals many tokens; empties `out` first.
    pub fn reveal_tokens<'t>(&self, tokens: impl IntoIterator<Item = &'t Token>, out: &mut RevealBatch) {
        out.reveal_tokens(tokens, |class, epoch| self.if_for(class, epoch));
    }

    fn if_for(&self, class: TokenClass, epoch: Epoch) -> &[Self] {
        if (class, epoch) == (self.class(), self.scope().epoch) { core::slice::from_ref(self) } else { &[] }
    }
}

impl RevealBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses, checks and reveals the texts of many tokens of any classes and epochs; empties the batch first.
    ///
    /// `keys` lends the keys to try for a class and epoch: several if histories of an account were merged that have
    /// different keys for one epoch, none for [`RevealError::NoKey`]. It is asked once for each class and epoch there is.
    pub fn reveal<'k, K: Borrow<TokenKey> + 'k>(
        &mut self,
        texts: impl IntoIterator<Item = impl AsRef<str>>,
        keys: impl Fn(TokenClass, Epoch) -> &'k [K],
    ) {
        self.items.clear();
        self.bytes.clear();
        self.text.clear();
        self.slots.clear();
        for text in texts {
            let taken = self.take_text(text.as_ref());
            self.items.push(Err(taken.map_or_else(RevealError::from, |()| RevealError::NoKey)));
            if self.text.len() >= DECODED {
                self.decode();
            }
        }
        self.decode();
        let bytes = core::mem::take(&mut self.bytes);
        let slots = core::mem::take(&mut self.slots);
        let mut tokens = Vec::with_capacity(slots.len());
        for &(item, slot) in &slots {
            let bytes = slot.bytes(&bytes);
            let parsed = if bytes.is_empty() { Err(ParseError::Encoding) } else { parse(bytes) };
            match parsed {
                Ok((class, epoch)) => tokens.push(Sealed { class, epoch, item, sealed: split(bytes) }),
                Err(error) => self.set(item, Err(error.into())),
            }
        }
        self.open(tokens, keys);
        (self.bytes, self.slots) = (bytes, slots);
    }

    /// Reveals many tokens of any classes and epochs; empties the batch first. For `keys` see [`RevealBatch::reveal`].
    pub fn reveal_tokens<'k, 't, K: Borrow<TokenKey> + 'k>(
        &mut self,
        tokens: impl IntoIterator<Item = &'t Token>,
        keys: impl Fn(TokenClass, Epoch) -> &'k [K],
    ) {
        self.items.clear();
        let mut sealed = Vec::new();
        for (item, token) in tokens.into_iter().enumerate() {
            let (class, epoch) = (token.class(), token.epoch());
            sealed.push(Sealed { class, epoch, item, sealed: split(token.as_bytes()) });
            self.items.push(Err(RevealError::NoKey));
        }
        self.open(sealed, keys);
    }

    /// Opens tokens class by class and epoch by epoch.
    fn open<'k, K: Borrow<TokenKey> + 'k>(
        &mut self,
        mut tokens: Vec<Sealed<'_>>,
        keys: impl Fn(TokenClass, Epoch) -> &'k [K],
    ) {
        // Once and for all, since growing would leave copies behind.
        let room = tokens.iter().map(|token| token.sealed.0.len()).sum();
        self.values.clear();
        if self.values.capacity() < room {
            self.values = Zeroizing::new(String::with_capacity(room));
        }
        self.plain.reserve_exact(room.min(CHUNK * MAX_TOKEN_VALUE));
        let group = |token: &Sealed<'_>| (token.class, token.epoch);
        if !tokens.is_sorted_by_key(group) {
            tokens.sort_unstable_by_key(group);
        }
        for run in tokens.chunk_by(|a, b| group(a) == group(b)) {
            let keys = run.first().map_or(&[][..], |token| keys(token.class, token.epoch));
            for chunk in run.chunks(CHUNK) {
                self.open_chunk(chunk, keys);
            }
        }
        self.frames.wipe();
        self.plain.clear();
        self.plain.resize(self.plain.capacity(), 0);
        optimization_barrier(&self.plain[..]);
        self.plain.clear();
    }

    /// Opens tokens of one class and epoch, and those that one key does not open with the next.
    fn open_chunk<K: Borrow<TokenKey>>(&mut self, tokens: &[Sealed<'_>], keys: &[K]) {
        let Some((key, other_keys)) = keys.split_first() else { return };
        key.borrow().siv.open_all(&mut self.frames, tokens.iter().map(|token| token.sealed));
        let mut foreign = Vec::new();
        let start = self.values.len();
        self.plain.clear();
        for (token, message) in tokens.iter().zip(self.frames.opened()) {
            let Some(item) = self.items.get_mut(token.item) else { continue };
            *item = match message.map(unpadded) {
                Some(Some(value)) => {
                    let from = start + self.plain.len();
                    self.plain.extend_from_slice(value);
                    Ok((from, start + self.plain.len()))
                }
                Some(None) => Err(RevealError::Plaintext),
                None => {
                    foreign.push(*token);
                    Err(RevealError::Tampered)
                }
            };
        }
        self.take_plain(tokens);
        if !foreign.is_empty() {
            self.open_chunk(&foreign, other_keys);
        }
    }

    /// Adds the plain values of some tokens to the values. Together they are UTF-8, and each ends where a character does,
    /// just if each of them is UTF-8; and together they are checked faster.
    fn take_plain(&mut self, tokens: &[Sealed<'_>]) {
        let start = self.values.len();
        if let Ok(all) = str::from_utf8(&self.plain) {
            self.values.push_str(all);
            let whole = |token: &Sealed<'_>| match self.items.get(token.item) {
                Some(Ok((_, to))) => self.values.is_char_boundary(*to),
                _ => true,
            };
            if tokens.iter().all(whole) {
                return;
            }
            self.values.truncate(start);
        }
        for token in tokens {
            let Some(item) = self.items.get_mut(token.item) else { continue };
            let Ok((from, to)) = *item else { continue };
            let value = self.plain.get(from - start..to - start).unwrap_or_default();
            *item = str::from_utf8(value).map_err(|_| RevealError::Plaintext).map(|value| {
                let from = self.values.len();
                self.values.push_str(value);
                (from, self.values.len())
            });
        }
    }

    /// Copies a text that may be a token's, as the next item, to be decoded.
    fn take_text(&mut self, text: &str) -> Result<(), ParseError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(ParseError::TooLong);
        }
        if text == TEXT_PREFIX {
            return Err(ParseError::Truncated);
        }
        // One character more than a multiple of four encodes nothing.
        if !text.starts_with(TEXT_PREFIX) || text.len() % 4 == 1 {
            return Err(ParseError::Encoding);
        }
        let start = self.bytes.len() + self.text.len() / 4 * 3;
        self.text.extend_from_slice(text.as_bytes());
        self.text.resize(self.text.len().next_multiple_of(4), b'A');
        self.slots.push((self.items.len(), Slot { start, len: text.len() * 3 / 4 - PREFIX.len() }));
        Ok(())
    }

    /// Decodes the texts taken. A slot whose text is not canonical is left with no bytes.
    fn decode(&mut self) {
        let Self { text, bytes, slots, .. } = self;
        let start = bytes.len();
        bytes.resize(start + text.len() / 4 * 3, 0);
        let all = bytes.get_mut(start..).unwrap_or_default();
        let all_decode = URL_SAFE_NO_PAD.decode(text, all.as_out()).is_ok();
        for (_, slot) in slots.iter_mut().rev().take_while(|(_, slot)| slot.start >= start) {
            let (from, to) = (slot.start - start, slot.start - start + Slot::size(slot.len));
            let bytes = all.get_mut(from..to).unwrap_or_default();
            let text = text.get(from / 3 * 4..to / 3 * 4).unwrap_or_default();
            let decodes = all_decode || URL_SAFE_NO_PAD.decode(text, bytes.as_out()).is_ok();
            // What was filled up decodes to zeros, unless the last character of the text had bits to spare.
            let filled = bytes.get(PREFIX.len() + slot.len..).unwrap_or_default();
            if !decodes || filled.iter().any(|&byte| byte != 0) {
                slot.len = 0;
            }
        }
        text.clear();
    }

    /// Wipes the values, and keeps the memory for the next batch.
    pub fn wipe(&mut self) {
        self.values.zeroize();
        self.items.clear();
    }

    fn set(&mut self, item: usize, result: Result<(usize, usize), RevealError>) {
        if let Some(item) = self.items.get_mut(item) {
            *item = result;
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
