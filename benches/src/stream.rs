//! A stream of 1 GiB through a blob, beside crate `age` and AES-256-GCM with nothing around it, from memory; and as a process
//! of its own beside Debian's `age`, from the same file. All of them throw away what they make.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use blindtally::{AccountId, BlobClass, BlobKey, BlobStart, BlobWriter, DeviceId, Epoch, MasterKey, Scope, Secret};

use crate::race::Races;

const LENGTH: usize = 1 << 30;
const PIECE: usize = 64 * 1024;
const CHUNK: usize = 16 * 1024;
const TAG: usize = 16;
const ROUNDS: usize = 5;
const CRATE: f64 = 3.0;
const PROGRAM: f64 = 4.0;
const CIPHER: f64 = 0.9;
const MEMORY: f64 = 16e6;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

pub(crate) fn run(races: &mut Races) -> Result<()> {
    if !races.wants_any(&FIGURES) {
        return Ok(());
    }
    let files = Files::make()?;
    let [seal_crate, open_crate, seal_cipher, open_cipher, seal_program, open_program, seal_memory, open_memory] =
        FIGURES;
    race(races, seal_crate, CRATE, &mut || files.we_seal(), &mut || files.age_crate_seals())?;
    race(races, open_crate, CRATE, &mut || files.we_open(), &mut || files.age_crate_opens())?;
    race(races, seal_cipher, CIPHER, &mut || files.we_seal(), &mut || files.aes_gcm_seals())?;
    race(races, open_cipher, CIPHER, &mut || files.we_open(), &mut || files.aes_gcm_opens())?;
    race(races, seal_program, PROGRAM, &mut || files.our_program("seal").map(drop), &mut || files.age_program_seals())?;
    race(races, open_program, PROGRAM, &mut || files.our_program("open").map(drop), &mut || files.age_program_opens())?;
    for (name, what) in [(seal_memory, "seal"), (open_memory, "open")] {
        if races.wants(name) {
            races.add_measured(name, files.our_program(what)?, MEMORY);
        }
    }
    Ok(())
}

const FIGURES: [&str; 8] = [
    "stream of 1 GiB: seal (ns a byte) / age crate",
    "stream of 1 GiB: open (ns a byte) / age crate",
    "stream of 1 GiB: seal (ns a byte) / aes-gcm alone",
    "stream of 1 GiB: open (ns a byte) / aes-gcm alone",
    "stream of 1 GiB: seal, whole process (ns a byte) / age program",
    "stream of 1 GiB: open, whole process (ns a byte) / age program",
    "stream of 1 GiB: most memory of the process that seals (bytes) / 16 MB",
    "stream of 1 GiB: most memory of the process that opens (bytes) / 16 MB",
];

/// What a process of its own does that is raced with a program: the last argument but one says what, the last the file.
/// Prints the most memory it had.
pub(crate) fn process(what: &str, file: &str) -> Result<()> {
    let file = File::open(file)?;
    match what {
        "seal" => seal(file, &mut io::sink())?,
        "open" => open(file)?,
        other => return Err(format!("there is no process {other}").into()),
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    println!("{}", most.ok_or("the system does not tell how much memory was used")?.parse::<u64>()? * 1024);
    Ok(())
}

fn key() -> BlobKey {
    let scope = Scope { account: AccountId::from_bytes([1; 16]), epoch: Epoch::FIRST };
    let master = MasterKey::from_secret(Secret::copy_of(&[2; 32]));
    BlobKey::new(&master.epoch_key(scope).class_key(BlobClass::VOICE).device_key(DeviceId::from_bytes([3; 16])))
}

fn seal(from: impl Read, out: &mut impl Write) -> Result<()> {
    let mut writer = BlobWriter::new(key().sealer(0)?, out)?;
    each_piece(from, |piece| writer.write_all(piece))?;
    writer.finish()?;
    Ok(())
}

fn open(mut from: impl Read) -> Result<()> {
    let start = BlobStart::read(&mut from)?;
    let mut length = 0;
    each_piece(key().reader(&start, from)?, |piece| {
        length += piece.len();
        Ok(())
    })?;
    if length == LENGTH { Ok(()) } else { Err("not everything was opened".into()) }
}

fn each_piece(mut from: impl Read, mut put: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            some => put(&piece[..some])?,
        }
    }
}

/// The same GiB in every form, and the keys that it opens with.
struct Files {
    folder: tempfile::TempDir,
    /// Of the content, which is this again and again.
    piece: Vec<u8>,
    blob: Vec<u8>,
    age: Vec<u8>,
    gcm: Vec<u8>,
    identity: age::x25519::Identity,
    cipher: Aes256Gcm,
}

