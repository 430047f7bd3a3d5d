//! Streams of the caller's, as readers and writers of the core's.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

/// So many bytes are asked for at once: one call to the other language for four chunks of a blob.
const PIECE: usize = 64 << 10;

/// A stream of the caller's failed. Whatever it says comes back as the detail of `binding.stream`.
#[derive(Debug, uniffi::Error)]
pub enum StreamError {
    /// It failed.
    Failed {
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for StreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Failed { reason } = self;
        f.write_str(reason)
    }
}

impl std::error::Error for StreamError {}

impl From<uniffi::UnexpectedUniFFICallbackError> for StreamError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        Self::other(error)
    }
}

/// What sealed bytes are written to.
#[uniffi::export(with_foreign)]
pub trait Output: Send + Sync {
    /// Takes all of the bytes.
    ///
    /// # Errors
    /// If it cannot.
    fn write(&self, bytes: Vec<u8>) -> Result<(), StreamError>;
}

/// What sealed bytes are read from, in order.
#[uniffi::export(with_foreign)]
pub trait Input: Send + Sync {
    /// The next bytes: at least one and at most so many; none at the end.
    ///
    /// # Errors
    /// If it cannot.
    fn read(&self, most: i32) -> Result<Vec<u8>, StreamError>;
}

/// What sealed bytes are read from, anywhere.
#[uniffi::export(with_foreign)]
pub trait RandomInput: Send + Sync {
    /// How many bytes there are.
    ///
    /// # Errors
    /// If it cannot say.
    fn length(&self) -> Result<i64, StreamError>;

    /// Bytes from that offset on: at least one and at most so many; none at the end.
    ///
    /// # Errors
    /// If it cannot.
    fn read_at(&self, offset: i64, most: i32) -> Result<Vec<u8>, StreamError>;
}

pub(crate) struct Sink(pub(crate) Arc<dyn Output>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes.to_vec())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads pieces of the caller's, and hands them on in whatever sizes are asked for.
pub(crate) struct Source<S> {
    stream: S,
    piece: Vec<u8>,
    taken: usize,
}

impl<S> Source<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, piece: Vec::new(), taken: 0 }
    }

    fn hand_on(&mut self, out: &mut [u8], next: impl FnOnce(&mut S) -> io::Result<Vec<u8>>) -> io::Result<usize> {
        if self.taken == self.piece.len() {
            let piece = next(&mut self.stream)?;
            if piece.len() > PIECE {
                return Err(io::Error::other("a stream gave more than it was asked for"));
            }
            (self.piece, self.taken) = (piece, 0);
        }
        let mut rest = self.piece.get(self.taken..).unwrap_or_default();
        let read = rest.read(out)?;
        self.taken += read;
        Ok(read)
    }
}

impl Read for Source<Arc<dyn Input>> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.hand_on(out, |input| Ok(input.read(PIECE as i32)?))
    }
}

/// Where a random input stands.
pub(crate) struct Position {
    input: Arc<dyn RandomInput>,
    length: u64,
    at: u64,
}

impl Position {
    pub(crate) fn new(input: Arc<dyn RandomInput>) -> io::Result<Self> {
        let length = u64::try_from(input.length()?).map_err(|_| io::Error::other("a stream has a negative length"))?;
        Ok(Self { input, length, at: 0 })
    }
}

impl Read for Source<Position> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.hand_on(out, |position| {
            let Ok(offset) = i64::try_from(position.at) else { return Ok(Vec::new()) };
            if position.at >= position.length {
                return Ok(Vec::new());
            }
            let piece = position.input.read_at(offset, PIECE as i32)?;
            position.at += piece.len() as u64;
            Ok(piece)
        })
    }
}

impl Seek for Source<Position> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let here = self.stream.at - (self.piece.len() - self.taken) as u64;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.stream.length.checked_add_signed(by),
            SeekFrom::Current(by) => here.checked_add_signed(by),
        };
        let at = at.ok_or(io::ErrorKind::InvalidInput)?;
        // What was read ahead is often what is wanted next.
        let first = self.stream.at - self.piece.len() as u64;
        match at.checked_sub(first).and_then(|within| usize::try_from(within).ok()) {
            Some(within) if within <= self.piece.len() => self.taken = within,
            _ => {
                self.piece.clear();
                (self.taken, self.stream.at) = (0, at);
            }
        }
        Ok(at)
    }
}
