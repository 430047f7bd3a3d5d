//! One RSA private key: with the feature `rsa-private` (the default) in this crate's hands, without it as bytes that only
//! a platform (WebCrypto, a TPM) ever uses.

#[cfg(feature = "rsa-private")]
pub(crate) use here::PrivateKey;
#[cfg(not(feature = "rsa-private"))]
pub(crate) use platform::PrivateKey;

/// Longest PKCS#8 that is read: a 4096-bit key has about 2,400 bytes.
pub(crate) const PKCS8_MAX: usize = 4096;

#[cfg(feature = "rsa-private")]
mod here {
    use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
    use rsa::rand_core::CryptoRng;
    use rsa::traits::PublicKeyParts;
    use rsa::{Oaep, Pss, RsaPrivateKey};
    use sha2::Sha256;
    use sha2::digest::{Digest, FixedOutputReset};
    use subtle::ConstantTimeEq;
    use zeroize::Zeroizing;

    use super::PKCS8_MAX;
    use crate::der;
    use crate::error::ParseError;
    use crate::hash::sha256;
    use crate::identity::{PSS_SALT_LEN, has_accepted_size, rng};
    use crate::secret::{Secret, SecretBytes};

    /// Wiped on drop.
    #[derive(Clone)]
    pub(crate) struct PrivateKey(RsaPrivateKey);

    impl PrivateKey {
        pub(crate) fn generate(bits: usize) -> Result<Self, rsa::Error> {
            RsaPrivateKey::new(&mut rng(), bits).map(Self)
        }

        pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, ParseError> {
            if der.len() > PKCS8_MAX {
                return Err(ParseError::PrivateKey);
            }
            let key = Self(RsaPrivateKey::from_pkcs8_der(der).map_err(|_| ParseError::PrivateKey)?);
            // What is not the key's canonical encoding may hold values that contradict it, which the parser computes
            // anew (SPEC.md#private-key-follows, SPEC.md#private-key-contradicts).
            let canonical: bool = key.to_pkcs8()?.expose().ct_eq(der).into();
            let sound = canonical && has_accepted_size(key.0.as_public_key()) && key.0.validate().is_ok();
            if sound { Ok(key) } else { Err(ParseError::PrivateKey) }
        }

        /// Bytes of its modulus, and of whatever is encrypted to it.
        #[cfg(feature = "legacy")]
        pub(crate) fn size(&self) -> usize {
            self.0.size()
        }

        pub(crate) fn to_pkcs8(&self) -> Result<SecretBytes, ParseError> {
            let der = self.0.to_pkcs8_der().map_err(|_| ParseError::PrivateKey)?;
            Ok(SecretBytes::from_vec(der.as_bytes().to_vec()))
        }

        pub(crate) fn to_spki(&self) -> Result<Vec<u8>, ParseError> {
            let key = self.0.as_public_key();
            let (modulus, exponent) = (key.n().to_be_bytes_trimmed_vartime(), key.e().to_be_bytes_trimmed_vartime());
            Ok(der::to_spki((&modulus, &exponent)))
        }

        /// RSASSA-PSS-SHA-256 with a 32-byte salt, blinded (SPEC.md#rsa-blinding).
        pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rsa::Error> {
            self.sign_by(&mut rng(), message)
        }

        pub(super) fn sign_by(&self, rng: &mut impl CryptoRng, message: &[u8]) -> Result<Vec<u8>, rsa::Error> {
            let padding = Pss::<Sha256>::new_blinded_with_salt(PSS_SALT_LEN);
            self.0.sign_with_rng(rng, padding, &sha256(&[message]))
        }

        /// RSAES-OAEP, blinded.
        pub(crate) fn decrypt<D, M>(&self, ciphertext: &[u8], padding: Oaep<D, M>) -> Option<Secret<32>>
        where
            D: Digest + FixedOutputReset,
            M: Digest + FixedOutputReset,
        {
            self.decrypt_by(&mut rng(), ciphertext, padding)
        }

