//! Blobs: what `blindtally.files` makes Python's files of.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use blindtally::{BlobSealer, BlobStart, Error};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

use crate::class::BlobClass;
use crate::error::{Refused, raise, raise_io};
use crate::file::{Content, Handle, Index, PIECE, Sink, Source};
use crate::opening::OpeningKeys;
use crate::single::Single;

/// What a blob says of itself. Of a blob that was opened it is authentic.
#[pyclass(module = "blindtally", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct BlobHeader(blindtally::BlobHeader);

#[pymethods]
impl BlobHeader {
    /// What it holds.
    #[getter]
    fn blob_class(&self) -> BlobClass {
        BlobClass(self.0.class)
    }

    /// The epoch of its key.
    #[getter]
    fn epoch(&self) -> u16 {
        self.0.epoch.get()
    }

    /// The device that sealed it: 32 hexadecimal digits.
    #[getter]
    fn device(&self) -> String {
        self.0.device.to_string()
    }

    /// Its name: 32 hexadecimal digits.
    #[getter]
    fn id(&self) -> String {
        self.0.id.to_string()
    }

    /// When: Unix milliseconds of what it holds.
    #[getter]
    fn seq(&self) -> u64 {
        self.0.seq
    }

    fn __repr__(&self) -> String {
        format!("BlobHeader({}, device={}, seq={})", self.0.id, self.0.device, self.0.seq)
    }
}

/// One of the classes of `blindtally.files`, around its raw half.
pub(crate) fn wrapped<'py, T: Into<PyClassInitializer<T>> + pyo3::PyClass>(
    py: Python<'py>,
    class: &str,
    raw: T,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("blindtally.files")?.getattr(class)?.call1((Bound::new(py, raw)?,))
}

/// The first bytes of a blob. Nothing behind them is read.
pub(crate) fn read_start(source: &mut Source) -> PyResult<BlobStart> {
    let mut bytes = [0; BlobStart::LEN];
    let read = source.read_start(&mut bytes).map_err(raise_io)?;
    BlobStart::read(&mut &bytes[..read]).map_err(raise_io)
}

pub(crate) fn writer<'py>(py: Python<'py>, sealer: BlobSealer, file: Handle) -> PyResult<Bound<'py, PyAny>> {
    let header = *sealer.start().header();
    let blob = blindtally::BlobWriter::new(sealer, Sink::new(file.clone())).map_err(raise_io)?;
    wrapped(py, "BlobWriter", RawBlobWriter { header, blob: Single::new(blob, file) })
}

pub(crate) fn reader<'py>(keys: &OpeningKeys, file: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = file.py();
    let file = Handle::new(file, &["read"])?;
    let mut source = Source::sequential(file.clone());
    let start = read_start(&mut source)?;
    let access = keys.held.look(py, |keys| keys.keys().blob_access(&start))?.map_err(raise)?;
    let opening = Reading { blob: access.reader(source), ready: Ready::default() };
    wrapped(py, "BlobReader", RawBlobReader { header: *start.header(), blob: Single::new(opening, file) })
}

pub(crate) fn file<'py>(keys: &OpeningKeys, file: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = file.py();
    let file = Handle::new(file, &["read", "seek"])?;
    let mut source = Source::random(file.clone()).map_err(raise_io)?;
    let start = read_start(&mut source)?;
    let access = keys.held.look(py, |keys| keys.keys().blob_access(&start))?.map_err(raise)?;
    let blob = py.detach(|| access.file(source)).map_err(raise_io)?;
    let length = blob.len();
    let opened = Bound::new(py, RawOpened(Single::new(Opened::new(Either::Blob(blob)), file)))?.unbind();
    wrapped(py, "BlobFile", RawBlobFile::new(*start.header(), length, opened, Whose::Own))
}

/// Seals what is written to it.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct RawBlobWriter {
    header: blindtally::BlobHeader,
    blob: Single<blindtally::BlobWriter<Sink>>,
}

#[pymethods]
impl RawBlobWriter {
    #[getter]
    fn header(&self) -> BlobHeader {
        BlobHeader(self.header)
    }

