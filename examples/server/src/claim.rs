//! A device claims its bearer: with a ticket at once, without one after the owner's approval.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::base64::Base64Of32;
use crate::body::Json;
use crate::clock::now_us;
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::secret::{Bearer, SecretHash};
use crate::store::Tx;

/// Either `ticket_id` and `authenticator`, or `claim`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ClaimRequest {
    account_id: Id,
    device_id: Id,
    ticket_id: Option<Id>,
    authenticator: Option<Base64Of32>,
    claim: Option<Base64Of32>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ClaimAnswer {
    bearer: Base64Of32,
}

/// Trades a ticket's authenticator, or an approved claim, for a bearer. The same device again gets
/// a new bearer, and the old one ends.
#[utoipa::path(post, path = "/api/v1/devices/claim", tag = "devices", request_body = ClaimRequest,
    responses((status = OK, body = ClaimAnswer), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn claim(
    State(app): State<App>,
    Json(request): Json<ClaimRequest>,
) -> Result<Json<ClaimAnswer>, Error> {
    let device_id = request.device_id;
    let mut tx = app.store.write().await?;
    let row: Option<(i64,)> = sqlx::query_as("SELECT id FROM accounts WHERE account_id = $1")
        .bind(request.account_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
    let (account,) = row.ok_or(Error::ClaimRefused)?;
    let device = match (request.ticket_id, request.authenticator, request.claim) {
        (Some(ticket_id), Some(authenticator), None) => {
            use_ticket(&mut tx, account, device_id, ticket_id, &authenticator).await?;
            find_or_create(&mut tx, account, device_id).await?
        }
        (None, None, Some(claim)) => find_approved(&mut tx, account, device_id, &claim).await?,
        _ => {
            return Err(Error::Malformed("either ticket_id and authenticator, or claim".into()));
        }
    };
    let bearer = Bearer::generate()?;
    let claimed =
        sqlx::query("UPDATE devices SET bearer_hash = $1, last_seen_us = $2 WHERE id = $3 AND status <> 'revoked'")
            .bind(bearer.hash.as_bytes())
            .bind(now_us())
            .bind(device)
            .execute(&mut *tx)
            .await?
            .rows_affected();
    if claimed == 0 {
        return Err(Error::DeviceRevoked);
    }
    tx.commit().await?;
    Ok(Json(ClaimAnswer { bearer: bearer.shown }))
}

/// Counts `device_id` among the uses of a ticket, once.
async fn use_ticket(
    tx: &mut Tx,
    account: i64,
    device_id: Id,
    ticket_id: Id,
    authenticator: &Base64Of32,
) -> Result<(), Error> {
    let row: Option<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT authenticator_hash, expires_us FROM tickets WHERE account = $1 AND ticket_id = $2")
            .bind(account)
            .bind(ticket_id.as_bytes())
            .fetch_optional(&mut **tx)
            .await?;
    let (hash, expires_us) = row.ok_or(Error::ClaimRefused)?;
    if !SecretHash::of(&authenticator.0).matches(&hash) || expires_us < now_us() {
        return Err(Error::ClaimRefused);
    }
    let new = sqlx::query(
        "INSERT INTO ticket_devices (account, ticket_id, device_id) VALUES ($1, $2, $3) \
         ON CONFLICT DO NOTHING",
    )
    .bind(account)
    .bind(ticket_id.as_bytes())
    .bind(device_id.as_bytes())
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if new == 1 {
        // Counted and compared in one statement: the last use goes to one device only.
        let counted =
            sqlx::query("UPDATE tickets SET used = used + 1 WHERE account = $1 AND ticket_id = $2 AND used < uses")
                .bind(account)
                .bind(ticket_id.as_bytes())
                .execute(&mut **tx)
                .await?
                .rows_affected();
        if counted == 0 {
            return Err(Error::ClaimRefused);
        }
    }
    Ok(())
}

async fn find_or_create(tx: &mut Tx, account: i64, device_id: Id) -> Result<i64, Error> {
    sqlx::query(
        "INSERT INTO devices (account, device_id, status, last_seen_us) VALUES ($1, $2, 'claimed', $3) \
         ON CONFLICT DO NOTHING",
    )
    .bind(account)
    .bind(device_id.as_bytes())
    .bind(now_us())
    .execute(&mut **tx)
    .await?;
    let (device,): (i64,) = sqlx::query_as("SELECT id FROM devices WHERE account = $1 AND device_id = $2")
        .bind(account)
        .bind(device_id.as_bytes())
        .fetch_one(&mut **tx)
        .await?;
    Ok(device)
}

/// The device that the owner approved, if its request carried the hash of this claim.
async fn find_approved(tx: &mut Tx, account: i64, device_id: Id, claim: &Base64Of32) -> Result<i64, Error> {
    let row: Option<(i64, Option<Vec<u8>>)> =
        sqlx::query_as("SELECT id, claim_hash FROM devices WHERE account = $1 AND device_id = $2")
            .bind(account)
            .bind(device_id.as_bytes())
            .fetch_optional(&mut **tx)
            .await?;
    match row {
        Some((device, Some(hash))) if SecretHash::of(&claim.0).matches(&hash) => Ok(device),
        _ => Err(Error::ClaimRefused),
    }
}
