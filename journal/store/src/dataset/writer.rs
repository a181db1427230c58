//! Adding records to a dataset.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::log::DatasetLog;
use super::shared::{Heads, Released, Shared};
use super::{DatasetError, PageOptions, directory, resume};
use crate::heads::DatasetHead;
use crate::journal_folder::HEAD_FILE;
use crate::series::{Fidelity, SeriesEntry, SeriesInfo, Source, SourceNote};
use engine_runtime::ports::JournalError;

use crate::chain::{ChainHead, Hash, StreamDigest};
use crate::page::{self, Seal};
use crate::page_tree::PageWriter;
use crate::record::Record;
use crate::sled_store::Layout;
use crate::upcast::{self, COLUMN_RECORDS_MAX};
use crate::writer_lock::WriterLock;
use crate::{column, creation, salvage, side_file};

/// Unsynced bytes after which committed data must be protected by a sync: sled re-uses segments as soon as it
/// believes their copies durable, which without an `fdatasync` they are not.
const GROUP_BYTES: usize = 2 << 20;

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
    /// that has a log keeps it however it is opened.
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
        noted: DatasetHead,
        page_log: bool,
        lock: WriterLock,
    ) -> Result<Self, DatasetError> {
        let chains = directory::open_chains(dir, &noted)?;
        directory::require_whole(dir, &noted, &chains)?;
        let log = match DatasetLog::open(dir)? {
            None if page_log => Some(DatasetLog::begin(dir, &noted.series, &chains)?),
            log => log,
        };
        let store = salvage::open_for_writing(dir, Layout::DATASET, chains, lock)?;
        let log = Mutex::new(log);
        let heads = Mutex::new(Heads { entries: noted.series, busy: BTreeSet::new() });
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

/// Makes a new directory, or an empty one, that of a dataset without series.
fn begin(dir: &Path) -> Result<WriterLock, JournalError> {
    creation::create(dir, |staged| side_file::write(&staged.join(HEAD_FILE), &DatasetHead::new(Vec::new())))
}

/// Adds records to one series. What is not committed when it is dropped is rolled back.
#[derive(Debug)]
pub struct SeriesWriter<R: Record> {
    shared: Arc<Shared>,
    pages: PageWriter,
    entry: SeriesEntry,
    per_page: usize,
    records: Vec<R>,
    page: Vec<u8>,
    flat: Vec<u8>,
    /// Why writing failed, once it has.
    failed: Option<String>,
    digest: StreamDigest,
    link: Hash,
    first_at: i64,
    last_at: i64,
    unsynced: usize,
    fidelity: Option<Fidelity>,
}

impl<R: Record> SeriesWriter<R> {
    fn open(shared: Arc<Shared>, mut entry: SeriesEntry) -> Result<Self, DatasetError> {
        let name = entry.info.name();
        let released = Released { shared: &shared, name: &name };
        let pages = PageWriter::open(shared.store.tree(&name)?, entry.pages)?;
        let digest = resume::digest_at_head::<R>(pages.tree(), &entry, &shared.dir)?;
        entry.importing = true;
        shared.commit(&entry)?;
        core::mem::forget(released);
        let per_page = shared.rows_for(shared.options.page_bytes / R::BYTES, shared.options.page_bytes);
        Ok(Self {
            pages,
            per_page,
            records: Vec::with_capacity(per_page),
            page: Vec::with_capacity(shared.options.page_bytes),
            flat: Vec::new(),
            failed: None,
            digest,
            link: entry.head.link,
            first_at: entry.first_at,
            last_at: if entry.head.count == 0 { i64::MIN } else { entry.last_at },
            unsynced: 0,
            fidelity: None,
            entry,
            shared,
        })
    }

    /// The series as it is committed.
    #[must_use]
    pub const fn entry(&self) -> &SeriesEntry {
        &self.entry
    }

    /// Number of records, those not committed included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.digest.count().saturating_add(self.records.len() as u64)
    }

    /// Moment of the last record, nanoseconds since the epoch; `None` when there is none.
    #[must_use]
    pub const fn last_at(&self) -> Option<i64> {
        if self.last_at == i64::MIN { None } else { Some(self.last_at) }
    }

    /// Whether a source with this content was committed to this series.
    #[must_use]
    pub fn has_source(&self, blake3: &Hash) -> bool {
        self.entry.sources.iter().any(|source| source.note.blake3 == *blake3)
    }

    /// Adds one record.
    ///
    /// # Errors
    /// [`DatasetError::OutOfOrder`] when it is older than the last one; the series is as before.
    /// [`DatasetError::Journal`] when the store fails: nothing can be added or committed then, drop the writer.
    #[inline]
    pub fn push(&mut self, record: R) -> Result<(), DatasetError> {
        let at = record.at();
        if at < self.last_at {
            let series = self.entry.info.name();
            return Err(DatasetError::OutOfOrder { series, at, last_at: self.last_at });
        }
        if self.count() == 0 {
            self.first_at = at;
        }
        self.last_at = at;
        self.records.push(record);
        if self.records.len() >= self.per_page {
            self.seal()?;
        }
        Ok(())
    }

    /// Writes as many of the gathered records as one page takes; the others wait for more.
    fn seal(&mut self) -> Result<(), DatasetError> {
        self.refuse_after_failure()?;
        let mut records = core::mem::take(&mut self.records);
        let written = self.seal_some(&records);
        records.drain(..*written.as_ref().unwrap_or(&0));
        self.records = records;
        // Digest and link are ahead of the store now; only a writer opened anew knows where it stands.
        self.failed = written.as_ref().err().map(ToString::to_string);
        written.map(|_| ())
    }

    /// Writes as many of `records` as one page takes and answers their number; at least one, if there is any.
    fn seal_some(&mut self, records: &[R]) -> Result<usize, DatasetError> {
        let first_seq = self.digest.count().saturating_add(1);
        let mut page = core::mem::take(&mut self.page);
        let mut count = records.len().min(COLUMN_RECORDS_MAX);
        let taken = loop {
            let taken = records.get(..count).unwrap_or(records);
            R::flatten(taken, &mut self.flat);
            let checks = column::checks(&self.flat, R::BYTES).collect();
            page::begin(&mut page);
            page = column::archive(R::columns(taken), checks, page).map_err(|error| {
                super::damaged(&self.shared.dir, &self.entry.info.name(), first_seq, &error)
            })?;
            let stored = page::sealed_len(page.len());
            let fitting = self.shared.rows_for(count, stored);
            if stored <= self.shared.options.page_bytes || count == 1 {
                // A short last page says little: what a page costs apart from its records weighs too much there.
                let is_short = stored < self.shared.options.page_bytes / 2;
                self.per_page = if is_short { self.per_page.max(fitting) } else { fitting };
                break taken;
            }
            count = fitting.min(count - 1).max(1);
        };
        let (Some(first), Some(last)) = (taken.first(), taken.last()) else { return Ok(0) };
        let (first_at, last_at) = (first.at(), last.at());
        self.digest.push_flat(&self.flat, R::BYTES);
        let (schema, count) = (upcast::schema_of(R::KIND), u32::try_from(taken.len()).unwrap_or(u32::MAX));
        let previous = self.link;
        let seal = Seal { schema, count, first_seq, first_at, last_at, previous, digest: &self.digest };
        self.link = page::seal(&mut page, seal);
        self.shared.logged(|log| log.page(&self.entry, &page))?;
        self.pages.append(&page)?;
        self.unsynced = self.unsynced.saturating_add(page.len());
        self.page = page;
        if self.entry.head.count > 0 && self.unsynced >= GROUP_BYTES {
            self.sync()?;
        }
        Ok(taken.len())
    }

    fn refuse_after_failure(&self) -> Result<(), DatasetError> {
        let poisoned = |reason: &String| JournalError::Poisoned { reason: reason.clone() }.into();
        self.failed.as_ref().map(poisoned).map_or(Ok(()), Err)
    }

    fn sync(&mut self) -> Result<(), DatasetError> {
        let synced = self.shared.sync();
        self.failed = synced.as_ref().err().map(ToString::to_string);
        self.unsynced = 0;
        Ok(synced?)
    }

    /// Says how true the records added since the last commit are to their source; becomes part of the series with
    /// the next commit.
    pub fn note_fidelity(&mut self, fidelity: Fidelity) {
        self.fidelity = Some(fidelity);
    }

    /// Makes everything added so far part of the series, durably, together with where it came from. More can be
    /// added afterwards.
    ///
    /// # Errors
    /// [`DatasetError::Journal`]; the series is then as it was committed before, and the writer of no more use.
    pub fn commit(&mut self, note: SourceNote) -> Result<SeriesEntry, DatasetError> {
        self.refuse_after_failure()?;
        let first_seq = self.entry.head.count.saturating_add(1);
        while !self.records.is_empty() {
            self.seal()?;
        }
        self.sync()?;
        let head = ChainHead { count: self.digest.count(), digest: self.digest.value(), link: self.link };
        let mut entry = self.entry.clone();
        (entry.head, entry.pages) = (head, self.pages.pages());
        (entry.first_at, entry.last_at) = (self.first_at, self.last_at().unwrap_or(0));
        if let Some(fidelity) = self.fidelity.take() {
            let first = entry.sources.is_empty();
            entry.fidelity = if first { fidelity } else { entry.fidelity.and(&fidelity) };
        }
        entry.sources.push(Source { note, first_seq, last_seq: head.count });
        self.shared.commit(&entry)?;
        self.entry = entry;
        Ok(self.entry.clone())
    }

    /// Ends the import: what is not committed is rolled back, the series is marked whole, and the dataset is closed
    /// unless somebody else has it.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] when the store fails or cannot be closed; what was committed stays.
    pub fn finish(mut self) -> Result<SeriesEntry, DatasetError> {
        self.close()?;
        let (entry, shared) = (self.entry.clone(), Arc::clone(&self.shared));
        drop(self);
        Arc::into_inner(shared).map_or(Ok(()), |shared| shared.store.close())?;
        Ok(entry)
    }

    fn close(&mut self) -> Result<(), DatasetError> {
        if !self.entry.importing {
            return Ok(());
        }
        self.records.clear();
        if self.pages.pages() > self.entry.pages {
            self.shared.store.has_rolled_back();
        }
        self.pages.cut(self.entry.pages)?;
        self.entry.importing = false;
        if self.entry.sources.is_empty() {
            return self.shared.forget(&self.entry.info.name());
        }
        self.shared.commit(&self.entry)
    }
}

