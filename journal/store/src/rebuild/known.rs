//! What a journal that is to be restored is known to have held.

use std::collections::BTreeMap;
use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::heads::{self, RunHead};
use crate::journal_folder::HEAD_FILE;
use crate::page_index::{self, FoundIndex};
use crate::page_log::{Described, Entry, LogReader, Next};
use crate::series::SeriesEntry;

/// The heads of a journal, from whatever names them.
#[derive(Debug)]
pub(super) enum Known {
    /// A run; with its head where one is known.
    Run(Option<RunHead>),
    /// The series of a dataset by name, each with every description of it, the most trusted first.
    Dataset(BTreeMap<String, Vec<SeriesEntry>>),
}

impl Known {
    /// Reads `head.json` of the journal in `dir`, its copy in the index, and the file of pages at `log`, which must be
    /// one when it is `required`.
    pub(super) fn read(dir: &Path, log: &Path, required: bool) -> Result<Self, JournalError> {
        let logged = if log.is_file() || required { described(log, required)? } else { Vec::new() };
        if let Some(head) = heads::read_run_head(dir)?.sound() {
            return Ok(Self::Run(Some(with_end(head, &logged))));
        }
        let noted = heads::read_dataset_head(dir)?.sound();
        let kept = match page_index::read(dir)? {
            FoundIndex::Sound(index) => heads::parse_dataset_head(dir, &index.head)?.sound(),
            FoundIndex::Nothing | FoundIndex::Damaged => None,
        };
        let mut series: BTreeMap<String, Vec<SeriesEntry>> = BTreeMap::new();
        let described = logged.iter().rev().filter_map(|logged| match logged {
            Logged::Series(entry) => Some(entry.clone()),
            Logged::Run | Logged::End(_) => None,
        });
        let is_dataset = noted.is_some() || kept.is_some();
        let heads = noted.into_iter().chain(kept).flat_map(|head| head.series);
        for entry in heads.chain(described) {
            series.entry(entry.info.name()).or_default().push(entry);
        }
        if is_dataset || !series.is_empty() {
            return Ok(Self::Dataset(series));
        }
        if logged.iter().any(|logged| matches!(logged, Logged::Run)) || names_run(dir) {
            let end = logged.iter().find_map(|logged| match logged {
                Logged::End(head) => Some(*head),
                Logged::Run | Logged::Series(_) => None,
            });
            return Ok(Self::Run(end.map(|end| RunHead::new(end, 0, true, true))));
        }
        let reason = format!(
            "{HEAD_FILE} is damaged and nothing else says what it held; give an exported file of pages"
        );
        Err(JournalError::NotAJournal { path: dir.display().to_string(), reason })
    }
}

/// A run that was cut short has its end in the log when it came so far.
fn with_end(head: RunHead, logged: &[Logged]) -> RunHead {
    let end = logged.iter().find_map(|logged| match logged {
        Logged::End(end) => Some(*end),
        Logged::Run | Logged::Series(_) => None,
    });
    match end {
        Some(end) if !head.complete => RunHead { head: end, complete: true, ..head },
        _ => head,
    }
}

/// A damaged `head.json` still shows which kind of journal it belongs to, and so do snapshots.
fn names_run(dir: &Path) -> bool {
    let text = std::fs::read(dir.join(HEAD_FILE)).unwrap_or_default();
    let names_series = String::from_utf8_lossy(&text).contains("series");
    !names_series && dir.join(crate::journal_folder::STORE).is_dir()
}

/// What an entry of a file of pages says besides the pages.
#[derive(Debug)]
enum Logged {
    Run,
    Series(SeriesEntry),
    End(crate::chain::ChainHead),
}

fn described(path: &Path, required: bool) -> Result<Vec<Logged>, JournalError> {
    let mut log = LogReader::open(path)?;
    let mut found = Vec::new();
    loop {
        match log.next_entry()? {
            Next::Entry(Entry::Description(Described::Run)) => found.push(Logged::Run),
            Next::Entry(Entry::Description(Described::Series(entry))) => found.push(Logged::Series(*entry)),
            Next::Entry(Entry::End(head)) => found.push(Logged::End(head)),
            Next::Entry(Entry::Page(_)) => {}
            Next::Nothing | Next::Unsound(_) => break,
        }
    }
    if required && found.is_empty() {
        let reason = "it does not begin as a file of pages".to_owned();
        return Err(JournalError::NotAJournal { path: path.display().to_string(), reason });
    }
    Ok(found)
}
