//! Blobs as streams of the caller's.

use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use crate::class::BlobClass;
use crate::error::{BlindtallyError, Misuse};
use crate::given::{narrow, signed};
use crate::held::Single;
use crate::stream::{Input, Position, Sink, Source};

/// What a blob says of itself. Of a blob that was opened it is authentic.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct BlobHeader {
    /// What it holds.
    pub blob_class: BlobClass,
    /// The number of the epoch of its key.
    pub epoch: i32,
    /// The device that sealed it: 32 hexadecimal digits.
    pub device: String,
    /// Its name: 32 hexadecimal digits.
    pub id: String,
    /// When: Unix milliseconds of what it holds.
    pub seq: i64,
}

impl From<&blindtally::BlobHeader> for BlobHeader {
    fn from(header: &blindtally::BlobHeader) -> Self {
        Self {
            blob_class: header.class.into(),
            epoch: header.epoch.get().into(),
            device: header.device.to_string(),
            id: header.id.to_string(),
            seq: signed(header.seq),
        }
    }
}

/// Seals what is written to it, in constant memory. It is no blob before `finish`.
#[derive(uniffi::Object)]
pub struct BlobWriter {
    header: BlobHeader,
    blob: Single<blindtally::BlobWriter<Sink>>,
}

impl BlobWriter {
    pub(crate) fn new(blob: blindtally::BlobWriter<Sink>) -> Arc<Self> {
        Arc::new(Self { header: blob.header().into(), blob: Single::new(blob) })
    }
}

#[uniffi::export]
impl BlobWriter {
    /// What the blob says of itself.
    pub fn header(&self) -> BlobHeader {
        self.header.clone()
    }

    /// Takes all of the content. If the output fails meanwhile, nobody knows how much it took: the blob is given up.
    ///
    /// # Errors
    /// `binding.stream`, `blob.too-long`, `binding.closed`, `binding.busy`.
    pub fn write(&self, content: Vec<u8>) -> Result<(), BlindtallyError> {
        let content = zeroize::Zeroizing::new(content);
        self.blob.work(|blob| blob.write_all(&content))?.map_err(|error| {
            // Free: this call has ended.
            _ = self.blob.wipe();
            BlindtallyError::of_io(error)
        })
    }

    /// Seals the rest. The output is whole after this.
    ///
    /// # Errors
    /// As `write`.
    pub fn finish(&self) -> Result<(), BlindtallyError> {
        let blob = self.blob.take()?;
        blob.finish().map(drop).map_err(BlindtallyError::of_io)
    }

    /// Gives the blob up, and wipes its key.
    ///
    /// # Errors
    /// `binding.busy`.
    pub fn wipe(&self) -> Result<(), BlindtallyError> {
        Ok(self.blob.wipe()?)
    }
}

/// Opens a blob while it is read. What it gives is authentic, but it is the whole content only once it has given nothing
/// more.
#[derive(uniffi::Object)]
pub struct BlobReader {
    header: BlobHeader,
    blob: Single<blindtally::BlobReader<Source<Arc<dyn Input>>>>,
}

impl BlobReader {
    pub(crate) fn new(
        blob: blindtally::BlobReader<Source<Arc<dyn Input>>>,
        header: &blindtally::BlobHeader,
    ) -> Arc<Self> {
        Arc::new(Self { header: header.into(), blob: Single::new(blob) })
    }
}

#[uniffi::export]
impl BlobReader {
    /// What the blob says of itself.
    pub fn header(&self) -> BlobHeader {
        self.header.clone()
    }

    /// The next content: at least one byte and at most so many; none at the end, once all of the blob is known to be as it
    /// was sealed.
    ///
    /// # Errors
    /// `blob.tampered`, `blob.truncated`, `blob.plaintext`; `binding.stream`, `binding.value`, `binding.closed`.
    pub fn read(&self, most: i32) -> Result<Vec<u8>, BlindtallyError> {
        let room = room(most)?;
        self.blob.work(|blob| read(blob, room))?
    }

    /// Wipes its key.
    ///
    /// # Errors
    /// `binding.busy`.
    pub fn wipe(&self) -> Result<(), BlindtallyError> {
        Ok(self.blob.wipe()?)
    }
}

/// Opens any part of a blob.
#[derive(uniffi::Object)]
pub struct BlobFile {
    header: BlobHeader,
    length: u64,
    blob: Single<blindtally::BlobFile<Source<Position>>>,
}

impl BlobFile {
    pub(crate) fn new(blob: blindtally::BlobFile<Source<Position>>, header: &blindtally::BlobHeader) -> Arc<Self> {
        Arc::new(Self { header: header.into(), length: blob.len(), blob: Single::new(blob) })
    }
}

#[uniffi::export]
impl BlobFile {
    /// What the blob says of itself.
    pub fn header(&self) -> BlobHeader {
        self.header.clone()
    }

    /// Bytes of content.
    pub fn length(&self) -> i64 {
        signed(self.length)
    }

    /// Content from that offset on: at least one byte and at most so many; none at the end.
    ///
    /// # Errors
    /// `blob.tampered`; `binding.stream`, `binding.value`, `binding.closed`.
    pub fn read_at(&self, offset: i64, most: i32) -> Result<Vec<u8>, BlindtallyError> {
        let (offset, room) = (narrow(offset)?, room(most)?);
        self.blob.work(|blob| {
            blob.seek(SeekFrom::Start(offset)).map_err(BlindtallyError::of_io)?;
            read(blob, room)
        })?
    }

    /// Wipes its key.
    ///
    /// # Errors
    /// `binding.busy`.
    pub fn wipe(&self) -> Result<(), BlindtallyError> {
        Ok(self.blob.wipe()?)
    }
}

/// How much may be read at once: no more memory than that is taken for it, however much is asked for.
const READ_MAX: usize = 1 << 20;

fn room(most: i32) -> Result<usize, Misuse> {
    let most: usize = narrow(most)?;
    if most == 0 { Err(Misuse::Value) } else { Ok(most.min(READ_MAX)) }
}

fn read(blob: &mut impl Read, room: usize) -> Result<Vec<u8>, BlindtallyError> {
    let mut content = vec![0; room];
    let read = blob.read(&mut content).map_err(BlindtallyError::of_io)?;
    content.truncate(read);
    Ok(content)
}
