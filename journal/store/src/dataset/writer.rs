//! Adding records to a dataset.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::directory::{self, DatasetHead, HEAD_FILE, META_TREE};
use super::{DatasetError, Fidelity, PageOptions, SeriesEntry, SeriesInfo, Source, SourceNote, resume};
use engine_runtime::ports::JournalError;

use crate::chain::{ChainHead, Hash, StreamDigest};
use crate::column;
use crate::disk;
use crate::page::{self, Seal};
use crate::page_tree::PageWriter;
use crate::record::Record;
use crate::side_file;
use crate::sled_store::{Layout, Purpose, STORE, SledStore, SledTree};
use crate::upcast::{self, COLUMN_RECORDS_MAX};

/// Unsynced bytes after which committed data must be protected by a sync: sled re-uses segments as soon as it
/// believes their copies durable, which without an `fdatasync` they are not.
const GROUP_BYTES: usize = 2 << 20;

/// Adds series and records to a dataset.
#[derive(Debug)]
pub struct DatasetWriter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    options: PageOptions,
    store: SledStore,
    meta: SledTree,
    heads: Mutex<Heads>,
}

#[derive(Debug, Default)]
struct Heads {
    entries: Vec<SeriesEntry>,
    busy: BTreeSet<String>,
}

impl DatasetWriter {
    /// Opens the dataset in `dir`, made when there is none.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] when the directory holds something else, is in use or damaged.
    pub fn open(dir: &Path, options: PageOptions) -> Result<Self, DatasetError> {
        let options = PageOptions { page_bytes: options.page_bytes.clamp(1024, 64 * 1024) };
        let noted = if dir.join(HEAD_FILE).exists() || dir.join(STORE).exists() {
            directory::require_head(dir)?
        } else {
            begin(dir)?
        };
        let store = if noted.series.is_empty() && !dir.join(STORE).exists() {
            SledStore::create(dir, Layout::DATASET)?
        } else {
            directory::open_store(dir, &noted, Purpose::Append)?
        };
        let entries = directory::entries(dir, &noted, &store)?;
        let meta = store.tree(META_TREE)?;
        let heads = Mutex::new(Heads { entries, busy: BTreeSet::new() });
        let shared = Shared { dir: dir.to_path_buf(), options, store, meta, heads };
        shared.write_head_file()?;
        Ok(Self { shared: Arc::new(shared) })
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
fn begin(dir: &Path) -> Result<DatasetHead, JournalError> {
    let foreign = std::fs::read_dir(dir).ok().and_then(|mut entries| entries.next());
    if foreign.is_some() {
        let reason = "the directory holds other files; choose an empty or new one".into();
        return Err(JournalError::NotAJournal { path: dir.display().to_string(), reason });
    }
    std::fs::create_dir_all(dir).map_err(|error| disk::io_error("create", dir, error))?;
    let head = DatasetHead::new(Vec::new());
    side_file::write(&dir.join(HEAD_FILE), &head)?;
    Ok(head)
}

impl Shared {
    fn heads(&self) -> std::sync::MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// About how many records a page takes when `count` of them took `bytes`; a little less, as the next ones
    /// may be wider.
    fn rows_for(&self, count: usize, bytes: usize) -> usize {
        let room = self.options.page_bytes.saturating_mul(31) / 32;
        (count.saturating_mul(room) / bytes.max(1)).clamp(1, COLUMN_RECORDS_MAX)
    }

    fn write_head_file(&self) -> Result<(), DatasetError> {
        let head = DatasetHead::new(self.heads().entries.clone());
        Ok(side_file::write(&self.dir.join(HEAD_FILE), &head)?)
    }

    fn claim(&self, info: SeriesInfo) -> Result<SeriesEntry, DatasetError> {
        let name = info.name();
        let mut heads = self.heads();
        let found = heads.entries.iter().find(|entry| entry.info.name() == name).cloned();
        let entry = found.unwrap_or_else(|| SeriesEntry::new(info.clone()));
        if let Some((property, stored, given)) = entry.info.difference(&info) {
            return Err(DatasetError::DifferentSeries { series: name, property, stored, given });
        }
        if !heads.busy.insert(name.clone()) {
            return Err(DatasetError::Busy { series: name });
        }
        Ok(entry)
    }

    /// Makes `entry` the committed state of its series, in the store and beside it.
    fn commit(&self, entry: &SeriesEntry) -> Result<(), DatasetError> {
        directory::store_entry(&self.meta, entry, &self.dir)?;
        self.store.sync()?;
        {
            let mut heads = self.heads();
            heads.entries.retain(|known| known.info.name() != entry.info.name());
            heads.entries.push(entry.clone());
            heads.entries.sort_by_key(|known| known.info.name());
        }
        self.write_head_file()
    }

    /// Takes a series that never got a record out again, as if nothing had been tried.
    fn forget(&self, name: &str) -> Result<(), DatasetError> {
        self.heads().entries.retain(|known| known.info.name() != name);
        // The file goes first: a store that knows more than the file is what a killed import leaves.
        self.write_head_file()?;
        self.meta.remove(name.as_bytes())?;
        Ok(self.store.sync()?)
    }
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
        let synced = self.shared.store.sync();
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

    /// Ends the import: what is not committed is rolled back, and the series is marked whole.
    ///
    /// # Errors
    /// [`DatasetError::Journal`] when the store fails.
    pub fn finish(mut self) -> Result<SeriesEntry, DatasetError> {
        self.close()?;
        Ok(self.entry.clone())
    }

    fn close(&mut self) -> Result<(), DatasetError> {
        if !self.entry.importing {
            return Ok(());
        }
        self.records.clear();
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

/// Gives a claimed series back unless it is forgotten.
struct Released<'a> {
    shared: &'a Shared,
    name: &'a str,
}

impl Drop for Released<'_> {
    fn drop(&mut self) {
        self.shared.heads().busy.remove(self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use engine_core::time::Span;

    use super::*;
    use crate::dataset::{BarTime, DatasetReader};
    use crate::record::{BarRecord, RecordKind, TradeRecord};
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
