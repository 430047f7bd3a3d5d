//! Reading an older deployment, so that what it recorded can be sealed anew: RSA-OAEP deliveries of a bare key,
//! AES-256-CBC tokens, keys wrapped under a password by PBKDF2. Nothing here writes any of them.
//!
//! ```
//! use blindtally::legacy::{Iv, Reader};
//! # use blindtally::{Agent, Secret, Token, TokenClass};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = Secret::copy_of(&core::array::from_fn(|at| at as u8));
//! let reader = Reader::new(key, Iv::ZERO);
//! assert_eq!(reader.read("zKVA2aXHnCETwtCJYlcq2g==")?, "winword.exe");
//!
//! fn import(agent: &Agent, reader: &Reader, old: &[String]) -> Result<Vec<Token>, Box<dyn std::error::Error>> {
//!     reader.read_all(old).map(|value| Ok(agent.tokenize(TokenClass::APP, &value?)?)).collect()
//! }
//! # Ok(()) }
//! ```
//!
//! # Unvalidated
//!
//! No original service was at hand. What is tested is that all this opens what OpenSSL and WebCrypto make. Whatever
//! deployments may differ in is a parameter; try yours on values that you know.
//!
//! # For offline import only
//!
//! Give this files that were exported once, on the owner's own computer. Never give it what a live service sends:
//!
//! - CBC without authentication is a padding oracle: who may send many altered tokens, and learns by an answer or by its
//!   delay which of them opened, decrypts without the key. There is one error for all that does not open, but not one delay.
//! - Altered tokens may open to other values, and nothing tells: what is read here is as trustworthy as the file.
//! - A delivery without a signature lets anyone with the public key choose the key that it gives. Never make a
//!   [`MasterKey`](crate::MasterKey) of such a key: seal under keys of this library's.
//! - The timing of RSA decryption can tell something to who may submit many ciphertexts (RUSTSEC-2023-0071). Elsewhere in
//!   this library a signature is verified first; here there is none.

use core::cmp::Ordering;
use core::fmt;

use aes::Aes256;
use aes::cipher::block_padding::{self, NoPadding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use base64_simd::STANDARD;
use cbc::Decryptor;
use rsa::Oaep as OaepPadding;
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

pub use crate::error::LegacyError;
use crate::error::{CredentialError, ParseError};
use crate::password::PBKDF2_CEILING;
use crate::private_key::PrivateKey;
use crate::secret::Secret;

const BLOCK: usize = 16;
const KEY: usize = 32;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// The parameters of RSAES-OAEP (RFC 8017 section 7.1). The label is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oaep {
    /// Of the label.
    pub hash: Hash,
    /// Of the mask generation function MGF1. WebCrypto has the same hash in both places; Java's default is SHA-1 here.
    pub mgf1: Hash,
}

impl Oaep {
    /// SHA-1 in both places: OpenSSL's default.
    pub const SHA1: Self = Self { hash: Hash::Sha1, mgf1: Hash::Sha1 };
    /// SHA-256 in both places.
    pub const SHA256: Self = Self { hash: Hash::Sha256, mgf1: Hash::Sha256 };
}

/// Where AES-256-CBC took its initialisation vector from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Iv {
    /// The same for everything, or known from elsewhere.
    Fixed([u8; BLOCK]),
    /// It is the first 16 bytes of what is to be opened.
    Prepended,
}

impl Iv {
    /// Sixteen zero bytes.
    pub const ZERO: Self = Self::Fixed([0; BLOCK]);

    /// The IV, and what is encrypted under it: whole blocks, and at least one.
    fn split(self, sealed: &[u8]) -> Result<([u8; BLOCK], &[u8]), ParseError> {
        let (iv, blocks) = match self {
            Self::Fixed(iv) => (iv, sealed),
            Self::Prepended => {
                let (iv, blocks) = sealed.split_first_chunk().ok_or(ParseError::Truncated)?;
                (*iv, blocks)
            }
        };
        let whole = !blocks.is_empty() && blocks.len().is_multiple_of(BLOCK);
        if whole { Ok((iv, blocks)) } else { Err(ParseError::Truncated) }
    }
}

/// How the last block was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// PKCS#7.
    Pkcs7,
    /// Not at all.
    None,
}

/// The private RSA key that deliveries were encrypted to. Wiped on drop.
pub struct RecipientKey(PrivateKey);

impl RecipientKey {
    /// From PKCS#8 in DER, unencrypted, as WebCrypto and `openssl pkcs8 -topk8 -nocrypt -outform DER` write it.
    ///
    /// # Errors
    /// [`ParseError::PrivateKey`] unless it is a consistent RSA key of 2048, 3072 or 4096 bits with exponent 65537.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, ParseError> {
        PrivateKey::from_pkcs8(der).map(Self)
    }

    /// Opens a delivery that holds 32 bytes and nothing else. Blinded.
    ///
    /// # Errors
    /// [`LegacyError::Malformed`] if it is not as long as the key's modulus, [`LegacyError::Wrong`] if it does not open
    /// or holds something else.
    pub fn open(&self, oaep: Oaep, delivery: &[u8]) -> Result<Secret<KEY>, LegacyError> {
        check_length(delivery, self.0.size())?;
        let Self(key) = self;
        match (oaep.hash, oaep.mgf1) {
            (Hash::Sha1, Hash::Sha1) => key.decrypt(delivery, OaepPadding::<Sha1, Sha1>::new_with_mgf_hash()),
            (Hash::Sha1, Hash::Sha256) => key.decrypt(delivery, OaepPadding::<Sha1, Sha256>::new_with_mgf_hash()),
            (Hash::Sha256, Hash::Sha1) => key.decrypt(delivery, OaepPadding::<Sha256, Sha1>::new_with_mgf_hash()),
            (Hash::Sha256, Hash::Sha256) => key.decrypt(delivery, OaepPadding::<Sha256, Sha256>::new_with_mgf_hash()),
        }
        .ok_or(LegacyError::Wrong)
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientKey(..)")
    }
}

