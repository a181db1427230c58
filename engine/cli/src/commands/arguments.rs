//! Values that several commands read from the command line.

use engine_application::moment::parse_moment;
use engine_core::time::Timestamp;

/// A moment, as in `2024-01-31` or `2024-01-31T12:00:00Z`.
///
/// # Errors
/// The forms that are read, in words.
pub(in crate::commands) fn moment(text: &str) -> Result<Timestamp, String> {
    parse_moment(text).ok_or_else(|| "a day or moment, as in 2024-01-31 or 2024-01-31T12:00:00Z".to_owned())
}

/// A number of draws that gives quantiles and ends.
///
/// # Errors
/// The allowed range, in words.
pub(in crate::commands) fn draws(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (100..=1_000_000).contains(number));
    number.ok_or_else(|| "a whole number from 100 to 1000000".to_owned())
}
