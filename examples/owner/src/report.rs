//! `report`: totals of the service with their values revealed, added up across epochs, sorted and printed.
//!
//! Whatever the service and the agents put into a row is treated as text of a stranger's.

mod csv_file;
mod merge;
mod period;

use blindtally::{DeviceId, Token, TokenClass};
use blindtally_client::{Failure, visible};
use serde_json::json;

use crate::categories::Assignments;
use crate::cli::{By, Report, Sort};
use crate::devices;
pub(crate) use crate::report::merge::{BUILT_IN, Word, words};
use crate::report::merge::{Merger, Row};
use crate::report::period::{Period, Span};
use crate::session::{Context, Session};
use crate::table::{Align, Table};
use crate::wire::{Totals, TotalsRow};

/// Rows a page: the service's maximum.
const PAGE: u64 = 10_000;
/// How often totals that changed while they were read are read again.
const READS: usize = 3;

pub(crate) fn run(args: &Report, context: &mut Context) -> Result<(), Failure> {
    let period = Period::new(args)?;
    let session = Session::open(context)?;
    let device = args.device.as_deref().map(|wanted| devices::find(&session.owner, wanted)).transpose()?;
    let question = Question { session: &session, device, class: args.class };
    let mut sections = Vec::new();
    for by in kinds(args.by) {
        let mut rows = question.rows(by, &period)?;
        sort(&mut rows, args.sort.unwrap_or(by.order()));
        rows.truncate(args.limit.unwrap_or(usize::MAX));
        sections.push((by, rows));
    }
    print(&session, args, &sections)?;
    session.close();
    Ok(())
}

/// Every value of a class that was ever observed and can be read, with its token: one for each epoch.
pub(crate) fn observed(session: &Session<'_>, class: TokenClass) -> Result<Vec<(String, Token)>, Failure> {
    let question = Question { session, device: None, class: None };
    let rows = question.totals(Kind::Value(class), Span::EVERYTHING)?;
    Ok(merge::readable(&session.owner, class, rows.into_iter().filter_map(TotalsRow::key).collect()))
}

/// What rows are of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Value(TokenClass),
    Category,
    Day,
    Hour,
    Device,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Value(class) => class.name().unwrap_or_default(),
            Self::Category => "category",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Device => "device",
        }
    }

    fn order(self) -> Sort {
        if matches!(self, Self::Day | Self::Hour) { Sort::Value } else { Sort::Time }
    }
}

fn kinds(by: By) -> Vec<Kind> {
    match by {
        By::All => TokenClass::NAMED.iter().copied().map(Kind::Value).collect(),
        By::App => vec![Kind::Value(TokenClass::APP)],
        By::Title => vec![Kind::Value(TokenClass::TITLE)],
        By::Host => vec![Kind::Value(TokenClass::HOST)],
        By::Url => vec![Kind::Value(TokenClass::URL)],
        By::Document => vec![Kind::Value(TokenClass::DOCUMENT)],
        By::Person => vec![Kind::Value(TokenClass::PERSON)],
        By::Label => vec![Kind::Value(TokenClass::LABEL)],
        By::Category => vec![Kind::Category],
        By::Day => vec![Kind::Day],
        By::Hour => vec![Kind::Hour],
        By::Device => vec![Kind::Device],
    }
}

/// What the service is asked.
struct Question<'s, 'c> {
    session: &'s Session<'c>,
    device: Option<DeviceId>,
    class: Option<TokenClass>,
}

impl Question<'_, '_> {
    /// Every row of a kind, revealed and merged.
    fn rows(&self, kind: Kind, period: &Period) -> Result<Vec<Row>, Failure> {
        let mut merger = Merger::new(kind, &self.session.owner);
        if !matches!(kind, Kind::Day | Kind::Hour) {
            let rows = self.totals(kind, period.whole())?;
            merger.add(if kind == Kind::Category { self.categorized(rows)? } else { rows });
            return Ok(merger.rows());
        }
        // One offset for all of it, unless the clocks were changed between the first event and the last.
        let all = self.totals(kind, period.whole())?;
        let seen = all.iter().map(|row| row.first_us).min().zip(all.iter().map(|row| row.last_us).max());
        let Some((first, last)) = seen else { return Ok(Vec::new()) };
        match period.spans(first, last).as_slice() {
            [span] if span.offset_min == period.whole().offset_min => merger.add(all),
            spans => {
                for span in spans {
                    merger.add(self.totals(kind, *span)?);
                }
            }
        }
        Ok(merger.rows())
    }

    /// Rows of values, as rows of their categories. The service could add up by category itself, but knows only those of
    /// tokens: to it, a value that got its category in another epoch has none.
    fn categorized(&self, rows: Vec<TotalsRow>) -> Result<Vec<TotalsRow>, Failure> {
        let (owner, class) = (&self.session.owner, self.categorized_class());
        let categories = Assignments::read(self.session)?.of(owner, class);
        let values = rows.iter().map(|row| row.value.clone().unwrap_or_default()).collect();
        let words = words(owner, class, values);
        let categorized = rows.into_iter().zip(words);
        Ok(categorized.map(|(row, (word, _))| row.into_category(categories.get(&word).cloned())).collect())
    }

