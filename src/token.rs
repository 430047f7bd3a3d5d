//! Tokens: equal values of one class become equal tokens, so a service without keys can group and count (SPEC.md#token).

use core::fmt;
use core::str::FromStr;

use base64_simd::{AsOut, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing, zeroize_stack};

use crate::class::TokenClass;
use crate::error::{ParseError, RevealError, TokenizeError};
use crate::id::{Epoch, TokenIndex};
use crate::master_key::{ClassKey, Scope, purpose_key};
use crate::siv::{Message, Siv};
use crate::suite::Suite;
use crate::wire::{Reader, decode_text, encode_text, padded_len, unpad};

/// The longest value that can be tokenized, in bytes of UTF-8.
pub const MAX_TOKEN_VALUE: usize = 4096;

pub(crate) const TEXT_PREFIX: &str = "bt1_";
/// What [`TEXT_PREFIX`] says in base64url: a token that follows these bytes is encoded with its prefix.
pub(crate) const PREFIX: [u8; 3] = [0x6e, 0xdd, 0x7f];
pub(crate) const HEADER: usize = 4;
pub(crate) const TAG: usize = 16;
const MIN_LEN: usize = HEADER + 16 + TAG;
const MAX_LEN: usize = HEADER + padded_len(MAX_TOKEN_VALUE) + TAG;
pub(crate) const MAX_TEXT_LEN: usize = TEXT_PREFIX.len() + (MAX_LEN * 4).div_ceil(3);

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

    /// How many characters the text of a token has, of a value of so many bytes: at most [`MAX_TOKEN_VALUE`].
    pub const fn text_len(value_len: usize) -> usize {
        TEXT_PREFIX.len() + ((HEADER + padded_len(value_len) + TAG) * 4).div_ceil(3)
    }

    /// Writes its text to the beginning of `out`, without the detour of a [`String`]. `None` if it is shorter than that.
    ///
    /// ```
    /// # use blindtally::*;
    /// # let scope = Scope { account: AccountId::from_bytes([1; 16]), epoch: Epoch::FIRST };
    /// # let key = TokenKey::new(&MasterKey::generate()?.epoch_key(scope).class_key(TokenClass::APP));
    /// let token = key.tokenize("winword.exe")?;
    /// let mut room = [0; Token::text_len("winword.exe".len())];
    /// assert_eq!(token.write_text(&mut room), Some(&*token.to_string()));
    /// assert_eq!(token.write_text(&mut room[1..]), None);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn write_text<'a>(&self, out: &'a mut [u8]) -> Option<&'a str> {
        let len = TEXT_PREFIX.len() + (self.bytes.len() * 4).div_ceil(3);
        let text = out.get_mut(..len)?;
        let (prefix, encoded) = text.split_at_mut_checked(TEXT_PREFIX.len())?;
        prefix.copy_from_slice(TEXT_PREFIX.as_bytes());
        _ = URL_SAFE_NO_PAD.encode(&self.bytes, encoded.as_out());
        str::from_utf8(text).ok()
    }

    /// The class of its value.
    pub fn class(&self) -> TokenClass {
        self.class
    }

    /// The epoch whose keys it was made with.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// A 16-byte name for it, such as fits a UUID column. Of all its bytes, since the tag names none
    /// (SPEC.md#token-tag).
    pub fn index(&self) -> TokenIndex {
        let digest = Sha256::new().chain_update(b"blindtally/v1/index").chain_update(&self.bytes).finalize();
        let mut index = [0; 16];
        index.copy_from_slice(&digest[..16]);
        TokenIndex::from_bytes(index)
    }
}

