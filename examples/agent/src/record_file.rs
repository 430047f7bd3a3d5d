//! A file of lines in JSON that somebody appends to: what of it is new, sealed as records.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use blindtally::{Agent, RecordClass, RecordError};
use blindtally_client::Failure;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::seal::compress;
use crate::seq::SeqKey;
use crate::time;

/// A batch ends with the record that brings it to this much sealed text: far below the 32 MiB that the service takes.
const TEXT_MAX: usize = 4 << 20;
/// The service takes no more records at once.
const RECORDS_MAX: usize = 5_000;
/// Longest line that is looked at. A value of 1 MiB fits however it is escaped.
const LINE_MAX: usize = 8 << 20;
/// How much of the first line tells one file from another.
const FIRST_LINE_MAX: u64 = 4096;
/// Longest text that a batch can take up on the disk and in an upload.
pub(crate) const BATCH_MAX: u64 = 8 << 20;

/// A file of lines, opened.
pub(crate) struct RecordFile {
    reader: BufReader<File>,
    /// Where it is.
    pub(crate) path: u128,
    /// Which file that is: its first line, and on Unix its inode.
    pub(crate) identity: u128,
    pub(crate) length: u64,
    at: u64,
}

/// What is in a file of lines.
pub(crate) enum Opened {
    /// Nothing, or there is no such file.
    Empty,
    /// The beginning of its first line.
    Unfinished,
    /// A line at least.
    Lines(RecordFile),
}

/// Records from consecutive lines.
#[derive(Default)]
pub(crate) struct Batch {
    /// JSON compressed with zstd; empty if there is no record.
    pub(crate) body: Vec<u8>,
    /// Where the next line begins.
    pub(crate) end: u64,
    pub(crate) left_out: LeftOut,
}

/// Lines that are no records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) malformed: u64,
    pub(crate) too_long: u64,
    /// Of a class that the policy does not have.
    pub(crate) not_wanted: u64,
}

#[derive(Serialize)]
struct Upload {
    records: Vec<String>,
}

#[derive(Deserialize)]
struct Line {
    time: Time,
    class: Class,
    value: Zeroizing<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    Millis(u64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Class {
    Id(u8),
    Name(String),
}

impl RecordFile {
    /// Opens it.
    pub(crate) fn open(key: &SeqKey, path: &Path) -> Result<Opened, Failure> {
        let unreadable = |error: io::Error| Failure::refused("collect.read", format!("{}: {error}", path.display()));
        let path: PathBuf = match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Empty),
            found => found.map_err(unreadable)?,
        };
        // Before it is opened: that would wait for whoever writes to a pipe.
        if !fs::metadata(&path).map_err(unreadable)?.is_file() {
            return Err(Failure::refused("collect.not-a-file", format!("{} is not a regular file", path.display())));
        }
        let file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut reader = BufReader::new(file);
        let mut first = Zeroizing::new(Vec::new());
        reader.by_ref().take(FIRST_LINE_MAX).read_until(b'\n', &mut first).map_err(unreadable)?;
        if first.is_empty() {
            return Ok(Opened::Empty);
        }
        if first.last() != Some(&b'\n') && first.len() < FIRST_LINE_MAX as usize {
            return Ok(Opened::Unfinished);
        }
        let identity = key.digest(&[&first, &inode(&metadata).to_be_bytes()]);
        let path = key.digest(&[path.as_os_str().as_encoded_bytes()]);
        Ok(Opened::Lines(Self { reader, path, identity, length: metadata.len(), at: 0 }))
    }

    /// Whether something follows the last whole line, once there is no batch any more.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.at < self.length
    }

    pub(crate) fn seek(&mut self, to: u64) -> Result<(), Failure> {
        self.reader.seek(SeekFrom::Start(to)).map_err(|error| Failure::refused("collect.read", error))?;
        self.at = to;
        Ok(())
    }

    /// Seals the next lines; `None` if there is no whole line.
    ///
    /// # Errors
    /// `agent.revoked`, `agent.needs-upgrade`; `collect.read`.
    pub(crate) fn next_batch(&mut self, agent: &Agent) -> Result<Option<Batch>, Failure> {
        let start = self.at;
        let mut batch = Batch::default();
        let mut records = Vec::new();
        let mut text = 0;
        let mut line = Zeroizing::new(Vec::new());
        while text < TEXT_MAX && records.len() < RECORDS_MAX {
            let read = read_line(&mut self.reader, &mut line);
            let Some((length, whole)) = read.map_err(|error| Failure::refused("collect.read", error))? else { break };
            self.at += length;
            if !whole {
                batch.left_out.too_long += 1;
                continue;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let Some((class, seq, value)) = parse(&line) else {
                batch.left_out.malformed += 1;
                continue;
            };
            match agent.seal_record(class, &value, seq) {
                Ok(record) => {
                    let record = record.to_string();
                    text += record.len();
                    records.push(record);
                }
                Err(RecordError::TooLong) => batch.left_out.too_long += 1,
                Err(RecordError::NoKey) => batch.left_out.not_wanted += 1,
                Err(error) => return Err(error.into()),
            }
        }
        if !records.is_empty() {
            batch.body = compress(&Upload { records })?;
        }
        batch.end = self.at;
        Ok((batch.end > start).then_some(batch))
    }
}

