//! The core's errors, raised as the classes of `blindtally.errors`.

use blindtally::{Error, OwnerError, UnlockError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// What only this package refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Type,
    Value,
    Surrogate,
    Closed,
    Busy,
    File,
}

impl Refused {
    pub(crate) const ALL: [Self; 6] = [Self::Type, Self::Value, Self::Surrogate, Self::Closed, Self::Busy, Self::File];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Type => "python.type",
            Self::Value => "python.value",
            Self::Surrogate => "python.surrogate",
            Self::Closed => "python.closed",
            Self::Busy => "python.busy",
            Self::File => "python.file",
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Type => "an argument is of a type that is not taken here",
            Self::Value => "an argument is out of range",
            Self::Surrogate => "a text has a lone surrogate, which no UTF-8 has",
            Self::Closed => "it was closed, or used up by an earlier call",
            Self::Busy => "another call is using it, perhaps one that led to this call",
            Self::File => "a file cannot be read, or a file object did not do what such objects do",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Type => "ArgumentTypeError",
            Self::Value | Self::Surrogate => "ArgumentValueError",
            Self::Closed | Self::Busy => "ClosedError",
            Self::File => "ArgumentTypeError",
        }
    }

    /// With a sentence that says which.
    pub(crate) fn because(self, py: Python<'_>, text: &str) -> PyErr {
        instance(py, self.class(), self.code(), text, None).map_or_else(|error| error, PyErr::from_value)
    }
}

impl From<Refused> for PyErr {
    fn from(refused: Refused) -> Self {
        Python::attach(|py| refused.because(py, refused.text()))
    }
}

/// Raises an error of the core.
pub(crate) fn raise(error: impl Into<Error>) -> PyErr {
    Python::attach(|py| of(py, error.into(), None).map_or_else(|error| error, PyErr::from_value))
}

/// What a reader or writer of the core reports: an error of the core's, one that a Python file object raised, or one of
/// the platform.
pub(crate) fn raise_io(error: std::io::Error) -> PyErr {
    match Error::from_io(&error) {
        Some(error) => raise(error),
        // A file that became shorter while it was read.
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => raise(blindtally::BlobError::Truncated),
        // PyO3 takes an exception out again that was put in as it was.
        None => error.into(),
    }
}

/// The exception of an error of the core's, of the item at `index` of a batch.
pub(crate) fn of(py: Python<'_>, error: Error, index: Option<usize>) -> PyResult<Bound<'_, PyAny>> {
    instance(py, class_of(error), error.code(), &error.to_string(), index)
}

/// The exception of what this package refuses, of the item at `index` of a batch.
pub(crate) fn of_refused(py: Python<'_>, refused: Refused, index: Option<usize>) -> PyResult<Bound<'_, PyAny>> {
    instance(py, refused.class(), refused.code(), refused.text(), index)
}

fn class_of(error: Error) -> &'static str {
    match error {
        // Whichever operation met them.
        Error::Unlock(UnlockError::Credential(_)) | Error::Owner(OwnerError::Credential(_)) => "CredentialError",
        Error::Owner(OwnerError::Unlock(_)) => "UnlockError",
        Error::Parse(_) => "MalformedError",
        Error::Entropy(_) => "EntropyError",
        Error::Tokenize(_) => "TokenizeError",
        Error::Reveal(_) => "RevealError",
        Error::Record(_) => "RecordError",
        Error::Blob(_) => "BlobError",
        Error::Archive(_) => "ArchiveError",
        Error::Credential(_) => "CredentialError",
        Error::Unlock(_) => "UnlockError",
        Error::Owner(_) => "OwnerError",
        Error::Inspect(_) | Error::Enroll(_) => "EnrollmentError",
        Error::Accept(_) => "AcceptError",
        Error::Restore(_) => "StateError",
        _ => "BlindtallyError",
    }
}

fn instance<'py>(
    py: Python<'py>,
    class: &str,
    code: &str,
    text: &str,
    index: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("blindtally.errors").map(Bound::unbind))?.bind(py);
    module.getattr(class)?.cast_into::<PyType>()?.call1((code, text, index))
}
