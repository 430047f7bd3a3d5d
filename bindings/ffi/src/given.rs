//! Arguments and results: the platform's types turned into the core's and back, once, at the edge.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blindtally::{Fingerprint, Lifetime, ParseError, Secret, Timestamp};
use zeroize::Zeroizing;

use crate::error::{BlindtallyError, Misuse};

/// A moment, by this computer's clock if none is given.
pub(crate) fn or_now(given: Option<SystemTime>) -> Timestamp {
    given.unwrap_or_else(SystemTime::now).into()
}

/// The end of the year 9999 in Unix milliseconds: every platform can say it.
const LATEST: u64 = 253_402_300_799_999;

/// A moment of the core's; what is later than any that people mean is the latest.
pub(crate) fn system_time(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(time.unix_millis().min(LATEST))
}

pub(crate) fn lifetime(given: Duration) -> Lifetime {
    Lifetime::seconds(given.as_secs())
}

/// A number that the core keeps in an unsigned type.
pub(crate) fn narrow<N: TryFrom<i64>>(number: impl Into<i64>) -> Result<N, Misuse> {
    N::try_from(number.into()).map_err(|_| Misuse::Value)
}

/// A counter of the core's; what a signed number cannot say is its greatest.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An id in hexadecimal digits.
pub(crate) fn id<T: std::str::FromStr<Err = ParseError>>(text: &str) -> Result<T, BlindtallyError> {
    Ok(text.parse()?)
}

/// A secret text that came as bytes, which are wiped.
pub(crate) fn secret_text(bytes: Vec<u8>) -> Result<Zeroizing<String>, Misuse> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Misuse::Utf8)
        }
    }
}

/// A key of 32 bytes, which are wiped.
pub(crate) fn key(bytes: Vec<u8>) -> Result<Secret<32>, Misuse> {
    let bytes = Zeroizing::new(bytes);
    let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| Misuse::Value)?;
    Ok(Secret::copy_of(bytes))
}

/// All of a fingerprint, as hexadecimal digits.
pub(crate) fn hex(fingerprint: &Fingerprint) -> String {
    fingerprint.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_moment_of_either_side_has_one_on_the_other() {
        let days = Duration::from_secs(86_400);
        assert_eq!(system_time(or_now(Some(UNIX_EPOCH + days))), UNIX_EPOCH + days);
        assert_eq!(system_time(or_now(Some(UNIX_EPOCH - days))), UNIX_EPOCH);
        let latest = UNIX_EPOCH + Duration::from_millis(LATEST);
        assert_eq!(system_time(Timestamp::from_unix_millis(LATEST)), latest);
        assert_eq!(system_time(Timestamp::from_unix_secs(u64::MAX)), latest);
    }
}
