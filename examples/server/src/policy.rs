//! The signed policy of an account, for all its devices. A revoked device may read it too: that is
//! how it learns of its revocation.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::app::App;
use crate::auth::{KnownDevice, Owner};
use crate::body::{Octets, octets};
use crate::error::{Error, Problem};

/// Replaces the policy.
#[utoipa::path(put, path = "/api/v1/policy", tag = "devices", security(("owner" = [])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn put_policy(
    State(app): State<App>,
    owner: Owner,
    Octets(policy): Octets,
) -> Result<StatusCode, Error> {
    let mut tx = app.store.write().await?;
    sqlx::query(
        "INSERT INTO policies (account, policy) VALUES ($1, $2) \
         ON CONFLICT (account) DO UPDATE SET policy = excluded.policy",
    )
    .bind(owner.account)
    .bind(&policy[..])
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The policy, for the owner: a client checks that what it had stored was sent.
#[utoipa::path(get, path = "/api/v1/policy", tag = "devices", security(("owner" = [])),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn get_own_policy(State(app): State<App>, owner: Owner) -> Result<Response<Body>, Error> {
    Ok(octets(stored(&app, owner.account).await?))
}

/// The policy.
#[utoipa::path(get, path = "/api/v1/device/policy", tag = "devices", security(("device" = [])),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn get_policy(State(app): State<App>, device: KnownDevice) -> Result<Response<Body>, Error> {
    let policy = stored(&app, device.account).await?;
    device.note_seen(&app).await?;
    Ok(octets(policy))
}

async fn stored(app: &App, account: i64) -> Result<Vec<u8>, Error> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as("SELECT policy FROM policies WHERE account = $1")
        .bind(account)
        .fetch_optional(app.store.read())
        .await?;
    let (policy,) = row.ok_or(Error::PolicyNone)?;
    Ok(policy)
}
