//! What the demo must report: the sums of an export, worked out in the plainest way, with none of the project's code.
//!
//! It shares with the agent only the mapping from ActivityWatch's fields to the classes of values, and the rules that
//! are written down here. `check` compares.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::export::{Bucket, Event, Export};

/// Longer values are cut, at a character boundary. Bytes of UTF-8.
const LONGEST_VALUE: usize = 4096;
/// How far two sums may differ. Seconds.
const TOLERANCE: f64 = 1e-3;

/// A class and a value of it.
type Key = (String, String);

/// The sums of one value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    duration_us: i64,
    active_us: i64,
    events: u64,
}

/// Everything that is expected of an export.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) rows: BTreeMap<Key, Sums>,
    /// Events that the service stores, those of the AFK watchers among them.
    pub(crate) events: u64,
    /// Values that were cut, counted once for each event that carries one.
    pub(crate) truncated: u64,
}

impl Expected {
    /// Adds up an export. `person_of` says who sat at a computer.
    pub(crate) fn of(export: &Export<Event>, person_of: impl Fn(&str) -> String) -> Result<Self> {
        let mut expected = Self::default();
        for (id, bucket) in &export.buckets {
            let presence = Presence::of(export, &bucket.hostname)?;
            for event in &bucket.events {
                let Some(values) = values_of(bucket, event) else { continue };
                expected.events += 1;
                if bucket.kind == "afkstatus" {
                    continue;
                }
                let span = Span::of(event).with_context(|| format!("bucket {id}"))?;
                let person = ("person", person_of(&bucket.hostname));
                for (class, value) in values.into_iter().chain([person]) {
                    expected.add(class, &value, span, &presence);
                }
            }
        }
        Ok(expected)
    }

    fn add(&mut self, class: &str, value: &str, span: Span, presence: &Presence) {
        let end = (0..=value.len().min(LONGEST_VALUE)).rev().find(|end| value.is_char_boundary(*end)).unwrap_or(0);
        let kept = &value[..end];
        self.truncated += u64::from(kept.len() < value.len());
        let sums = self.rows.entry((class.to_owned(), kept.to_owned())).or_default();
        sums.duration_us += span.end - span.start;
        sums.active_us += presence.within(span);
        sums.events += 1;
    }

    /// Compares with the object that `cargo xtask demo --json` prints; the error lists the first differences.
    pub(crate) fn check(&self, demo: &Value) -> Result<()> {
        let mut differences = Vec::new();
        for (name, expected, found) in [
            ("service.events", self.events, &demo["service"]["events"]),
            ("truncated", self.truncated, &demo["truncated"]),
        ] {
            if found.as_u64() != Some(expected) {
                differences.push(format!("{name} is {found}, not {expected}"));
            }
        }
        let mut reported = BTreeSet::new();
        for row in demo["report"].as_array().context("the demo's report is not a list")? {
            let (Some(class), Some(value)) = (row["class"].as_str(), row["value"].as_str()) else {
                bail!("a row has no class or no value: {row}");
            };
            let key = (class.to_owned(), value.to_owned());
            match self.rows.get(&key) {
                None => differences.push(format!("{class} {value:?} is reported and not in the export")),
                Some(sums) => {
                    differences.extend(sums.differences(row).map(|what| format!("{class} {value:?}: {what}")))
                }
            }
            if !reported.insert(key) {
                differences.push(format!("{class} {value:?} is reported twice"));
            }
        }
        let missing = self.rows.keys().filter(|key| !reported.contains(*key));
        differences.extend(missing.map(|(class, value)| format!("{class} {value:?} is not reported")));
        ensure!(differences.is_empty(), "{} differences from the export:\n{}", differences.len(), first(&differences));
        Ok(())
    }
}

fn first(differences: &[String]) -> String {
    let shorten = |line: &String| line.chars().take(200).collect::<String>();
    differences.iter().take(20).map(shorten).collect::<Vec<_>>().join("\n")
}

impl Sums {
    #[allow(clippy::cast_precision_loss)]
    fn differences(self, row: &Value) -> impl Iterator<Item = String> {
        let seconds = |us: i64| us as f64 / 1e6;
        let time = move |field: &str, expected: f64| {
            let found = row[field].as_f64();
            let equal = found.is_some_and(|found| (found - expected).abs() <= TOLERANCE);
            (!equal).then(|| format!("{field} is {}, not {expected}", row[field]))
        };
        let events = (row["events"].as_u64() != Some(self.events))
            .then(|| format!("events is {}, not {}", row["events"], self.events));
        let token = row["token"].as_str().is_none_or(str::is_empty).then(|| "it has no token".to_owned());
        [time("seconds", seconds(self.duration_us)), time("active_seconds", seconds(self.active_us)), events, token]
            .into_iter()
            .flatten()
    }
}

