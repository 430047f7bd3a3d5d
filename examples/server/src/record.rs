//! Records: small sealed values that are only kept. A device sends them in batches, each batch in one transaction, and
//! the owner reads them page by page. The header of each is checked (SPEC.md#record), which is public; nothing is opened.

use std::borrow::Cow;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_path_to_error::Segment;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Device, Owner};
use crate::base64;
use crate::body::{Json, Octets};
use crate::clock::now_us;
use crate::error::{Error, Problem};
use crate::query::Query;
use crate::sealed::{DeleteQuery, DeletedSealed, ListQuery, Which, epoch_and_seq, foreign_cursor};
use crate::store::{Store, Tx, column, in_chunks, own_account, share_account};

const PREFIX: &str = "br1_";
const SUITE: u8 = 0x21;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// The longest value is 1 MiB (SPEC.md#limits).
const MAX_VALUE_BYTES: usize = 1 << 20;
/// The most records of one batch.
const MAX_RECORDS: usize = 5_000;
/// A page ends before its records come to more than this, but has one at least.
const MAX_PAGE_BYTES: i64 = 8 * 1024 * 1024;
/// Deleted in one transaction; uploads get their turn in between.
const AT_ONCE: i64 = 5_000;

/// What a device uploads.
#[derive(Deserialize, ToSchema)]
pub(crate) struct RecordBatch<'a> {
    /// Each `br1_` and base64url.
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 5000, value_type = Vec<String>)]
    records: Vec<Text<'a>>,
}

/// A text, borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What became of a batch.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordReceipt {
    stored: u64,
    /// Records that were there already.
    duplicates: u64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct RecordPage {
    records: Vec<String>,
    /// `null`: this was the last page.
    next: Option<String>,
}

