//! Tokens: equal values of one class become equal tokens, so a service without keys can group and count (SPEC.md#token).

use core::borrow::Borrow;
use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::class::TokenClass;
use crate::error::{ParseError, RevealError, TokenizeError};
use crate::id::{Epoch, TokenIndex};
use crate::master_key::{ClassKey, Scope, purpose_key};
use crate::siv::Siv;
use crate::suite::Suite;
use crate::wire::{Reader, decode_text, encode_text, pad, padded_len, unpad};

/// The longest value that can be tokenized, in bytes of UTF-8.
pub const MAX_TOKEN_VALUE: usize = 4096;

pub(crate) const TEXT_PREFIX: &str = "bt1_";
const HEADER: usize = 4;
const TAG: usize = 16;
const MIN_LEN: usize = HEADER + 16 + TAG;
const MAX_LEN: usize = HEADER + padded_len(MAX_TOKEN_VALUE) + TAG;
const MAX_TEXT_LEN: usize = TEXT_PREFIX.len() + (MAX_LEN * 4).div_ceil(3);

/// A well-formed token: a sealed value that anyone can compare and only the owner can reveal.
///
/// It is public: it may be stored, sent, sorted and hashed. Well-formed is not genuine; [`TokenKey::reveal`] tells that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    class: TokenClass,
    epoch: Epoch,
    bytes: Box<[u8]>,
}

impl Token {
    /// From its bytes.
    ///
    /// # Errors
    /// [`ParseError`] unless length, suite, class and epoch are those of a token.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let (class, epoch) = parse(bytes)?;
        Ok(Self { class, epoch, bytes: bytes.into() })
    }

    /// Its bytes, 36 to 4372 of them: what a service may keep in a binary column.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The class of its value.
    pub fn class(&self) -> TokenClass {
        self.class
    }

    /// The epoch whose keys it was made with.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// A 16-byte name for it, such as fits a UUID column.
    pub fn index(&self) -> TokenIndex {
        let digest = Sha256::new().chain_update(b"blindtally/v1/index").chain_update(&self.bytes).finalize();
        let mut index = [0; 16];
        index.copy_from_slice(&digest[..16]);
        TokenIndex::from_bytes(index)
    }
}

/// The strict check of everything that needs no key.
fn parse(bytes: &[u8]) -> Result<(TokenClass, Epoch), ParseError> {
    if bytes.len() > MAX_LEN {
        return Err(ParseError::TooLong);
    }
    let mut reader = Reader::new(bytes);
    if reader.u8()? != Suite::Token as u8 {
        return Err(ParseError::Suite);
    }
    let class = TokenClass::from_id(reader.u8()?)?;
    let epoch = Epoch::new(reader.u16()?)?;
    let sealed = reader.rest().len();
    if sealed < MIN_LEN - HEADER {
        return Err(ParseError::Truncated);
    }
    // A padded length is one that the longest value it could hold is padded to.
    let padded = sealed - TAG;
    if padded_len(padded - 1) != padded {
        return Err(ParseError::Value);
    }
    Ok((class, epoch))
}

/// The text form: `bt1_` and base64url without padding.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&encode_text(TEXT_PREFIX, &self.bytes))
    }
}

