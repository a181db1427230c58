//! The page log of a dataset that keeps one: the pages of all its series in the order they were written.
//!
//! Pages come behind a description of their series, and each commit is a description again: the last one of a series
//! says how far it was committed.

use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::disk;
use crate::journal_folder::{PAGE_LOG, damaged};
use crate::page_log::{Described, LogReader, Next, PageLog};
use crate::page_view::Chains;
use crate::series::SeriesEntry;

/// The file in which a log is begun.
const BEGUN: &str = "pages.log.new";

/// The page log of a dataset open for writing.
#[derive(Debug)]
pub(super) struct DatasetLog {
    log: PageLog,
    /// Name of the series that the next page would be taken for.
    current: String,
}

impl DatasetLog {
    /// Opens the log of the dataset in `dir`, behind its last sound entry; `None` when it keeps none.
    ///
    /// # Errors
    /// `Damaged` when entries behind an unsound one are sound: that is more than a torn end.
    pub(super) fn open(dir: &Path) -> Result<Option<Self>, JournalError> {
        let path = dir.join(PAGE_LOG);
        if !path.is_file() {
            return Ok(None);
        }
        let mut reader = LogReader::open(&path)?;
        loop {
            match reader.next_entry()? {
                Next::Entry(_) => {}
                Next::Nothing => break,
                Next::Unsound(reason) if reader.goes_on()? => {
                    return Err(damaged(
                        dir,
                        1,
                        &format!("the page log: {reason}; run verify, then rebuild"),
                    ));
                }
                Next::Unsound(_) => break,
            }
        }
        Ok(Some(Self { log: PageLog::reopen(&path, reader.place())?, current: String::new() }))
    }

    /// Begins a log with everything that is in the dataset already.
    pub(super) fn begin(dir: &Path, entries: &[SeriesEntry], chains: &Chains) -> Result<Self, JournalError> {
        let (begun, path) = (dir.join(BEGUN), dir.join(PAGE_LOG));
        disk::remove_if_there(&begun)?;
        let mut log = Self { log: PageLog::create_empty(&begun)?, current: String::new() };
        for entry in entries {
            let name = entry.info.name();
            let mut pages = chains.view(&name).pages_from(1);
            while let Some(page) = pages.next_page()? {
                page.opened.map_err(|fault| damaged(dir, 1, &fault))?;
                log.page(entry, &page.bytes)?;
            }
            log.commit(entry)?;
        }
        log.sync()?;
        std::fs::rename(&begun, &path).map_err(|error| disk::io_error("rename", &begun, error))?;
        disk::sync_directory(dir)?;
        Ok(log)
    }

    /// Adds a page of the series `entry`.
    pub(super) fn page(&mut self, entry: &SeriesEntry, page: &[u8]) -> Result<(), JournalError> {
        let name = entry.info.name();
        if self.current != name {
            self.log.describe(&Described::Series(Box::new(entry.clone())))?;
            self.current = name;
        }
        self.log.append_page(page)
    }

    /// Notes how far a series is committed, for good.
    pub(super) fn commit(&mut self, entry: &SeriesEntry) -> Result<(), JournalError> {
        self.log.describe(&Described::Series(Box::new(entry.clone())))?;
        self.current = entry.info.name();
        self.sync()
    }

    pub(super) fn sync(&mut self) -> Result<(), JournalError> {
        self.log.sync()
    }
}
