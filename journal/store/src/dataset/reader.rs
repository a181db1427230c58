//! Reading a dataset.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine_core::event::DatasetRef;

use super::directory;
use super::{DatasetError, Page, Pages, PrefetchedPages, SeriesEntry, SeriesInfo};
use crate::chain::{Hash, StreamDigest};
use crate::page::{self, PageHeader};
use crate::page_tree;
use crate::record::{BarRecord, QuoteRecord, Record, RecordKind, TradeRecord};
use crate::sled_store::{Purpose, SledStore, SledTree};

/// An open dataset. Clones share it; the store is closed with the last of them and of their series.
#[derive(Debug, Clone)]
pub struct DatasetReader {
    dir: Arc<Path>,
    store: SledStore,
    entries: Arc<[SeriesEntry]>,
}

impl DatasetReader {
    /// Opens the dataset in `dir` for reading. sled lets one process at a time have it.
    ///
    /// # Errors
    /// [`DatasetError::Journal`]: `Locked` while another process has it, `NotAJournal` when there is none,
    /// `Damaged` or `Store` when it cannot be trusted.
    pub fn open(dir: &Path) -> Result<Self, DatasetError> {
        let noted = directory::require_head(dir)?;
        let store = directory::open_store(dir, &noted, Purpose::Read)?;
        let entries = directory::entries(dir, &noted, &store)?;
        Ok(Self { dir: dir.into(), store, entries: entries.into() })
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every series as it is committed, in the order of their names.
    #[must_use]
    pub fn series_list(&self) -> &[SeriesEntry] {
        &self.entries
    }

    /// Whether no import into it was cut short.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.entries.iter().all(|entry| !entry.importing)
    }

    /// Opens the series called `name`, as in `binance:BTCUSDT:trades`.
    ///
    /// # Errors
    /// [`DatasetError::UnknownSeries`] with the names there are.
    pub fn series(&self, name: &str) -> Result<SeriesReader, DatasetError> {
        let Some(entry) = self.entries.iter().find(|entry| entry.info.name() == name) else {
            let names: Vec<_> = self.entries.iter().map(|entry| entry.info.name()).collect();
            let present = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            let path = self.dir.display().to_string();
            return Err(DatasetError::UnknownSeries { series: name.to_owned(), path, present });
        };
        let tree = self.store.tree(name)?;
        Ok(SeriesReader { dir: self.dir.to_path_buf(), tree, entry: Arc::new(entry.clone()) })
    }
}

/// One series, open for reading.
#[derive(Debug, Clone)]
pub struct SeriesReader {
    dir: PathBuf,
    tree: SledTree,
    entry: Arc<SeriesEntry>,
}

impl SeriesReader {
    /// The series as it is committed: description, head, first and last moment, sources.
    #[must_use]
    pub fn entry(&self) -> &SeriesEntry {
        &self.entry
    }

    /// What it is.
    #[must_use]
    pub fn info(&self) -> &SeriesInfo {
        &self.entry.info
    }

    /// Number of committed records.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.entry.head.count
    }

    /// The series as a manifest names it, from record `first` to record `last`.
    #[must_use]
    pub fn dataset_ref(&self, first: u64, last: u64) -> DatasetRef {
        self.entry.dataset_ref(first, last)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) const fn tree(&self) -> &SledTree {
        &self.tree
    }

    /// The checked pages from record `from` (1 is the first) to the committed head.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] when the store fails.
    pub fn pages(&self, from: u64) -> Result<Pages, DatasetError> {
        Pages::new(self.clone(), from)
    }

    /// The digest the series had when it held its first `count` records. Reads and checks them all, unless
    /// `count` is what it holds now.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] naming the first record that cannot be trusted.
    pub fn digest_at(&self, count: u64) -> Result<Hash, DatasetError> {
        if count == self.count() {
            return Ok(self.entry.head.digest);
        }
        match self.entry.info.kind {
            RecordKind::Trades => self.digest_of_first::<TradeRecord>(count),
            RecordKind::Quotes => self.digest_of_first::<QuoteRecord>(count),
            RecordKind::Bars => self.digest_of_first::<BarRecord>(count),
        }
    }

    fn digest_of_first<R: Record>(&self, count: u64) -> Result<Hash, DatasetError> {
        let mut digest = StreamDigest::new(self.entry.info.digest_start());
        let (mut records, mut flat) = (Vec::<R>::new(), Vec::new());
        for page in self.pages(1)? {
            let page = page?;
            let first_seq = page.first_seq();
            if first_seq > count {
                break;
            }
            page.copy_to(&mut records);
            records.truncate(usize::try_from(count.saturating_sub(first_seq - 1)).unwrap_or(usize::MAX));
            R::flatten(&records, &mut flat);
            digest.push_flat(&flat, R::BYTES);
        }
        Ok(digest.value())
    }

    /// Like [`SeriesReader::pages`], read and checked up to `ahead` pages ahead on a second thread.
    ///
    /// # Errors
    /// As [`SeriesReader::pages`], and when no thread can be started.
    pub fn prefetched_pages(&self, from: u64, ahead: usize) -> Result<PrefetchedPages, DatasetError> {
        PrefetchedPages::new(self.pages(from)?, ahead)
    }

    /// Number of the first record at or after the moment `at` (nanoseconds since the epoch); one more than
    /// [`SeriesReader::count`] when all are earlier. Reads about log₂ of the number of pages.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] when a page on the way is damaged.
    pub fn seq_at(&self, at: i64) -> Result<u64, DatasetError> {
        let earlier = |header: &PageHeader| header.first_at < at;
        let place = page_tree::last_place(&self.tree, self.entry.pages, earlier)?;
        let header = page_tree::page_at(&self.tree, place)?.and_then(|page| page::header(&page).ok());
        let Some(header) = header.filter(|_| self.count() > 0) else { return Ok(1) };
        let Some(page) = self.pages(header.first_seq)?.next_page()? else { return Ok(1) };
        let index = match self.entry.info.kind {
            RecordKind::Trades => earlier_in::<TradeRecord>(&page, at),
            RecordKind::Quotes => earlier_in::<QuoteRecord>(&page, at),
            RecordKind::Bars => earlier_in::<BarRecord>(&page, at),
        };
        Ok(page.first_seq().saturating_add(index as u64))
    }
}

/// Number of records in a page that are earlier than `at`.
fn earlier_in<R: Record>(page: &Page, at: i64) -> usize {
    page.records::<R>().unwrap_or_default().partition_point(|record| record.at() < at)
}
