//! Files that appear when they are complete, and not at all when they fail (SPEC.md#blob-prefix) or the program is told
//! to end.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use blindtally_client::Failure;
use tempfile::TempPath;

/// What a shell says of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// Files that are on their way now.
static ON_THE_WAY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Removes, when the program is told to end (Ctrl-C, SIGTERM, SIGHUP), what is on its way, and ends it at once, whatever
/// it waits for.
pub(crate) fn clean_up_when_told_to_end() -> Result<(), Failure> {
    let handler = ctrlc::set_handler(|| {
        // Held to the end: nothing new begins.
        let on_the_way = on_the_way();
        for path in on_the_way.iter() {
            drop(fs::remove_file(path));
        }
        std::process::exit(INTERRUPTED);
    });
    handler.map_err(|error| Failure::refused("owner.signals", format_args!("cannot wait for signals: {error}")))
}

fn on_the_way() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    ON_THE_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file on its way, for the user alone, under a name that nothing else has. Unless it is completed, it is removed.
pub(crate) struct PartFile {
    file: File,
    path: TempPath,
    _listed: Listed,
}

/// A path that is on the list of those to be removed.
struct Listed(PathBuf);

impl Drop for Listed {
    fn drop(&mut self) {
        on_the_way().remove(&self.0);
    }
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

impl PartFile {
    /// The beginning of a file that will be called `target`, beside it.
    pub(crate) fn beside(target: &Path, existing: Existing) -> Result<Self, Failure> {
        if existing == Existing::Keep && fs::symlink_metadata(target).is_ok() {
            return Err(exists(target));
        }
        if target.file_name().is_none() {
            return Err(Failure::usage(format_args!("{} is no file's name", target.display())));
        }
        Self::create(folder_of(target)).map_err(|error| unwritable(target, &error))
    }

    /// The beginning of a file in that folder.
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        let mut on_the_way = on_the_way();
        let made = tempfile::Builder::new().prefix(".blindtally.").suffix(".part").tempfile_in(folder)?;
        let (file, path) = made.into_parts();
        on_the_way.insert(path.to_path_buf());
        Ok(Self { file, _listed: Listed(path.to_path_buf()), path })
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Gives it its name.
    pub(crate) fn complete(self, target: &Path, existing: Existing) -> Result<(), Failure> {
        let Self { mut file, path, _listed } = self;
        let written = file.flush().and_then(|()| file.sync_all());
        let named = written.and_then(|()| match existing {
            Existing::Replace => path.persist(target).map_err(|error| error.error),
            Existing::Keep => path.persist_noclobber(target).or_else(|failed| match failed.error.kind() {
                io::ErrorKind::AlreadyExists => Err(failed.error),
                // Not every file system can refuse to replace.
                _ if fs::symlink_metadata(target).is_err() => failed.path.persist(target).map_err(|error| error.error),
                _ => Err(failed.error),
            }),
        });
        named.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(target),
            _ => unwritable(target, &error),
        })
    }
}

/// The folder that a file is in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn exists(path: &Path) -> Failure {
    Failure::refused("file.exists", format_args!("{} is there already", path.display()))
}

pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::refused("file.unwritable", format_args!("{} cannot be written: {error}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_complete_and_replaces_only_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.b");
        let names = || fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        let mut part = PartFile::beside(&target, Existing::Keep).unwrap();
        part.write_all(b"one").unwrap();
        assert!(names().len() == 1 && !target.exists());
        part.complete(&target, Existing::Keep).unwrap();
        assert_eq!((names(), fs::read(&target).unwrap()), (vec!["a.b".into()], b"one".to_vec()));

        assert_eq!(PartFile::beside(&target, Existing::Keep).err().unwrap().code(), "file.exists");
        let part = PartFile::beside(&target, Existing::Replace).unwrap();
        // Somebody else was faster.
        assert_eq!(part.complete(&target, Existing::Keep).unwrap_err().code(), "file.exists");
        assert_eq!((names(), fs::read(&target).unwrap()), (vec!["a.b".into()], b"one".to_vec()));
        let mut part = PartFile::beside(&target, Existing::Replace).unwrap();
        part.write_all(b"two").unwrap();
        part.complete(&target, Existing::Replace).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"two");
        drop(PartFile::beside(&folder.path().join("c"), Existing::Keep).unwrap());
        assert_eq!(names(), ["a.b"]);
    }
    #[test]
    fn two_on_the_way_to_one_name_and_a_file_of_somebody_elses_do_not_touch_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let (target, stranger) = (folder.path().join("a"), folder.path().join("a.part"));
        fs::write(&stranger, "mine").unwrap();
        let mut first = PartFile::beside(&target, Existing::Keep).unwrap();
        first.write_all(b"all of it").unwrap();
        let mut second = PartFile::beside(&target, Existing::Keep).unwrap();
        second.write_all(b"hal").unwrap();
        first.complete(&target, Existing::Keep).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"all of it");
        assert_eq!(second.complete(&target, Existing::Keep).unwrap_err().code(), "file.exists");
        assert_eq!(fs::read(&stranger).unwrap(), b"mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
