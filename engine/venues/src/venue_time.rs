//! Times as venues write them, exact to the nanosecond.

use engine_core::num::Decimal;
use engine_core::time::{Span, Timestamp};

use crate::decimal::shown;

/// What a venue counts its times in; it is configured, never guessed from the size of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
}

impl TimeUnit {
    /// One of it.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::Milliseconds => Span::MILLISECOND,
            Self::Microseconds => Span::from_nanos(1_000),
        }
    }

    /// The moment `count` units after the epoch; `None` where nanoseconds do not hold it.
    #[must_use]
    pub fn moment(self, count: i64) -> Option<Timestamp> {
        count.checked_mul(self.span().nanos()).map(Timestamp::from_nanos)
    }
}

/// A text that is no time, or one that nanoseconds since 1970 do not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time in nanoseconds since 1970")]
pub struct TimeError(pub String);

/// Decimals of a second in nanoseconds.
const SECOND_DECIMALS: u8 = 9;

/// The moment a decimal number of seconds after the epoch, as in `1762795433.9717445`.
///
/// # Errors
/// [`TimeError`] for more than nine digits behind the point or beyond 2262.
pub fn from_seconds(seconds: Decimal) -> Result<Timestamp, TimeError> {
    let nanos = crate::decimal::qty(seconds, SECOND_DECIMALS)
        .ok()
        .and_then(|nanos| i64::try_from(nanos.units()).ok());
    nanos.map(Timestamp::from_nanos).ok_or_else(|| TimeError(seconds.to_string()))
}

/// The moment an RFC 3339 text names, as in `2026-08-09T21:05:48.228568804Z`; only UTC, up to nine digits of a second.
///
/// # Errors
/// [`TimeError`] for anything else.
pub fn from_rfc3339(text: &str) -> Result<Timestamp, TimeError> {
    parsed_rfc3339(text.as_bytes()).ok_or_else(|| TimeError(shown(text)))
}

fn parsed_rfc3339(text: &[u8]) -> Option<Timestamp> {
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if text.len() < 20 || punctuation.iter().any(|(at, byte)| text.get(*at) != Some(byte)) {
        return None;
    }
    let two = |at: usize| whole(text.get(at..at + 2)?);
    let (year, month, day) = (whole(text.get(0..4)?)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    // A leap second is the second that follows it, as venues count.
    if hour > 23 || minute > 59 || second > 60 || day < 1 || day > days_of_month(year, month)? {
        return None;
    }
    let (digits, zone) = match text.get(19..)?.split_first()? {
        (b'.', rest) => rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_digit()).count()),
        _ => (&b"0"[..], text.get(19..)?),
    };
    if zone != b"Z" && zone != b"+00:00" || digits.is_empty() || digits.len() > usize::from(SECOND_DECIMALS) {
        return None;
    }
    let fraction = digits.iter().chain(b"000000000").take(usize::from(SECOND_DECIMALS));
    let fraction_ns = fraction.fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let seconds = ((days_before(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    seconds.checked_mul(1_000_000_000)?.checked_add(fraction_ns).map(Timestamp::from_nanos)
}

fn whole(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of_month(year: i64, month: i64) -> Option<i64> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap(year) { 29 } else { 28 }),
        _ => None,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; years that begin in March put the leap day last.
const fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 719_469
}

/// The day of a moment in UTC, as in `2026-08-09`.
pub(crate) fn utc_date(at: Timestamp) -> String {
    let days = at.nanos().div_euclid(Span::DAY.nanos());
    // Years of 366 days are too few, so the year of the day is this one or a later one.
    let mut year = 1970 + days.div_euclid(366);
    while days_before(year + 1, 1, 1) <= days {
        year += 1;
    }
    let mut left = days - days_before(year, 1, 1);
    let mut month = 1;
    while let Some(length) = days_of_month(year, month).filter(|length| left >= *length) {
        (left, month) = (left - length, month + 1);
    }
    format!("{year:04}-{month:02}-{:02}", left + 1)
}

/// A moment as RFC 3339 writes it, in UTC and whole milliseconds, rounded down, as in `2026-08-09T21:05:48.228Z`.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    let millis = at.nanos().div_euclid(Span::MILLISECOND.nanos()).rem_euclid(86_400_000);
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z", utc_date(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments_are_exact() {
        // GNU date -u -d … +%s%N
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-08-09T21:05:48.228568804Z", 1_786_309_548_228_568_804),
            ("2026-08-09T21:05:38.50436Z", 1_786_309_538_504_360_000),
            ("2024-02-29T23:59:59.9+00:00", 1_709_251_199_900_000_000),
            ("2000-03-01T00:00:00Z", 951_868_800_000_000_000),
        ] {
            assert_eq!(from_rfc3339(text).map(Timestamp::nanos), Ok(nanos), "{text}");
            assert_eq!(utc_date(Timestamp::from_nanos(nanos)), text[..10]);
        }
    }

    #[test]
    fn what_is_no_utc_time_is_refused() {
        for text in [
            "",
            "2026",
            "2026-08-09 21:05:48Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-08-09T24:00:00Z",
            "2026-08-09T21:05:48",
            "2026-08-09T21:05:48.Z",
            "2026-08-09T21:05:48.1234567890Z",
            "2026-08-09T21:05:48+01:00",
            "9999-12-31T00:00:00Z",
            "２026-08-09T21:05:48Z",
        ] {
            assert!(from_rfc3339(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_with_a_fraction_are_exact() {
        let seconds = |text| from_seconds(crate::decimal::decimal(text).unwrap());
        assert_eq!(seconds("1762795433.9717445"), Ok(Timestamp::from_nanos(1_762_795_433_971_744_500)));
        assert!(seconds("1.0000000001").is_err() && seconds("99999999999").is_err());
        assert_eq!(TimeUnit::Milliseconds.moment(i64::MAX), None);
        assert_eq!(TimeUnit::Microseconds.moment(7), Some(Timestamp::from_nanos(7_000)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_text_panics(text in "\\PC{0,40}", shaped in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.Z]{0,24}") {
            let _ = (from_rfc3339(&text), from_rfc3339(&shaped));
        }

        #[test]
        fn a_moment_reads_back_what_it_prints(millis in 0_i64..9_000_000_000_000, nanos in 0_i64..1_000_000) {
            let at = Timestamp::from_nanos(millis * 1_000_000 + nanos);
            prop_assert_eq!(from_rfc3339(&rfc3339(at)), Ok(Timestamp::from_nanos(millis * 1_000_000)));
        }

        #[test]
        fn the_next_day_is_a_day_later(day in 0_i64..40_000) {
            // Walks the calendar by its own rules and compares with the closed form.
            let (mut year, mut month, mut left) = (1970, 1, day);
            while let Some(length) = days_of_month(year, month).filter(|length| left >= *length) {
                left -= length;
                (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            }
            prop_assert_eq!(days_before(year, month, left + 1), day);
        }
    }
}
