//! A fresh database for every test, and the same test on each kind.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;

use blindtally_server::{Config, serve};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;

use crate::api::Service;

/// An empty database that goes away after the test.
pub(crate) struct Database {
    pub(crate) url: String,
    folder: TempDir,
}

impl Database {
    pub(crate) async fn start(&self) -> Service {
        self.start_with(|_| {}).await
    }

    pub(crate) async fn start_with(&self, change: impl FnOnce(&mut Config)) -> Service {
        let mut config = Config::new(&self.url);
        // On SQLite this is where they are without being told.
        if !self.url.starts_with("sqlite") {
            config.blobs = Some(self.blobs());
        }
        change(&mut config);
        Service::new(serve(config).await.unwrap())
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The folder of blobs.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.folder.path().join("test.db.blobs")
    }

    /// Every file in the folder of blobs but the one that says whose it is.
    pub(crate) fn blob_files(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.blobs()).unwrap().map(|entry| entry.unwrap().path());
        let folders = folders.filter(|path| path.is_dir());
        folders.flat_map(|path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path())).collect()
    }

    /// A connection of another program to the same database.
    pub(crate) async fn connect(&self) -> sqlx::AnyConnection {
        sqlx::any::install_default_drivers();
        sqlx::AnyConnection::connect(&self.url).await.unwrap()
    }
}

fn sqlite() -> Database {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}/test.db", folder.path().display());
    Database { url, folder }
}

pub(crate) async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Database) -> F) {
    test(sqlite()).await;
}

pub(crate) async fn on_postgres<F>(test: impl FnOnce(Database) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(server) = std::env::var("BLINDTALLY_TEST_POSTGRES") else {
        static SAID: Once = Once::new();
        // Written past the capture of test output: nobody shall believe that this ran.
        SAID.call_once(|| {
            let words = "\nNOT RUN on PostgreSQL: BLINDTALLY_TEST_POSTGRES is not set\n";
            std::io::stderr().write_all(words.as_bytes()).unwrap();
        });
        return;
    };
    sqlx::any::install_default_drivers();
    let mut random = [0; 8];
    getrandom::fill(&mut random).unwrap();
    let name = format!("blindtally_{}", data_encoding::HEXLOWER.encode(&random));
    let mut admin = sqlx::AnyConnection::connect(&server).await.unwrap();
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    // The same server, options included, and another database.
    let (address, options) = server.split_once('?').unwrap_or((&server, ""));
    let (address, _) = address.rsplit_once('/').unwrap();
    let database = Database { url: format!("{address}/{name}?{options}"), folder: TempDir::new().unwrap() };
    let result = tokio::spawn(test(database)).await;
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
    if let Err(error) = result {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Makes a test of each function, on each database.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::database::on_sqlite(super::$name).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                crate::database::on_postgres(super::$name).await;
            })+
        }
    };
}
pub(crate) use on_both_databases;
