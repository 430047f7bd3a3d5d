//! An append-only file of frames, each with a length and a checksum: what was appended and flushed survives a crash, and
//! what a crash left half-written is recognised and dropped.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use blindtally_client::{Failure, write_private};

/// Length and CRC-32, big-endian.
const HEADER: usize = 8;
/// No frame is longer: an upload is at most 16 MiB before compression.
const FRAME_MAX: usize = 32 << 20;

/// A journal that is open for this process alone: the folder's lock sees to that.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    len: u64,
    /// Bytes at the end that were no whole frame, and are gone.
    pub(crate) torn: u64,
}

impl Journal {
    /// Opens or creates it, and drops a torn tail.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = private().append(true).create(true).open(path).map_err(|error| failed(path, &error))?;
        let mut frames = Frames::new(path)?;
        let mut len = 0;
        while frames.next()?.is_some() {
            len = frames.at;
        }
        let torn = file.metadata().map_err(|error| failed(path, &error))?.len() - len;
        if torn > 0 {
            file.set_len(len).and_then(|()| file.sync_all()).map_err(|error| failed(path, &error))?;
        }
        Ok(Self { path: path.to_owned(), file, len, torn })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a frame and flushes it to the disk: when this returns, a crash does not lose it.
    ///
    /// # Errors
    /// `spool.full`; the journal is then as it was.
    pub(crate) fn append(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let frame = frame(payload)?;
        let written = self.file.write_all(&frame).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => {
                self.len += frame.len() as u64;
                Ok(())
            }
            Err(error) => {
                // What cannot be taken back now is a torn tail, and dropped when the journal is opened again.
                drop(self.file.set_len(self.len));
                Err(failed(&self.path, &error))
            }
        }
    }

    /// Its frames from the first one on.
    pub(crate) fn frames(&self) -> Result<Frames, Failure> {
        Frames::new(&self.path)
    }

    /// Forgets the frames before `offset`, which comes from [`Frames::offset`].
    pub(crate) fn forget_until(&mut self, offset: u64) -> Result<(), Failure> {
        if offset == 0 {
            return Ok(());
        }
        if offset >= self.len {
            return self.clear();
        }
        self.keep_from(offset).map_err(|error| failed(&self.path, &error))?;
        *self = Self::open(&self.path)?;
        Ok(())
    }

    /// Puts what begins at `offset` into a new file and that in this one's place.
    fn keep_from(&self, offset: u64) -> io::Result<()> {
        let new = self.path.with_added_extension("new");
        let mut rest = File::open(&self.path)?;
        rest.seek(SeekFrom::Start(offset))?;
        drop(fs::remove_file(&new));
        let mut file = private().write(true).create_new(true).open(&new)?;
        io::copy(&mut rest, &mut file)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }

    /// Puts other frames in the place of all there are.
    pub(crate) fn replace(&mut self, payloads: impl Iterator<Item = Vec<u8>>) -> Result<(), Failure> {
        let frames = payloads.map(|payload| frame(&payload)).collect::<Result<Vec<_>, _>>()?.concat();
        write_private(&self.path, &frames).map_err(|error| failed(&self.path, &error))?;
        *self = Self::open(&self.path)?;
        Ok(())
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) -> Result<(), Failure> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.sync_all());
        cleared.map_err(|error| failed(&self.path, &error))?;
        self.len = 0;
        Ok(())
    }
}

/// Reads frames up to the first that is not whole.
pub(crate) struct Frames {
    path: PathBuf,
    file: Option<BufReader<File>>,
    at: u64,
}

impl Frames {
    /// A journal that does not exist has none.
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        let file = match File::open(path) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(path, &error)),
        };
        Ok(Self { path: path.to_owned(), file, at: 0 })
    }

    /// Where the next frame begins.
    pub(crate) fn offset(&self) -> u64 {
        self.at
    }

    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(file) = &mut self.file else { return Ok(None) };
        match read_frame(file) {
            Ok(Some(payload)) => {
                self.at += (HEADER + payload.len()) as u64;
                Ok(Some(payload))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(failed(&self.path, &error)),
        }
    }
}

