//! Every key that an account opens with: tokens, records, blobs and archives, of all its epochs, derived when first needed.

use core::fmt;
use std::io::{self, Read, Seek};
use std::sync::OnceLock;

use zeroize::Zeroizing;

use crate::archive::Archive;
use crate::blob::{BlobFile, BlobHeader, BlobKey, BlobOpener, BlobReader, BlobStart};
use crate::chunked::ChunkCipher;
use crate::class::{AnyClass, BlobClass, DeviceScoped, RecordClass, TokenClass};
use crate::error::{ArchiveError, BlobError, ParseError, RecordError, RevealError};
use crate::id::{AccountId, DeviceId, Epoch};
use crate::identity::Fingerprint;
use crate::keyring::Keyring;
use crate::master_key::{DeviceKey, EpochKey, Scope};
use crate::record::{Record, RecordKey};
use crate::token::{Token, TokenKey};
use crate::token_batch::RevealBatch;

/// What an account opens its data with: see [`Owner::opening_keys`](crate::Owner::opening_keys), and
/// [`Restored::opening_keys`](crate::Restored::opening_keys) without the service.
pub struct OpeningKeys {
    account: AccountId,
    fingerprint: Fingerprint,
    epochs: Vec<EpochKeys>,
}

struct EpochKeys {
    epoch: Epoch,
    /// One, or several where histories were merged.
    keys: Vec<EpochKey>,
    classes: [OnceLock<Vec<TokenKey>>; CLASSES],
}

/// The token classes there can be: 7 named ones and 64 of applications.
const CLASSES: usize = 7 + 64;

impl OpeningKeys {
    pub(crate) fn new(keyring: &Keyring) -> Self {
        let mut epochs: Vec<EpochKeys> = Vec::new();
        for &(epoch, ref key) in &keyring.epochs {
            let key = key.epoch_key(Scope { account: keyring.account, epoch });
            match epochs.last_mut() {
                Some(last) if last.epoch == epoch => last.keys.push(key),
                _ => epochs.push(EpochKeys { epoch, keys: vec![key], classes: [const { OnceLock::new() }; CLASSES] }),
            }
        }
        Self { account: keyring.account, fingerprint: keyring.identity.public().fingerprint(), epochs }
    }

