//! What the writers of a dataset's series have in common: its store, its log and its committed heads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use engine_runtime::ports::JournalError;

use super::log::DatasetLog;
use super::{DatasetError, PageOptions};
use crate::heads::{DatasetHead, Unfinished};
use crate::journal_folder::HEAD_FILE;
use crate::series::{SeriesEntry, SeriesInfo};
use crate::side_file;
use crate::sled_store::SledStore;
use crate::upcast::COLUMN_RECORDS_MAX;

/// What all writers of a dataset share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) options: PageOptions,
    pub(super) store: SledStore,
    pub(super) heads: Mutex<Heads>,
    pub(super) log: Mutex<Option<DatasetLog>>,
}

/// The series as they are committed, and the names of those being written.
#[derive(Debug, Default)]
pub(super) struct Heads {
    pub(super) entries: Vec<SeriesEntry>,
    pub(super) unfinished: BTreeMap<String, Unfinished>,
    pub(super) busy: BTreeSet<String>,
}

impl Shared {
    pub(super) fn heads(&self) -> std::sync::MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// About how many records a page takes when `count` of them took `bytes`; a little less, as the next ones
    /// may be wider.
    pub(super) fn rows_for(&self, count: usize, bytes: usize) -> usize {
        let room = self.options.page_bytes.saturating_mul(31) / 32;
        (count.saturating_mul(room) / bytes.max(1)).clamp(1, COLUMN_RECORDS_MAX)
    }

    pub(super) fn claim(&self, info: SeriesInfo) -> Result<SeriesEntry, DatasetError> {
        let name = info.name();
        let mut heads = self.heads();
        let found = heads.entries.iter().find(|entry| entry.info.name() == name).cloned();
        // Of a series without a record there is nothing that another description could contradict.
        let found = found.filter(|entry| entry.head.count > 0 || entry.info == info);
        let entry = found.unwrap_or_else(|| SeriesEntry::new(info.clone()));
        if let Some((property, stored, given)) = entry.info.difference(&info) {
            return Err(DatasetError::DifferentSeries { series: name, property, stored, given });
        }
        if !heads.busy.insert(name.clone()) {
            return Err(DatasetError::Busy { series: name });
        }
        Ok(entry)
    }

    /// Hands the page log over, if there is one.
    pub(super) fn logged(
        &self,
        work: impl FnOnce(&mut DatasetLog) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map_or(Ok(()), work)
    }

    /// Brings everything added so far to the drive, to the log first.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.logged(|log| log.sync())?;
        self.store.sync()
    }

    /// Marks the series of `entry` as being imported. The note of an interrupted import stays when it is `taken_up`.
    pub(super) fn begin(&self, entry: &SeriesEntry, taken_up: bool) -> Result<(), DatasetError> {
        self.note(entry, taken_up)
    }

    /// Makes `entry` the state of its series, committed to or at the end of an import. Its pages have been synced. How far
    /// an interrupted import had come says nothing any more.
    pub(super) fn commit(&self, entry: &SeriesEntry) -> Result<(), DatasetError> {
        self.note(entry, false)
    }

    fn note(&self, entry: &SeriesEntry, keeps_unfinished: bool) -> Result<(), DatasetError> {
        self.logged(|log| log.commit(entry))?;
        self.write_heads(|heads| {
            put(heads, entry);
            if !keeps_unfinished {
                heads.unfinished.remove(&entry.info.name());
            }
        })
    }

    /// Notes how far an interrupted import into the series `name` came. Its pages have been synced.
    pub(super) fn leave(&self, name: &str, unfinished: Unfinished) -> Result<(), DatasetError> {
        self.write_heads(|heads| {
            heads.unfinished.insert(name.to_owned(), unfinished);
        })
    }

    /// How far an interrupted import into the series of `entry` came behind its committed head, described as it is.
    pub(super) fn unfinished(&self, entry: &SeriesEntry) -> Option<Unfinished> {
        let left = self.heads().unfinished.get(&entry.info.name()).copied();
        left.filter(|left| left.pages > entry.pages && left.start == entry.info.digest_start())
    }

    /// Takes a series that never got a record out again, as if nothing had been tried.
    pub(super) fn forget(&self, name: &str) -> Result<(), DatasetError> {
        self.write_heads(|heads| {
            heads.series.retain(|known| known.info.name() != name);
            heads.unfinished.remove(name);
        })
    }

    /// Writes the heads down as `change` makes them.
    fn write_heads(&self, change: impl FnOnce(&mut DatasetHead)) -> Result<(), DatasetError> {
        let page_log = self.log.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let mut heads = self.heads();
        let unfinished = heads.unfinished.clone();
        let mut head = DatasetHead { unfinished, page_log, ..DatasetHead::new(heads.entries.clone()) };
        change(&mut head);
        side_file::write(&self.dir.join(HEAD_FILE), &head)?;
        (heads.entries, heads.unfinished) = (head.series, head.unfinished);
        Ok(())
    }
}

fn put(head: &mut DatasetHead, entry: &SeriesEntry) {
    head.series.retain(|known| known.info.name() != entry.info.name());
    head.series.push(entry.clone());
    head.series.sort_by_key(|known| known.info.name());
}

/// Gives a claimed series back unless it is forgotten.
pub(super) struct Released<'a> {
    pub(super) shared: &'a Shared,
    pub(super) name: &'a str,
}

impl Drop for Released<'_> {
    fn drop(&mut self) {
        self.shared.heads().busy.remove(self.name);
    }
}
