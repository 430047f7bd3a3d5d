//! Accounts: signing up, changing the password, leaving.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Owner;
use crate::base64::{Base64, Base64Of16, Base64Of32};
use crate::body::{self, Json};
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::kdf::Kdf;
use crate::peer::Peer;
use crate::secret::SecretHash;
use crate::session::{self, SessionAnswer};
use crate::store::{Tx, own_account};
use crate::{blob, vault};

#[derive(Deserialize, ToSchema)]
pub(crate) struct SignUpRequest {
    /// Normalised by the client; compared exactly; 1 to 320 bytes.
    login: String,
    account_id: Id,
    kdf: Kdf,
    salt: Base64Of16,
    login_proof: Base64Of32,
    /// What a backup of the account can prove; without it, a lost password is lost for ever.
    recovery_proof: Option<Base64Of32>,
    vault: Base64,
    #[schema(minimum = 0)]
    generation: i64,
    policy: Base64,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct PasswordRequest {
    old_login_proof: Base64Of32,
    kdf: Kdf,
    salt: Base64Of16,
    login_proof: Base64Of32,
    vault: Base64,
    generation: i64,
    expected_generation: i64,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct LeaveRequest {
    login_proof: Base64Of32,
}

/// Creates an account and begins its first session.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "account", request_body = SignUpRequest,
    responses((status = CREATED, body = SessionAnswer), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn sign_up(
    State(app): State<App>,
    peer: Peer,
    Json(request): Json<SignUpRequest>,
) -> Result<(StatusCode, Json<SessionAnswer>), Error> {
    app.limiters.account_peer.check(peer).map_err(Error::AccountRateLimited)?;
    session::check_login_name(&request.login)?;
    if request.vault.0.len() > body::MAX_VAULT_BYTES || request.policy.0.len() > body::MAX_POLICY_BYTES {
        return Err(Error::TooLarge);
    }
    if request.generation < 0 {
        return Err(Error::VaultGeneration);
    }
    let recovery = request.recovery_proof.map(|proof| SecretHash::of(&proof.0));
    let mut tx = app.store.write().await?;
    let row: Option<(i64,)> = sqlx::query_as(
        "INSERT INTO accounts (account_id, login, kdf, salt, proof_hash, recovery_hash) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(request.account_id.as_bytes())
    .bind(request.login)
    .bind(kdf_text(&request.kdf)?)
    .bind(&request.salt.0[..])
    .bind(SecretHash::of(&request.login_proof.0).as_bytes())
    .bind(recovery.as_ref().map(|hash| hash.as_bytes()))
    .fetch_optional(&mut *tx)
    .await?;
    let (account,) = row.ok_or(Error::AccountExists)?;
    sqlx::query("INSERT INTO vaults (account, generation, vault) VALUES ($1, $2, $3)")
        .bind(account)
        .bind(request.generation)
        .bind(request.vault.0)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO policies (account, policy) VALUES ($1, $2)")
        .bind(account)
        .bind(request.policy.0)
        .execute(&mut *tx)
        .await?;
    let session = session::begin(&app, &mut tx, account).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(session)))
}

/// Changes the password: new proof and new vault in one transaction; every other session ends.
#[utoipa::path(post, path = "/api/v1/password", tag = "account", security(("owner" = [])), request_body = PasswordRequest,
    responses((status = OK, body = SessionAnswer), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn change_password(
    State(app): State<App>,
    owner: Owner,
    peer: Peer,
    Json(request): Json<PasswordRequest>,
) -> Result<Json<SessionAnswer>, Error> {
    if request.vault.0.len() > body::MAX_VAULT_BYTES {
        return Err(Error::TooLarge);
    }
    let mut tx = app.store.write().await?;
    prove(&app, &mut tx, owner.account, peer, &request.old_login_proof).await?;
    vault::replace(&mut tx, owner.account, request.expected_generation, request.generation, request.vault.0).await?;
    sqlx::query("UPDATE accounts SET kdf = $1, salt = $2, proof_hash = $3 WHERE id = $4")
        .bind(kdf_text(&request.kdf)?)
        .bind(&request.salt.0[..])
        .bind(SecretHash::of(&request.login_proof.0).as_bytes())
        .bind(owner.account)
        .execute(&mut *tx)
        .await?;
    session::end_all(&mut tx, owner.account).await?;
    let session = session::begin(&app, &mut tx, owner.account).await?;
    tx.commit().await?;
    Ok(Json(session))
}

/// Deletes the account and everything of it.
#[utoipa::path(delete, path = "/api/v1/account", tag = "account", security(("owner" = [])), request_body = LeaveRequest,
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn leave(
    State(app): State<App>,
    owner: Owner,
    peer: Peer,
    Json(request): Json<LeaveRequest>,
) -> Result<StatusCode, Error> {
    let mut tx = app.store.write().await?;
    prove(&app, &mut tx, owner.account, peer, &request.login_proof).await?;
    // Events, records and blobs have no reference to the account, so that storing one costs no look-up; the rest
    // goes with the account's row.
    sqlx::query("DELETE FROM events WHERE account = $1").bind(owner.account).execute(&mut *tx).await?;
    sqlx::query("DELETE FROM records WHERE account = $1").bind(owner.account).execute(&mut *tx).await?;
    let objects: Vec<(String,)> = sqlx::query_as("DELETE FROM blobs WHERE account = $1 RETURNING object")
        .bind(owner.account)
        .fetch_all(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM accounts WHERE id = $1").bind(owner.account).execute(&mut *tx).await?;
    tx.commit().await?;
    blob::remove(&app, objects.into_iter().map(|(object,)| object)).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for the proof again, because a session alone may have been left open on somebody's screen.
async fn prove(app: &App, tx: &mut Tx, account: i64, peer: Peer, proof: &Base64Of32) -> Result<(), Error> {
    own_account(tx, app.store.dialect, account).await?;
    let (login, kept): (String, Vec<u8>) = sqlx::query_as("SELECT login, proof_hash FROM accounts WHERE id = $1")
        .bind(account)
        .fetch_one(&mut **tx)
        .await?;
    app.limiters.check_login(&login, peer).map_err(Error::LoginRateLimited)?;
    match SecretHash::of(&proof.0).matches(&kept) {
        true => Ok(()),
        false => Err(Error::LoginRefused),
    }
}

pub(crate) fn kdf_text(kdf: &Kdf) -> Result<String, Error> {
    serde_json::to_string(kdf).map_err(|error| Error::Malformed(error.to_string()))
}
