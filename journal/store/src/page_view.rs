//! A store read without sled: nothing is opened that opening could change.
//!
//! sled repairs what it opens by throwing away, so nobody who only reads may open it. A view reads the pages where
//! they lie in the store's file, each proven by its link. It needs no more than the right to read, and shares the
//! store with other readers; a writer has it alone.

use std::collections::BTreeMap;
use std::fs::TryLockError;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine_runtime::ports::JournalError;

use crate::chain::{ChainHead, Hash};
use crate::disk;
use crate::journal_folder::{self, PAGE_LOG};
use crate::page::{self, PageFault, PageHeader};
use crate::page_index::{self, FoundIndex, PageIndex};
use crate::page_log;
use crate::page_place::{Holder, PageFile, PagePlace};
use crate::page_pool::{FoundChain, PagePool, Wanted};
use crate::segments::{Segments, Standing};
use crate::writer_lock::retry_locked;

/// The file of sled that holds the pages.
pub(crate) const STORE_FILE: &str = "db";

/// The files of a journal that hold pages, open for reading.
#[derive(Debug, Default)]
pub(crate) struct PageFiles {
    store: Option<PageFile>,
    logs: Vec<PageFile>,
    /// Whether pages count that lie in the torn end of a log, whole though they may be.
    takes_torn: bool,
    segments: Segments,
    searched: Mutex<Option<Arc<PagePool>>>,
    read: AtomicU64,
}

impl PageFiles {
    /// Opens what there is in the journal folder `dir`, and keeps writers out as long as it is open.
    ///
    /// # Errors
    /// `Locked` while a writer has the store, `Io` when a file cannot be read.
    pub(crate) fn open(dir: &Path) -> Result<Self, JournalError> {
        Self::behind(dir, Segments::open(dir)?)
    }

    /// Like [`PageFiles::open`], with these segments before what is open.
    pub(crate) fn behind(dir: &Path, segments: Segments) -> Result<Self, JournalError> {
        let path = journal_folder::place_of_store(dir);
        let store = PageFile::open(&path.join(STORE_FILE))?;
        if let Some(store) = &store {
            retry_locked(|| match store.file().try_lock_shared() {
                Ok(()) => Ok(()),
                Err(TryLockError::WouldBlock) => {
                    Err(JournalError::Locked { path: path.display().to_string() })
                }
                Err(TryLockError::Error(error)) => Err(disk::io_error("lock", &path, error)),
            })?;
        }
        let logs = PageFile::open(&dir.join(PAGE_LOG))?.into_iter().collect();
        let (searched, read) = (Mutex::default(), AtomicU64::new(0));
        Ok(Self { store, logs, takes_torn: false, segments, searched, read })
    }

    /// For a salvage: every whole page counts, wherever it lies.
    pub(crate) fn with_what_is_torn(mut self) -> Self {
        self.takes_torn = true;
        self
    }

    /// Adds another file of pages.
    pub(crate) fn with(mut self, given: &Path) -> Result<Self, JournalError> {
        self.logs.extend(PageFile::open(given)?);
        Ok(self)
    }

    /// The segments of the run that were put away.
    pub(crate) const fn segments(&self) -> &Segments {
        &self.segments
    }

    pub(crate) fn store_bytes(&self) -> u64 {
        self.store.as_ref().map_or(0, PageFile::len)
    }

    /// Pages read from their places so far.
    pub(crate) fn pages_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(crate) fn has_log(&self) -> bool {
        !self.logs.is_empty()
    }

    /// Every page there is in the store and, when asked for, in the log; sought once.
    pub(crate) fn pool(&self, with_log: bool) -> Result<Arc<PagePool>, JournalError> {
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = searched.as_ref().filter(|_| with_log) {
            return Ok(Arc::clone(pool));
        }
        let mut pool = PagePool::default();
        if let Some(store) = &self.store {
            pool.add(store.find(Holder::Store)?);
        }
        for (number, log) in self.logs.iter().enumerate().filter(|_| with_log) {
            let mut found = log.find(Holder::Log(number))?;
            // The page of an entry of which only the head is torn is whole, and yet was never said to last.
            if let Some(torn) = page_log::torn_at(log.path())?.filter(|_| !self.takes_torn) {
                found.sound.retain(|place| place.offset < torn);
            }
            pool.add(found);
        }
        let pool = Arc::new(pool);
        if with_log {
            *searched = Some(Arc::clone(&pool));
        }
        Ok(pool)
    }