/// The values of an event by class, or nothing if its bucket is of a type that is not imported. A missing key or a
/// value that is no string gives no value; an empty string is one.
fn values_of(bucket: &Bucket<Event>, event: &Event) -> Option<Vec<(&'static str, String)>> {
    let fields: &[(&str, &str)] = match bucket.kind.as_str() {
        "currentwindow" => &[("app", "app"), ("title", "title")],
        "web.tab.current" => &[("url", "url"), ("title", "title")],
        "app.editor.activity" => &[("document", "file"), ("label", "project"), ("app", "editor")],
        "afkstatus" => &[],
        _ => return None,
    };
    let text = |key: &str| event.data.get(key).and_then(Value::as_str);
    let mut values: Vec<_> = fields.iter().filter_map(|(class, key)| Some((*class, text(key)?.to_owned()))).collect();
    if bucket.kind == "web.tab.current"
        && let Some(host) = text("url").and_then(host_of)
    {
        values.push(("host", host));
    }
    Some(values)
}

/// What lies between `://` and the next `/`, `?` or `#`, without user and port, ASCII letters in lower case.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let address = authority.rsplit('@').next()?;
    let host = match address.find(']') {
        Some(end) if address.starts_with('[') => &address[..=end],
        _ => address.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// A stretch of time, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    start: i64,
    end: i64,
}

impl Span {
    #[allow(clippy::cast_possible_truncation)]
    fn of(event: &Event) -> Result<Self> {
        let start = microseconds(&event.timestamp).with_context(|| format!("not a time: {:?}", event.timestamp))?;
        Ok(Self { start, end: start + (event.duration * 1e6).round() as i64 })
    }
}

/// When the person of a computer was there: the union of its not-afk periods, or always if nothing watched.
struct Presence(Option<Vec<Span>>);

impl Presence {
    fn of(export: &Export<Event>, hostname: &str) -> Result<Self> {
        let watchers = || export.buckets.values().filter(|b| b.kind == "afkstatus" && b.hostname == hostname);
        if watchers().next().is_none() {
            return Ok(Self(None));
        }
        let there = |event: &&Event| event.data.get("status").and_then(Value::as_str) == Some("not-afk");
        let spans = watchers().flat_map(|bucket| &bucket.events).filter(there).map(Span::of);
        Ok(Self(Some(union(spans.collect::<Result<_>>()?))))
    }

    fn within(&self, span: Span) -> i64 {
        match &self.0 {
            None => span.end - span.start,
            Some(periods) => periods.iter().map(|p| (p.end.min(span.end) - p.start.max(span.start)).max(0)).sum(),
        }
    }
}

fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.start);
    let mut union: Vec<Span> = Vec::new();
    for span in spans {
        match union.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => union.push(span),
        }
    }
    union
}

/// `2026-03-11T08:00:00.123+01:00` as microseconds since 1970 in UTC; digits after the sixth are rounded.
fn microseconds(timestamp: &str) -> Option<i64> {
    let (date, time) = timestamp.split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone_at);
    let mut clock = clock.splitn(3, ':');
    let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let seconds = days(year, month, day) * 86_400 + minutes(hour, minute)? * 60 + second.parse::<i64>().ok()?;
    Some((seconds - offset(zone)?) * 1_000_000 + rounded_microseconds(fraction)?)
}

fn minutes(hours: &str, minutes: &str) -> Option<i64> {
    Some(hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?)
}

fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return Some(0),
    };
    let (hours, rest) = zone[1..].split_once(':')?;
    Some(sign * 60 * minutes(hours, rest)?)
}

#[allow(clippy::cast_possible_truncation)]
fn rounded_microseconds(fraction: &str) -> Option<i64> {
    Some((format!("0.{fraction}").parse::<f64>().ok()? * 1e6).round() as i64)
}

