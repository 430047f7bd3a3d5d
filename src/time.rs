//! Points in time and spans, always given by the caller: the core reads no clock.

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds since the Unix epoch.
    pub const fn from_unix_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn unix_secs(self) -> u64 {
        self.0 / 1000
    }
}

/// Times before the Unix epoch become the epoch.
impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// How long a ticket is good for, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime(u64);

impl Lifetime {
    /// A number of seconds.
    pub const fn seconds(n: u64) -> Self {
        Self(n)
    }

    /// A number of hours.
    pub const fn hours(n: u64) -> Self {
        Self(n.saturating_mul(3600))
    }

    /// A number of days of 24 hours.
    pub const fn days(n: u64) -> Self {
        Self(n.saturating_mul(86_400))
    }

    /// The span in seconds.
    pub const fn as_secs(self) -> u64 {
        self.0
    }
}
