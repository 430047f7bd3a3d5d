//! The account's signed policy: what agents seal, in which epoch, and who was revoked.

use blindtally::{AnyClass, CanonicalForm, SignedPolicy, Timestamp};
use pyo3::prelude::*;

use crate::class::{BlobClass, RecordClass, TokenClass};
use crate::error::Refused;
use crate::given::{self, Text};

/// What agents may seal and how, signed by the account.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Policy(pub(crate) SignedPolicy);

#[pymethods]
impl Policy {
    /// Counts up with every change; agents refuse lower ones.
    #[getter]
    fn version(&self) -> u64 {
        self.0.policy().version()
    }

    /// When it was signed, by the owner's clock: an aware datetime in UTC.
    ///
    /// Raises ArgumentValueError: that is later than a datetime can say.
    #[getter]
    fn issued_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        given::datetime(py, Timestamp::from_unix_secs(self.0.policy().issued_at()))
    }

    /// The number of the epoch that agents seal in.
    #[getter]
    fn epoch(&self) -> u16 {
        self.0.policy().epoch().get()
    }

    /// Names the epoch's key: 32 hexadecimal digits.
    #[getter]
    fn key_id(&self) -> String {
        self.0.policy().key_id().to_string()
    }

    /// The ids of revoked devices, in order.
    #[getter]
    fn revoked(&self) -> Vec<String> {
        self.0.policy().revoked().iter().map(ToString::to_string).collect()
    }

    /// The classes that agents seal, each with its canonical form, in order of id.
    #[getter]
    fn classes(&self) -> Vec<(Class, &'static str)> {
        self.0.policy().classes().iter().map(|(class, form)| ((*class).into(), name(*form))).collect()
    }

    /// The bytes that are signed, with the signature: what the service hands to agents.
    #[getter]
    fn signed(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn __repr__(&self) -> String {
        format!("Policy(version={}, epoch={})", self.version(), self.epoch())
    }
}

/// A class of any of the three kinds, as an object of its kind.
#[derive(IntoPyObject)]
enum Class {
    Token(TokenClass),
    Record(RecordClass),
    Blob(BlobClass),
}

impl From<AnyClass> for Class {
    fn from(class: AnyClass) -> Self {
        match class {
            AnyClass::Token(class) => Self::Token(TokenClass(class)),
            AnyClass::Record(class) => Self::Record(RecordClass(class)),
            AnyClass::Blob(class) => Self::Blob(BlobClass(class)),
        }
    }
}

/// A canonical form, by its name.
pub(crate) struct Form(pub(crate) CanonicalForm);

impl<'py> FromPyObject<'_, 'py> for Form {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let given = Text::extract(object)?;
        let known = [CanonicalForm::Exact, CanonicalForm::AsciiLowercase, CanonicalForm::Host];
        known.into_iter().find(|form| name(*form) == &*given).map(Self).ok_or_else(|| Refused::Value.into())
    }
}

fn name(form: CanonicalForm) -> &'static str {
    match form {
        CanonicalForm::Exact => "exact",
        CanonicalForm::AsciiLowercase => "ascii-lowercase",
        CanonicalForm::Host => "host",
    }
}
