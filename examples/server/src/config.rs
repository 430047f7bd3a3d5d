//! Everything that can be set, with the values a small installation wants.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;

/// How a service is started; see [`serve`](crate::serve).
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// `sqlite:///path/blindtally.db` or `postgres://user@host/database`.
    pub database: String,
    /// Origins of dashboards that are served from elsewhere, such as `https://dash.example`: no path, no `*`, no `null`.
    /// Empty: no CORS at all.
    pub allow_origins: Vec<String>,
    /// Whether `/` answers with the dashboard that was compiled in.
    pub dashboard: bool,
    /// Where the address of a client is read from.
    pub peer_address: PeerAddress,
    /// How long an owner session lives.
    pub session_lifetime: Duration,
    /// How long a statement waits for a lock that another process holds.
    pub busy_timeout: Duration,
    /// How long one request may take, its body included.
    ///
    /// The upload of a blob may take as long as it needs, as long as it moves: this is how long each 64 KiB of it may
    /// take. A download of one takes as long as its reader does, and holds one open file meanwhile.
    pub request_timeout: Duration,
    /// How often retention is enforced and expired rows are removed.
    pub maintenance_period: Duration,
    /// The folder that the bytes of blobs are kept in; made when it is missing. It belongs to one database, and to one
    /// running service at a time. `None`: beside a SQLite file, under its name and `.blobs`; with PostgreSQL none, and
    /// blobs are neither taken nor given.
    pub blobs: Option<PathBuf>,
    /// The largest blob, in bytes as it is sent.
    pub max_blob_bytes: u64,
    /// The largest a SQLite file may grow, in bytes. `None`: as large as the disk.
    pub max_database_bytes: Option<u64>,
    /// Rate limits.
    pub limits: Limits,
}

/// Where the address of a client is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerAddress {
    /// The other end of the connection.
    Socket,
    /// The last entry of `X-Forwarded-For`, which the proxy in front of the service wrote.
    LastForwardedFor,
}

/// Rate limits: so many at once, then one more each period.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Attempts to prove one login name.
    pub login: Rate,
    /// Attempts to prove any login name, from one peer address.
    pub login_peer: Rate,
    /// Enrollment requests from one peer address.
    pub enrollment_peer: Rate,
    /// Accounts created from one peer address.
    pub account_peer: Rate,
}

/// So many at once, then one more each period.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How many may come at once.
    pub burst: NonZeroU32,
    /// How long until one more may come.
    pub period: Duration,
}

impl Rate {
    /// `burst` at once, then one more each `period`. A burst of 0 counts as 1.
    pub fn new(burst: u32, period: Duration) -> Self {
        Self { burst: NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN), period }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // 30 at once lets a person's scripts log in; 17,000 guesses a day break no password
            // that has been stretched.
            login: Rate::new(30, Duration::from_secs(5)),
            login_peer: Rate::new(120, Duration::from_secs(1)),
            enrollment_peer: Rate::new(300, Duration::from_secs(1)),
            account_peer: Rate::new(100, Duration::from_secs(1)),
        }
    }
}

impl Config {
    /// A service on a free local port with `database`, and every other setting at its default.
    pub fn new(database: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database: database.into(),
            allow_origins: Vec::new(),
            dashboard: true,
            peer_address: PeerAddress::Socket,
            session_lifetime: Duration::from_secs(12 * 3600),
            busy_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
            maintenance_period: Duration::from_secs(3600),
            blobs: None,
            max_blob_bytes: 2 << 30,
            max_database_bytes: None,
            limits: Limits::default(),
        }
    }

    /// A service on a free local port that keeps everything in the SQLite file at `path`, and blobs beside it.
    pub fn sqlite(path: &Path) -> Self {
        // What has a meaning in a URL, and may stand in a path.
        let path = path.display().to_string();
        let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        Self::new(format!("sqlite://{path}"))
    }

    /// The folder of blobs: the one that was set, or the one beside a SQLite file.
    pub(crate) fn blob_folder(&self) -> Option<PathBuf> {
        if self.blobs.is_some() {
            return self.blobs.clone();
        }
        let in_memory = self.database.contains(":memory:") || self.database.contains("mode=memory");
        if !self.database.starts_with("sqlite:") || in_memory {
            return None;
        }
        let options: SqliteConnectOptions = self.database.parse().ok()?;
        let mut path = options.get_filename().as_os_str().to_owned();
        path.push(".blobs");
        Some(path.into())
    }
}
