//! `export`: the log, the records and the blobs of devices in one archive (SPEC.md#archive-layout).
//!
//! Nothing is written in the clear: what is opened goes from memory into the archive. What does not open, or is not what
//! the service says, is listed in `devices.json` and left out.

use std::io::{self, BufWriter, Read, Seek};
use std::path::Path;

use blindtally::{ArchiveError, ArchiveWriter, BlobStart, DeviceId, DeviceStatus, Token, TokenClass};
use blindtally_client::{ContentType, CopyError, Failure, copy};
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::{Export, OutputFile};
use crate::devices;
use crate::layout;
use crate::part::{PartFile, clean_up_when_told_to_end, folder_of, unwritable};
use crate::period::Period;
use crate::sealed::{Filter, OpenRecord, Unopened, check_start, cursor, each_blob, each_record, fetch, fetching};
use crate::session::{Context, Session, now};
use crate::wire::{BlobEntry, Event, EventPage, contradicted, nonsense};

/// Events a page: the service's maximum.
const EVENTS: usize = 5_000;
/// A part of a log, or of records, ends with the line that brings it to this much.
const PART_MAX: usize = 4 << 20;
/// A sealed blob up to this long waits in memory, a longer one in a file without a name.
const MEMORY_MAX: usize = 16 << 20;
/// The last second that an archive can say something was changed at.
const MODIFIED_MAX: u64 = (1 << 33) - 1;

pub(crate) fn run(args: &Export, context: &mut Context) -> Result<(), Failure> {
    let OutputFile { file, .. } = &args.output;
    let period = Period::new(&args.period)?;
    clean_up_when_told_to_end()?;
    let part = PartFile::beside(file, args.output.existing())?;
    let session = Session::open(context)?;
    let owner = &session.owner;
    let chosen: Vec<DeviceId> = match args.device.as_slice() {
        [] => owner.devices().map(|(id, _)| id).collect(),
        wanted => wanted.iter().map(|wanted| devices::find(owner, wanted)).collect::<Result<_, _>>()?,
    };
    let writer = owner.archive_writer(BufWriter::new(part), now()).map_err(|error| failed(file, &error))?;
    let mut exporter =
        Exporter { session: &session, period: &period, file, writer, counts: Counts::default(), left_out: Vec::new() };
    for (index, device) in chosen.iter().enumerate() {
        // One that was named twice is exported once.
        if !chosen[..index].contains(device) {
            exporter.log(*device)?;
            exporter.records(*device)?;
            exporter.blobs(*device)?;
        }
    }
    exporter.devices(&chosen)?;
    let Exporter { writer, counts, left_out, .. } = exporter;
    let files = writer.files().len();
    let buffer = writer.finish(owner).map_err(|error| failed(file, &error))?;
    let part = buffer.into_inner().map_err(|error| unwritable(file, error.error()))?;
    part.complete(file, args.output.existing())?;

    let (output, left_out) = (session.output(), left_out.len());
    let Counts { events, records, blobs, unrevealed } = counts;
    let shown = file.display();
    output.line(format_args!("{shown}: {events} events, {records} records and {blobs} blobs in {files} files"))?;
    if left_out > 0 {
        output.note(format_args!("note: {left_out} item(s) left out: devices.json in the archive lists them"));
    }
    if unrevealed > 0 {
        output.note(format_args!("note: {unrevealed} value(s) stay tokens: this account's keys do not open them"));
    }
    output.object(&json!({
        "file": shown.to_string(), "files": files, "events": events, "records": records, "blobs": blobs,
        "left_out": left_out, "unrevealed": unrevealed,
    }))?;
    session.close();
    Ok(())
}

#[derive(Default)]
struct Counts {
    events: u64,
    records: u64,
    blobs: u64,
    /// Values that stay tokens.
    unrevealed: u64,
}

/// An entry of `devices.json`.
#[derive(Serialize)]
struct LeftOut {
    what: &'static str,
    id: String,
    code: String,
}

/// A line of `records`.
#[derive(Serialize)]
struct RecordLine<'a> {
    device: String,
    seq: u64,
    class: String,
    value: &'a str,
}

struct Exporter<'s, 'c> {
    session: &'s Session<'c>,
    period: &'s Period,
    file: &'s Path,
    writer: ArchiveWriter<BufWriter<PartFile>>,
    counts: Counts,
    left_out: Vec<LeftOut>,
}

