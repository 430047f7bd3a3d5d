//! Events: a device uploads them in batches, each batch in one transaction.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Device;
use crate::batch::{Batch, Enrichment, Event, Numbers};
use crate::body::{Json, Octets};
use crate::class::Class;
use crate::dictionary::{self, Kind};
use crate::error::{Error, Problem};
use crate::store::{Store, Tx, column, in_chunks, share_account};

/// What a device uploads. (The code that parses it is `batch.rs`; this documents it.)
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "documents the body; Batch parses it without copying")]
pub(crate) struct EventBatch {
    #[schema(max_items = 5000)]
    events: Option<Vec<NewEvent>>,
    #[schema(max_items = 5000)]
    enrich: Option<Vec<NewValues>>,
}

#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "documents the body; Batch parses it without copying")]
pub(crate) struct NewEvent {
    /// Unique for the device: sending it again changes nothing.
    #[schema(minimum = 0, maximum = 9223372036854775807u64)]
    seq: u64,
    #[schema(pattern = "^[a-z0-9-]{1,32}$")]
    action: String,
    #[schema(minimum = 0)]
    start_us: i64,
    #[schema(minimum = 0)]
    duration_us: i64,
    #[schema(minimum = 0)]
    active_us: i64,
    values: Option<Values>,
}

/// Values for an event that was stored without any.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "documents the body; Batch parses it without copying")]
pub(crate) struct NewValues {
    seq: u64,
    values: Values,
}

/// Opaque texts by class, each of 1 to 8192 bytes.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) app: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) person: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
}

impl Values {
    /// How much text there is.
    pub(crate) fn bytes(&self) -> usize {
        [&self.app, &self.title, &self.host, &self.url, &self.document, &self.person, &self.label]
            .into_iter()
            .flatten()
            .map(String::len)
            .sum()
    }
}

