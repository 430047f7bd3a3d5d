//! A copy that tells whose fault it was that it ended.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

/// Why a copy ended too early.
#[derive(Debug)]
pub enum CopyError {
    /// What was read from failed.
    Read(io::Error),
    /// What was written to failed.
    Write(io::Error),
}

/// Copies until the reader ends; gives the number of bytes. Those on their way are wiped.
///
/// # Errors
/// [`CopyError`], with the error as it was.
pub fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<u64, CopyError> {
    let mut piece = Zeroizing::new(vec![0; 1 << 16]);
    let mut length = 0;
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(length),
            Ok(read) => {
                to.write_all(&piece[..read]).map_err(CopyError::Write)?;
                length += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CopyError::Read(error)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Fails at every read and write.
    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("r"))
        }
    }

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("w"))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_errors_of_both_sides_are_told_apart() {
        let mut out = Vec::new();
        assert_eq!(copy(&mut &b"all of it"[..], &mut out).unwrap(), 9);
        assert_eq!(out, b"all of it");
        assert!(matches!(copy(&mut b"some".chain(Broken), &mut out), Err(CopyError::Read(_))));
        assert_eq!(out, b"all of itsome");
        assert!(matches!(copy(&mut &b"some"[..], &mut Broken), Err(CopyError::Write(_))));
    }
}
