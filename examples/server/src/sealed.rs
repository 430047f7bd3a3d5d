//! What records and blobs have in common: the fields of their headers that are public, the questions that an owner
//! asks about them, and which of them to delete.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::Error;
use crate::id::Id;
use crate::store::Sql;

const DEFAULT_LIMIT: i64 = 200;
const MAX_LIMIT: i64 = 1_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    device: Option<Id>,
    #[param(minimum = 0, maximum = 255)]
    class: Option<u8>,
    /// The first `seq` that counts.
    from_ms: Option<i64>,
    /// The first `seq` that counts no more.
    to_ms: Option<i64>,
    #[param(minimum = 1, maximum = 1000, default = 200)]
    limit: Option<i64>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    device: Option<Id>,
    /// Only what has a `seq` below. This or `device` is required.
    before_ms: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedSealed {
    pub(crate) deleted: u64,
}

impl ListQuery {
    pub(crate) fn limit(&self) -> Result<i64, Error> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => Err(Error::QueryInvalid("limit must be 1 to 1000".into())),
        }
    }

    /// Adds the conditions to a statement about `table`, which ends in its name; `after` is the `seq` where the page
    /// before ended.
    pub(crate) fn push(&self, sql: &mut Sql, table: &str, account: i64, after: Option<i64>) {
        sql.push(" WHERE ").push(table).push(".account = ").bind(account);
        if let Some(device) = &self.device {
            push_device(sql, table, account, device);
        }
        if let Some(class) = self.class {
            sql.push(" AND ").push(table).push(".class = ").bind(i64::from(class));
        }
        // One lower bound, the higher: of two, SQLite would seek to the first, and read what earlier pages had again.
        if let Some(from_ms) = self.from_ms.max(after) {
            sql.push(" AND ").push(table).push(".seq >= ").bind(from_ms);
        }
        if let Some(to_ms) = self.to_ms {
            sql.push(" AND ").push(table).push(".seq < ").bind(to_ms);
        }
    }
}

/// The error for an `after` that no page gave.
pub(crate) fn foreign_cursor() -> Error {
    Error::QueryInvalid("the cursor is not one that this service gave".into())
}

/// Which of an account's to delete.
#[derive(Clone, Copy)]
pub(crate) enum Which {
    /// What the owner asked for.
    Asked { device: Option<Id>, before_ms: Option<i64> },
    /// What has become too old.
    ArrivedBefore { us: i64 },
}

impl Which {
    pub(crate) fn asked(query: &DeleteQuery) -> Result<Self, Error> {
        match (query.device, query.before_ms) {
            (None, None) => Err(Error::QueryInvalid("before_ms or device is required".into())),
            (device, before_ms) => Ok(Self::Asked { device, before_ms }),
        }
    }

    /// Adds the conditions to a statement about `table`, which ends in its name.
    pub(crate) fn push(&self, sql: &mut Sql, table: &str, account: i64) {
        sql.push(" WHERE ").push(table).push(".account = ").bind(account);
        match self {
            Self::Asked { device, before_ms } => {
                if let Some(device) = device {
                    push_device(sql, table, account, device);
                }
                if let Some(before_ms) = before_ms {
                    sql.push(" AND ").push(table).push(".seq < ").bind(*before_ms);
                }
            }
            Self::ArrivedBefore { us } => {
                sql.push(" AND ").push(table).push(".arrived_us < ").bind(*us);
            }
        }
    }
}

fn push_device(sql: &mut Sql, table: &str, account: i64, device: &Id) {
    sql.push(" AND ").push(table).push(".device = (SELECT id FROM devices WHERE account = ").bind(account);
    sql.push(" AND device_id = ").bind(device.as_bytes()).push(")");
}

/// The epoch and `seq` of a header, if the service takes them: epoch 0 never leaves a device, and every `seq` fits an
/// `i64`.
pub(crate) fn epoch_and_seq(epoch: [u8; 2], seq: [u8; 8]) -> Result<(i64, i64), &'static str> {
    let epoch = u16::from_be_bytes(epoch);
    if epoch == 0 {
        return Err("epoch 0 is for a device's own queue");
    }
    let seq = i64::try_from(u64::from_be_bytes(seq)).map_err(|_| "seq must be at most 2^63 - 1")?;
    Ok((i64::from(epoch), seq))
}