    /// The page at a place, and what checking it by its link says.
    pub(crate) fn page_at(&self, place: &PagePlace) -> Result<StoredPage, JournalError> {
        self.read.fetch_add(1, Ordering::Relaxed);
        let of_file = |file: Option<&PageFile>| {
            file.map_or_else(|| Ok(Vec::new()), |file| file.read(place.offset, place.len))
        };
        let bytes = match place.holder {
            Holder::Store => of_file(self.store.as_ref()),
            Holder::Log(number) => of_file(self.logs.get(number)),
            Holder::Segment(number) => self.segments.read(number, place.offset, place.len),
        }?;
        let opened = page::open(&bytes);
        let opened = match opened {
            Ok((_, link)) if link != place.link => Err(PageFault::Previous),
            other => other,
        };
        Ok(StoredPage { bytes, opened })
    }

    /// The page at a place, or an equal one found elsewhere when that one is damaged.
    pub(crate) fn page_anywhere(&self, place: &PagePlace) -> Result<StoredPage, JournalError> {
        let page = self.page_at(place)?;
        if page.opened.is_ok() {
            return Ok(page);
        }
        match self.pool(true)?.get(&place.link) {
            Some(other) => self.page_at(other),
            None => Ok(page),
        }
    }
}

/// A page as it is stored, and what checking it by its link says.
#[derive(Debug)]
pub(crate) struct StoredPage {
    pub(crate) bytes: Vec<u8>,
    pub(crate) opened: Result<(PageHeader, Hash), PageFault>,
}

/// The chains of a journal as far as they can be found.
#[derive(Debug)]
pub(crate) struct Chains {
    pub(crate) files: Arc<PageFiles>,
    found: BTreeMap<String, FoundChain>,
}

impl Chains {
    /// The chains that are `wanted` of the journal in `dir`: by its index where that reaches their heads, by a
    /// search through its files otherwise. A chain whose end is not known may go on in the page log.
    ///
    /// # Errors
    /// As [`PageFiles::open`].
    pub(crate) fn open(dir: &Path, wanted: &BTreeMap<String, Wanted>) -> Result<Self, JournalError> {
        let files = PageFiles::open(dir)?;
        let index = match page_index::read(dir)? {
            FoundIndex::Sound(index) => index,
            FoundIndex::Nothing | FoundIndex::Damaged => PageIndex::default(),
        };
        Self::of(files, index, wanted, true)
    }

    /// Like [`Chains::open`] with what was opened before.
    pub(crate) fn of(
        files: PageFiles,
        mut index: PageIndex,
        wanted: &BTreeMap<String, Wanted>,
        with_log: bool,
    ) -> Result<Self, JournalError> {
        let (may_go_on, behind) = (files.has_log(), files.segments.ends());
        let mut found = BTreeMap::new();
        let mut pool = None;
        for (name, wanted) in wanted {
            let wanted = Wanted { behind, ..*wanted };
            let places = index.chains.remove(name);
            let places =
                places.filter(|places| begins_behind(places, behind)).filter(|places| match wanted.head {
                    Some(head) => ends_with(places, behind, head),
                    None => !may_go_on,
                });
            let chain = match places {
                Some(places) => FoundChain { whole: places.len(), places },
                None => {
                    let pool = match &pool {
                        Some(pool) => Arc::clone(pool),
                        None => Arc::clone(pool.insert(files.pool(with_log)?)),
                    };
                    pool.chain(wanted)
                }
            };
            found.insert(name.clone(), chain);
        }
        Ok(Self { files: Arc::new(files), found })
    }

    /// The sound pages before the first hole of every chain, by its name.
    pub(crate) fn all(&self) -> BTreeMap<String, Vec<PagePlace>> {
        self.found.iter().map(|(name, chain)| (name.clone(), chain.prefix().to_vec())).collect()
    }

    /// Whether no page of any chain is known to be missing.
    pub(crate) fn are_whole(&self) -> bool {
        self.found.values().all(FoundChain::is_whole)
    }

    pub(crate) fn found(&self, name: &str) -> FoundChain {
        self.found.get(name).cloned().unwrap_or_default()
    }

    /// One chain, open for reading.
    pub(crate) fn view(&self, name: &str) -> ChainView {
        let places = self.found.get(name).map(|chain| chain.places.as_slice()).unwrap_or_default();
        ChainView { files: Arc::clone(&self.files), places: places.into() }
    }
}