/// Parses exactly the text form.
impl FromStr for Token {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::from_bytes(&decode(text)?)
    }
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, ParseError> {
    if text.len() > MAX_TEXT_LEN { Err(ParseError::TooLong) } else { decode_text(TEXT_PREFIX, text) }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("class", &self.class).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// The key of one token class in one account and epoch, made ready: seals and reveals.
///
/// Agents that share a class share its key, which is what makes their tokens equal. An agent holds these; its public
/// API does not reveal.
pub struct TokenKey {
    siv: Siv,
    header: [u8; HEADER],
    class: TokenClass,
    scope: Scope,
}

impl TokenKey {
    /// From the key of the class.
    pub fn new(key: &ClassKey<TokenClass>) -> Self {
        let (class, scope) = (key.class(), key.scope());
        let [high, low] = scope.epoch.get().to_be_bytes();
        let header = [Suite::Token as u8, class.id(), high, low];
        let associated = [&b"blindtally/v1/token"[..], scope.account.as_bytes(), &header].concat();
        let secret = purpose_key::<44>(key.secret(), "token", Suite::Token);
        let siv = match secret.expose().split_first_chunk::<32>() {
            Some((key, nonce)) => Siv::new(key, nonce.first_chunk().unwrap_or(&[0; 12]), &associated),
            None => Siv::new(&[0; 32], &[0; 12], &associated),
        };
        Self { siv, header, class, scope }
    }

    /// The class.
    pub fn class(&self) -> TokenClass {
        self.class
    }

    /// The account and epoch.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The token of a value.
    ///
    /// # Errors
    /// [`TokenizeError::TooLong`] for a value of more than [`MAX_TOKEN_VALUE`] bytes.
    pub fn tokenize(&self, value: &str) -> Result<Token, TokenizeError> {
        let mut bytes = Vec::new();
        self.tokenize_into(value, &mut bytes)?;
        Ok(Token { class: self.class, epoch: self.scope.epoch, bytes: bytes.into() })
    }

    /// Appends the bytes of a value's token to `out`.
    ///
    /// # Errors
    /// [`TokenizeError::TooLong`] for a value of more than [`MAX_TOKEN_VALUE`] bytes; `out` is then as it was.
    pub fn tokenize_into(&self, value: &str, out: &mut Vec<u8>) -> Result<(), TokenizeError> {
        if value.len() > MAX_TOKEN_VALUE {
            return Err(TokenizeError::TooLong);
        }
        let mut sealed = pad(value.as_bytes());
        let tag = self.siv.seal(&mut sealed);
        out.extend_from_slice(&self.header);
        out.extend_from_slice(&sealed);
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// The text of a value's token.
    ///
    /// # Errors
    /// [`TokenizeError::TooLong`] for a value of more than [`MAX_TOKEN_VALUE`] bytes.
    pub fn tokenize_to_string(&self, value: &str) -> Result<String, TokenizeError> {
        let mut bytes = Vec::new();
        self.tokenize_into(value, &mut bytes)?;
        Ok(encode_text(TEXT_PREFIX, &bytes))
    }

    /// Tokenizes many values at several times the speed of one by one; `out` is emptied first, and keeps its memory.
    pub fn tokenize_batch(&self, values: impl IntoIterator<Item = impl AsRef<str>>, out: &mut TokenBatch) {
        out.text.clear();
        out.items.clear();
        for value in values {
            let item = self.tokenize_to_string(value.as_ref()).map(|text| {
                let start = out.text.len();
                out.text.push_str(&text);
                (start, out.text.len())
            });
            out.items.push(item);
        }
    }

    /// The value of a token, if this key's holder or another made it with this key.
    ///
    /// # Errors
    /// [`RevealError::NoKey`] for a token of another class or epoch; [`RevealError::Tampered`] for one that was not made
    /// with this key; [`RevealError::Plaintext`] for one that its maker filled with something else than a value.
    pub fn reveal(&self, token: &Token) -> Result<String, RevealError> {
        if (token.class, token.epoch) != (self.class, self.scope.epoch) {
            return Err(RevealError::NoKey);
        }
        let mut value = String::new();
        self.open(&token.bytes, &mut value)?;
        Ok(value)
    }

    /// Parses, checks and reveals many tokens; `out` is emptied first, and keeps its memory.
    pub fn reveal_batch(&self, texts: impl IntoIterator<Item = impl AsRef<str>>, out: &mut RevealBatch) {
        out.reveal(texts, |class, epoch| {
            if (class, epoch) == (self.class, self.scope.epoch) { core::slice::from_ref(self) } else { &[] }
        });
    }

    fn open(&self, bytes: &[u8], out: &mut String) -> Result<(), RevealError> {
        let sealed = bytes.get(HEADER..).unwrap_or_default();
        let (message, tag) = sealed.split_last_chunk::<TAG>().ok_or(RevealError::Tampered)?;
        let mut message = Zeroizing::new(message.to_vec());
        if !self.siv.open(&mut message, tag) {
            return Err(RevealError::Tampered);
        }
        let value = unpad(&message).and_then(|value| str::from_utf8(value).ok()).ok_or(RevealError::Plaintext)?;
        if value.len() > MAX_TOKEN_VALUE {
            return Err(RevealError::Plaintext);
        }
        out.push_str(value);
        Ok(())
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("class", &self.class).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// The texts of many tokens, one result for each value, in memory that is used again.
#[derive(Default)]
pub struct TokenBatch {
    text: String,
    items: Vec<Result<(usize, usize), TokenizeError>>,
}

impl TokenBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many values were tokenized or refused.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The token text of the value at `index`; `None` past the end.
    pub fn get(&self, index: usize) -> Option<Result<&str, TokenizeError>> {
        self.items.get(index).map(|item| item.map(|(start, end)| self.text.get(start..end).unwrap_or_default()))
    }

    /// The token texts, in the order of the values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<&str, TokenizeError>> {
        self.items.iter().map(|item| item.map(|(start, end)| self.text.get(start..end).unwrap_or_default()))
    }
}

impl fmt::Debug for TokenBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBatch").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The values of many tokens, one result for each, in memory that is used again and wiped on drop.
#[derive(Default)]
pub struct RevealBatch {
    text: Zeroizing<String>,
    items: Vec<Result<(usize, usize), RevealError>>,
}

impl RevealBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses, checks and reveals tokens of any classes and epochs; empties the batch first.
    ///
    /// `keys` gives the keys to try for a class and epoch: none is [`RevealError::NoKey`]; there are several after two
    /// histories of an account were merged. It is asked once for each run of tokens of one class and epoch.
    pub fn reveal<'k, K: Borrow<TokenKey> + 'k>(
        &mut self,
        texts: impl IntoIterator<Item = impl AsRef<str>>,
        keys: impl Fn(TokenClass, Epoch) -> &'k [K],
    ) {
        self.text.clear();
        self.items.clear();
        for text in texts {
            let item = self.reveal_one(text.as_ref(), &keys);
            self.items.push(item);
        }
    }

    fn reveal_one<'k, K: Borrow<TokenKey> + 'k>(
        &mut self,
        text: &str,
        keys: impl Fn(TokenClass, Epoch) -> &'k [K],
    ) -> Result<(usize, usize), RevealError> {
        let bytes = decode(text)?;
        let (class, epoch) = parse(&bytes)?;
        let start = self.text.len();
        let mut result = Err(RevealError::NoKey);
        for key in keys(class, epoch) {
            result = key.borrow().open(&bytes, &mut self.text).map(|()| (start, self.text.len()));
            if result != Err(RevealError::Tampered) {
                break;
            }
        }
        result
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
        self.items.get(index).map(|item| item.map(|(start, end)| self.text.get(start..end).unwrap_or_default()))
    }

    /// The values, in the order of the tokens.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<&str, RevealError>> {
        self.items.iter().map(|item| item.map(|(start, end)| self.text.get(start..end).unwrap_or_default()))
    }
}

impl fmt::Debug for RevealBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevealBatch").field("len", &self.len()).finish_non_exhaustive()
    }
}
