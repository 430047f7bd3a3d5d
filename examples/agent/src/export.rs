//! An ActivityWatch export, read twice as a stream: first who was there and what buckets there are, then the events.
//!
//! Both forms are read: `{"buckets": {id: bucket}}` and a bucket alone; as they are or compressed with gzip. The order of
//! members does not matter, so what a bucket is may come after its events.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use blindtally_client::Failure;
use flate2::bufread::MultiGzDecoder;
use struson::reader::{JsonReader, JsonStreamReader, ReaderError, ReaderSettings, ValueType};

use crate::event::{Data, Kind, Span};
use crate::presence::{Periods, Presence};
use crate::seq::Order;
use crate::tame::Tame;
use crate::time;

/// Data nests no deeper than that in sound exports.
const NESTING_MAX: u32 = 64;

/// A file that may be an export.
#[derive(Clone, Debug)]
pub struct Export {
    path: PathBuf,
}

/// What the first reading found.
pub(crate) struct Survey {
    buckets: Vec<Bucket>,
    presence: HashMap<String, Presence>,
    /// Ids of buckets of unknown types, in the order of the file.
    pub(crate) skipped: Vec<String>,
}

/// A bucket as it was met; the first stands for the file itself, which may be one.
#[derive(Default)]
struct Bucket {
    id: String,
    kind: Option<String>,
    hostname: String,
    has_events: bool,
    periods: Periods,
    direction: Direction,
    chosen: Option<Kind>,
}

/// An event of the second reading.
pub(crate) struct Found<'a> {
    /// Counts buckets.
    pub(crate) place: usize,
    pub(crate) bucket: &'a str,
    pub(crate) kind: Kind,
    pub(crate) order: Order,
    pub(crate) span: Span,
    pub(crate) active_us: i64,
    pub(crate) data: &'a Data,
}

