//! Archives: files of an account in one blob, signed by its owner.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::SystemTime;

use blindtally::{ArchiveError, Listing};
use zeroize::Zeroizing;

use crate::error::BlindtallyError;
use crate::given::{narrow, or_now, signed, system_time};
use crate::held::{Held, Single};
use crate::opening::Source as Keys;
use crate::stream::{Input, Output, Position, Sink, Source};

/// A file of an archive, as the manifest, or without one its own header, describes it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ArchivedFile {
    /// Its path: segments of ASCII letters, digits, `-`, `_` and `.`, joined by `/`, which every system takes and which lead
    /// nowhere but down.
    pub path: String,
    /// When its content was last changed, in whole seconds.
    pub modified: SystemTime,
    /// Bytes of content.
    pub length: i64,
    /// SHA-256 of the content, as the account signed it; none for a file that no manifest lists.
    pub sha256: Option<Vec<u8>>,
}

impl From<&blindtally::ArchivedFile> for ArchivedFile {
    fn from(file: &blindtally::ArchivedFile) -> Self {
        Self {
            path: file.path().to_owned(),
            modified: system_time(file.modified()),
            length: signed(file.length()),
            sha256: file.hash().map(|hash| hash.to_vec()),
        }
    }
}

/// An opened archive. A damaged one opens too: each file is intact or is not.
#[derive(uniffi::Object)]
pub struct Archive {
    files: Vec<blindtally::ArchivedFile>,
    listing: Listing,
    archive: Single<blindtally::Archive<Source<Position>>>,
}

impl Archive {
    pub(crate) fn new(archive: blindtally::Archive<Source<Position>>) -> Arc<Self> {
        let (files, listing) = (archive.files().to_vec(), archive.listing());
        Arc::new(Self { files, listing, archive: Single::new(archive) })
    }

    fn copy_to(&self, number: i32, out: &mut impl Write) -> Result<(), BlindtallyError> {
        let number = usize::try_from(number).map_err(|_| ArchiveError::NoFile)?;
        self.archive.work(|archive| archive.copy(number, out))?.map_err(BlindtallyError::of_io)
    }
}

#[uniffi::export]
impl Archive {
    /// Its files, in the order of the tar.
    pub fn files(&self) -> Vec<ArchivedFile> {
        self.files.iter().map(ArchivedFile::from).collect()
    }

    /// Whether the manifest that the account signed lists them: there were these files and no others. Otherwise it is lost,
    /// and others may be missing; each file is authentic as far as it opens, but next to damage the inside of one file may
    /// show as another.
    pub fn is_signed(&self) -> bool {
        matches!(self.listing, Listing::Signed { .. })
    }

    /// When the archive was made, by the clock of whoever made it; none without its manifest.
    pub fn made(&self) -> Option<SystemTime> {
        match self.listing {
            Listing::Signed { made } => Some(system_time(made)),
            Listing::Unlisted => None,
        }
    }

    /// The content of the file of that number in `files`, in memory.
    ///
    /// # Errors
    /// `archive.damaged`, `archive.no-file`, `binding.stream`, `binding.busy`.
    pub fn read(&self, number: i32) -> Result<Vec<u8>, BlindtallyError> {
        let mut content = Zeroizing::new(Vec::new());
        self.copy_to(number, &mut *content)?;
        Ok(std::mem::take(&mut *content))
    }

    /// Writes the content of a file to an output, in constant memory. Only after this has returned is what was written the
    /// file.
    ///
    /// # Errors
    /// As `read`.
    pub fn copy(&self, number: i32, output: Arc<dyn Output>) -> Result<(), BlindtallyError> {
        self.copy_to(number, &mut Sink(output))
    }

    /// Whether a file is intact, without its content.
    ///
    /// # Errors
    /// As `read`.
    pub fn check(&self, number: i32) -> Result<(), BlindtallyError> {
        self.copy_to(number, &mut io::sink())
    }

    /// Wipes its key.
    ///
    /// # Errors
    /// `binding.busy`.
    pub fn wipe(&self) -> Result<(), BlindtallyError> {
        Ok(self.archive.wipe()?)
    }
}

/// Writes files of the account into an archive. It is none before `finish`.
#[derive(uniffi::Object)]
pub struct ArchiveWriter {
    owner: Arc<Held<Keys>>,
    archive: Single<blindtally::ArchiveWriter<Sink>>,
}

impl ArchiveWriter {
    pub(crate) fn new(owner: &Arc<Held<Keys>>, archive: blindtally::ArchiveWriter<Sink>) -> Arc<Self> {
        Arc::new(Self { owner: owner.clone(), archive: Single::new(archive) })
    }

    fn add_from(
        &self,
        path: &str,
        length: u64,
        modified: Option<SystemTime>,
        content: impl Read,
    ) -> Result<(), BlindtallyError> {
        let modified = or_now(modified);
        let added = self.archive.work(|archive| archive.add(path, modified, length, content))?;
        added.map_err(BlindtallyError::of_io)
    }
}

#[uniffi::export]
impl ArchiveWriter {
    /// The files that were added.
    ///
    /// # Errors
    /// `binding.closed`, `binding.busy`.
    pub fn files(&self) -> Result<Vec<ArchivedFile>, BlindtallyError> {
        Ok(self.archive.work(|archive| archive.files().iter().map(ArchivedFile::from).collect())?)
    }

    /// Adds a file whose content is in memory; `modified` is when it last changed, now if none is given.
    ///
    /// # Errors
    /// `archive.path`, `archive.too-many`, `archive.too-long`, `binding.stream`.
    #[uniffi::method(default(modified = None))]
    pub fn add(&self, path: String, content: Vec<u8>, modified: Option<SystemTime>) -> Result<(), BlindtallyError> {
        let content = Zeroizing::new(content);
        self.add_from(&path, content.len() as u64, modified, content.as_slice())
    }

    /// Adds a file of exactly so many bytes, in constant memory. If it has fewer or more, or a stream fails, the archive is
    /// given up.
    ///
    /// # Errors
    /// As `add`; `binding.value` for a negative length.
    #[uniffi::method(default(modified = None))]
    pub fn add_stream(
        &self,
        path: String,
        content: Arc<dyn Input>,
        length: i64,
        modified: Option<SystemTime>,
    ) -> Result<(), BlindtallyError> {
        self.add_from(&path, narrow(length)?, modified, Source::new(content))
    }

    /// Signs the manifest and seals the rest. The output is whole after this.
    ///
    /// # Errors
    /// `binding.stream`, `binding.closed` also if the owner was wiped, `archive.too-long` if it was given up.
    pub fn finish(&self) -> Result<(), BlindtallyError> {
        let unsigned = self.archive.take()?.manifest().map_err(BlindtallyError::of_io)?;
        // The owner is not locked while the output is called.
        let signature = self.owner.look(|source| Ok::<_, BlindtallyError>(unsigned.sign(source.owner()?)?))??;
        unsigned.finish(&signature).map(drop).map_err(BlindtallyError::of_io)
    }

    /// Gives the archive up, and wipes its key.
    ///
    /// # Errors
    /// `binding.busy`.
    pub fn wipe(&self) -> Result<(), BlindtallyError> {
        Ok(self.archive.wipe()?)
    }
}
