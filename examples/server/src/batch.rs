//! A batch of events as a device uploads it: parsed once, borrowing from the body, checked once,
//! and from then on known to be well-formed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Segment;

use crate::class::Class;
use crate::error::Error;

/// The most events, and the most enrichments, of one batch.
pub(crate) const MAX_EVENTS: usize = 5_000;
/// The largest opaque value.
pub(crate) const MAX_VALUE_BYTES: usize = 8_192;
/// Times that every JSON reader keeps exact, a browser's included.
const MAX_TIME_US: i64 = (1 << 53) - 1;
/// No event lasts longer: it keeps sums of hundreds of thousands of the longest within an `i64`.
const MAX_DURATION_US: i64 = 366 * 24 * 3600 * 1_000_000;

/// A well-formed batch. Values are numbered: equal texts of one class have one number.
pub(crate) struct Batch<'a> {
    pub(crate) events: Vec<Event<'a>>,
    pub(crate) enrich: Vec<Enrichment>,
    /// The distinct values; their numbers are their places here.
    pub(crate) values: Vec<(Class, Cow<'a, str>)>,
}

pub(crate) struct Event<'a> {
    pub(crate) seq: i64,
    pub(crate) action: Cow<'a, str>,
    pub(crate) start_us: i64,
    pub(crate) duration_us: i64,
    pub(crate) active_us: i64,
    pub(crate) values: Numbers,
}

pub(crate) struct Enrichment {
    pub(crate) seq: i64,
    pub(crate) values: Numbers,
}

/// For each class the number of its value, if there is one.
pub(crate) type Numbers = [Option<usize>; Class::COUNT];

impl<'a> Batch<'a> {
    /// Parses and checks a body.
    ///
    /// # Errors
    ///
    /// Names the element that is wrong, if it is one element.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Error> {
        let wire: WireBatch<'a> = serde_json::from_slice(body).map_err(|error| explain(body, &error))?;
        if wire.events.len() > MAX_EVENTS || wire.enrich.len() > MAX_EVENTS {
            return Err(Error::EventTooMany);
        }
        let mut numbering = Numbering::default();
        let mut events = Vec::with_capacity(wire.events.len());
        for (index, event) in wire.events.into_iter().enumerate() {
            let at = Place { list: "events", index };
            events.push(check_event(event, at, &mut numbering)?);
        }
        let mut enrich = Vec::with_capacity(wire.enrich.len());
        for (index, enrichment) in wire.enrich.into_iter().enumerate() {
            let at = Place { list: "enrich", index };
            enrich.push(Enrichment {
                seq: check_seq(enrichment.seq, at)?,
                values: numbering.numbers(enrichment.values, at)?,
            });
        }
        Ok(Self { events, enrich, values: numbering.values })
    }
}

/// Whether `text` can be stored as an opaque value.
pub(crate) fn is_value(text: &str) -> bool {
    // PostgreSQL keeps no NUL in a text, so neither database is asked to.
    (1..=MAX_VALUE_BYTES).contains(&text.len()) && !text.contains('\0')
}

fn check_event<'a>(event: WireEvent<'a>, at: Place, numbering: &mut Numbering<'a>) -> Result<Event<'a>, Error> {
    let seq = check_seq(event.seq, at)?;
    if !is_action(&event.action) {
        return Err(at.invalid("action must be 1 to 32 of a-z, 0-9 and -"));
    }
    if !(0..=MAX_TIME_US).contains(&event.start_us) {
        return Err(at.invalid("start_us must be 0 to 2^53 - 1"));
    }
    for duration in [event.duration_us, event.active_us] {
        if !(0..=MAX_DURATION_US).contains(&duration) {
            return Err(at.invalid("duration_us and active_us must be 0 to 366 days"));
        }
    }
    Ok(Event {
        seq,
        action: event.action,
        start_us: event.start_us,
        duration_us: event.duration_us,
        active_us: event.active_us,
        values: numbering.numbers(event.values, at)?,
    })
}

fn check_seq(seq: u64, at: Place) -> Result<i64, Error> {
    i64::try_from(seq).map_err(|_| at.invalid("seq must be at most 2^63 - 1"))
}