/// Days since 1970-01-01 in the Gregorian calendar, counted year by year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let years: i64 = (1970..year).map(|year| 365 + i64::from(leap(year))).sum();
    let february = 28 + i64::from(leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + months.iter().zip(1..month).map(|(days, _)| days).sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::json;

    use super::*;

    fn export(buckets: Value) -> Export<Event> {
        serde_json::from_value(json!({ "buckets": buckets })).unwrap()
    }

    fn event(second: u32, duration: f64, data: Value) -> Value {
        json!({"timestamp": format!("2026-03-11T08:00:{second:02}Z"), "duration": duration, "data": data})
    }

    fn bucket(kind: &str, hostname: &str, events: Vec<Value>) -> Value {
        json!({"type": kind, "hostname": hostname, "events": events})
    }

    fn expected(buckets: Value) -> Expected {
        Expected::of(&export(buckets), |hostname| format!("person at {hostname}")).unwrap()
    }

    fn sums(expected: &Expected, class: &str, value: &str) -> (i64, i64, u64) {
        let sums = expected.rows.get(&(class.to_owned(), value.to_owned())).expect(value);
        (sums.duration_us, sums.active_us, sums.events)
    }

    #[test]
    fn times_are_read_in_every_form_that_exports_have() {
        let second = 1_773_216_000_000_000;
        assert_eq!(microseconds("2026-03-11T08:00:00Z"), Some(second));
        assert_eq!(microseconds("2026-03-11T08:00:00.123000+00:00"), Some(second + 123_000));
        assert_eq!(microseconds("2026-03-11T09:30:00.1234567+01:30"), Some(second + 123_457));
        assert_eq!(microseconds("2026-03-11T03:00:00-05:00"), Some(second));
        assert_eq!(microseconds("2024-03-01T00:00:00Z"), Some(1_709_251_200_000_000));
        assert_eq!(microseconds("yesterday"), None);
    }

    #[test]
    fn hosts_are_cut_out_of_urls_as_the_agent_does() {
        for (url, host) in [
            ("https://Example.ORG:8443/a?b#c", Some("example.org")),
            ("https://user:p@ss@example.org/", Some("example.org")),
            ("http://[2001:DB8::1]:8080/x", Some("[2001:db8::1]")),
            ("https://example.org?q=a://b", Some("example.org")),
            ("file:///home/a/b.txt", None),
            ("about:blank", None),
            ("", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }

    #[test]
    fn active_time_is_what_overlaps_the_union_of_the_periods_of_presence() {
        let window = |start, duration| event(start, duration, json!({"app": "a", "title": ""}));
        let here = |start, duration, status| event(start, duration, json!({"status": status}));
        let expected = expected(json!({
            "w": bucket("currentwindow", "h", vec![window(0, 10.0), window(20, 10.0), window(20, 10.0)]),
            "afk": bucket("afkstatus", "h",
                vec![here(5, 10.0, "not-afk"), here(8, 15.0, "not-afk"), here(0, 60.0, "afk")]),
        }));
        assert_eq!(sums(&expected, "app", "a"), (30_000_000, 11_000_000, 3));
        assert_eq!(sums(&expected, "title", ""), (30_000_000, 11_000_000, 3));
        assert_eq!(sums(&expected, "person", "person at h"), (30_000_000, 11_000_000, 3));
        assert_eq!((expected.events, expected.truncated), (6, 0));
    }

    #[test]
    fn a_computer_without_a_watcher_is_always_active_and_unknown_buckets_do_not_count() {
        let expected = expected(json!({
            "e": bucket("app.editor.activity", "h",
                vec![event(0, 1.5, json!({"file": "f", "project": "p", "editor": 3}))]),
            "x": bucket("os.hid.input", "h", vec![event(0, 1.0, json!({"presses": 3}))]),
            "afk": bucket("afkstatus", "another", vec![]),
        }));
        assert_eq!(sums(&expected, "document", "f"), (1_500_000, 1_500_000, 1));
        assert_eq!(sums(&expected, "label", "p"), (1_500_000, 1_500_000, 1));
        assert_eq!((expected.rows.len(), expected.events), (3, 1));
    }

    #[test]
    fn long_values_are_cut_before_the_character_that_does_not_fit() {
        let title = format!("x{}", "語".repeat(1400));
        let window = event(0, 1.0, json!({"title": title}));
        let expected = expected(json!({"w": bucket("currentwindow", "h", vec![window.clone(), window])}));
        assert_eq!(expected.truncated, 2);
        let longest = expected.rows.keys().map(|(_, value)| value.len()).max();
        assert_eq!(longest, Some(1 + 3 * 1365));
    }

    #[test]
    fn a_report_that_differs_in_anything_is_refused() {
        let expected = expected(json!({
            "w": bucket("currentwindow", "h", vec![event(0, 1.0, json!({"app": "a"}))]),
        }));
        let row = |class, value| {
            json!({"class": class, "value": value, "token": "t", "seconds": 1.0,
            "active_seconds": 1.0, "events": 1})
        };
        let good = json!({"service": {"events": 1}, "truncated": 0,
            "report": [row("app", "a"), row("person", "person at h")]});
        expected.check(&good).unwrap();
        for (pointer, wrong) in [
            ("/service/events", json!(2)),
            ("/truncated", json!(1)),
            ("/report/0/seconds", json!(1.01)),
            ("/report/0/active_seconds", json!(0.99)),
            ("/report/0/events", json!(2)),
            ("/report/0/token", json!("")),
            ("/report/0/value", json!("b")),
            ("/report/1", row("app", "a")),
            ("/report", json!([])),
        ] {
            let mut demo = good.clone();
            *demo.pointer_mut(pointer).unwrap() = wrong;
            assert!(expected.check(&demo).is_err(), "{pointer}");
        }
    }
}
