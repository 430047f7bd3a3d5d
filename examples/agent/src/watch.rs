//! `watch`: follows a running aw-server.
//!
//! An event is taken once it cannot grow any more: when a newer one is in its bucket, or five minutes after its end. It
//! also waits until the AFK watcher has seen its end, at most as long. So active time is exact unless that watcher writes
//! later than five minutes after the fact. What other programs insert into the past of a bucket is not seen; `import` of
//! an export brings it, and numbers what was seen as `watch` did.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use blindtally_client::Failure;
use serde::Serialize;

use crate::aw_server::{AwServer, Bucket, Horizon, Page};
use crate::event::{Batch, Kind};
use crate::folder::Folder;
use crate::outbox::Outbox;
use crate::seal::Memory;
use crate::seq::{Numbering, Order, SeqKey};
use crate::session::Session;
use crate::time;

/// How often the policy is asked for while there is nothing to upload.
pub(crate) const CONTACT_EVERY: Duration = Duration::from_secs(60);

/// Up to where the events of each bucket were taken, in microseconds since 1970.
type Cursors = BTreeMap<String, i64>;

/// What to follow, and for whom.
pub struct Watch<'a> {
    /// Base URL of aw-server.
    pub aw_server: &'a str,
    /// Who sits at the computer.
    pub person: &'a str,
    /// The pause between two passes; `None` for a single pass.
    pub every: Option<Duration>,
}

/// What a watch came to.
#[derive(Debug, Default, Serialize)]
pub struct Watched {
    /// Events that are new to the service.
    pub events: u64,
    /// Events that it had.
    pub duplicates: u64,
    /// Ids of buckets of unknown types.
    pub skipped_buckets: Vec<String>,
    /// Values that were cut.
    pub truncated: u64,
    /// Events that were left out because their time or duration cannot be.
    pub malformed: u64,
    /// Whether keys are still missing.
    pub pending_keys: bool,
}

/// Follows aw-server until `stop` says something.
///
/// # Errors
/// `agent.revoked`, `agent.needs-upgrade`, `spool.full`. Of a single pass also [`Failure::Unreachable`], when what was
/// read is spooled, and `aw-server.unreachable`.
pub fn watch(folder: &Folder, watch: &Watch<'_>, stop: &Receiver<()>) -> Result<Watched, Failure> {
    let mut watcher = Watcher {
        folder,
        watch,
        stop,
        aw_server: AwServer::new(watch.aw_server),
        contact_due: Instant::now(),
        stopped: false,
        told: None,
        watched: Watched::default(),
    };
    let mut idle: Option<Session> = None;
    loop {
        // Keys are loaded once, but between two passes other commands may work with the folder.
        let mut session = match idle.take().map(Session::retake).transpose()?.flatten() {
            Some(session) => session,
            None => Session::open(folder)?,
        };
        let passed = session.work(|session| watcher.pass(session));
        let Some(every) = watch.every else {
            return passed.map(|()| watcher.watched);
        };
        match passed {
            Ok(()) => watcher.told = None,
            Err(failure) if is_passing(&failure) => watcher.tell(&failure),
            Err(failure) => return Err(failure),
        }
        if watcher.stopped {
            return Ok(watcher.watched);
        }
        session.release();
        idle = Some(session);
        match stop.recv_timeout(every) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return Ok(watcher.watched),
        }
    }
}

/// What another pass may find better.
pub(crate) fn is_passing(failure: &Failure) -> bool {
    matches!(failure, Failure::Unreachable { .. } | Failure::WaitingForKeys) || failure.code().starts_with("aw-server.")
}

struct Watcher<'a> {
    folder: &'a Folder,
    watch: &'a Watch<'a>,
    stop: &'a Receiver<()>,
    aw_server: AwServer,
    contact_due: Instant,
    stopped: bool,
    /// Of what failure the person was told last, so as not to repeat it every few seconds.
    told: Option<Failure>,
    watched: Watched,
}

