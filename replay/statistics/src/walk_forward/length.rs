//! Spans as people plan in them: years and months of the calendar, or exact spans.

use chrono::{DateTime, Months};
use engine_core::time::{Span, Timestamp};

/// A length of time on the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Calendar months; a year is twelve.
    Months(u32),
    /// An exact span.
    Exact(Span),
}

/// Why a text is not a length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "parse {text:?} as a length: write a whole number above 0 and one of y, mo, w, d, h, as in 3y, 6mo or 90d"
)]
pub struct LengthParseError {
    /// The text as given.
    pub text: String,
}

impl core::str::FromStr for Length {
    type Err = LengthParseError;

    fn from_str(text: &str) -> Result<Self, LengthParseError> {
        let refused = || LengthParseError { text: text.to_owned() };
        let months = |number: &str, each: u32| {
            let number: u32 = number.parse().map_err(|_| refused())?;
            number.checked_mul(each).filter(|months| *months > 0).map(Self::Months).ok_or_else(refused)
        };
        if let Some(number) = text.strip_suffix("mo") {
            return months(number, 1);
        }
        if let Some(number) = text.strip_suffix('y') {
            return months(number, 12);
        }
        let span: Span = text.parse().map_err(|_| refused())?;
        if span.is_positive() { Ok(Self::Exact(span)) } else { Err(refused()) }
    }
}

impl core::fmt::Display for Length {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Months(months) if months.is_multiple_of(12) => write!(out, "{}y", months / 12),
            Self::Months(months) => write!(out, "{months}mo"),
            Self::Exact(span) => span.fmt(out),
        }
    }
}

impl Length {
    /// The moment `times` lengths after `at`; the last day of a month stays within its month. `None` beyond the
    /// moments that can be written.
    #[must_use]
    pub fn after(self, at: Timestamp, times: u32) -> Option<Timestamp> {
        match self {
            Self::Months(months) => {
                let moment = DateTime::from_timestamp_nanos(at.nanos());
                moment_of(moment.checked_add_months(Months::new(months.checked_mul(times)?))?)
            }
            Self::Exact(span) => {
                let nanos = span.nanos().checked_mul(i64::from(times))?.checked_add(at.nanos())?;
                Some(Timestamp::from_nanos(nanos))
            }
        }
    }

    /// The moment one length before `at`; `None` beyond the moments that can be written.
    #[must_use]
    pub fn before(self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Months(months) => {
                let moment = DateTime::from_timestamp_nanos(at.nanos());
                moment_of(moment.checked_sub_months(Months::new(months))?)
            }
            Self::Exact(span) => at.nanos().checked_sub(span.nanos()).map(Timestamp::from_nanos),
        }
    }
}

fn moment_of(moment: DateTime<chrono::Utc>) -> Option<Timestamp> {
    moment.timestamp_nanos_opt().map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment_text;

    #[test]
    fn lengths_read_and_print() {
        for text in ["3y", "6mo", "90d", "2w", "36h"] {
            assert_eq!(text.parse::<Length>().unwrap().to_string(), text);
        }
        assert_eq!("24mo".parse::<Length>().unwrap(), Length::Months(24));
        for wrong in ["", "y", "0y", "-1y", "1.5y", "3 y", "0d", "five", "9999999999y"] {
            assert!(wrong.parse::<Length>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn years_follow_the_calendar() {
        let leap_day = Timestamp::from_millis(1_709_164_800_000).unwrap();
        assert_eq!(moment_text(leap_day), "2024-02-29T00:00:00Z");
        assert_eq!(Length::Months(12).after(leap_day, 1).map(moment_text).unwrap(), "2025-02-28T00:00:00Z");
        assert_eq!(Length::Months(12).after(leap_day, 4).map(moment_text).unwrap(), "2028-02-29T00:00:00Z");
        assert_eq!(Length::Months(1).before(leap_day).map(moment_text).unwrap(), "2024-01-29T00:00:00Z");
        assert_eq!(Length::Months(u32::MAX).after(leap_day, 2), None);
        assert_eq!(Length::Exact(Span::DAY).before(Timestamp::MIN), None);
    }
}
