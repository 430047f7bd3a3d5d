//! Who takes part: people with passwords, devices, and key pairs that were made once, since making them takes seconds.

use blindtally::Identity;
use rsa::RsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;

/// Somebody with an account.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) keys: Keys,
}

pub(crate) const ANNA: Person =
    Person { name: "anna@example.com", password: "correct horse battery staple", keys: Keys::Anna };
/// Another customer of the service.
pub(crate) const BERT: Person = Person { name: "bert@example.com", password: "hunter2", keys: Keys::Bert };
/// The service can be its own customer.
pub(crate) const SERVICE: Person = Person { name: "service@example.com", password: "profit", keys: Keys::Service };

/// A value that an agent records.
pub(crate) const WORD: &str = "winword.exe";

/// Key pairs of an account or a device.
#[derive(Clone, Copy)]
pub(crate) enum Keys {
    Anna,
    Bert,
    Laptop,
    Desktop,
    Service,
}

impl Keys {
    /// PKCS#8 of the encryption and of the signing key.
    fn der(self) -> [&'static [u8]; 2] {
        macro_rules! pair {
            ($path:literal) => {
                [include_bytes!(concat!($path, "-encryption.pkcs8")), include_bytes!(concat!($path, "-signing.pkcs8"))]
            };
        }
        match self {
            Self::Anna => pair!("../../tests/keys/account"),
            Self::Laptop => pair!("../../tests/keys/device1"),
            Self::Desktop => pair!("../../tests/keys/device2"),
            Self::Bert => pair!("../keys/bert"),
            Self::Service => pair!("../keys/service"),
        }
    }

    pub(crate) fn identity(self) -> Identity {
        let [encryption, signing] = self.der();
        Identity::from_pkcs8(encryption, signing).unwrap()
    }

    pub(crate) fn encryption(self) -> RsaPrivateKey {
        RsaPrivateKey::from_pkcs8_der(self.der()[0]).unwrap()
    }

    pub(crate) fn signing(self) -> RsaPrivateKey {
        RsaPrivateKey::from_pkcs8_der(self.der()[1]).unwrap()
    }
}