impl Export {
    /// The file at `path`.
    ///
    /// # Errors
    /// `import.read`, `import.not-a-file`, `import.empty`.
    pub fn at(path: &Path) -> Result<Self, Failure> {
        let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            let message = format!("{} is a folder: give the export in it", path.display());
            return Err(Failure::refused("import.not-a-file", message));
        }
        if metadata.is_file() && metadata.len() == 0 {
            return Err(Failure::refused("import.empty", format!("{} is empty", path.display())));
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Its size as it lies on the disk, in bytes.
    pub fn size(&self) -> u64 {
        self.path.metadata().map_or(0, |metadata| metadata.len())
    }

    /// The first reading. `hosts` chooses hostnames; none chooses all.
    pub(crate) fn survey(&self, hosts: &[String], progress: &mut dyn FnMut(u64)) -> Result<Survey, Failure> {
        let mut surveyor = Surveyor { buckets: Vec::new() };
        self.read(&mut surveyor, progress)?;
        Survey::new(surveyor.buckets, hosts)
    }

    /// The second reading: hands over every event of the chosen buckets, and counts those that cannot be.
    pub(crate) fn events(
        &self,
        survey: &Survey,
        progress: &mut dyn FnMut(u64),
        take: &mut dyn FnMut(Found<'_>) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut teller = Teller { survey, take, malformed: 0 };
        self.read(&mut teller, progress)?;
        Ok(teller.malformed)
    }

    fn read(&self, visitor: &mut impl Visit, progress: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        let file = File::open(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let mut file = BufReader::with_capacity(64 << 10, Counted { inner: file, count: 0, progress });
        let start = file.fill_buf().map_err(|error| unreadable(&self.path, &error))?;
        match start.starts_with(b"\x1f\x8b") {
            true => walk(MultiGzDecoder::new(file), visitor),
            false => walk(file, visitor),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::refused("import.read", format!("{} cannot be read: {error}", path.display()))
}

/// Tells how far a file was read.
struct Counted<'p> {
    inner: File,
    count: u64,
    progress: &'p mut dyn FnMut(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        (self.progress)(self.count);
        Ok(count)
    }
}

/// What a reading is for.
trait Visit {
    /// A bucket begins; `id` is known unless it is the file itself.
    fn bucket(&mut self, place: usize, id: &str);
    /// A member that says what the bucket is.
    fn describe(&mut self, place: usize, key: &str, text: &str);
    /// Which members of the events' data to read; `None` to pass the events over.
    fn wanted(&mut self, place: usize) -> Option<Wanted>;
    /// An event; no span if it has none that can be.
    fn event(
        &mut self,
        place: usize,
        start_us: Option<i64>,
        span: Option<Span>,
        data: &mut Data,
    ) -> Result<(), Failure>;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    Status,
}

fn walk(reader: impl Read, visitor: &mut impl Visit) -> Result<(), Failure> {
    with_walker(reader, visitor, |walker| walker.file())
}

/// Is given one event after another: when it was, if that can be, and what it says.
pub(crate) type Take<'t> = dyn FnMut(Option<Span>, &mut Data) -> Result<(), Failure> + 't;

/// Reads a list of events, as aw-server gives them; `take` may keep what is in the data.
pub(crate) fn list(reader: impl Read, take: &mut Take<'_>) -> Result<(), Failure> {
    with_walker(reader, &mut Lister { take }, |walker| walker.events(0))
}

fn with_walker<R: Read, V: Visit>(
    reader: R,
    visitor: &mut V,
    read: impl FnOnce(&mut Walker<'_, R, V>) -> Result<(), Stop>,
) -> Result<(), Failure> {
    let (tame, dropped) = Tame::new(reader);
    let settings = ReaderSettings {
        max_nesting_depth: Some(NESTING_MAX),
        track_path: false,
        // 1e999 is a duration that cannot be, not the end of the import.
        restrict_number_values: false,
        ..ReaderSettings::default()
    };
    let mut walker = Walker {
        json: JsonStreamReader::new_custom(tame, settings),
        visitor,
        data: Data::default(),
        text: String::new(),
        places: 1,
    };
    let walked = read(&mut walker).and_then(|()| Ok(walker.json.consume_trailing_whitespace()?));
    walked.map_err(|stop| match stop {
        Stop::Failure(failure) => failure,
        Stop::Json(error) => malformed(&error, dropped.get()),
    })
}

/// Why a reading ended early.
enum Stop {
    Json(ReaderError),
    Failure(Failure),
}

impl From<ReaderError> for Stop {
    fn from(error: ReaderError) -> Self {
        Self::Json(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

fn malformed(error: &ReaderError, dropped: u64) -> Failure {
    let (what, location) = match error {
        ReaderError::SyntaxError(error) => (error.kind.to_string(), Some(&error.location)),
        ReaderError::UnexpectedValueType { expected, actual, location } => {
            (format!("{expected} was expected, {actual} found"), Some(location))
        }
        ReaderError::MaxNestingDepthExceeded { location, .. } => ("it nests too deeply".to_owned(), Some(location)),
        ReaderError::UnexpectedStructure { kind, location } => (kind.to_string(), Some(location)),
        ReaderError::UnsupportedNumberValue { location, .. } => ("a number has no value".to_owned(), Some(location)),
        ReaderError::IoError { error, location } => match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                (error.to_string(), Some(location))
            }
            _ => return Failure::refused("import.read", format!("the file cannot be read: {error}")),
        },
        _ => (error.to_string(), None),
    };
    let offset = location.and_then(|location| location.data_pos).unwrap_or_default() + dropped;
    let message = format!("this is not an ActivityWatch export: {what} at byte {offset}; nothing after it was read");
    Failure::refused("import.malformed", message)
}

struct Walker<'v, R: Read, V> {
    json: JsonStreamReader<Tame<R>>,
    visitor: &'v mut V,
    data: Data,
    text: String,
    places: usize,
}

impl<R: Read, V: Visit> Walker<'_, R, V> {
    fn file(&mut self) -> Result<(), Stop> {
        self.visitor.bucket(0, "");
        let mut found = false;
        self.json.begin_object()?;
        while self.json.has_next()? {
            self.text.clear();
            self.text.push_str(self.json.next_name()?);
            match self.text.as_str() {
                "buckets" => {
                    found = true;
                    self.buckets()?;
                }
                "events" => {
                    found = true;
                    self.events(0)?;
                }
                _ => self.describe(0)?,
            }
        }
        self.json.end_object()?;
        let none = || Failure::refused("import.no-buckets", "there are no ActivityWatch buckets in this file");
        if found { Ok(()) } else { Err(none().into()) }
    }

    fn buckets(&mut self) -> Result<(), Stop> {
        self.json.begin_object()?;
        while self.json.has_next()? {
            let place = self.places;
            self.places += 1;
            self.visitor.bucket(place, self.json.next_name()?);
            self.json.begin_object()?;
            while self.json.has_next()? {
                self.text.clear();
                self.text.push_str(self.json.next_name()?);
                match self.text.as_str() {
                    "events" => self.events(place)?,
                    _ => self.describe(place)?,
                }
            }
            self.json.end_object()?;
        }
        Ok(self.json.end_object()?)
    }

    /// The member whose name is in `text`.
    fn describe(&mut self, place: usize) -> Result<(), Stop> {
        match self.json.peek()? {
            ValueType::String => self.visitor.describe(place, &self.text, self.json.next_str()?),
            _ => self.json.skip_value()?,
        }
        Ok(())
    }

    fn events(&mut self, place: usize) -> Result<(), Stop> {
        let Some(wanted) = self.visitor.wanted(place) else { return Ok(self.json.skip_value()?) };
        self.json.begin_array()?;
        while self.json.has_next()? {
            let (start_us, span) = self.event(wanted)?;
            self.visitor.event(place, start_us, span, &mut self.data)?;
        }
        Ok(self.json.end_array()?)
    }

    fn event(&mut self, wanted: Wanted) -> Result<(Option<i64>, Option<Span>), Stop> {
        self.data.clear();
        let mut start_us = None;
        let mut seconds = Some(0.0);
        self.json.begin_object()?;
        while self.json.has_next()? {
            let member = match self.json.next_name()? {
                "timestamp" => Member::Timestamp,
                "duration" => Member::Duration,
                "data" => Member::Data,
                _ => Member::Other,
            };
            match (member, self.json.peek()?) {
                (Member::Timestamp, ValueType::String) => start_us = time::micros(self.json.next_str()?),
                (Member::Timestamp, _) => {
                    start_us = None;
                    self.json.skip_value()?;
                }
                (Member::Duration, ValueType::Number) => seconds = self.json.next_number_as_str()?.parse().ok(),
                (Member::Duration, _) => {
                    seconds = None;
                    self.json.skip_value()?;
                }
                (Member::Data, ValueType::Object) => self.data(wanted)?,
                _ => self.json.skip_value()?,
            }
        }
        self.json.end_object()?;
        let span = start_us.zip(seconds).and_then(|(start_us, seconds)| Span::new(start_us, seconds));
        Ok((start_us, span))
    }

    fn data(&mut self, wanted: Wanted) -> Result<(), Stop> {
        self.json.begin_object()?;
        while self.json.has_next()? {
            let name = self.json.next_name()?;
            let key = Data::KEYS.into_iter().find(|key| *key == name && (wanted == Wanted::All || *key == "status"));
            match (key, self.json.peek()?) {
                (Some(key), ValueType::String) => self.data.set(key, self.json.next_str()?),
                _ => self.json.skip_value()?,
            }
        }
        Ok(self.json.end_object()?)
    }
}

enum Member {
    Timestamp,
    Duration,
    Data,
    Other,
}

/// The first reading.
struct Surveyor {
    buckets: Vec<Bucket>,
}

impl Visit for Surveyor {
    fn bucket(&mut self, _: usize, id: &str) {
        self.buckets.push(Bucket { id: id.to_owned(), ..Bucket::default() });
    }

    fn describe(&mut self, place: usize, key: &str, text: &str) {
        let bucket = &mut self.buckets[place];
        match key {
            "type" => bucket.kind = Some(text.to_owned()),
            "hostname" => text.clone_into(&mut bucket.hostname),
            // The bucket's name in the file counts, where it has one.
            "id" if place == 0 => text.clone_into(&mut bucket.id),
            _ => {}
        }
    }

    fn wanted(&mut self, place: usize) -> Option<Wanted> {
        let bucket = &mut self.buckets[place];
        bucket.has_events = true;
        let known = bucket.kind.as_deref().is_none_or(|kind| Kind::of_bucket(kind).is_some());
        known.then_some(Wanted::Status)
    }

    fn event(
        &mut self,
        place: usize,
        start_us: Option<i64>,
        span: Option<Span>,
        data: &mut Data,
    ) -> Result<(), Failure> {
        let bucket = &mut self.buckets[place];
        if let Some(start_us) = start_us {
            bucket.direction.follow(start_us);
        }
        if let Some(span) = span
            && data.is_present()
        {
            bucket.periods.add(span);
        }
        Ok(())
    }
}

/// Which way the times of a bucket go.
#[derive(Clone, Copy, Default)]
struct Direction {
    last: Option<i64>,
    forward: bool,
    back: bool,
}

impl Direction {
    fn follow(&mut self, time: i64) {
        if let Some(last) = self.last {
            self.forward |= time > last;
            self.back |= time < last;
        }
        self.last = Some(time);
    }

    fn order(self) -> Order {
        if self.forward && self.back { Order::Unsorted } else { Order::Sorted }
    }
}

impl Survey {
    fn new(mut buckets: Vec<Bucket>, hosts: &[String]) -> Result<Self, Failure> {
        let mut skipped = Vec::new();
        let mut periods: HashMap<String, Periods> = HashMap::new();
        for (place, bucket) in buckets.iter_mut().enumerate() {
            let exists = place > 0 || bucket.has_events;
            if !exists || !(hosts.is_empty() || hosts.contains(&bucket.hostname)) {
                continue;
            }
            bucket.chosen = bucket.kind.as_deref().and_then(Kind::of_bucket);
            match bucket.chosen {
                Some(Kind::Afk) => {
                    periods.entry(bucket.hostname.clone()).or_default().append(std::mem::take(&mut bucket.periods));
                }
                Some(_) => bucket.periods = Periods::default(),
                None => skipped.push(bucket.id.clone()),
            }
        }
        let presence = periods.into_iter().map(|(host, periods)| (host, Presence::watched(periods))).collect();
        Ok(Self { buckets, presence, skipped })
    }
}

/// The second reading.
struct Teller<'s> {
    survey: &'s Survey,
    take: &'s mut dyn FnMut(Found<'_>) -> Result<(), Failure>,
    malformed: u64,
}

impl Visit for Teller<'_> {
    fn bucket(&mut self, _: usize, _: &str) {}

