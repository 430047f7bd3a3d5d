//! ActivityWatch's export format: `{"buckets": {id: {type, hostname, events: [...]}}}`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};

/// An export whose events are read as `E`.
#[derive(Deserialize)]
pub(crate) struct Export<E> {
    pub(crate) buckets: BTreeMap<String, Bucket<E>>,
}

/// One watcher's events on one computer.
#[derive(Deserialize)]
pub(crate) struct Bucket<E> {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) hostname: String,
    pub(crate) events: Vec<E>,
}

/// Something that lasted a while.
#[derive(Deserialize)]
pub(crate) struct Event {
    /// RFC 3339.
    pub(crate) timestamp: String,
    /// Seconds.
    pub(crate) duration: f64,
    pub(crate) data: Map<String, Value>,
}

/// Reads a whole export.
pub(crate) fn read(file: &Path) -> Result<Export<Event>> {
    parse(file)
}

/// The names of the computers in an export.
pub(crate) fn hostnames(file: &Path) -> Result<BTreeSet<String>> {
    let export: Export<IgnoredAny> = parse(file)?;
    Ok(export.buckets.into_values().map(|bucket| bucket.hostname).collect())
}

fn parse<E: DeserializeOwned>(file: &Path) -> Result<Export<E>> {
    let open = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    serde_json::from_reader(BufReader::new(open)).with_context(|| format!("{} is not an export", file.display()))
}
