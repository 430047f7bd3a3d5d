//! What opens: an unlocked account, or an opened backup.

use core::fmt;

use blindtally::{AnyClass, Record, RecordError, RevealError, Token, replace_tokens};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyString};
use zeroize::Zeroizing;

use crate::archive::Archive;
use crate::batch::{self, Errors, Failed, Reveal};
use crate::blob;
use crate::class::RecordClass;
use crate::error::{Refused, raise};
use crate::file::Content;
use crate::given::{self, Text};
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

    pub(crate) fn owner(&self) -> Option<&blindtally::Owner> {
        if let Self::Owner(owner) = self { Some(owner) } else { None }
    }

    pub(crate) fn owner_mut(&mut self) -> Option<&mut blindtally::Owner> {
        if let Self::Owner(owner) = self { Some(owner) } else { None }
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
    fn reveal<'py>(&self, py: Python<'py>, token: Text) -> PyResult<Bound<'py, PyString>> {
        let token: Token = token.parse().map_err(|error| raise(RevealError::Malformed(error)))?;
        let value = self.held.look(py, |source| source.keys().reveal(&token).map(Zeroizing::new))?;
        value.map(|value| PyString::new(py, &value)).map_err(raise)
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

    /// The text with every token in it that opens replaced by its value; what does not open stays.
    fn reveal_text<'py>(&self, py: Python<'py>, text: Text) -> PyResult<Bound<'py, PyString>> {
        let text: &str = &text;
        let revealed = self.held.work(py, |source| {
            let value = |token: &Token| source.keys().reveal(token).ok().map(|value| Value(Zeroizing::new(value)));
            Zeroizing::new(replace_tokens(text, value).into_owned())
        })?;
        Ok(PyString::new(py, &revealed))
    }

    /// Opens a record, of whichever device.
    ///
    /// Raises RecordError: it is none ("malformed."), or damaged, or of another account or an epoch not known here.
    fn open_record(&self, py: Python<'_>, record: Text) -> PyResult<OpenedRecord> {
        let record: &str = &record;
        self.held.work(py, |source| open_record(source.keys(), record))?.map_err(raise)
    }

    /// Opens many records; whatever can be iterated over gives a list. None stays None.
    ///
    /// A record that does not open raises, with its place in `index` and nothing returned; with errors="null" None is in
    /// its place, with errors="return" the exception.
    ///
    /// Raises RecordError, ArgumentTypeError.
    #[pyo3(signature = (records, *, errors=Errors::Raise), text_signature = "($self, records, *, errors='raise')")]
    fn open_records<'py>(
        &self,
        py: Python<'py>,
        records: &Bound<'py, PyAny>,
        errors: Errors,
    ) -> PyResult<Bound<'py, PyList>> {
        let records = texts(records)?;
        let opened = self.held.work(py, |source| {
            let open = |record: &Result<Option<PyBackedStr>, Refused>| match record {
                Ok(Some(record)) => open_record(source.keys(), record).map(Some).map_err(|e| Failed::Core(e.into())),
                Ok(None) => Ok(None),
                Err(refused) => Err(Failed::Here(*refused)),
            };
            records.iter().map(open).collect::<Vec<_>>()
        })?;
        let list = PyList::empty(py);
        for (index, one) in opened.into_iter().enumerate() {
            match one {
                Ok(record) => list.append(record)?,
                Err(failed) => list.append(failed.place(py, index, errors)?)?,
            }
        }
        Ok(list)
    }

    /// What shows the service that the account's keys are known, when the password is lost: 32 secret bytes, yours to
    /// wipe. The service keeps a SHA-256 of them.
    fn recovery_proof<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        let proof = self.held.look(py, |source| match source {
            Source::Owner(owner) => owner.recovery_proof(),
            Source::Restored(restored) => restored.recovery_proof(),
        })?;
        Ok(PyByteArray::new(py, proof.expose()))
    }

    /// Opens a whole blob in memory: bytes, or whatever else has the buffer protocol. What is longer than some MiB is better
    /// read by `blob_reader` or `blob_file`.
    ///
    /// Raises BlobError: it is damaged, cut off, or of another account; nothing of it is returned.
    fn open_blob<'py>(&self, py: Python<'py>, blob: Content) -> PyResult<Bound<'py, PyBytes>> {
        let content = self.held.work_on(py, blob.len(), |source| source.keys().open_blob(&blob))?.map_err(raise)?;
        Ok(PyBytes::new(py, &content))
    }

    /// Opens a blob while it is read, from a file object with `read`, in constant memory: gives a BlobReader, an
    /// io.RawIOBase. It needs neither these keys any more nor that the file can be sought in, and does not close the file.
    ///
    /// Raises BlobError: there is no key for it. ArgumentTypeError (python.file): the file object gives no bytes.
    fn blob_reader<'py>(&self, file: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        blob::reader(self, file)
    }

    /// Opens any part of the blob that begins where the file object stands and ends where it ends: gives a BlobFile, an
    /// io.RawIOBase that can be sought in. It needs these keys no more, and does not close the file.
    ///
    /// Raises BlobError: there is no key for it, or its end is damaged or cut off.
    fn blob_file<'py>(&self, file: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        blob::file(self, file)
    }

    /// Opens an archive of this account, damaged or not, from a file object that can be sought in. It needs these keys no
    /// more, and does not close the file.
    ///
    /// Raises ArchiveError: it is of another account, or not what the account signed. BlobError: there is no key for it.
    fn open_archive<'py>(&self, file: &Bound<'py, PyAny>) -> PyResult<Archive> {
        Archive::open(self, file)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        match slf.get().held.look(slf.py(), |source| format!("{source:?}")) {
            Ok(text) => Ok(text),
            Err(_) => Ok(format!("{}(closed)", slf.get_type().name()?)),
        }
    }
}