    /// Opens one token.
    ///
    /// # Errors
    /// [`RevealError::Tampered`] for a damaged or foreign token, [`RevealError::NoKey`] for an epoch not known here.
    pub fn reveal(&self, token: &Token) -> Result<String, RevealError> {
        let mut result = Err(RevealError::NoKey);
        for key in self.token_keys(token.class(), token.epoch()) {
            result = key.reveal(token);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Opens many tokens, of any classes and epochs, from text; each has a result of its own in `out`.
    pub fn reveal_batch(&self, texts: impl IntoIterator<Item = impl AsRef<str>>, out: &mut RevealBatch) {
        out.reveal(texts, |class, epoch| self.token_keys(class, epoch));
    }

    /// Opens a record, of whichever device its header names. When it was made is its `seq`.
    ///
    /// # Errors
    /// [`RecordError::NoKey`] for an epoch not known here, [`RecordError::Tampered`] for a damaged or foreign one.
    pub fn open_record(&self, record: &Record) -> Result<Zeroizing<String>, RecordError> {
        let (AnyClass::Record(class), Ok(epoch)) = (record.class(), Epoch::new(record.epoch())) else {
            return Err(RecordError::NoKey);
        };
        let mut result = Err(RecordError::NoKey);
        for key in self.device_keys::<RecordClass>(class, epoch, record.device()) {
            result = RecordKey::new(&key).open(record);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Opens a whole blob in memory.
    ///
    /// # Errors
    /// [`BlobError`]; nothing of a blob that fails is returned.
    pub fn open_blob(&self, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, BlobError> {
        let (start, chunks) = BlobStart::split(blob)?;
        let mut content = Zeroizing::new(Vec::with_capacity(chunks.len()));
        let mut opener = self.blob_opener(&start)?;
        let mut put = |piece: &[u8]| {
            content.extend_from_slice(piece);
            Ok::<_, BlobError>(())
        };
        opener.update(chunks, &mut put)?;
        opener.finish(&mut put)?;
        Ok(content)
    }

    /// Starts to open a blob piece by piece.
    ///
    /// # Errors
    /// [`BlobError::NoKey`].
    pub fn blob_opener(&self, start: &BlobStart) -> Result<BlobOpener, BlobError> {
        Ok(BlobOpener::new(self.blob_cipher(start)?))
    }

    /// Opens a blob while it is read.
    ///
    /// # Errors
    /// Those of `inner`, and [`BlobError`] within [`io::Error`]: see [`Error::from_io`](crate::Error::from_io).
    pub fn blob_reader<R: Read>(&self, mut inner: R) -> io::Result<BlobReader<R>> {
        let start = BlobStart::read(&mut inner)?;
        Ok(self.blob_access(&start)?.reader(inner))
    }

    /// Opens any part of the blob that begins where `inner` stands and ends where it ends.
    ///
    /// # Errors
    /// As [`OpeningKeys::blob_reader`].
    pub fn blob_file<R: Read + Seek>(&self, mut inner: R) -> io::Result<BlobFile<R>> {
        let start = BlobStart::read(&mut inner)?;
        self.blob_access(&start)?.file(inner)
    }

    /// Opens an archive of this account, damaged or not: [`Archive::files`] says which files are intact.
    ///
    /// # Errors
    /// Those of `inner`; within [`io::Error`] [`BlobError::NoKey`] for one of another account, and [`ArchiveError`].
    pub fn archive<R: Read + Seek>(&self, mut inner: R) -> io::Result<Archive<R>> {
        let start = BlobStart::read(&mut inner)?;
        self.archive_access(&start)?.open(inner)
    }

    /// What opens the blob with this start and no other, for whoever cannot hold on to these keys while it is read.
    ///
    /// # Errors
    /// [`BlobError::NoKey`].
    pub fn blob_access(&self, start: &BlobStart) -> Result<BlobAccess, BlobError> {
        Ok(BlobAccess { header: *start.header(), cipher: self.blob_cipher(start)? })
    }

    /// What opens the archive with this start and no other: the checks of SPEC.md#archive-order.
    ///
    /// # Errors
    /// As [`OpeningKeys::archive`], for what a start shows.
    pub fn archive_access(&self, start: &BlobStart) -> Result<ArchiveAccess, ArchiveError> {
        let header = start.header();
        if header.class != BlobClass::ARCHIVE {
            return Err(ArchiveError::Malformed(ParseError::Value));
        }
        if header.device != self.own_device() {
            return Err(ArchiveError::OtherAccount);
        }
        let blob = self.blob_access(start)?;
        Ok(ArchiveAccess { blob, account: self.account, fingerprint: self.fingerprint })
    }

    /// The keys that may have made a blob with this header: one, or several where histories were merged. For a platform
    /// that opens the chunks itself; whether a key is the one, the blob's commitment says.
    pub fn blob_keys(&self, header: &BlobHeader) -> impl Iterator<Item = BlobKey> {
        self.device_keys(header.class, header.epoch, header.device).map(|key| BlobKey::new(&key))
    }

    /// The id under which the owner itself seals: see SPEC.md#owner-device.
    pub fn own_device(&self) -> DeviceId {
        self.fingerprint.device_id(self.account)
    }

    fn blob_cipher(&self, start: &BlobStart) -> Result<ChunkCipher, BlobError> {
        self.blob_keys(start.header()).find_map(|key| key.check(start).ok()).ok_or(BlobError::NoKey)
    }

    fn device_keys<C: DeviceScoped>(
        &self,
        class: C,
        epoch: Epoch,
        device: DeviceId,
    ) -> impl Iterator<Item = DeviceKey<C>> {
        let keys = self.epoch(epoch).map(|known| known.keys.as_slice()).unwrap_or_default();
        keys.iter().map(move |key| key.class_key(class).device_key(device))
    }

    /// The keys that may have made a token of this class and epoch.
    fn token_keys(&self, class: TokenClass, epoch: Epoch) -> &[TokenKey] {
        let slot = match class.id() {
            id @ 128.. => usize::from(id) - 128 + 7,
            id => usize::from(id) - 1,
        };
        let keys = self.epoch(epoch).and_then(|known| {
            let derive = || known.keys.iter().map(|key| TokenKey::new(&key.class_key(class))).collect();
            Some(known.classes.get(slot)?.get_or_init(derive))
        });
        keys.map(Vec::as_slice).unwrap_or_default()
    }

    fn epoch(&self, epoch: Epoch) -> Option<&EpochKeys> {
        self.epochs.binary_search_by_key(&epoch, |known| known.epoch).ok().map(|at| &self.epochs[at])
    }
}

impl fmt::Debug for OpeningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpeningKeys({}, {} epochs, ..)", self.account, self.epochs.len())
    }
}

/// What opens one blob: see [`OpeningKeys::blob_access`]. Its beginning has been checked.
pub struct BlobAccess {
    header: BlobHeader,
    cipher: ChunkCipher,
}

impl BlobAccess {
    /// The header: authentic.
    pub fn header(&self) -> &BlobHeader {
        &self.header
    }

    /// Opens the blob while it is read: `inner` stands behind its start.
    pub fn reader<R: Read>(self, inner: R) -> BlobReader<R> {
        BlobReader::new(inner, self.header, self.cipher)
    }

    /// Opens any part of the blob: `inner` stands behind its start, and ends where it ends.
    ///
    /// # Errors
    /// As [`OpeningKeys::blob_file`].
    pub fn file<R: Read + Seek>(self, inner: R) -> io::Result<BlobFile<R>> {
        let mut file = BlobFile::new(inner, self.header, self.cipher)?;
        file.find_end()?;
        Ok(file)
    }
}

impl fmt::Debug for BlobAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobAccess({}, ..)", self.header.id)
    }
}

/// What opens one archive: see [`OpeningKeys::archive_access`]. Its beginning has been checked.
pub struct ArchiveAccess {
    blob: BlobAccess,
    account: AccountId,
    fingerprint: Fingerprint,
}

impl ArchiveAccess {
    /// Opens it: `inner` stands behind its start, and ends where it ends.
    ///
    /// # Errors
    /// As [`OpeningKeys::archive`].
    pub fn open<R: Read + Seek>(self, inner: R) -> io::Result<Archive<R>> {
        let BlobAccess { header, cipher } = self.blob;
        Archive::open(BlobFile::new(inner, header, cipher)?, self.account, self.fingerprint)
    }
}

impl fmt::Debug for ArchiveAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArchiveAccess({}, ..)", self.blob.header.id)
    }
}
