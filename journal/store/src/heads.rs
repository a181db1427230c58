//! What kind of journal a folder is, how far it was committed, and how far its closing has come.

use std::collections::BTreeMap;
use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::chain::{ChainHead, RUN_START};
use crate::event_order::SessionEnd;
use crate::journal_folder::{CHECKPOINT, PAGES_TREE};
use crate::marker;
use crate::page_pool::Wanted;
use crate::series::SeriesEntry;
use crate::upcast;

mod dataset;
mod run;

pub(crate) use dataset::{DatasetHead, Unfinished, parse_dataset_head, read_dataset_head};
pub(crate) use run::{RunHead, read_run_head};

/// How far a journal has come. Each is sound, can be read and can be gone on from.
#[derive(serde::Serialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum JournalState {
    /// Something was being recorded or imported when its writer went away, or a writer has it still.
    Open,
    /// Everything is recorded; its closing was cut short.
    Closing,
    /// Ended by its operator before its data ended, and closed; signed where there is a checkpoint.
    Interrupted,
    /// Closed as planned.
    Closed,
    /// Closed as planned, and its head is signed.
    Signed,
}

impl JournalState {
    /// Its name, as every command says it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Interrupted => "interrupted",
            Self::Closed => "closed",
            Self::Signed => "signed",
        }
    }

    /// Whether it was closed as planned.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Closed | Self::Signed)
    }

    /// What it means for whoever reads the journal; nothing when it was closed as planned.
    #[must_use]
    pub const fn caution(self) -> Option<&'static str> {
        match self {
            Self::Open => Some("incomplete (open): it was not closed as planned"),
            Self::Closing => Some("incomplete (closing): everything is recorded, its closing was cut short"),
            Self::Interrupted => {
                Some("incomplete (interrupted): its operator ended it before its data ended")
            }
            Self::Closed | Self::Signed => None,
        }
    }

    /// How far the run in `dir` has come.
    pub(crate) fn of_run(dir: &Path, noted: Option<&RunHead>, end: SessionEnd) -> Self {
        // A mark can be made anew over a tail that was cut off: only the end of the session closes a run.
        match noted.filter(|noted| noted.complete) {
            _ if !end.is_over() => Self::Open,
            Some(_) if end == SessionEnd::Interrupted => Self::Interrupted,
            Some(_) if dir.join(CHECKPOINT).is_file() => Self::Signed,
            Some(_) => Self::Closed,
            None => Self::Closing,
        }
    }

    /// How far the dataset in `dir` has come.
    pub(crate) fn of_dataset(dir: &Path, entries: &[SeriesEntry]) -> Self {
        if entries.is_empty() || entries.iter().any(|entry| entry.importing) {
            return Self::Open;
        }
        if marker::is_there(dir) { Self::Closed } else { Self::Closing }
    }
}

/// What `head.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heads {
    /// Of a dataset.
    Dataset(DatasetHead),
    /// Of a run.
    Run(RunHead),
}

impl Heads {
    /// Reads `head.json` of the journal in `dir`; `None` when it is missing or not what was written.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, JournalError> {
        if let Some(head) = read_run_head(dir)?.sound() {
            return Ok(Some(Self::Run(head)));
        }
        Ok(read_dataset_head(dir)?.sound().map(Self::Dataset))
    }

    /// The chains of the journal, each by its name.
    pub(crate) fn wanted(&self) -> BTreeMap<String, Wanted> {
        match self {
            Self::Dataset(head) => {
                head.series.iter().map(|entry| (entry.info.name(), wanted_series(entry))).collect()
            }
            Self::Run(head) => [(PAGES_TREE.to_owned(), wanted_run(Some(head)))].into(),
        }
    }
}

/// The chain of a series up to its committed head.
pub(crate) fn wanted_series(entry: &SeriesEntry) -> Wanted {
    let (schema, start) = (upcast::schema_of(entry.info.kind), entry.info.digest_start());
    Wanted { schema, start, behind: ChainHead::default(), head: Some(entry.head) }
}

/// The chain of a run: up to its head when it was closed as planned, as far as it goes otherwise; from its beginning, or
/// behind the segments that whoever looks for it knows.
pub(crate) fn wanted_run(noted: Option<&RunHead>) -> Wanted {
    let head = noted.filter(|noted| noted.complete).map(|noted| noted.head);
    Wanted { schema: upcast::ENVELOPES, start: RUN_START, behind: ChainHead::start_of_run(), head }
}
