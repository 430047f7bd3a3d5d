//! The `Range` header: one range of bytes (RFC 9110 §14).

use std::ops::Range;

use axum::http::{HeaderMap, header};

use crate::error::Error;

/// What is asked of `size` bytes with this ETag. `None`: all of them.
///
/// Another unit than bytes, several ranges, and a condition that does not hold are answered with the whole, as
/// RFC 9110 allows or asks.
///
/// # Errors
///
/// [`Error::Range`] for a range that is none, or that has no byte in common with what there is.
pub(crate) fn requested(headers: &HeaderMap, size: u64, etag: &str) -> Result<Option<Range<u64>>, Error> {
    let Some(value) = headers.get(header::RANGE) else { return Ok(None) };
    if headers.get(header::IF_RANGE).is_some_and(|condition| condition != etag) {
        return Ok(None);
    }
    let nonsense = || Error::Range { size };
    let (unit, ranges) = value.to_str().ok().and_then(|text| text.split_once('=')).ok_or_else(nonsense)?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return Ok(None);
    }
    let mut ranges = ranges.split(',').map(|range| range.trim_matches([' ', '\t'])).filter(|range| !range.is_empty());
    let first = ranges.next().ok_or_else(nonsense)?;
    if ranges.next().is_some() {
        return Ok(None);
    }
    satisfiable(first, size).map(Some).ok_or_else(nonsense)
}

/// The bytes that `range` names: `a-b`, `a-` or `-n`.
fn satisfiable(range: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = range.split_once('-')?;
    let range = match (first, last) {
        ("", suffix) => size - number(suffix)?.min(size)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    (range.start < range.end).then_some(range)
}

/// A number of any length: what is larger than every file is as good as the largest.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::satisfiable;

    #[test]
    fn one_range_of_each_form_is_cut_to_what_there_is() {
        assert_eq!(satisfiable("0-0", 10), Some(0..1));
        assert_eq!(satisfiable("2-4", 10), Some(2..5));
        assert_eq!(satisfiable("9-99", 10), Some(9..10));
        assert_eq!(satisfiable("3-", 10), Some(3..10));
        assert_eq!(satisfiable("-3", 10), Some(7..10));
        assert_eq!(satisfiable("-99", 10), Some(0..10));
        assert_eq!(satisfiable("0-99999999999999999999999", 10), Some(0..10));
        assert_eq!(satisfiable("007-8", 10), Some(7..9));
    }

    #[test]
    fn what_is_no_range_or_holds_no_byte_is_refused() {
        for range in ["", "-", "-0", "5", "5-4", "10-", "10-12", "a-b", "+1-2", "1 -2", "--1", "1--2", "0x1-2"] {
            assert_eq!(satisfiable(range, 10), None, "{range}");
        }
        assert_eq!(satisfiable("99999999999999999999999-", 10), None);
        assert_eq!(satisfiable("0-", 0), None);
    }
}
