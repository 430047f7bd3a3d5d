//! A folder that screenshots, camera shots or recordings are put into: which files of it are to be sealed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use blindtally::{Agent, BlobClass, BlobStart, Timestamp};
use blindtally_client::{ContentType, CopyError, Failure, copy};

use crate::seq::SeqKey;
use crate::unit::Source;

/// The code of a file that cannot be read.
pub(crate) const UNREADABLE: &str = "collect.unreadable";
/// Longest file that is taken: 1 GiB.
const LENGTH_MAX: u64 = 1 << 30;
/// A file that was changed less long ago may still be written.
const REST: Duration = Duration::from_secs(2);
/// Extensions of files that are not finished, in lower case.
const TEMPORARY: [&str; 8] = ["tmp", "temp", "part", "partial", "crdownload", "download", "swp", "new"];

/// A folder and what its files are.
pub(crate) struct BlobFolder {
    pub(crate) class: BlobClass,
    path: PathBuf,
    /// Of its path and class.
    pub(crate) digest: u128,
}

/// A file of it.
pub(crate) struct Candidate {
    path: PathBuf,
    metadata: Metadata,
    modified: SystemTime,
    pub(crate) source: Source,
    /// Of its name, times, length and inode: another file has another.
    pub(crate) digest: u128,
}

/// Whether a file is to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It is.
    Fit,
    TooLong,
    /// Of another kind than the folder is for.
    NotAnImage,
    NotAudio,
}

impl BlobFolder {
    pub(crate) fn open(key: &SeqKey, class: BlobClass, path: &Path) -> Result<Self, Failure> {
        let path = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
        let digest = key.digest(&[&[class.id()], path.as_os_str().as_encoded_bytes()]);
        Ok(Self { class, path, digest })
    }

    /// Its files, the oldest first. Links, folders, pipes and the like, hidden and temporary files are none.
    pub(crate) fn candidates(&self, key: &SeqKey) -> Result<Vec<Candidate>, Failure> {
        let mut candidates = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|error| unreadable(&self.path, &error))? {
            let entry = entry.map_err(|error| unreadable(&self.path, &error))?;
            let name = entry.file_name();
            // Of the entry itself, should it be a link. It may be gone already.
            let Ok(metadata) = entry.metadata() else { continue };
            let Ok(modified) = metadata.modified() else { continue };
            if !metadata.is_file() || is_temporary(&name) || is_hidden(&metadata) {
                continue;
            }
            let (modified_nanos, length) = (nanos(modified).to_be_bytes(), metadata.len().to_be_bytes());
            let (inode, changed) = incarnation(&metadata);
            let (inode, changed) = (inode.to_be_bytes(), changed.to_be_bytes());
            let digest = key.digest(&[name.as_encoded_bytes(), &modified_nanos, &length, &inode, &changed]);
            let source = Source::File { folder: self.digest, file: digest };
            candidates.push(Candidate { path: entry.path(), metadata, modified, source, digest });
        }
        candidates.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        Ok(candidates)
    }

    /// Opens a file, and says whether it is what this folder is for. `None` if it has become another since.
    pub(crate) fn look(&self, candidate: &Candidate) -> io::Result<Option<(File, Look)>> {
        let mut file = File::open(&candidate.path)?;
        if !candidate.is_still(&file.metadata()?) {
            return Ok(None);
        }
        let mut start = Vec::new();
        (&file).take(ContentType::START as u64).read_to_end(&mut start)?;
        file.rewind()?;
        let content = ContentType::of(&start);
        let look = match self.class {
            _ if candidate.length() > LENGTH_MAX => Look::TooLong,
            BlobClass::SCREENSHOT | BlobClass::CAMERA if !content.is_some_and(ContentType::is_image) => {
                Look::NotAnImage
            }
            BlobClass::VOICE if content.is_none_or(ContentType::is_image) => Look::NotAudio,
            _ => Look::Fit,
        };
        Ok(Some((file, look)))
    }

    /// Seals a file into `out`; `false` if it changed meanwhile.
    ///
    /// # Errors
    /// [`UNREADABLE`]: of the file. Others are of what is written.
    pub(crate) fn seal(
        &self,
        agent: &Agent,
        candidate: &Candidate,
        file: &File,
        out: &mut File,
    ) -> Result<bool, Failure> {
        let failed = |error: io::Error| match blindtally::Error::from_io(&error) {
            Some(error) => error.into(),
            None => crate::journal::failed(&candidate.path, &error),
        };
        let seq = Timestamp::from(candidate.modified).unix_millis();
        let mut writer = agent.blob_writer(self.class, seq, out).map_err(failed)?;
        let copied = copy(&mut file.take(candidate.length()), &mut writer).map_err(|error| match error {
            CopyError::Read(error) => Failure::refused(UNREADABLE, format!("{}: {error}", candidate.path.display())),
            CopyError::Write(error) => failed(error),
        })?;
        writer.finish().and_then(|out| out.flush()).map_err(failed)?;
        Ok(copied == candidate.length() && file.metadata().is_ok_and(|metadata| candidate.is_still(&metadata)))
    }
}

impl Candidate {
    fn length(&self) -> u64 {
        self.metadata.len()
    }

    /// Bytes of the blob that it becomes.
    pub(crate) fn sealed_length(&self) -> u64 {
        BlobStart::blob_len(self.length())
    }

