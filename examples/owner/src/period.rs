//! From when to when: moments that a person names, as the milliseconds that records and blobs are ordered by.

use blindtally_client::Failure;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::cli::PeriodArgs;

/// A moment as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Day(Date),
    /// By the clock of the zone.
    Clock(DateTime),
    /// By any clock.
    Exact(Timestamp),
}

impl Moment {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // Shorter is no time of day: as a date and time it would be midnight.
        if text.len() <= "2026-11-01".len() {
            return text.parse().map(Self::Day).map_err(|error| error.to_string());
        }
        match text.parse() {
            Ok(exact) => Ok(Self::Exact(exact)),
            Err(_) => text.parse().map(Self::Clock).map_err(|error| error.to_string()),
        }
    }

    /// Where it begins.
    fn start(self, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
        match self {
            Self::Day(day) => Ok(day.to_zoned(zone.clone())?.timestamp()),
            Self::Clock(time) => Ok(time.to_zoned(zone.clone())?.timestamp()),
            Self::Exact(time) => Ok(time),
        }
    }

    /// Where it ends: a day ends with the next.
    fn end(self, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
        match self {
            Self::Day(day) => Self::Day(day.tomorrow()?).start(zone),
            moment => moment.start(zone),
        }
    }
}

/// From one moment to another, if they are limited, and the time zone to show times in.
pub(crate) struct Period {
    pub(crate) from_ms: Option<u64>,
    /// The first moment that is not part of it.
    pub(crate) to_ms: Option<u64>,
    zone: TimeZone,
}

impl Period {
    pub(crate) fn new(args: &PeriodArgs) -> Result<Self, Failure> {
        let zone = if args.utc { TimeZone::UTC } else { TimeZone::system() };
        let millis = |moment: Result<Timestamp, jiff::Error>| {
            let moment = moment.map_err(Failure::usage)?;
            Ok::<_, Failure>(u64::try_from(moment.as_millisecond()).unwrap_or(0))
        };
        let from_ms = args.from.map(|from| millis(from.start(&zone))).transpose()?;
        let to_ms = args.to.map(|to| millis(to.end(&zone))).transpose()?;
        if from_ms.zip(to_ms).is_some_and(|(from, to)| from >= to) {
            return Err(Failure::usage("--from is after --to"));
        }
        Ok(Self { from_ms, to_ms, zone })
    }

    pub(crate) fn holds(&self, ms: u64) -> bool {
        self.from_ms.is_none_or(|from| from <= ms) && self.to_ms.is_none_or(|to| ms < to)
    }

    /// A moment for people.
    pub(crate) fn show(&self, ms: u64) -> String {
        show(ms, &self.zone)
    }
}

/// A moment by the clock of a zone; only the number where no calendar goes that far.
pub(crate) fn show(ms: u64, zone: &TimeZone) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match time {
        Some(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        None => ms.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Moment, Period, PeriodArgs, show};

    fn period(from: Option<&str>, to: Option<&str>) -> Option<(Option<u64>, Option<u64>)> {
        let parse = |text: Option<&str>| text.map(|text| Moment::parse(text).unwrap());
        let period = Period::new(&PeriodArgs { from: parse(from), to: parse(to), utc: true }).ok()?;
        Some((period.from_ms, period.to_ms))
    }

    #[test]
    fn days_are_whole_and_moments_are_exact() {
        let day = 1_793_491_200_000;
        assert_eq!(period(Some("2026-11-01"), Some("2026-11-01")), Some((Some(day), Some(day + 86_400_000))));
        assert_eq!(period(Some("2026-11-01T00:00:01"), None), Some((Some(day + 1_000), None)));
        assert_eq!(period(None, Some("2026-11-01T01:00:00+01:00")), Some((None, Some(day))));
        assert_eq!(period(Some("2026-11-02"), Some("2026-11-01")), None);
        assert_eq!(period(Some("2026-11-01"), Some("2026-11-01T00:00:00Z")), None);
        for wrong in ["", "yesterday", "2026-13-01", "2026-11-01T25:00:00"] {
            assert!(Moment::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_beyond_every_calendar_is_a_number() {
        assert_eq!(show(1_793_491_200_001, &jiff::tz::TimeZone::UTC), "2026-11-01 00:00:00.001");
        assert_eq!(show(u64::MAX, &jiff::tz::TimeZone::UTC), u64::MAX.to_string());
    }
}
