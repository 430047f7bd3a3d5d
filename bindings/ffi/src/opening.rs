//! What opens: the keys of an unlocked account, or of an opened backup.

use std::sync::Arc;

use blindtally::{AnyClass, BlobStart, Record, RecordError, RevealBatch, RevealError, Token, replace_tokens};
use zeroize::Zeroizing;

use crate::archive::Archive;
use crate::batch::{self, BatchItem, Results};
use crate::blob::{BlobFile, BlobReader};
use crate::class::RecordClass;
use crate::error::{BlindtallyError, Misuse};
use crate::given::{hex, signed};
use crate::held::Held;
use crate::stream::{Input, Position, RandomInput, Source as Stream};

/// Whose keys they are.
#[allow(clippy::large_enum_variant, reason = "made once and never moved")]
pub(crate) enum Source {
    Owner(blindtally::Owner),
    Restored(blindtally::Restored),
}

impl Source {
    pub(crate) fn keys(&self) -> &blindtally::OpeningKeys {
        match self {
            Self::Owner(owner) => owner.opening_keys(),
            Self::Restored(restored) => restored.opening_keys(),
        }
    }

    pub(crate) fn owner(&self) -> Result<&blindtally::Owner, Misuse> {
        match self {
            Self::Owner(owner) => Ok(owner),
            Self::Restored(_) => Err(Misuse::Closed),
        }
    }

    pub(crate) fn owner_mut(&mut self) -> Result<&mut blindtally::Owner, Misuse> {
        match self {
            Self::Owner(owner) => Ok(owner),
            Self::Restored(_) => Err(Misuse::Closed),
        }
    }
}

/// Opens everything of an account. The keys are those of the owner or of the opened backup that gave it: wiping that wipes
/// them.
#[derive(uniffi::Object)]
pub struct OpeningKeys {
    held: Arc<Held<Source>>,
}

impl OpeningKeys {
    pub(crate) fn new(held: &Arc<Held<Source>>) -> Arc<Self> {
        Arc::new(Self { held: held.clone() })
    }

    fn batch(&self, tokens: impl IntoIterator<Item = impl AsRef<str>>) -> Result<RevealBatch, Misuse> {
        let mut revealed = RevealBatch::new();
        self.held.look(|source| source.keys().reveal_batch(tokens, &mut revealed))?;
        Ok(revealed)
    }
}

