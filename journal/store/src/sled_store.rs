//! Pages in sled, with its dangers fenced in.
//!
//! sled 0.34.7 survives being killed, but it panics on damaged files, its `flush` does not reach the drive on
//! Linux, and opening repairs by throwing away. So every call runs inside [`shielded`], `sync` follows each
//! flush with an `fdatasync` of sled's file through a handle of our own, and sled opens only what it made new or
//! closed itself and nobody has changed since; see the opening module. Readers never open it.

use std::cell::Cell;
use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use engine_runtime::ports::JournalError;

use crate::disk::{self, Durable};
use crate::journal_folder::STORE;
use crate::marker;
use crate::page_index;
use crate::writer_lock::{WriterLock, retry_locked};

/// How a store is laid out in memory and on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes of a segment of sled's log. A leaf of the tree, about eight pages, must stay under a quarter of it,
    /// or sled puts it into a file that it never syncs.
    pub(crate) segment_bytes: usize,
}

impl Layout {
    /// For pages of up to 16 KiB.
    pub(crate) const RUN: Self = Self { segment_bytes: 2 << 20 };
    /// For pages of up to 64 KiB.
    pub(crate) const DATASET: Self = Self { segment_bytes: 8 << 20 };
}

/// sled keeps one leaf for each of 256 shards at least; this asks for no more.
const CACHE_BYTES: u64 = 16 << 20;
/// Bytes moved before anything can be asked to leave the cache: fewer than one leaf for each shard.
const CACHE_FLOOR_BYTES: usize = 48 << 20;

/// What is done in a journal's folder once its store is closed; the flag says whether pages in it were rolled back.
pub(crate) type AfterClose = fn(&Path, Layout, bool) -> Result<(), JournalError>;

/// How a journal has its store.
#[derive(Debug)]
pub(crate) struct Ownership {
    /// Kept until everything is closed.
    _lock: WriterLock,
    after_close: AfterClose,
}

impl Ownership {
    /// Whoever holds `lock` has the store; `after_close` is called once the store is closed.
    pub(crate) const fn new(lock: WriterLock, after_close: AfterClose) -> Self {
        Self { _lock: lock, after_close }
    }
}

/// Why a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To make a new one.
    Create,
    /// To add to one.
    Append,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call into sled; a panic becomes an error and prints nothing.
pub(crate) fn shielded<T>(path: &Path, call: impl FnOnce() -> sled::Result<T>) -> Result<T, JournalError> {
    silence_expected_panics();
    let before = QUIET.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    QUIET.set(before);
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(store_error(path, error)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message");
            let reason = format!("it gave up on damaged files: {text}; run verify, then rebuild");
            Err(JournalError::Store { path: path.display().to_string(), reason })
        }
    }
}

/// Keeps the message of a panic inside sled, which we turn into an error, off the terminal.
fn silence_expected_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let ours = std::thread::current().name().is_some_and(|name| name.starts_with("sled"));
            if !ours && !QUIET.get() {
                usual(info);
            }
        }));
    });
}

fn in_use(path: &Path) -> JournalError {
    let reason = "it is in use while it is being closed".to_owned();
    JournalError::Store { path: path.display().to_string(), reason }
}

fn store_error(path: &Path, error: sled::Error) -> JournalError {
    let path_text = path.display().to_string();
    match error {
        sled::Error::Io(source) if source.to_string().contains("could not acquire lock") => {
            JournalError::Locked { path: path_text }
        }
        sled::Error::Io(source) => disk::io_error("use the store at", path, source),
        sled::Error::Corruption { .. } => JournalError::Store {
            path: path_text,
            reason: "its files are damaged; run verify, then rebuild".into(),
        },
        other @ (sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)) => {
            JournalError::Store { path: path_text, reason: other.to_string() }
        }
    }
}

/// An open store, of which a writer has the only one.
#[derive(Debug, Clone)]
pub(crate) struct SledStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Option<sled::Db>,
    data: Durable,
    dir: PathBuf,
    layout: Layout,
    /// Bytes of pages read and written since it was opened.
    moved: AtomicUsize,
    /// Whether pages in it were rolled back.
    rolled_back: AtomicBool,
    /// Whose it is; nobody's yet while it is made beside its place.
    ownership: Option<Ownership>,
}

impl SledStore {
    /// Makes a new store inside the journal folder `dir`.
    pub(crate) fn create(
        dir: &Path,
        layout: Layout,
        ownership: Option<Ownership>,
    ) -> Result<Self, JournalError> {
        let path = dir.join(STORE);
        disk::make_folders(&path)?;
        let store = Self::open_as(dir, layout, Purpose::Create, ownership)?;
        store.inner.data.sync()?;
        disk::sync_directory(&path)?;
        disk::sync_directory(dir)?;
        Ok(store)
    }

    /// Opens the store inside the journal folder `dir`, which must be as it was closed.
    pub(crate) fn open(dir: &Path, layout: Layout, ownership: Ownership) -> Result<Self, JournalError> {
        refuse_if_in_use(&dir.join(STORE))?;
        marker::remove(dir)?;
        page_index::remove(dir)?;
        Self::open_as(dir, layout, Purpose::Append, Some(ownership))
    }

