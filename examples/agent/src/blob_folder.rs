//! A folder that screenshots, camera shots or recordings are put into: which files of it are to be sealed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use blindtally::{Agent, BlobClass, BlobStart, Timestamp};
use blindtally_client::{ContentType, Failure};

use crate::unit::{Source, digest};

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
    /// Of its name, time and length: another file has another.
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
    pub(crate) fn open(class: BlobClass, path: &Path) -> Result<Self, Failure> {
        let path = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
        let digest = digest(&[&[class.id()], path.as_os_str().as_encoded_bytes()]);
        Ok(Self { class, path, digest })
    }

    /// Its files, the oldest first. Links, folders, pipes and the like, hidden and temporary files are none.
    pub(crate) fn candidates(&self) -> Result<Vec<Candidate>, Failure> {
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
            let nanos = match modified.duration_since(SystemTime::UNIX_EPOCH) {
                Ok(since) => i128::try_from(since.as_nanos()),
                Err(error) => i128::try_from(error.duration().as_nanos()).map(|before| -before),
            };
            let nanos = nanos.unwrap_or(i128::MAX).to_be_bytes();
            let digest = digest(&[name.as_encoded_bytes(), &nanos, &metadata.len().to_be_bytes()]);
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
    pub(crate) fn seal(
        &self,
        agent: &Agent,
        candidate: &Candidate,
        mut file: &File,
        out: &mut File,
    ) -> Result<bool, Failure> {
        let failed = |error: io::Error| match blindtally::Error::from_io(&error) {
            Some(error) => error.into(),
            None => crate::journal::failed(&candidate.path, &error),
        };
        let seq = Timestamp::from(candidate.modified).unix_millis();
        let mut writer = agent.blob_writer(self.class, seq, out).map_err(failed)?;
        let copied = io::copy(&mut Read::take(&mut file, candidate.length()), &mut writer).map_err(failed)?;
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
            && is_same_file(metadata, &self.metadata)
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

/// Whether two descriptions are of one file, where that can be told: a name may lead somewhere else by now.
#[cfg(unix)]
fn is_same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

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
        let blobs = BlobFolder::open(BlobClass::SCREENSHOT, folder.path()).unwrap();
        let names = blobs.candidates().unwrap().into_iter().map(|candidate| candidate.path);
        assert_eq!(names.collect::<Vec<_>>(), [at("b.png"), at("a.png")].map(|path| fs::canonicalize(path).unwrap()));
        assert_eq!(BlobFolder::open(BlobClass::VOICE, &at("none")).err().unwrap().code(), "collect.folder");
    }

    #[test]
    fn a_file_rests_when_it_was_not_changed_for_a_while_and_since_the_look_before() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join("a.png"), PNG, 1_000);
        let blobs = BlobFolder::open(BlobClass::SCREENSHOT, folder.path()).unwrap();
        let candidate = blobs.candidates().unwrap().remove(0);
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
        let blobs = BlobFolder::open(BlobClass::SCREENSHOT, folder.path()).unwrap();
        let candidate = blobs.candidates().unwrap().remove(0);
        assert_eq!(blobs.look(&candidate).unwrap().unwrap().1, Look::Fit);
        // As long, as old, but another.
        let other = folder.path().join("b.png");
        put(&other, &PNG.to_ascii_uppercase(), 1_000);
        fs::rename(&other, &path).unwrap();
        assert!(blobs.look(&candidate).unwrap().is_none());
        assert!(!candidate.remove().unwrap() && path.exists());
    }
}