fn frame(payload: &[u8]) -> Result<Vec<u8>, Failure> {
    let length = u32::try_from(payload.len()).ok().filter(|_| (1..=FRAME_MAX).contains(&payload.len()));
    let length = length.ok_or_else(|| Failure::refused("spool.frame", "an upload is too large to be spooled"))?;
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&crc32fast::hash(payload).to_be_bytes());
    frame.extend_from_slice(payload);
    Ok(frame)
}

/// How a file is created that only the user can read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn read_frame(file: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = Vec::new();
    file.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
    let Some((length, checksum)) = header.split_first_chunk::<4>() else { return Ok(None) };
    let Some(checksum) = checksum.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    // A file system may leave zeros at the end, and the checksum of nothing is zero: so nothing is no frame.
    if !(1..=FRAME_MAX).contains(&length) {
        return Ok(None);
    }
    let mut payload = Vec::new();
    file.take(length as u64).read_to_end(&mut payload)?;
    let whole = payload.len() == length && crc32fast::hash(&payload) == u32::from_be_bytes(*checksum);
    Ok(whole.then_some(payload))
}

pub(crate) fn failed(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Failure::refused("spool.full", "there is no room left to keep what cannot be uploaded now")
        }
        _ => Failure::refused("spool.failed", format!("{}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn all(path: &Path) -> Vec<Vec<u8>> {
        let mut frames = Frames::new(path).unwrap();
        std::iter::from_fn(|| frames.next().unwrap()).collect()
    }

    fn three(folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("journal");
        let mut journal = Journal::open(&path).unwrap();
        for payload in [&b"one"[..], b"two", b"three"] {
            journal.append(payload).unwrap();
        }
        path
    }

    #[test]
    fn what_was_appended_is_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = three(&folder);
        assert_eq!(all(&path), [&b"one"[..], b"two", b"three"]);
        assert_eq!(all(&folder.path().join("none")), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_torn_tail_is_dropped_wherever_it_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = three(&folder);
        let whole = std::fs::read(&path).unwrap();
        let third = whole.len() - HEADER - 5;
        for end in third..whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            let mut journal = Journal::open(&path).unwrap();
            assert_eq!(journal.torn, (end - third) as u64);
            assert_eq!(all(&path), [&b"one"[..], b"two"]);
            journal.append(b"again").unwrap();
            assert_eq!(all(&path), [&b"one"[..], b"two", b"again"]);
        }
    }

    #[test]
    fn damage_and_zeros_end_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = three(&folder);
        let whole = std::fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        damaged[HEADER + 3 + HEADER] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(Journal::open(&path).unwrap().torn, (whole.len() - HEADER - 3) as u64);
        assert_eq!(all(&path), [b"one"]);
        std::fs::write(&path, [&whole[..], &[0; 100]].concat()).unwrap();
        assert_eq!(Journal::open(&path).unwrap().torn, 100);
        assert_eq!(all(&path).len(), 3);
    }

    #[test]
    fn what_was_uploaded_is_forgotten_and_the_rest_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = three(&folder);
        let mut journal = Journal::open(&path).unwrap();
        let mut frames = journal.frames().unwrap();
        frames.next().unwrap();
        journal.forget_until(frames.offset()).unwrap();
        assert_eq!(all(&path), [&b"two"[..], b"three"]);
        journal.append(b"four").unwrap();
        assert_eq!(all(&path), [&b"two"[..], b"three", b"four"]);
        journal.clear().unwrap();
        assert!(journal.is_empty() && all(&path).is_empty());
    }

    #[test]
    fn other_frames_take_the_place_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = three(&folder);
        let mut journal = Journal::open(&path).unwrap();
        journal.replace([b"four".to_vec()].into_iter()).unwrap();
        journal.append(b"five").unwrap();
        assert_eq!(all(&path), [b"four", b"five"]);
        journal.replace(std::iter::empty()).unwrap();
        assert!(journal.is_empty() && all(&path).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::open(&path).unwrap();
        journal.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert_eq!(journal.append(b"x").unwrap_err().code(), "spool.full");
    }
}
