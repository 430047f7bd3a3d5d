//! Archives: files of an account in one blob, signed by its owner.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Mutex;

use blindtally::{ArchiveError, BlobError, Listing, Timestamp};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyBytes, PyInt};
use zeroize::Zeroizing;

use crate::blob::{Either, Opened, RawBlobFile, RawOpened, Whose, read_start, wrapped};
use crate::error::{Refused, raise, raise_io};
use crate::file::{Content, Handle, PIECE, Sink, Source};
use crate::given::{Moment, Number, Text, datetime, or_now};
use crate::opening::OpeningKeys;
use crate::owner::Owner;
use crate::single::Single;

/// A file of an archive, as the manifest, or without one its own header, describes it.
#[pyclass(module = "blindtally", frozen, eq)]
#[derive(Clone, PartialEq)]
pub(crate) struct ArchivedFile(blindtally::ArchivedFile);

#[pymethods]
impl ArchivedFile {
    /// Its path: segments of ASCII letters, digits, "-", "_" and ".", joined by "/", which every system takes and which lead
    /// nowhere but down.
    #[getter]
    fn path(&self) -> &str {
        self.0.path()
    }

    /// When its content was last changed, in whole seconds.
    #[getter]
    fn modified<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.modified())
    }

    /// Bytes of content.
    #[getter]
    fn length(&self) -> u64 {
        self.0.length()
    }

    /// SHA-256 of the content, as the account signed it; None for a file that no manifest lists.
    #[getter]
    fn sha256<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.hash().map(|hash| PyBytes::new(py, hash))
    }

    fn __repr__(&self) -> String {
        format!("ArchivedFile({}, {} bytes)", self.0.path(), self.0.length())
    }
}

/// Which file of an archive: its number in `files`, or its path.
pub(crate) enum Which {
    Number(u64),
    Path(Text),
}

impl<'py> FromPyObject<'_, 'py> for Which {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyInt>() {
            return Number::extract(object).map(|number| Self::Number(number.0));
        }
        Text::extract(object).map(Self::Path)
    }
}

/// An opened archive. A damaged one opens too: each file is intact or is not.
///
/// Close it, or use it in a `with` statement: it holds the key of the archive. The file object is not closed.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct Archive {
    header: blindtally::BlobHeader,
    listing: Listing,
    files: Vec<blindtally::ArchivedFile>,
    numbers: HashMap<String, usize>,
    tar: u64,
    opened: Py<RawOpened>,
}

impl Archive {
    pub(crate) fn open(keys: &OpeningKeys, file: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = file.py();
        let file = Handle::new(file, &["read", "seek"])?;
        let mut source = Source::random(file.clone()).map_err(raise_io)?;
        let start = read_start(&mut source)?;
        let access = keys.held.look(py, |keys| keys.keys().archive_access(&start))?.map_err(raise)?;
        let mut archive = py.detach(|| access.open(source)).map_err(raise_io)?;
        let files = archive.files().to_vec();
        let numbers = files.iter().enumerate().map(|(number, file)| (file.path().to_owned(), number)).collect();
        let (listing, tar) = (archive.listing(), archive.tar().len());
        let opened = RawOpened(Single::new(Opened::new(Either::Archive(archive)), file));
        Ok(Self { header: *start.header(), listing, files, numbers, tar, opened: Bound::new(py, opened)?.unbind() })
    }

    fn number(&self, which: &Which) -> PyResult<usize> {
        let number = match which {
            Which::Number(number) => usize::try_from(*number).ok().filter(|number| *number < self.files.len()),
            Which::Path(path) => self.numbers.get(&**path).copied(),
        };
        number.ok_or_else(|| raise(ArchiveError::NoFile))
    }