/// A revealed value, wiped once it is in its place.
struct Value(Zeroizing<String>);

impl AsRef<str> for Value {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

fn open_record(keys: &blindtally::OpeningKeys, record: &str) -> Result<OpenedRecord, RecordError> {
    let record = Record::parse(record)?;
    let AnyClass::Record(class) = record.class() else { return Err(RecordError::NoKey) };
    let value = keys.open_record(&record)?;
    Ok(OpenedRecord { value, class, device: record.device(), seq: record.seq(), epoch: record.epoch() })
}

/// An opened record, and what its header says of it.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct OpenedRecord {
    value: Zeroizing<String>,
    class: blindtally::RecordClass,
    device: blindtally::DeviceId,
    seq: u64,
    epoch: u16,
}

#[pymethods]
impl OpenedRecord {
    /// What was sealed.
    #[getter]
    fn value(&self) -> &str {
        &self.value
    }

    /// What it is about.
    #[getter]
    fn record_class(&self) -> RecordClass {
        RecordClass(self.class)
    }

    /// The id of the device that sealed it: 32 hexadecimal digits.
    #[getter]
    fn device(&self) -> String {
        self.device.to_string()
    }

    /// When it was made, as its device said: milliseconds since the Unix epoch.
    #[getter]
    fn seq(&self) -> u64 {
        self.seq
    }

    /// The number of the epoch whose keys it was sealed with.
    #[getter]
    fn epoch(&self) -> u16 {
        self.epoch
    }

    fn __repr__(&self) -> String {
        let class = self.class.id();
        format!("OpenedRecord(class {class}, device {}, seq {}, ..)", self.device, self.seq)
    }
}

/// The items of an iterable, each a text or None.
fn texts(items: &Bound<'_, PyAny>) -> PyResult<Vec<Result<Option<PyBackedStr>, Refused>>> {
    let mut texts = Vec::new();
    for item in given::iterate(items)? {
        let item = item?;
        texts.push(if item.is_none() { Ok(None) } else { given::text(item.as_borrowed()).map(Some) });
    }
    Ok(texts)
}

/// The tokens in a text: for each its start and end, counted in characters as Python slices, and the token.
#[pyfunction]
pub(crate) fn find_tokens(py: Python<'_>, text: Text) -> Vec<(usize, usize, String)> {
    let text: &str = &text;
    py.detach(|| {
        let (mut byte, mut character) = (0, 0);
        let mut found = Vec::new();
        for (range, token) in blindtally::find_tokens(text) {
            character += text.get(byte..range.start).unwrap_or_default().chars().count();
            // A token is ASCII.
            let end = character + range.len();
            found.push((character, end, token.to_string()));
            (byte, character) = (range.end, end);
        }
        found
    })
}

/// A short name for a token that anyone computes without a key, such as fits a UUID column: 32 hexadecimal digits.
///
/// Raises MalformedError: it is no token.
#[pyfunction]
pub(crate) fn token_index(token: Text) -> PyResult<String> {
    token.parse::<Token>().map(|token| token.index().to_string()).map_err(raise)
}

/// All of a fingerprint, as hexadecimal digits.
pub(crate) fn hex(fingerprint: &blindtally::Fingerprint) -> String {
    fingerprint.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
