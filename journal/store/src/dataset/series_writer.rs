//! Adding records to one series of a dataset.

use std::sync::Arc;

use engine_runtime::ports::JournalError;

use super::sealed::SealedRecords;
use super::shared::{Released, Shared};
use super::{DatasetError, resume};
use crate::chain::{ChainHead, Hash, StreamDigest};
use crate::column;
use crate::heads::Unfinished;
use crate::page::{self, Seal};
use crate::page_tree::PageWriter;
use crate::record::{FlatRows, Record};
use crate::series::{Fidelity, SeriesEntry, Source, SourceNote};
use crate::upcast::{self, COLUMN_RECORDS_MAX};

/// Unsynced bytes after which committed data must be protected by a sync: sled re-uses segments as soon as it
/// believes their copies durable, which without an `fdatasync` they are not.
const GROUP_BYTES: usize = 2 << 20;

/// Adds records to one series. What is not committed when it is dropped is rolled back.
#[derive(Debug)]
pub struct SeriesWriter<R: Record> {
    pub(super) shared: Arc<Shared>,
    pages: PageWriter,
    entry: SeriesEntry,
    per_page: usize,
    records: Vec<R>,
    page: Vec<u8>,
    flat: FlatRows,
    /// Why writing failed, once it has.
    failed: Option<String>,
    digest: StreamDigest,
    link: Hash,
    /// What an interrupted import had sealed and this one has not come to again.
    sealed: Option<SealedRecords<R>>,
    first_at: i64,
    last_at: i64,
    unsynced: usize,
    fidelity: Option<Fidelity>,
}

impl<R: Record> SeriesWriter<R> {
    pub(super) fn open(shared: Arc<Shared>, mut entry: SeriesEntry) -> Result<Self, DatasetError> {
        let name = entry.info.name();
        let released = Released { shared: &shared, name: &name };
        let tree = shared.store.tree(&name)?;
        let dir = &shared.dir;
        // What was sealed may have gone with a store that had to be made anew.
        let taken_up = shared.unfinished(&entry).and_then(|left| {
            let ahead = SeriesEntry { head: left.head, pages: left.pages, ..entry.clone() };
            Some((left, resume::digest_at_head::<R>(&tree, &ahead, dir).ok()?))
        });
        let sealed = taken_up.as_ref().map(|(left, _)| SealedRecords::new(entry.pages, left.pages));
        let (head, count, digest) = match taken_up {
            Some((left, digest)) => (left.head, left.pages, digest),
            None => (entry.head, entry.pages, resume::digest_at_head::<R>(&tree, &entry, dir)?),
        };
        let pages = PageWriter::open(tree, count)?;
        entry.importing = true;
        shared.begin(&entry, sealed.is_some())?;
        core::mem::forget(released);
        let per_page = shared.rows_for(shared.options.page_bytes / R::BYTES, shared.options.page_bytes);
        Ok(Self {
            pages,
            per_page,
            records: Vec::with_capacity(per_page),
            page: Vec::with_capacity(shared.options.page_bytes),
            flat: FlatRows::default(),
            failed: None,
            digest,
            link: head.link,
            sealed,
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
    /// [`DatasetError::OutOfOrder`] when it is older than the last one, [`DatasetError::EndsBeforeStart`] for a bar
    /// of a length below zero; the series is as before.
    /// [`DatasetError::Journal`] when the store fails: nothing can be added or committed then, drop the writer.
    #[inline]
    pub fn push(&mut self, record: R) -> Result<(), DatasetError> {
        let at = record.at();
        if at < self.last_at {
            let series = self.entry.info.name();
            return Err(DatasetError::OutOfOrder { series, at, last_at: self.last_at });
        }
        if !record.is_forward() {
            return Err(DatasetError::EndsBeforeStart { series: self.entry.info.name(), at });
        }
        if self.last_at == i64::MIN {
            self.first_at = at;
        }
        self.last_at = at;
        if self.sealed.is_some() && self.is_sealed(&record)? {
            return Ok(());
        }
        self.records.push(record);
        if self.records.len() >= self.per_page {
            self.seal()?;
        }
        Ok(())
    }

    /// Whether `record` is the next that an interrupted import had sealed; `false` once there is none.
    #[cold]
    fn is_sealed(&mut self, record: &R) -> Result<bool, DatasetError> {
        self.refuse_after_failure()?;
        let Some(sealed) = &mut self.sealed else { return Ok(false) };
        match sealed.next(self.pages.tree()) {
            Ok(Some(known)) if known == *record => Ok(true),
            Ok(None) => {
                self.sealed = None;
                Ok(false)
            }
            // A page that cannot be read again is as good as another one: the import begins anew.
            Ok(Some(_)) | Err(_) => Err(self.is_other_than_sealed(record.at())),
        }
    }

    fn is_other_than_sealed(&mut self, at: i64) -> DatasetError {
        let error = DatasetError::OtherThanSealed { series: self.entry.info.name(), at };
        self.failed = Some(error.to_string());
        error
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
            let checks = self.flat.checks();
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
        self.flat.add_to(&mut self.digest);
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
        if let Some(sealed) = &mut self.sealed
            && !matches!(sealed.next(self.pages.tree()), Ok(None))
        {
            return Err(self.is_other_than_sealed(self.last_at));
        }
        self.sealed = None;
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

    /// Number of records behind the committed head that lie in sealed pages.
    #[must_use]
    pub fn sealed(&self) -> u64 {
        self.digest.count().saturating_sub(self.entry.head.count)
    }

    /// Ends an import that was interrupted: readers do not see what was not committed, but its sealed pages stay, and the
    /// same import, repeated, goes on behind them. The series stays marked as being imported. Answers how many records
    /// are kept.
    ///
    /// # Errors
    /// As [`SeriesWriter::finish`].
    pub fn leave(mut self) -> Result<u64, DatasetError> {
        self.refuse_after_failure()?;
        let (kept, pages) = (self.sealed(), self.pages.pages());
        if self.sealed.is_none() {
            self.pages.cut(pages)?;
            self.sync()?;
            let head = ChainHead { count: self.digest.count(), digest: self.digest.value(), link: self.link };
            let start = self.entry.info.digest_start();
            self.shared.leave(&self.entry.info.name(), Unfinished { head, pages, start })?;
        }
        // Nothing is to be rolled back when this is dropped.
        self.entry.importing = false;
        let shared = Arc::clone(&self.shared);
        drop(self);
        Arc::into_inner(shared).map_or(Ok(()), |shared| shared.store.close())?;
        Ok(kept)
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
