//! What went wrong in a database, in the few kinds that a client can act on.

/// The kinds of failure that have an answer of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StorageFailure {
    /// Try again: a lock was held too long, or the transaction lost against another.
    Busy,
    /// No room on the disk, or none within the limit that was set.
    Full,
    /// A sum does not fit an `i64`.
    Overflow,
    Other,
}

impl StorageFailure {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        let error = match error {
            sqlx::Error::PoolTimedOut => return Self::Busy,
            sqlx::Error::Database(error) => error,
            _ => return Self::Other,
        };
        let code = error.code().unwrap_or_default();
        match code.as_ref() {
            // PostgreSQL: serialization, deadlock, lock timeout, too many connections, shutting down.
            "40001" | "40P01" | "55P03" | "53300" | "57P01" | "57P03" => return Self::Busy,
            // PostgreSQL: disk full.
            "53100" => return Self::Full,
            // PostgreSQL: numeric value out of range.
            "22003" => return Self::Overflow,
            _ => {}
        }
        // SQLite: the primary code is the low byte of the extended one (sqlite.org/rescode.html).
        match code.parse::<u16>().map(|code| code & 0xff) {
            Ok(5 | 6) => Self::Busy,
            Ok(13) => Self::Full,
            Ok(1) if error.message() == "integer overflow" => Self::Overflow,
            _ => Self::Other,
        }
    }
}
