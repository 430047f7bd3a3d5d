//! An aw-server as far as the agent sees it: newest first, limited, and trimmed at the edges of what was asked for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

/// Start and duration in microseconds, and data.
type Event = (i64, i64, Value);
type Buckets = BTreeMap<String, (&'static str, Vec<Event>)>;

pub(crate) struct AwStub {
    buckets: Arc<Mutex<Buckets>>,
    address: SocketAddr,
}

impl AwStub {
    /// Takes `pause` for every answer.
    pub(crate) fn start(pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let buckets = Arc::<Mutex<Buckets>>::default();
        let shared = buckets.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::sleep(pause);
                drop(answer(&stream.unwrap(), &shared.lock().unwrap()));
            }
        });
        Self { buckets, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn insert(&self, bucket: &str, kind: &'static str, event: Event) {
        self.buckets.lock().unwrap().entry(bucket.to_owned()).or_insert((kind, Vec::new())).1.push(event);
    }

    /// Makes the newest event of a bucket longer, as a heartbeat does.
    pub(crate) fn extend(&self, bucket: &str, duration_us: i64) {
        self.buckets.lock().unwrap().get_mut(bucket).unwrap().1.last_mut().unwrap().1 = duration_us;
    }

    /// Everything, as an export.
    pub(crate) fn export(&self) -> Value {
        let buckets = self.buckets.lock().unwrap();
        let entry = |(id, (kind, events)): (&String, &(&str, Vec<Event>))| {
            let events: Vec<_> = events.iter().rev().map(to_json).collect();
            (id.clone(), json!({"type": kind, "hostname": "h", "events": events}))
        };
        json!({"buckets": buckets.iter().map(entry).collect::<serde_json::Map<_, _>>()})
    }
}

fn to_json((start, duration, data): &Event) -> Value {
    let timestamp = Timestamp::from_microsecond(*start).unwrap().to_string();
    json!({"id": 1, "timestamp": timestamp, "duration": *duration as f64 / 1e6, "data": data})
}

fn answer(mut stream: &TcpStream, buckets: &Buckets) -> std::io::Result<()> {
    let mut request = String::new();
    BufReader::new(stream).read_line(&mut request)?;
    let target = request.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = match path.strip_prefix("/api/0/buckets/").unwrap_or_default() {
        "" => {
            let entry = |(id, (kind, _)): (&String, &(&str, Vec<Event>))| {
                (id.clone(), json!({"id": id, "type": kind, "hostname": "h"}))
            };
            json!(buckets.iter().map(entry).collect::<serde_json::Map<_, _>>())
        }
        rest => {
            let id = rest.strip_suffix("/events").unwrap();
            let parameter = |name: &str| {
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                pairs.find(|(key, _)| *key == name).map(|(_, value)| value.replace("%3A", ":"))
            };
            let time = |text: String| text.parse::<Timestamp>().unwrap().as_microsecond();
            let start = parameter("start").map_or(i64::MIN, time);
            let end = parameter("end").map_or(i64::MAX, time);
            let limit: usize = parameter("limit").unwrap().parse().unwrap();
            let mut events = buckets[id].1.clone();
            events.sort_by_key(|(at, ..)| -at);
            let trimmed = events.into_iter().filter_map(|(at, duration, data)| {
                let (from, until) = (at.max(start), (at + duration).min(end));
                (from <= until).then_some((from, until - from, data))
            });
            json!(trimmed.take(limit).map(|event| to_json(&event)).collect::<Vec<_>>())
        }
    };
    let body = body.to_string();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}
