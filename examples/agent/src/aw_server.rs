//! A running aw-server, over its REST API: its buckets, and the events of one of them in pages that go forward in time.
//!
//! aw-server answers newest first and has no cursor, so a page is a stretch of time, made shorter until its events fit.
//! What reaches over an edge of the stretch is trimmed in the answer. A trimmed event would look like another one, so a
//! page is asked for from a little earlier and gives only what certainly is whole.

use std::collections::BTreeMap;
use std::time::Duration;

use blindtally_client::Failure;
use serde::Deserialize;

use crate::event::{Data, Span};
use crate::export::{self, Take};
use crate::presence::{Periods, Presence};
use crate::time;

/// Events of a page, about.
const PAGE: usize = 5_000;
/// No second has more.
const SECOND_MAX: usize = 1_000_000;
const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 24 * 3600 * SECOND_US;
/// How much earlier a page is asked for than it begins.
const MARGIN_US: i64 = 1_000;
/// A watcher may still make an event longer that ended no longer ago than this: the longest pulse time of
/// ActivityWatch's own watchers is that of AFK, 3 minutes.
pub(crate) const SETTLED_AFTER_US: i64 = 300 * SECOND_US;

/// An aw-server.
pub(crate) struct AwServer {
    http: ureq::Agent,
    base: String,
}

/// What aw-server says of a bucket.
#[derive(Debug, Deserialize)]
pub(crate) struct Bucket {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) hostname: String,
}

/// Whole events, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) events: Vec<(Span, Data)>,
    pub(crate) malformed: u64,
    /// Where the next page begins.
    pub(crate) next_us: i64,
    /// Where to go on after a restart: right after the last event, so that one which is written late is still found.
    pub(crate) cursor_us: i64,
    /// Whether nothing follows for now.
    pub(crate) is_last: bool,
}

/// How far the events of a bucket can be taken: at which of them they stop being settled.
pub(crate) struct Horizon {
    pub(crate) now_us: i64,
    /// Until when it is known whether somebody was there; `None` if it does not matter.
    pub(crate) presence_until_us: Option<i64>,
}

impl Horizon {
    /// Whether the last event of a bucket will not change any more, nor what is known of its active time.
    fn is_settled(&self, span: Span, newest: bool) -> bool {
        let old = span.end_us() + SETTLED_AFTER_US < self.now_us;
        old || (!newest && self.presence_until_us.is_none_or(|until| span.end_us() <= until))
    }
}

