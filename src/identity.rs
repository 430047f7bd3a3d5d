//! RSA identities of accounts and devices: an encryption pair, a signing pair, and the fingerprint that pins both
//! (SPEC.md#identity, RFC 8017).

use core::fmt;

use getrandom::SysRng;
use rsa::rand_core::UnwrapErr;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Oaep, Pss, RsaPublicKey};
use sha2::Sha256;

use crate::crockford;
use crate::der;
#[cfg(feature = "rsa-private")]
use crate::error::EntropyError;
use crate::error::ParseError;
use crate::hash::sha256;
use crate::id::{AccountId, DeviceId};
use crate::private_key::PrivateKey;
use crate::secret::{Secret, SecretBytes};

/// Longest SPKI that is read: a 4096-bit key has 550 bytes.
pub(crate) const SPKI_MAX: usize = 600;
/// Longest signature or RSA ciphertext: 4096 bits.
pub(crate) const RSA_MAX: usize = 512;
pub(crate) const PSS_SALT_LEN: usize = 32;
const EXPONENT: u64 = 65_537;

/// Size of RSA keys to generate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsaSize {
    /// 2048 bits: about 112 bits of security.
    Bits2048,
    /// 3072 bits: about 128 bits of security.
    #[default]
    Bits3072,
    /// 4096 bits.
    Bits4096,
}

impl RsaSize {
    #[cfg(feature = "rsa-private")]
    const fn bits(self) -> usize {
        match self {
            Self::Bits2048 => 2048,
            Self::Bits3072 => 3072,
            Self::Bits4096 => 4096,
        }
    }
}

/// The public keys of an account or a device, in the strict DER they are fingerprinted in.
#[derive(Clone)]
pub struct PublicIdentity {
    encryption: RsaPublicKey,
    signing: RsaPublicKey,
    encryption_spki: Vec<u8>,
    signing_spki: Vec<u8>,
}

impl PublicIdentity {
    /// From two SubjectPublicKeyInfo in DER: algorithm rsaEncryption, 2048, 3072 or 4096 bits, exponent 65537.
    ///
    /// # Errors
    /// [`ParseError::PublicKey`] for anything else, for DER that is not the canonical encoding of its key, and for one
    /// key in both places (SPEC.md#two-keys).
    pub fn from_spki(encryption: &[u8], signing: &[u8]) -> Result<Self, ParseError> {
        if encryption == signing {
            return Err(ParseError::PublicKey);
        }
        Ok(Self {
            encryption: parse_spki(encryption)?,
            signing: parse_spki(signing)?,
            encryption_spki: encryption.to_vec(),
            signing_spki: signing.to_vec(),
        })
    }

    /// The encryption key's SPKI in DER.
    pub fn encryption_spki(&self) -> &[u8] {
        &self.encryption_spki
    }

    /// The signing key's SPKI in DER.
    pub fn signing_spki(&self) -> &[u8] {
        &self.signing_spki
    }

    /// What people compare and tickets pin.
    pub fn fingerprint(&self) -> Fingerprint {
        let (encryption, signing) = (&self.encryption_spki, &self.signing_spki);
        let length = |spki: &[u8]| (spki.len() as u16).to_be_bytes();
        let label = b"blindtally/v1/fingerprint";
        Fingerprint(sha256(&[label, &length(encryption), encryption, &length(signing), signing]))
    }

    /// RSAES-OAEP-SHA-256 of a 32-byte key. `label` is text, because some platforms take no other.
    pub(crate) fn encrypt(&self, key: &Secret<32>, label: &str) -> Result<Vec<u8>, rsa::Error> {
        let padding = Oaep::<Sha256>::new_with_label(label.as_bytes());
        self.encryption.encrypt(&mut rng(), padding, key.expose())
    }

    /// Whether `signature` is this identity's over `message` (as [`signed_message`] makes it).
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let padding = Pss::<Sha256>::new_with_salt(PSS_SALT_LEN);
        self.signing.verify(padding, &sha256(&[message]), signature).is_ok()
    }
}

impl PartialEq for PublicIdentity {
    fn eq(&self, other: &Self) -> bool {
        self.encryption_spki == other.encryption_spki && self.signing_spki == other.signing_spki
    }
}

impl Eq for PublicIdentity {}

impl fmt::Debug for PublicIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicIdentity({})", self.fingerprint().code())
    }
}

/// The private keys of an account or a device. Wiped on drop.
pub struct Identity {
    encryption: PrivateKey,
    signing: PrivateKey,
    public: PublicIdentity,
}

impl Identity {
    /// Two fresh key pairs. Slow: about a second natively; browsers make theirs with WebCrypto and use
    /// [`Identity::from_pkcs8`].
    ///
    /// # Errors
    /// [`EntropyError`] if the operating system has no randomness.
    #[cfg(feature = "rsa-private")]
    pub fn generate(size: RsaSize) -> Result<Self, EntropyError> {
        // Ask for randomness once in a way that can fail; what the generator draws after that cannot report failure.
        Secret::<32>::random()?;
        let make = || PrivateKey::generate(size.bits()).map_err(|_| EntropyError::Unavailable);
        Self::from_keys(make()?, make()?).map_err(|_| EntropyError::Unavailable)
    }

