//! Values that wait for the device's keys, as records under its queue key. Once there are keys each becomes a token, and
//! the event that was uploaded without values gets them: the records stay here (SPEC.md#queue-stays,
//! SPEC.md#pending-values).

use std::collections::{BTreeMap, HashSet};

use blindtally::{Agent, Record, TokenizeError};
use blindtally_client::Failure;
use serde::{Deserialize, Serialize};

use crate::folder::Folder;
use crate::journal::Journal;
use crate::link::{Link, Receipt};
use crate::seal::{Waiting, WireEvent, WireValues, compress};

/// The queue, opened for adding.
pub(crate) struct Queue {
    journal: Journal,
    known: HashSet<u64>,
}

#[derive(Serialize)]
struct NewFrame<'a> {
    events: Vec<WireEvent<'a>>,
}

#[derive(Deserialize)]
struct Frame {
    events: Vec<QueuedEvent>,
}

#[derive(Deserialize)]
struct QueuedEvent {
    #[serde(flatten)]
    event: Timing,
    /// Records by class.
    values: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Timing {
    seq: u64,
    action: String,
    start_us: i64,
    duration_us: i64,
    active_us: i64,
}

#[derive(Serialize)]
struct Upload<'a> {
    events: &'a [Timing],
    enrich: &'a [Enrichment],
}

#[derive(Serialize)]
struct Enrichment {
    seq: u64,
    values: BTreeMap<String, String>,
}

impl Queue {
    pub(crate) fn open(folder: &Folder) -> Result<Self, Failure> {
        let journal = folder.queue()?;
        let mut known = HashSet::new();
        let mut frames = journal.frames()?;
        while let Some(frame) = frames.next()? {
            known.extend(parse(&frame)?.events.iter().map(|queued| queued.event.seq));
        }
        Ok(Self { journal, known })
    }

    /// Keeps what is not kept already: the same events may be imported again before the keys come.
    pub(crate) fn add(&mut self, waiting: &[Waiting]) -> Result<(), Failure> {
        let new = waiting.iter().filter(|waiting| !self.known.contains(&waiting.event.seq));
        let events: Vec<_> = new
            .map(|waiting| WireEvent::new(&waiting.event, WireValues(waiting.records.each_ref().map(Option::as_deref))))
            .collect();
        if events.is_empty() {
            return Ok(());
        }
        let frame = serde_json::to_vec(&NewFrame { events }).map_err(|_| damaged())?;
        self.journal.append(&frame)?;
        self.known.extend(waiting.iter().map(|waiting| waiting.event.seq));
        Ok(())
    }
}

/// Completes the earlier events, and empties the queue as far as the service has taken it.
pub(crate) fn complete(folder: &Folder, agent: &Agent, link: &mut Link) -> Result<Receipt, Failure> {
    let mut journal = folder.queue()?;
    let mut total = Receipt::default();
    if journal.is_empty() {
        return Ok(total);
    }
    let mut frames = journal.frames()?;
    loop {
        let done = frames.offset();
        let Some(frame) = frames.next()? else { break };
        match send(&frame, agent, link) {
            Ok(receipt) => total.add(receipt),
            Err(failure) => {
                journal.forget_until(done)?;
                return Err(failure);
            }
        }
    }
    journal.clear()?;
    Ok(total)
}

fn send(frame: &[u8], agent: &Agent, link: &mut Link) -> Result<Receipt, Failure> {
    let mut events = Vec::new();
    let mut enrich = Vec::new();
    for QueuedEvent { event, values } in parse(frame)?.events {
        let mut tokens = BTreeMap::new();
        for (class, record) in values {
            if let Some(token) = seal_again(agent, &record)? {
                tokens.insert(class, token);
            }
        }
        enrich.push(Enrichment { seq: event.seq, values: tokens });
        events.push(event);
    }
    match link.upload(&compress(&Upload { events: &[], enrich: &enrich })?) {
        // A crash came between queueing and uploading: the times are here as well.
        Err(failure) if failure.code() == "event.unknown" => {
            link.upload(&compress(&Upload { events: &events, enrich: &enrich })?)
        }
        answer => answer,
    }
}

/// The token of a record; `None` for a class that the policy does not have.
fn seal_again(agent: &Agent, record: &str) -> Result<Option<String>, Failure> {
    match agent.dequeue(&Record::parse(record)?) {
        Ok(token) => Ok(Some(token.to_string())),
        Err(blindtally::Error::Tokenize(TokenizeError::NoKey)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn parse(frame: &[u8]) -> Result<Frame, Failure> {
    serde_json::from_slice(frame).map_err(|_| damaged())
}

fn damaged() -> Failure {
    Failure::refused("state.damaged", "the queue is damaged")
}
