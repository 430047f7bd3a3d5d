//! Enrollment requests: sealed and signed by a device, kept until the owner decides.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Owner;
use crate::base64::{Base64, Base64Of32};
use crate::body::Json;
use crate::clock::now_us;
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::peer::Peer;
use crate::query::PathId;
use crate::store::own_account;

const MAX_REQUEST_BYTES: usize = 8 * 1024;
const MAX_PENDING: i64 = 200;

#[derive(Deserialize, ToSchema)]
pub(crate) struct EnrollmentRequest {
    account_id: Id,
    device_id: Id,
    /// At most 8 KiB.
    request: Base64,
    /// SHA-256 of the value that the device will claim its bearer with, if it has no ticket.
    claim_hash: Option<Base64Of32>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct EnrollmentList {
    enrollments: Vec<Enrollment>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Enrollment {
    device_id: Id,
    request: Base64,
    received_us: i64,
}

/// Leaves a request for the owner. An account that does not exist answers the same and keeps
/// nothing, so that nobody learns which accounts there are.
#[utoipa::path(post, path = "/api/v1/enrollments", tag = "devices", request_body = EnrollmentRequest,
    responses((status = ACCEPTED), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn request(
    State(app): State<App>,
    peer: Peer,
    Json(request): Json<EnrollmentRequest>,
) -> Result<StatusCode, Error> {
    app.limiters.enrollment_peer.check(peer).map_err(Error::EnrollmentRateLimited)?;
    if request.request.0.len() > MAX_REQUEST_BYTES {
        return Err(Error::TooLarge);
    }
    let claim_hash = request.claim_hash.map(|hash| hash.0.to_vec());
    let mut tx = app.store.write().await?;
    let row: Option<(i64,)> = sqlx::query_as("SELECT id FROM accounts WHERE account_id = $1")
        .bind(request.account_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
    let Some((account,)) = row else {
        return Ok(StatusCode::ACCEPTED);
    };
    // Counting and inserting must not interleave with another request of this account.
    own_account(&mut tx, app.store.dialect, account).await?;
    let pending: Option<(Vec<u8>, Option<Vec<u8>>)> =
        sqlx::query_as("SELECT request, claim_hash FROM enrollments WHERE account = $1 AND device_id = $2")
            .bind(account)
            .bind(request.device_id.as_bytes())
            .fetch_optional(&mut *tx)
            .await?;
    match pending {
        Some((kept, kept_hash)) if kept == request.request.0 && kept_hash == claim_hash => {
            return Ok(StatusCode::ACCEPTED);
        }
        Some(_) => return Err(Error::EnrollmentExists),
        None => {}
    }
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM enrollments WHERE account = $1").bind(account).fetch_one(&mut *tx).await?;
    // The new one is refused, rather than the oldest one dropped: a device that was refused asks again, and gets in when
    // the owner has thrown out what a stranger sent; one that was told 202 has no reason to ask again, and 200 requests
    // of a stranger's would be the end of it.
    if count >= MAX_PENDING {
        return Err(Error::EnrollmentFull);
    }
    sqlx::query(
        "INSERT INTO enrollments (account, device_id, request, claim_hash, received_us) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(account)
    .bind(request.device_id.as_bytes())
    .bind(request.request.0)
    .bind(claim_hash)
    .bind(now_us())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}

/// The requests that wait for a decision, oldest first. After 30 days they are deleted.
#[utoipa::path(get, path = "/api/v1/enrollments", tag = "devices", security(("owner" = [])),
    responses((status = OK, body = EnrollmentList), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn list(State(app): State<App>, owner: Owner) -> Result<Json<EnrollmentList>, Error> {
    let rows: Vec<(Vec<u8>, Vec<u8>, i64)> = sqlx::query_as(
        "SELECT device_id, request, received_us FROM enrollments WHERE account = $1 \
         ORDER BY received_us, device_id",
    )
    .bind(owner.account)
    .fetch_all(app.store.read())
    .await?;
    let enrollments = rows.into_iter().filter_map(|(device_id, request, received_us)| {
        Some(Enrollment { device_id: Id::from_slice(&device_id)?, request: Base64(request), received_us })
    });
    Ok(Json(EnrollmentList { enrollments: enrollments.collect() }))
}

/// Turns a request down.
#[utoipa::path(delete, path = "/api/v1/enrollments/{device_id}", tag = "devices", security(("owner" = [])),
    params(("device_id" = Id, Path)),
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn refuse(
    State(app): State<App>,
    owner: Owner,
    PathId(device_id): PathId,
) -> Result<StatusCode, Error> {
    let mut tx = app.store.write().await?;
    sqlx::query("DELETE FROM enrollments WHERE account = $1 AND device_id = $2")
        .bind(owner.account)
        .bind(device_id.as_bytes())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
