//! Moments as venues write them.

use chrono::{DateTime, SecondsFormat};

/// A moment as `2026-04-07T14:30:01.456789Z`.
pub(crate) fn rfc3339(time_ns: i64) -> String {
    DateTime::from_timestamp_nanos(time_ns).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The moment that a text of that form names, also with other digits of a second.
pub(crate) fn from_rfc3339(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt()
}

/// A moment as `Tue, 11 Nov 25 00:17:04 +0000`.
pub(crate) fn rfc1123(time_ns: i64) -> String {
    DateTime::from_timestamp_nanos(time_ns).format("%a, %d %b %y %H:%M:%S +0000").to_string()
}
