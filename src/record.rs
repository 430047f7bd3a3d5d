//! Records: values that are only kept, sealed with a random nonce under a key of their device (SPEC.md#record).
//!
//! An agent also uses them for itself: until its keys arrive it queues values as records of epoch 0, under a random key
//! that never leaves the device.

use core::fmt;

use crate::aead;
use crate::class::{AnyClass, RecordClass};
use crate::error::{ParseError, RecordError};
use crate::id::{AccountId, DeviceId};
use crate::master_key::{DeviceKey, purpose_key};
use crate::secret::{self, Secret};
use crate::suite::Suite;
use crate::wire::{self, Reader, Writer};

/// Longest value in bytes: 1 MiB.
pub(crate) const VALUE_MAX: usize = 1 << 20;
const PREFIX: &str = "br1_";
const HEADER_LEN: usize = 4 + 16 + 8;
const NONCE_LEN: usize = 12;
const MAX_LEN: usize = HEADER_LEN + NONCE_LEN + wire::padded_len(VALUE_MAX) + aead::TAG_LEN;
const MAX_TEXT_LEN: usize = PREFIX.len() + (MAX_LEN * 4).div_ceil(3);

/// A sealed record.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    bytes: Vec<u8>,
    class: AnyClass,
    epoch: u16,
    device: DeviceId,
    seq: u64,
}

impl Record {
    /// Parses the binary form: length, class, epoch and padding block are checked, the content is not opened.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_LEN {
            return Err(ParseError::TooLong);
        }
        let mut reader = Reader::new(bytes);
        if reader.u8()? != Suite::Record as u8 {
            return Err(ParseError::Suite);
        }
        let class = AnyClass::from_id(reader.u8()?)?;
        let epoch = reader.u16()?;
        // SPEC.md#queue-class
        let sealable = match class {
            AnyClass::Record(_) => true,
            AnyClass::Token(_) => epoch == 0,
            AnyClass::Blob(_) => false,
        };
        if !sealable {
            return Err(ParseError::Value);
        }
        let device = DeviceId::from_bytes(reader.array()?);
        let seq = reader.u64()?;
        reader.take(NONCE_LEN)?;
        let sealed = reader.rest().len();
        if sealed < 16 + aead::TAG_LEN {
            return Err(ParseError::Truncated);
        }
        // A padded length is one that the longest value it could hold is padded to: SPEC.md#record-length.
        let padded = sealed - aead::TAG_LEN;
        if wire::padded_len(padded - 1) != padded {
            return Err(ParseError::Value);
        }
        Ok(Self { bytes: bytes.to_vec(), class, epoch, device, seq })
    }

    /// Parses the text form, `br1_` and base64url.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(ParseError::TooLong);
        }
        Self::from_bytes(&wire::decode_text(PREFIX, text)?)
    }

    /// The binary form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The class: a record class, or in an agent's own queue a token class.
    pub fn class(&self) -> AnyClass {
        self.class
    }

    /// The device that sealed it.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// The sequence number it was sealed with.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The epoch's number; 0 in an agent's own queue.
    pub fn epoch(&self) -> u16 {
        self.epoch
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&wire::encode_text(PREFIX, &self.bytes))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({:?}, epoch {}, {}, seq {})", self.class, self.epoch, self.device, self.seq)
    }
}

/// The key of one device for records of one class and epoch, or for its own queue.
pub struct RecordKey {
    key: Secret<32>,
    account: AccountId,
    device: DeviceId,
    /// `None` for the queue, which takes every class that its agent would seal later.
    scope: Option<(RecordClass, u16)>,
}

impl RecordKey {
    /// From the device's key for a record class.
    pub fn new(parent: &DeviceKey<RecordClass>) -> Self {
        Self {
            key: purpose_key(parent.secret(), "record", Suite::Record),
            account: parent.scope().account,
            device: parent.device(),
            scope: Some((parent.class(), parent.scope().epoch.get())),
        }
    }

    /// The key of an agent's own queue, from its random queue key.
    pub(crate) fn queue(queue_key: &Secret<32>, account: AccountId, device: DeviceId) -> Self {
        Self { key: purpose_key(queue_key, "record", Suite::Record), account, device, scope: None }
    }

    /// Seals one value of up to 1 MiB; `seq` orders the device's records.
    ///
    /// # Errors
    /// [`RecordError::TooLong`], [`RecordError::NoKey`] for a class that this key is not for.
    pub fn seal(&self, class: AnyClass, value: &str, seq: u64) -> Result<Record, RecordError> {
        let epoch = match (self.scope, class) {
            (Some((own, epoch)), AnyClass::Record(class)) if own == class => epoch,
            (None, AnyClass::Token(_) | AnyClass::Record(_)) => 0,
            _ => return Err(RecordError::NoKey),
        };
        if value.len() > VALUE_MAX {
            return Err(RecordError::TooLong);
        }
        let nonce = secret::random::<NONCE_LEN>()?;
        let mut out = Writer::new();
        out.put(&[Suite::Record as u8, class.id()]).u16(epoch).put(self.device.as_bytes()).u64(seq);
        let aad = self.aad(out.as_slice());
        let sealed = aead::seal(&self.key, &nonce, &wire::pad(value.as_bytes()), &aad)?;
        out.put(&nonce).put(&sealed);
        Ok(Record { bytes: out.into_public(), class, epoch, device: self.device, seq })
    }

    /// Opens a record of this device, class and epoch.
    ///
    /// # Errors
    /// [`RecordError::NoKey`] for a record of another, [`RecordError::Tampered`] for a damaged one.
    pub fn open(&self, record: &Record) -> Result<zeroize::Zeroizing<String>, RecordError> {
        let own = match self.scope {
            Some((class, epoch)) => (class.id(), epoch) == (record.class.id(), record.epoch),
            None => record.epoch == 0,
        };
        if !own || record.device != self.device {
            return Err(RecordError::NoKey);
        }
        let mut reader = Reader::new(&record.bytes);
        let aad = self.aad(reader.take(HEADER_LEN)?);
        let nonce = reader.array()?;
        let padded = aead::open(&self.key, &nonce, reader.rest(), &aad).ok_or(RecordError::Tampered)?;
        let value = wire::unpad(&padded).ok_or(RecordError::Plaintext)?;
        let text = core::str::from_utf8(value).map_err(|_| RecordError::Plaintext)?;
        Ok(zeroize::Zeroizing::new(text.to_owned()))
    }

    fn aad(&self, header: &[u8]) -> Vec<u8> {
        [b"blindtally/v1/record", self.account.as_bytes().as_slice(), header].concat()
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordKey({:?}, {}, ..)", self.scope, self.device)
    }
}