/// The strict check of everything that needs no key.
pub(crate) fn parse(bytes: &[u8]) -> Result<(TokenClass, Epoch), ParseError> {
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
    // A padded length is one that the longest value it could hold is padded to: SPEC.md#token-length.
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

/// A value that is not too long (SPEC.md#token-value), as it is sealed, and the length of its token.
pub(crate) fn padded(value: &str) -> Result<(Message<'_>, usize), TokenizeError> {
    if value.len() > MAX_TOKEN_VALUE {
        return Err(TokenizeError::TooLong);
    }
    let len = padded_len(value.len());
    Ok((Message::padded(value.as_bytes(), len), HEADER + len + TAG))
}

/// The sealed message and the tag of a token; of anything shorter, what no key opens.
#[inline]
pub(crate) fn split(token: &[u8]) -> (&[u8], &[u8; TAG]) {
    token.get(HEADER..).and_then(<[u8]>::split_last_chunk).unwrap_or((&[], &[0; TAG]))
}

/// The value in an authentic message, not yet known to be UTF-8; `None` if its padding is not minimal.
#[inline]
pub(crate) fn unpadded(message: &[u8]) -> Option<&[u8]> {
    unpad_fast(message).filter(|value| value.len() <= MAX_TOKEN_VALUE)
}

fn refuse(mut content: Vec<u8>) -> RevealError {
    content.zeroize();
    RevealError::Plaintext
}

/// [`unpad`], at once where the marker is in the last block: up to 64 bytes that is all that minimal padding means.
#[inline]
fn unpad_fast(message: &[u8]) -> Option<&[u8]> {
    let last = u128::from_be_bytes(*message.last_chunk()?);
    let value = message.len().checked_sub(last.trailing_zeros() as usize / 8 + 1)?;
    if last == 0 || message.len() > 64 {
        return unpad(message);
    }
    (last >> (last.trailing_zeros() / 8 * 8) & 0xff == 0x80).then(|| message.get(..value))?
}

/// The key of one token class in one account and epoch, made ready: seals and reveals.
///
/// Agents that share a class share its key, which is what makes their tokens equal. An agent holds these; its public
/// API does not reveal.
pub struct TokenKey {
    pub(crate) siv: Siv,
    pub(crate) header: [u8; HEADER],
    class: TokenClass,
    scope: Scope,
}

impl TokenKey {
    /// From the key of the class.
    pub fn new(key: &ClassKey<TokenClass>) -> Self {
        let made = Self::make(key);
        zeroize_stack::<16_384>();
        made
    }

    /// Never inlined, so that what it leaves on the stack lies below its caller's frame and can be wiped.
    #[inline(never)]
    fn make(key: &ClassKey<TokenClass>) -> Self {
        let (class, scope) = (key.class(), key.scope());
        let [high, low] = scope.epoch.get().to_be_bytes();
        let header = [Suite::Token as u8, class.id(), high, low];
        let associated = [&b"blindtally/v1/token"[..], scope.account.as_bytes(), &header].concat();
        let derived = purpose_key::<44>(key.secret(), "token", Suite::Token);
        let (mut key, mut nonce) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 12]));
        key.copy_from_slice(&derived.expose()[..32]);
        nonce.copy_from_slice(&derived.expose()[32..]);
        Self { siv: Siv::new(&key, &nonce, &associated), header, class, scope }
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
        let (message, len) = padded(value)?;
        let start = out.len();
        out.resize(start + len, 0);
        self.write(message, out.get_mut(start..).unwrap_or_default());
        Ok(())
    }

    /// The text of a value's token.
    ///
    /// # Errors
    /// [`TokenizeError::TooLong`] for a value of more than [`MAX_TOKEN_VALUE`] bytes.
    pub fn tokenize_to_string(&self, value: &str) -> Result<String, TokenizeError> {
        let (message, len) = padded(value)?;
        let (mut short, mut long);
        let slot = if len <= 128 {
            short = [0; PREFIX.len() + 128];
            &mut short[..PREFIX.len() + len]
        } else {
            long = vec![0; PREFIX.len() + len];
            &mut long[..]
        };
        if let Some((prefix, token)) = slot.split_first_chunk_mut() {
            *prefix = PREFIX;
            self.write(message, token);
        }
        Ok(URL_SAFE_NO_PAD.encode_to_string(slot))
    }

    #[inline]
    fn write(&self, message: Message<'_>, out: &mut [u8]) {
        if let Some((header, sealed)) = out.split_first_chunk_mut() {
            *header = self.header;
            self.siv.seal(message, sealed);
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
        // SPEC.md#token-order: whoever has no key learns no more than that.
        let (message, tag) = split(&token.bytes);
        let mut value = message.to_vec();
        if !self.siv.open(&mut value, tag) {
            return Err(RevealError::Tampered);
        }
        if let Some(len) = unpadded(&value).map(<[u8]>::len) {
            value.truncate(len);
            String::from_utf8(value).map_err(|error| refuse(error.into_bytes()))
        } else {
            Err(refuse(value))
        }
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("class", &self.class).field("scope", &self.scope).finish_non_exhaustive()
    }
}