impl<R: Record> Drop for SeriesWriter<R> {
    fn drop(&mut self) {
        // A failure leaves the series marked as being imported, which verify and the next writer see.
        let _ = self.close();
        self.shared.heads().busy.remove(&self.entry.info.name());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use engine_core::time::Span;

    use super::*;
    use crate::dataset::DatasetReader;
    use crate::record::{BarRecord, RecordKind, TradeRecord};
    use crate::series::BarTime;
    use crate::verify;

    fn trades() -> SeriesInfo {
        SeriesInfo {
            venue: "test".into(),
            symbol: "BTCUSDT".into(),
            kind: RecordKind::Trades,
            price_decimals: 8,
            qty_decimals: 8,
            interval: None,
            bar_time: None,
            synthetic: true,
        }
    }

    fn trade(number: i64) -> TradeRecord {
        TradeRecord { venue_at: number / 3 * 1_000, price: number * 7, qty: number % 5, lag_us: 0, side: 1 }
    }

    fn note(number: u8) -> SourceNote {
        SourceNote { file: format!("{number}.csv"), blake3: [number; 32], rows: 7 }
    }

    fn fill(writer: &mut SeriesWriter<TradeRecord>, numbers: core::ops::Range<i64>) {
        numbers.map(trade).for_each(|record| writer.push(record).unwrap());
    }

    fn read(dir: &Path, from: u64) -> Vec<TradeRecord> {
        let series = DatasetReader::open(dir).unwrap().series("test:BTCUSDT:trades").unwrap();
        let pages = series.pages(from).unwrap().map(Result::unwrap);
        pages.flat_map(|page| page.records::<TradeRecord>().unwrap()).collect()
    }

    fn expected(numbers: core::ops::Range<i64>) -> Vec<TradeRecord> {
        numbers.map(trade).collect()
    }

    #[test]
    fn what_is_committed_is_read_and_only_that() {
        let dir = tempfile::tempdir().unwrap();
        let writer = DatasetWriter::open(dir.path(), PageOptions { page_bytes: 1024 }).unwrap();
        let mut series = writer.series::<TradeRecord>(trades()).unwrap();
        fill(&mut series, 0..1_000);
        series.commit(note(1)).unwrap();
        fill(&mut series, 1_000..1_777);
        assert_eq!(series.count(), 1_777);
        drop(series);
        assert!(writer.has_source("test:BTCUSDT:trades", &[1; 32]));
        assert!(!writer.has_source("test:BTCUSDT:trades", &[2; 32]));
        drop(writer);
        assert_eq!(read(dir.path(), 1), expected(0..1_000));
        assert_eq!(read(dir.path(), 778), expected(777..1_000));
        assert_eq!(read(dir.path(), 1_001), expected(0..0));
        let report = verify::verify(dir.path(), None).unwrap();
        assert!(report.is_sound() && report.complete, "{:?}", report.findings);
        assert_eq!(report.events, 1_000);
    }

    #[test]
    fn an_import_that_was_killed_leaves_an_incomplete_sound_dataset_that_can_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let killed = dir.path().join("killed");
        let whole = dir.path().join("whole");
        let options = PageOptions { page_bytes: 1024 };
        {
            let writer = DatasetWriter::open(&whole, options).unwrap();
            let mut series = writer.series::<TradeRecord>(trades()).unwrap();
            fill(&mut series, 0..500);
            series.commit(note(1)).unwrap();
            fill(&mut series, 500..900);
            series.shared.store.sync().unwrap();
            copy(&whole, &killed);
        }
        let report = verify::verify(&killed, None).unwrap();
        assert!(report.is_sound() && !report.complete, "{report:?}");
        assert_eq!(read(&killed, 1), expected(0..500));
        let writer = DatasetWriter::open(&killed, PageOptions::default()).unwrap();
        let mut series = writer.series::<TradeRecord>(trades()).unwrap();
        assert_eq!((series.count(), series.last_at()), (500, Some(166_000)));
        fill(&mut series, 500..2_000);
        let entry = series.commit(note(2)).unwrap();
        assert_eq!((entry.sources.len(), entry.sources.last().map(|last| last.first_seq)), (2, Some(501)));
        drop(series);
        drop(writer);
        assert_eq!(read(&killed, 1), expected(0..2_000));
        assert!(verify::verify(&killed, None).unwrap().complete);
        assert_eq!(read(&whole, 1), expected(0..500));
    }

