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

    /// Bytes from that offset on, which is below `length`: at least one and at most so many. None where there should be some
    /// is a failure.
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
            (self.piece, self.taken) = (next(&mut self.stream)?, 0);
        }
        let mut rest = self.piece.get(self.taken..).unwrap_or_default();
        let read = rest.read(out)?;
        self.taken += read;
        Ok(read)
    }
}

impl Read for Source<Arc<dyn Input>> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.hand_on(out, |input| checked(input.read(PIECE as i32)?))
    }
}

/// A piece of a stream that was asked for [`PIECE`].
fn checked(piece: Vec<u8>) -> io::Result<Vec<u8>> {
    if piece.len() > PIECE { Err(io::Error::other("a stream gave more than it was asked for")) } else { Ok(piece) }
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
            let piece = checked(position.input.read_at(offset, PIECE as i32)?)?;
            // Else a length that is a lie would be looked through chunk by chunk.
            if piece.is_empty() {
                return Err(io::Error::other("a stream ended before its length"));
            }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::io::Cursor;
    use std::sync::Mutex;

    use super::*;

    /// Gives pieces of lengths that nobody would guess, and says that it has `length` bytes.
    struct Memory {
        bytes: Vec<u8>,
        length: i64,
        random: Mutex<Random>,
    }

    impl RandomInput for Memory {
        fn length(&self) -> Result<i64, StreamError> {
            Ok(self.length)
        }

        fn read_at(&self, offset: i64, most: i32) -> Result<Vec<u8>, StreamError> {
            assert!(offset >= 0 && most > 0);
            let rest = self.bytes.get(offset as usize..).unwrap_or_default();
            let most = 1 + self.random.lock().unwrap().below(most as usize);
            Ok(rest[..most.min(rest.len())].to_vec())
        }
    }

    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % end
        }
    }

    fn source(input: impl RandomInput + 'static) -> Source<Position> {
        Source::new(Position::new(Arc::new(input)).unwrap())
    }

    #[test]
    fn a_random_input_reads_and_seeks_as_memory_does() {
        let mut random = Random(1);
        for round in 0..300 {
            let bytes: Vec<u8> = (0..random.below(3 * PIECE)).map(|at| (at * 31 / 7) as u8).collect();
            let length = bytes.len();
            let mut expected = Cursor::new(bytes.clone());
            let mut found = source(Memory { bytes, length: length as i64, random: Mutex::new(Random(round)) });
            for _ in 0..100 {
                let near = random.below(2 * PIECE) as i64 - PIECE as i64;
                let to = match random.below(8) {
                    0 => SeekFrom::Start(random.below(length + 2 * PIECE) as u64),
                    1 => SeekFrom::End(near),
                    2 => SeekFrom::Current(near),
                    3 => SeekFrom::Start(u64::MAX),
                    4 => SeekFrom::Current([i64::MIN, i64::MAX, -1, 1][random.below(4)]),
                    _ => SeekFrom::Current(0),
                };
                assert_eq!(found.seek(to).ok(), expected.seek(to).ok(), "{to:?}");
                let mut content = vec![0; random.below(PIECE)];
                let read = found.read(&mut content).unwrap();
                let mut same = vec![0; read];
                expected.read_exact(&mut same).unwrap();
                assert_eq!(content[..read], same);
                assert!(read > 0 || content.is_empty() || expected.position() >= length as u64);
            }
        }
    }

    #[test]
    fn a_length_that_is_a_lie_is_found_out_at_the_first_byte_that_is_not_there() {
        let mut source = source(Memory { bytes: vec![1; 10], length: i64::MAX, random: Mutex::new(Random(1)) });
        source.seek(SeekFrom::Start(10)).unwrap();
        assert_eq!(source.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::Other);
    }

    /// More than was asked for, the second time.
    struct Greedy(Mutex<bool>);

    impl RandomInput for Greedy {
        fn length(&self) -> Result<i64, StreamError> {
            Ok(1 << 40)
        }

        fn read_at(&self, _: i64, most: i32) -> Result<Vec<u8>, StreamError> {
            let again = std::mem::replace(&mut *self.0.lock().unwrap(), true);
            Ok(vec![u8::from(again); most as usize + usize::from(again)])
        }
    }

    #[test]
    fn a_piece_that_is_too_long_moves_nothing() {
        let mut source = source(Greedy(Mutex::new(false)));
        source.read_exact(&mut vec![0; PIECE]).unwrap();
        assert!(source.read(&mut [0]).is_err());
        assert_eq!(source.stream_position().unwrap(), PIECE as u64);
    }

    #[test]
    fn a_negative_length_is_refused() {
        let memory = Memory { bytes: Vec::new(), length: -1, random: Mutex::new(Random(1)) };
        assert!(Position::new(Arc::new(memory)).is_err());
    }
}