/// Lines on their way into parts.
struct Lines {
    path: fn(DeviceId, usize) -> String,
    device: DeviceId,
    number: usize,
    text: Zeroizing<Vec<u8>>,
    /// Of the newest line, in milliseconds.
    newest: u64,
}

impl Lines {
    fn new(path: fn(DeviceId, usize) -> String, device: DeviceId) -> Self {
        Self { path, device, number: 1, text: Zeroizing::new(Vec::new()), newest: 0 }
    }
}

impl Exporter<'_, '_> {
    fn leave_out(&mut self, what: &'static str, id: String, code: &str) {
        self.left_out.push(LeftOut { what, id, code: code.to_owned() });
    }

    fn line(&mut self, lines: &mut Lines, line: &impl Serialize, ms: u64) -> Result<(), Failure> {
        serde_json::to_writer(&mut *lines.text, line).map_err(|error| Failure::refused("output.failed", error))?;
        lines.text.push(b'\n');
        lines.newest = lines.newest.max(ms);
        if lines.text.len() >= PART_MAX { self.end_part(lines) } else { Ok(()) }
    }

    fn end_part(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        if lines.text.is_empty() {
            return Ok(());
        }
        let path = (lines.path)(lines.device, lines.number);
        self.add(&path, lines.newest, lines.text.len() as u64, lines.text.as_slice())?;
        lines.number += 1;
        lines.newest = 0;
        lines.text.clear();
        Ok(())
    }

    fn add(&mut self, path: &str, ms: u64, length: u64, content: impl Read) -> Result<(), Failure> {
        let modified = blindtally::Timestamp::from_unix_secs((ms / 1000).min(MODIFIED_MAX));
        self.writer.add(path, modified, length, content).map_err(|error| failed(self.file, &error))
    }

