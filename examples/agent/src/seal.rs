//! From a batch of events to the body of an upload, with every value sealed or left out. There is no third way.

use std::collections::HashMap;

use blindtally::{Agent, PendingAgent, TokenBatch, TokenClass, TokenizeError};
use blindtally_client::Failure;
use serde::Serialize;

use crate::event::{Batch, CLASSES, Event};

/// zstd's fastest regular level: tokens are random, so what there is to gain is in the rest.
const LEVEL: i32 = 1;

/// What becomes of values.
#[derive(Clone, Copy)]
pub enum Sealer<'a> {
    /// They become tokens.
    Tokens(&'a Agent),
    /// There are no keys yet: only times are sent, and the values wait in the queue as records.
    Timing(&'a PendingAgent),
    /// They stay as they are: what sealing is measured against.
    #[cfg(feature = "bench-plaintext")]
    Plain,
}

/// The body of an upload.
#[derive(Debug)]
pub struct Sealed {
    /// JSON compressed with zstd.
    pub body: Vec<u8>,
    /// How many events it has.
    pub events: u64,
    /// Values that wait for keys, for the queue.
    pub(crate) waiting: Vec<Waiting>,
    /// Values that were cut.
    pub(crate) truncated: u64,
}

/// An event whose values are records under the device's queue key.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) event: Event,
    pub(crate) records: [Option<String>; CLASSES],
}

/// The JSON of an upload.
#[derive(Serialize)]
struct Upload<'a> {
    events: Vec<WireEvent<'a>>,
}

#[derive(Serialize)]
pub(crate) struct WireEvent<'a> {
    seq: u64,
    action: &'static str,
    start_us: i64,
    duration_us: i64,
    active_us: i64,
    #[serde(skip_serializing_if = "WireValues::is_empty")]
    values: WireValues<'a>,
}

/// Sealed texts by class, in the order of [`TokenClass::NAMED`].
#[derive(Clone, Copy, Default)]
pub(crate) struct WireValues<'a>(pub(crate) [Option<&'a str>; CLASSES]);

impl WireValues<'_> {
    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

impl Serialize for WireValues<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = TokenClass::NAMED.iter().zip(self.0);
        serializer.collect_map(named.filter_map(|(class, text)| Some((class.name()?, text?))))
    }
}

impl<'a> WireEvent<'a> {
    pub(crate) fn new(event: &Event, values: WireValues<'a>) -> Self {
        Self {
            seq: event.seq,
            action: event.kind.action(),
            start_us: event.span.start_us,
            duration_us: event.span.duration_us,
            active_us: event.active_us,
            values,
        }
    }
}

impl Sealer<'_> {
    /// Seals a batch.
    pub(crate) fn seal(&self, batch: &Batch, memory: &mut Memory) -> Result<Sealed, Failure> {
        let mut waiting = Vec::new();
        let body = match self {
            Self::Tokens(agent) => {
                for (class, tokens) in TokenClass::NAMED.iter().zip(&mut memory.classes) {
                    tokens.fill(agent, *class, batch)?;
                }
                let mut places = [0; CLASSES];
                let events = batch.events.iter().map(|event| {
                    let mut values = WireValues::default();
                    for (class, value) in values.0.iter_mut().enumerate() {
                        if event.values[class].is_some() {
                            *value = memory.classes[class].text(places[class]);
                            places[class] += 1;
                        }
                    }
                    WireEvent::new(event, values)
                });
                compress(&Upload { events: events.collect() })?
            }
            Self::Timing(pending) => {
                for event in &batch.events {
                    if let Some(records) = queue(pending, event, &batch.text)? {
                        waiting.push(Waiting { event: event.clone(), records });
                    }
                }
                let events = batch.events.iter().map(|event| WireEvent::new(event, WireValues::default()));
                compress(&Upload { events: events.collect() })?
            }
            #[cfg(feature = "bench-plaintext")]
            Self::Plain => {
                let events = batch.events.iter().map(|event| {
                    // The service takes no empty text.
                    let text =
                        |range: &std::ops::Range<usize>| Some(&batch.text[range.clone()]).filter(|t| !t.is_empty());
                    let values = event.values.each_ref().map(|range| range.as_ref().and_then(text));
                    WireEvent::new(event, WireValues(values))
                });
                compress(&Upload { events: events.collect() })?
            }
        };
        Ok(Sealed { body, events: batch.events.len() as u64, waiting, truncated: batch.truncated })
    }
}

/// The tokens of a batch, in memory that is used again.
#[derive(Default)]
pub(crate) struct Memory {
    classes: [ClassTokens; CLASSES],
}

/// The tokens of one class: each distinct value is sealed once in a batch.
#[derive(Default)]
struct ClassTokens {
    tokens: TokenBatch,
    /// For each event that has a value of the class, in order: which token.
    places: Vec<usize>,
    allowed: bool,
}

impl ClassTokens {
    fn fill(&mut self, agent: &Agent, class: TokenClass, batch: &Batch) -> Result<(), Failure> {
        self.places.clear();
        let slot = crate::event::slot(class);
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut distinct: Vec<&str> = Vec::new();
        for range in batch.events.iter().filter_map(|event| event.values[slot].as_ref()) {
            let value = &batch.text[range.clone()];
            let place = *known.entry(value).or_insert_with(|| {
                distinct.push(value);
                distinct.len() - 1
            });
            self.places.push(place);
        }
        self.allowed = match agent.tokenize_batch(class, distinct, &mut self.tokens) {
            Ok(()) => true,
            // The policy does not have the class: the owner does not want such values.
            Err(TokenizeError::NoKey) => false,
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }

    fn text(&self, index: usize) -> Option<&str> {
        let place = self.places.get(index).filter(|_| self.allowed)?;
        self.tokens.get(*place)?.ok()
    }
}

/// An event's values as records; `None` if it has none.
fn queue(pending: &PendingAgent, event: &Event, text: &str) -> Result<Option<[Option<String>; CLASSES]>, Failure> {
    let mut records = [const { None }; CLASSES];
    for (class, (range, record)) in TokenClass::NAMED.iter().zip(event.values.iter().zip(&mut records)) {
        if let Some(range) = range {
            *record = Some(pending.queue(*class, &text[range.clone()], event.seq)?.to_string());
        }
    }
    Ok(records.iter().any(Option::is_some).then_some(records))
}

/// The body of an upload: JSON, compressed.
pub(crate) fn compress(upload: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::refused("agent.encoding", format!("cannot encode: {error}"));
    let json = serde_json::to_vec(upload).map_err(|error| failed(&error))?;
    zstd::bulk::compress(&json, LEVEL).map_err(|error| failed(&error))
}
