//! Blobs: sealed screenshots, recordings, archives. Their bytes stream into files and out of them (`object.rs`), their
//! headers and sizes are rows. The header is checked (SPEC.md#blob), which is public; nothing is opened.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use http_body_util::BodyExt;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Device, Owner};
use crate::base64;
use crate::body::{Json, refuse_encoding};
use crate::clock::now_us;
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::object::{Claim, Objects, Upload};
use crate::query::{PathId, Query};
use crate::range;
use crate::sealed::{DeleteQuery, DeletedSealed, ListQuery, Which, epoch_and_seq, foreign_cursor};
use crate::store::{Tx, column, in_chunks, own_account, share_account};

/// Where one blob is, as the router names it.
pub(crate) const PATH: &str = "/api/v1/blobs/{blob_id}";

const HEADER_BYTES: usize = 47;
/// "BT", kind and suite.
const MAGIC: [u8; 4] = [b'B', b'T', b'B', 0x31];
/// Salt and commitment, which come before the first chunk.
const PREAMBLE_BYTES: u64 = 24 + 32;
const TAG_BYTES: u64 = 16;
const CHUNK_BYTES: u64 = 16_384 + TAG_BYTES;
/// What an upload takes from its client, and gives to its file, at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Deleted in one transaction; uploads get their turn in between.
const AT_ONCE: i64 = 1_000;

#[derive(Serialize, ToSchema)]
pub(crate) struct BlobReceipt {
    /// Whether it was there already.
    duplicate: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BlobPage {
    blobs: Vec<BlobEntry>,
    /// `null`: this was the last page.
    next: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct BlobEntry {
    id: Id,
    device: Id,
    class: i64,
    epoch: i64,
    /// The moment that the content is of, in milliseconds since the Unix epoch, as the device says.
    seq: i64,
    /// Bytes as they were sent.
    size: i64,
}

/// Stores a blob, which streams. The same bytes again change nothing; other bytes under the same id are refused.
#[utoipa::path(put, path = "/api/v1/blobs/{blob_id}", tag = "blobs", security(("device" = [])),
    params(("blob_id" = Id, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = CREATED, body = BlobReceipt), (status = OK, body = BlobReceipt, description = "it was there already"), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn upload(
    State(app): State<App>,
    device: Device,
    PathId(blob_id): PathId,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<BlobReceipt>), Error> {
    let objects = objects(&app)?;
    refuse_encoding(&headers)?;
    let mut pieces = Pieces::new(body, app.config.max_blob_bytes, app.config.request_timeout)?;
    let first = pieces.next().await?;
    let header = Header::parse(&first)?;
    if header.blob_id != blob_id {
        return Err(Error::BlobInvalid("the id in the path is another"));
    }
    if header.device_id != device.device_id {
        return Err(Error::BlobDevice);
    }
    let mut upload = objects.begin().await?;
    match receive(&mut upload, first, pieces).await {
        // What remains must not stop halfway when the client goes away: a commit is not known to have happened then.
        Ok(body) => match tokio::spawn(settle(app, device, header, upload, body)).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%error, "an upload came to no end");
                Err(Error::StorageFailed)
            }
        },
        Err(error) => {
            upload.abandon().await;
            Err(error)
        }
    }
}

/// Blobs, by the time they are of and then by id.
#[utoipa::path(get, path = "/api/v1/blobs", tag = "blobs", security(("owner" = [])), params(ListQuery),
    responses((status = OK, body = BlobPage), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    owner: Owner,
    Query(query): Query<ListQuery>,
) -> Result<Json<BlobPage>, Error> {
    let limit = query.limit()?;
    let mut sql = app.store.sql(
        "SELECT b.blob_id, v.device_id, b.class, b.epoch, b.seq, b.size \
         FROM blobs b JOIN devices v ON v.id = b.device",
    );
    let after = query.after.as_deref().map(|text| Cursor::parse(text).ok_or_else(foreign_cursor)).transpose()?;
    query.push(&mut sql, "b", owner.account, after.as_ref().map(|after| after.seq));
    if let Some(after) = after {
        sql.push(" AND (b.seq, b.blob_id) > (").bind(after.seq).push(", ").bind(after.id.as_bytes()).push(")");
    }
    // One more than asked for tells whether there is another page.
    sql.push(" ORDER BY b.seq, b.blob_id LIMIT ").bind(limit + 1);
    let mut page = BlobPage { blobs: Vec::new(), next: None };
    for row in sql.query().fetch_all(app.store.read()).await? {
        if page.blobs.len() as i64 == limit {
            page.next = page.blobs.last().map(|last| Cursor { seq: last.seq, id: last.id }.text());
            break;
        }
        let (id, device): (&[u8], &[u8]) = (column(&row, 0)?, column(&row, 1)?);
        page.blobs.push(BlobEntry {
            id: Id::from_slice(id).ok_or(Error::StorageFailed)?,
            device: Id::from_slice(device).ok_or(Error::StorageFailed)?,
            class: column(&row, 2)?,
            epoch: column(&row, 3)?,
            seq: column(&row, 4)?,
            size: column(&row, 5)?,
        });
    }
    Ok(Json(page))
}

