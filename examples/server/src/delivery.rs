//! Deliveries: what the owner sends one device, signed and sealed for it alone.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::auth::{Device, Owner};
use crate::body::{Octets, octets};
use crate::clock::now_us;
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::query::PathId;
use crate::store::own_account;

/// Stores what a device shall fetch, replacing what was there; approves the device.
#[utoipa::path(put, path = "/api/v1/devices/{device_id}/delivery", tag = "devices", security(("owner" = [])),
    params(("device_id" = Id, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn put_delivery(
    State(app): State<App>,
    owner: Owner,
    PathId(device_id): PathId,
    Octets(delivery): Octets,
) -> Result<StatusCode, Error> {
    let mut tx = app.store.write().await?;
    own_account(&mut tx, app.store.dialect, owner.account).await?;
    let pending: Option<(Option<Vec<u8>>,)> =
        sqlx::query_as("DELETE FROM enrollments WHERE account = $1 AND device_id = $2 RETURNING claim_hash")
            .bind(owner.account)
            .bind(device_id.as_bytes())
            .fetch_optional(&mut *tx)
            .await?;
    let claim_hash = pending.and_then(|(hash,)| hash);
    // Revocation is for ever: keys that are to be trusted again come as another device.
    let row: Option<(i64,)> = sqlx::query_as(
        "INSERT INTO devices (account, device_id, status, claim_hash, last_seen_us) \
         VALUES ($1, $2, 'active', $3, $4) \
         ON CONFLICT (account, device_id) DO UPDATE \
         SET status = 'active', claim_hash = COALESCE(excluded.claim_hash, devices.claim_hash) \
         WHERE devices.status <> 'revoked' RETURNING id",
    )
    .bind(owner.account)
    .bind(device_id.as_bytes())
    .bind(claim_hash)
    .bind(now_us())
    .fetch_optional(&mut *tx)
    .await?;
    let (device,) = row.ok_or(Error::DeviceRevoked)?;
    sqlx::query(
        "INSERT INTO deliveries (device, delivery) VALUES ($1, $2) \
         ON CONFLICT (device) DO UPDATE SET delivery = excluded.delivery",
    )
    .bind(device)
    .bind(&delivery[..])
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the owner has sent this device.
#[utoipa::path(get, path = "/api/v1/device/delivery", tag = "devices", security(("device" = [])),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn get_delivery(State(app): State<App>, device: Device) -> Result<Response<Body>, Error> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as("SELECT delivery FROM deliveries WHERE device = $1")
        .bind(device.device)
        .fetch_optional(app.store.read())
        .await?;
    let (delivery,) = row.ok_or(Error::DeliveryNone)?;
    Ok(octets(delivery))
}
