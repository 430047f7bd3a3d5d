//! The service's JSON, as far as the owner speaks it.

use std::collections::BTreeMap;

use blindtally::{Kdf, Prelogin};
use blindtally_client::{Failure, from_b64};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How a password is stretched, on the wire.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "id")]
pub(crate) enum KdfJson {
    #[serde(rename = "pbkdf2-sha256")]
    Pbkdf2 { iterations: u32 },
    #[serde(rename = "argon2id")]
    Argon2id { m_kib: u32, t: u32, p: u32 },
}

impl From<Kdf> for KdfJson {
    fn from(kdf: Kdf) -> Self {
        match kdf {
            Kdf::Pbkdf2 { iterations } => Self::Pbkdf2 { iterations },
            Kdf::Argon2id { m_kib, t, p } => Self::Argon2id { m_kib, t, p },
        }
    }
}

impl From<KdfJson> for Kdf {
    fn from(kdf: KdfJson) -> Self {
        match kdf {
            KdfJson::Pbkdf2 { iterations } => Self::Pbkdf2 { iterations },
            KdfJson::Argon2id { m_kib, t, p } => Self::Argon2id { m_kib, t, p },
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct PreloginAnswer {
    kdf: KdfJson,
    salt: String,
    pub(crate) account_id: String,
}

impl PreloginAnswer {
    pub(crate) fn parse(&self) -> Result<Prelogin, Failure> {
        let salt = from_b64(&self.salt)?.try_into().map_err(|_| nonsense())?;
        Ok(Prelogin { kdf: self.kdf.into(), salt, account: self.account_id.parse().map_err(|_| nonsense())? })
    }
}

/// Answers to login carry the vault, those to sign-up, password change and restore do not.
#[derive(Deserialize)]
pub(crate) struct SessionAnswer {
    pub(crate) session: Zeroizing<String>,
    #[serde(default)]
    pub(crate) vault: String,
}

/// What a restored account has to go beyond.
#[derive(Deserialize)]
pub(crate) struct RestoreHead {
    pub(crate) generation: u64,
    pub(crate) policy: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct DeviceList {
    pub(crate) devices: Vec<DeviceEntry>,
}

/// What the service knows of a device: never whom to trust, only what it has seen.
#[derive(Deserialize)]
pub(crate) struct DeviceEntry {
    pub(crate) device_id: String,
    pub(crate) status: ServiceStatus,
    pub(crate) events: u64,
    pub(crate) last_seen_us: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ServiceStatus {
    Claimed,
    Active,
    Revoked,
}

#[derive(Deserialize)]
pub(crate) struct EnrollmentList {
    pub(crate) enrollments: Vec<EnrollmentEntry>,
}

#[derive(Deserialize)]
pub(crate) struct EnrollmentEntry {
    pub(crate) device_id: String,
    pub(crate) request: String,
}

/// A page of totals.
#[derive(Deserialize)]
pub(crate) struct Totals {
    pub(crate) rows: Vec<TotalsRow>,
    pub(crate) total_rows: u64,
    pub(crate) total_events: u64,
}

/// One row: of what it is a row depends on the question.
#[derive(Deserialize)]
pub(crate) struct TotalsRow {
    pub(crate) value: Option<String>,
    /// Filled in here: the service is not asked for it.
    #[serde(skip)]
    category: Option<String>,
    day: Option<String>,
    hour: Option<String>,
    device: Option<String>,
    pub(crate) duration_us: u64,
    pub(crate) active_us: u64,
    pub(crate) events: u64,
    pub(crate) first_us: i64,
    pub(crate) last_us: i64,
}

impl TotalsRow {
    /// A value's row as one of its category.
    pub(crate) fn into_category(self, category: Option<String>) -> Self {
        Self { value: None, category, ..self }
    }

    /// What it is a row of; `None` for what has no category.
    pub(crate) fn key(self) -> Option<String> {
        self.value.or(self.category).or(self.day).or(self.hour).or(self.device)
    }
}

#[derive(Deserialize)]
pub(crate) struct CategoryList {
    pub(crate) categories: Vec<Assignment>,
}

/// A category that is assigned to a value, both as the service keeps them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) class: String,
    pub(crate) value: String,
    pub(crate) category: String,
}

/// A page of sealed records.
#[derive(Deserialize)]
pub(crate) struct RecordPage {
    pub(crate) records: Vec<String>,
    pub(crate) next: Option<String>,
}

/// A page of what the service says of blobs.
#[derive(Deserialize)]
pub(crate) struct BlobPage {
    pub(crate) blobs: Vec<BlobEntry>,
    pub(crate) next: Option<String>,
}

/// What the service says of a blob. What it is, its own header says.
#[derive(Clone, Deserialize)]
pub(crate) struct BlobEntry {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) class: u8,
    pub(crate) epoch: u16,
    pub(crate) seq: u64,
    pub(crate) size: u64,
}

/// A page of events.
#[derive(Deserialize)]
pub(crate) struct EventPage {
    pub(crate) events: Vec<Event>,
    pub(crate) next_cursor: Option<String>,
}

/// An event, with its values by class as they were sealed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) device: String,
    #[serde(skip_serializing)]
    pub(crate) seq: u64,
    pub(crate) start_us: i64,
    pub(crate) duration_us: i64,
    pub(crate) active_us: i64,
    pub(crate) action: String,
    pub(crate) values: BTreeMap<String, String>,
}

/// The service says something else of an item than what its device sealed with it.
pub(crate) fn contradicted() -> Failure {
    Failure::refused("service.nonsense", "the service says something else of it than the device that sealed it")
}

pub(crate) fn nonsense() -> Failure {
    Failure::refused("service.nonsense", "the service gave an answer that makes no sense")
}