/// A blob, or one range of its bytes. `HEAD` answers the same without them.
#[utoipa::path(get, path = "/api/v1/blobs/{blob_id}", tag = "blobs", security(("owner" = [])),
    params(("blob_id" = Id, Path), ("Range" = Option<String>, Header, description = "one range: bytes=a-b, bytes=a- or bytes=-n")),
    responses((status = OK, body = Vec<u8>, content_type = "application/octet-stream"), (status = PARTIAL_CONTENT, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn get(
    State(app): State<App>,
    owner: Owner,
    PathId(blob_id): PathId,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let objects = objects(&app)?;
    let stored = Stored::find(&app, owner.account, blob_id).await?;
    let etag = format!("\"{}\"", HEXLOWER.encode(&stored.digest));
    let range = match method {
        // Ranges mean something for GET alone (RFC 9110 §14.2).
        Method::HEAD => None,
        _ => range::requested(&headers, stored.size, &etag)?,
    };
    let bytes = range.clone().unwrap_or(0..stored.size);
    let body = match method {
        Method::HEAD => Body::empty(),
        _ => match objects.read(&stored.object, bytes.clone(), stored.size).await? {
            Some(stream) => Body::from_stream(stream),
            None => {
                // Deleted since its row was read; or the folder is not the one that goes with the database.
                Stored::find(&app, owner.account, blob_id).await?;
                tracing::error!("the file of a blob is missing");
                return Err(Error::StorageFailed);
            }
        },
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.end - bytes.start));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    insert(headers, header::ETAG, etag)?;
    if let Some(range) = range {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, stored.size);
        insert(headers, header::CONTENT_RANGE, text)?;
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Deletes one blob now.
#[utoipa::path(delete, path = "/api/v1/blobs/{blob_id}", tag = "blobs", security(("owner" = [])),
    params(("blob_id" = Id, Path)),
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn delete_one(
    State(app): State<App>,
    owner: Owner,
    PathId(blob_id): PathId,
) -> Result<StatusCode, Error> {
    let mut tx = app.store.write().await?;
    let gone: Option<(String,)> =
        sqlx::query_as("DELETE FROM blobs WHERE account = $1 AND blob_id = $2 RETURNING object")
            .bind(owner.account)
            .bind(blob_id.as_bytes())
            .fetch_optional(&mut *tx)
            .await?;
    let (object,) = gone.ok_or(Error::BlobUnknown)?;
    tx.commit().await?;
    remove(&app, [object]).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes blobs now.
#[utoipa::path(delete, path = "/api/v1/blobs", tag = "blobs", security(("owner" = [])), params(DeleteQuery),
    responses((status = OK, body = DeletedSealed), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    owner: Owner,
    Query(query): Query<DeleteQuery>,
) -> Result<Json<DeletedSealed>, Error> {
    let deleted = delete_all(&app, owner.account, Which::asked(&query)?).await?;
    Ok(Json(DeletedSealed { deleted }))
}

/// Deletes all of those of `account`; returns how many there were.
pub(crate) async fn delete_all(app: &App, account: i64, which: Which) -> Result<u64, Error> {
    let mut deleted = 0;
    loop {
        let mut tx = app.store.write().await?;
        own_account(&mut tx, app.store.dialect, account).await?;
        let mut sql = app.store.sql("DELETE FROM blobs WHERE object IN (SELECT object FROM blobs");
        which.push(&mut sql, "blobs", account);
        sql.push(" LIMIT ").bind(AT_ONCE).push(") RETURNING object");
        let rows = sql.query().fetch_all(&mut *tx).await?;
        let gone: Vec<String> = rows.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
        tx.commit().await?;
        let count = gone.len() as u64;
        deleted += count;
        remove(app, gone).await;
        if count < AT_ONCE as u64 {
            return Ok(deleted);
        }
    }
}

/// Removes the bytes of blobs whose rows are gone for good.
pub(crate) async fn remove(app: &App, names: impl IntoIterator<Item = String>) {
    if let Some(objects) = &app.objects {
        objects.remove(names).await;
    }
}

/// Removes what uploads and deletions left over that were cut off.
pub(crate) async fn sweep(app: &App) -> Result<(), Error> {
    let Some(objects) = &app.objects else { return Ok(()) };
    for shard in objects.shards().await? {
        // In this order: what was under way when the names were read, and is no more, has its row by now or never will.
        let names = objects.settled(shard).await?;
        let mut left: HashSet<&str> = names.iter().map(String::as_str).collect();
        for chunk in in_chunks(&names) {
            let mut sql = app.store.sql("SELECT object FROM blobs WHERE object IN (");
            sql.list(chunk.iter().map(String::as_str)).push(")");
            for row in sql.query().fetch_all(app.store.read()).await? {
                left.remove(column::<&str>(&row, 0)?);
            }
        }
        if !left.is_empty() {
            tracing::info!(files = left.len(), "removing what is left over of blobs");
            objects.remove(left.into_iter().map(str::to_owned)).await;
        }
    }
    Ok(())
}

/// The place for blobs, if there is one.
fn objects(app: &App) -> Result<Arc<Objects>, Error> {
    app.objects.clone().ok_or(Error::BlobStore)
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: String) -> Result<(), Error> {
    headers.insert(name, HeaderValue::try_from(value).map_err(|_| Error::StorageFailed)?);
    Ok(())
}

/// Where a page ended.
struct Cursor {
    seq: i64,
    id: Id,
}

impl Cursor {
    fn text(&self) -> String {
        base64::encode(&[&self.seq.to_be_bytes(), self.id.as_bytes()].concat())
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = base64::decode(text)?;
        let (seq, id) = bytes.split_first_chunk()?;
        Some(Self { seq: i64::from_be_bytes(*seq), id: Id::from_slice(id)? })
    }
}

/// What the row of a blob says about its bytes.
struct Stored {
    object: String,
    size: u64,
    digest: Vec<u8>,
}

impl Stored {
    async fn find(app: &App, account: i64, blob_id: Id) -> Result<Self, Error> {
        let row: Option<(String, i64, Vec<u8>)> =
            sqlx::query_as("SELECT object, size, digest FROM blobs WHERE account = $1 AND blob_id = $2")
                .bind(account)
                .bind(blob_id.as_bytes())
                .fetch_optional(app.store.read())
                .await?;
        let (object, size, digest) = row.ok_or(Error::BlobUnknown)?;
        Ok(Self { object, size: size.unsigned_abs(), digest })
    }
}

/// The header of a blob that is well-formed.
struct Header {
    class: i64,
    epoch: i64,
    device_id: Id,
    blob_id: Id,
    seq: i64,
}

impl Header {
    /// Checks everything about the header that can be seen without a key.
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::parse_fields(bytes).map_err(Error::BlobInvalid)
    }

    fn parse_fields(bytes: &[u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "a blob is longer";
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(SHORT)?;
        let (&magic, rest) = header.split_first_chunk().ok_or(SHORT)?;
        let (&[class, epoch @ ..], rest) = rest.split_first_chunk::<3>().ok_or(SHORT)?;
        let (&device_id, rest) = rest.split_first_chunk().ok_or(SHORT)?;
        let (&blob_id, rest) = rest.split_first_chunk().ok_or(SHORT)?;
        let &seq = rest.first_chunk().ok_or(SHORT)?;
        if magic != MAGIC {
            return Err("not a blob of a suite that is known here");
        }
        if !matches!(class, 32..=34 | 40 | 224..=255) {
            return Err("not a class of blobs");
        }
        let (epoch, seq) = epoch_and_seq(epoch, seq)?;
        let (device_id, blob_id) = (Id::from_bytes(device_id), Id::from_bytes(blob_id));
        Ok(Self { class: i64::from(class), epoch, device_id, blob_id, seq })
    }
}

/// Whether a blob may have this many bytes: every chunk but the last is full, and the last is never full and never
/// without its tag.
fn is_legal_size(size: u64) -> bool {
    size.checked_sub(HEADER_BYTES as u64 + PREAMBLE_BYTES).is_some_and(|chunks| chunks % CHUNK_BYTES >= TAG_BYTES)
}

/// A body in pieces, within its limit and at a pace.
struct Pieces {
    body: Body,
    left: u64,
    pace: Duration,
}

impl Pieces {
    fn new(body: Body, limit: u64, pace: Duration) -> Result<Self, Error> {
        // A body that announces its length is refused before it is read.
        if http_body::Body::size_hint(&body).lower() > limit {
            return Err(Error::TooLarge);
        }
        Ok(Self { body, left: limit, pace })
    }

    /// The next piece; shorter than [`PIECE_BYTES`] only at the end, and empty after it.
    async fn next(&mut self) -> Result<Vec<u8>, Error> {
        match tokio::time::timeout(self.pace, self.fill()).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout),
        }
    }

    async fn fill(&mut self) -> Result<Vec<u8>, Error> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        while piece.len() < PIECE_BYTES {
            let Some(frame) = self.body.frame().await else { break };
            let frame = frame.map_err(|_| Error::Malformed("the body cannot be read".into()))?;
            let data = frame.into_data().unwrap_or_else(|_| Bytes::new());
            self.left = self.left.checked_sub(data.len() as u64).ok_or(Error::TooLarge)?;
            piece.extend_from_slice(&data);
        }
        Ok(piece)
    }
}