        pub(super) fn decrypt_by<D, M>(
            &self,
            rng: &mut impl CryptoRng,
            ciphertext: &[u8],
            padding: Oaep<D, M>,
        ) -> Option<Secret<32>>
        where
            D: Digest + FixedOutputReset,
            M: Digest + FixedOutputReset,
        {
            let plain = Zeroizing::new(self.0.decrypt_blinded(rng, padding, ciphertext).ok()?);
            plain.as_slice().try_into().ok().map(Secret::copy_of)
        }
    }
}

#[cfg(not(feature = "rsa-private"))]
mod platform {
    use super::PKCS8_MAX;
    use crate::der;
    use crate::error::ParseError;
    use crate::secret::SecretBytes;

    /// Wiped on drop.
    pub(crate) struct PrivateKey(SecretBytes);

    impl PrivateKey {
        /// Checks the encoding, to the byte. Whether the private numbers fit the public ones is the platform's to say,
        /// which alone computes with them.
        pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, ParseError> {
            if pkcs8.len() > PKCS8_MAX {
                return Err(ParseError::PrivateKey);
            }
            der::pkcs8(pkcs8)?;
            Ok(Self(SecretBytes::from_vec(pkcs8.to_vec())))
        }

        pub(crate) fn to_pkcs8(&self) -> Result<SecretBytes, ParseError> {
            Ok(self.clone().0)
        }

        pub(crate) fn to_spki(&self) -> Result<Vec<u8>, ParseError> {
            der::pkcs8(self.0.expose()).map(der::to_spki)
        }
    }

    impl Clone for PrivateKey {
        fn clone(&self) -> Self {
            Self(SecretBytes::from_vec(self.0.expose().to_vec()))
        }
    }
}

#[cfg(all(test, feature = "rsa-private"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use core::convert::Infallible;

    use rsa::Oaep;
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::rand_core::{Rng, TryCryptoRng, TryRng};
    use sha2::Sha256;

    use super::*;
    use crate::error::ParseError;
    use crate::identity::rng;

    const KEY: &[u8] = include_bytes!("../tests/keys/device1-encryption.pkcs8");

    /// The operating system's randomness, and how many bytes of it were taken.
    struct Counted(usize);

    impl TryRng for Counted {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            self.0 += 4;
            Ok(rng().next_u32())
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            self.0 += 8;
            Ok(rng().next_u64())
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            self.0 += bytes.len();
            rng().fill_bytes(bytes);
            Ok(())
        }
    }

    impl TryCryptoRng for Counted {}

    /// SPEC.md#rsa-blinding: a factor of the modulus' size is drawn, beside the salt of a signature.
    #[test]
    fn what_computes_with_a_private_key_draws_a_blinding_factor() {
        let key = PrivateKey::from_pkcs8(KEY).unwrap();
        let public = rsa::RsaPrivateKey::from_pkcs8_der(KEY).unwrap().to_public_key();
        let mut taken = Counted(0);
        let signature = key.sign_by(&mut taken, b"message").unwrap();
        assert!(taken.0 >= 32 + signature.len(), "{} bytes", taken.0);

        let padding = Oaep::<Sha256>::new;
        let ciphertext = public.encrypt(&mut rng(), padding(), &[7; 32]).unwrap();
        let mut taken = Counted(0);
        assert_eq!(key.decrypt_by(&mut taken, &ciphertext, padding()).unwrap().expose(), &[7; 32]);
        assert!(taken.0 >= signature.len(), "{} bytes", taken.0);
    }

    /// SPEC.md#private-key-follows, SPEC.md#private-key-contradicts
    #[test]
    fn a_private_key_with_any_other_number_in_it_is_refused() {
        assert!(PrivateKey::from_pkcs8(KEY).is_ok());
        for at in (0..KEY.len()).step_by(23) {
            let mut changed = KEY.to_vec();
            changed[at] ^= 2;
            assert!(matches!(PrivateKey::from_pkcs8(&changed), Err(ParseError::PrivateKey)), "byte {at}");
        }
    }
}
