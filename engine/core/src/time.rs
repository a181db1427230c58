//! Time as integers: nanoseconds since the Unix epoch, UTC.
//!
//! The core never asks a clock; every moment arrives with an input.

use core::fmt;
use core::str::FromStr;

/// A moment, in nanoseconds since 1970-01-01T00:00:00Z.
#[derive(
    serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest moment that can be written.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest moment that can be written.
    pub const MAX: Self = Self(i64::MAX);

    /// The moment `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The moment `millis` milliseconds after the epoch, or `None` where nanoseconds would overflow.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Option<Self> {
        match millis.checked_mul(1_000_000) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The moment `span` later, held at [`Timestamp::MAX`] or [`Timestamp::MIN`] when out of range.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span from `earlier` to `self`, negative when `earlier` is later; saturates.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The latest multiple of `span` at or before this moment.
    ///
    /// # Panics
    /// When `span` is not positive.
    #[must_use]
    pub fn floor(self, span: Span) -> Self {
        assert!(span.0 > 0, "a moment is floored to a positive span");
        Self(self.0.saturating_sub(self.0.rem_euclid(span.0)))
    }
}

/// A length of time in nanoseconds; may be negative as a difference.
#[derive(
    serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One millisecond.
    pub const MILLISECOND: Self = Self(1_000_000);
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);
    /// One minute.
    pub const MINUTE: Self = Self(60 * 1_000_000_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600 * 1_000_000_000);
    /// One day of 24 hours.
    pub const DAY: Self = Self(86_400 * 1_000_000_000);

    /// A span of `nanos` nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Its length in nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whether the span is longer than nothing.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
}

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {text:?} as a span: write a whole number and one of ns, us, ms, s, m, h, d, w, as in 1h")]
pub struct SpanParseError {
    /// The text as given.
    pub text: String,
}

const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", Span::SECOND.0),
    ("m", Span::MINUTE.0),
    ("h", Span::HOUR.0),
    ("d", Span::DAY.0),
    ("w", 7 * Span::DAY.0),
];

impl FromStr for Span {
    type Err = SpanParseError;

    fn from_str(text: &str) -> Result<Self, SpanParseError> {
        let refused = || SpanParseError { text: text.to_owned() };
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
        let (number, unit) = text.split_at(digits);
        let number: i64 = number.parse().map_err(|_| refused())?;
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refused)?;
        number.checked_mul(*size).map(Span).ok_or_else(refused)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = UNITS.iter().rev().find(|(_, size)| self.0 != 0 && self.0 % size == 0);
        let (unit, size) = fits.copied().unwrap_or(("ns", 1));
        write!(out, "{}{unit}", self.0 / size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_reads_back_what_it_prints() {
        for text in ["1ns", "250us", "7ms", "30s", "5m", "1h", "1d", "2w"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        for wrong in ["", "1", "h", "1 h", "-1h", "1.5h", "9223372036854775807w"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn floor_holds_before_the_epoch_too() {
        let hour = Span::HOUR;
        assert_eq!(Timestamp::from_nanos(hour.nanos() + 5).floor(hour).nanos(), hour.nanos());
        assert_eq!(Timestamp::from_nanos(-1).floor(hour).nanos(), -hour.nanos());
    }
}