/// What a body came to.
struct Received {
    size: u64,
    digest: Vec<u8>,
}

async fn receive(upload: &mut Upload, first: Vec<u8>, mut pieces: Pieces) -> Result<Received, Error> {
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut piece = first;
    while !piece.is_empty() {
        hash.update(&piece);
        size += piece.len() as u64;
        upload.write(piece).await?;
        piece = pieces.next().await?;
    }
    match is_legal_size(size) {
        true => Ok(Received { size, digest: hash.finalize().to_vec() }),
        false => Err(Error::BlobInvalid("no blob has this length")),
    }
}

/// Puts the bytes into place, then writes the row.
async fn settle(
    app: App,
    device: Device,
    header: Header,
    upload: Upload,
    body: Received,
) -> Result<(StatusCode, Json<BlobReceipt>), Error> {
    let object = upload.complete().await?;
    match enter(&app, &device, &header, &object, &body).await {
        Ok(Some(tx)) => {
            // When this fails, it may have happened nevertheless: whether the file is needed is seen in maintenance.
            tx.commit().await?;
            Ok((StatusCode::CREATED, Json(BlobReceipt { duplicate: false })))
        }
        Ok(None) => {
            remove(&app, [object.name.clone()]).await;
            Ok((StatusCode::OK, Json(BlobReceipt { duplicate: true })))
        }
        Err(error) => {
            remove(&app, [object.name.clone()]).await;
            Err(error)
        }
    }
}

