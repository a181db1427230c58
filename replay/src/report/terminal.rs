//! The figures of a run as a table for the terminal.

use crate::statistics::Statistics;

/// The figures that matter most, aligned, each with its convention in brackets; warnings below.
#[must_use]
pub fn summary_table(statistics: &Statistics) -> String {
    String::from(statistics.period.start.as_deref().unwrap_or_default())
}