/// Whether pages are what goes on behind a head; those of a segment that was put away since are not.
fn begins_behind(places: &[PagePlace], behind: ChainHead) -> bool {
    let first = places.first().map(|first| (first.header.first_seq, first.header.previous));
    first.is_none_or(|first| first == (behind.count.saturating_add(1), behind.link))
}

fn ends_with(places: &[PagePlace], behind: ChainHead, head: ChainHead) -> bool {
    let last = places.last().map(|last| (last.header.last_seq(), last.link));
    last.unwrap_or((behind.count, behind.link)) == (head.count, head.link)
}

/// A chain of pages by their place in it: 1, 2, 3 …; first those of segments that were put away, then the open ones.
#[derive(Debug, Clone)]
pub(crate) struct ChainView {
    files: Arc<PageFiles>,
    places: Arc<[PagePlace]>,
}

impl ChainView {
    /// Where the page at `place` lies.
    pub(crate) fn place(&self, place: u64) -> Option<PagePlace> {
        self.standing(place).map(|standing| standing.place)
    }

    fn standing(&self, place: u64) -> Option<Standing> {
        let before = place.checked_sub(1)?;
        let put_away = self.files.segments.pages();
        let Some(open) = before.checked_sub(put_away) else { return self.files.segments.place(before) };
        let place = self.places.get(usize::try_from(open).ok()?).copied()?;
        Some(Standing { place, next: before.saturating_add(1) })
    }

    /// Pages of all chains of the journal read so far.
    pub(crate) fn pages_read(&self) -> u64 {
        self.files.pages_read()
    }

    /// Number of pages.
    pub(crate) fn len(&self) -> u64 {
        self.files.segments.pages().saturating_add(self.open_len())
    }

    /// Number of pages behind the segments that were put away.
    pub(crate) fn open_len(&self) -> u64 {
        self.places.len() as u64
    }

    /// The segments that were put away.
    pub(crate) fn segments(&self) -> &Segments {
        self.files.segments()
    }

    /// The head that the open pages go on behind.
    pub(crate) fn behind(&self) -> ChainHead {
        self.files.segments.ends()
    }

    /// The last page.
    pub(crate) fn last(&self) -> Option<PagePlace> {
        self.places.last().copied().or_else(|| self.files.segments.last())
    }

    /// The page that lies at the last place.
    pub(crate) fn last_page(&self) -> Result<Option<StoredPage>, JournalError> {
        self.last().map(|last| self.files.page_anywhere(&last)).transpose()
    }

    /// The place of the page that holds record `seq`; the nearest place when none does.
    pub(crate) fn place_of(&self, seq: u64) -> u64 {
        self.last_place(|header| header.first_seq <= seq)
    }

    /// The last place whose header is `early` (all before it are, none behind it is); the first when none is.
    pub(crate) fn last_place(&self, early: impl Fn(&PageHeader) -> bool) -> u64 {
        let open = self.places.partition_point(|place| early(&place.header)) as u64;
        let place = match open {
            0 => self.files.segments.last_place(early),
            _ => self.files.segments.pages().saturating_add(open),
        };
        place.max(1)
    }

    /// The pages from `place` on.
    pub(crate) fn pages_from(&self, place: u64) -> StoredPages {
        StoredPages { chain: self.clone(), next: place }
    }
}

/// Pages in the order of their chain, each with what checking it says.
#[derive(Debug)]
pub(crate) struct StoredPages {
    chain: ChainView,
    next: u64,
}

impl StoredPages {
    /// The next page; one that is damaged where it lies is looked for elsewhere.
    ///
    /// # Errors
    /// `Damaged` for a segment that cannot be read; otherwise what the disk says.
    pub(crate) fn next_page(&mut self) -> Result<Option<StoredPage>, JournalError> {
        let Some(place) = self.next_place() else { return Ok(None) };
        match place.holder {
            Holder::Segment(index) if place.len == 0 => Err(self.chain.files.segments.fault(index)),
            Holder::Store | Holder::Log(_) | Holder::Segment(_) => {
                self.chain.files.page_anywhere(&place).map(Some)
            }
        }
    }

    /// The next page as it lies at its place, and that place.
    pub(crate) fn next_in_place(&mut self) -> Result<Option<(PagePlace, StoredPage)>, JournalError> {
        let Some(place) = self.next_place() else { return Ok(None) };
        Ok(Some((place, self.chain.files.page_at(&place)?)))
    }

    fn next_place(&mut self) -> Option<PagePlace> {
        let Standing { place, next } = self.chain.standing(self.next)?;
        self.next = next.saturating_add(1);
        Some(place)
    }
}
