//! What opens: an unlocked account, or an opened backup.

use core::fmt;

use blindtally::{Record, RecordError, RevealError, Token, replace_tokens};
use pyo3::prelude::*;

use crate::batch::{self, Errors, Reveal};
use crate::error::raise;
use crate::given::Text;
use crate::held::Held;

/// Where opening keys come from.
pub(crate) enum Source {
    Owner(blindtally::Owner),
    Restored(blindtally::Restored),
}

impl Source {
    pub(crate) fn keys(&self) -> &blindtally::OpeningKeys {
        match self {
            Self::Owner(owner) => owner.opening_keys(),
            Self::Restored(restored) => restored.opening_keys(),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(owner) => owner.fmt(f),
            Self::Restored(restored) => restored.fmt(f),
        }
    }
}

/// What an account opens its data with: an Owner, or a Restored backup without the service.
///
/// It holds every key of the account: `close()` it, or use it in a `with` statement.
#[pyclass(module = "blindtally", subclass, frozen)]
pub(crate) struct OpeningKeys {
    pub(crate) held: Held<Source>,
}

impl OpeningKeys {
    pub(crate) fn new(source: Source) -> Self {
        Self { held: Held::new(source) }
    }
}

#[pymethods]
impl OpeningKeys {
    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().held.look(slf.py(), |_| slf.clone())
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close(py);
    }

    /// Wipes the keys, once whoever works with them is done. What is called after that raises ClosedError.
    fn close(&self, py: Python<'_>) {
        self.held.close(py);
    }

    /// The account's id: 32 hexadecimal digits.
    #[getter]
    fn account(&self, py: Python<'_>) -> PyResult<String> {
        self.held.look(py, |source| match source {
            Source::Owner(owner) => owner.account().to_string(),
            Source::Restored(restored) => restored.account().to_string(),
        })
    }

    /// SHA-256 of the account's public keys: 64 hexadecimal digits.
    #[getter]
    fn fingerprint(&self, py: Python<'_>) -> PyResult<String> {
        self.held.look(py, |source| match source {
            Source::Owner(owner) => hex(&owner.fingerprint()),
            Source::Restored(restored) => hex(&restored.fingerprint()),
        })
    }

    /// Opens one token.
    ///
    /// Raises RevealError: it is none ("malformed."), or damaged, or of another account or an epoch not known here.
    fn reveal(&self, py: Python<'_>, token: Text) -> PyResult<String> {
        let token: Token = token.parse().map_err(|error| raise(RevealError::Malformed(error)))?;
        self.held.look(py, |source| source.keys().reveal(&token))?.map_err(raise)
    }

    /// Opens many tokens, of any classes and epochs. A list, or whatever can be iterated over, gives a list; a column in Arrow
    /// memory (of pyarrow, polars, pandas, DuckDB: strings, also dictionary-encoded) gives a Column, which any of them takes.
    /// None and null stay what they are.
    ///
    /// A token that does not open raises, with its place in `index` and nothing returned; with errors="null" None is in its
    /// place, with errors="return" (lists only) the exception.
    ///
    /// Raises RevealError, ArgumentTypeError, ArgumentValueError (python.surrogate).
    #[pyo3(signature = (tokens, *, errors=Errors::Raise), text_signature = "($self, tokens, *, errors='raise')")]
    fn reveal_many<'py>(&self, tokens: &Bound<'py, PyAny>, errors: Errors) -> PyResult<Bound<'py, PyAny>> {
        batch::run(&self.held, &Reveal, tokens, errors)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        match slf.get().held.look(slf.py(), |source| format!("{source:?}")) {
            Ok(text) => Ok(text),
            Err(_) => Ok(format!("{}(closed)", slf.get_type().name()?)),
        }
    }
}

/// All of a fingerprint, as hexadecimal digits.
pub(crate) fn hex(fingerprint: &blindtally::Fingerprint) -> String {
    fingerprint.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