impl AwServer {
    pub(crate) fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).proxy(None).build();
        Self { http: config.into(), base: base.trim_end_matches('/').to_owned() }
    }

    pub(crate) fn buckets(&self) -> Result<BTreeMap<String, Bucket>, Failure> {
        let mut response = self.http.get(format!("{}/api/0/buckets/", self.base)).call().map_err(|e| away(&e))?;
        response.body_mut().read_json().map_err(|_| nonsense("its list of buckets"))
    }

    /// The page of a bucket that begins at `from_us`.
    pub(crate) fn page(&self, bucket: &str, from_us: i64, horizon: &Horizon) -> Result<Page, Failure> {
        let settled_us = horizon.now_us - SETTLED_AFTER_US;
        let mut length_us = DAY_US;
        let mut shrinking = false;
        let mut most = PAGE;
        loop {
            let until_us = from_us.saturating_add(length_us);
            // Close to the present no end is given, so nothing is trimmed there.
            let end_us = (until_us < settled_us).then_some(until_us);
            let limit = if length_us > SECOND_US { most } else { SECOND_MAX };
            let start_us = (from_us - MARGIN_US).max(0);
            let mut page = Page { next_us: from_us, cursor_us: from_us, ..Page::default() };
            let mut count = 0;
            self.events(bucket, start_us, end_us, limit, &mut |span, data| {
                count += 1;
                match span {
                    Some(span) if span.start_us >= from_us => page.events.push((span, std::mem::take(data))),
                    Some(_) => {}
                    None => page.malformed += 1,
                }
                Ok(())
            })?;
            if count >= limit && length_us > SECOND_US {
                length_us = match end_us {
                    Some(_) => length_us / 2,
                    None => (horizon.now_us - from_us).clamp(2 * SECOND_US, length_us) / 2,
                };
                length_us = length_us.max(SECOND_US);
                shrinking = true;
                continue;
            }
            if page.events.is_empty() && !shrinking && end_us.is_some() {
                length_us = length_us.saturating_mul(2);
                continue;
            }
            page.keep_whole(end_us, horizon);
            // The first event is longer than the stretch: a longer one shows its end, and what else is in it.
            if page.next_us == from_us && end_us.is_some() {
                length_us = length_us.saturating_mul(2);
                most = most.saturating_mul(2);
                continue;
            }
            return Ok(page);
        }
    }

    /// When somebody was at a computer, from its AFK watchers' buckets, over a stretch of time.
    pub(crate) fn presence(&self, watchers: &[&str], from_us: i64, until_us: i64) -> Result<Presence, Failure> {
        if watchers.is_empty() {
            return Ok(Presence::Unwatched);
        }
        let mut periods = Periods::default();
        for bucket in watchers {
            self.events(bucket, from_us, Some(until_us), SECOND_MAX, &mut |span, data| {
                if let Some(span) = span.filter(|_| data.is_present()) {
                    periods.add(span);
                }
                Ok(())
            })?;
        }
        Ok(Presence::watched(periods))
    }

    /// Until when AFK watchers have seen something; `None` if there are none.
    pub(crate) fn presence_until(&self, watchers: &[&str]) -> Result<Option<i64>, Failure> {
        let mut latest = None;
        for bucket in watchers {
            latest = latest.max(Some(self.newest(bucket)?.map_or(0, Span::end_us)));
        }
        Ok(latest)
    }

    /// The newest event of a bucket.
    pub(crate) fn newest(&self, bucket: &str) -> Result<Option<Span>, Failure> {
        let mut newest = None;
        self.events(bucket, 0, None, 1, &mut |span, _| {
            newest = span;
            Ok(())
        })?;
        Ok(newest)
    }

    fn events(
        &self,
        bucket: &str,
        start_us: i64,
        end_us: Option<i64>,
        limit: usize,
        take: &mut Take<'_>,
    ) -> Result<(), Failure> {
        let id: String = bucket.bytes().flat_map(escape).collect();
        let mut request = self.http.get(format!("{}/api/0/buckets/{id}/events", self.base));
        request = request.query("start", time::iso(start_us)).query("limit", limit.to_string());
        if let Some(end_us) = end_us {
            request = request.query("end", time::iso(end_us));
        }
        let mut response = request.call().map_err(|error| away(&error))?;
        let reader = response.body_mut().with_config().limit(u64::MAX).reader();
        export::list(reader, take).map_err(|failure| match failure.code() {
            "import.malformed" | "import.read" => nonsense("a list of events"),
            _ => failure,
        })
    }
}

impl Page {
    /// Drops what reaches over the end, or is not settled yet, with all that follows it: the next page begins there.
    fn keep_whole(&mut self, end_us: Option<i64>, horizon: &Horizon) {
        self.events.sort_by_key(|(span, _)| span.start_us);
        let newest = self.events.len().saturating_sub(1);
        let open = |(index, (span, _)): (usize, &(Span, Data))| {
            let open = match end_us {
                Some(end_us) => span.end_us() >= end_us,
                None => !horizon.is_settled(*span, index == newest),
            };
            open.then_some(span.start_us)
        };
        let first_open = self.events.iter().enumerate().filter_map(open).min();
        self.is_last = end_us.is_none();
        let after_last = self.events.last().map(|(span, _)| span.start_us + 1);
        self.cursor_us = first_open.or(after_last).unwrap_or(self.cursor_us);
        self.next_us = first_open.or(end_us).unwrap_or(self.cursor_us);
        self.events.retain(|(span, _)| span.start_us < self.cursor_us);
    }
}

/// RFC 3986 §2.1.
fn escape(byte: u8) -> impl Iterator<Item = char> {
    let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let text = if unreserved { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.chars().collect::<Vec<_>>().into_iter()
}

fn away(error: &ureq::Error) -> Failure {
    Failure::refused("aw-server.unreachable", format!("aw-server does not answer: {error}"))
}

fn nonsense(what: &str) -> Failure {
    Failure::refused("aw-server.nonsense", format!("{what} that aw-server gave makes no sense"))
}
