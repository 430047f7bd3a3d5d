//! Records and blobs as the service has them, page by page, each checked against what its device sealed with it.
//!
//! The service's list is only where to look: the device is that of the authenticated header, and the time is its `seq`
//! (SPEC.md#seq-authentic).

use std::collections::HashSet;
use std::io::{self, Read};

use blindtally::{AnyClass, BlobHeader, BlobId, BlobStart, DeviceId, OpeningKeys, Owner, Record, RecordClass};
use blindtally_client::{Failure, Service, visible};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::output::Output;
use crate::period::Period;
use crate::session::Session;
use crate::wire::{BlobEntry, BlobPage, RecordPage, contradicted, nonsense};

/// Records a page.
const RECORDS: usize = 1_000;
/// Blobs a page.
const BLOBS: usize = 200;
/// Beginnings of blobs that are fetched at the same time.
const AT_ONCE: usize = 8;

/// Which records or blobs.
pub(crate) struct Filter<'p> {
    pub(crate) device: Option<DeviceId>,
    pub(crate) class: Option<u8>,
    pub(crate) period: &'p Period,
}

impl Filter<'_> {
    fn url(&self, path: &str, limit: usize, after: Option<&str>) -> String {
        let mut url = format!("{path}?limit={limit}");
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                url += &format!("&{name}={value}");
            }
        };
        put("device", self.device.map(|device| device.to_string()));
        put("class", self.class.map(|class| class.to_string()));
        put("from_ms", self.period.from_ms.map(|from| from.to_string()));
        put("to_ms", self.period.to_ms.map(|to| to.to_string()));
        put("after", after.map(str::to_owned));
        url
    }

    fn holds(&self, device: DeviceId, class: u8, seq: u64) -> bool {
        self.device.is_none_or(|wanted| wanted == device)
            && self.class.is_none_or(|wanted| wanted == class)
            && self.period.holds(seq)
    }
}

/// A record that was opened.
pub(crate) struct OpenRecord {
    pub(crate) device: DeviceId,
    pub(crate) class: RecordClass,
    pub(crate) seq: u64,
    pub(crate) value: Zeroizing<String>,
}

/// What can be said of an item that did not open, with why.
pub(crate) struct Unopened {
    pub(crate) id: String,
    pub(crate) failure: Failure,
}

/// What a list shows: a line an item for a person, an object for a program.
pub(crate) struct List {
    output: Output,
    objects: Vec<Value>,
    unreadable: u64,
}

impl List {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, objects: Vec::new(), unreadable: 0 }
    }

    /// Shows one item; `show` gives the line and the object of one that opened.
    pub(crate) fn item<T>(
        &mut self,
        item: Result<T, Unopened>,
        show: impl FnOnce(T) -> (String, Value),
    ) -> Result<(), Failure> {
        let (line, object) = match item {
            Ok(item) => show(item),
            Err(Unopened { id, failure }) => {
                self.unreadable += 1;
                let code = failure.code();
                (format!("? {id} ({code})"), json!({ "id": id, "unreadable": code }))
            }
        };
        self.output.entry(format_args!("{line}"))?;
        if self.output.is_for_machines() {
            self.objects.push(object);
        }
        Ok(())
    }

    /// Ends the list of what is called by that name, which is `one` and an `s`.
    pub(crate) fn end(self, one: &str) -> Result<(), Failure> {
        let Self { output, objects, unreadable } = self;
        if unreadable > 0 {
            output.note(format_args!(
                "note: {unreadable} {one}(s) marked ? cannot be read, or are not what the service says"
            ));
        }
        output.object(&Value::Object([(format!("{one}s"), objects.into())].into_iter().collect()))
    }
}

