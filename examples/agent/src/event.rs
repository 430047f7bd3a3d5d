//! One event as it will be counted: when, how long, and values by class that still have to be sealed.

use std::ops::Range;

use blindtally::{CanonicalForm, MAX_TOKEN_VALUE, TokenClass};

/// How many classes of values events have: those of [`TokenClass::NAMED`], in its order.
pub(crate) const CLASSES: usize = 7;
/// The service takes no more events at once.
const EVENTS_MAX: usize = 5_000;
/// Enough text for one upload: sealed, encoded and spread over short values it stays below half of the 16 MiB that the
/// service takes.
const TEXT_MAX: usize = 2 << 20;
/// The service takes no longer ones.
const DURATION_MAX_US: i64 = 366 * 24 * 3600 * 1_000_000;
/// 2^53 - 1: what every JSON reader keeps exact.
const TIME_MAX_US: i64 = (1 << 53) - 1;

/// What kind of bucket an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The focused window.
    Window,
    /// The tab that is shown.
    Web,
    /// The file that is edited.
    Editor,
    /// Whether somebody is there.
    Afk,
}

impl Kind {
    /// From ActivityWatch's type of a bucket.
    pub(crate) fn of_bucket(kind: &str) -> Option<Self> {
        match kind {
            "currentwindow" => Some(Self::Window),
            "web.tab.current" => Some(Self::Web),
            "app.editor.activity" => Some(Self::Editor),
            "afkstatus" => Some(Self::Afk),
            _ => None,
        }
    }

    /// What the service knows it by.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Web => "web",
            Self::Editor => "editor",
            Self::Afk => "afk",
        }
    }
}

/// From when and how long, in microseconds, within what the service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start_us: i64,
    pub(crate) duration_us: i64,
}

impl Span {
    /// `None` for times that cannot be: negative, not finite, before 1970, longer than 366 days.
    pub(crate) fn new(start_us: i64, seconds: f64) -> Option<Self> {
        if !seconds.is_finite() || seconds < 0.0 {
            return None;
        }
        // A float beyond the range of integers becomes the last of them, which is refused.
        let duration_us = (seconds * 1e6).round() as i64;
        let fits = (0..=TIME_MAX_US).contains(&start_us) && duration_us <= DURATION_MAX_US;
        fits.then_some(Self { start_us, duration_us })
    }

    pub(crate) fn end_us(self) -> i64 {
        self.start_us + self.duration_us
    }
}

/// The members of an event's `data` that any kind of bucket has a use for; the rest is not read.
#[derive(Debug, Default)]
pub(crate) struct Data {
    texts: [Field; Data::KEYS.len()],
}

/// A text whose memory is used again.
#[derive(Debug, Default)]
struct Field {
    present: bool,
    text: String,
}

impl Data {
    pub(crate) const KEYS: [&'static str; 7] = ["app", "title", "url", "file", "project", "editor", "status"];

    pub(crate) fn clear(&mut self) {
        self.texts.iter_mut().for_each(|field| field.present = false);
    }

    /// Keeps `text` if `key` is one of [`Data::KEYS`].
    pub(crate) fn set(&mut self, key: &str, text: &str) {
        if let Some(index) = Self::KEYS.iter().position(|known| *known == key) {
            let field = &mut self.texts[index];
            field.present = true;
            field.text.clear();
            field.text.push_str(text);
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let index = Self::KEYS.iter().position(|known| *known == key)?;
        let field = &self.texts[index];
        field.present.then_some(&field.text)
    }

    /// Whether an event of an AFK watcher says that somebody is there.
    pub(crate) fn is_present(&self) -> bool {
        self.get("status") == Some("not-afk")
    }
}

/// An event whose values are places in the text of its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    pub(crate) span: Span,
    pub(crate) active_us: i64,
    pub(crate) values: [Option<Range<usize>>; CLASSES],
}

/// Events for one upload.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) text: String,
    pub(crate) events: Vec<Event>,
    /// Values that were cut, counted once for each event that carries one.
    pub(crate) truncated: u64,
    person: Range<usize>,
    person_cut: bool,
}

impl Batch {
    /// An empty batch of events of `person`.
    pub(crate) fn new(person: &str) -> Self {
        let kept = cut(person);
        let person_cut = kept.len() < person.len();
        Self { text: kept.to_owned(), events: Vec::new(), truncated: 0, person: 0..kept.len(), person_cut }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= EVENTS_MAX || self.text.len() >= TEXT_MAX
    }

    /// Adds an event without a number, which depends on the values as they are kept: see [`Batch::number_last`].
    pub(crate) fn push(&mut self, kind: Kind, span: Span, active_us: i64, data: &Data) {
        let mut values = [const { None }; CLASSES];
        for (class, value) in mapped(kind, data) {
            values[slot(class)] = Some(self.keep(&value));
        }
        if kind != Kind::Afk {
            values[slot(TokenClass::PERSON)] = Some(self.person.clone());
            self.truncated += u64::from(self.person_cut);
        }
        self.events.push(Event { seq: 0, kind, span, active_us, values });
    }

