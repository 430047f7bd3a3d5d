//! ActivityWatch's timestamps.

use jiff::Timestamp;

/// Microseconds since 1970 of `2026-03-11T08:00:00.123+01:00`, rounded to the nearest; `None` without an offset or `Z`.
pub(crate) fn micros(text: &str) -> Option<i64> {
    let time: Timestamp = match text.split_once('.') {
        Some((whole, rest)) => {
            // jiff reads nine digits of a fraction.
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            match digits {
                0..=9 => text.parse().ok()?,
                _ => format!("{whole}.{}{}", &rest[..9], &rest[digits..]).parse().ok()?,
            }
        }
        None => text.parse().ok()?,
    };
    i64::try_from((time.as_nanosecond() + 500).div_euclid(1000)).ok()
}

/// A time in microseconds since 1970 as ISO 8601 in UTC: for people, and as aw-server takes it in a query.
pub fn iso(micros: i64) -> String {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX).to_string()
}

/// The clock's.
pub(crate) fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_exports_have_is_read() {
        let second = 1_773_216_000_000_000;
        for (text, expected) in [
            ("2026-03-11T08:00:00Z", Some(second)),
            ("2026-03-11T08:00:00.123000+00:00", Some(second + 123_000)),
            ("2026-03-11T09:30:00.1234567+01:30", Some(second + 123_457)),
            ("2026-03-11T03:00:00-05:00", Some(second)),
            ("2026-03-11 08:00:00.1234564999999Z", Some(second + 123_456)),
            ("2026-03-11T08:00:00+0000", Some(second)),
            ("2026-03-11T08:00:00", None),
            ("2026-03-11T08:00:00.", None),
            ("2026-02-30T08:00:00Z", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_for_aw_server_is_read_again() {
        assert_eq!(micros(&iso(1_773_216_000_123_456)), Some(1_773_216_000_123_456));
    }
}
