//! The strict DER of RSA keys (RFC 8017 appendix A.1, RFC 5280, RFC 5208): what is not the canonical encoding of a key is
//! refused, so that every key has exactly one fingerprint.

use crate::error::ParseError;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
#[cfg(any(test, not(feature = "rsa-private")))]
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// AlgorithmIdentifier: rsaEncryption with NULL parameters.
const RSA_ENCRYPTION: [u8; 15] =
    [SEQUENCE, 13, 0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Modulus and public exponent, big-endian without leading zeros.
pub(crate) type PublicNumbers<'a> = (&'a [u8], &'a [u8]);

/// Of a SubjectPublicKeyInfo.
pub(crate) fn spki(der: &[u8]) -> Result<PublicNumbers<'_>, ParseError> {
    read_spki(der).ok_or(ParseError::PublicKey)
}

/// The SubjectPublicKeyInfo of a key.
pub(crate) fn to_spki((modulus, exponent): PublicNumbers<'_>) -> Vec<u8> {
    let numbers = element(SEQUENCE, &[integer(modulus), integer(exponent)].concat());
    let bits = element(BIT_STRING, &[&[0], numbers.as_slice()].concat());
    element(SEQUENCE, &[RSA_ENCRYPTION.as_slice(), &bits].concat())
}

/// The public half of a PKCS#8 private key of two primes, in version 0 and without attributes.
#[cfg(any(test, not(feature = "rsa-private")))]
pub(crate) fn pkcs8(der: &[u8]) -> Result<PublicNumbers<'_>, ParseError> {
    read_pkcs8(der).ok_or(ParseError::PrivateKey)
}

fn read_spki(der: &[u8]) -> Option<PublicNumbers<'_>> {
    let bits = Der(der).only(SEQUENCE)?.after(&RSA_ENCRYPTION)?.only(BIT_STRING)?;
    let mut numbers = bits.after(&[0])?.only(SEQUENCE)?;
    let public = (numbers.integer()?, numbers.integer()?);
    numbers.finish()?;
    Some(public)
}

#[cfg(any(test, not(feature = "rsa-private")))]
fn read_pkcs8(der: &[u8]) -> Option<PublicNumbers<'_>> {
    const VERSION_0: [u8; 3] = [INTEGER, 1, 0];
    let key = Der(der).only(SEQUENCE)?.after(&VERSION_0)?.after(&RSA_ENCRYPTION)?.only(OCTET_STRING)?;
    let mut numbers = key.only(SEQUENCE)?.after(&VERSION_0)?;
    let public = (numbers.integer()?, numbers.integer()?);
    // Private exponent, both primes, their exponents, the coefficient.
    for _ in 0..6 {
        numbers.integer()?;
    }
    numbers.finish()?;
    Some(public)
}

/// What is left of some DER.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// What follows these exact bytes.
    fn after(self, expected: &[u8]) -> Option<Self> {
        self.0.strip_prefix(expected).map(Self)
    }

    /// The content of the one element that is left.
    fn only(mut self, tag: u8) -> Option<Self> {
        let content = self.element(tag)?;
        self.finish()?;
        Some(Self(content))
    }

    /// A positive INTEGER in its minimal encoding, without the zero that keeps it positive.
    fn integer(&mut self) -> Option<&'a [u8]> {
        match self.element(INTEGER)? {
            [0, number @ ..] if number.first() >= Some(&0x80) => Some(number),
            number @ [0x01..=0x7F, ..] => Some(number),
            _ => None,
        }
    }

    /// An element whose length is in the shortest form.
    fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (length, rest) = match self.0.strip_prefix(&[tag])? {
            [length @ 0..=0x7F, rest @ ..] => (usize::from(*length), rest),
            [0x81, length @ 0x80..=0xFF, rest @ ..] => (usize::from(*length), rest),
            [0x82, high @ 1..=0xFF, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    fn finish(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

fn integer(number: &[u8]) -> Vec<u8> {
    match number {
        [0x80..=0xFF, ..] => element(INTEGER, &[&[0], number].concat()),
        _ => element(INTEGER, number),
    }
}

/// Of less than 64 KiB: a public key has 550 bytes at most.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let head = match (high, low) {
        (0, ..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};

    use super::*;

    const KEYS: [&[u8]; 3] = [
        include_bytes!("../tests/keys/account-encryption.pkcs8"),
        include_bytes!("../tests/keys/account-signing.pkcs8"),
        include_bytes!("../tests/keys/device1-signing.pkcs8"),
    ];

    fn public_of(key: &[u8]) -> Vec<u8> {
        rsa::RsaPrivateKey::from_pkcs8_der(key).unwrap().to_public_key().to_public_key_der().unwrap().into_vec()
    }

    #[test]
    fn a_key_is_read_and_written_as_the_rsa_crate_does() {
        for key in KEYS {
            let expected = public_of(key);
            assert_eq!(to_spki(pkcs8(key).unwrap()), expected);
            assert_eq!(spki(&expected).unwrap(), pkcs8(key).unwrap());
        }
    }

    #[test]
    fn what_is_cut_off_or_added_is_refused() {
        for key in KEYS {
            let public = public_of(key);
            assert!((0..key.len()).all(|end| pkcs8(&key[..end]) == Err(ParseError::PrivateKey)));
            assert!((0..public.len()).all(|end| spki(&public[..end]) == Err(ParseError::PublicKey)));
            assert_eq!(pkcs8(&[key, &[0]].concat()), Err(ParseError::PrivateKey));
            assert_eq!(spki(&[public.as_slice(), &[0]].concat()), Err(ParseError::PublicKey));
        }
    }

    /// Of everything that another encoding of the same numbers could differ in.
    #[test]
    fn a_key_has_one_encoding() {
        let public = public_of(KEYS[0]);
        let (modulus, exponent) = spki(&public).unwrap();
        let frame = |numbers: &[Vec<u8>]| {
            let bits = [&[0], element(SEQUENCE, &numbers.concat()).as_slice()].concat();
            element(SEQUENCE, &[RSA_ENCRYPTION.as_slice(), &element(BIT_STRING, &bits)].concat())
        };
        assert_eq!(frame(&[integer(modulus), integer(exponent)]), public);
        let zero_first = element(INTEGER, &[&[0, 0], modulus].concat());
        let negative = element(INTEGER, modulus);
        let exponent_with_zero = element(INTEGER, &[&[0], exponent].concat());
        let long_form = [&[INTEGER, 0x81, 3], exponent].concat();
        let empty = element(INTEGER, &[]);
        for numbers in [
            vec![zero_first, integer(exponent)],
            vec![negative, integer(exponent)],
            vec![integer(modulus), exponent_with_zero],
            vec![integer(modulus), long_form],
            vec![integer(modulus), empty],
            vec![integer(modulus)],
            vec![integer(modulus), integer(exponent), integer(exponent)],
        ] {
            assert_eq!(spki(&frame(&numbers)), Err(ParseError::PublicKey));
        }
    }
}
