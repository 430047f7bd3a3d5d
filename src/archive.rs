//! Archives: files of an account in one blob, as a tar with a manifest that the account signs (SPEC.md#archive).

use core::fmt;
use core::ops::Bound;
use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

use crate::blob::{BlobFile, BlobSealer, BlobWriter};
use crate::chunked::CHUNK;
use crate::error::{ArchiveError, BlobError, Error, ParseError};
use crate::id::AccountId;
use crate::identity::{Fingerprint, PublicIdentity, RSA_MAX, SPKI_MAX, signed_message};
use crate::suite::{Kind, Suite};
use crate::time::Timestamp;
use crate::wire::{Reader, Writer};

const FILES_MAX: usize = 1 << 18;
const MANIFEST_MAX: usize = 48 << 20;
/// Sizes and times are eleven octal digits.
const OCTAL_MAX: u64 = (1 << 33) - 1;
const PATH_MAX: usize = 100;
const MANIFEST_PATH: &str = "blindtally.manifest";
const BLOCK: usize = 512;
/// What a tar ends with.
const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// A file of an archive, as the manifest, or without one its own header, describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedFile {
    path: String,
    modified: u64,
    length: u64,
    /// `None` for a file that no manifest lists.
    hash: Option<[u8; 32]>,
    /// Where its header stands in the tar.
    at: u64,
}

impl ArchivedFile {
    /// Its path: segments of ASCII letters, digits, `-`, `_` and `.`, joined by `/`, which every system takes and which
    /// lead nowhere but down.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// When its content was last changed, in whole seconds.
    pub fn modified(&self) -> Timestamp {
        Timestamp::from_unix_secs(self.modified)
    }

    /// Bytes of content.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// SHA-256 of the content, as the account signed it; `None` for a file that no manifest lists.
    pub fn hash(&self) -> Option<&[u8; 32]> {
        self.hash.as_ref()
    }

    fn header(&self) -> [u8; BLOCK] {
        header(&self.path, self.modified, self.length)
    }

    fn content_at(&self) -> u64 {
        self.at + BLOCK as u64
    }

    /// Where the next header stands.
    fn end(&self) -> u64 {
        self.content_at() + self.length.next_multiple_of(BLOCK as u64)
    }
}

/// An archive of which nothing has been written.
#[must_use = "nothing has been written"]
pub struct ArchiveStart {
    sealer: BlobSealer,
    account: AccountId,
    owner: PublicIdentity,
    made: Timestamp,
}

impl ArchiveStart {
    pub(crate) fn new(sealer: BlobSealer, account: AccountId, owner: PublicIdentity, made: Timestamp) -> Self {
        Self { sealer, account, owner, made }
    }

    /// Writes to `inner`.
    ///
    /// # Errors
    /// Those of `inner`.
    pub fn writer<W: Write>(self, inner: W) -> io::Result<ArchiveWriter<W>> {
        let Self { sealer, account, owner, made } = self;
        Ok(ArchiveWriter::new(BlobWriter::new(sealer, inner)?, account, owner, made))
    }
}

impl fmt::Debug for ArchiveStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArchiveStart({}, ..)", self.account)
    }
}

/// Writes an archive file by file. It is one only after [`ArchiveWriter::finish`]; without it, what was written opens as
/// an archive that was cut off.
pub struct ArchiveWriter<W> {
    blob: BlobWriter<W>,
    account: AccountId,
    owner: PublicIdentity,
    made: Timestamp,
    files: Vec<ArchivedFile>,
    /// What the manifest says of them.
    lines: Writer,
    paths: Paths,
    /// Bytes of the tar so far.
    position: u64,
    /// An error in the middle of a file: the tar cannot go on behind it.
    broken: bool,
}

impl<W: Write> ArchiveWriter<W> {
    fn new(blob: BlobWriter<W>, account: AccountId, owner: PublicIdentity, made: Timestamp) -> Self {
        let (files, lines, paths) = (Vec::new(), Writer::new(), Paths::default());
        Self { blob, account, owner, made, files, lines, paths, position: 0, broken: false }
    }

