//! Logging in and out. The proof is a 256-bit value that the client derived from the password;
//! it is kept as SHA-256, and the vault is handed out only after it.

use axum::extract::State;
use axum::http::StatusCode;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Owner;
use crate::base64::{Base64, Base64Of16, Base64Of32};
use crate::body::Json;
use crate::clock::{micros, now_us};
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::kdf::Kdf;
use crate::peer::Peer;
use crate::secret::{Bearer, SecretHash};
use crate::store::Tx;

#[derive(Deserialize, ToSchema)]
pub(crate) struct PreloginRequest {
    login: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PreloginAnswer {
    kdf: Kdf,
    salt: Base64Of16,
    account_id: Id,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct LoginRequest {
    login: String,
    login_proof: Base64Of32,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LoginAnswer {
    session: Base64Of32,
    expires_at_us: i64,
    vault: Base64,
    generation: i64,
}

/// A session that has just begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionAnswer {
    session: Base64Of32,
    expires_at_us: i64,
}

/// What a client needs to stretch a password. A login that does not exist gets an answer too,
/// always the same one (SPEC.md#login-invented).
#[utoipa::path(post, path = "/api/v1/prelogin", tag = "account", request_body = PreloginRequest,
    responses((status = OK, body = PreloginAnswer), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn prelogin(
    State(app): State<App>,
    Json(request): Json<PreloginRequest>,
) -> Result<Json<PreloginAnswer>, Error> {
    check_login_name(&request.login)?;
    // Invented before looking, so that both answers cost the same.
    let invented = invent(&app.prelogin_secret, &request.login);
    let row: Option<(String, Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT kdf, salt, account_id FROM accounts WHERE login = $1")
            .bind(request.login)
            .fetch_optional(app.store.read())
            .await?;
    let known = row.and_then(|(kdf, salt, account_id)| {
        Some(PreloginAnswer {
            kdf: serde_json::from_str(&kdf).ok()?,
            salt: Base64Of16(salt.try_into().ok()?),
            account_id: Id::from_slice(&account_id)?,
        })
    });
    Ok(Json(known.unwrap_or(invented)))
}

/// Trades a login proof for a session and the vault.
#[utoipa::path(post, path = "/api/v1/login", tag = "account", request_body = LoginRequest,
    responses((status = OK, body = LoginAnswer), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn login(
    State(app): State<App>,
    peer: Peer,
    Json(request): Json<LoginRequest>,
) -> Result<Json<LoginAnswer>, Error> {
    check_login_name(&request.login)?;
    app.limiters.check_login(&request.login, peer).map_err(Error::LoginRateLimited)?;
    let row: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT id, proof_hash FROM accounts WHERE login = $1")
        .bind(request.login)
        .fetch_optional(app.store.read())
        .await?;
    // An unknown login is compared too, with a hash that nothing has.
    let (account, kept) = match row {
        Some((account, kept)) => (Some(account), kept),
        None => (None, vec![0; 32]),
    };
    let proved = SecretHash::of(&request.login_proof.0).matches(&kept);
    let account = account.filter(|_| proved).ok_or(Error::LoginRefused)?;

    let mut tx = app.store.write().await?;
    let session = begin(&app, &mut tx, account).await?;
    let (generation, vault): (i64, Vec<u8>) = sqlx::query_as("SELECT generation, vault FROM vaults WHERE account = $1")
        .bind(account)
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Json(LoginAnswer {
        session: session.session,
        expires_at_us: session.expires_at_us,
        vault: Base64(vault),
        generation,
    }))
}

/// Ends the session.
#[utoipa::path(post, path = "/api/v1/logout", tag = "account", security(("owner" = [])),
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn logout(State(app): State<App>, owner: Owner) -> Result<StatusCode, Error> {
    let mut tx = app.store.write().await?;
    sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(owner.session.as_bytes()).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins a session of `account`.
pub(crate) async fn begin(app: &App, tx: &mut Tx, account: i64) -> Result<SessionAnswer, Error> {
    let session = Bearer::generate()?;
    let expires_at_us = now_us().saturating_add(micros(app.config.session_lifetime));
    sqlx::query("INSERT INTO sessions (token_hash, account, expires_us) VALUES ($1, $2, $3)")
        .bind(session.hash.as_bytes())
        .bind(account)
        .bind(expires_at_us)
        .execute(&mut **tx)
        .await?;
    Ok(SessionAnswer { session: session.shown, expires_at_us })
}

/// Ends every session of `account`.
pub(crate) async fn end_all(tx: &mut Tx, account: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM sessions WHERE account = $1").bind(account).execute(&mut **tx).await?;
    Ok(())
}

/// A login is compared exactly; the client has normalised it.
pub(crate) fn check_login_name(login: &str) -> Result<(), Error> {
    // PostgreSQL keeps no NUL in a text, so neither database is asked to.
    match login.len() {
        1..=320 if !login.contains('\0') => Ok(()),
        _ => Err(Error::Malformed("a login is 1 to 320 bytes without NUL".into())),
    }
}

fn invent(secret: &[u8; 32], login: &str) -> PreloginAnswer {
    let derive = |purpose: &[u8]| -> [u8; 16] {
        let mut mac = match Hmac::<Sha256>::new_from_slice(secret) {
            Ok(mac) => mac,
            Err(_) => unreachable!("HMAC takes a key of any length"),
        };
        mac.update(purpose);
        mac.update(login.as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        short
    };
    PreloginAnswer {
        kdf: Kdf::INVENTED,
        salt: Base64Of16(derive(b"salt\0")),
        account_id: Id::from_bytes(derive(b"account\0")),
    }
}
