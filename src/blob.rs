//! Blobs: files and streams of any length, sealed in chunks under a key of their device (SPEC.md#blob).
//!
//! [`BlobWriter`] and [`BlobReader`] stream in constant memory; [`BlobFile`] opens any part of a blob that can be sought
//! in; [`BlobSealer`] and [`BlobOpener`] are the same without I/O, piece by piece, for whoever has neither reader nor writer.

use core::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::chunked::{self, CHUNK, COMMITMENT_LEN, ChunkCipher, SALT_LEN, SEALED_CHUNK, TAG_LEN};
use crate::class::BlobClass;
use crate::error::{BlobError, ParseError};
use crate::id::{AccountId, BlobId, DeviceId, Epoch};
use crate::master_key::{DeviceKey, Scope, purpose_key};
use crate::secret::{self, Secret};
use crate::suite::{Kind, Suite};
use crate::wire::{Reader, Writer, padded_len_u64};

/// Most bytes of content: 1 TiB.
pub(crate) const CONTENT_MAX: u64 = 1 << 40;

/// What a blob says of itself in the clear. Not authentic before the blob's beginning has been checked with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobHeader {
    /// What it holds.
    pub class: BlobClass,
    /// The epoch of its key.
    pub epoch: Epoch,
    /// The device that sealed it.
    pub device: DeviceId,
    /// Its name.
    pub id: BlobId,
    /// When: Unix milliseconds of what it holds (SPEC.md#seq).
    pub seq: u64,
}

impl BlobHeader {
    /// Bytes of a header.
    pub const LEN: usize = 47;

    /// Parses a header.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Result<Self, ParseError> {
        Self::parse(bytes)
    }

    /// Looks at the fields in their order, of however many bytes there are.
    fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::artefact(bytes, Kind::Blob, Suite::Blob, BlobStart::LEN)?;
        Ok(Self {
            class: BlobClass::from_id(reader.u8()?)?,
            epoch: Epoch::new(reader.u16()?)?,
            device: DeviceId::from_bytes(reader.array()?),
            id: BlobId::from_bytes(reader.array()?),
            seq: reader.u64()?,
        })
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut out = Writer::artefact(Kind::Blob, Suite::Blob);
        out.put(&[self.class.id()]).u16(self.epoch.get());
        out.put(self.device.as_bytes()).put(self.id.as_bytes()).u64(self.seq);
        let mut bytes = [0; Self::LEN];
        bytes.copy_from_slice(out.as_slice());
        bytes
    }
}

/// Everything before a blob's first chunk: header, salt and commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobStart {
    header: BlobHeader,
    bytes: [u8; Self::LEN],
}

impl BlobStart {
    /// Bytes before the first chunk.
    pub const LEN: usize = BlobHeader::LEN + SALT_LEN + COMMITMENT_LEN;

    /// Bytes of a blob with `content` bytes of content.
    pub const fn blob_len(content: u64) -> u64 {
        Self::LEN as u64 + chunked::sealed_len(padded_len_u64(content))
    }

    /// Parses the first bytes of a blob.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Result<Self, ParseError> {
        Ok(Self { header: BlobHeader::parse(bytes)?, bytes: *bytes })
    }

    /// Reads and parses the first bytes of a blob.
    ///
    /// # Errors
    /// Those of `inner`, and [`BlobError`] within [`io::Error`].
    pub fn read(inner: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0; Self::LEN];
        let read = read_full(inner, &mut bytes)?;
        let start = if read < Self::LEN { Err(short_start(&bytes[..read])) } else { Self::from_bytes(&bytes) };
        start.map_err(|error| BlobError::Malformed(error).into())
    }

    /// Parses the first bytes of a whole blob in memory; the chunks are what is left.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn split(blob: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let (start, chunks) = blob.split_first_chunk().ok_or_else(|| short_start(blob))?;
        Ok((Self::from_bytes(start)?, chunks))
    }

    /// The header.
    pub fn header(&self) -> &BlobHeader {
        &self.header
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.bytes
    }

    fn salt(&self) -> [u8; SALT_LEN] {
        let mut salt = [0; SALT_LEN];
        salt.copy_from_slice(&self.bytes[BlobHeader::LEN..BlobHeader::LEN + SALT_LEN]);
        salt
    }

    fn commitment(&self) -> &[u8] {
        &self.bytes[BlobHeader::LEN + SALT_LEN..]
    }
}

