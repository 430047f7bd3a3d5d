//! `collect`: seals screenshots, camera shots and recordings from folders, and records from files of lines, and uploads
//! them.
//!
//! What is sealed waits as a unit (`unit`) until the service has confirmed it; whatever is not sealed yet is found again
//! where it lies. So there is nothing in between that could get lost.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use blindtally::{Agent, BlobClass};
use blindtally_client::Failure;
use serde::Serialize;

use crate::blob_folder::{self, BlobFolder, Candidate, Look};
use crate::folder::Folder;
use crate::link::Link;
use crate::record_file::{BATCH_MAX, Opened, RecordFile};
use crate::seq::SeqKey;
use crate::session::{Keys, Session};
use crate::time;
use crate::unit::{self, Delivered, Source, Units};
use crate::watch::{CONTACT_EVERY, is_passing};

/// What to collect, and how.
pub struct Collect<'a> {
    /// Folders, and what their files are.
    pub blobs: &'a [(BlobClass, PathBuf)],
    /// Files of lines.
    pub records: &'a [PathBuf],
    /// The pause between two looks; `None` for a single look.
    pub every: Option<Duration>,
    /// What becomes of files that the service has.
    pub afterwards: Afterwards,
    /// At most so many bytes of sealed units wait for the service, or those of one unit.
    pub spool_max: u64,
}

/// What becomes of a screenshot's or recording's file once the service has confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It stays.
    Keep,
    /// It is removed.
    Remove,
}

/// What a collection came to.
#[derive(Debug, Default, Serialize)]
pub struct Collected {
    /// Blobs that are new to the service.
    pub blobs: u64,
    /// Records that are new to it.
    pub records: u64,
    /// Blobs and records that it had.
    pub duplicates: u64,
    /// Blobs and batches of records that it will never take. They are set aside.
    pub refused: u64,
    /// Lines that are no records.
    pub malformed: u64,
    /// Values above 1 MiB and files above 1 GiB.
    pub too_long: u64,
    /// Records of classes that the policy does not have.
    pub not_wanted: u64,
    /// Files that were to be images and are none.
    pub not_images: u64,
    /// Files that were to be recordings and are none.
    pub not_audio: u64,
    /// Files that could not be read.
    pub unreadable: u64,
    /// Files that may still be written, and last lines without an end, as of the last look.
    pub unfinished: u64,
    /// Files that were removed.
    pub removed: u64,
}

/// Collects until `stop` says something.
///
/// # Errors
/// [`Failure::WaitingForKeys`] while the owner has not delivered; then nothing is read. `agent.revoked`,
/// `agent.needs-upgrade`, `blob.no-key` for a class that the policy does not have, `spool.full`. Of a single look also
/// [`Failure::Unreachable`], when what was sealed waits, and `collect.folder`, `collect.read` and `collect.not-a-file`,
/// when everything else was collected. `usage` if one folder is given twice: a file is of one class.
pub fn collect(folder: &Folder, collect: &Collect<'_>, stop: &Receiver<()>) -> Result<Collected, Failure> {
    check_folders(collect.blobs)?;
    let mut collector = Collector {
        collect,
        stop,
        contact_due: Instant::now(),
        seen: HashMap::new(),
        left_alone: HashSet::new(),
        stopped: false,
        told: None,
        collected: Collected::default(),
    };
    let mut idle: Option<Session> = None;
    loop {
        let mut session = match idle.take().map(Session::retake).transpose()?.flatten() {
            Some(session) => session,
            None => Session::open(folder)?,
        };
        let looked = session.work(|session| collector.look(session));
        let Some(every) = collect.every else {
            return looked.map(|()| collector.collected);
        };
        match looked {
            Ok(()) => collector.told = None,
            Err(failure) if is_passing(&failure) || failure.code().starts_with("collect.") => collector.tell(&failure),
            Err(failure) => return Err(failure),
        }
        if collector.stopped {
            return Ok(collector.collected);
        }
        session.release();
        idle = Some(session);
        match stop.recv_timeout(every) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return Ok(collector.collected),
        }
    }
}

fn check_folders(blobs: &[(BlobClass, PathBuf)]) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    // One that is not there is told when it is looked into.
    for folder in blobs.iter().filter_map(|(_, path)| std::fs::canonicalize(path).ok()) {
        if let Some(twice) = seen.replace(folder) {
            return Err(Failure::usage(format!("{} is given twice: a file is of one class", twice.display())));
        }
    }
    Ok(())
}