    fn describe(&mut self, _: usize, _: &str, _: &str) {}

    fn wanted(&mut self, place: usize) -> Option<Wanted> {
        self.survey.buckets.get(place)?.chosen.map(|_| Wanted::All)
    }

    fn event(&mut self, place: usize, _: Option<i64>, span: Option<Span>, data: &mut Data) -> Result<(), Failure> {
        let Some(bucket) = self.survey.buckets.get(place) else { return Ok(()) };
        let (Some(kind), Some(span)) = (bucket.chosen, span) else {
            self.malformed += 1;
            return Ok(());
        };
        let active_us = match kind {
            Kind::Afk if data.is_present() => span.duration_us,
            Kind::Afk => 0,
            _ => self.survey.presence.get(&bucket.hostname).unwrap_or(&Presence::Unwatched).within(span),
        };
        let order = bucket.direction.order();
        (self.take)(Found { place, bucket: &bucket.id, kind, order, span, active_us, data })
    }
}

/// A list that belongs to no bucket.
struct Lister<'t> {
    take: &'t mut Take<'t>,
}

impl Visit for Lister<'_> {
    fn bucket(&mut self, _: usize, _: &str) {}

    fn describe(&mut self, _: usize, _: &str, _: &str) {}

    fn wanted(&mut self, _: usize) -> Option<Wanted> {
        Some(Wanted::All)
    }

    fn event(&mut self, _: usize, _: Option<i64>, span: Option<Span>, data: &mut Data) -> Result<(), Failure> {
        (self.take)(span, data)
    }
}