/// What is wrong with a beginning that is too short.
fn short_start(bytes: &[u8]) -> ParseError {
    BlobHeader::parse(bytes).err().unwrap_or(ParseError::Truncated)
}

/// The key of one device for blobs of one class and epoch.
pub struct BlobKey {
    key: Secret<32>,
    class: BlobClass,
    scope: Scope,
    device: DeviceId,
}

impl BlobKey {
    /// From the device's key for a blob class.
    pub fn new(parent: &DeviceKey<BlobClass>) -> Self {
        let key = purpose_key(parent.secret(), "blob", Suite::Blob);
        Self { key, class: parent.class(), scope: parent.scope(), device: parent.device() }
    }

    /// The class.
    pub fn class(&self) -> BlobClass {
        self.class
    }

    /// The input key of chunked encryption, for a platform that seals or opens the chunks itself, as WebCrypto does. With
    /// it goes [`BlobKey::context`].
    pub fn input_key(&self) -> &Secret<32> {
        &self.key
    }

    /// The context of chunked encryption for a blob of this key.
    pub fn context(account: AccountId, header: &BlobHeader) -> Vec<u8> {
        [CONTEXT, account.as_bytes().as_slice(), &header.to_bytes()].concat()
    }

    /// Starts a blob; `seq` is the Unix time in milliseconds of what it holds.
    ///
    /// # Errors
    /// [`BlobError::Entropy`].
    pub fn sealer(&self, seq: u64) -> Result<BlobSealer, BlobError> {
        let id = BlobId::from_bytes(secret::random()?);
        let header = BlobHeader { class: self.class, epoch: self.scope.epoch, device: self.device, id, seq };
        let salt = secret::random()?;
        let (cipher, commitment) = self.cipher(&header, &salt);
        let mut bytes = [0; BlobStart::LEN];
        let (head, tail) = bytes.split_at_mut(BlobHeader::LEN);
        head.copy_from_slice(&header.to_bytes());
        tail[..SALT_LEN].copy_from_slice(&salt);
        tail[SALT_LEN..].copy_from_slice(&commitment);
        Ok(BlobSealer { start: BlobStart { header, bytes }, cipher, chunk: empty_chunk(), index: 0, length: 0 })
    }

    /// Starts to open a blob, once its commitment has been compared.
    ///
    /// # Errors
    /// [`BlobError::NoKey`] if this is not the key that made it, or its beginning was changed.
    pub fn opener(&self, start: &BlobStart) -> Result<BlobOpener, BlobError> {
        Ok(BlobOpener::new(self.check(start)?))
    }

    /// Opens a blob while it is read: `inner` stands behind its start.
    ///
    /// # Errors
    /// As [`BlobKey::opener`].
    pub fn reader<R: Read>(&self, start: &BlobStart, inner: R) -> Result<BlobReader<R>, BlobError> {
        Ok(BlobReader::new(inner, *start.header(), self.check(start)?))
    }

    /// The cipher of a blob, if this is the key that made it: no chunk is opened before (SPEC.md#blob-commitment).
    pub(crate) fn check(&self, start: &BlobStart) -> Result<ChunkCipher, BlobError> {
        let header = start.header();
        if (header.class, header.epoch, header.device) != (self.class, self.scope.epoch, self.device) {
            return Err(BlobError::NoKey);
        }
        let (cipher, commitment) = self.cipher(header, &start.salt());
        if bool::from(commitment.ct_eq(start.commitment())) { Ok(cipher) } else { Err(BlobError::NoKey) }
    }

    fn cipher(&self, header: &BlobHeader, salt: &[u8; SALT_LEN]) -> (ChunkCipher, [u8; COMMITMENT_LEN]) {
        ChunkCipher::derive(&self.key, salt, &[CONTEXT, self.scope.account.as_bytes(), &header.to_bytes()])
    }
}

const CONTEXT: &[u8] = b"blindtally/v1/blob";