    /// Adds a file of exactly `length` bytes.
    ///
    /// # Errors
    /// Those of `content` and of the writer. Within [`io::Error`]: [`ArchiveError::Path`], [`ArchiveError::TooMany`] and
    /// [`ArchiveError::TooLong`] before anything has been written; [`ArchiveError::TooLong`] also if `content` has another
    /// length, after which the archive cannot be completed.
    pub fn add(&mut self, path: &str, modified: Timestamp, length: u64, content: impl Read) -> io::Result<()> {
        let modified = modified.unix_secs();
        if self.broken || length > OCTAL_MAX || modified > OCTAL_MAX {
            return Err(ArchiveError::TooLong.into());
        }
        if self.files.len() == FILES_MAX {
            return Err(ArchiveError::TooMany.into());
        }
        self.paths.insert(path)?;
        self.broken = true;
        self.blob.write_all(&header(path, modified, length))?;
        let mut hash = Sha256::new();
        let copied = copy(content.take(length + 1), |piece| {
            hash.update(piece);
            self.blob.write_all(piece)
        })?;
        if copied != length {
            return Err(ArchiveError::TooLong.into());
        }
        self.blob.write_all(filler(length))?;
        self.broken = false;
        let hash: [u8; 32] = hash.finalize().into();
        self.lines.lp(path.as_bytes()).u64(modified).u64(length).put(&hash);
        let file = ArchivedFile { path: path.to_owned(), modified, length, hash: Some(hash), at: self.position };
        self.position = file.end();
        self.files.push(file);
        Ok(())
    }

    /// The files so far.
    pub fn files(&self) -> &[ArchivedFile] {
        &self.files
    }

    /// Signs the manifest and completes the archive. The writer is not flushed.
    ///
    /// # Errors
    /// Those of the writer; within [`io::Error`] [`ArchiveError::Rsa`], [`ArchiveError::Signature`] if `owner` is of another
    /// account, and [`ArchiveError::TooLong`] after an error in the middle of a file.
    #[cfg(feature = "rsa-private")]
    pub fn finish(self, owner: &crate::Owner) -> io::Result<W> {
        let unsigned = self.manifest()?;
        let signature = unsigned.sign(owner)?;
        unsigned.finish(&signature)
    }

    /// Starts [`ArchiveWriter::finish`] for a platform that signs.
    ///
    /// # Errors
    /// As [`ArchiveWriter::finish`].
    pub fn manifest(self) -> io::Result<UnsignedArchive<W>> {
        if self.broken {
            return Err(ArchiveError::TooLong.into());
        }
        let mut manifest = Writer::artefact(Kind::ArchiveManifest, Suite::Archive);
        manifest.put(self.account.as_bytes()).u64(self.made.unix_millis());
        manifest.lp(self.owner.encryption_spki()).lp(self.owner.signing_spki()).u32(self.files.len() as u32);
        manifest.put(self.lines.as_slice());
        Ok(UnsignedArchive { archive: self, manifest: manifest.into_public() })
    }
}

impl<W> fmt::Debug for ArchiveWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArchiveWriter({}, {} files, ..)", self.account, self.files.len())
    }
}

/// An archive whose manifest has yet to be signed.
#[must_use = "an archive without a manifest opens as one that was cut off"]
pub struct UnsignedArchive<W> {
    archive: ArchiveWriter<W>,
    manifest: Vec<u8>,
}

impl<W: Write> UnsignedArchive<W> {
    /// The exact bytes to sign: RSASSA-PSS-SHA-256 with the account's signing key and a salt of 32 bytes.
    pub fn message(&self) -> Vec<u8> {
        signed_message("archive", &[&self.manifest])
    }

    /// Signs them with the owner's key.
    ///
    /// # Errors
    /// [`ArchiveError::Rsa`].
    #[cfg(feature = "rsa-private")]
    pub fn sign(&self, owner: &crate::Owner) -> Result<Vec<u8>, ArchiveError> {
        owner.identity().sign(&self.message()).map_err(|_| ArchiveError::Rsa)
    }

    /// Completes the archive. The writer is not flushed.
    ///
    /// # Errors
    /// Those of the writer; [`ArchiveError::Signature`] within [`io::Error`] if the signature does not verify.
    pub fn finish(self, signature: &[u8]) -> io::Result<W> {
        if !self.archive.owner.verifies(&self.message(), signature) {
            return Err(ArchiveError::Signature.into());
        }
        let Self { archive: ArchiveWriter { mut blob, made, position, .. }, manifest } = self;
        let mut content = Writer::new();
        content.put(&manifest).lp(signature);
        content.put(filler(content.as_slice().len() as u64 + 8)).u64(position);
        blob.write_all(&header(MANIFEST_PATH, made.unix_secs().min(OCTAL_MAX), content.as_slice().len() as u64))?;
        blob.write_all(content.as_slice())?;
        blob.write_all(&END)?;
        blob.finish()
    }
}

