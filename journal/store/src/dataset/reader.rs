//! Reading a dataset.

use std::path::Path;
use std::sync::Arc;

use engine_core::event::DatasetRef;

use super::pages::StoredSeries;
use super::{DatasetError, Page, Pages, PrefetchedPages, directory};
use crate::chain::{Hash, StreamDigest};
use crate::heads::{self, JournalState};
use crate::page::PageHeader;
use crate::page_view::Chains;
use crate::record::{BarRecord, FlatRows, QuoteRecord, Record, RecordKind, TradeRecord};
use crate::series::{SeriesEntry, SeriesInfo};
use crate::side_file::Found;

/// An open dataset. Clones share it; with the last of them and of their series a writer may have it.
#[derive(Debug, Clone)]
pub struct DatasetReader {
    dir: Arc<Path>,
    chains: Arc<Chains>,
    entries: Arc<[SeriesEntry]>,
    state: JournalState,
}

impl DatasetReader {
    /// Opens the dataset in `dir` for reading, which changes nothing in it. Many may read it at a time.
    ///
    /// # Errors
    /// [`DatasetError::Journal`]: `Locked` while a writer has it, `NotAJournal` when there is none. Damage is met
    /// where it is read.
    pub fn open(dir: &Path) -> Result<Self, DatasetError> {
        let noted = directory::require_head(dir)?;
        let chains = Arc::new(directory::open_chains(dir, &noted)?);
        let state = JournalState::of_dataset(dir, &noted.series);
        Ok(Self { dir: dir.into(), chains, entries: noted.series.into(), state })
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

    /// How far it has come.
    #[must_use]
    pub const fn state(&self) -> JournalState {
        self.state
    }

    /// Whether no import into it was cut short.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.entries.iter().all(|entry| !entry.importing)
    }

    /// Pages read and checked so far, by all clones and their series.
    #[must_use]
    pub fn pages_read(&self) -> u64 {
        self.chains.files.pages_read()
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
        let chain = self.chains.view(name);
        let entry = Arc::new(entry.clone());
        Ok(SeriesReader { stored: StoredSeries { dir: self.dir.to_path_buf(), chain, entry } })
    }
}

/// The series in `dir` into which an import has begun and not come to its end; none where there is no dataset that can be
/// read.
#[must_use]
pub fn unfinished_imports(dir: &Path) -> Vec<String> {
    let head = heads::read_dataset_head(dir).ok().and_then(Found::sound);
    let entries = head.map(|head| head.series).unwrap_or_default();
    entries.iter().filter(|entry| entry.importing).map(|entry| entry.info.name()).collect()
}

/// One series, open for reading.
#[derive(Debug, Clone)]
pub struct SeriesReader {
    stored: StoredSeries,
}

impl SeriesReader {
    /// The series as it is committed: description, head, first and last moment, sources.
    #[must_use]
    pub fn entry(&self) -> &SeriesEntry {
        &self.stored.entry
    }

    /// What it is.
    #[must_use]
    pub fn info(&self) -> &SeriesInfo {
        &self.stored.entry.info
    }

    /// Number of committed records.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.stored.entry.head.count
    }

    /// Number of pages that hold them.
    #[must_use]
    pub fn page_count(&self) -> u64 {
        self.stored.chain.len()
    }

    /// The series as a manifest names it, from record `first` to record `last`.
    #[must_use]
    pub fn dataset_ref(&self, first: u64, last: u64) -> DatasetRef {
        self.stored.entry.dataset_ref(first, last)
    }

    /// The checked pages from record `from` (1 is the first) to the committed head.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] when the store fails.
    pub fn pages(&self, from: u64) -> Result<Pages, DatasetError> {
        Pages::new(self.stored.clone(), from)
    }

    /// The digest the series had when it held its first `count` records. Reads and checks them all, unless
    /// `count` is what it holds now.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] naming the first record that cannot be trusted.
    pub fn digest_at(&self, count: u64) -> Result<Hash, DatasetError> {
        if count == self.count() {
            return Ok(self.stored.entry.head.digest);
        }
        match self.stored.entry.info.kind {
            RecordKind::Trades => self.digest_of_first::<TradeRecord>(count),
            RecordKind::Quotes => self.digest_of_first::<QuoteRecord>(count),
            RecordKind::Bars => self.digest_of_first::<BarRecord>(count),
        }
    }

    fn digest_of_first<R: Record>(&self, count: u64) -> Result<Hash, DatasetError> {
        let mut digest = StreamDigest::new(self.stored.entry.info.digest_start());
        let (mut records, mut flat) = (Vec::<R>::new(), FlatRows::default());
        for page in self.pages(1)? {
            let page = page?;
            let first_seq = page.first_seq();
            if first_seq > count {
                break;
            }
            page.copy_to(&mut records);
            records.truncate(usize::try_from(count.saturating_sub(first_seq - 1)).unwrap_or(usize::MAX));
            R::flatten(&records, &mut flat);
            flat.add_to(&mut digest);
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
    /// [`SeriesReader::count`] when all are earlier. Reads one page.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] when a page on the way is damaged.
    pub fn seq_at(&self, at: i64) -> Result<u64, DatasetError> {
        let earlier = |header: &PageHeader| header.first_at < at;
        let place = self.stored.chain.place(self.stored.chain.last_place(earlier));
        let Some(header) = place.map(|place| place.header) else { return Ok(1) };
        let Some(page) = self.pages(header.first_seq)?.next_page()? else { return Ok(1) };
        let index = match self.stored.entry.info.kind {
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