/// Whether a blob may have a chunk of that number (SPEC.md#blob-too-long).
fn check_index(index: u64) -> Result<(), BlobError> {
    if index <= padded_len_u64(CONTENT_MAX) / CHUNK as u64 { Ok(()) } else { Err(BlobError::TooLong) }
}

impl fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobKey({:?}, {:?}, {}, ..)", self.class, self.scope, self.device)
    }
}

/// Room for what has come of a chunk: content when sealing, sealed bytes when opening. Wiped on drop.
fn empty_chunk() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(SEALED_CHUNK))
}

/// Seals a blob piece by piece, without I/O. The pieces of output, one after the other behind [`BlobSealer::start`], are
/// the blob; it is none before [`BlobSealer::finish`].
pub struct BlobSealer {
    start: BlobStart,
    cipher: ChunkCipher,
    chunk: Zeroizing<Vec<u8>>,
    index: u64,
    length: u64,
}

impl BlobSealer {
    /// What the blob begins with.
    pub fn start(&self) -> &BlobStart {
        &self.start
    }

    /// Takes a piece of content of any length; whatever is sealed by it is appended to `out`.
    ///
    /// # Errors
    /// [`BlobError::TooLong`] above 1 TiB in all; nothing of the piece is taken then.
    pub fn update(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), BlobError> {
        self.length = match self.length.checked_add(content.len() as u64) {
            Some(length @ ..=CONTENT_MAX) => length,
            _ => return Err(BlobError::TooLong),
        };
        self.push(content, out)
    }

    /// Seals the rest: padding, and the last chunk. `put` gets the pieces; the padding of a long stream is long.
    ///
    /// # Errors
    /// Those of `put`.
    pub fn finish<E: From<BlobError>>(mut self, mut put: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut out = Vec::with_capacity(2 * SEALED_CHUNK);
        self.push(&[0x80], &mut out)?;
        let mut zeros = padded_len_u64(self.length) - self.length - 1;
        while zeros > 0 {
            let some = zeros.min(CHUNK as u64);
            self.push(&[0; CHUNK][..some as usize], &mut out)?;
            put(&out)?;
            out.clear();
            zeros -= some;
        }
        self.seal_into(&[], &mut out)?;
        put(&out)
    }

    fn push(&mut self, mut content: &[u8], out: &mut Vec<u8>) -> Result<(), BlobError> {
        while self.chunk.len() + content.len() >= CHUNK {
            let (fits, rest) = content.split_at(CHUNK - self.chunk.len());
            self.seal_into(fits, out)?;
            content = rest;
        }
        self.chunk.extend_from_slice(content);
        Ok(())
    }

    /// Seals what has come so far, and `rest`, as one chunk.
    fn seal_into(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), BlobError> {
        let start = out.len();
        out.extend_from_slice(&self.chunk);
        out.extend_from_slice(rest);
        self.chunk.clear();
        let Some(tag) = self.cipher.seal(self.index, &mut out[start..]) else {
            // What is not sealed is not handed out.
            out.truncate(start);
            return Err(BlobError::TooLong);
        };
        out.extend_from_slice(&tag);
        self.index += 1;
        Ok(())
    }
}

impl fmt::Debug for BlobSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobSealer({}, {} bytes, ..)", self.start.header.id, self.length)
    }
}

/// Opens a blob piece by piece, without I/O. What it gives is authentic, but it is the whole content only once
/// [`BlobOpener::finish`] has succeeded.
pub struct BlobOpener {
    cipher: ChunkCipher,
    chunk: Zeroizing<Vec<u8>>,
    index: u64,
    padding: Padding,
    failed: Option<BlobError>,
}

impl BlobOpener {
    pub(crate) fn new(cipher: ChunkCipher) -> Self {
        Self { cipher, chunk: empty_chunk(), index: 0, padding: Padding::default(), failed: None }
    }