impl<W> fmt::Debug for UnsignedArchive<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unsigned{:?}", self.archive)
    }
}

/// An opened archive. A damaged one opens too: each file is intact or is not.
pub struct Archive<R> {
    file: BlobFile<R>,
    listing: Listing,
    files: Vec<ArchivedFile>,
}

/// How it is known which files an archive has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// By the manifest that the account signed: there were these files and no others.
    Signed {
        /// When the archive was made, by the clock of whoever made it.
        made: Timestamp,
    },
    /// The manifest is lost: by the files' own headers. Each file is authentic as far as it opens, but others may be
    /// missing, and next to damage the inside of one file may show as another.
    Unlisted,
}

impl<R: Read + Seek> Archive<R> {
    pub(crate) fn open(mut file: BlobFile<R>, account: AccountId, fingerprint: Fingerprint) -> io::Result<Self> {
        let manifest = file.find_end().and_then(|()| read_manifest(&mut file, account, fingerprint));
        let (listing, files) = match unless_damaged(manifest)? {
            Some((made, files)) => (Listing::Signed { made }, files),
            None => {
                file.take_the_rest();
                (Listing::Unlisted, walk(&mut file)?)
            }
        };
        Ok(Self { file, listing, files })
    }

    /// Writes the content of the file of that number to `out`, if it is intact: only after this has succeeded is what was
    /// written the file.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] and [`ArchiveError::NoFile`] within [`io::Error`]; those of the archive's reader and of
    /// `out`.
    pub fn copy(&mut self, number: usize, out: &mut impl Write) -> io::Result<()> {
        let file = self.files.get(number).ok_or(ArchiveError::NoFile)?;
        self.file.seek(SeekFrom::Start(file.at))?;
        let mut block = [0; BLOCK];
        read_exact(&mut self.file, &mut block)?;
        let mut is_intact = block == file.header();
        let mut hash = Sha256::new();
        let mut rest = file.length;
        let mut piece = zeroize::Zeroizing::new([0; CHUNK]);
        while rest > 0 {
            let some = rest.min(CHUNK as u64) as usize;
            read_exact(&mut self.file, &mut piece[..some])?;
            hash.update(&piece[..some]);
            out.write_all(&piece[..some])?;
            rest -= some as u64;
        }
        let filler = filler(file.length);
        read_exact(&mut self.file, &mut block[..filler.len()])?;
        is_intact &= block[..filler.len()] == *filler;
        is_intact &= file.hash.is_none_or(|stated| <[u8; 32]>::from(hash.finalize()) == stated);
        if is_intact { Ok(()) } else { Err(ArchiveError::Damaged.into()) }
    }

    /// Whether the file of that number is intact.
    ///
    /// # Errors
    /// As [`Archive::copy`].
    pub fn check(&mut self, number: usize) -> io::Result<()> {
        self.copy(number, &mut io::sink())
    }
}

impl<R> Archive<R> {
    /// Its files, in the order of the tar.
    pub fn files(&self) -> &[ArchivedFile] {
        &self.files
    }

    /// How it is known which files there are.
    pub fn listing(&self) -> Listing {
        self.listing
    }

    /// The decrypted tar, for as far as it opens.
    pub fn tar(&mut self) -> &mut BlobFile<R> {
        &mut self.file
    }
}

impl<R> fmt::Debug for Archive<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Archive({:?}, {} files, ..)", self.listing, self.files.len())
    }
}

type Manifest = (Timestamp, Vec<ArchivedFile>);

