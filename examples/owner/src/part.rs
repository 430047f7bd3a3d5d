//! Files that appear when they are complete, and not at all when they fail.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use blindtally_client::Failure;

/// A file on its way. Unless it is completed, it is removed.
pub(crate) struct PartFile {
    path: PathBuf,
    file: File,
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
        Self::create(target.with_added_extension("part"))
    }

    /// The beginning of a file, for the user alone. One that a program left when it was killed is replaced.
    pub(crate) fn create(path: PathBuf) -> Result<Self, Failure> {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(&path, &error)),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| unwritable(&path, &error))?;
        Ok(Self { path, file })
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Gives it its name.
    pub(crate) fn complete(mut self, target: &Path, existing: Existing) -> Result<(), Failure> {
        let written = self.file.flush().and_then(|()| self.file.sync_all());
        let named = written.and_then(|()| match existing {
            Existing::Replace => fs::rename(&self.path, target),
            // A second name, and then without the first: unlike a rename, that replaces nothing.
            Existing::Keep => match fs::hard_link(&self.path, target) {
                Ok(()) => Ok(()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                // Not every file system has second names.
                Err(_) if fs::symlink_metadata(target).is_err() => fs::rename(&self.path, target),
                Err(error) => Err(error),
            },
        });
        named.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(target),
            _ => unwritable(target, &error),
        })
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
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
        fs::write(folder.path().join("a.b.part"), "left by a crash").unwrap();
        let mut part = PartFile::beside(&target, Existing::Keep).unwrap();
        part.write_all(b"one").unwrap();
        assert_eq!(names(), ["a.b.part"]);
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
}