#[uniffi::export]
impl OpeningKeys {
    /// The account's id: 32 hexadecimal digits.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn account(&self) -> Result<String, BlindtallyError> {
        Ok(self.held.look(|source| match source {
            Source::Owner(owner) => owner.account().to_string(),
            Source::Restored(restored) => restored.account().to_string(),
        })?)
    }

    /// SHA-256 of the account's public keys: 64 hexadecimal digits.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn fingerprint(&self) -> Result<String, BlindtallyError> {
        Ok(self.held.look(|source| match source {
            Source::Owner(owner) => hex(&owner.fingerprint()),
            Source::Restored(restored) => hex(&restored.fingerprint()),
        })?)
    }

    /// Opens one token.
    ///
    /// # Errors
    /// `malformed.` if it is none, `reveal.` if it is damaged, of another account, or of an epoch not known here.
    pub fn reveal(&self, token: String) -> Result<String, BlindtallyError> {
        let token: Token = token.parse().map_err(RevealError::Malformed)?;
        Ok(self.held.look(|source| source.keys().reveal(&token))??)
    }

    /// Opens many tokens, of any classes and epochs, in order: all of them or none.
    ///
    /// # Errors
    /// As `reveal`, for the first that does not open.
    pub fn reveal_many(&self, tokens: Vec<String>) -> Result<Vec<String>, BlindtallyError> {
        self.batch(&tokens)?.all()
    }

    /// Opens many tokens, each for itself.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn reveal_each(&self, tokens: Vec<String>) -> Result<Vec<BatchItem>, BlindtallyError> {
        Ok(self.batch(&tokens)?.each())
    }

    /// [`Self::reveal_each`] in one piece of memory, for languages where each item of a list costs much. Both ways: how many
    /// items (u32, little-endian), the length of each in bytes (u32 each), then all of them one after the other, in UTF-8. In
    /// the result, a length with its highest bit set is that of the code of a refusal.
    ///
    /// # Errors
    /// `binding.value` or `binding.utf8` if it is not laid out so, `binding.closed`.
    pub fn reveal_packed(&self, tokens: Vec<u8>) -> Result<Vec<u8>, BlindtallyError> {
        Ok(self.batch(batch::split(&tokens)?)?.packed())
    }

    /// The text with every token in it that opens replaced by its value; what does not open stays.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn reveal_text(&self, text: String) -> Result<String, BlindtallyError> {
        Ok(self.held.look(|source| {
            let value = |token: &Token| source.keys().reveal(token).ok().map(|value| Value(Zeroizing::new(value)));
            replace_tokens(&text, value).into_owned()
        })?)
    }

    /// Opens a record, of whichever device.
    ///
    /// # Errors
    /// `malformed.` if it is none, `record.` if it is damaged, of another account, or of an epoch not known here.
    pub fn open_record(&self, record: String) -> Result<OpenedRecord, BlindtallyError> {
        Ok(self.held.look(|source| OpenedRecord::open(source.keys(), &record))??)
    }

    /// Opens many records, each for itself.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn open_records(&self, records: Vec<String>) -> Result<Vec<RecordItem>, BlindtallyError> {
        let item = |opened: Result<_, RecordError>| match opened {
            Ok(record) => RecordItem { record: Some(record), error: None },
            Err(error) => RecordItem { record: None, error: Some(error.code().to_owned()) },
        };
        Ok(self
            .held
            .look(|source| records.iter().map(|record| item(OpenedRecord::open(source.keys(), record))).collect())?)
    }

    /// Opens a whole blob in memory. What is longer than some MiB is better read by `blob_reader` or `blob_file`.
    ///
    /// # Errors
    /// `blob.`: it is damaged, cut off, or of another account; nothing of it is returned.
    pub fn open_blob(&self, blob: Vec<u8>) -> Result<Vec<u8>, BlindtallyError> {
        Ok(self
            .held
            .look(|source| source.keys().open_blob(&blob).map(|mut content| std::mem::take(&mut *content)))??)
    }

    /// Opens a blob while it is read, in constant memory.
    ///
    /// # Errors
    /// `blob.no-key`, `malformed.`, `binding.stream`.
    pub fn blob_reader(&self, input: Arc<dyn Input>) -> Result<Arc<BlobReader>, BlindtallyError> {
        let mut stream = Stream::new(input);
        let start = BlobStart::read(&mut stream).map_err(BlindtallyError::of_io)?;
        let access = self.held.look(|source| source.keys().blob_access(&start))??;
        Ok(BlobReader::new(access.reader(stream), start.header()))
    }

    /// Opens any part of a blob.
    ///
    /// # Errors
    /// `blob.no-key`; `blob.truncated` or `blob.tampered` if its end is damaged; `malformed.`, `binding.stream`.
    pub fn blob_file(&self, input: Arc<dyn RandomInput>) -> Result<Arc<BlobFile>, BlindtallyError> {
        let mut stream = Stream::new(Position::new(input).map_err(BlindtallyError::of_io)?);
        let start = BlobStart::read(&mut stream).map_err(BlindtallyError::of_io)?;
        let access = self.held.look(|source| source.keys().blob_access(&start))??;
        Ok(BlobFile::new(access.file(stream).map_err(BlindtallyError::of_io)?, start.header()))
    }

    /// Opens an archive of this account, damaged or not.
    ///
    /// # Errors
    /// `archive.other-account`, `archive.signature`, `archive.layout`; `blob.no-key`, `malformed.`, `binding.stream`.
    pub fn open_archive(&self, input: Arc<dyn RandomInput>) -> Result<Arc<Archive>, BlindtallyError> {
        let mut stream = Stream::new(Position::new(input).map_err(BlindtallyError::of_io)?);
        let start = BlobStart::read(&mut stream).map_err(BlindtallyError::of_io)?;
        let access = self.held.look(|source| source.keys().archive_access(&start))??;
        Ok(Archive::new(access.open(stream).map_err(BlindtallyError::of_io)?))
    }

    /// What shows the service that the account's keys are known, when the password is lost: 32 secret bytes, yours to wipe.
    /// The service keeps a SHA-256 of them.
    ///
    /// # Errors
    /// `binding.closed`.
    pub fn recovery_proof(&self) -> Result<Vec<u8>, BlindtallyError> {
        let proof = self.held.look(|source| match source {
            Source::Owner(owner) => owner.recovery_proof(),
            Source::Restored(restored) => restored.recovery_proof(),
        })?;
        Ok(proof.expose().to_vec())
    }
}

/// A revealed value, wiped once it is in its place.
struct Value(Zeroizing<String>);

impl AsRef<str> for Value {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// An opened record, and what its header says of it.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct OpenedRecord {
    /// What was sealed.
    pub value: String,
    /// What it is about.
    pub record_class: RecordClass,
    /// The id of the device that sealed it: 32 hexadecimal digits.
    pub device: String,
    /// When it was made, as its device said: milliseconds since the Unix epoch.
    pub seq: i64,
    /// The number of the epoch whose keys it was sealed with.
    pub epoch: i32,
}

impl OpenedRecord {
    fn open(keys: &blindtally::OpeningKeys, text: &str) -> Result<Self, RecordError> {
        let record = Record::parse(text)?;
        let AnyClass::Record(class) = record.class() else { return Err(RecordError::NoKey) };
        let mut value = keys.open_record(&record)?;
        Ok(Self {
            value: std::mem::take(&mut *value),
            record_class: class.into(),
            device: record.device().to_string(),
            seq: signed(record.seq()),
            epoch: record.epoch().into(),
        })
    }
}

/// What became of one record of many: what it holds, or the code of its refusal.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct RecordItem {
    /// The record; none if it was refused.
    pub record: Option<OpenedRecord>,
    /// The stable code of the refusal, if it was.
    pub error: Option<String>,
}
