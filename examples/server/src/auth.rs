//! Who is asking: the owner of an account, or one of its devices. Never both.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::app::App;
use crate::clock::now_us;
use crate::error::Error;
use crate::id::Id;
use crate::secret::SecretHash;
use crate::store::{Tx, column};

/// The owner of an account, by a session.
pub(crate) struct Owner {
    pub(crate) account: i64,
    pub(crate) session: SecretHash,
}

/// A device in good standing, by its bearer.
pub(crate) struct Device {
    pub(crate) account: i64,
    pub(crate) device: i64,
    pub(crate) device_id: Id,
}

/// A device by its bearer, revoked or not.
pub(crate) struct KnownDevice {
    pub(crate) account: i64,
    pub(crate) device: i64,
    pub(crate) standing: Standing,
    device_id: Id,
    last_seen_us: i64,
}

/// Whether a device may still do what devices do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    Revoked,
}

/// `last_seen_us` is not written more often than this, so that polling costs no writes.
const SEEN_EVERY_US: i64 = 60_000_000;

impl FromRequestParts<App> for Owner {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let session = bearer(parts)?;
        let row: Option<(i64, i64, Vec<u8>)> =
            sqlx::query_as("SELECT account, expires_us, token_hash FROM sessions WHERE token_hash = $1")
                .bind(session.as_bytes())
                .fetch_optional(app.store.read())
                .await?;
        match row {
            Some((account, expires_us, kept)) if session.matches(&kept) && now_us() < expires_us => {
                Ok(Self { account, session })
            }
            _ => Err(Error::AuthRefused),
        }
    }
}

impl FromRequestParts<App> for KnownDevice {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let bearer = bearer(parts)?;
        let row = sqlx::query(
            "SELECT account, id, device_id, status, last_seen_us, bearer_hash FROM devices WHERE bearer_hash = $1",
        )
        .bind(bearer.as_bytes())
        .fetch_optional(app.store.read())
        .await?
        .ok_or(Error::AuthRefused)?;
        if !bearer.matches(column(&row, 5)?) {
            return Err(Error::AuthRefused);
        }
        Ok(Self {
            account: column(&row, 0)?,
            device: column(&row, 1)?,
            device_id: Id::from_slice(column(&row, 2)?).ok_or(Error::StorageFailed)?,
            standing: match column(&row, 3)? {
                "revoked" => Standing::Revoked,
                _ => Standing::Good,
            },
            last_seen_us: column(&row, 4)?,
        })
    }
}

impl FromRequestParts<App> for Device {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let known = KnownDevice::from_request_parts(parts, app).await?;
        match known.standing {
            Standing::Revoked => Err(Error::DeviceRevoked),
            Standing::Good => Ok(Self { account: known.account, device: known.device, device_id: known.device_id }),
        }
    }
}

impl Device {
    /// Takes the device's row, so that what one device sends comes one after the other, and notes that it was here.
    ///
    /// # Errors
    ///
    /// When the device has been revoked since its bearer was checked.
    pub(crate) async fn take(&self, tx: &mut Tx) -> Result<(), Error> {
        let standing = sqlx::query("UPDATE devices SET last_seen_us = $1 WHERE id = $2 AND status <> 'revoked'")
            .bind(now_us())
            .bind(self.device)
            .execute(&mut **tx)
            .await?;
        match standing.rows_affected() {
            0 => Err(Error::DeviceRevoked),
            _ => Ok(()),
        }
    }
}

impl KnownDevice {
    /// Remembers that the device was here, if that is news.
    pub(crate) async fn note_seen(&self, app: &App) -> Result<(), Error> {
        let now_us = now_us();
        if now_us - self.last_seen_us >= SEEN_EVERY_US {
            let mut tx = app.store.write().await?;
            sqlx::query("UPDATE devices SET last_seen_us = $1 WHERE id = $2")
                .bind(now_us)
                .bind(self.device)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

fn bearer(parts: &Parts) -> Result<SecretHash, Error> {
    let header = parts.headers.get(header::AUTHORIZATION).ok_or(Error::AuthMissing)?;
    let text = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    SecretHash::of_bearer(text.ok_or(Error::AuthMissing)?).ok_or(Error::AuthRefused)
}