    fn categorized_class(&self) -> TokenClass {
        self.class.unwrap_or(TokenClass::APP)
    }

    /// All pages of one question. The pages are read one after another while agents go on uploading: totals whose rows
    /// do not add up are read again.
    fn totals(&self, kind: Kind, span: Span) -> Result<Vec<TotalsRow>, Failure> {
        for _ in 0..READS {
            let (rows, consistent) = self.read_totals(kind, span)?;
            if consistent == Consistency::Sound {
                return Ok(rows);
            }
        }
        self.session.output().note("note: the totals kept changing while they were read; some may be off");
        Ok(self.read_totals(kind, span)?.0)
    }

    fn read_totals(&self, kind: Kind, span: Span) -> Result<(Vec<TotalsRow>, Consistency), Failure> {
        let mut rows: Vec<TotalsRow> = Vec::new();
        loop {
            let page: Totals = self.session.service.get(&self.url(kind, span, rows.len()))?.json()?;
            let (more, total_events) = (!page.rows.is_empty(), page.total_events);
            rows.extend(page.rows);
            if more && (rows.len() as u64) < page.total_rows {
                continue;
            }
            let events: u64 = rows.iter().fold(0, |sum, row| sum.saturating_add(row.events));
            let sound = rows.len() as u64 == page.total_rows && events == total_events;
            return Ok((rows, if sound { Consistency::Sound } else { Consistency::Moved }));
        }
    }

    fn url(&self, kind: Kind, span: Span, offset: usize) -> String {
        let (by, class) = match kind {
            Kind::Value(class) => ("value", Some(class)),
            // See `categorized`.
            Kind::Category => ("value", Some(self.categorized_class())),
            Kind::Day => ("day", self.class),
            Kind::Hour => ("hour", self.class),
            Kind::Device => ("device", self.class),
        };
        let mut url = format!("/api/v1/totals?by={by}&limit={PAGE}&offset={offset}");
        if let Some(class) = class.and_then(TokenClass::name) {
            url += &format!("&class={class}");
        }
        if let Some(device) = self.device {
            url += &format!("&device={device}");
        }
        url + &span.query()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Consistency {
    Sound,
    Moved,
}

fn sort(rows: &mut [Row], by: Sort) {
    rows.sort_by(|a, b| a.value.cmp(&b.value));
    match by {
        Sort::Time => rows.sort_by_key(|row| std::cmp::Reverse(row.duration_us)),
        Sort::Active => rows.sort_by_key(|row| std::cmp::Reverse(row.active_us)),
        Sort::Events => rows.sort_by_key(|row| std::cmp::Reverse(row.events)),
        Sort::Recent => rows.sort_by_key(|row| std::cmp::Reverse(row.last_us)),
        Sort::Value => {}
    }
}

fn print(session: &Session<'_>, args: &Report, sections: &[(Kind, Vec<Row>)]) -> Result<(), Failure> {
    let output = session.output();
    let all = || sections.iter().flat_map(|(kind, rows)| rows.iter().map(|row| (*kind, row)));
    if let Some(file) = &args.csv {
        csv_file::write(file, all())?;
    }
    for (index, (kind, rows)) in sections.iter().enumerate() {
        if sections.len() > 1 {
            if rows.is_empty() {
                continue;
            }
            output.line(format_args!("{}{}", if index > 0 { "\n" } else { "" }, kind.name()))?;
        }
        output.line(table(*kind, rows))?;
    }
    let unreadable = all().filter(|(_, row)| row.unreadable.is_some()).count();
    if unreadable > 0 {
        output.note(format_args!("note: {unreadable} row(s) marked ? cannot be read with this account's keys"));
    }
    let objects = all().map(|(kind, row)| {
        json!({
            "class": kind.name(), "value": row.value, "token": row.token, "seconds": seconds(row.duration_us),
            "active_seconds": seconds(row.active_us), "events": row.events,
            "unreadable": row.unreadable.map(|error| error.code()),
        })
    });
    output.object(&json!({ "report": objects.collect::<Vec<_>>() }))
}

fn table(kind: Kind, rows: &[Row]) -> Table {
    let mut table = Table::new(&[Align::Right, Align::Right, Align::Right, Align::Left]);
    table.head(&["Time", "Active", "Events", kind.name()]);
    for row in rows {
        let value = match (&row.value, row.unreadable) {
            (Some(value), Some(error)) => format!("? {} ({})", visible(value), error.code()),
            (Some(value), None) => visible(value).into_owned(),
            (None, _) => "(none)".to_owned(),
        };
        table.row(&[clock(row.duration_us), clock(row.active_us), row.events.to_string(), value]);
    }
    let sum = |of: fn(&Row) -> u64| rows.iter().fold(0u64, |sum, row| sum.saturating_add(of(row)));
    let totals = [sum(|row| row.duration_us), sum(|row| row.active_us)];
    table.row(&[clock(totals[0]), clock(totals[1]), sum(|row| row.events).to_string(), "= total".to_owned()]);
    table
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// Hours, minutes and seconds.
fn clock(us: u64) -> String {
    let seconds = us / 1_000_000;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