    /// Whether nobody writes to it any more: it was not changed for a while, and, where there was an earlier look, not
    /// since. A time in the future is some other clock's, and tells nothing.
    pub(crate) fn rests(&self, now: SystemTime, earlier: Option<&HashSet<u128>>) -> bool {
        let distance = now.duration_since(self.modified).unwrap_or_else(|error| error.duration());
        distance >= REST && earlier.is_none_or(|seen| seen.contains(&self.digest))
    }

    /// Removes it, unless it has become another.
    pub(crate) fn remove(&self) -> io::Result<bool> {
        let is_still = self.is_still(&fs::symlink_metadata(&self.path)?);
        if is_still {
            fs::remove_file(&self.path)?;
        }
        Ok(is_still)
    }

    pub(crate) fn describe(&self) -> impl std::fmt::Display {
        self.path.display()
    }

    fn is_still(&self, metadata: &Metadata) -> bool {
        metadata.is_file()
            && metadata.len() == self.metadata.len()
            && metadata.modified().is_ok_and(|modified| modified == self.modified)
            && device(metadata) == device(&self.metadata)
            && incarnation(metadata) == incarnation(&self.metadata)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::refused("collect.folder", format!("{}: {error}", path.display()))
}

fn is_temporary(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    name.starts_with(['.', '~', '#']) || name.ends_with(['~', '#']) || TEMPORARY.contains(&extension)
}

#[cfg(windows)]
fn is_hidden(metadata: &Metadata) -> bool {
    // FILE_ATTRIBUTE_HIDDEN.
    std::os::windows::fs::MetadataExt::file_attributes(metadata) & 2 != 0
}

#[cfg(not(windows))]
fn is_hidden(_: &Metadata) -> bool {
    false
}

/// Nanoseconds since 1970.
fn nanos(time: SystemTime) -> i128 {
    let nanos = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()),
        Err(error) => i128::try_from(error.duration().as_nanos()).map(|before| -before),
    };
    nanos.unwrap_or(i128::MAX)
}

/// What tells a file from another of the same name, time and length: its inode, and when that was changed, which no
/// program can set. Without inodes, when the file was made.
#[cfg(unix)]
fn incarnation(metadata: &Metadata) -> (u64, i128) {
    use std::os::unix::fs::MetadataExt;
    (metadata.ino(), i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn incarnation(metadata: &Metadata) -> (u64, i128) {
    (0, metadata.created().map_or(0, nanos))
}

/// The disk that a file is on, as long as the computer runs: mounted anew it may have another number.
#[cfg(unix)]
fn device(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::dev(metadata)
}

#[cfg(not(unix))]
fn device(_: &Metadata) -> u64 {
    0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

    fn key() -> SeqKey {
        SeqKey::new(&blindtally::Secret::copy_of(&[1; 32]))
    }

    fn put(path: &Path, bytes: &[u8], modified: u64) {
        fs::write(path, bytes).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(modified);
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn only_finished_files_of_the_folder_itself_are_candidates() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        put(&at("b.png"), PNG, 10);
        put(&at("a.png"), PNG, 20);
        for name in [".hidden.png", "c.png.part", "d.PNG.TMP", "e.png~", "~$f.png", "#g#", "h.crdownload"] {
            put(&at(name), PNG, 10);
        }
        fs::create_dir(at("folder.png")).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("a.png"), at("link.png")).unwrap();
            let made = std::process::Command::new("mkfifo").arg(at("pipe.png")).status().unwrap();
            assert!(made.success());
        }
        let blobs = BlobFolder::open(&key(), BlobClass::SCREENSHOT, folder.path()).unwrap();
        let names = blobs.candidates(&key()).unwrap().into_iter().map(|candidate| candidate.path);
        assert_eq!(names.collect::<Vec<_>>(), [at("b.png"), at("a.png")].map(|path| fs::canonicalize(path).unwrap()));
        assert_eq!(BlobFolder::open(&key(), BlobClass::VOICE, &at("none")).err().unwrap().code(), "collect.folder");
    }

    #[test]
    fn a_file_rests_when_it_was_not_changed_for_a_while_and_since_the_look_before() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("a.png"), PNG, 1_000);
        let blobs = BlobFolder::open(&key(), BlobClass::SCREENSHOT, folder.path()).unwrap();
        let candidate = blobs.candidates(&key()).unwrap().remove(0);
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (now, rests) in [(1_002, true), (1_001, false), (1_000, false), (999, false), (900, true)] {
            assert_eq!(candidate.rests(at(now), None), rests, "{now}");
        }
        assert!(!candidate.rests(at(2_000), Some(&HashSet::new())));
        assert!(candidate.rests(at(2_000), Some(&HashSet::from([candidate.digest]))));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_has_become_another_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        put(&path, PNG, 1_000);
        let blobs = BlobFolder::open(&key(), BlobClass::SCREENSHOT, folder.path()).unwrap();
        let candidate = blobs.candidates(&key()).unwrap().remove(0);
        assert_eq!(blobs.look(&candidate).unwrap().unwrap().1, Look::Fit);
        // In the same place, as long, as old, but another.
        put(&path, &PNG.to_ascii_uppercase(), 1_000);
        assert_ne!(blobs.candidates(&key()).unwrap()[0].digest, candidate.digest);
        assert!(!candidate.remove().unwrap() && path.exists());
        let other = folder.path().join("b.png");
        put(&other, &PNG.to_ascii_uppercase(), 1_000);
        fs::rename(&other, &path).unwrap();
        assert!(blobs.look(&candidate).unwrap().is_none());
        assert!(!candidate.remove().unwrap() && path.exists());
    }
}