    fn log(&mut self, device: DeviceId) -> Result<(), Failure> {
        let mut lines = Lines::new(layout::log, device);
        let mut url = format!("/api/v1/events?device={device}&limit={EVENTS}");
        for (name, ms) in [("from_us", self.period.from_ms), ("to_us", self.period.to_ms)] {
            let us = ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1000));
            url += &us.map_or(String::new(), |us| format!("&{name}={us}"));
        }
        let mut after = String::new();
        // Of the newest event: any other has to be newer, so that none comes twice and the log is in the order of time.
        let mut newest: Option<(i64, u64)> = None;
        loop {
            let page: EventPage = self.session.service.get(&format!("{url}{after}"))?.json()?;
            let before = newest;
            for mut event in page.events {
                let ms = u64::try_from(event.start_us.div_euclid(1000)).unwrap_or(0);
                let is_asked = event.device == device.to_string() && self.period.holds(ms);
                if is_asked {
                    let at = Some((event.start_us, event.seq));
                    if at <= newest {
                        return Err(nonsense());
                    }
                    newest = at;
                }
                match if is_asked { self.reveal(&mut event) } else { Err(contradicted().code().to_owned()) } {
                    Ok(()) => {
                        self.line(&mut lines, &event, ms)?;
                        self.counts.events += 1;
                    }
                    Err(code) => self.leave_out("event", format!("{device}-{}", event.seq), &code),
                }
            }
            match page.next_cursor {
                // A page without anything new could go on for ever.
                Some(_) if newest == before => return Err(nonsense()),
                Some(next) => after = format!("&cursor={}", cursor(next)?),
                None => return self.end_part(&mut lines),
            }
        }
    }

    /// Puts words in the place of tokens. A token that does not open stays; what is no token, or one of another class,
    /// could pass for a word and is refused.
    fn reveal(&mut self, event: &mut Event) -> Result<(), String> {
        for (class, value) in &mut event.values {
            let token: Token = value.parse().map_err(|error: blindtally::ParseError| error.code().to_owned())?;
            if TokenClass::from_name(class) != Some(token.class()) {
                return Err("report.other-class".to_owned());
            }
            match self.session.owner.reveal(&token) {
                Ok(word) => *value = word,
                Err(_) => self.counts.unrevealed += 1,
            }
        }
        Ok(())
    }

    fn records(&mut self, device: DeviceId) -> Result<(), Failure> {
        let mut lines = Lines::new(layout::records, device);
        let session = self.session;
        let filter = Filter { device: Some(device), class: None, period: self.period };
        each_record(session, &filter, |record| match record {
            Ok(OpenRecord { device, class, seq, value }) => {
                self.counts.records += 1;
                let class = layout::record_class(class);
                self.line(&mut lines, &RecordLine { device: device.to_string(), seq, class, value: &value }, seq)
            }
            Err(Unopened { id, failure }) => {
                self.leave_out("record", id, failure.code());
                Ok(())
            }
        })?;
        self.end_part(&mut lines)
    }

    fn blobs(&mut self, device: DeviceId) -> Result<(), Failure> {
        let session = self.session;
        let filter = Filter { device: Some(device), class: None, period: self.period };
        each_blob(session, &filter, |entries| {
            for entry in entries {
                match self.blob(&filter, &entry) {
                    Ok(()) => self.counts.blobs += 1,
                    Err(Missing::Item(failure)) => {
                        let id = blindtally_client::visible(&entry.id).into_owned();
                        self.leave_out("blob", id, failure.code());
                    }
                    Err(Missing::All(failure)) => return Err(failure),
                }
            }
            Ok(())
        })
    }

    fn blob(&mut self, filter: &Filter<'_>, entry: &BlobEntry) -> Result<(), Missing> {
        let keys = self.session.owner.opening_keys();
        let item = |error: &io::Error| Missing::of(fetching(error));
        let id = entry.id.parse().map_err(|_| Missing::Item(contradicted()))?;
        let sealed = fetch(&self.session.service, id).map_err(Missing::of)?;
        let folder = folder_of(self.file);
        let mut kept = tempfile::spooled_tempfile_in(MEMORY_MAX, folder);
        let full = |error: &io::Error| Missing::All(unwritable(folder, error));
        // Written as it comes: whatever the service sends, no more than what it announced.
        let mut sealed = sealed.take(entry.size.saturating_add(1));
        let length = copy(&mut sealed, &mut kept).map_err(|error| match error {
            CopyError::Read(error) => item(&error),
            CopyError::Write(error) => full(&error),
        })?;
        if length != entry.size {
            return Err(Missing::Item(contradicted()));
        }
        kept.rewind().map_err(|error| full(&error))?;
        let start = BlobStart::read(&mut kept).map_err(|error| item(&error))?;
        let header = check_start(keys, filter, entry, &start).map_err(Missing::Item)?;
        kept.rewind().map_err(|error| full(&error))?;
        let mut blob = keys.blob_file(&mut kept).map_err(|error| item(&error))?;
        // All of it before any of it: a file that breaks off would break the archive.
        io::copy(&mut blob, &mut io::sink()).map_err(|error| item(&error))?;
        let content = blob.len();
        let mut first = Vec::new();
        let again = blob.rewind().and_then(|()| (&mut blob).take(ContentType::START as u64).read_to_end(&mut first));
        again.and_then(|_| blob.rewind()).map_err(|error| item(&error))?;
        match self.add(&layout::blob(&header, &first), header.seq, content, blob) {
            // Two of the same time and the same first digits, or one of more than 8 GiB: nothing was written of it.
            Err(failure) if [ArchiveError::Path.code(), ArchiveError::TooLong.code()].contains(&failure.code()) => {
                Err(Missing::Item(failure))
            }
            added => added.map_err(Missing::All),
        }
    }

    fn devices(&mut self, chosen: &[DeviceId]) -> Result<(), Failure> {
        let owner = &self.session.owner;
        let device = |(id, device): (DeviceId, &blindtally::Device)| {
            let status = match device.status() {
                DeviceStatus::Active => "active",
                DeviceStatus::Revoked => "revoked",
            };
            json!({ "id": id.to_string(), "name": device.name(), "status": status })
        };
        let devices: Vec<_> = owner.devices().filter(|(id, _)| chosen.contains(id)).map(device).collect();
        let exported_ms = now().unix_millis();
        let text = json!({
            "account": owner.account().to_string(), "exported_ms": exported_ms, "from_ms": self.period.from_ms,
            "to_ms": self.period.to_ms, "devices": devices, "left_out": self.left_out,
        });
        let text = text.to_string();
        self.add("devices.json", exported_ms, text.len() as u64, text.as_bytes())
    }
}

/// What a failure costs.
enum Missing {
    /// One blob.
    Item(Failure),
    /// The archive.
    All(Failure),
}

impl Missing {
    fn of(failure: Failure) -> Self {
        match failure {
            Failure::Refused { ref code, .. } if !code.starts_with("auth.") => Self::Item(failure),
            failure => Self::All(failure),
        }
    }
}

fn failed(file: &Path, error: &io::Error) -> Failure {
    match blindtally::Error::from_io(error) {
        Some(error) => error.into(),
        None => unwritable(file, error),
    }
}