    fn copy_to(&self, py: Python<'_>, number: usize, out: &mut (impl Write + Send)) -> PyResult<()> {
        let copy = |opened: &mut Opened| match &mut opened.blob {
            Either::Archive(archive) => archive.copy(number, out),
            Either::Blob(_) => Err(BlobError::NoKey.into()),
        };
        self.opened.get().0.work(py, PIECE, copy)?.map_err(raise_io)
    }
}

#[pymethods]
impl Archive {
    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().opened.get().0.work(slf.py(), 0, |_| ())?;
        Ok(slf.clone())
    }

    fn __exit__(
        &self,
        _kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.close()
    }

    /// Wipes the key of the archive. May be called again.
    ///
    /// Raises ClosedError (python.busy): another call is using it.
    fn close(&self) -> PyResult<()> {
        self.opened.get().0.close()
    }

    /// Its files, in the order of the tar.
    #[getter]
    fn files(&self) -> Vec<ArchivedFile> {
        self.files.iter().cloned().map(ArchivedFile).collect()
    }

    /// "signed": by the manifest that the account signed, there were these files and no others. "unlisted": the manifest is
    /// lost, and others may be missing; each file is authentic as far as it opens, but next to damage the inside of one file
    /// may show as another.
    #[getter]
    fn listing(&self) -> &'static str {
        match self.listing {
            Listing::Signed { .. } => "signed",
            Listing::Unlisted => "unlisted",
        }
    }

    /// When the archive was made, by the clock of whoever made it; None if it is unlisted.
    #[getter]
    fn made<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.listing {
            Listing::Signed { made } => datetime(py, made).map(Some),
            Listing::Unlisted => Ok(None),
        }
    }

    /// The content of a file, by its number in `files` or its path.
    ///
    /// Raises ArchiveError: it is damaged (archive.damaged), or there is none (archive.no-file).
    fn read<'py>(&self, py: Python<'py>, file: Which) -> PyResult<Bound<'py, PyBytes>> {
        let number = self.number(&file)?;
        // A header that no manifest confirms may say anything.
        let length = self.files[number].length().min(self.tar);
        let mut content = Zeroizing::new(Vec::new());
        let room = usize::try_from(length).ok().and_then(|length| content.try_reserve_exact(length).ok());
        room.ok_or_else(|| raise_io(io::ErrorKind::OutOfMemory.into()))?;
        self.copy_to(py, number, &mut *content)?;
        Ok(PyBytes::new(py, &content))
    }

    /// Writes the content of a file to a file object, in constant memory. Only after this has returned is what was written
    /// the file.
    ///
    /// Raises ArchiveError: as `read`.
    fn copy(&self, py: Python<'_>, file: Which, out_file: &Bound<'_, PyAny>) -> PyResult<()> {
        let number = self.number(&file)?;
        let mut sink = Sink::new(Handle::new(out_file, &["write"])?);
        self.copy_to(py, number, &mut sink)?;
        py.detach(|| sink.hand_on()).map_err(raise_io)
    }

    /// Returns if a file is intact.
    ///
    /// Raises ArchiveError: as `read`.
    fn check(&self, py: Python<'_>, file: Which) -> PyResult<()> {
        self.copy_to(py, self.number(&file)?, &mut io::sink())
    }

    /// The decrypted tar, for as far as it opens, as a BlobFile with a place of its own. It ends with the archive.
    fn tar<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.opened.get().0.work(py, 0, |_| ())?;
        let raw = RawBlobFile::new(self.header, self.tar, self.opened.clone_ref(py), Whose::Archives);
        wrapped(py, "BlobFile", raw)
    }

    fn __repr__(&self) -> String {
        format!("Archive({}, {} files)", self.listing(), self.files.len())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.opened)
    }
}

/// Writes an archive file by file. It is one only after `finish()`, which the end of its `with` block calls unless an
/// exception leaves it; what was written until then opens as an archive that was cut off.
///
/// It keeps its Owner, who signs it in the end, and does not close the file object.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct ArchiveWriter {
    owner: Py<Owner>,
    writer: Single<blindtally::ArchiveWriter<Sink>>,
    files: Mutex<Vec<blindtally::ArchivedFile>>,
}