/// Stores a batch of records, all of it or nothing. A record that is there already changes nothing.
#[utoipa::path(post, path = "/api/v1/records", tag = "records", security(("device" = [])), request_body = RecordBatch,
    responses((status = OK, body = RecordReceipt), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn upload(
    State(app): State<App>,
    device: Device,
    Octets(body): Octets,
) -> Result<Json<RecordReceipt>, Error> {
    let records = parse_batch(&body, &device)?;
    let mut tx = app.store.write().await?;
    share_account(&mut tx, app.store.dialect, device.account).await?;
    device.take(&mut tx).await?;
    let stored = insert(&app.store, &mut tx, &device, &records).await?;
    tx.commit().await?;
    Ok(Json(RecordReceipt { stored, duplicates: records.len() as u64 - stored }))
}

/// Records, by the time they are of and then by arrival.
#[utoipa::path(get, path = "/api/v1/records", tag = "records", security(("owner" = [])), params(ListQuery),
    responses((status = OK, body = RecordPage), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    owner: Owner,
    Query(query): Query<ListQuery>,
) -> Result<Json<RecordPage>, Error> {
    let (ids, next) = choose(&app.store, owner.account, &query).await?;
    let mut records = Vec::with_capacity(ids.len());
    for chunk in in_chunks(&ids) {
        let mut sql = app.store.sql("SELECT record FROM records WHERE id IN (");
        sql.list(chunk.iter().copied()).push(") ORDER BY seq, id");
        for row in sql.query().fetch_all(app.store.read()).await? {
            let record: &[u8] = column(&row, 0)?;
            records.push(format!("{PREFIX}{}", base64::encode(record)));
        }
    }
    Ok(Json(RecordPage { records, next: next.map(|cursor| cursor.text()) }))
}

/// Deletes records now.
#[utoipa::path(delete, path = "/api/v1/records", tag = "records", security(("owner" = [])), params(DeleteQuery),
    responses((status = OK, body = DeletedSealed), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    owner: Owner,
    Query(query): Query<DeleteQuery>,
) -> Result<Json<DeletedSealed>, Error> {
    let deleted = delete_all(&app.store, owner.account, Which::asked(&query)?).await?;
    Ok(Json(DeletedSealed { deleted }))
}

/// Deletes all of those of `account`; returns how many there were.
pub(crate) async fn delete_all(store: &Store, account: i64, which: Which) -> Result<u64, Error> {
    let mut deleted = 0;
    loop {
        let mut tx = store.write().await?;
        own_account(&mut tx, store.dialect, account).await?;
        let mut sql = store.sql("DELETE FROM records WHERE id IN (SELECT id FROM records");
        which.push(&mut sql, "records", account);
        sql.push(" LIMIT ").bind(AT_ONCE).push(")");
        let gone = sql.query().execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        deleted += gone;
        if gone < AT_ONCE as u64 {
            return Ok(deleted);
        }
    }
}

/// The ids of a page, and where the next one begins. Sizes are looked at before contents: what does not fit on the page
/// is never read.
async fn choose(store: &Store, account: i64, query: &ListQuery) -> Result<(Vec<i64>, Option<Cursor>), Error> {
    let limit = query.limit()?;
    let mut sql = store.sql("SELECT id, seq, CAST(LENGTH(record) AS BIGINT) FROM records");
    let after = query.after.as_deref().map(|text| Cursor::parse(text).ok_or_else(foreign_cursor)).transpose()?;
    query.push(&mut sql, "records", account, after.as_ref().map(|after| after.seq));
    if let Some(after) = after {
        sql.push(" AND (seq, id) > (").list([after.seq, after.id]).push(")");
    }
    // One more than asked for tells whether there is another page.
    sql.push(" ORDER BY seq, id LIMIT ").bind(limit + 1);
    let mut ids = Vec::new();
    let mut last = None;
    let mut bytes: i64 = 0;
    for row in sql.query().fetch_all(store.read()).await? {
        bytes += column::<i64>(&row, 2)?;
        if ids.len() as i64 == limit || (bytes > MAX_PAGE_BYTES && !ids.is_empty()) {
            return Ok((ids, last));
        }
        let id = column(&row, 0)?;
        last = Some(Cursor { seq: column(&row, 1)?, id });
        ids.push(id);
    }
    Ok((ids, None))
}

/// Where a page ended.
struct Cursor {
    seq: i64,
    id: i64,
}

impl Cursor {
    fn text(&self) -> String {
        base64::encode(&[self.seq, self.id].map(i64::to_be_bytes).concat())
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = base64::decode(text)?;
        let (seq, id) = bytes.split_first_chunk()?;
        Some(Self { seq: i64::from_be_bytes(*seq), id: i64::from_be_bytes(id.try_into().ok()?) })
    }
}

/// A record that is well-formed, and of the device that sent it.
struct Record {
    class: i64,
    epoch: i64,
    seq: i64,
    bytes: Vec<u8>,
}

fn parse_batch(body: &[u8], device: &Device) -> Result<Vec<Record>, Error> {
    let batch: RecordBatch<'_> = serde_json::from_slice(body).map_err(|error| explain(body, &error))?;
    match batch.records.len() {
        0 => return Err(Error::Malformed("records must hold 1 to 5,000".into())),
        1..=MAX_RECORDS => {}
        _ => return Err(Error::RecordTooMany),
    }
    let mut records = Vec::with_capacity(batch.records.len());
    for (index, Text(text)) in batch.records.iter().enumerate() {
        let (record, sealed_by) = parse(text).map_err(|reason| Error::RecordInvalid { index, reason })?;
        if sealed_by != device.device_id.as_bytes() {
            return Err(Error::RecordDevice { index });
        }
        records.push(record);
    }
    Ok(records)
}

/// Checks everything about a record that can be seen without a key; also returns the device that it names.
fn parse(text: &str) -> Result<(Record, [u8; 16]), &'static str> {
    const SHORT: &str = "a record is longer";
    let text = text.strip_prefix(PREFIX).ok_or("a record begins with br1_")?;
    let bytes = base64::decode(text).ok_or("not base64url without padding in its one form")?;
    let (&[suite, class, epoch @ ..], rest) = bytes.split_first_chunk::<4>().ok_or(SHORT)?;
    let (&device, rest) = rest.split_first_chunk::<16>().ok_or(SHORT)?;
    let (&seq, rest) = rest.split_first_chunk::<8>().ok_or(SHORT)?;
    let padded = rest.len().checked_sub(NONCE_BYTES + TAG_BYTES).ok_or(SHORT)?;
    if suite != SUITE {
        return Err("not a record of a suite that is known here");
    }
    if !matches!(class, 16..=18 | 192..=223) {
        return Err("not a class of records");
    }
    let (epoch, seq) = epoch_and_seq(epoch, seq)?;
    if !is_padded_length(padded) {
        return Err("no value has this length");
    }
    Ok((Record { class: i64::from(class), epoch, seq, bytes }, device))
}