    fn copy(from: &Path, to: &Path) {
        for path in crate::marker::files_below(from).unwrap() {
            let target = to.join(path.strip_prefix(from).unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(path, target).unwrap();
        }
    }

    #[test]
    fn the_digest_depends_on_neither_page_size_nor_number_of_sittings() {
        let dir = tempfile::tempdir().unwrap();
        let head = |name: &str, page_bytes, sittings: &[core::ops::Range<i64>]| {
            let mut head = ChainHead::default();
            for (number, sitting) in sittings.iter().enumerate() {
                let writer = DatasetWriter::open(&dir.path().join(name), PageOptions { page_bytes }).unwrap();
                let mut series = writer.series::<TradeRecord>(trades()).unwrap();
                fill(&mut series, sitting.clone());
                head = series.commit(note(u8::try_from(number).unwrap())).unwrap().head;
                series.finish().unwrap();
            }
            head.head()
        };
        let once = head("once", 65_536, core::slice::from_ref(&(0..140_000)));
        assert_eq!(head("thrice", 32_768, &[0..65_535, 65_535..65_537, 65_537..140_000]), once);
        assert_ne!(head("other", 32_768, &[0..65_535, 65_536..140_000]), once);
    }

    #[test]
    fn records_never_go_back_in_time_and_series_never_change() {
        let dir = tempfile::tempdir().unwrap();
        let writer = DatasetWriter::open(dir.path(), PageOptions::default()).unwrap();
        let mut series = writer.series::<TradeRecord>(trades()).unwrap();
        fill(&mut series, 30..33);
        assert!(matches!(
            series.push(trade(0)),
            Err(DatasetError::OutOfOrder { at: 0, last_at: 10_000, .. })
        ));
        assert_eq!(series.count(), 3);
        assert!(matches!(writer.series::<TradeRecord>(trades()), Err(DatasetError::Busy { .. })));
        series.commit(note(1)).unwrap();
        drop(series);
        let other = SeriesInfo { price_decimals: 2, ..trades() };
        let refused = writer.series::<TradeRecord>(other).unwrap_err();
        assert!(refused.to_string().contains("price decimals is 8, not 2"), "{refused}");
        assert!(matches!(writer.series::<BarRecord>(trades()), Err(DatasetError::WrongKind { .. })));
        let locked = DatasetReader::open(dir.path());
        assert!(matches!(
            locked,
            Err(DatasetError::Journal(engine_runtime::ports::JournalError::Locked { .. }))
        ));
        assert!(writer.series::<TradeRecord>(trades()).is_ok());
    }

    #[test]
    fn a_moment_leads_to_its_first_record() {
        let dir = tempfile::tempdir().unwrap();
        let writer = DatasetWriter::open(dir.path(), PageOptions { page_bytes: 1024 }).unwrap();
        let mut series = writer.series::<TradeRecord>(trades()).unwrap();
        fill(&mut series, 0..3_000);
        series.commit(note(1)).unwrap();
        drop(series);
        drop(writer);
        let series = DatasetReader::open(dir.path()).unwrap().series("test:BTCUSDT:trades").unwrap();
        for at in [-5, 0, 1, 999, 1_000, 500_000, 500_001, 998_999, 999_000, 999_001] {
            let first = (0..3_000).position(|number| trade(number).venue_at >= at).unwrap_or(3_000);
            assert_eq!(series.seq_at(at).unwrap(), first as u64 + 1, "{at}");
        }
        let ahead: usize = series.prefetched_pages(1, 3).unwrap().map(|page| page.unwrap().count()).sum();
        assert_eq!(ahead, 3_000);
        drop(series.prefetched_pages(1, 1).unwrap().next());
    }

    #[test]
    fn bars_and_trades_live_side_by_side() {
        let dir = tempfile::tempdir().unwrap();
        let writer = DatasetWriter::open(dir.path(), PageOptions::default()).unwrap();
        let bars = SeriesInfo {
            kind: RecordKind::Bars,
            interval: Some(Span::MINUTE),
            bar_time: Some(BarTime::Open),
            ..trades()
        };
        let mut bar_series = writer.series::<BarRecord>(bars).unwrap();
        let mut trade_series = writer.series::<TradeRecord>(trades()).unwrap();
        for number in 0..100 {
            bar_series.push(BarRecord { open_at: number, open: 5, ..BarRecord::default() }).unwrap();
            trade_series.push(trade(number)).unwrap();
        }
        bar_series.commit(note(1)).unwrap();
        trade_series.commit(note(2)).unwrap();
        drop((bar_series, trade_series, writer));
        let reader = DatasetReader::open(dir.path()).unwrap();
        assert_eq!(reader.series_list().len(), 2);
        let page =
            reader.series("test:BTCUSDT:bars").unwrap().pages(1).unwrap().next_page().unwrap().unwrap();
        let lens = (page.records::<BarRecord>().map(|bars| bars.len()), page.records::<TradeRecord>());
        assert_eq!(lens, (Some(100), None));
        let unknown = reader.series("test:ETHUSDT:bars").unwrap_err().to_string();
        assert!(unknown.contains("test:BTCUSDT:bars, test:BTCUSDT:trades"), "{unknown}");
    }
}
