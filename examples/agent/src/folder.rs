//! The agent's folder: who it is, its keys, and what it has not sent yet. The folder has mode 0700, its files 0600.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use blindtally::{RestoredAgent, SavedAgent, Secret};
use blindtally_client::{Failure, create_private_dir, write_private};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::journal::Journal;
use crate::seq::SeqKey;

/// Where everything lies.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// Holds the folder against other processes, as long as it lives.
pub(crate) struct Lock {
    _file: File,
}

/// What is no secret about the agent. Written before its keys: a folder with keys has a profile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) server: String,
    pub(crate) account: String,
    pub(crate) device: String,
    /// The ticket it was enrolled with, if any.
    pub(crate) ticket: Option<String>,
    /// The request, base64url: sent again as it is until it has arrived.
    pub(crate) request: String,
    /// Of a request without a ticket.
    pub(crate) claim_hash: Option<String>,
    /// Whether the service has the request.
    pub(crate) requested: bool,
}

/// When the files that a session keeps in memory were written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp([Option<SystemTime>; 3]);

impl Folder {
    /// The folder at `path`, or where the platform keeps settings. Nothing is created yet.
    pub fn at(path: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = path {
            return Ok(Self { path: path.to_owned() });
        }
        let strategy = etcetera::choose_base_strategy();
        let base =
            strategy.map_err(|_| Failure::refused("state.home", "there is no home folder: give one by --state"))?;
        Ok(Self { path: etcetera::BaseStrategy::config_dir(&base).join("blindtally").join("agent") })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Creates the folder and waits until no other process holds it.
    pub(crate) fn lock(&self) -> Result<Lock, Failure> {
        create_private_dir(&self.path).map_err(|error| self.failed(&error))?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.file("lock")).map_err(|error| self.failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("waiting for another run of the agent to end");
                file.lock().map_err(|error| self.failed(&error))?;
            }
            Err(TryLockError::Error(error)) => return Err(self.failed(&error)),
        }
        Ok(Lock { _file: file })
    }

    pub(crate) fn stamp(&self) -> Stamp {
        Stamp(["agent.json", "agent.keys", "bearer"].map(|name| self.file(name).metadata().ok()?.modified().ok()))
    }

    /// The profile; `None` if nobody was enrolled here.
    pub(crate) fn profile(&self) -> Result<Option<Profile>, Failure> {
        match self.read("agent.json")? {
            Some(bytes) => Ok(Some(serde_json::from_slice(&bytes).map_err(|_| self.damaged("agent.json"))?)),
            None => Ok(None),
        }
    }

    pub(crate) fn save_profile(&self, profile: &Profile) -> Result<(), Failure> {
        let bytes = serde_json::to_vec_pretty(profile).map_err(|_| self.damaged("agent.json"))?;
        self.write("agent.json", &bytes)
    }

    /// The agent; `None` if nobody was enrolled here.
    pub(crate) fn agent(&self) -> Result<Option<RestoredAgent>, Failure> {
        match self.read("agent.keys")? {
            Some(mut bytes) => Ok(Some(SavedAgent::from_exposed(std::mem::take(&mut *bytes)).restore()?)),
            None => Ok(None),
        }
    }

    pub(crate) fn save_agent(&self, saved: &SavedAgent) -> Result<(), Failure> {
        self.write("agent.keys", saved.expose())
    }

    pub(crate) fn bearer(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(bytes) = self.read("bearer")? else { return Ok(None) };
        let text = std::str::from_utf8(&bytes).map_err(|_| self.damaged("bearer"))?;
        Ok(Some(Zeroizing::new(text.to_owned())))
    }

    pub(crate) fn save_bearer(&self, bearer: &str) -> Result<(), Failure> {
        self.write("bearer", bearer.as_bytes())
    }

    pub(crate) fn seq_key(&self) -> Result<SeqKey, Failure> {
        let bytes = self.read("seq.key")?.ok_or_else(|| self.damaged("seq.key"))?;
        let key: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| self.damaged("seq.key"))?;
        Ok(SeqKey::new(&Secret::copy_of(key)))
    }

    pub(crate) fn create_seq_key(&self) -> Result<(), Failure> {
        self.write("seq.key", Secret::<32>::random().map_err(blindtally::Error::from)?.expose())
    }

    /// Sealed uploads that the service has not acknowledged.
    pub(crate) fn spool(&self) -> Result<Journal, Failure> {
        self.journal("spool")
    }

    /// Values that wait for keys.
    pub(crate) fn queue(&self) -> Result<Journal, Failure> {
        self.journal("queue")
    }

    fn journal(&self, name: &str) -> Result<Journal, Failure> {
        let journal = Journal::open(&self.file(name))?;
        if journal.torn > 0 {
            eprintln!("the {name} ended in {} bytes that a crash left half-written; they are dropped", journal.torn);
        }
        Ok(journal)
    }

    /// Where `collect` keeps what is sealed, one file each.
    pub(crate) fn units(&self) -> PathBuf {
        self.file("units")
    }

    /// What `collect` has delivered.
    pub(crate) fn delivered(&self) -> Result<Journal, Failure> {
        self.journal("delivered")
    }

    /// The sizes of spool and queue in bytes.
    pub(crate) fn backlog(&self) -> (u64, u64) {
        let size = |name| self.file(name).metadata().map_or(0, |metadata| metadata.len());
        (size("spool"), size("queue"))
    }

    /// How far `watch` has come in each bucket, as it wrote it.
    pub(crate) fn cursors<T: for<'de> Deserialize<'de> + Default>(&self) -> Result<T, Failure> {
        match self.read("cursors.json")? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| self.damaged("cursors.json")),
            None => Ok(T::default()),
        }
    }

    pub(crate) fn save_cursors(&self, cursors: &impl Serialize) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(cursors).map_err(|_| self.damaged("cursors.json"))?;
        self.write("cursors.json", &bytes)
    }

    pub(crate) fn last_upload_us(&self) -> Option<i64> {
        std::str::from_utf8(&self.read("last-upload").ok()??).ok()?.parse().ok()
    }

    pub(crate) fn save_last_upload(&self, time_us: i64) -> Result<(), Failure> {
        self.write("last-upload", time_us.to_string().as_bytes())
    }

    /// Removes whatever is good for sealing or sending.
    pub(crate) fn forget_backlog(&self) -> Result<(), Failure> {
        match fs::remove_dir_all(self.units()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed(&error)),
            _ => {}
        }
        for name in ["queue", "spool", "cursors.json", "delivered"] {
            match fs::remove_file(self.file(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed(&error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        match fs::read(self.file(name)) {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        write_private(&self.file(name), bytes).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        let code = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "spool.full",
            _ => "state.failed",
        };
        Failure::refused(code, format!("{}: {error}", self.path.display()))
    }

    fn damaged(&self, name: &str) -> Failure {
        Failure::refused("state.damaged", format!("{} is missing or damaged", self.file(name).display()))
    }
}
