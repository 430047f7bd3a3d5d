//! Deleting by age, as the owner has set, and events when the owner asks for it.
//! Texts that no event carries any more go with them.
//!
//! Records and blobs are deleted so many days after they arrived, by the service's clock. That is the later of the two
//! times that a record has, unless its device's clock is ahead: then going by the time of the record would keep it for
//! years, and going by the earlier of the two would delete what a device whose clock is behind has just sent.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::Owner;
use crate::body::Json;
use crate::clock::now_us;
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::query::Query;
use crate::sealed::Which;
use crate::store::{Store, own_account};
use crate::{blob, dictionary, record};

const DAY_US: i64 = 24 * 3600 * 1_000_000;
const MAX_DAYS: i64 = 36_500;
/// How long an enrollment request waits: as long as the longest ticket is good for (SPEC.md#ticket).
const REQUEST_DAYS: i64 = 30;
/// Deleted in one transaction; uploads get their turn in between.
const AT_ONCE: i64 = 20_000;

#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct Retention {
    /// Events that started longer ago are deleted, and records and blobs that arrived longer ago. `null`: none are.
    #[schema(minimum = 1, maximum = 36500)]
    days: Option<i64>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Only events that started before. This or `device` is required.
    before_us: Option<i64>,
    device: Option<Id>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Deleted {
    deleted: u64,
}

/// How long events, records and blobs are kept.
#[utoipa::path(get, path = "/api/v1/retention", tag = "reports", security(("owner" = [])),
    responses((status = OK, body = Retention), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn get_retention(State(app): State<App>, owner: Owner) -> Result<Json<Retention>, Error> {
    let (days,) = sqlx::query_as("SELECT retention_days FROM accounts WHERE id = $1")
        .bind(owner.account)
        .fetch_one(app.store.read())
        .await?;
    Ok(Json(Retention { days }))
}

/// Sets how long events, records and blobs are kept. Enforced periodically, and when the service starts.
#[utoipa::path(put, path = "/api/v1/retention", tag = "reports", security(("owner" = [])), request_body = Retention,
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn put_retention(
    State(app): State<App>,
    owner: Owner,
    Json(request): Json<Retention>,
) -> Result<StatusCode, Error> {
    if request.days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        return Err(Error::RetentionInvalid);
    }
    let mut tx = app.store.write().await?;
    sqlx::query("UPDATE accounts SET retention_days = $1 WHERE id = $2")
        .bind(request.days)
        .bind(owner.account)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes events now.
#[utoipa::path(delete, path = "/api/v1/events", tag = "reports", security(("owner" = [])), params(DeleteQuery),
    responses((status = OK, body = Deleted), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn delete_events(
    State(app): State<App>,
    owner: Owner,
    Query(query): Query<DeleteQuery>,
) -> Result<Json<Deleted>, Error> {
    if query.before_us.is_none() && query.device.is_none() {
        return Err(Error::QueryInvalid("before_us or device is required".into()));
    }
    let deleted = delete(&app.store, owner.account, query.before_us, query.device).await?;
    Ok(Json(Deleted { deleted }))
}

/// Deletes what has become too old in every account, requests that nobody decided about among it, and sessions and
/// tickets that have expired.
pub(crate) async fn enforce(app: &App) -> Result<(), Error> {
    let store = &app.store;
    let now_us = now_us();
    let mut tx = store.write().await?;
    sqlx::query("DELETE FROM sessions WHERE expires_us < $1").bind(now_us).execute(&mut *tx).await?;
    sqlx::query("DELETE FROM tickets WHERE expires_us < $1").bind(now_us).execute(&mut *tx).await?;
    sqlx::query("DELETE FROM enrollments WHERE received_us < $1")
        .bind(now_us - REQUEST_DAYS * DAY_US)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let accounts: Vec<(i64, i64)> =
        sqlx::query_as("SELECT id, retention_days FROM accounts WHERE retention_days IS NOT NULL")
            .fetch_all(store.read())
            .await?;
    for (account, days) in accounts {
        match enforce_in(app, account, now_us - days * DAY_US).await {
            // The account was deleted meanwhile.
            Err(Error::AuthRefused) => {}
            Err(error) => return Err(error),
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "retention"),
        }
    }
    Ok(())
}

async fn enforce_in(app: &App, account: i64, before_us: i64) -> Result<u64, Error> {
    let events = delete(&app.store, account, Some(before_us), None).await?;
    let which = Which::ArrivedBefore { us: before_us };
    let records = record::delete_all(&app.store, account, which).await?;
    let blobs = blob::delete_all(app, account, which).await?;
    Ok(events + records + blobs)
}

async fn delete(store: &Store, account: i64, before_us: Option<i64>, device: Option<Id>) -> Result<u64, Error> {
    let mut deleted = 0;
    loop {
        let mut tx = store.write().await?;
        own_account(&mut tx, store.dialect, account).await?;
        let mut sql =
            store.sql("DELETE FROM events WHERE (device, seq) IN (SELECT device, seq FROM events WHERE account = ");
        sql.bind(account);
        if let Some(before_us) = before_us {
            sql.push(" AND start_us < ").bind(before_us);
        }
        if let Some(device) = &device {
            sql.push(" AND device = (SELECT id FROM devices WHERE account = ").bind(account);
            sql.push(" AND device_id = ").bind(device.as_bytes()).push(")");
        }
        sql.push(" LIMIT ").bind(AT_ONCE).push(")");
        let gone = sql.query().execute(&mut *tx).await?.rows_affected();
        deleted += gone;
        let finished = gone < AT_ONCE as u64;
        if gone > 0 {
            sqlx::query(
                "UPDATE devices SET events = (SELECT COUNT(*) FROM events WHERE events.device = devices.id) \
                 WHERE account = $1",
            )
            .bind(account)
            .execute(&mut *tx)
            .await?;
        }
        if finished && deleted > 0 {
            dictionary::sweep(&mut tx, account).await?;
        }
        tx.commit().await?;
        if finished {
            return Ok(deleted);
        }
    }
}
