//! Restoring an account whose password is lost: whoever opened a backup of it shows a proof that was
//! left at sign-up, and gives the account a new password and vault.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::kdf_text;
use crate::app::App;
use crate::base64::{Base64, Base64Of16, Base64Of32};
use crate::body::{self, Json};
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::kdf::Kdf;
use crate::peer::Peer;
use crate::secret::SecretHash;
use crate::session::{self, SessionAnswer};
use crate::store::{Tx, own_account};
use crate::vault;

#[derive(Deserialize, ToSchema)]
pub(crate) struct RestoreHeadRequest {
    account_id: Id,
    recovery_proof: Base64Of32,
}

/// What a restored account has to go beyond.
#[derive(Serialize, ToSchema)]
pub(crate) struct RestoreHead {
    generation: i64,
    policy: Option<Base64>,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct RestoreRequest {
    account_id: Id,
    recovery_proof: Base64Of32,
    /// Normalised by the client; compared exactly; 1 to 320 bytes.
    login: String,
    kdf: Kdf,
    salt: Base64Of16,
    login_proof: Base64Of32,
    vault: Base64,
    generation: i64,
    expected_generation: i64,
}

/// What a restore needs to know.
#[utoipa::path(post, path = "/api/v1/restore/head", tag = "account", request_body = RestoreHeadRequest,
    responses((status = OK, body = RestoreHead), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn head(
    State(app): State<App>,
    peer: Peer,
    Json(request): Json<RestoreHeadRequest>,
) -> Result<Json<RestoreHead>, Error> {
    let mut tx = app.store.write().await?;
    let account = prove(&app, &mut tx, peer, &request.account_id, &request.recovery_proof).await?;
    let (generation, policy): (i64, Option<Vec<u8>>) = sqlx::query_as(
        "SELECT v.generation, p.policy FROM vaults v LEFT JOIN policies p ON p.account = v.account \
         WHERE v.account = $1",
    )
    .bind(account)
    .fetch_one(&mut *tx)
    .await?;
    Ok(Json(RestoreHead {
        generation,
        policy: policy.map(Base64),
    }))
}

/// Gives the account a new login, password and vault in one transaction; every session ends.
#[utoipa::path(post, path = "/api/v1/restore", tag = "account", request_body = RestoreRequest,
    responses((status = OK, body = SessionAnswer), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn restore(
    State(app): State<App>,
    peer: Peer,
    Json(request): Json<RestoreRequest>,
) -> Result<Json<SessionAnswer>, Error> {
    session::check_login_name(&request.login)?;
    if request.vault.0.len() > body::MAX_VAULT_BYTES {
        return Err(Error::TooLarge);
    }
    let mut tx = app.store.write().await?;
    let account = prove(&app, &mut tx, peer, &request.account_id, &request.recovery_proof).await?;
    own_account(&mut tx, app.store.dialect, account).await?;
    let taken: Option<(i64,)> =
        sqlx::query_as("SELECT id FROM accounts WHERE login = $1 AND id <> $2")
            .bind(&request.login)
            .bind(account)
            .fetch_optional(&mut *tx)
            .await?;
    if taken.is_some() {
        return Err(Error::AccountExists);
    }
    vault::replace(
        &mut tx,
        account,
        request.expected_generation,
        request.generation,
        request.vault.0,
    )
    .await?;
    sqlx::query(
        "UPDATE accounts SET login = $1, kdf = $2, salt = $3, proof_hash = $4 WHERE id = $5",
    )
    .bind(&request.login)
    .bind(kdf_text(&request.kdf)?)
    .bind(&request.salt.0[..])
    .bind(SecretHash::of(&request.login_proof.0).as_bytes())
    .bind(account)
    .execute(&mut *tx)
    .await?;
    session::end_all(&mut tx, account).await?;
    let session = session::begin(&app, &mut tx, account).await?;
    tx.commit().await?;
    Ok(Json(session))
}

/// One answer for an account that does not exist, one that left no proof, and a wrong proof.
async fn prove(
    app: &App,
    tx: &mut Tx,
    peer: Peer,
    account_id: &Id,
    proof: &Base64Of32,
) -> Result<i64, Error> {
    app.limiters
        .check_restore(account_id, peer)
        .map_err(Error::LoginRateLimited)?;
    let row: Option<(i64, Option<Vec<u8>>)> =
        sqlx::query_as("SELECT id, recovery_hash FROM accounts WHERE account_id = $1")
            .bind(account_id.as_bytes())
            .fetch_optional(&mut **tx)
            .await?;
    // An unknown account is compared too, with a hash that nothing has.
    let (account, kept) = match row {
        Some((account, Some(kept))) => (Some(account), kept),
        _ => (None, vec![0; 32]),
    };
    let proved = SecretHash::of(&proof.0).matches(&kept);
    account.filter(|_| proved).ok_or(Error::RestoreRefused)
}
