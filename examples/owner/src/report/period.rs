//! Which events a report is about, and the time zone its days and hours are of.

use blindtally_client::Failure;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::Report;

/// From one moment to another, if they are limited, in a time zone.
pub(crate) struct Period {
    from: Option<Timestamp>,
    /// The first moment that is not part of it.
    to: Option<Timestamp>,
    zone: TimeZone,
}

/// A part of a period in which clocks were not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_us: Option<i64>,
    pub(crate) to_us: Option<i64>,
    /// Minutes that clocks are ahead of UTC.
    pub(crate) offset_min: i32,
}

impl Period {
    pub(crate) fn new(args: &Report) -> Result<Self, Failure> {
        let zone = if args.utc { TimeZone::UTC } else { TimeZone::system() };
        let after = |date: Date| date.tomorrow().map_err(|error| Failure::usage(format_args!("--to: {error}")));
        Self::between(args.from, args.to.map(after).transpose()?, zone)
    }

    /// From the start of a day to that of another.
    fn between(from: Option<Date>, to: Option<Date>, zone: TimeZone) -> Result<Self, Failure> {
        let start = |date: Date| {
            let start = date.to_zoned(zone.clone()).map(|start| start.timestamp());
            start.map_err(|error| Failure::usage(format_args!("{date}: {error}")))
        };
        let (from, to) = (from.map(start).transpose()?, to.map(start).transpose()?);
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(Failure::usage("--from is after --to"));
        }
        Ok(Self { from, to, zone })
    }

    /// All of it, by the clock of its end.
    pub(crate) fn whole(&self) -> Span {
        let end = self.to.unwrap_or_else(Timestamp::now);
        self.span(self.from, self.to, end)
    }

    /// All of it, cut where clocks were changed between the first event and the last.
    pub(crate) fn spans(&self, first_us: i64, last_us: i64) -> Vec<Span> {
        let clamp = |us| Timestamp::from_microsecond(us).unwrap_or(Timestamp::MAX);
        let (first, last) = (clamp(first_us), clamp(last_us));
        let changes = self.zone.following(first).map(|change| change.timestamp());
        let mut spans = Vec::new();
        let (mut from, mut within) = (self.from, first);
        for change in changes.take_while(|change| *change <= last) {
            spans.push(self.span(from, Some(change), within));
            (from, within) = (Some(change), change);
        }
        spans.push(self.span(from, self.to, within));
        spans
    }

    fn span(&self, from: Option<Timestamp>, to: Option<Timestamp>, within: Timestamp) -> Span {
        let offset_min = self.zone.to_offset(within).seconds() / 60;
        Span { from_us: from.map(Timestamp::as_microsecond), to_us: to.map(Timestamp::as_microsecond), offset_min }
    }
}

impl Span {
    pub(crate) const EVERYTHING: Self = Self { from_us: None, to_us: None, offset_min: 0 };

    /// As the service is asked for it.
    pub(crate) fn query(self) -> String {
        let mut query = format!("&tz_offset_min={}", self.offset_min);
        if let Some(from_us) = self.from_us {
            query += &format!("&from_us={from_us}");
        }
        if let Some(to_us) = self.to_us {
            query += &format!("&to_us={to_us}");
        }
        query
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::{TimeZone, offset};

    use super::Period;

    #[test]
    fn days_begin_and_end_by_the_clock_of_the_zone() {
        let zone = TimeZone::fixed(offset(2));
        let period = Period::between(Some(date(2026, 11, 1)), Some(date(2026, 11, 3)), zone).unwrap();
        let span = period.whole();
        assert_eq!(span.offset_min, 120);
        assert_eq!(span.to_us.unwrap() - span.from_us.unwrap(), 2 * 86_400_000_000);
        assert_eq!(span.from_us.unwrap(), 1_793_484_000_000_000);
        assert!(Period::between(Some(date(2026, 11, 3)), Some(date(2026, 11, 3)), TimeZone::UTC).is_err());
    }

    #[test]
    fn a_period_is_cut_where_clocks_were_changed() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let period = Period::between(Some(date(2026, 10, 1)), Some(date(2026, 12, 1)), zone.clone()).unwrap();
        let at = |day| date(2026, 10, day).to_zoned(zone.clone()).unwrap().timestamp().as_microsecond();
        let [before, after] = period.spans(at(2), at(30)).try_into().unwrap();
        assert_eq!((before.offset_min, after.offset_min), (120, 60));
        assert_eq!(before.to_us, after.from_us);
        assert_eq!((before.from_us, after.to_us), (period.whole().from_us, period.whole().to_us));
        assert_eq!(period.spans(at(26), at(30)).len(), 1);
    }
}
