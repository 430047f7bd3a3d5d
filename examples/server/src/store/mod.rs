//! The database: SQLite in a file, or PostgreSQL by URL, behind one set of queries.
//!
//! SQLite has one writer, so writes go through a pool of one connection and wait for their turn
//! there; readers have connections of their own and never wait for a writer (WAL).

mod failure;
mod schema;
mod sql;

use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, AssertSqlSafe, ConnectOptions, Executor, Transaction};

use crate::config::Config;
use crate::error::{Error, StartError};
pub(crate) use failure::StorageFailure;
pub(crate) use sql::{Sql, column, in_chunks};

/// A transaction that may write.
pub(crate) type Tx = Transaction<'static, Any>;

/// The two databases, where they differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// The database.
pub(crate) struct Store {
    readers: AnyPool,
    writers: AnyPool,
    pub(crate) dialect: Dialect,
}

const POSTGRES_CONNECTIONS: u32 = 16;
const SQLITE_READERS: u32 = 4;
const SQLITE_PAGE_BYTES: u64 = 4096;
/// How long a request waits for a connection of ours, behind other requests.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

impl Store {
    /// Opens the database of `config`, and brings its tables up to date.
    pub(crate) async fn open(config: &Config) -> Result<Self, StartError> {
        sqlx::any::install_default_drivers();
        let store = match config.database.split_once(':') {
            Some(("sqlite", _)) => Self::open_sqlite(config).await?,
            Some(("postgres" | "postgresql", _)) => Self::open_postgres(config).await?,
            _ => return Err(StartError::DatabaseUrl),
        };
        schema::migrate(&store.writers, store.dialect).await?;
        Ok(store)
    }

    async fn open_sqlite(config: &Config) -> Result<Self, StartError> {
        let url = match config.database.contains('?') {
            true => config.database.clone(),
            false => format!("{}?mode=rwc", config.database),
        };
        let common = format!(
            "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON;",
            config.busy_timeout.as_millis()
        );
        // FULL: what a client was told is stored survives a power cut, not only a crash.
        let mut writer = format!("{common} PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
        if let Some(bytes) = config.max_database_bytes {
            writer += &format!(
                " PRAGMA max_page_count = {};",
                bytes.div_ceil(SQLITE_PAGE_BYTES)
            );
        }
        let reader = format!("{common} PRAGMA query_only = ON;");
        // The writer first: it makes the file.
        let writers = pool(&url, 1, writer).await?;
        let readers = pool(&url, SQLITE_READERS, reader).await?;
        Ok(Self {
            readers,
            writers,
            dialect: Dialect::Sqlite,
        })
    }

    async fn open_postgres(config: &Config) -> Result<Self, StartError> {
        let settings = format!("SET lock_timeout = {}", config.busy_timeout.as_millis());
        let pool = pool(&config.database, POSTGRES_CONNECTIONS, settings).await?;
        Ok(Self {
            readers: pool.clone(),
            writers: pool,
            dialect: Dialect::Postgres,
        })
    }

    /// For single statements that read.
    pub(crate) fn read(&self) -> &AnyPool {
        &self.readers
    }

    /// A transaction that may write. Dropped without a commit, it leaves nothing behind.
    pub(crate) async fn write(&self) -> Result<Tx, Error> {
        Ok(match self.dialect {
            // Taking SQLite's write lock at once makes every later statement safe from SQLITE_BUSY.
            Dialect::Sqlite => self.writers.begin_with("BEGIN IMMEDIATE").await?,
            Dialect::Postgres => self.writers.begin().await?,
        })
    }

    /// An empty statement in the dialect of this database.
    pub(crate) fn sql(&self, text: &str) -> Sql {
        Sql::new(self.dialect, text)
    }

    /// Waits until every connection is back and closed.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

/// A row lock that keeps dictionary rows of an account in place until the transaction ends.
///
/// On SQLite the write transaction itself is that lock. Returns the generation of the dictionary.
pub(crate) async fn share_account(
    tx: &mut Tx,
    dialect: Dialect,
    account: i64,
) -> Result<i64, Error> {
    lock_account(
        tx,
        account,
        match dialect {
            Dialect::Sqlite => "SELECT dictionary_generation FROM accounts WHERE id = $1",
            Dialect::Postgres => {
                "SELECT dictionary_generation FROM accounts WHERE id = $1 FOR SHARE"
            }
        },
    )
    .await
}

/// A row lock that no other transaction shares.
pub(crate) async fn own_account(tx: &mut Tx, dialect: Dialect, account: i64) -> Result<(), Error> {
    lock_account(
        tx,
        account,
        match dialect {
            Dialect::Sqlite => "SELECT dictionary_generation FROM accounts WHERE id = $1",
            Dialect::Postgres => {
                "SELECT dictionary_generation FROM accounts WHERE id = $1 FOR UPDATE"
            }
        },
    )
    .await?;
    Ok(())
}

async fn lock_account(tx: &mut Tx, account: i64, sql: &'static str) -> Result<i64, Error> {
    let row: Option<(i64,)> = sqlx::query_as(sql)
        .bind(account)
        .fetch_optional(&mut **tx)
        .await?;
    // The account can have been deleted since its bearer was checked.
    row.map(|(generation,)| generation)
        .ok_or(Error::AuthRefused)
}

async fn pool(url: &str, connections: u32, settings: String) -> Result<AnyPool, StartError> {
    let options: AnyConnectOptions = url.parse().map_err(StartError::Database)?;
    // Requests are logged; statements of thousands of rows would drown them.
    let options = options.disable_statement_logging();
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A ping before every use would double the trips to the database.
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move {
                connection.execute(AssertSqlSafe(settings)).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await
        .map_err(StartError::Database)
}