/// What became of a batch.
#[derive(Serialize, ToSchema)]
pub(crate) struct Receipt {
    stored: u64,
    /// Events and enrichments that changed nothing.
    duplicates: u64,
    enriched: u64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Head {
    /// The highest sequence number ever stored, also if its event has been deleted since.
    max_seq: Option<i64>,
    /// Events stored now.
    count: i64,
}

/// Stores a batch of events, all of it or nothing.
#[utoipa::path(post, path = "/api/v1/events", tag = "events", security(("device" = [])), request_body = EventBatch,
    responses((status = OK, body = Receipt), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn upload(
    State(app): State<App>,
    device: Device,
    Octets(body): Octets,
) -> Result<Json<Receipt>, Error> {
    let batch = Batch::parse(&body)?;
    let mut tx = app.store.write().await?;
    let generation = share_account(&mut tx, app.store.dialect, device.account).await?;
    device.take(&mut tx).await?;

    let actions = distinct_actions(&batch.events);
    let texts: Vec<(Kind, &str)> = batch
        .values
        .iter()
        .map(|(class, text)| (Kind::Value(*class), text.as_ref()))
        .chain(actions.iter().map(|action| (Kind::Action, *action)))
        .collect();
    let interned = dictionary::intern(&app.store, &app.dictionary, &mut tx, device.account, generation, &texts).await?;
    let (value_ids, action_ids) = interned.ids.split_at(batch.values.len());

    let rows: Vec<[Option<i64>; 14]> = batch
        .events
        .iter()
        .map(|event| {
            let action = actions.binary_search(&event.action.as_ref()).ok().map(|i| action_ids[i]);
            event_row(&device, event, action, value_ids)
        })
        .collect();
    let stored = insert(&app.store, &mut tx, &rows).await?;
    let enriched = enrich(&app.store, &mut tx, device.device, &batch.enrich, value_ids).await?;
    let max_seq = batch.events.iter().map(|event| event.seq).max();
    count_stored(&mut tx, device.device, stored, max_seq).await?;
    tx.commit().await?;
    interned.remember(&app.dictionary);

    let sent = (batch.events.len() + batch.enrich.len()) as u64;
    Ok(Json(Receipt { stored, duplicates: sent - stored - enriched, enriched }))
}

/// How far this device's uploads have come.
#[utoipa::path(get, path = "/api/v1/events/head", tag = "events", security(("device" = [])),
    responses((status = OK, body = Head), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn head(State(app): State<App>, device: Device) -> Result<Json<Head>, Error> {
    let (max_seq, count) = sqlx::query_as("SELECT max_seq, events FROM devices WHERE id = $1")
        .bind(device.device)
        .fetch_one(app.store.read())
        .await?;
    Ok(Json(Head { max_seq, count }))
}

fn distinct_actions<'a>(events: &'a [Event<'a>]) -> Vec<&'a str> {
    let mut actions: Vec<&str> = events.iter().map(|event| event.action.as_ref()).collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

/// The columns of `events`, in the order of [`insert`].
fn event_row(device: &Device, event: &Event<'_>, action: Option<i64>, value_ids: &[i64]) -> [Option<i64>; 14] {
    let [app, title, host, url, document, person, label] = ids_of(&event.values, value_ids);
    [
        Some(device.account),
        Some(device.device),
        Some(event.seq),
        action,
        Some(event.start_us),
        Some(event.duration_us),
        Some(event.active_us),
        app,
        title,
        host,
        url,
        document,
        person,
        label,
    ]
}

fn ids_of(numbers: &Numbers, value_ids: &[i64]) -> [Option<i64>; Class::COUNT] {
    numbers.map(|number| number.map(|number| value_ids[number]))
}

/// Inserts events that are not there yet; returns how many.
async fn insert(store: &Store, tx: &mut Tx, rows: &[[Option<i64>; 14]]) -> Result<u64, Error> {
    let mut stored = 0;
    for chunk in in_chunks(rows) {
        let mut sql = store.sql(
            "INSERT INTO events (account, device, seq, action, start_us, duration_us, active_us, \
             app, title, host, url, document, person, label) VALUES ",
        );
        sql.rows(chunk.iter().copied()).push(" ON CONFLICT DO NOTHING");
        stored += sql.query().execute(&mut **tx).await?.rows_affected();
    }
    Ok(stored)
}

/// Adds values to events that have none; returns to how many.
async fn enrich(
    store: &Store,
    tx: &mut Tx,
    device: i64,
    enrichments: &[Enrichment],
    value_ids: &[i64],
) -> Result<u64, Error> {
    check_known(store, tx, device, enrichments).await?;
    let mut enriched = 0;
    // The first of several for one event counts, so the rest must not be in the same statement.
    let mut rows: Vec<[Option<i64>; 8]> = Vec::with_capacity(enrichments.len());
    let mut seen = std::collections::HashSet::with_capacity(enrichments.len());
    for enrichment in enrichments {
        let [app, title, host, url, document, person, label] = ids_of(&enrichment.values, value_ids);
        if enrichment.values.iter().any(Option::is_some) && seen.insert(enrichment.seq) {
            rows.push([Some(enrichment.seq), app, title, host, url, document, person, label]);
        }
    }
    for chunk in in_chunks(&rows) {
        let mut sql = store.sql("WITH new (seq, app, title, host, url, document, person, label) AS (VALUES ");
        sql.rows(chunk.iter().copied()).push(
            ") UPDATE events SET app = new.app, title = new.title, host = new.host, url = new.url, \
             document = new.document, person = new.person, label = new.label \
             FROM new WHERE events.seq = new.seq AND events.app IS NULL AND events.title IS NULL \
             AND events.host IS NULL AND events.url IS NULL AND events.document IS NULL \
             AND events.person IS NULL AND events.label IS NULL AND events.device = ",
        );
        sql.bind(device);
        enriched += sql.query().execute(&mut **tx).await?.rows_affected();
    }
    Ok(enriched)
}

/// Whether every enrichment has its event.
async fn check_known(store: &Store, tx: &mut Tx, device: i64, enrichments: &[Enrichment]) -> Result<(), Error> {
    for chunk in in_chunks(enrichments) {
        let mut sql = store.sql("WITH wanted (seq) AS (VALUES ");
        sql.rows(chunk.iter().map(|enrichment| [enrichment.seq]));
        sql.push(
            ") SELECT seq FROM wanted WHERE NOT EXISTS \
             (SELECT 1 FROM events WHERE events.seq = wanted.seq AND events.device = ",
        );
        sql.bind(device).push(") LIMIT 1");
        if let Some(row) = sql.query().fetch_optional(&mut **tx).await? {
            return Err(Error::EventUnknown { seq: column(&row, 0)? });
        }
    }
    Ok(())
}

async fn count_stored(tx: &mut Tx, device: i64, stored: u64, max_seq: Option<i64>) -> Result<(), Error> {
    sqlx::query(
        "UPDATE devices SET events = events + $1, \
         max_seq = CASE WHEN max_seq IS NULL OR max_seq < $2 THEN $2 ELSE max_seq END WHERE id = $3",
    )
    .bind(stored as i64)
    .bind(max_seq)
    .bind(device)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
