//! The folder of blobs: the bytes of each in a file of its own, under a random name that only the database knows.
//!
//! A file is written to the side, flushed and renamed into place before its row is written, and removed after its row
//! is gone. So a row always has its file; a file without a row is what an upload or a deletion that was cut off left
//! over, and goes in maintenance. Every upload gets a name of its own: two of one blob never touch each other.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use data_encoding::HEXLOWER;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, MultipartUpload, ObjectStore};

use crate::error::{Error, StartError};
use crate::secret;

/// The file that says which database the folder belongs to. The service that is running holds its lock.
const MARKER: &str = "service";
/// The first two digits of a name are the folder that its file is in, so that no folder gets too full.
const NAME_DIGITS: usize = 32;

/// The folder of blobs.
pub(crate) struct Objects {
    folder: PathBuf,
    files: LocalFileSystem,
    marker: File,
    /// Names of files that may not have their row yet.
    under_way: Names,
}

type Names = Arc<Mutex<HashSet<String>>>;

impl Objects {
    /// Opens the folder for the database that is known by `database`.
    ///
    /// # Errors
    ///
    /// When it cannot be used, another service is using it, or it belongs to another database.
    pub(crate) fn open(folder: PathBuf, database: &[u8; 32]) -> Result<Self, StartError> {
        create_private(&folder).map_err(StartError::Blobs)?;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let marker = options.open(folder.join(MARKER)).map_err(StartError::Blobs)?;
        marker.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StartError::BlobsInUse,
            TryLockError::Error(error) => StartError::Blobs(error),
        })?;
        check_marker(&marker, &HEXLOWER.encode(database))?;
        let files = LocalFileSystem::new_with_prefix(&folder).map_err(|error| StartError::Blobs(error.into()))?;
        // What a client was told is stored survives a power cut, as in the database.
        Ok(Self { folder, files: files.with_fsync(true), marker, under_way: Names::default() })
    }

    /// Lets another service have the folder.
    pub(crate) fn close(&self) {
        if let Err(error) = self.marker.unlock() {
            tracing::warn!(%error, "the folder of blobs stays locked until this program ends");
        }
    }

    /// Begins a file.
    pub(crate) async fn begin(&self) -> Result<Upload, Error> {
        let random = secret::generate()?;
        let name = HEXLOWER.encode(&random[..NAME_DIGITS / 2]);
        let claim = Claim::of(&self.under_way, name);
        let parts = self.files.put_multipart_opts(&path(&claim.name), Default::default()).await.map_err(failure)?;
        Ok(Upload { parts, claim })
    }

    /// The bytes of `range` of a file that has `size`. `None`: the file is not there.
    pub(crate) async fn read(
        &self,
        name: &str,
        range: Range<u64>,
        size: u64,
    ) -> Result<Option<BoxStream<'static, io::Result<Bytes>>>, Error> {
        let options = GetOptions::new().with_range(Some(range));
        let found = match self.files.get_opts(&path(name), options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failure(error)),
        };
        if found.meta.size != size {
            tracing::error!("a file in the folder of blobs is not as long as it was");
            return Err(Error::StorageFailed);
        }
        Ok(Some(found.into_stream().map(|piece| piece.map_err(io::Error::other)).boxed()))
    }

    /// Removes files whose rows are gone. One that cannot be removed now is left over, and goes in maintenance.
    pub(crate) async fn remove(&self, names: impl IntoIterator<Item = String>) {
        let paths: Vec<_> = names.into_iter().map(|name| Ok(path(&name))).collect();
        let mut removed = self.files.delete_stream(stream::iter(paths).boxed());
        while let Some(result) = removed.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => tracing::warn!(%error, "a file is left over"),
            }
        }
    }

    /// The folders within the folder.
    pub(crate) async fn shards(&self) -> Result<Vec<PathBuf>, Error> {
        let folder = self.folder.clone();
        blocking(move || {
            let mut shards = Vec::new();
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if is_hex(&entry.file_name().to_string_lossy(), 2) {
                    shards.push(entry.path());
                }
            }
            Ok(shards)
        })
        .await
    }

    /// The names in one of [`Objects::shards`] that no upload of this service is about to use. What was only begun, and
    /// is nobody's any more, is removed on the way.
    pub(crate) async fn settled(&self, shard: PathBuf) -> Result<Vec<String>, Error> {
        let under_way = self.under_way.clone();
        blocking(move || {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(shard)? {
                let entry = entry?;
                let file = entry.file_name().to_string_lossy().into_owned();
                // `name#1` is what object_store writes to until a file is complete; it lists no such files itself.
                let (name, begun) = match file.split_once('#') {
                    Some((name, _)) => (name, true),
                    None => (file.as_str(), false),
                };
                if !is_hex(name, NAME_DIGITS) || lock(&under_way).contains(name) {
                    continue;
                }
                match begun {
                    true => remove_if_there(&entry.path())?,
                    false => names.push(name.to_owned()),
                }
            }
            Ok(names)
        })
        .await
    }
}

/// A file under way.
pub(crate) struct Upload {
    parts: Box<dyn MultipartUpload>,
    claim: Claim,
}

impl Upload {
    pub(crate) async fn write(&mut self, piece: Vec<u8>) -> Result<(), Error> {
        self.parts.put_part(Bytes::from(piece).into()).await.map_err(failure)
    }

    /// Flushes the file and puts it into place. Until the claim is dropped, it is not taken for a leftover.
    pub(crate) async fn complete(mut self) -> Result<Claim, Error> {
        self.parts.complete().await.map_err(failure)?;
        Ok(self.claim)
    }

    /// Removes what has been written. (So does dropping it, at some time.)
    pub(crate) async fn abandon(mut self) {
        if let Err(error) = self.parts.abort().await {
            tracing::warn!(%error, "a file is left over");
        }
    }
}

/// A name that is in use although no row may say so yet.
pub(crate) struct Claim {
    pub(crate) name: String,
    names: Names,
}

impl Claim {
    fn of(names: &Names, name: String) -> Self {
        lock(names).insert(name.clone());
        Self { name, names: names.clone() }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.names).remove(&self.name);
    }
}

/// Makes the folder, and its parents, for the user alone. One that is there stays as it is.
fn create_private(folder: &std::path::Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the folder the database's, unless it is another's.
fn check_marker(mut marker: &File, database: &str) -> Result<(), StartError> {
    let mut kept = String::new();
    marker.read_to_string(&mut kept).map_err(StartError::Blobs)?;
    match kept.trim() {
        "" => {
            marker.write_all(database.as_bytes()).map_err(StartError::Blobs)?;
            marker.sync_all().map_err(StartError::Blobs)
        }
        kept if kept == database => Ok(()),
        _ => Err(StartError::BlobsOfAnother),
    }
}

fn path(name: &str) -> Path {
    let (shard, _) = name.split_at_checked(2).unwrap_or_default();
    Path::from_iter([shard, name])
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn lock(names: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove_if_there(path: &std::path::Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| failure_of(&error)),
        Err(error) => Err(failure_of(&io::Error::other(error))),
    }
}

fn failure(error: object_store::Error) -> Error {
    failure_of(&error)
}

/// What a client can do something about, wherever in the chain of causes it is.
fn failure_of(error: &(dyn std::error::Error + 'static)) -> Error {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
        {
            return Error::StorageFull;
        }
        cause = error.source();
    }
    tracing::error!(%error, "the folder of blobs failed");
    Error::StorageFailed
}
