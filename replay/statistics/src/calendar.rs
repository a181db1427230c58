//! Days and months of UTC, and how moments read.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use engine_core::time::{Span, Timestamp};

/// A month of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Month {
    /// Year of the common era.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

/// The day a moment closes into, counted from 1970-01-01: a day is the interval (00:00, 24:00], so that the
/// bar that ends at midnight belongs to the day it covers.
pub(crate) const fn closing_day(at: Timestamp) -> i64 {
    at.nanos().saturating_sub(1).div_euclid(Span::DAY.nanos())
}

/// The last nanosecond that belongs to `day`.
pub(crate) const fn day_end(day: i64) -> i64 {
    day.saturating_add(1).saturating_mul(Span::DAY.nanos())
}

fn date(day: i64) -> NaiveDate {
    let days = i32::try_from(day.saturating_add(719_163)).unwrap_or(i32::MAX);
    NaiveDate::from_num_days_from_ce_opt(days).unwrap_or(NaiveDate::MAX)
}

/// The month a day lies in.
pub(crate) fn month_of(day: i64) -> Month {
    let date = date(day);
    Month { year: date.year(), month: date.month() }
}

/// A day as `2024-02-29`.
pub(crate) fn date_text(day: i64) -> String {
    date(day).format("%Y-%m-%d").to_string()
}

fn utc(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(at.nanos())
}

/// A moment as `2024-01-31T23:59:59Z`, with the fraction of a second only where there is one.
#[must_use]
pub fn moment_text(at: Timestamp) -> String {
    utc(at).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// A moment as `2024-01-31 23:59:59`, for tables under a heading that says UTC.
#[must_use]
pub fn row_text(at: Timestamp) -> String {
    utc(at).format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_closes_the_day_before() {
        let day = Span::DAY.nanos();
        assert_eq!(closing_day(Timestamp::from_nanos(day)), 0);
        assert_eq!(closing_day(Timestamp::from_nanos(day + 1)), 1);
        assert_eq!(closing_day(Timestamp::from_nanos(0)), -1);
        assert_eq!(day_end(0), day);
    }

    #[test]
    fn days_know_their_month_and_moments_their_text() {
        assert_eq!(month_of(0), Month { year: 1970, month: 1 });
        assert_eq!(month_of(19_782), Month { year: 2024, month: 2 });
        assert_eq!(month_of(i64::MAX).year, NaiveDate::MAX.year());
        let leap = Timestamp::from_millis(1_709_164_800_250).unwrap();
        assert_eq!(moment_text(leap), "2024-02-29T00:00:00.250Z");
        assert_eq!(row_text(leap), "2024-02-29 00:00:00");
    }
}