/// The manifest at the end of the tar, checked (SPEC.md#archive-manifest).
fn read_manifest<R: Read + Seek>(
    tar: &mut BlobFile<R>,
    account: AccountId,
    fingerprint: Fingerprint,
) -> io::Result<Manifest> {
    let end = tar.len().checked_sub(END.len() as u64).ok_or(ArchiveError::Layout)?;
    let mut start = [0; 8];
    tar.seek(SeekFrom::Start(end.checked_sub(8).ok_or(ArchiveError::Layout)?))?;
    tar.read_exact(&mut start)?;
    let start = u64::from_be_bytes(start);
    let length =
        end.checked_sub(start).and_then(|length| length.checked_sub(BLOCK as u64)).ok_or(ArchiveError::Layout)?;
    if length > MANIFEST_MAX as u64 {
        return Err(ArchiveError::Malformed(ParseError::TooLong).into());
    }
    let mut entry = vec![0; BLOCK + length as usize + END.len()];
    tar.seek(SeekFrom::Start(start))?;
    tar.read_exact(&mut entry)?;
    let (content, zeros) = entry[BLOCK..].split_at(length as usize);
    let (made, files, padding) = parse_manifest(content, account, fingerprint)?;
    let modified = made.unix_secs().min(OCTAL_MAX);
    let fills = files.last().map_or(0, ArchivedFile::end) == start;
    let is_written_so = entry[..BLOCK] == header(MANIFEST_PATH, modified, length) && zeros == END;
    if !fills || !is_written_so || padding != filler((content.len() - padding.len()) as u64) {
        return Err(ArchiveError::Layout.into());
    }
    Ok((made, files))
}

/// The parts of a manifest: when it was made, the files, and the zeros behind its signature.
fn parse_manifest(
    content: &[u8],
    account: AccountId,
    fingerprint: Fingerprint,
) -> Result<(Timestamp, Vec<ArchivedFile>, &[u8]), ArchiveError> {
    let mut reader = Reader::artefact(content, Kind::ArchiveManifest, Suite::Archive, MANIFEST_MAX)?;
    let stated = AccountId::from_bytes(reader.array()?);
    let made = Timestamp::from_unix_millis(reader.u64()?);
    let (encryption, signing) = (reader.lp(SPKI_MAX)?, reader.lp(SPKI_MAX)?);
    let owner = PublicIdentity::from_spki(encryption, signing)?;
    let count = reader.u32()? as usize;
    if count > FILES_MAX {
        return Err(ArchiveError::TooMany);
    }
    let mut lines = Vec::with_capacity(count.min(content.len() / 50));
    for _ in 0..count {
        lines.push((reader.lp(PATH_MAX)?, reader.u64()?, reader.u64()?, reader.array()?));
    }
    let message = signed_message("archive", &[reader.before()]);
    let signature = reader.lp(RSA_MAX)?;
    let rest = reader.rest();
    let zeros = rest.len().checked_sub(8).ok_or(ParseError::Truncated)?;
    // SPEC.md#archive-manifest has the order.
    if stated != account || owner.fingerprint() != fingerprint {
        return Err(ArchiveError::OtherAccount);
    }
    if !owner.verifies(&message, signature) {
        return Err(ArchiveError::Signature);
    }
    let mut files: Vec<ArchivedFile> = Vec::with_capacity(count);
    let mut paths = Paths::default();
    for (path, modified, length, hash) in lines {
        let path = str::from_utf8(path).map_err(|_| ArchiveError::Path)?.to_owned();
        paths.insert(&path)?;
        files.push(ArchivedFile { path, modified, length, hash: Some(hash), at: 0 });
    }
    let mut at = 0;
    for file in &mut files {
        if file.length > OCTAL_MAX || file.modified > OCTAL_MAX {
            return Err(ArchiveError::TooLong);
        }
        file.at = at;
        at = file.end();
    }
    Ok((made, files, &rest[..zeros]))
}

/// The files whose headers can be found.
fn walk<R: Read + Seek>(tar: &mut BlobFile<R>) -> io::Result<Vec<ArchivedFile>> {
    let mut files: Vec<ArchivedFile> = Vec::new();
    let mut paths = Paths::default();
    let mut seen = 0;
    let mut at = 0;
    while at + (BLOCK as u64) <= tar.len() {
        let mut block = [0; BLOCK];
        tar.seek(SeekFrom::Start(at))?;
        let Some(()) = unless_damaged(tar.read_exact(&mut block))? else {
            // On with the next chunk, which begins at a multiple of 512.
            at = (at / CHUNK as u64 + 1) * CHUNK as u64;
            continue;
        };
        match parse_header(&block) {
            Some((path, ..)) if path == MANIFEST_PATH => break,
            Some((path, modified, length)) => {
                seen += 1;
                if seen > FILES_MAX {
                    return Err(ArchiveError::TooMany.into());
                }
                let file = ArchivedFile { path, modified, length, hash: None, at };
                at = file.end();
                if paths.insert(&file.path).is_ok() {
                    files.push(file);
                }
            }
            None => at += BLOCK as u64,
        }
    }
    Ok(files)
}

