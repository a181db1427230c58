//! A dataset: a journal of market records, one *series* for each venue, symbol and kind.
//!
//! ```text
//! DIR/head.json    committed head of every series, its description and its sources
//! DIR/store/       sled: a tree of pages for each series
//! DIR/pages.log    the same pages in one append-only file, where the dataset keeps one
//! DIR/pages.index  where the pages of the closed store lie
//! DIR/closed.json  what the store looked like when it was closed
//! ```
//!
//! Records become part of a series when they are *committed*, source by source. Pages behind the committed head
//! are what an import left that was cut: readers do not see them. Those of an import that was interrupted and could still
//! say how far it came are gone on from when it is repeated; the next writer cuts all others off.

use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::record::RecordKind;

mod directory;
mod log;
mod pages;
mod reader;
mod resume;
mod sealed;
mod series_writer;
mod shared;
mod writer;

pub use pages::{Page, Pages, PrefetchedPages};
pub use reader::{DatasetReader, SeriesReader, unfinished_imports};
pub use series_writer::SeriesWriter;
pub use writer::DatasetWriter;

pub(crate) use pages::locate;

/// How a dataset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOptions {
    /// Largest size of a stored page in bytes, from 1 KiB to 64 KiB. The digest does not depend on it.
    pub page_bytes: usize,
}

impl Default for PageOptions {
    fn default() -> Self {
        Self { page_bytes: 48 * 1024 }
    }
}

/// Why a dataset cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The journal underneath failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record is older than the one before it. Sort the source, or import into another dataset.
    #[error("add to {series}: record at {at} ns is older than the last one at {last_at} ns")]
    OutOfOrder {
        /// Name of the series.
        series: String,
        /// Moment of the record, nanoseconds since the epoch.
        at: i64,
        /// Moment of the last record in the series.
        last_at: i64,
    },
    /// A bar's own length is below zero. Repair the source.
    #[error("add to {series}: the bar at {at} ns ends before it begins")]
    EndsBeforeStart {
        /// Name of the series.
        series: String,
        /// When the bar begins, nanoseconds since the epoch.
        at: i64,
    },
    /// The series is there with another description. Import into another dataset.
    #[error("add to {series}: its {property} is {stored}, not {given}; use another dataset")]
    DifferentSeries {
        /// Name of the series.
        series: String,
        /// What differs.
        property: &'static str,
        /// As stored.
        stored: String,
        /// As asked.
        given: String,
    },
    /// The records are not those that an interrupted import into the series had sealed. What it had sealed is gone once
    /// the writer is dropped.
    #[error(
        "go on with the import into {series}: it had read another record where this one is at {at} ns; begin it again"
    )]
    OtherThanSealed {
        /// Name of the series.
        series: String,
        /// Moment of the record, nanoseconds since the epoch.
        at: i64,
    },
    /// Another writer in this process has the series.
    #[error("add to {series}: it is being written already")]
    Busy {
        /// Name of the series.
        series: String,
    },
    /// There is no such series. The message lists those there are.
    #[error("open series {series:?} in {path}: it holds {present}")]
    UnknownSeries {
        /// As asked.
        series: String,
        /// The dataset.
        path: String,
        /// The names of all series, or `nothing`.
        present: String,
    },
    /// The series holds records of another kind.
    #[error("read {series} as {asked}: it holds {stored}")]
    WrongKind {
        /// Name of the series.
        series: String,
        /// As asked.
        asked: RecordKind,
        /// As stored.
        stored: RecordKind,
    },
}

/// A damaged place in a series, in the journal's words.
fn damaged(dir: &Path, series: &str, seq: u64, reason: &dyn core::fmt::Display) -> JournalError {
    JournalError::Damaged {
        path: format!("{} series {series}", dir.display()),
        seq,
        reason: reason.to_string(),
    }
}
