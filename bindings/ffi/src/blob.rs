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

    /// Takes all of the content. If that fails, nobody knows how much the output took: the blob is given up.
    ///
    /// # Errors
    /// `binding.stream`, `blob.too-long`, `binding.closed`, `binding.busy`.
    pub fn write(&self, content: Vec<u8>) -> Result<(), BlindtallyError> {
        let content = zeroize::Zeroizing::new(content);
        self.blob.work_or_wipe(|blob| blob.write_all(&content))?.map_err(BlindtallyError::of_io)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::collections::BTreeSet;
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Mutex, OnceLock};
    use std::time::Duration;

    use super::*;
    use crate::agent::{Agent, enroll};
    use crate::enrollment::Inspection;
    use crate::identity::Identity;
    use crate::owner::{Owner, create_account};
    use crate::password::Kdf;
    use crate::stream::{Output, RandomInput, StreamError};

    fn owner() -> Arc<Owner> {
        static OWNER: OnceLock<Arc<Owner>> = OnceLock::new();
        let made = || {
            let (kdf, identity) = (Kdf::Pbkdf2 { iterations: 600_000 }, Identity::generate(2048).unwrap());
            let (login, password) = ("anna@example.com".to_owned(), b"correct horse battery staple".to_vec());
            create_account(login, password, Some(kdf), None, Some(identity), None).unwrap().owner
        };
        OWNER.get_or_init(made).clone()
    }

    fn agent() -> Arc<Agent> {
        let ticket = owner().issue_ticket(1, None, None).unwrap();
        let enrolled = enroll(ticket, "pc".to_owned(), Some(Identity::generate(2048).unwrap())).unwrap();
        let Inspection::Verified { request } = owner().inspect(enrolled.request, None).unwrap() else { panic!() };
        let outbox = owner().approve(request, None).unwrap().committed().unwrap();
        enrolled.pending.accept(outbox.deliveries[0].message.clone()).unwrap()
    }

    fn code<T>(result: Result<T, BlindtallyError>) -> String {
        result.err().map_or_else(String::new, |error| error.to_string().split(": ").next().unwrap().to_owned())
    }

    /// What it is written to; each write first has another thread change the account, and says when that is done.
    #[derive(Default)]
    struct Changing {
        written: Mutex<Vec<u8>>,
        stuck: Mutex<Option<Sender<()>>>,
    }

    impl Output for Changing {
        fn write(&self, bytes: Vec<u8>) -> Result<(), StreamError> {
            let (done, changed) = channel();
            std::thread::spawn(move || {
                owner().rotate(None).unwrap();
                _ = done.send(());
            });
            if changed.recv_timeout(Duration::from_secs(60)).is_err() {
                self.stuck.lock().unwrap().take().unwrap().send(()).unwrap();
            }
            self.written.lock().unwrap().extend(bytes);
            Ok(())
        }
    }

    #[test]
    fn an_output_can_change_the_account_whose_archive_it_takes() {
        let (stuck, found) = channel();
        let output = Arc::new(Changing { stuck: Mutex::new(Some(stuck)), ..Changing::default() });
        let writer = owner().archive_writer(output.clone(), None).unwrap();
        writer.add("a".to_owned(), vec![1; 100_000], None).unwrap();
        writer.finish().unwrap();
        assert!(found.try_recv().is_err());
        let written = output.written.lock().unwrap().clone();
        let archive =
            owner().opening_keys().open_archive(Arc::new(Memory { length: written.len() as i64, written })).unwrap();
        assert_eq!(archive.read(0).unwrap(), vec![1; 100_000]);
    }

    struct Memory {
        written: Vec<u8>,
        length: i64,
    }

    impl RandomInput for Memory {
        fn length(&self) -> Result<i64, StreamError> {
            Ok(self.length)
        }

        fn read_at(&self, offset: i64, most: i32) -> Result<Vec<u8>, StreamError> {
            let rest = self.written.get(offset as usize..).unwrap_or_default();
            Ok(rest[..rest.len().min(most as usize)].to_vec())
        }
    }

    #[test]
    fn an_archive_of_more_bytes_than_there_are_is_not_searched_for_them() {
        let output = Arc::new(Kept::default());
        let writer = owner().archive_writer(output.clone(), None).unwrap();
        writer.add("a".to_owned(), vec![1; 100], None).unwrap();
        writer.finish().unwrap();
        let written = output.0.lock().unwrap().clone();
        let opened = |length| {
            let input = Arc::new(Memory { length, written: written.clone() });
            assert_ne!(code(owner().opening_keys().blob_file(input.clone())), "");
            code(owner().opening_keys().open_archive(input))
        };
        assert_eq!(opened(written.len() as i64 + (1 << 20)), "binding.stream");
        // A length that no blob can have counts as damage, and what is damaged is looked through for what is not.
        let codes: BTreeSet<_> = (0..16 * 1024 + 16).step_by(15).map(|less| opened(i64::MAX - less)).collect();
        assert_eq!(codes.iter().collect::<Vec<_>>(), ["binding.stream", "blob.too-long"]);
    }

    #[derive(Default)]
    struct Kept(Mutex<Vec<u8>>);

    impl Output for Kept {
        fn write(&self, bytes: Vec<u8>) -> Result<(), StreamError> {
            self.0.lock().unwrap().extend(bytes);
            Ok(())
        }
    }

    /// Takes the beginning of a blob, and calls back into the writer for what follows before it fails.
    #[derive(Default)]
    struct Failing {
        writer: OnceLock<Arc<BlobWriter>>,
        codes: Mutex<Vec<String>>,
    }

    impl Output for Failing {
        fn write(&self, _: Vec<u8>) -> Result<(), StreamError> {
            let Some(writer) = self.writer.get() else { return Ok(()) };
            let mut codes = self.codes.lock().unwrap();
            codes.extend([code(writer.write(vec![1])), code(writer.finish()), code(writer.wipe())]);
            Err(StreamError::Failed { reason: "full".to_owned() })
        }
    }

    #[test]
    fn a_writer_whose_output_failed_is_given_up_and_one_that_is_called_back_is_busy() {
        let output = Arc::new(Failing::default());
        let writer = agent().blob_writer(BlobClass::Screenshot, output.clone(), None).unwrap();
        output.writer.get_or_init(|| writer.clone());
        assert_eq!(code(writer.write(vec![1; 1 << 20])), "binding.stream");
        assert_eq!(*output.codes.lock().unwrap(), ["binding.busy"; 3]);
        assert_eq!(code(writer.write(vec![1])), "binding.closed");
        assert_eq!(code(writer.finish()), "binding.closed");
    }
}
