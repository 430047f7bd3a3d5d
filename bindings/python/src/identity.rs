//! The private keys of an account or a device.

use blindtally::RsaSize;
use pyo3::prelude::*;

use crate::error::{Refused, raise};
use crate::given::{Bytes, Number};
use crate::held::Held;
use crate::opening::hex;

/// Two RSA key pairs, made ahead of their use: `Owner.create` and `Agent.enroll` use them up.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Identity {
    pub(crate) held: Held<blindtally::Identity>,
    public: blindtally::PublicIdentity,
}

impl From<blindtally::Identity> for Identity {
    fn from(identity: blindtally::Identity) -> Self {
        Self { public: identity.public().clone(), held: Held::new(identity) }
    }
}

#[pymethods]
impl Identity {
    /// Makes two key pairs of 2048, 3072 or 4096 bits. Takes about a second.
    ///
    /// Raises ArgumentValueError: any other number of bits.
    #[staticmethod]
    #[pyo3(signature = (bits=Number(3072)), text_signature = "(bits=3072)")]
    fn generate(py: Python<'_>, bits: Number) -> PyResult<Self> {
        let size = match bits.0 {
            2048 => RsaSize::Bits2048,
            3072 => RsaSize::Bits3072,
            4096 => RsaSize::Bits4096,
            _ => return Err(Refused::Value.into()),
        };
        py.detach(|| blindtally::Identity::generate(size)).map(Self::from).map_err(raise)
    }

    /// From two PKCS#8 private keys in DER, made by OpenSSL, an HSM or another library.
    ///
    /// Raises MalformedError: they are not two different, consistent RSA keys of 2048, 3072 or 4096 bits with
    /// exponent 65537.
    #[staticmethod]
    fn from_pkcs8(py: Python<'_>, encryption: Bytes, signing: Bytes) -> PyResult<Self> {
        py.detach(|| blindtally::Identity::from_pkcs8(&encryption, &signing)).map(Self::from).map_err(raise)
    }

    /// SHA-256 of the public keys: 64 hexadecimal digits.
    #[getter]
    fn fingerprint(&self) -> String {
        hex(&self.public.fingerprint())
    }

    /// The public encryption key: SubjectPublicKeyInfo in DER.
    #[getter]
    fn encryption_spki(&self) -> &[u8] {
        self.public.encryption_spki()
    }

    /// The public signing key: SubjectPublicKeyInfo in DER.
    #[getter]
    fn signing_spki(&self) -> &[u8] {
        self.public.signing_spki()
    }

    fn __repr__(&self) -> String {
        format!("Identity({}, ..)", self.public.fingerprint().code())
    }
}