/// Whether some value of at most 1 MiB is padded to `length` (SPEC.md#padding).
fn is_padded_length(length: usize) -> bool {
    // The longest value that could be in it.
    length.checked_sub(1).is_some_and(|value| padded_length(value) == length)
        && length <= padded_length(MAX_VALUE_BYTES)
}

fn padded_length(value: usize) -> usize {
    let length = value + 1;
    let length = match length {
        0..=64 => length,
        _ => {
            let exponent = length.ilog2();
            length.next_multiple_of(1 << (exponent - exponent.ilog2() - 1))
        }
    };
    length.next_multiple_of(16)
}

/// Inserts records that are not there yet; returns how many.
async fn insert(store: &Store, tx: &mut Tx, device: &Device, records: &[Record]) -> Result<u64, Error> {
    let now_us = now_us();
    let mut stored = 0;
    for chunk in in_chunks(records) {
        let mut sql =
            store.sql("INSERT INTO records (account, device, class, epoch, seq, arrived_us, digest, record) VALUES ");
        for (i, record) in chunk.iter().enumerate() {
            sql.push(if i == 0 { "(" } else { ", (" });
            sql.list([device.account, device.device, record.class, record.epoch, record.seq, now_us]).push(", ");
            sql.bind(Sha256::digest(&record.bytes).to_vec()).push(", ").bind(record.bytes.as_slice()).push(")");
        }
        sql.push(" ON CONFLICT DO NOTHING");
        stored += sql.query().execute(&mut **tx).await?.rows_affected();
    }
    Ok(stored)
}

/// Parses a body that was refused again, slowly, to name the record that is wrong.
fn explain(body: &[u8], error: &serde_json::Error) -> Error {
    let mut json = serde_json::Deserializer::from_slice(body);
    let slow: Result<RecordBatch<'_>, _> = serde_path_to_error::deserialize(&mut json);
    if let (serde_json::error::Category::Data, Err(located)) = (error.classify(), slow) {
        let mut path = located.path().iter();
        if let (Some(Segment::Map { .. }), Some(Segment::Seq { index })) = (path.next(), path.next()) {
            return Error::RecordInvalid { index: *index, reason: "a record is a text" };
        }
    }
    Error::Malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{MAX_VALUE_BYTES, is_padded_length, padded_length};

    #[test]
    fn lengths_are_padded_as_the_specification_says() {
        for (value, padded) in
            [(0, 16), (15, 16), (16, 32), (63, 64), (64, 80), (1_000, 1_024), (1_024, 1_088), (1 << 20, 1_081_344)]
        {
            assert_eq!(padded_length(value), padded, "{value}");
        }
    }

    #[test]
    fn a_length_is_legal_exactly_when_a_value_is_padded_to_it() {
        let mut legal: Vec<usize> = (0..=MAX_VALUE_BYTES).map(padded_length).collect();
        legal.dedup();
        let found: Vec<usize> =
            (0..legal[legal.len() - 1] + 100_000).filter(|length| is_padded_length(*length)).collect();
        assert_eq!(found, legal);
    }
}
