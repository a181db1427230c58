//! Adding records to a dataset.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::directory::{self, DatasetHead, HEAD_FILE, META_TREE};
use super::{DatasetError, PageOptions, SeriesEntry, SeriesInfo, Source, SourceNote, resume};
use crate::chain::{ChainHead, Hash, StreamDigest};
use crate::page::{self, HEADER_BYTES, Seal};
use crate::page_tree::PageWriter;
use crate::record::Record;
use crate::side_file;
use crate::sled_store::{Layout, Purpose, STORE, SledStore, SledTree};
use crate::upcast;

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
        let fresh = !dir.join(HEAD_FILE).exists() && !dir.join(STORE).exists();
        if fresh {
            refuse_foreign(dir)?;
        }
        let noted = if fresh { DatasetHead::new(Vec::new()) } else { directory::require_head(dir)? };
        let store = if fresh {
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

fn refuse_foreign(dir: &Path) -> Result<(), DatasetError> {
    let foreign = std::fs::read_dir(dir).ok().and_then(|mut entries| entries.next());
    match foreign {
        Some(_) => Err(engine_runtime::ports::JournalError::NotAJournal {
            path: dir.display().to_string(),
            reason: "the directory holds other files; choose an empty or new one".into(),
        }
        .into()),
        None => Ok(()),
    }
}

impl Shared {
    fn heads(&self) -> std::sync::MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
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
    digest: StreamDigest,
    link: Hash,
    first_at: i64,
    last_at: i64,
    unsynced: usize,
}

impl<R: Record> SeriesWriter<R> {
    fn open(shared: Arc<Shared>, mut entry: SeriesEntry) -> Result<Self, DatasetError> {
        let name = entry.info.name();
        let released = Released { shared: &shared, name: &name };
        let pages = PageWriter::open(shared.store.tree(&name)?, entry.pages)?;
        let digest = resume::digest_at_head(pages.tree(), &entry, &shared.dir)?;
        entry.importing = true;
        shared.commit(&entry)?;
        core::mem::forget(released);
        let room = shared.options.page_bytes.saturating_sub(HEADER_BYTES + size_of::<u64>());
        let per_page = (room / R::BYTES).max(1);
        Ok(Self {
            pages,
            per_page,
            records: Vec::with_capacity(per_page),
            page: Vec::with_capacity(shared.options.page_bytes),
            digest,
            link: entry.head.link,
            first_at: entry.first_at,
            last_at: if entry.head.count == 0 { i64::MIN } else { entry.last_at },
            unsynced: 0,
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

    /// Adds one record; its check is filled in here.
    ///
    /// # Errors
    /// [`DatasetError::OutOfOrder`] when it is older than the last one; the series is as before.
    /// [`DatasetError::Journal`] when the store fails; abort then.
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
        self.records.push(record.checked());
        if self.records.len() >= self.per_page {
            self.seal()?;
        }
        Ok(())
    }

    /// Writes the gathered records as one page.
    fn seal(&mut self) -> Result<(), DatasetError> {
        let (Some(first), Some(last)) = (self.records.first(), self.records.last()) else { return Ok(()) };
        let (first_at, last_at) = (first.at(), last.at());
        let count = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let first_seq = self.digest.count().saturating_add(1);
        let mut page = core::mem::take(&mut self.page);
        page::begin(&mut page);
        let mut page = R::archive(&self.records, page).map_err(|error| {
            super::damaged(&self.shared.dir, &self.entry.info.name(), first_seq, &error)
        })?;
        let flat_end = HEADER_BYTES.saturating_add(self.records.len().saturating_mul(R::BYTES));
        self.digest.push_flat(page.get(HEADER_BYTES..flat_end).unwrap_or_default(), R::BYTES);
        let schema = upcast::schema_of(R::KIND);
        let previous = self.link;
        let seal = Seal { schema, count, first_seq, first_at, last_at, previous, digest: &self.digest };
        self.link = page::seal(&mut page, seal);
        self.pages.append(&page)?;
        self.unsynced = self.unsynced.saturating_add(page.len());
        self.page = page;
        self.records.clear();
        if self.entry.head.count > 0 && self.unsynced >= GROUP_BYTES {
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), DatasetError> {
        self.shared.store.sync()?;
        self.unsynced = 0;
        Ok(())
    }

    /// Makes everything added so far part of the series, durably, together with where it came from. More can be
    /// added afterwards.
    ///
    /// # Errors
    /// [`DatasetError::Journal`]; the series is then as it was committed before.
    pub fn commit(&mut self, note: SourceNote) -> Result<SeriesEntry, DatasetError> {
        let first_seq = self.entry.head.count.saturating_add(1);
        self.seal()?;
        self.sync()?;
        let head = ChainHead { count: self.digest.count(), digest: self.digest.value(), link: self.link };
        let mut entry = self.entry.clone();
        (entry.head, entry.pages) = (head, self.pages.pages());
        (entry.first_at, entry.last_at) = (self.first_at, self.last_at().unwrap_or(0));
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
