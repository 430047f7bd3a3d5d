//! The private keys of an account or a device.

use std::sync::Arc;

use blindtally::{PublicIdentity, RsaSize};
use zeroize::Zeroizing;

use crate::error::{BlindtallyError, Misuse};
use crate::given::hex;
use crate::held::Held;

/// Two pairs of RSA keys, one for encryption and one for signing, of an account or of a device. Whatever takes an identity
/// uses it up.
#[derive(uniffi::Object)]
pub struct Identity {
    pub(crate) held: Held<blindtally::Identity>,
    public: PublicIdentity,
}

impl Identity {
    fn new(identity: blindtally::Identity) -> Arc<Self> {
        Arc::new(Self { public: identity.public().clone(), held: Held::new(identity) })
    }
}

#[uniffi::export]
impl Identity {
    /// New pairs of 2048, 3072 or 4096 bits. Takes about a second.
    ///
    /// # Errors
    /// `binding.value` for another size, `entropy.unavailable`.
    #[uniffi::constructor(default(bits = 3072))]
    pub fn generate(bits: i32) -> Result<Arc<Self>, BlindtallyError> {
        let size = match bits {
            2048 => RsaSize::Bits2048,
            3072 => RsaSize::Bits3072,
            4096 => RsaSize::Bits4096,
            _ => return Err(Misuse::Value.into()),
        };
        Ok(Self::new(blindtally::Identity::generate(size)?))
    }

    /// Pairs made elsewhere, each as PKCS#8 in DER.
    ///
    /// # Errors
    /// `malformed.private-key`.
    #[uniffi::constructor]
    pub fn from_pkcs8(encryption: Vec<u8>, signing: Vec<u8>) -> Result<Arc<Self>, BlindtallyError> {
        let (encryption, signing) = (Zeroizing::new(encryption), Zeroizing::new(signing));
        Ok(Self::new(blindtally::Identity::from_pkcs8(&encryption, &signing)?))
    }

    /// SHA-256 of the public keys: 64 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex(&self.public.fingerprint())
    }

    /// The public key for encryption: SPKI in DER.
    pub fn encryption_spki(&self) -> Vec<u8> {
        self.public.encryption_spki().to_vec()
    }

    /// The public key for signatures: SPKI in DER.
    pub fn signing_spki(&self) -> Vec<u8> {
        self.public.signing_spki().to_vec()
    }

    /// Wipes the private keys now, whoever still refers to this object.
    pub fn wipe(&self) {
        self.held.wipe();
    }
}