impl Files {
    fn make() -> Result<Self> {
        let mut number = 1_u64;
        let mut piece = vec![0; 1 << 20];
        for word in piece.chunks_exact_mut(8) {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            word.copy_from_slice(&number.to_be_bytes());
        }
        let identity = age::x25519::Identity::generate();
        let cipher = Aes256Gcm::new(&[4; 32].into());
        let folder = tempfile::tempdir()?;
        let mut files = Self { folder, piece, blob: Vec::new(), age: Vec::new(), gcm: Vec::new(), identity, cipher };
        let (mut blob, mut age, mut gcm) = (Vec::new(), Vec::new(), Vec::new());
        seal(files.content(), &mut blob)?;
        files.age_crate_seals_to(&mut age)?;
        files.aes_gcm_seals_to(&mut gcm)?;
        (files.blob, files.age, files.gcm) = (blob, age, gcm);
        io::copy(&mut files.content(), &mut File::create(files.path("plain"))?)?;
        std::fs::write(files.path("blob"), &files.blob)?;
        std::fs::write(files.path("age"), &files.age)?;
        std::fs::write(files.path("recipient"), files.identity.to_public().to_string())?;
        let secret = age::secrecy::ExposeSecret::expose_secret(&files.identity.to_string()).to_owned();
        std::fs::write(files.path("identity"), secret)?;
        Ok(files)
    }

    fn content(&self) -> impl Read {
        Again { piece: &self.piece, at: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn we_seal(&self) -> Result<()> {
        seal(self.content(), &mut io::sink())
    }

    fn we_open(&self) -> Result<()> {
        open(&self.blob[..])
    }

    /// The most memory that the process had, in bytes.
    fn our_program(&self, what: &str) -> Result<f64> {
        let file = self.path(if what == "seal" { "plain" } else { "blob" });
        let output = Command::new(std::env::current_exe()?).args(["--process", what]).arg(file).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(str::from_utf8(&output.stdout)?.trim().parse()?)
    }

    fn age_crate_seals(&self) -> Result<()> {
        self.age_crate_seals_to(io::sink())
    }

    fn age_crate_seals_to(&self, out: impl Write) -> Result<()> {
        let recipient = self.identity.to_public();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))?;
        let mut writer = encryptor.wrap_output(out)?;
        each_piece(self.content(), |piece| writer.write_all(piece))?;
        writer.finish()?;
        Ok(())
    }

    fn age_crate_opens(&self) -> Result<()> {
        let decryptor = age::Decryptor::new_buffered(&self.age[..])?;
        let reader = decryptor.decrypt(std::iter::once(&self.identity as &dyn age::Identity))?;
        Ok(each_piece(reader, |_| Ok(()))?)
    }

    fn aes_gcm_seals(&self) -> Result<()> {
        self.aes_gcm_seals_to(io::sink())
    }

    fn aes_gcm_seals_to(&self, mut out: impl Write) -> Result<()> {
        let mut number = 0_u64;
        each_piece(self.content(), |piece| {
            let mut buffer = [0; CHUNK];
            for chunk in piece.chunks(CHUNK) {
                buffer.copy_from_slice(chunk);
                let sealed = self.cipher.encrypt_inout_detached(&nonce(number), &[], (&mut buffer[..]).into());
                let tag = sealed.map_err(|_| io::ErrorKind::InvalidData)?;
                out.write_all(&buffer)?;
                out.write_all(&tag)?;
                number += 1;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn aes_gcm_opens(&self) -> Result<()> {
        let mut from = &self.gcm[..];
        let mut sealed = vec![0; 4 * (CHUNK + TAG)];
        for number in 0..(LENGTH / CHUNK / 4) as u64 {
            from.read_exact(&mut sealed)?;
            for (at, sealed) in (0..).zip(sealed.chunks_mut(CHUNK + TAG)) {
                let (chunk, tag) = sealed.split_at_mut(CHUNK);
                let tag: &Tag = (&*tag).try_into()?;
                let opened = self.cipher.decrypt_inout_detached(&nonce(4 * number + at), &[], chunk.into(), tag);
                opened.map_err(|_| "AES-GCM does not open what it sealed")?;
            }
        }
        Ok(())
    }

    fn age_program_seals(&self) -> Result<()> {
        age_program(&["--recipients-file".as_ref(), self.path("recipient").as_ref(), self.path("plain").as_ref()])
    }

    fn age_program_opens(&self) -> Result<()> {
        let [decrypt, identity] = ["--decrypt", "--identity"].map(AsRef::as_ref);
        age_program(&[decrypt, identity, self.path("identity").as_ref(), self.path("age").as_ref()])
    }
}

/// [`LENGTH`] bytes: a piece again and again.
struct Again<'a> {
    piece: &'a [u8],
    at: usize,
}

impl Read for Again<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = &self.piece[self.at % self.piece.len()..];
        let some = rest.len().min(out.len()).min(LENGTH - self.at);
        out[..some].copy_from_slice(&rest[..some]);
        self.at += some;
        Ok(some)
    }
}

fn nonce(number: u64) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce.into()
}

fn age_program(arguments: &[&std::ffi::OsStr]) -> Result<()> {
    let status = Command::new("age").args(arguments).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err("age failed".into()) }
}

type Runner<'a> = &'a mut dyn FnMut() -> Result<()>;

fn race(races: &mut Races, name: &str, goal: f64, ours: Runner<'_>, peer: Runner<'_>) -> Result<()> {
    if !races.wants(name) {
        return Ok(());
    }
    let (mut our_times, mut peer_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_times.push(timed(ours)?);
        peer_times.push(timed(peer)?);
    }
    races.add(name, LENGTH, &our_times, &peer_times, goal);
    Ok(())
}

fn timed(run: Runner<'_>) -> Result<Duration> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed())
}