fn parse(line: &[u8]) -> Option<(RecordClass, u64, Zeroizing<String>)> {
    let Line { time, class, value } = serde_json::from_slice(line).ok()?;
    let seq = match time {
        Time::Millis(millis) => millis,
        Time::Text(text) => u64::try_from(time::micros(&text)?.div_euclid(1000)).ok()?,
    };
    let class = match class {
        Class::Id(id) => RecordClass::from_id(id).ok()?,
        Class::Name(name) => RecordClass::from_name(&name)?,
    };
    (seq <= i64::MAX as u64).then_some((class, seq, value))
}

/// The next line without its end: how many bytes it took, and whether all of it is in `line`. `None` at the end, and
/// where a line has no end yet.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<(u64, bool)>> {
    line.clear();
    let mut length = 0;
    loop {
        let piece = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            piece => piece?,
        };
        if piece.is_empty() {
            return Ok(None);
        }
        let end = piece.iter().position(|&byte| byte == b'\n');
        let some = &piece[..end.unwrap_or(piece.len())];
        let fits = some.len().min(LINE_MAX - line.len());
        line.extend_from_slice(&some[..fits]);
        let used = some.len() + usize::from(end.is_some());
        length += used as u64;
        reader.consume(used);
        if end.is_some() {
            let whole = length == line.len() as u64 + 1;
            return Ok(Some((length, whole)));
        }
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_record_only_with_a_time_a_class_and_a_value() {
        let read = |line: &str| parse(line.as_bytes()).map(|(class, seq, value)| (class.id(), seq, value.to_string()));
        let value = |class, seq| Some((class, seq, "v".to_owned()));
        for (line, expected) in [
            (r#"{"time": 1773216000123, "class": "clipboard", "value": "v"}"#, value(17, 1_773_216_000_123)),
            (
                r#"{"value": "v", "class": 223, "time": "2026-03-11T09:00:00.1239+01:00"}"#,
                value(223, 1_773_216_000_123),
            ),
            (r#"{"time": 0, "class": "chat", "value": "v", "more": [1]} "#, value(18, 0)),
            (r#"{"time": 9223372036854775807, "class": 16, "value": "v"}"#, value(16, i64::MAX as u64)),
            (r#"{"time": 9223372036854775808, "class": 16, "value": "v"}"#, None),
            (r#"{"time": -1, "class": "chat", "value": "v"}"#, None),
            (r#"{"time": 1.5, "class": "chat", "value": "v"}"#, None),
            (r#"{"time": "1969-12-31T23:59:59Z", "class": "chat", "value": "v"}"#, None),
            (r#"{"time": "today", "class": "chat", "value": "v"}"#, None),
            (r#"{"time": 0, "class": "screenshot", "value": "v"}"#, None),
            (r#"{"time": 0, "class": 191, "value": "v"}"#, None),
            (r#"{"time": 0, "class": "chat", "value": 5}"#, None),
            (r#"{"time": 0, "class": "chat"}"#, None),
            (r#"{"time": 0, "time": 0, "class": "chat", "value": "v"}"#, None),
            (r#"{"time": 0, "class": "chat", "value": "v"} {}"#, None),
            ("[]", None),
            ("nonsense", None),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
        assert_eq!(parse(b"{\"time\": 0, \"class\": \"chat\", \"value\": \"\xff\"}").map(drop), None);
    }

    #[test]
    fn lines_end_where_they_end_however_long_they_are() {
        let long = vec![b'x'; LINE_MAX + 1];
        let text = [b"one\n\n", &long[..], b"\n", &long[1..], b"\nunfinished"].concat();
        let mut reader = BufReader::new(text.as_slice());
        let mut line = Vec::new();
        let mut read = || {
            let read = read_line(&mut reader, &mut line).unwrap();
            read.map(|(length, whole)| (length as usize, whole, line.len()))
        };
        assert_eq!(read(), Some((4, true, 3)));
        assert_eq!(read(), Some((1, true, 0)));
        assert_eq!(read(), Some((LINE_MAX + 2, false, LINE_MAX)));
        assert_eq!(read(), Some((LINE_MAX + 1, true, LINE_MAX)));
        assert_eq!(read(), None);
    }
}