    /// Takes a piece, of any length, of what follows the blob's start; `put` gets the content that it authenticates, in
    /// pieces of at most 16 KiB.
    ///
    /// # Errors
    /// [`BlobError::Tampered`], [`BlobError::TooLong`], and those of `put`; after one, every call fails.
    pub fn update<E: From<BlobError>>(
        &mut self,
        mut sealed: &[u8],
        mut put: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        while self.chunk.len() + sealed.len() >= SEALED_CHUNK {
            let (fits, rest) = sealed.split_at(SEALED_CHUNK - self.chunk.len());
            self.chunk.extend_from_slice(fits);
            self.open_chunk(&mut put)?;
            sealed = rest;
        }
        self.chunk.extend_from_slice(sealed);
        Ok(())
    }

    /// Opens the last chunk, and checks that the blob ends as it should.
    ///
    /// # Errors
    /// [`BlobError::Truncated`], [`BlobError::Tampered`], [`BlobError::Plaintext`], and those of `put`.
    pub fn finish<E: From<BlobError>>(mut self, mut put: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        match self.failed {
            Some(error) => Err(error.into()),
            None if self.chunk.len() < TAG_LEN => Err(BlobError::Truncated.into()),
            None => {
                self.open_chunk(&mut put)?;
                Ok(self.padding.finish()?)
            }
        }
    }

    fn open_chunk<E: From<BlobError>>(&mut self, put: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        // Until all of the chunk has been given, what was given is no whole: SPEC.md#blob-stop, SPEC.md#blob-tampered.
        self.failed = Some(BlobError::Truncated);
        let opened = check_index(self.index)
            .and_then(|()| self.cipher.open(self.index, &mut self.chunk).ok_or(BlobError::Tampered));
        let length = opened.map_err(|error| *self.failed.insert(error))?;
        let (mut held, released) = self.padding.hold_back(&self.chunk[..length]);
        let mut piece = [0; CHUNK];
        while held.len() > 0 {
            let some = held.read(&mut piece);
            put(&piece[..some])?;
        }
        put(&self.chunk[..released])?;
        self.chunk.clear();
        self.index += 1;
        self.failed = None;
        Ok(())
    }
}

impl fmt::Debug for BlobOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobOpener(chunk {}, ..)", self.index)
    }
}

/// Tells content from padding in a stream whose end is not known: a byte 0x80 and the zeros after it are held back until
/// something else follows them (SPEC.md#blob-held-back, SPEC.md#blob-padding).
#[derive(Default)]
struct Padding {
    held: Held,
    released: u64,
}

/// A byte 0x80, if there is one, and zeros behind it.
#[derive(Clone, Copy, Default)]
struct Held {
    has_marker: bool,
    zeros: u64,
}

impl Padding {
    /// What was held back and turns out to be content, and how much of `plain` is content for sure.
    fn hold_back(&mut self, plain: &[u8]) -> (Held, usize) {
        match plain.iter().rposition(|&byte| byte != 0) {
            None if self.held.has_marker => {
                self.held.zeros += plain.len() as u64;
                (Held::default(), 0)
            }
            Some(last) if plain[last] == 0x80 => {
                self.release(last, Held { has_marker: true, zeros: (plain.len() - last - 1) as u64 })
            }
            _ => self.release(plain.len(), Held::default()),
        }
    }

    fn release(&mut self, content: usize, held: Held) -> (Held, usize) {
        let before = core::mem::replace(&mut self.held, held);
        self.released += before.len() + content as u64;
        (before, content)
    }

    fn finish(&self) -> Result<(), BlobError> {
        let is_minimal = self.held.has_marker && padded_len_u64(self.released) == self.released + self.held.len();
        if is_minimal { Ok(()) } else { Err(BlobError::Plaintext) }
    }
}

impl Held {
    fn len(self) -> u64 {
        u64::from(self.has_marker) + self.zeros
    }

    /// Moves as much as fits into `out`.
    fn read(&mut self, out: &mut [u8]) -> usize {
        let marker: &[u8] = if self.has_marker { &[0x80] } else { &[] };
        let zeros = self.zeros.min((out.len() - marker.len()) as u64) as usize;
        out[..marker.len()].copy_from_slice(marker);
        out[marker.len()..][..zeros].fill(0);
        *self = Self { has_marker: false, zeros: self.zeros - zeros as u64 };
        marker.len() + zeros
    }
}

