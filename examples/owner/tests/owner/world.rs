//! A service of a test's own.

use std::path::PathBuf;

use blindtally_server::{Config, Running, serve};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::person::Person;

pub(crate) struct World {
    pub(crate) url: String,
    dir: TempDir,
    runtime: Runtime,
    running: Option<Running>,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let config = Config::sqlite(&dir.path().join("service.db"));
        let running = runtime.block_on(serve(config)).unwrap();
        Self { url: running.base_url(), dir, runtime, running: Some(running) }
    }

    /// Somebody with a new account here.
    pub(crate) fn person(&self, login: &str) -> Person {
        self.person_at(&self.url, login)
    }

    /// Somebody with a new account, who reaches the service at another address.
    pub(crate) fn person_at(&self, url: &str, login: &str) -> Person {
        let person = self.nobody(url, login);
        person.run(&["create", "--server", url, "--login", login, "--kdf", FAST]).ok();
        person
    }

    /// Somebody whose computer knows nothing yet.
    pub(crate) fn nobody(&self, url: &str, login: &str) -> Person {
        // A folder that the program makes itself, as at a person's first command.
        let dir = tempfile::tempdir_in(self.dir.path()).unwrap().keep().join("profile");
        Person::new(dir, url, login)
    }

    /// A file's path that is free.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Everything that the service keeps on its disk.
    pub(crate) fn database(&self) -> Vec<u8> {
        let read = |name| std::fs::read(self.file(name)).unwrap_or_default();
        [read("service.db"), read("service.db-wal")].concat()
    }

    /// The files that the service keeps blobs in.
    pub(crate) fn stored_blobs(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.file("service.db.blobs")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { &mut folders } else { &mut files }.push(path);
            }
        }
        files
    }

    pub(crate) fn stop_service(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.shutdown()).unwrap();
        }
    }
}

/// The cheapest stretching within bounds.
pub(crate) const FAST: &str = "argon2id:19456,2,1";
