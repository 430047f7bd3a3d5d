//! The devices of an account, and their revocation.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Owner;
use crate::body::Json;
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::query::PathId;

#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceList {
    devices: Vec<DeviceEntry>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceEntry {
    device_id: Id,
    /// `claimed`, `active` or `revoked`.
    #[schema(pattern = "^(claimed|active|revoked)$")]
    status: String,
    /// Events stored now.
    events: i64,
    last_seen_us: i64,
}

/// Every device that ever claimed a bearer or got a delivery.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", security(("owner" = [])),
    responses((status = OK, body = DeviceList), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn list(State(app): State<App>, owner: Owner) -> Result<Json<DeviceList>, Error> {
    let rows: Vec<(Vec<u8>, String, i64, i64)> =
        sqlx::query_as("SELECT device_id, status, events, last_seen_us FROM devices WHERE account = $1 ORDER BY id")
            .bind(owner.account)
            .fetch_all(app.store.read())
            .await?;
    let devices = rows.into_iter().filter_map(|(device_id, status, events, last_seen_us)| {
        Some(DeviceEntry { device_id: Id::from_slice(&device_id)?, status, events, last_seen_us })
    });
    Ok(Json(DeviceList { devices: devices.collect() }))
}

/// Ends a device: its bearer is good for the policy alone.
#[utoipa::path(post, path = "/api/v1/devices/{device_id}/revoke", tag = "devices", security(("owner" = [])),
    params(("device_id" = Id, Path)),
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    owner: Owner,
    PathId(device_id): PathId,
) -> Result<StatusCode, Error> {
    let mut tx = app.store.write().await?;
    let revoked = sqlx::query("UPDATE devices SET status = 'revoked' WHERE account = $1 AND device_id = $2")
        .bind(owner.account)
        .bind(device_id.as_bytes())
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if revoked == 0 {
        return Err(Error::DeviceUnknown);
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