/// Seals what is written to it, in constant memory. The blob is complete only after [`BlobWriter::finish`]; without it,
/// what was written does not open.
pub struct BlobWriter<W> {
    inner: W,
    sealer: BlobSealer,
    sealed: Vec<u8>,
    /// How much of `sealed` has been written.
    written: usize,
}

impl<W: Write> BlobWriter<W> {
    /// Writes to `inner`.
    ///
    /// # Errors
    /// Those of `inner`.
    pub fn new(sealer: BlobSealer, mut inner: W) -> io::Result<Self> {
        inner.write_all(sealer.start().as_bytes())?;
        Ok(Self { inner, sealer, sealed: Vec::with_capacity(AT_ONCE + SEALED_CHUNK), written: 0 })
    }

    /// The header.
    pub fn header(&self) -> &BlobHeader {
        self.sealer.start().header()
    }

    /// Completes the blob. `inner` is not flushed.
    ///
    /// # Errors
    /// Those of `inner`; the blob is incomplete then.
    pub fn finish(mut self) -> io::Result<W> {
        self.drain()?;
        let Self { mut inner, sealer, .. } = self;
        sealer.finish(|sealed| inner.write_all(sealed))?;
        Ok(inner)
    }

    /// Writes out what is sealed. After an error, a further call goes on where this one stopped.
    fn drain(&mut self) -> io::Result<()> {
        while self.written < self.sealed.len() {
            match self.inner.write(&self.sealed[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.sealed.clear();
        self.written = 0;
        Ok(())
    }
}

/// Most that a [`BlobWriter`] seals in one go.
const AT_ONCE: usize = 8 * CHUNK;

impl<W: Write> Write for BlobWriter<W> {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        self.drain()?;
        let some = &content[..content.len().min(AT_ONCE)];
        self.sealer.update(some, &mut self.sealed)?;
        Ok(some.len())
    }

    /// Hands on every chunk that is complete; the rest cannot be sealed yet.
    fn flush(&mut self) -> io::Result<()> {
        self.drain()?;
        self.inner.flush()
    }
}

impl<W> fmt::Debug for BlobWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobWriter({:?}, ..)", self.sealer)
    }
}

/// Opens a blob while it is read, in constant memory. What it gives is authentic, but it is the whole content only once
/// the end has been read without an error.
pub struct BlobReader<R> {
    inner: R,
    header: BlobHeader,
    cipher: ChunkCipher,
    index: u64,
    padding: Padding,
    /// A sealed chunk as far as it has come, or the content of an open one.
    chunk: Zeroizing<Vec<u8>>,
    filled: usize,
    held: Held,
    /// What of `chunk` is content to be given.
    content: core::ops::Range<usize>,
    ended: Option<Result<(), BlobError>>,
}

impl<R: Read> BlobReader<R> {
    pub(crate) fn new(inner: R, header: BlobHeader, cipher: ChunkCipher) -> Self {
        Self {
            inner,
            header,
            cipher,
            index: 0,
            padding: Padding::default(),
            chunk: Zeroizing::new(vec![0; SEALED_CHUNK]),
            filled: 0,
            held: Held::default(),
            content: 0..0,
            ended: None,
        }
    }

    /// The header: authentic, since the blob's beginning has been checked.
    pub fn header(&self) -> &BlobHeader {
        &self.header
    }

    /// Opens the next chunk.
    fn advance(&mut self) -> io::Result<()> {
        fill(&mut self.inner, &mut self.chunk, &mut self.filled)?;
        let sealed = core::mem::take(&mut self.filled);
        self.ended = match self.open_chunk(sealed) {
            Ok(()) => (sealed < SEALED_CHUNK).then(|| self.padding.finish()),
            Err(error) => Some(Err(error)),
        };
        self.index += 1;
        Ok(())
    }

    fn open_chunk(&mut self, sealed: usize) -> Result<(), BlobError> {
        check_index(self.index)?;
        if sealed < TAG_LEN {
            return Err(BlobError::Truncated);
        }
        let opened = self.cipher.open(self.index, &mut self.chunk[..sealed]);
        let length = opened.ok_or(BlobError::Tampered)?;
        let (held, content) = self.padding.hold_back(&self.chunk[..length]);
        (self.held, self.content) = (held, 0..content);
        Ok(())
    }
}

