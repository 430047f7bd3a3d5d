//! Tickets: the owner lets a number of devices claim a bearer without being asked again.
//! What is stored is the hash of a value that only the holder of the ticket can show.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Owner;
use crate::base64::Base64Of32;
use crate::body::Json;
use crate::clock::now_us;
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::query::PathId;

#[derive(Deserialize, ToSchema)]
pub(crate) struct TicketRequest {
    ticket_id: Id,
    /// SHA-256 of the value that a device will show.
    authenticator_hash: Base64Of32,
    expires_at_us: i64,
    /// How many devices may use it.
    #[schema(minimum = 1, maximum = 50)]
    uses: i64,
}

/// Announces a ticket. Announcing it again changes nothing.
#[utoipa::path(post, path = "/api/v1/tickets", tag = "devices", security(("owner" = [])), request_body = TicketRequest,
    responses((status = CREATED), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    owner: Owner,
    Json(request): Json<TicketRequest>,
) -> Result<StatusCode, Error> {
    if !(1..=50).contains(&request.uses) || request.expires_at_us < now_us() {
        return Err(Error::TicketInvalid);
    }
    let mut tx = app.store.write().await?;
    sqlx::query(
        "INSERT INTO tickets (account, ticket_id, authenticator_hash, expires_us, uses) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(owner.account)
    .bind(request.ticket_id.as_bytes())
    .bind(&request.authenticator_hash.0[..])
    .bind(request.expires_at_us)
    .bind(request.uses)
    .execute(&mut *tx)
    .await?;
    let (hash, expires_us, uses): (Vec<u8>, i64, i64) = sqlx::query_as(
        "SELECT authenticator_hash, expires_us, uses FROM tickets WHERE account = $1 AND ticket_id = $2",
    )
    .bind(owner.account)
    .bind(request.ticket_id.as_bytes())
    .fetch_one(&mut *tx)
    .await?;
    if hash != request.authenticator_hash.0 || expires_us != request.expires_at_us || uses != request.uses {
        return Err(Error::TicketExists);
    }
    tx.commit().await?;
    Ok(StatusCode::CREATED)
}

/// Cancels a ticket; devices that used it stay.
#[utoipa::path(delete, path = "/api/v1/tickets/{ticket_id}", tag = "devices", security(("owner" = [])),
    params(("ticket_id" = Id, Path)),
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn cancel(
    State(app): State<App>,
    owner: Owner,
    PathId(ticket_id): PathId,
) -> Result<StatusCode, Error> {
    let mut tx = app.store.write().await?;
    sqlx::query("DELETE FROM tickets WHERE account = $1 AND ticket_id = $2")
        .bind(owner.account)
        .bind(ticket_id.as_bytes())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
