//! Adding series to a dataset.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use engine_runtime::ports::JournalError;

use super::log::DatasetLog;
use super::series_writer::SeriesWriter;
use super::shared::{Heads, Shared};
use super::{DatasetError, PageOptions, directory};
use crate::chain::Hash;
use crate::creation;
use crate::heads::DatasetHead;
use crate::journal_folder::HEAD_FILE;
use crate::opening;
use crate::page_view::Chains;
use crate::record::Record;
use crate::series::{SeriesEntry, SeriesInfo};
use crate::side_file;
use crate::sled_store::Layout;
use crate::writer_lock::WriterLock;

/// Adds series and records to a dataset.
#[derive(Debug)]
pub struct DatasetWriter {
    shared: Arc<Shared>,
}

impl DatasetWriter {
    /// Opens the dataset in `dir`, made when there is none.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] when the directory holds something else, is in use or damaged.
    pub fn open(dir: &Path, options: PageOptions) -> Result<Self, DatasetError> {
        Self::opened(dir, options, false)
    }

    /// Like [`DatasetWriter::open`], for a dataset that also keeps a page log, from which it can be restored. One
    /// that has a log keeps it however it is opened; a log that is gone is begun anew.
    ///
    /// # Errors
    /// As [`DatasetWriter::open`].
    pub fn with_page_log(dir: &Path, options: PageOptions) -> Result<Self, DatasetError> {
        Self::opened(dir, options, true)
    }

    fn opened(dir: &Path, options: PageOptions, page_log: bool) -> Result<Self, DatasetError> {
        let options = PageOptions { page_bytes: options.page_bytes.clamp(1024, 64 * 1024) };
        if creation::is_free(dir)? {
            let begun = begin(dir)?;
            return Self::on(dir, options, DatasetHead::new(Vec::new()), page_log, begun);
        }
        if !dir.join(HEAD_FILE).exists() {
            let reason = "the directory holds other files; choose an empty or new one".into();
            return Err(JournalError::NotAJournal { path: dir.display().to_string(), reason }.into());
        }
        let noted = directory::require_head(dir)?;
        let lock = WriterLock::take(dir)?;
        Self::on(dir, options, noted, page_log, lock)
    }

    fn on(
        dir: &Path,
        options: PageOptions,
        mut noted: DatasetHead,
        page_log: bool,
        lock: WriterLock,
    ) -> Result<Self, DatasetError> {
        let chains = directory::open_chains(dir, &noted)?;
        directory::require_whole(dir, &noted, &chains)?;
        let keeps_log = page_log || noted.page_log;
        let log = log_of(dir, &mut noted, keeps_log, &chains)?;
        let store = opening::open_for_writing(dir, Layout::DATASET, chains, lock)?;
        let log = Mutex::new(log);
        let DatasetHead { series, unfinished, .. } = noted;
        let heads = Mutex::new(Heads { entries: series, unfinished, busy: BTreeSet::new() });
        let shared = Shared { dir: dir.to_path_buf(), options, store, heads, log };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Closes the dataset, of which every series was finished: its store as it is now is noted, so that the next
    /// opening need not search it.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] when the disk refuses; what was committed stays.
    pub fn close(self) -> Result<(), DatasetError> {
        let dir = self.shared.dir.display().to_string();
        let in_use = || JournalError::Store { path: dir, reason: "a series of it is being written".into() };
        let shared = Arc::into_inner(self.shared).ok_or_else(in_use)?;
        Ok(shared.store.close()?)
    }

    /// Opens one series for adding; what an import that did not end left behind its committed head is cut off.
    ///
    /// # Errors
    /// [`DatasetError::DifferentSeries`] when it is there with another description, [`DatasetError::Busy`] when
    /// it is open already, [`DatasetError::WrongKind`] when `R` is not what `info` says.
    pub fn series<R: Record>(&self, info: SeriesInfo) -> Result<SeriesWriter<R>, DatasetError> {
        let name = info.name();
        if info.kind != R::KIND {
            return Err(DatasetError::WrongKind { series: name, asked: R::KIND, stored: info.kind });
        }
        let entry = self.shared.claim(info)?;
        SeriesWriter::open(Arc::clone(&self.shared), entry)
    }

    /// Every series as it is committed, in the order of their names.
    #[must_use]
    pub fn series_list(&self) -> Vec<SeriesEntry> {
        self.shared.heads().entries.clone()
    }

    /// Whether a source with this content was committed to the series called `series`.
    #[must_use]
    pub fn has_source(&self, series: &str, blake3: &Hash) -> bool {
        let heads = self.shared.heads();
        let entry = heads.entries.iter().find(|entry| entry.info.name() == series);
        entry.is_some_and(|entry| entry.sources.iter().any(|source| source.note.blake3 == *blake3))
    }
}

/// The page log of the dataset in `dir`, begun where it is to keep one and has none. Its head says from then on that it keeps
/// one, so that `verify` misses it.
fn log_of(
    dir: &Path,
    noted: &mut DatasetHead,
    keeps_log: bool,
    chains: &Chains,
) -> Result<Option<DatasetLog>, JournalError> {
    let head = dir.join(HEAD_FILE);
    let mut log = DatasetLog::open(dir)?;
    if log.is_none() && keeps_log {
        if !core::mem::take(&mut noted.unfinished).is_empty() {
            // What an interrupted import had sealed is in no log that is begun now: it begins anew.
            side_file::write(&head, noted)?;
        }
        log = Some(DatasetLog::begin(dir, &noted.series, chains)?);
    }
    if log.is_some() && !noted.page_log {
        noted.page_log = true;
        side_file::write(&head, noted)?;
    }
    Ok(log)
}

/// Makes a new directory, or an empty one, that of a dataset without series.
fn begin(dir: &Path) -> Result<WriterLock, JournalError> {
    creation::create(dir, |staged| side_file::write(&staged.join(HEAD_FILE), &DatasetHead::new(Vec::new())))
}

#[cfg(test)]
mod interrupted_tests;
#[cfg(test)]
mod tests;
