//! Files of pages: the log of a restored journal, and the export of any.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::{Plan, free_name};
use crate::dataset::{self, DatasetReader};
use crate::disk;
use crate::heads;
use crate::journal_folder::{PAGE_LOG, damaged};
use crate::page_log::{Described, Entry, LogReader, Next, PageLog};
use crate::page_view::PageFiles;
use crate::run::RunReader;

/// The file in which a log is written anew.
const FRESH_LOG: &str = "pages.log.new";

/// Writes the page log of the journal in `dir` anew where it does not hold what the restored journal does; the old
/// one is kept beside it.
pub(super) fn renew(dir: &Path, files: &PageFiles, plan: &Plan) -> Result<(), JournalError> {
    let path = dir.join(PAGE_LOG);
    if !path.is_file() || holds(&path, plan)? {
        return Ok(());
    }
    let fresh = dir.join(FRESH_LOG);
    disk::remove_if_there(&fresh)?;
    let described = |name: &str| match &plan.run {
        Some(_) => Described::Run,
        None => {
            let entry = plan.series.iter().find(|entry| entry.info.name() == name);
            entry.map_or(Described::Run, |entry| Described::Series(Box::new(entry.clone())))
        }
    };
    let mut log: Option<PageLog> = None;
    for (name, places) in &plan.places {
        let log = match &mut log {
            Some(log) => {
                log.describe(&described(name))?;
                log
            }
            None => log.insert(PageLog::create(&fresh, &described(name))?),
        };
        for place in places {
            log.append_page(&files.page_at(place)?.bytes)?;
        }
        if plan.run.as_ref().is_some_and(|run| run.complete) {
            let head = plan.heads.iter().find(|(of, _)| of == name || plan.run.is_some());
            head.map_or(Ok(()), |(_, head)| log.end(head))?;
        }
    }
    let Some(mut log) = log else { return Ok(()) };
    log.sync()?;
    let moved = |from: &Path, to: &Path| {
        disk::rename(from, to).map_err(|error| disk::io_error("rename", from, error))
    };
    moved(&path, &free_name(dir, PAGE_LOG))?;
    moved(&fresh, &path)?;
    disk::sync_directory(dir)
}

/// Whether a log can be read from end to end and reaches what was restored.
fn holds(path: &Path, plan: &Plan) -> Result<bool, JournalError> {
    let mut log = LogReader::open(path)?;
    let (mut ended, mut pages) = (false, 0);
    loop {
        match log.next_entry()? {
            Next::Entry(Entry::Page(_)) => pages += 1,
            Next::Entry(Entry::End(_)) => ended = true,
            Next::Entry(Entry::Description(_)) => {}
            Next::Unsound(_) => return Ok(false),
            Next::Nothing => break,
        }
    }
    let wanted: usize = plan.places.values().map(Vec::len).sum();
    let ends = plan.run.as_ref().is_none_or(|run| run.complete == ended);
    Ok(pages >= wanted && ends && plan.lost.is_empty())
}

/// Writes every page of the journal in `dir` to the new file `out`, from which it can be restored.
///
/// # Errors
/// [`JournalError::Exists`] when the file is there, `Dropped` for a run whose first pages are not; otherwise what opening and reading the journal says.
pub fn export_pages(dir: &Path, out: &Path) -> Result<(), JournalError> {
    if out.exists() {
        return Err(JournalError::Exists { path: out.display().to_string() });
    }
    if heads::read_run_head(dir)?.sound().is_some() { export_run(dir, out) } else { export_dataset(dir, out) }
}

fn export_run(dir: &Path, out: &Path) -> Result<(), JournalError> {
    let run = RunReader::open(dir)?;
    if let Some(dropped) = run.dropped() {
        // Nothing could be restored from pages that begin in the middle.
        return Err(dropped.error(dir, 1));
    }
    let mut log = PageLog::create(out, &Described::Run)?;
    let mut pages = run.chain().pages_from(1);
    while let Some(page) = pages.next_page()? {
        page.opened.map_err(|fault| damaged(dir, 1, &format!("{fault}; run verify")))?;
        log.append_page(&page.bytes)?;
    }
    if run.is_closed() {
        log.end(&run.chain_head())?;
    }
    log.sync()
}
fn export_dataset(dir: &Path, out: &Path) -> Result<(), JournalError> {
    let plain = |error: dataset::DatasetError| match error {
        dataset::DatasetError::Journal(error) => error,
        dataset::DatasetError::OutOfOrder { .. }
        | dataset::DatasetError::EndsBeforeStart { .. }
        | dataset::DatasetError::DifferentSeries { .. }
        | dataset::DatasetError::OtherThanSealed { .. }
        | dataset::DatasetError::Busy { .. }
        | dataset::DatasetError::UnknownSeries { .. }
        | dataset::DatasetError::WrongKind { .. } => {
            JournalError::Store { path: dir.display().to_string(), reason: error.to_string() }
        }
    };
    let reader = DatasetReader::open(dir).map_err(plain)?;
    let mut log: Option<PageLog> = None;
    for entry in reader.series_list() {
        let described = Described::Series(Box::new(entry.clone()));
        let log = match &mut log {
            Some(log) => {
                log.describe(&described)?;
                log
            }
            None => log.insert(PageLog::create(out, &described)?),
        };
        let series = reader.series(&entry.info.name()).map_err(plain)?;
        for page in series.pages(1).map_err(plain)? {
            log.append_page(page.map_err(plain)?.stored())?;
        }
        log.end(&entry.head)?;
    }
    let empty = || JournalError::NotAJournal {
        path: dir.display().to_string(),
        reason: "there is nothing in it to export".into(),
    };
    log.ok_or_else(empty)?.sync()
}