impl ArchiveWriter {
    pub(crate) fn new(owner: Py<Owner>, writer: blindtally::ArchiveWriter<Sink>, file: Handle) -> Self {
        Self { owner, writer: Single::new(writer, file), files: Mutex::default() }
    }

    fn owner<'a>(&'a self, py: Python<'a>) -> &'a OpeningKeys {
        self.owner.bind(py).as_super().get()
    }

    fn put(
        &self,
        py: Python<'_>,
        path: &str,
        modified: Timestamp,
        length: u64,
        content: impl io::Read + Send,
    ) -> PyResult<()> {
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        let added = self.writer.work(py, bytes, |writer| {
            writer.add(path, modified, length, content)?;
            Ok(writer.files().last().cloned())
        })?;
        let added = added.map_err(raise_io)?;
        self.files.lock_py_attached(py).map_err(|_| Refused::Closed)?.extend(added);
        Ok(())
    }
}

#[pymethods]
impl ArchiveWriter {
    fn __enter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().writer.work(slf.py(), 0, |_| ())?;
        Ok(slf.clone())
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        if kind.is_none() && self.writer.is_open()? { self.finish(py) } else { self.close() }
    }

    /// Adds a file: bytes, whatever else has the buffer protocol, or a file object with `read`, whose length is `length` or,
    /// if it can be sought in, what is left of it. `modified` is when it was last changed (default: now).
    ///
    /// Raises ArchiveError: the path is not one that every system takes, or there already (archive.path); the content is not
    /// as long as `length`, after which the archive cannot be completed, or longer than 8 GiB (archive.too-long).
    #[pyo3(signature = (path, content, modified=None, length=None))]
    fn add(
        &self,
        py: Python<'_>,
        path: Text,
        content: &Bound<'_, PyAny>,
        modified: Option<Moment>,
        length: Option<Number>,
    ) -> PyResult<()> {
        let modified = or_now(modified);
        if let Ok(bytes) = content.extract::<Content>() {
            let length = length.map_or(bytes.len() as u64, |length| length.0);
            return self.put(py, &path, modified, length, &bytes[..]);
        }
        let file = Handle::new(content, &["read"])?;
        let length = match length {
            Some(length) => length.0,
            None if content.hasattr("seek")? => file.rest().map_err(raise_io)?,
            None => return Err(Refused::Value.because(py, "a file that cannot be sought in needs a length")),
        };
        self.put(py, &path, modified, length, Source::sequential(file))
    }

    /// The files so far.
    #[getter]
    fn files(&self, py: Python<'_>) -> PyResult<Vec<ArchivedFile>> {
        let files = self.files.lock_py_attached(py).map_err(|_| Refused::Closed)?;
        Ok(files.iter().cloned().map(ArchivedFile).collect())
    }

    /// Signs the manifest and completes the archive.
    ///
    /// Raises ClosedError: the owner was closed. ArchiveError: an error in the middle of a file came before.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        self.owner(py).held.look(py, |_| ())?;
        let writer = self.writer.take()?;
        let unsigned = py.detach(|| writer.manifest()).map_err(raise_io)?;
        let signature = self.owner(py).held.work(py, |source| source.owner().map(|owner| unsigned.sign(owner)))?;
        let signature = signature.ok_or(Refused::Closed)?.map_err(raise)?;
        py.detach(|| unsigned.finish(&signature)?.hand_on()).map_err(raise_io)
    }

    /// Gives the archive up, if it is not finished.
    fn close(&self) -> PyResult<()> {
        self.writer.close()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let count = self.files.lock_py_attached(py).map_err(|_| Refused::Closed)?.len();
        Ok(format!("ArchiveWriter({count} files)"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)?;
        self.writer.traverse(&visit)
    }

    fn __clear__(&self) {
        self.writer.clear();
    }
}
