//! Backups, which open without the service and after a lost password.

use blindtally::{BackupLock, Password, UnlockError};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::raise;
use crate::given::{Of, SecretText, Text};
use crate::opening::{OpeningKeys, Source};

/// A backup file, still sealed.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Backup(pub(crate) blindtally::Backup);

#[pymethods]
impl Backup {
    /// Reads what `to_text()` gave. White space, line ends, text before and after do not matter.
    ///
    /// Raises MalformedError: it is damaged ("malformed.checksum"), or not a backup.
    #[staticmethod]
    fn parse(text: Text) -> PyResult<Self> {
        blindtally::Backup::parse(&text).map(Self).map_err(raise)
    }

    /// The file: a header for people, then the sealed keys, between two marker lines.
    fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// The id of the account that the file says it is of: 32 hexadecimal digits.
    #[getter]
    fn account(&self) -> String {
        self.0.account().to_string()
    }

    /// What opens it: "passphrase" or "recovery-key".
    #[getter]
    fn lock(&self) -> &'static str {
        match self.0.lock() {
            BackupLock::Passphrase(_) => "passphrase",
            BackupLock::RecoveryKey => "recovery-key",
        }
    }

    /// Opens it with its passphrase. Takes about half a second.
    ///
    /// Raises UnlockError: a wrong passphrase ("unlock.wrong"), or it opens with a recovery key
    /// ("unlock.needs-recovery-key"). CredentialError: the passphrase is unusable, or the parameters are out of bounds.
    fn open_with_passphrase<'py>(&self, py: Python<'py>, passphrase: SecretText) -> PyResult<Bound<'py, Restored>> {
        let passphrase = Password::new(&passphrase).map_err(raise)?;
        Restored::make(py, py.detach(|| self.0.open_with_passphrase(&passphrase)))
    }

    /// Opens it with its recovery key.
    ///
    /// Raises UnlockError: a wrong key ("unlock.wrong"), or it opens with a passphrase ("unlock.needs-passphrase").
    fn open_with_recovery_key<'py>(&self, py: Python<'py>, key: Of<RecoveryKey>) -> PyResult<Bound<'py, Restored>> {
        let key = key.get();
        Restored::make(py, py.detach(|| self.0.open_with_recovery_key(&key.0)))
    }

    fn __repr__(&self) -> String {
        format!("Backup({}, {})", self.0.account(), self.lock())
    }
}

/// 128 random bits that open a backup without a passphrase.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct RecoveryKey(pub(crate) blindtally::RecoveryKey);

#[pymethods]
impl RecoveryKey {
    /// Reads the 28 characters of `to_text()` as typed: case, hyphens and spaces do not matter.
    ///
    /// Raises CredentialError: it was mistyped.
    #[staticmethod]
    fn parse(text: SecretText) -> PyResult<Self> {
        blindtally::RecoveryKey::parse(&text).map(Self).map_err(raise)
    }

    /// 28 characters in groups of four, for paper. They are secret.
    fn to_text<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        PyString::new(py, &self.0.to_text())
    }

    fn __repr__(&self) -> &'static str {
        "RecoveryKey(..)"
    }
}

/// An opened backup: opens everything offline, and becomes an Owner again by `Owner.restore`, which uses it up.
#[pyclass(module = "blindtally", extends = OpeningKeys, frozen)]
pub(crate) struct Restored {}

impl Restored {
    fn make(py: Python<'_>, opened: Result<blindtally::Restored, UnlockError>) -> PyResult<Bound<'_, Self>> {
        let keys = OpeningKeys::new(Source::Restored(opened.map_err(raise)?));
        Bound::new(py, PyClassInitializer::from(keys).add_subclass(Self {}))
    }
}
