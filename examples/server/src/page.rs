//! Raw events, oldest first, page by page. A cursor names the last event of a page, so that events
//! which arrive meanwhile move nothing.

use axum::extract::State;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::Owner;
use crate::base64;
use crate::body::Json;
use crate::error::{Error, Problem};
use crate::event::Values;
use crate::id::Id;
use crate::query::Query;
use crate::store::{Sql, Store, column};

const DEFAULT_LIMIT: i64 = 1_000;
const MAX_LIMIT: i64 = 5_000;
/// A page ends early when its texts come to this much.
const MAX_TEXT_BYTES: usize = 16 * 1024 * 1024;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    from_us: Option<i64>,
    to_us: Option<i64>,
    device: Option<Id>,
    #[param(minimum = 1, maximum = 5000, default = 1000)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct EventPage {
    events: Vec<StoredEvent>,
    /// `null`: this was the last page.
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct StoredEvent {
    device: Id,
    seq: i64,
    action: String,
    start_us: i64,
    duration_us: i64,
    active_us: i64,
    values: Values,
}

/// Where a page ended.
struct Cursor {
    start_us: i64,
    device: i64,
    seq: i64,
}

/// Raw events, oldest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "reports", security(("owner" = [])), params(PageQuery),
    responses((status = OK, body = EventPage), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn events(
    State(app): State<App>,
    owner: Owner,
    Query(query): Query<PageQuery>,
) -> Result<Json<EventPage>, Error> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::QueryInvalid("limit must be 1 to 5000".into()));
    }
    let after = match &query.cursor {
        Some(text) => Some(
            Cursor::parse(text)
                .ok_or_else(|| Error::QueryInvalid("the cursor is not one that this service gave".into()))?,
        ),
        None => None,
    };
    // One more than asked for tells whether there is another page.
    let statement = select(&app.store, owner.account, &query, after, limit + 1);
    let statement = statement.query();
    let mut rows = statement.fetch(app.store.read());
    let mut page = EventPage { events: Vec::new(), next_cursor: None };
    let mut last: Option<Cursor> = None;
    let mut text_bytes = 0;
    while let Some(row) = rows.try_next().await? {
        if page.events.len() as i64 == limit || text_bytes > MAX_TEXT_BYTES {
            page.next_cursor = last.map(|cursor| cursor.text());
            break;
        }
        let event = read(&row)?;
        text_bytes += event.values.bytes();
        last = Some(Cursor { start_us: event.start_us, device: column(&row, 13)?, seq: event.seq });
        page.events.push(event);
    }
    Ok(Json(page))
}

fn select(store: &Store, account: i64, query: &PageQuery, after: Option<Cursor>, limit: i64) -> Sql {
    let mut sql = store.sql(
        "SELECT v.device_id, e.seq, action.text, e.start_us, e.duration_us, e.active_us, \
         app.text, title.text, host.text, url.text, document.text, person.text, label.text, e.device \
         FROM events e JOIN devices v ON v.id = e.device JOIN dictionary action ON action.id = e.action \
         LEFT JOIN dictionary app ON app.id = e.app \
         LEFT JOIN dictionary title ON title.id = e.title \
         LEFT JOIN dictionary host ON host.id = e.host \
         LEFT JOIN dictionary url ON url.id = e.url \
         LEFT JOIN dictionary document ON document.id = e.document \
         LEFT JOIN dictionary person ON person.id = e.person \
         LEFT JOIN dictionary label ON label.id = e.label WHERE e.account = ",
    );
    sql.bind(account);
    if let Some(from_us) = query.from_us {
        sql.push(" AND e.start_us >= ").bind(from_us);
    }
    if let Some(to_us) = query.to_us {
        sql.push(" AND e.start_us < ").bind(to_us);
    }
    if let Some(device) = &query.device {
        sql.push(" AND v.device_id = ").bind(device.as_bytes());
    }
    if let Some(after) = after {
        sql.push(" AND (e.start_us, e.device, e.seq) > (");
        sql.list([after.start_us, after.device, after.seq]).push(")");
    }
    sql.push(" ORDER BY e.start_us, e.device, e.seq LIMIT ").bind(limit);
    sql
}

fn read(row: &AnyRow) -> Result<StoredEvent, Error> {
    let device: Vec<u8> = column(row, 0)?;
    Ok(StoredEvent {
        device: Id::from_slice(&device).ok_or(Error::StorageFailed)?,
        seq: column(row, 1)?,
        action: column(row, 2)?,
        start_us: column(row, 3)?,
        duration_us: column(row, 4)?,
        active_us: column(row, 5)?,
        values: Values {
            app: column(row, 6)?,
            title: column(row, 7)?,
            host: column(row, 8)?,
            url: column(row, 9)?,
            document: column(row, 10)?,
            person: column(row, 11)?,
            label: column(row, 12)?,
        },
    })
}

impl Cursor {
    fn text(&self) -> String {
        let numbers = [self.start_us, self.device, self.seq];
        base64::encode(&numbers.map(i64::to_be_bytes).concat())
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = base64::decode(text)?;
        let (numbers, []) = bytes.as_chunks::<8>() else {
            return None;
        };
        let [start_us, device, seq] = numbers.try_into().ok()?;
        Some(Self {
            start_us: i64::from_be_bytes(start_us),
            device: i64::from_be_bytes(device),
            seq: i64::from_be_bytes(seq),
        })
    }
}