    /// Takes all of it. If the file object raises meanwhile, nobody knows how much was taken: the blob is given up.
    fn write(&self, py: Python<'_>, content: Content) -> PyResult<usize> {
        self.blob.work(py, content.len(), |blob| blob.write_all(&content))?.map_err(|error| self.give_up(error))?;
        Ok(content.len())
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        self.blob.work(py, PIECE, Write::flush)?.map_err(|error| self.give_up(error))
    }

    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        let blob = self.blob.take()?;
        py.detach(|| blob.finish()?.hand_on()).map_err(raise_io)
    }

    fn close(&self) -> PyResult<()> {
        self.blob.close()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.blob.traverse(&visit)
    }

    fn __clear__(&self) {
        self.blob.clear();
    }
}

impl RawBlobWriter {
    fn give_up(&self, error: io::Error) -> PyErr {
        self.blob.clear();
        raise_io(error)
    }
}

/// Content on its way out. What a read had when a file object raised is given by the next.
#[derive(Default)]
struct Ready {
    bytes: Zeroizing<Vec<u8>>,
    filled: usize,
}

/// How much a reader wants.
#[derive(Clone, Copy)]
enum Wanted {
    /// So many bytes, or what comes before the end or before the blob is damaged.
    UpTo(usize),
    /// All that is left, or the error that is in it.
    All,
}

impl Ready {
    fn fill(&mut self, inner: &mut impl Read, wanted: Wanted) -> io::Result<()> {
        let most = match wanted {
            Wanted::UpTo(most) => most,
            Wanted::All => usize::MAX,
        };
        while self.filled < most {
            if self.filled == self.bytes.len() {
                self.grow(most)?;
            }
            let room = self.bytes.len().min(most);
            match (inner.read(&mut self.bytes[self.filled..room]), wanted) {
                (Ok(0), _) => break,
                (Ok(read), _) => self.filled += read,
                // The core reports it again.
                (Err(error), Wanted::UpTo(_)) if self.filled > 0 && Error::from_io(&error).is_some() => break,
                (Err(error), _) => return Err(error),
            }
        }
        Ok(())
    }

    /// Moves to twice the room: what is left behind is wiped, which it is not when a vector grows.
    fn grow(&mut self, most: usize) -> io::Result<()> {
        let room = (2 * self.bytes.len()).clamp(PIECE.min(most), most.max(self.bytes.len()));
        let mut bytes = Zeroizing::new(Vec::new());
        bytes.try_reserve_exact(room).map_err(|_| io::ErrorKind::OutOfMemory)?;
        bytes.extend_from_slice(&self.bytes);
        bytes.resize(room, 0);
        self.bytes = bytes;
        Ok(())
    }

    fn give<'py>(&mut self, py: Python<'py>, wanted: Wanted) -> Bound<'py, PyBytes> {
        let given = match wanted {
            Wanted::UpTo(most) => most.min(self.filled),
            Wanted::All => self.filled,
        };
        let bytes = PyBytes::new(py, &self.bytes[..given]);
        self.bytes.copy_within(given..self.filled, 0);
        self.filled -= given;
        if self.bytes.len() > 4 * PIECE && self.filled == 0 {
            *self = Self::default();
        }
        bytes
    }
}

impl Wanted {
    /// As the `size` of a file's `read` says it.
    fn by(size: Option<Index>) -> Self {
        size.and_then(|size| usize::try_from(size.0).ok()).map_or(Self::All, Self::UpTo)
    }

    /// Bytes of content that will be worked on, as far as that can be known.
    fn bytes(self) -> usize {
        match self {
            Self::UpTo(most) => most,
            Self::All => PIECE,
        }
    }
}

struct Reading {
    blob: blindtally::BlobReader<Source>,
    ready: Ready,
}

/// Opens a blob while it is read.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct RawBlobReader {
    header: blindtally::BlobHeader,
    blob: Single<Reading>,
}

impl RawBlobReader {
    fn give<'py>(&self, py: Python<'py>, wanted: Wanted) -> PyResult<Bound<'py, PyBytes>> {
        let read = |reading: &mut Reading| {
            reading.ready.fill(&mut reading.blob, wanted)?;
            Ok(Python::attach(|py| reading.ready.give(py, wanted).unbind()))
        };
        self.blob.work(py, wanted.bytes(), read)?.map(|bytes| bytes.into_bound(py)).map_err(raise_io)
    }
}

