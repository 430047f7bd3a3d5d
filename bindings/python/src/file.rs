//! Python's file objects as readers and writers of the core's. What they raise comes out again as it was raised.
//!
//! They are called attached, with pieces of up to [`PIECE`] bytes, and by nobody who holds a lock that is waited for.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Deref;
use std::sync::Arc;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};
use zeroize::Zeroizing;

use crate::error::Refused;

/// Most bytes that cross in one call, but for a longer read that the core asks for.
pub(crate) const PIECE: usize = 256 * 1024;

/// One reference to a file object, shared by what uses it and what shows it to the garbage collector.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Py<PyAny>>);

impl Handle {
    /// Of an object with these methods.
    pub(crate) fn new(object: &Bound<'_, PyAny>, methods: &[&str]) -> PyResult<Self> {
        for method in methods {
            if !object.hasattr(*method)? {
                return Err(Refused::Type.into());
            }
        }
        Ok(Self(Arc::new(object.clone().unbind())))
    }

    pub(crate) fn object(&self) -> &Py<PyAny> {
        &self.0
    }

    /// Calls Python. Whoever pressed Ctrl-C meanwhile is heard, whatever the file object is made of.
    fn call<R>(&self, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<R>) -> io::Result<R> {
        Python::attach(|py| py.check_signals().and_then(|()| call(self.0.bind(py)))).map_err(io::Error::other)
    }

    fn seek(&self, to: i64, whence: u8) -> io::Result<u64> {
        self.call(|object| {
            let py = object.py();
            let mut place = object.call_method1(intern!(py, "seek"), (to, whence))?;
            if place.is_none() {
                // As an mmap does.
                place = object.call_method0(intern!(py, "tell"))?;
            }
            place.extract().map_err(|_| Refused::File.into())
        })
    }

    /// How many bytes there are from where it stands to its end; it stands there again afterwards.
    pub(crate) fn rest(&self) -> io::Result<u64> {
        let here = self.seek(0, 1)?;
        let end = self.seek(0, 2)?;
        self.seek(signed(here)?, 0)?;
        Ok(end.saturating_sub(here))
    }
}

fn signed(place: u64) -> io::Result<i64> {
    i64::try_from(place).map_err(|_| io::Error::other(PyErr::from(Refused::File)))
}

/// Bytes of whatever has the buffer protocol. Those of `bytes` are borrowed; other copies made here are wiped.
pub(crate) enum Content {
    Borrowed(PyBackedBytes),
    Copied(Zeroizing<Vec<u8>>),
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Copied(bytes) => bytes,
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Content {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyBytes>() {
            return Ok(Self::Borrowed(object.extract()?));
        }
        if let Ok(bytes) = object.cast::<PyByteArray>() {
            return Ok(Self::Copied(Zeroizing::new(bytes.to_vec())));
        }
        let view = PyMemoryView::from(&object).map_err(|_| PyErr::from(Refused::Type))?;
        Ok(Self::Borrowed(view.call_method0("tobytes")?.extract()?))
    }
}

/// An integer, or what stands for one, as Python's files take it.
pub(crate) struct Index(pub(crate) i64);

impl<'py> FromPyObject<'_, 'py> for Index {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let number = object.call_method0(intern!(object.py(), "__index__")).map_err(|_| PyErr::from(Refused::Type))?;
        number.extract().map(Self).map_err(|_| Refused::Value.into())
    }
}

/// How a source is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Sequential,
    /// It is sought in before each read, for others may use it too.
    Random,
}

/// A file object that is read, with what came and has not been asked for yet.
pub(crate) struct Source {
    file: Handle,
    access: Access,
    /// Where the core stands.
    at: u64,
    window: Option<Content>,
    window_at: u64,
    /// How much is read at once: more and more while it is read on and on.
    piece: usize,
}

impl Source {
    /// Reads on from where it stands.
    pub(crate) fn sequential(file: Handle) -> Self {
        Self { file, access: Access::Sequential, at: 0, window: None, window_at: 0, piece: PIECE }
    }

    /// Reads anywhere, beginning where it stands.
    pub(crate) fn random(file: Handle) -> io::Result<Self> {
        let at = file.seek(0, 1)?;
        Ok(Self { file, access: Access::Random, at, window: None, window_at: at, piece: 0 })
    }

    fn ahead(&self) -> &[u8] {
        let skip = self.at.checked_sub(self.window_at).and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.window.as_deref()?.get(skip..)).unwrap_or_default()
    }

    fn fetch(&mut self, wanted: usize) -> io::Result<()> {
        let window_end = self.window_at + self.window.as_deref().map_or(0, <[u8]>::len) as u64;
        if self.access == Access::Random {
            self.piece = if self.at == window_end { (self.piece * 4).min(PIECE) } else { 0 };
            self.file.seek(signed(self.at)?, 0)?;
        }
        let asked = self.piece.max(wanted);
        self.window = Some(self.file.call(|object| {
            let read = object.call_method1(intern!(object.py(), "read"), (asked,))?;
            let is_text = read.is_none() || read.is_instance_of::<PyString>();
            let content: Content = if is_text { None } else { read.extract().ok() }.ok_or(Refused::File)?;
            if content.len() > asked { Err(Refused::File.into()) } else { Ok(content) }
        })?);
        (self.window_at, self.piece) = (self.at, asked.min(PIECE));
        Ok(())
    }

    /// Reads exactly what is asked for, and nothing ahead.
    pub(crate) fn read_start(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let piece = std::mem::take(&mut self.piece);
        let mut filled = 0;
        while filled < out.len() {
            match self.read(&mut out[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        self.piece = piece;
        Ok(filled)
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.ahead().is_empty() {
            self.fetch(out.len())?;
        }
        let ahead = self.ahead();
        let fits = ahead.len().min(out.len());
        out[..fits].copy_from_slice(&ahead[..fits]);
        self.at += fits as u64;
        Ok(fits)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => Some(self.file.seek(by, 2)?),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// A file object that is written to, with what has not been handed on yet: see [`Sink::hand_on`]. Making one calls nothing.
pub(crate) struct Sink {
    file: Handle,
    waiting: Zeroizing<Vec<u8>>,
}

impl Sink {
    pub(crate) fn new(file: Handle) -> Self {
        Self { file, waiting: Zeroizing::new(Vec::with_capacity(PIECE)) }
    }

    /// Writes out what waits.
    pub(crate) fn hand_on(&mut self) -> io::Result<()> {
        self.put(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    fn put(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.file.call(|object| {
                let py = object.py();
                let written = object.call_method1(intern!(py, "write"), (PyBytes::new(py, bytes),))?;
                match written.extract::<usize>() {
                    Ok(written) if (1..=bytes.len()).contains(&written) => Ok(written),
                    _ => Err(Refused::File.into()),
                }
            })?;
            bytes = &bytes[written..];
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting.len() == PIECE {
            self.hand_on()?;
        }
        let fits = bytes.len().min(PIECE - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()
    }
}