impl<R: Read> Read for BlobReader<R> {
    /// Fails with a [`BlobError`] within [`io::Error`], from then on every time, where the blob is not as it was sealed.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if out.is_empty() {
                return Ok(0);
            }
            if self.held.len() > 0 {
                return Ok(self.held.read(out));
            }
            if !self.content.is_empty() {
                let fits = self.content.len().min(out.len());
                out[..fits].copy_from_slice(&self.chunk[self.content.start..][..fits]);
                self.content.start += fits;
                return Ok(fits);
            }
            match self.ended {
                Some(Ok(())) => return Ok(0),
                Some(Err(error)) => return Err(error.into()),
                None => self.advance()?,
            }
        }
    }
}

impl<R> fmt::Debug for BlobReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobReader({}, chunk {}, ..)", self.header.id, self.index)
    }
}

/// Opens any part of a blob that can be sought in. Its length is authenticated first, each chunk when it is read.
pub struct BlobFile<R> {
    inner: R,
    header: BlobHeader,
    cipher: ChunkCipher,
    /// Where the chunks begin in `inner`, and how many bytes they have.
    base: u64,
    sealed: u64,
    /// Bytes of content.
    length: u64,
    position: u64,
    chunk: Zeroizing<Vec<u8>>,
    /// Which chunk is open, and how many bytes it has.
    open: Option<(u64, usize)>,
}

impl<R: Read + Seek> BlobFile<R> {
    /// The blob that ends where `inner` ends; `inner` stands behind its start. Its end has yet to be found.
    pub(crate) fn new(mut inner: R, header: BlobHeader, cipher: ChunkCipher) -> io::Result<Self> {
        let base = inner.stream_position()?;
        let sealed = inner.seek(SeekFrom::End(0))?.saturating_sub(base);
        let chunk = Zeroizing::new(vec![0; SEALED_CHUNK]);
        Ok(Self { inner, header, cipher, base, sealed, length: 0, position: 0, chunk, open: None })
    }

    /// Finds the end of the content, from the last chunk back to the byte before the padding.
    pub(crate) fn find_end(&mut self) -> io::Result<()> {
        let (plain, chunks) = chunked::content_len(self.sealed).ok_or(BlobError::Truncated)?;
        check_index(chunks - 1)?;
        for index in (0..chunks).rev() {
            if let Some(last) = self.load(index)?.iter().rposition(|&byte| byte != 0) {
                self.length = index * CHUNK as u64 + last as u64;
                let is_minimal = self.chunk[last] == 0x80 && padded_len_u64(self.length) == plain;
                return if is_minimal { Ok(()) } else { Err(BlobError::Plaintext.into()) };
            }
        }
        Err(BlobError::Plaintext.into())
    }

    /// Takes all there is of a blob whose end cannot be found, padding and all.
    pub(crate) fn take_the_rest(&mut self) {
        self.length = match chunked::content_len(self.sealed) {
            Some((plain, _)) => plain,
            None => self.sealed / SEALED_CHUNK as u64 * CHUNK as u64,
        };
    }

    /// The content of one chunk.
    fn load(&mut self, index: u64) -> io::Result<&[u8]> {
        let length = match self.open {
            Some((open, length)) if open == index => length,
            _ => {
                self.open = None;
                let at = index * SEALED_CHUNK as u64;
                let expected = self.sealed.saturating_sub(at).min(SEALED_CHUNK as u64) as usize;
                self.inner.seek(SeekFrom::Start(self.base + at))?;
                self.inner.read_exact(&mut self.chunk[..expected])?;
                let opened = self.cipher.open(index, &mut self.chunk[..expected]);
                let length = opened.ok_or(BlobError::Tampered)?;
                self.open = Some((index, length));
                length
            }
        };
        Ok(&self.chunk[..length])
    }
}

impl<R> BlobFile<R> {
    /// The header: authentic, since the blob's beginning has been checked.
    pub fn header(&self) -> &BlobHeader {
        &self.header
    }

