//! The vault: one sealed blob an account, guarded by its generation, so that two clients never
//! overwrite each other's work.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::auth::Owner;
use crate::body::{Octets, octets};
use crate::error::{Error, Problem};
use crate::precondition::{expected_generation, new_generation};
use crate::store::Tx;

/// The vault, with its generation as `ETag`.
#[utoipa::path(get, path = "/api/v1/vault", tag = "account", security(("owner" = [])),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn get_vault(State(app): State<App>, owner: Owner) -> Result<Response<Body>, Error> {
    let (generation, vault): (i64, Vec<u8>) = sqlx::query_as("SELECT generation, vault FROM vaults WHERE account = $1")
        .bind(owner.account)
        .fetch_one(app.store.read())
        .await?;
    Ok(([(header::ETAG, format!("\"{generation}\""))], octets(vault)).into_response())
}

/// Replaces the vault, if its generation is the expected one.
#[utoipa::path(put, path = "/api/v1/vault", tag = "account", security(("owner" = [])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(
        ("If-Match" = String, Header, description = "the generation that is expected to be stored, in double quotes"),
        ("X-Vault-Generation" = i64, Header, description = "the new generation, above the expected one")),
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn put_vault(
    State(app): State<App>,
    owner: Owner,
    headers: HeaderMap,
    Octets(vault): Octets,
) -> Result<StatusCode, Error> {
    let expected = expected_generation(&headers)?;
    let generation = new_generation(&headers)?;
    let mut tx = app.store.write().await?;
    replace(&mut tx, owner.account, expected, generation, vault.into()).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces the vault of `account`, if its generation is `expected`.
pub(crate) async fn replace(
    tx: &mut Tx,
    account: i64,
    expected: i64,
    generation: i64,
    vault: Vec<u8>,
) -> Result<(), Error> {
    if generation <= expected {
        return Err(Error::VaultGeneration);
    }
    // Compared and written in one statement: of two clients with the same expectation, one wins.
    let replaced = sqlx::query("UPDATE vaults SET generation = $1, vault = $2 WHERE account = $3 AND generation = $4")
        .bind(generation)
        .bind(vault)
        .bind(account)
        .bind(expected)
        .execute(&mut **tx)
        .await?
        .rows_affected();
    if replaced == 0 {
        let row: Option<(i64,)> = sqlx::query_as("SELECT generation FROM vaults WHERE account = $1")
            .bind(account)
            .fetch_optional(&mut **tx)
            .await?;
        let (generation,) = row.ok_or(Error::AuthRefused)?;
        return Err(Error::VaultConflict { generation });
    }
    Ok(())
}