/// Whether `text` can be an action.
pub(crate) fn is_action(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Gives every distinct value a number.
#[derive(Default)]
struct Numbering<'a> {
    numbers: HashMap<(Class, Cow<'a, str>), usize>,
    values: Vec<(Class, Cow<'a, str>)>,
}

impl<'a> Numbering<'a> {
    fn numbers(&mut self, values: WireValues<'a>, at: Place) -> Result<Numbers, Error> {
        if let Some(class) = values.unknown {
            return Err(at.unknown_class(class));
        }
        let mut numbers = Numbers::default();
        for (class, text) in Class::ALL.into_iter().zip(values.texts) {
            let Some(text) = text else { continue };
            if !is_value(&text) {
                return Err(at.invalid("a value is 1 to 8192 bytes without NUL"));
            }
            let key = (class, text);
            let number = match self.numbers.get(&key) {
                Some(number) => *number,
                None => {
                    let number = self.values.len();
                    self.values.push(key.clone());
                    self.numbers.insert(key, number);
                    number
                }
            };
            numbers[class as usize] = Some(number);
        }
        Ok(numbers)
    }
}

/// An element of a batch, for error messages.
#[derive(Clone, Copy)]
struct Place {
    list: &'static str,
    index: usize,
}

impl Place {
    fn invalid(self, reason: &str) -> Error {
        Error::EventInvalid { list: self.list, index: self.index, reason: reason.to_owned() }
    }

    fn unknown_class(self, class: String) -> Error {
        Error::EventClass { list: self.list, index: self.index, class }
    }
}

/// Parses a body that was refused again, slowly, to name the element that is wrong.
fn explain(body: &[u8], error: &serde_json::Error) -> Error {
    let mut json = serde_json::Deserializer::from_slice(body);
    let slow: Result<WireBatch<'_>, _> = serde_path_to_error::deserialize(&mut json);
    if let (serde_json::error::Category::Data, Err(located)) = (error.classify(), slow) {
        let mut path = located.path().iter();
        if let (Some(Segment::Map { key }), Some(Segment::Seq { index })) = (path.next(), path.next()) {
            let list = if key == "enrich" { "enrich" } else { "events" };
            return Place { list, index: *index }.invalid(&located.inner().to_string());
        }
    }
    Error::Malformed(error.to_string())
}

/// The JSON as it comes.
#[derive(Deserialize)]
struct WireBatch<'a> {
    #[serde(borrow, default)]
    events: Vec<WireEvent<'a>>,
    #[serde(borrow, default)]
    enrich: Vec<WireEnrichment<'a>>,
}

#[derive(Deserialize)]
struct WireEvent<'a> {
    seq: u64,
    #[serde(borrow)]
    action: Cow<'a, str>,
    start_us: i64,
    duration_us: i64,
    active_us: i64,
    #[serde(borrow, default)]
    values: WireValues<'a>,
}

#[derive(Deserialize)]
struct WireEnrichment<'a> {
    seq: u64,
    #[serde(borrow, default)]
    values: WireValues<'a>,
}

/// The texts by class, and the first key that is no class: that is an error with a code of its own.
#[derive(Default)]
struct WireValues<'a> {
    texts: [Option<Cow<'a, str>>; Class::COUNT],
    unknown: Option<String>,
}

impl<'de: 'a, 'a> Deserialize<'de> for WireValues<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;

        impl<'de> Visitor<'de> for Values {
            type Value = WireValues<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from class to text")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut values = WireValues::default();
                while let Some(Text(key)) = map.next_key()? {
                    let text = map.next_value::<Option<Text<'de>>>()?.map(|Text(text)| text);
                    match Class::from_name(&key) {
                        Some(class) if values.texts[class as usize].is_some() => {
                            return Err(de::Error::custom(format!("{key} comes twice")));
                        }
                        Some(class) => values.texts[class as usize] = text,
                        None => {
                            values.unknown.get_or_insert_with(|| key.into_owned());
                        }
                    }
                }
                Ok(values)
            }
        }

        deserializer.deserialize_map(Values)
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