    /// Bytes of content.
    #[expect(clippy::len_without_is_empty, reason = "an empty blob is nothing special")]
    pub fn len(&self) -> u64 {
        self.length
    }
}

impl<R: Read + Seek> Read for BlobFile<R> {
    /// Fails with [`BlobError::Tampered`] within [`io::Error`] where a chunk does not open; elsewhere it reads on.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || self.position >= self.length {
            return Ok(0);
        }
        let rest = self.length - self.position;
        let within = (self.position % CHUNK as u64) as usize;
        let chunk = self.load(self.position / CHUNK as u64)?;
        let content = chunk.get(within..).unwrap_or_default();
        let fits = content.len().min(out.len()).min(usize::try_from(rest).unwrap_or(usize::MAX));
        out[..fits].copy_from_slice(&content[..fits]);
        self.position += fits as u64;
        Ok(fits)
    }
}

impl<R: Read + Seek> Seek for BlobFile<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl<R> fmt::Debug for BlobFile<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobFile({}, {} bytes, ..)", self.header.id, self.length)
    }
}

/// Reads until `out` is full or the end; how many bytes came.
fn read_full(inner: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    fill(inner, out, &mut filled)?;
    Ok(filled)
}

/// Reads on until `out` is full or the end. After an error, a further call goes on where this one stopped.
fn fill(inner: &mut impl Read, out: &mut [u8], filled: &mut usize) -> io::Result<()> {
    while *filled < out.len() {
        match inner.read(&mut out[*filled..]) {
            Ok(0) => break,
            Ok(read) => *filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn cipher() -> ChunkCipher {
        ChunkCipher::derive(&Secret::copy_of(&[1; 32]), &[2; SALT_LEN], &[]).0
    }

    /// SPEC.md#blob-too-long: 2^26 + 2^20 + 1 chunks, however right the next one is.
    #[test]
    fn no_reader_opens_a_chunk_behind_the_last_that_a_blob_may_have() {
        const CHUNKS: u64 = (1 << 26) + (1 << 20) + 1;
        for (index, expected) in [(CHUNKS - 1, Ok(())), (CHUNKS, Err(BlobError::TooLong))] {
            let mut chunk = *b"x\x80";
            let tag = cipher().seal(index, &mut chunk).unwrap();
            let sealed = [&chunk[..], &tag].concat();

            let mut opener = BlobOpener { index, ..BlobOpener::new(cipher()) };
            let mut released = Vec::new();
            let mut put = |piece: &[u8]| -> Result<(), BlobError> {
                released.extend_from_slice(piece);
                Ok(())
            };
            opener.update(&sealed, &mut put).unwrap();
            assert_eq!(opener.open_chunk(&mut put), expected);
            assert_eq!(released.is_empty(), expected.is_err());

            let header = BlobHeader {
                class: BlobClass::CAMERA,
                epoch: Epoch::FIRST,
                device: DeviceId::from_bytes([0; 16]),
                id: BlobId::from_bytes([0; 16]),
                seq: 0,
            };
            let mut reader = BlobReader { index, ..BlobReader::new(&sealed[..], header, cipher()) };
            let mut read = Vec::new();
            let code = reader.read_to_end(&mut read).map_err(|error| crate::Error::from_io(&error).unwrap().code());
            // The last chunk that may be is too short for so long a content's padding.
            assert_eq!(code, Err(if expected.is_ok() { "blob.plaintext" } else { "blob.too-long" }));
            assert_eq!(read.is_empty(), expected.is_err());
        }
    }

    #[test]
    fn a_writer_takes_no_byte_above_the_limit() {
        let key = BlobKey::new(
            &crate::MasterKey::generate()
                .unwrap()
                .epoch_key(Scope { account: AccountId::from_bytes([0; 16]), epoch: Epoch::FIRST })
                .class_key(BlobClass::CAMERA)
                .device_key(DeviceId::from_bytes([0; 16])),
        );
        let mut sealer = BlobSealer { length: CONTENT_MAX - 1, ..key.sealer(0).unwrap() };
        assert_eq!(sealer.update(b"xy", &mut Vec::new()), Err(BlobError::TooLong));
    }
}