impl Watcher<'_> {
    fn tell(&mut self, failure: &Failure) {
        if self.told.as_ref().map(Failure::code) != Some(failure.code()) {
            eprintln!("{failure} ({}); going on", failure.code());
            self.told = Some(failure.clone());
        }
    }

    /// Takes what is new, and uploads it.
    fn pass(&mut self, session: &mut Session) -> Result<(), Failure> {
        let mut silence = None;
        if session.is_pending() || Instant::now() >= self.contact_due {
            match session.contact() {
                Ok(()) => self.contact_due = Instant::now() + CONTACT_EVERY,
                Err(failure @ (Failure::Unreachable { .. } | Failure::WaitingForKeys)) => silence = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        session.check_sealing()?;
        if session.is_pending() && !self.watched.pending_keys {
            eprintln!("waiting for keys: sending times only");
        }
        self.watched.pending_keys = session.is_pending();
        let read = self.read(session);
        if let Some(failure) = silence {
            read?;
            return Err(failure);
        }
        // What was read before aw-server went away is uploaded all the same.
        let receipt = session.catch_up()?;
        self.watched.events += receipt.stored;
        self.watched.duplicates += receipt.duplicates;
        read
    }

    fn read(&mut self, session: &mut Session) -> Result<(), Failure> {
        let buckets = self.aw_server.buckets()?;
        let unknown = |bucket: &&Bucket| Kind::of_bucket(&bucket.kind).is_none();
        let skipped = buckets.iter().filter(|(_, bucket)| unknown(bucket)).map(|(id, _)| id.clone());
        self.watched.skipped_buckets = skipped.collect();
        let key = self.folder.seq_key()?;
        let mut cursors: Cursors = self.folder.cursors()?;
        for (id, bucket) in &buckets {
            let Some(kind) = Kind::of_bucket(&bucket.kind) else { continue };
            let watchers: Vec<&str> = match kind {
                Kind::Afk => Vec::new(),
                _ => afk_watchers(&buckets, &bucket.hostname).collect(),
            };
            let mut from_us = cursors.get(id).copied().unwrap_or_default();
            if self.aw_server.newest(id)?.is_none_or(|newest| newest.start_us < from_us) {
                continue;
            }
            let presence_until_us = self.aw_server.presence_until(&watchers)?;
            let horizon = Horizon { now_us: time::now_us(), presence_until_us };
            loop {
                let page = self.aw_server.page(id, from_us, &horizon)?;
                self.take(session, &key, id, kind, &watchers, &page)?;
                if page.cursor_us != from_us {
                    // After the spool: what is read again has the same numbers, what is not read is lost.
                    cursors.insert(id.clone(), page.cursor_us);
                    self.folder.save_cursors(&cursors)?;
                }
                from_us = page.next_us;
                if page.is_last {
                    break;
                }
                self.stopped = self.stop.try_recv().is_ok();
                if self.stopped {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Seals a page into the spool.
    fn take(
        &mut self,
        session: &mut Session,
        key: &SeqKey,
        bucket: &str,
        kind: Kind,
        watchers: &[&str],
        page: &Page,
    ) -> Result<(), Failure> {
        self.watched.malformed += page.malformed;
        let (Some((first, _)), Some(end_us)) =
            (page.events.first(), page.events.iter().map(|(span, _)| span.end_us()).max())
        else {
            return Ok(());
        };
        let presence = self.aw_server.presence(watchers, first.start_us, end_us)?;
        let mut numbering = Numbering::new(key, Order::Sorted);
        let Session { folder, link, keys, .. } = session;
        let mut outbox = Outbox::new(folder, link, None);
        let mut memory = Memory::default();
        let mut batch = Batch::new(self.watch.person);
        for (index, (span, data)) in page.events.iter().enumerate() {
            let active_us = match kind {
                Kind::Afk if data.is_present() => span.duration_us,
                Kind::Afk => 0,
                _ => presence.within(*span),
            };
            batch.push(kind, *span, active_us, data);
            batch.number_last(|event, text| numbering.next(bucket, event, text));
            if batch.is_full() || index + 1 == page.events.len() {
                outbox.accept(&keys.sealer().seal(&batch, &mut memory)?)?;
                self.watched.truncated += batch.truncated;
                batch = Batch::new(self.watch.person);
            }
        }
        Ok(())
    }
}

fn afk_watchers<'b>(buckets: &'b BTreeMap<String, Bucket>, hostname: &str) -> impl Iterator<Item = &'b str> {
    let watches =
        move |bucket: &Bucket| bucket.hostname == hostname && Kind::of_bucket(&bucket.kind) == Some(Kind::Afk);
    buckets.iter().filter(move |(_, bucket)| watches(bucket)).map(|(id, _)| id.as_str())
}