#[pymethods]
impl RawBlobReader {
    #[getter]
    fn header(&self) -> BlobHeader {
        BlobHeader(self.header)
    }

    #[pyo3(signature = (size))]
    fn read<'py>(&self, py: Python<'py>, size: Option<Index>) -> PyResult<Bound<'py, PyBytes>> {
        self.give(py, Wanted::by(size))
    }

    fn readall<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.give(py, Wanted::All)
    }

    fn close(&self) -> PyResult<()> {
        self.blob.close()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.blob.traverse(&visit)
    }

    fn __clear__(&self) {
        self.blob.clear();
    }
}

/// A blob that is sought in, or an archive.
pub(crate) enum Either {
    Blob(blindtally::BlobFile<Source>),
    Archive(blindtally::Archive<Source>),
}

pub(crate) struct Opened {
    pub(crate) blob: Either,
    ready: Ready,
}

impl Opened {
    pub(crate) fn new(blob: Either) -> Self {
        Self { blob, ready: Ready::default() }
    }

    /// Content from some place on. What is not given has not been read.
    fn read(&mut self, place: u64, wanted: Wanted) -> io::Result<Py<PyBytes>> {
        let file = match &mut self.blob {
            Either::Blob(file) => file,
            Either::Archive(archive) => archive.tar(),
        };
        self.ready.filled = 0;
        file.seek(SeekFrom::Start(place))?;
        self.ready.fill(file, wanted)?;
        Ok(Python::attach(|py| self.ready.give(py, wanted).unbind()))
    }
}

/// What an archive and its tar share.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct RawOpened(pub(crate) Single<Opened>);

#[pymethods]
impl RawOpened {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(&visit)
    }

    fn __clear__(&self) {
        self.0.clear();
    }
}

/// Whether closing a file closes what it reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Own,
    Archives,
}

/// Opens any part of a blob. It has a place of its own: an archive may be used beside its tar.
#[pyclass(module = "blindtally", frozen)]
pub(crate) struct RawBlobFile {
    header: blindtally::BlobHeader,
    length: u64,
    place: AtomicU64,
    opened: Py<RawOpened>,
    whose: Whose,
}

impl RawBlobFile {
    pub(crate) fn new(header: blindtally::BlobHeader, length: u64, opened: Py<RawOpened>, whose: Whose) -> Self {
        Self { header, length, place: AtomicU64::new(0), opened, whose }
    }

    fn give<'py>(&self, py: Python<'py>, wanted: Wanted) -> PyResult<Bound<'py, PyBytes>> {
        let read = |opened: &mut Opened| {
            let bytes = opened.read(self.place.load(Ordering::Relaxed), wanted)?;
            let given = Python::attach(|py| bytes.as_bytes(py).len());
            self.place.fetch_add(given as u64, Ordering::Relaxed);
            Ok(bytes)
        };
        let read = self.opened.get().0.work(py, wanted.bytes(), read)?;
        read.map(|bytes| bytes.into_bound(py)).map_err(raise_io)
    }
}

#[pymethods]
impl RawBlobFile {
    #[getter]
    fn header(&self) -> BlobHeader {
        BlobHeader(self.header)
    }

    fn __len__(&self) -> PyResult<usize> {
        usize::try_from(self.length).map_err(|_| Refused::Value.into())
    }

    #[pyo3(signature = (size))]
    fn read<'py>(&self, py: Python<'py>, size: Option<Index>) -> PyResult<Bound<'py, PyBytes>> {
        self.give(py, Wanted::by(size))
    }

    fn readall<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.give(py, Wanted::All)
    }

    fn seek(&self, offset: Index, whence: Index) -> PyResult<u64> {
        let from = match whence.0 {
            0 => 0,
            1 => self.place.load(Ordering::Relaxed),
            2 => self.length,
            _ => return Err(Refused::Value.into()),
        };
        let place = from.checked_add_signed(offset.0).ok_or(Refused::Value)?;
        self.place.store(place, Ordering::Relaxed);
        Ok(place)
    }

    fn close(&self) -> PyResult<()> {
        match self.whose {
            Whose::Own => self.opened.get().0.close(),
            Whose::Archives => Ok(()),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.opened)
    }
}