/// Writes the row, and leaves it to the caller to commit it. `None`: the blob is there already.
async fn enter(
    app: &App,
    device: &Device,
    header: &Header,
    object: &Claim,
    body: &Received,
) -> Result<Option<Tx>, Error> {
    let mut tx = app.store.write().await?;
    share_account(&mut tx, app.store.dialect, device.account).await?;
    device.take(&mut tx).await?;
    let stored = sqlx::query(
        "INSERT INTO blobs (account, device, blob_id, class, epoch, seq, arrived_us, size, digest, object) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (account, blob_id) DO NOTHING",
    )
    .bind(device.account)
    .bind(device.device)
    .bind(header.blob_id.as_bytes())
    .bind(header.class)
    .bind(header.epoch)
    .bind(header.seq)
    .bind(now_us())
    .bind(body.size as i64)
    .bind(body.digest.as_slice())
    .bind(object.name.as_str())
    .execute(&mut *tx)
    .await?;
    if stored.rows_affected() > 0 {
        return Ok(Some(tx));
    }
    let kept: Option<(Vec<u8>,)> = sqlx::query_as("SELECT digest FROM blobs WHERE account = $1 AND blob_id = $2")
        .bind(device.account)
        .bind(header.blob_id.as_bytes())
        .fetch_optional(&mut *tx)
        .await?;
    match kept {
        Some((digest,)) if digest == body.digest => Ok(None),
        Some(_) => Err(Error::BlobExists),
        // Deleted since: a rare moment, and sending it again stores it.
        None => Err(Error::StorageBusy),
    }
}