    /// From two PKCS#8 private keys in DER, made by WebCrypto, an HSM or OpenSSL.
    ///
    /// # Errors
    /// [`ParseError::PrivateKey`] unless both are consistent RSA keys of 2048, 3072 or 4096 bits with exponent 65537,
    /// and different.
    pub fn from_pkcs8(encryption: &[u8], signing: &[u8]) -> Result<Self, ParseError> {
        Self::from_keys(PrivateKey::from_pkcs8(encryption)?, PrivateKey::from_pkcs8(signing)?)
    }

    fn from_keys(encryption: PrivateKey, signing: PrivateKey) -> Result<Self, ParseError> {
        let (encryption_spki, signing_spki) = (encryption.to_spki()?, signing.to_spki()?);
        let public = PublicIdentity::from_spki(&encryption_spki, &signing_spki).map_err(|_| ParseError::PrivateKey)?;
        Ok(Self { encryption, signing, public })
    }

    /// The public half.
    pub fn public(&self) -> &PublicIdentity {
        &self.public
    }

    /// The encryption key as PKCS#8 DER.
    ///
    /// # Errors
    /// [`ParseError::PrivateKey`] if the key cannot be encoded, which a key that was read or generated here always can.
    pub fn encryption_pkcs8(&self) -> Result<SecretBytes, ParseError> {
        self.encryption.to_pkcs8()
    }

    /// The signing key as PKCS#8 DER.
    ///
    /// # Errors
    /// As [`Identity::encryption_pkcs8`].
    pub fn signing_pkcs8(&self) -> Result<SecretBytes, ParseError> {
        self.signing.to_pkcs8()
    }

    /// RSASSA-PSS-SHA-256 with a 32-byte salt, blinded.
    #[cfg(feature = "rsa-private")]
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rsa::Error> {
        self.signing.sign(message)
    }

    /// The inverse of [`PublicIdentity::encrypt`], blinded. Callers verify the sender's signature first, so that nobody
    /// can feed this chosen ciphertexts (SECURITY.md, RUSTSEC-2023-0071).
    #[cfg(feature = "rsa-private")]
    pub(crate) fn decrypt(&self, ciphertext: &[u8], label: &str) -> Option<Secret<32>> {
        self.encryption.decrypt(ciphertext, Oaep::<Sha256>::new_with_label(label.as_bytes()))
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self { encryption: self.encryption.clone(), signing: self.signing.clone(), public: self.public.clone() }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, ..)", self.public.fingerprint().code())
    }
}

/// SHA-256 over both public keys of an identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Characters of a code: 120 bits.
    pub(crate) const CODE_CHARS: usize = 24;

    /// From its 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 120 bits as people compare them: 24 characters of Crockford's base 32 in groups of four.
    pub fn code(&self) -> String {
        crockford::encode(&self.prefix(), Self::CODE_CHARS, 4).to_string()
    }

    /// The first 120 bits.
    pub(crate) fn prefix(&self) -> [u8; 15] {
        let mut prefix = [0; 15];
        prefix.copy_from_slice(&self.0[..15]);
        prefix
    }

    /// The id of the device that has this fingerprint in `account`.
    pub fn device_id(&self, account: AccountId) -> DeviceId {
        let hash = sha256(&[b"blindtally/v1/device", account.as_bytes(), &self.0]);
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        DeviceId::from_bytes(id)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.code())
    }
}

/// The exact bytes that a signature is over: no label is a prefix of another's message (SPEC.md#signatures).
pub(crate) fn signed_message(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut message = b"blindtally/v1/signature\0".to_vec();
    message.extend_from_slice(&(label.len() as u16).to_be_bytes());
    message.extend_from_slice(label.as_bytes());
    parts.iter().for_each(|part| message.extend_from_slice(part));
    message
}

fn parse_spki(spki: &[u8]) -> Result<RsaPublicKey, ParseError> {
    if spki.len() > SPKI_MAX {
        return Err(ParseError::PublicKey);
    }
    let (modulus, exponent) = der::spki(spki)?;
    let number = BoxedUint::from_be_slice_vartime;
    let key = RsaPublicKey::new(number(modulus), number(exponent)).map_err(|_| ParseError::PublicKey)?;
    if has_accepted_size(&key) { Ok(key) } else { Err(ParseError::PublicKey) }
}

/// SPEC.md#rsa-keys, for private keys too.
pub(crate) fn has_accepted_size(key: &RsaPublicKey) -> bool {
    let bits = key.n().bits_vartime();
    matches!(bits, 2048 | 3072 | 4096) && key.e() == &BoxedUint::from(EXPONENT)
}

pub(crate) fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}