/// Opens every record of a filter, in the order in which the service gives them; each once, however often it does
/// (SPEC.md#second-copy).
pub(crate) fn each_record(
    session: &Session<'_>,
    filter: &Filter<'_>,
    mut take: impl FnMut(Result<OpenRecord, Unopened>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut seen: HashSet<[u8; 32]> = HashSet::new();
    let mut after: Option<String> = None;
    loop {
        let url = filter.url("/api/v1/records", RECORDS, after.as_deref());
        let page: RecordPage = session.service.get(&url)?.json()?;
        let before = seen.len();
        for text in &page.records {
            if seen.insert(Sha256::digest(text.as_bytes()).into()) {
                take(open_record(&session.owner, filter, text))?;
            }
        }
        match page.next {
            // A page without anything new could go on for ever.
            Some(_) if seen.len() == before => return Err(nonsense()),
            Some(next) => after = Some(cursor(next)?),
            None => return Ok(()),
        }
    }
}

fn open_record(owner: &Owner, filter: &Filter<'_>, text: &str) -> Result<OpenRecord, Unopened> {
    let unopened = |id: String, failure: Failure| Unopened { id, failure };
    let record = Record::parse(text).map_err(|error| unopened("?".to_owned(), error.into()))?;
    let (device, seq) = (record.device(), record.seq());
    let id = format!("{device}-{seq}");
    let value = owner.open_record(&record).map_err(|error| unopened(id.clone(), error.into()))?;
    match record.class() {
        AnyClass::Record(class) if filter.holds(device, class.id(), seq) => {
            Ok(OpenRecord { device, class, seq, value })
        }
        _ => Err(unopened(id, contradicted())),
    }
}

/// Lists every blob of a filter, in the order in which the service gives them; each once.
pub(crate) fn each_blob(
    session: &Session<'_>,
    filter: &Filter<'_>,
    mut take: impl FnMut(Vec<BlobEntry>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut after: Option<String> = None;
    loop {
        let url = filter.url("/api/v1/blobs", BLOBS, after.as_deref());
        let page: BlobPage = session.service.get(&url)?.json()?;
        let new: Vec<_> = page.blobs.into_iter().filter(|entry| seen.insert(entry.id.clone())).collect();
        if new.is_empty() && page.next.is_some() {
            return Err(nonsense());
        }
        take(new)?;
        match page.next {
            Some(next) => after = Some(cursor(next)?),
            None => return Ok(()),
        }
    }
}

/// The service chose it, and it goes into an address.
pub(crate) fn cursor(text: String) -> Result<String, Failure> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~=".contains(&byte);
    if text.bytes().all(is_fit) { Ok(text) } else { Err(nonsense()) }
}

/// The authenticated headers of a page of blobs, from their beginnings alone.
pub(crate) fn headers(
    session: &Session<'_>,
    filter: &Filter<'_>,
    entries: &[BlobEntry],
) -> Result<Vec<Result<BlobHeader, Unopened>>, Failure> {
    let (service, keys) = (&session.service, session.owner.opening_keys());
    let header = |entry: &BlobEntry| -> Result<Result<BlobHeader, Unopened>, Failure> {
        let start = match fetch_start(service, entry) {
            Err(failure @ Failure::Unreachable { .. }) => return Err(failure),
            start => start,
        };
        let header = start.and_then(|start| check_start(keys, filter, entry, &start));
        Ok(header.map_err(|failure| Unopened { id: visible(&entry.id).into_owned(), failure }))
    };
    let mut headers = Vec::with_capacity(entries.len());
    for some in entries.chunks(AT_ONCE) {
        let fetched: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|entry| scope.spawn(|| header(entry))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(nonsense()))).collect()
        });
        for header in fetched {
            headers.push(header?);
        }
    }
    Ok(headers)
}

fn fetch_start(service: &Service, entry: &BlobEntry) -> Result<BlobStart, Failure> {
    let id: BlobId = entry.id.parse().map_err(|_| nonsense())?;
    let (answer, total) = service.get_start(&format!("/api/v1/blobs/{id}"), BlobStart::LEN as u64)?;
    let (start, _) = BlobStart::split(answer.bytes())?;
    if total == entry.size { Ok(start) } else { Err(contradicted()) }
}

/// The header of a blob, once its key has confirmed it, and if it is what the service says.
pub(crate) fn check_start(
    keys: &OpeningKeys,
    filter: &Filter<'_>,
    entry: &BlobEntry,
    start: &BlobStart,
) -> Result<BlobHeader, Failure> {
    keys.blob_opener(start)?;
    let header = *start.header();
    let stated = (entry.id.as_str(), entry.device.as_str(), entry.class, entry.epoch, entry.seq);
    let (id, device) = (header.id.to_string(), header.device.to_string());
    let sealed = (id.as_str(), device.as_str(), header.class.id(), header.epoch.get(), header.seq);
    let is_so = stated == sealed && filter.holds(header.device, header.class.id(), header.seq);
    if is_so { Ok(header) } else { Err(contradicted()) }
}

/// A blob as it is stored, as it comes.
pub(crate) fn fetch(service: &Service, id: BlobId) -> Result<impl Read + use<>, Failure> {
    service.open(&format!("/api/v1/blobs/{id}"))
}

/// What a blob that is read from the service fails with.
pub(crate) fn fetching(error: &io::Error) -> Failure {
    match blindtally::Error::from_io(error) {
        Some(error) => error.into(),
        None => Failure::Unreachable { message: error.to_string() },
    }
}

/// What a person calls a device.
pub(crate) fn device_name(owner: &Owner, device: DeviceId) -> String {
    let own = owner.devices().find(|(own, _)| *own == device);
    own.map_or_else(|| device.to_string(), |(_, device)| device.name().to_owned())
}