/// How a key of 32 bytes was wrapped under a password: AES-256-CBC under a key that PBKDF2 made of it (RFC 8018).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapping<'a> {
    /// Of PBKDF2's HMAC.
    pub hash: Hash,
    /// PBKDF2's salt.
    pub salt: &'a [u8],
    /// PBKDF2's iterations: 1 to 10,000,000.
    pub iterations: u32,
    /// A wrong one gives a wrong key, and nothing tells: read tokens that you know.
    pub iv: Iv,
    /// With [`Padding::None`] a wrong password gives a wrong key too.
    pub padding: Padding,
}

impl Wrapping<'_> {
    /// Opens a wrapped key. `password` is the bytes that the old deployment derived from; nothing normalises them here.
    ///
    /// # Errors
    /// [`LegacyError::Credential`] for iterations out of bounds and [`LegacyError::Malformed`] for a length that no
    /// wrapped key has, before anything is derived; [`LegacyError::Wrong`] if it does not open.
    pub fn open(&self, password: &[u8], wrapped: &[u8]) -> Result<Secret<KEY>, LegacyError> {
        match self.iterations {
            0 => return Err(CredentialError::KdfFloor.into()),
            1..=PBKDF2_CEILING => {}
            _ => return Err(CredentialError::KdfCeiling.into()),
        }
        let (iv, blocks) = self.iv.split(wrapped)?;
        let opened = match self.padding {
            Padding::Pkcs7 => {
                check_length(blocks, KEY + BLOCK)?;
                decrypt::<Pkcs7>(&self.derive(password), iv, blocks)
            }
            Padding::None => {
                check_length(blocks, KEY)?;
                decrypt::<NoPadding>(&self.derive(password), iv, blocks)
            }
        }?;
        opened.as_slice().try_into().map(Secret::copy_of).map_err(|_| LegacyError::Wrong)
    }

    fn derive(&self, password: &[u8]) -> Secret<KEY> {
        Secret::build(|key| match self.hash {
            Hash::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, self.salt, self.iterations, key),
            Hash::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, self.salt, self.iterations, key),
        })
    }
}

/// Reads the tokens of an older deployment: AES-256-CBC with PKCS#7, 24 characters of base64 for a value of up to 15
/// bytes. Its key is wiped on drop.
pub struct Reader {
    key: Secret<KEY>,
    iv: Iv,
}

impl Reader {
    /// `key` is what a delivery or a wrapping held, or what the old deployment derived from that.
    pub fn new(key: Secret<KEY>, iv: Iv) -> Self {
        Self { key, iv }
    }

    /// The value of a token in base64, of the standard alphabet and with its padding (RFC 4648 section 4).
    ///
    /// # Errors
    /// [`LegacyError::Malformed`] for other text, otherwise as [`Reader::open`].
    pub fn read(&self, token: &str) -> Result<String, LegacyError> {
        self.open(&STANDARD.decode_to_vec(token).map_err(|_| ParseError::Encoding)?)
    }

    /// The value of each token, or why it has none, in their order. Nothing is read before it is asked for.
    pub fn read_all<T: AsRef<str>>(
        &self,
        tokens: impl IntoIterator<Item = T>,
    ) -> impl Iterator<Item = Result<String, LegacyError>> {
        tokens.into_iter().map(|token| self.read(token.as_ref()))
    }

    /// The value of a token in bytes, for tokens in another text form.
    ///
    /// # Errors
    /// [`LegacyError::Malformed`] unless it is whole blocks; [`LegacyError::Wrong`] if it does not open, or not to UTF-8.
    pub fn open(&self, token: &[u8]) -> Result<String, LegacyError> {
        let (iv, blocks) = self.iv.split(token)?;
        let value = decrypt::<Pkcs7>(&self.key, iv, blocks)?;
        core::str::from_utf8(&value).map(str::to_owned).map_err(|_| LegacyError::Wrong)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader(..)")
    }
}

/// AES-256-CBC (SP 800-38A section 6.2). What was decrypted is wiped on drop, and also if its padding is wrong.
fn decrypt<P: block_padding::Padding>(
    key: &Secret<KEY>,
    iv: [u8; BLOCK],
    blocks: &[u8],
) -> Result<Zeroizing<Vec<u8>>, LegacyError> {
    let mut plain = Zeroizing::new(blocks.to_vec());
    let cipher = Decryptor::<Aes256>::new(key.expose().into(), &iv.into());
    let len = cipher.decrypt_padded::<P>(&mut plain).map_err(|_| LegacyError::Wrong)?.len();
    plain.truncate(len);
    Ok(plain)
}

/// Lengths are no secret, and are refused before any key is used.
fn check_length(bytes: &[u8], expected: usize) -> Result<(), ParseError> {
    match bytes.len().cmp(&expected) {
        Ordering::Less => Err(ParseError::Truncated),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(ParseError::TooLong),
    }
}