/// The one header that a file can have.
fn header(path: &str, modified: u64, length: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, path.as_bytes());
    put(100, b"0000644\x000000000\x000000000\0");
    put(124, format!("{length:011o}\0{modified:011o}\0        0").as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Path, time and length of a header, if it is the one that such a file has.
fn parse_header(block: &[u8; BLOCK]) -> Option<(String, u64, u64)> {
    let octal = |at: usize| u64::from_str_radix(str::from_utf8(&block[at..at + 11]).ok()?, 8).ok();
    let path = str::from_utf8(block[..PATH_MAX].split(|&byte| byte == 0).next()?).ok()?;
    if path != MANIFEST_PATH {
        check_path(path).ok()?;
    }
    let (length, modified) = (octal(124)?, octal(136)?);
    (*block == header(path, modified, length)).then(|| (path.to_owned(), modified, length))
}

/// The zeros behind a content of that length.
fn filler(length: u64) -> &'static [u8] {
    let past = (length % BLOCK as u64) as usize;
    &END[..if past == 0 { 0 } else { BLOCK - past }]
}

/// The paths of an archive without regard to case, `/` written as a byte below all others: so whatever lies under a path
/// comes right behind it.
#[derive(Default)]
struct Paths(BTreeSet<String>);

impl Paths {
    fn insert(&mut self, path: &str) -> Result<(), ArchiveError> {
        const SEPARATOR: &str = "\x01";
        check_path(path)?;
        let path = path.to_ascii_lowercase().replace('/', SEPARATOR);
        let is_under = |path: &str, directory: &str| {
            path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATOR))
        };
        let before = self.0.range::<str, _>((Bound::Unbounded, Bound::Excluded(path.as_str()))).next_back();
        let behind = self.0.range::<str, _>((Bound::Included(path.as_str()), Bound::Unbounded)).next();
        if before.is_some_and(|before| is_under(&path, before)) || behind.is_some_and(|behind| is_under(behind, &path))
        {
            return Err(ArchiveError::Path);
        }
        self.0.insert(path);
        Ok(())
    }
}

fn check_path(path: &str) -> Result<(), ArchiveError> {
    let is_manifest = path.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(MANIFEST_PATH));
    let is_fit = path.len() <= PATH_MAX
        && !is_manifest
        && path.split('/').all(|segment| {
            segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
                && !segment.is_empty()
                && !segment.starts_with('.')
                && !segment.ends_with('.')
                && !is_reserved(segment)
        });
    if is_fit { Ok(()) } else { Err(ArchiveError::Path) }
}

/// Names that mean a device to Windows, with any extension.
fn is_reserved(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().to_ascii_uppercase();
    match stem.as_bytes() {
        b"CON" | b"PRN" | b"AUX" | b"NUL" => true,
        [b'C', b'O', b'M', digit] | [b'L', b'P', b'T', digit] => digit.is_ascii_digit(),
        _ => false,
    }
}

/// Hands on everything that `content` has, piece by piece; how many bytes that were.
fn copy(mut content: impl Read, mut put: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<u64> {
    let mut piece = zeroize::Zeroizing::new([0; CHUNK]);
    let mut copied = 0;
    loop {
        match content.read(&mut piece[..]) {
            Ok(0) => return Ok(copied),
            Ok(read) => {
                put(&piece[..read])?;
                copied += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reads a part of a file of an archive.
fn read_exact<R: Read + Seek>(tar: &mut BlobFile<R>, out: &mut [u8]) -> io::Result<()> {
    unless_damaged(tar.read_exact(out))?.ok_or_else(|| ArchiveError::Damaged.into())
}

/// `None` if what failed is that the blob is damaged or cut off.
fn unless_damaged<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match Error::from_io(&error) {
            Some(Error::Blob(BlobError::Tampered | BlobError::Truncated)) => Ok(None),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            _ => Err(error),
        },
    }
}
