//! `import`: an ActivityWatch export, sealed and uploaded as it is read.
//!
//! Reading, sealing and uploading overlap, with a batch or two between them, so the memory is flat whatever the size.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use blindtally_client::Failure;
use serde::Serialize;

use crate::event::Batch;
use crate::export::{Export, Found, Survey};
use crate::folder::Folder;
use crate::outbox::Outbox;
use crate::seal::{Memory, Sealed, Sealer};
use crate::seq::{Numbering, SeqKey};
use crate::session::Session;
use crate::time;

/// Batches between two threads.
const AHEAD: usize = 1;

/// What is read, for whom.
pub struct Source<'a> {
    /// The file.
    pub export: &'a Export,
    /// Hostnames to take; none takes all.
    pub hosts: &'a [String],
    /// Who sat at the computer.
    pub person: &'a str,
    /// Numbers the events.
    pub key: &'a SeqKey,
}

/// What a source held.
#[derive(Debug, Default)]
pub struct Read {
    /// Events that were sealed.
    pub events: u64,
    /// Events without a time or a duration that can be; they are left out.
    pub malformed: u64,
    /// Values that were cut to 4,096 bytes, counted once for each event that carries one.
    pub truncated: u64,
    /// Ids of buckets of unknown types.
    pub skipped_buckets: Vec<String>,
}

/// Reads a source twice, seals its events, and hands over one upload after another, each from the thread that uploads.
///
/// `progress` is told how many bytes were read, of twice the file's size.
///
/// # Errors
/// `import.malformed` and the other codes of [`Export`]; those of sealing; whatever `send` fails with.
pub fn read(
    source: &Source<'_>,
    sealer: Sealer<'_>,
    progress: &mut dyn FnMut(u64),
    send: impl FnMut(&Sealed) -> Result<(), Failure> + Send,
) -> Result<Read, Failure> {
    let size = source.export.size();
    let survey = source.export.survey(source.hosts, progress)?;
    let (batches, to_seal) = sync_channel(AHEAD);
    let (sealed, to_send) = sync_channel(AHEAD);
    let (malformed, counts) = thread::scope(|scope| {
        let sealing = scope.spawn(move || seal_all(&to_seal, sealer, &sealed));
        let sending = scope.spawn(move || send_all(&to_send, send));
        let read = read_all(source, &survey, &mut |bytes| progress(size + bytes), &batches);
        drop(batches);
        let sealed = sealing.join().unwrap_or_else(|_| Err(Gone::failure()));
        let sent = sending.join().unwrap_or_else(|_| Err(Gone::failure()));
        // Of several failures the one furthest down is the cause: the others noticed that nobody takes from them.
        let counts = sent?;
        sealed?;
        Ok::<_, Failure>((read?, counts))
    })?;
    Ok(Read { malformed, skipped_buckets: survey.skipped, ..counts })
}

/// The next thread has ended, and knows why.
struct Gone;

impl Gone {
    fn failure() -> Failure {
        Failure::refused("agent.internal", "a part of the import ended unexpectedly")
    }
}

fn read_all(
    source: &Source<'_>,
    survey: &Survey,
    progress: &mut dyn FnMut(u64),
    batches: &SyncSender<Batch>,
) -> Result<u64, Failure> {
    let mut batch = Batch::new(source.person);
    let mut numbering: Option<(usize, Numbering<'_>)> = None;
    let malformed = source.export.events(survey, progress, &mut |found: Found<'_>| {
        let numbering = match &mut numbering {
            Some((place, numbering)) if *place == found.place => numbering,
            other => &mut other.insert((found.place, Numbering::new(source.key, found.order))).1,
        };
        batch.push(found.kind, found.span, found.active_us, found.data);
        batch.number_last(|event, text| numbering.next(found.bucket, event, text));
        if batch.is_full() {
            let full = std::mem::replace(&mut batch, Batch::new(source.person));
            batches.send(full).map_err(|_| Gone::failure())?;
        }
        Ok(())
    })?;
    if !batch.events.is_empty() {
        batches.send(batch).map_err(|_| Gone::failure())?;
    }
    Ok(malformed)
}

fn seal_all(batches: &Receiver<Batch>, sealer: Sealer<'_>, sealed: &SyncSender<Sealed>) -> Result<(), Failure> {
    let mut memory = Memory::default();
    for batch in batches {
        sealed.send(sealer.seal(&batch, &mut memory)?).map_err(|_| Gone::failure())?;
    }
    Ok(())
}

fn send_all(uploads: &Receiver<Sealed>, mut send: impl FnMut(&Sealed) -> Result<(), Failure>) -> Result<Read, Failure> {
    let mut counts = Read::default();
    for sealed in uploads {
        send(&sealed)?;
        counts.events += sealed.events;
        counts.truncated += sealed.truncated;
    }
    Ok(counts)
}

/// What an import came to.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// Events that are new to the service.
    pub events: u64,
    /// Events that it had.
    pub duplicates: u64,
    /// Ids of buckets of unknown types, which were left out.
    pub skipped_buckets: Vec<String>,
    /// Values that were cut.
    pub truncated: u64,
    /// Events that were left out because their time or duration cannot be.
    pub malformed: u64,
    /// Whether only times were sent, because the owner has not delivered keys yet.
    pub pending_keys: bool,
}

/// Imports a file.
///
/// # Errors
/// Those of [`read`]; [`Failure::Unreachable`] and [`Failure::WaitingForKeys`] when everything was spooled that could not
/// be sent.
pub fn import(
    folder: &Folder,
    export: &Export,
    hosts: &[String],
    person: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<Imported, Failure> {
    Session::run(folder, |session| {
        let silence = match session.contact().and_then(|()| session.catch_up()) {
            Ok(_) => None,
            Err(failure @ (Failure::Unreachable { .. } | Failure::WaitingForKeys)) => Some(failure),
            Err(failure) => return Err(failure),
        };
        session.check_sealing()?;
        let key = session.folder.seq_key()?;
        let source = Source { export, hosts, person, key: &key };
        let pending_keys = session.is_pending();
        if pending_keys {
            eprintln!("waiting for keys: sending times only");
        }
        let Session { folder, link, keys, .. } = session;
        let mut outbox = Outbox::new(folder, link, silence);
        let read = read(&source, keys.sealer(), progress, |sealed| outbox.send(sealed))?;
        if outbox.receipt.stored + outbox.receipt.duplicates > 0 {
            folder.save_last_upload(time::now_us())?;
        }
        match outbox.silence {
            Some(Failure::Unreachable { message }) => Err(Failure::Unreachable {
                message: format!("{message}; what it has not taken is spooled: `sync` sends it"),
            }),
            Some(failure) => Err(failure),
            None => Ok(Imported {
                events: outbox.receipt.stored,
                duplicates: outbox.receipt.duplicates,
                skipped_buckets: read.skipped_buckets,
                truncated: read.truncated,
                malformed: read.malformed,
                pending_keys,
            }),
        }
    })
}