    fn open_as(
        dir: &Path,
        layout: Layout,
        purpose: Purpose,
        ownership: Option<Ownership>,
    ) -> Result<Self, JournalError> {
        let path = dir.join(STORE);
        let db = open_db(&path, layout, purpose)?;
        let data_path = path.join("db");
        let data = File::open(&data_path).map_err(|error| disk::io_error("open", &data_path, error))?;
        let data = Durable::new(data, &data_path);
        let (dir, moved, rolled_back) = (dir.to_path_buf(), AtomicUsize::new(0), AtomicBool::new(false));
        let inner = Inner { db: Some(db), data, dir, layout, moved, rolled_back, ownership };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Closes the store and notes where its pages lie and what it looks like closed.
    ///
    /// # Errors
    /// What sled or the disk says, and `Store` when somebody has the store still.
    pub(crate) fn close(self) -> Result<(), JournalError> {
        let path = self.path();
        let mut inner = Arc::into_inner(self.inner).ok_or_else(|| in_use(&path))?;
        inner.end()?;
        inner.note()
    }

    /// Notes that pages in it were rolled back: it is made anew without them when it is closed.
    pub(crate) fn has_rolled_back(&self) {
        self.inner.rolled_back.store(true, Ordering::Relaxed);
    }

    /// Closes the store without a note, for one that is not in its place yet.
    pub(crate) fn close_unnoted(self) -> Result<(), JournalError> {
        match Arc::into_inner(self.inner) {
            Some(mut inner) => inner.end(),
            None => Ok(()),
        }
    }

    /// Closes the store without a note, for one that another takes the place of; whose it is, the other will be.
    ///
    /// # Errors
    /// What sled or the disk says, and `Store` when somebody has the store still.
    pub(crate) fn replaced(self) -> Result<Option<Ownership>, JournalError> {
        let path = self.path();
        let mut inner = Arc::into_inner(self.inner).ok_or_else(|| in_use(&path))?;
        inner.end()?;
        Ok(inner.ownership.take())
    }

    /// The tree called `name`, made when it is not there.
    pub(crate) fn tree(&self, name: &str) -> Result<SledTree, JournalError> {
        let path = self.path();
        let tree = shielded(&path, || self.db()?.open_tree(name))?;
        Ok(SledTree { tree, store: self.clone(), path: path.into() })
    }

    fn db(&self) -> sled::Result<&sled::Db> {
        self.inner.db.as_ref().ok_or_else(|| sled::Error::Unsupported("the store is closed".into()))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.inner.dir.join(STORE)
    }

    /// Counts `bytes` of pages as moved; answers whether the cache holds all it should by now.
    pub(crate) fn fills_cache(&self, bytes: usize) -> bool {
        self.inner.moved.fetch_add(bytes, Ordering::Relaxed) >= CACHE_FLOOR_BYTES
    }

    /// Brings everything inserted so far to the drive.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.flush()?;
        self.inner.data.sync()
    }

    /// Hands everything inserted so far to the operating system.
    pub(crate) fn flush(&self) -> Result<(), JournalError> {
        shielded(&self.path(), || self.db()?.flush()).map(|_| ())
    }
}

impl Drop for Inner {
    /// For a writer that ends without closing. Without a note the next opening is only more careful.
    fn drop(&mut self) {
        if self.db.is_some() && self.end().is_ok() && !std::thread::panicking() {
            let _ = self.note();
        }
    }
}

impl Inner {
    fn note(&self) -> Result<(), JournalError> {
        let Some(ownership) = &self.ownership else { return Ok(()) };
        (ownership.after_close)(&self.dir, self.layout, self.rolled_back.load(Ordering::Relaxed))
    }

    fn end(&mut self) -> Result<(), JournalError> {
        let path = self.dir.join(STORE);
        let Some(db) = self.db.take() else { return Ok(()) };
        shielded(&path, || db.flush())?;
        shielded(&path, || {
            drop(db);
            Ok(())
        })?;
        self.data.sync()
    }
}

/// sled takes the same lock; asking first keeps the notes of a store that a reader has.
fn refuse_if_in_use(path: &Path) -> Result<(), JournalError> {
    let data = path.join("db");
    let file = File::open(&data).map_err(|error| disk::io_error("open", &data, error))?;
    retry_locked(|| match file.try_lock() {
        Ok(()) => file.unlock().map_err(|error| disk::io_error("unlock", &data, error)),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: path.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(disk::io_error("lock", &data, error)),
    })
}

fn open_db(path: &Path, layout: Layout, purpose: Purpose) -> Result<sled::Db, JournalError> {
    let config = sled::Config::new()
        .path(path)
        .segment_size(layout.segment_bytes)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None)
        .use_compression(false);
    let db = retry_locked(|| shielded(path, || config.open()))?;
    if purpose != Purpose::Create && !shielded(path, || Ok(db.was_recovered()))? {
        return Err(JournalError::Store {
            path: path.display().to_string(),
            reason: "its files are damaged so that it opens empty; run verify, then rebuild".into(),
        });
    }
    Ok(db)
}

/// One ordered map of the store.
#[derive(Debug, Clone)]
pub(crate) struct SledTree {
    tree: sled::Tree,
    store: SledStore,
    path: Arc<Path>,
}

impl SledTree {
    pub(crate) const fn store(&self) -> &SledStore {
        &self.store
    }

    pub(crate) fn into_store(self) -> SledStore {
        self.store
    }

    pub(crate) fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        shielded(&self.path, || self.tree.insert(key, value)).map(|_| ())
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, JournalError> {
        shielded(&self.path, || self.tree.get(key))
    }

    pub(crate) fn contains(&self, key: &[u8]) -> Result<bool, JournalError> {
        shielded(&self.path, || self.tree.contains_key(key))
    }

    /// Removes every key from `key` on.
    pub(crate) fn cut_from(&self, key: &[u8]) -> Result<(), JournalError> {
        let next = || shielded(&self.path, || self.tree.range(key..).keys().next().transpose());
        while let Some(found) = next()? {
            shielded(&self.path, || self.tree.remove(&found))?;
        }
        Ok(())
    }
}
