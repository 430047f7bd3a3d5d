//! What a client must know to stretch a password. Stored and handed back; the bounds are checked
//! by clients, who do not trust this service with them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The key derivation of an account's password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "id")]
pub(crate) enum Kdf {
    /// PBKDF2 with HMAC-SHA-256.
    #[serde(rename = "pbkdf2-sha256")]
    Pbkdf2 {
        /// Rounds.
        iterations: u32,
    },
    /// Argon2id, version 1.3.
    #[serde(rename = "argon2id")]
    Argon2id {
        /// Memory in KiB.
        m_kib: u32,
        /// Passes.
        t: u32,
        /// Lanes.
        p: u32,
    },
}

impl Kdf {
    /// What prelogin answers for a login that does not exist.
    pub(crate) const INVENTED: Kdf = Kdf::Pbkdf2 { iterations: 1_000_000 };
}