struct Collector<'a> {
    collect: &'a Collect<'a>,
    stop: &'a Receiver<()>,
    contact_due: Instant,
    /// The files of each folder at the look before.
    seen: HashMap<u128, HashSet<u128>>,
    /// Files that are not what their folder is for: they are counted once.
    left_alone: HashSet<u128>,
    stopped: bool,
    /// Of what failure the person was told last, so as not to repeat it at every look.
    told: Option<Failure>,
    collected: Collected,
}

/// Where sealed units go in one look.
struct Outlet<'a> {
    key: &'a SeqKey,
    agent: &'a Agent,
    link: &'a mut Link,
    units: Units,
    delivered: Delivered,
    /// Why nothing is sent.
    silence: Option<Failure>,
    /// Why a unit was not sent.
    unread: Option<Failure>,
    spool_max: u64,
}

impl Collector<'_> {
    fn tell(&mut self, failure: &Failure) {
        if self.told.as_ref().map(Failure::code) != Some(failure.code()) {
            eprintln!("{failure} ({}); going on", failure.code());
            self.told = Some(failure.clone());
        }
    }

    fn look(&mut self, session: &mut Session) -> Result<(), Failure> {
        let mut silence = None;
        if session.is_pending() || Instant::now() >= self.contact_due {
            match session.contact() {
                Ok(()) => self.contact_due = Instant::now() + CONTACT_EVERY,
                Err(failure @ Failure::Unreachable { .. }) => silence = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        session.check_sealing()?;
        let Session { folder, link, keys, .. } = session;
        let Keys::Given(agent) = keys else { return Err(silence.unwrap_or(Failure::WaitingForKeys)) };
        for (class, _) in self.collect.blobs {
            agent.blob_key(*class)?;
        }
        let (units, delivered, key) = (Units::open(folder)?, Delivered::default(), &folder.seq_key()?);
        let spool_max = self.collect.spool_max;
        let mut outlet = Outlet { key, agent, link, units, delivered, silence, unread: None, spool_max };
        let looked = self.look_into(&mut outlet);
        let Outlet { delivered: Delivered { blobs, records, duplicates, refused }, silence, unread, .. } = outlet;
        self.collected.blobs += blobs;
        self.collected.records += records;
        self.collected.duplicates += duplicates;
        self.collected.refused += refused;
        if blobs + records + duplicates > 0 {
            folder.save_last_upload(time::now_us())?;
        }
        looked?;
        match silence {
            Some(Failure::Unreachable { message }) => Err(Failure::Unreachable {
                message: format!("{message}; what it has not taken waits here, sealed: `sync` sends it"),
            }),
            Some(failure) => Err(failure),
            None => unread.map_or(Ok(()), Err),
        }
    }

    /// Takes one source after the other. One that cannot be read does not keep the others.
    fn look_into(&mut self, outlet: &mut Outlet<'_>) -> Result<(), Failure> {
        outlet.deliver()?;
        let mut failed = None;
        self.collected.unfinished = 0;
        for path in self.collect.records {
            self.beside(&mut failed, |collector| collector.take_lines(outlet, path))?;
        }
        for (class, path) in self.collect.blobs {
            self.beside(&mut failed, |collector| collector.take_files(outlet, *class, path))?;
        }
        outlet.units.compact()?;
        failed.map_or(Ok(()), Err)
    }

    fn beside(
        &mut self,
        failed: &mut Option<Failure>,
        take: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match take(self) {
            Err(failure) if failure.code().starts_with("collect.") => {
                failed.get_or_insert(failure);
                Ok(())
            }
            taken => taken,
        }
    }

    fn is_stopped(&mut self) -> bool {
        self.stopped |= self.stop.try_recv().is_ok();
        self.stopped
    }

    fn take_lines(&mut self, outlet: &mut Outlet<'_>, path: &Path) -> Result<(), Failure> {
        let mut file = match RecordFile::open(outlet.key, path)? {
            Opened::Lines(file) => file,
            Opened::Unfinished => {
                self.collected.unfinished += 1;
                return Ok(());
            }
            Opened::Empty => return Ok(()),
        };
        file.seek(outlet.units.position(file.path, file.identity, file.length))?;
        while !self.is_stopped() && outlet.has_room(BATCH_MAX)? {
            let Some(batch) = file.next_batch(outlet.agent)? else {
                self.collected.unfinished += u64::from(file.is_unfinished());
                break;
            };
            let source = Source::Lines { path: file.path, identity: file.identity, end: batch.end };
            if batch.body.is_empty() {
                outlet.units.pass_over(source)?;
            } else {
                outlet.units.seal(source, |out| match out.write_all(&batch.body) {
                    Ok(()) => Ok(true),
                    Err(error) => Err(crate::journal::failed(path, &error)),
                })?;
                outlet.deliver()?;
            }
            self.collected.malformed += batch.left_out.malformed;
            self.collected.too_long += batch.left_out.too_long;
            self.collected.not_wanted += batch.left_out.not_wanted;
        }
        Ok(())
    }

    fn take_files(&mut self, outlet: &mut Outlet<'_>, class: BlobClass, path: &Path) -> Result<(), Failure> {
        let folder = BlobFolder::open(outlet.key, class, path)?;
        let candidates = folder.candidates(outlet.key)?;
        let there: HashSet<u128> = candidates.iter().map(|candidate| candidate.digest).collect();
        let earlier = match self.collect.every {
            Some(_) => Some(self.seen.insert(folder.digest, there.clone()).unwrap_or_default()),
            None => None,
        };
        for candidate in &candidates {
            if self.is_stopped() {
                break;
            }
            if !outlet.units.is_sealed(&candidate.source) && !self.left_alone.contains(&candidate.digest) {
                if !candidate.rests(SystemTime::now(), earlier.as_ref()) {
                    self.collected.unfinished += 1;
                    continue;
                }
                if !outlet.has_room(candidate.sealed_length())? {
                    break;
                }
                self.take_file(outlet, &folder, candidate)?;
            }
            if self.collect.afterwards == Afterwards::Remove && outlet.units.is_delivered(&candidate.source) {
                self.remove(outlet, candidate)?;
            }
        }
        outlet.units.forget_others(folder.digest, &there)
    }

    fn take_file(
        &mut self,
        outlet: &mut Outlet<'_>,
        folder: &BlobFolder,
        candidate: &Candidate,
    ) -> Result<(), Failure> {
        let count = match folder.look(candidate) {
            Ok(None) => {
                self.collected.unfinished += 1;
                return Ok(());
            }
            Ok(Some((file, Look::Fit))) => {
                let agent = outlet.agent;
                match outlet.units.seal(candidate.source, |out| folder.seal(agent, candidate, &file, out)) {
                    Ok(true) => return outlet.deliver(),
                    Ok(false) => {
                        self.collected.unfinished += 1;
                        return Ok(());
                    }
                    Err(failure) if failure.code() == blob_folder::UNREADABLE => &mut self.collected.unreadable,
                    Err(failure) => return Err(failure),
                }
            }
            Ok(Some((_, Look::TooLong))) => &mut self.collected.too_long,
            Ok(Some((_, Look::NotAnImage))) => &mut self.collected.not_images,
            Ok(Some((_, Look::NotAudio))) => &mut self.collected.not_audio,
            Err(_) => &mut self.collected.unreadable,
        };
        *count += 1;
        self.left_alone.insert(candidate.digest);
        Ok(())
    }

    fn remove(&mut self, outlet: &mut Outlet<'_>, candidate: &Candidate) -> Result<(), Failure> {
        match candidate.remove() {
            Ok(true) => {
                self.collected.removed += 1;
                outlet.units.forget_gone(&[candidate.source])
            }
            Ok(false) => Ok(()),
            Err(error) => {
                eprintln!("{} cannot be removed: {error}", candidate.describe());
                Ok(())
            }
        }
    }
}

impl Outlet<'_> {
    /// Delivers what waits. From the service's first silence on everything is kept.
    fn deliver(&mut self) -> Result<(), Failure> {
        if self.silence.is_some() {
            return Ok(());
        }
        match self.units.deliver(self.link, &mut self.delivered) {
            Err(failure @ (Failure::Unreachable { .. } | Failure::WaitingForKeys)) => {
                self.silence = Some(failure);
                Ok(())
            }
            Err(failure) if failure.code() == unit::UNREADABLE => {
                self.unread = Some(failure);
                Ok(())
            }
            delivered => delivered,
        }
    }

    /// Whether another unit of so many bytes may wait. Without a service it is just not taken yet.
    fn has_room(&self, more: u64) -> Result<bool, Failure> {
        let has_room = self.units.has_room(more, self.spool_max);
        if has_room || self.silence.is_some() {
            return Ok(has_room);
        }
        let message = "what the service has refused takes up all the room that sealed units may have: see `status`";
        Err(Failure::refused("spool.full", message))
    }
}