    /// Numbers the event that was added last.
    pub(crate) fn number_last(&mut self, number: impl FnOnce(&Event, &str) -> u64) {
        if let Some(event) = self.events.last_mut() {
            event.seq = number(event, &self.text);
        }
    }

    fn keep(&mut self, value: &str) -> Range<usize> {
        let kept = cut(value);
        self.truncated += u64::from(kept.len() < value.len());
        let start = self.text.len();
        self.text.push_str(kept);
        start..self.text.len()
    }
}

/// Where a class stands in [`TokenClass::NAMED`].
pub(crate) fn slot(class: TokenClass) -> usize {
    usize::from(class.id()) - 1
}

/// The values of an event by class, without the person's. A missing member gives no value; an empty one does.
fn mapped(kind: Kind, data: &Data) -> impl Iterator<Item = (TokenClass, std::borrow::Cow<'_, str>)> {
    let fields: &[(TokenClass, &str)] = match kind {
        Kind::Window => &[(TokenClass::APP, "app"), (TokenClass::TITLE, "title")],
        Kind::Web => &[(TokenClass::URL, "url"), (TokenClass::TITLE, "title")],
        Kind::Editor => &[(TokenClass::DOCUMENT, "file"), (TokenClass::LABEL, "project"), (TokenClass::APP, "editor")],
        Kind::Afk => &[],
    };
    let host = match kind {
        Kind::Web => data.get("url").and_then(host),
        _ => None,
    };
    let texts = fields.iter().filter_map(|(class, key)| Some((*class, data.get(key)?.into())));
    texts.chain(host.map(|host| (TokenClass::HOST, host)))
}

/// The host of a URL, if it has one.
fn host(url: &str) -> Option<std::borrow::Cow<'_, str>> {
    url.contains("://").then(|| CanonicalForm::Host.apply(url)).filter(|host| !host.is_empty())
}

/// At most as much as a token holds, cut between two characters.
fn cut(value: &str) -> &str {
    &value[..value.floor_char_boundary(MAX_TOKEN_VALUE)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn values(kind: Kind, data: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let mut fields = Data::default();
        data.iter().for_each(|(key, text)| fields.set(key, text));
        let mut batch = Batch::new("anna");
        batch.push(kind, Span { start_us: 0, duration_us: 1 }, 0, &fields);
        let event = batch.events.remove(0);
        let names = TokenClass::NAMED.iter().map(|class| class.name().unwrap());
        let values = names.zip(event.values).filter_map(|(name, range)| Some((name, batch.text[range?].to_owned())));
        values.collect()
    }

    fn owned(values: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        values.iter().map(|(class, value)| (*class, (*value).to_owned())).collect()
    }

    #[test]
    fn every_kind_of_bucket_has_its_own_classes() {
        let all = [("app", "a"), ("title", ""), ("url", "https://me@Example.org:8/x"), ("file", "f"), ("project", "p")];
        assert_eq!(values(Kind::Window, &all), owned(&[("app", "a"), ("title", ""), ("person", "anna")]));
        assert_eq!(
            values(Kind::Web, &all),
            owned(&[("title", ""), ("host", "example.org"), ("url", "https://me@Example.org:8/x"), ("person", "anna")])
        );
        assert_eq!(values(Kind::Editor, &all), owned(&[("document", "f"), ("person", "anna"), ("label", "p")]));
        assert_eq!(values(Kind::Afk, &all), []);
        assert_eq!(values(Kind::Window, &[]), owned(&[("person", "anna")]));
    }

    #[test]
    fn a_url_without_a_host_has_none() {
        for (url, expected) in [
            ("about:blank", None),
            ("file:///home/a", None),
            ("", None),
            ("https://?q", None),
            ("http://[2001:DB8::1]:80/", Some("[2001:db8::1]")),
            ("https://example.org?q=a://b@c", Some("example.org")),
        ] {
            assert_eq!(host(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_value_is_cut_before_the_character_that_does_not_fit() {
        let title = format!("x{}", "語".repeat(1400));
        let mut data = Data::default();
        data.set("title", &title);
        let mut batch = Batch::new(&"é".repeat(2049));
        let span = Span { start_us: 0, duration_us: 0 };
        batch.push(Kind::Window, span, 0, &data);
        let event = batch.events.remove(0);
        assert_eq!(event.values[1].clone().unwrap().len(), 1 + 3 * 1365);
        assert_eq!(event.values[5].clone().unwrap().len(), 4096);
        assert_eq!(batch.truncated, 2);
    }

    #[test]
    fn durations_are_rounded_and_must_be_possible() {
        assert_eq!(Span::new(5, 1.0000006).unwrap().end_us(), 1_000_006);
        assert_eq!(Span::new(5, 0.0).unwrap().end_us(), 5);
        for (start, seconds) in [(0, -0.001), (0, f64::NAN), (0, f64::INFINITY), (0, 1e300), (-1, 1.0), (1 << 53, 1.0)]
        {
            assert_eq!(Span::new(start, seconds), None);
        }
    }
}
