//! Pages in sled, with its dangers fenced in.
//!
//! sled 0.34.7 survives being killed, but it panics on damaged files, its `flush` does not reach the drive on
//! Linux, and opening repairs by throwing away. So every call runs inside [`shielded`], `sync` follows each
//! flush with an `fdatasync` of sled's file through a handle of our own, and a store that was not closed
//! cleanly, or changed since, is probed on a copy before it is opened.

use std::cell::Cell;
use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use engine_runtime::ports::JournalError;

use crate::disk::{self, Durable};
use crate::marker;
use crate::probe;

/// The folder of the store inside a journal's folder.
pub(crate) const STORE: &str = "store";

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

/// Why a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To make a new one.
    Create,
    /// To add to one.
    Append,
    /// To read from one.
    Read,
    /// To look at a copy that is thrown away afterwards.
    Inspect,
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

/// An open store. The last clone closes it and notes what it looks like closed.
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
    purpose: Purpose,
    /// Bytes of pages read and written since it was opened.
    moved: AtomicUsize,
}

impl SledStore {
    /// Makes a new store inside the journal folder `dir`.
    pub(crate) fn create(dir: &Path, layout: Layout) -> Result<Self, JournalError> {
        let path = dir.join(STORE);
        std::fs::create_dir_all(&path).map_err(|error| disk::io_error("create", &path, error))?;
        let store = Self::open_unchecked(dir, layout, Purpose::Create)?;
        store.inner.data.sync()?;
        disk::sync_directory(&path)?;
        disk::sync_directory(dir)?;
        Ok(store)
    }

    /// Opens the store inside the journal folder `dir`. When it was not closed cleanly or has changed since, a
    /// copy must open and satisfy `expected` first, because opening may destroy what is damaged.
    pub(crate) fn open(
        dir: &Path,
        layout: Layout,
        purpose: Purpose,
        expected: impl Fn(&Self) -> Result<(), JournalError>,
    ) -> Result<Self, JournalError> {
        if is_suspect(dir)? {
            let copy = probe::StoreCopy::make(dir, layout)?;
            expected(copy.store()?)?;
        }
        if purpose == Purpose::Append {
            marker::remove(dir)?;
        }
        Self::open_unchecked(dir, layout, purpose)
    }

    pub(crate) fn open_unchecked(dir: &Path, layout: Layout, purpose: Purpose) -> Result<Self, JournalError> {
        let path = dir.join(STORE);
        let db = open_db(&path, layout, purpose)?;
        let data_path = path.join("db");
        let data = File::open(&data_path).map_err(|error| disk::io_error("open", &data_path, error))?;
        let data = Durable::new(data, &data_path);
        let (dir, moved) = (dir.to_path_buf(), AtomicUsize::new(0));
        Ok(Self { inner: Arc::new(Inner { db: Some(db), data, dir, layout, purpose, moved }) })
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
    /// A failure here only makes the next opening slower and more careful: there is no marker then.
    fn drop(&mut self) {
        let path = self.dir.join(STORE);
        let Some(db) = self.db.take() else { return };
        let closed = close(&path, db).and_then(|()| self.data.sync());
        let wanted = self.purpose != Purpose::Inspect && !std::thread::panicking();
        if closed.is_ok() && wanted && self.settle(&path).is_ok() {
            let _ = marker::write(&self.dir);
        }
    }
}

impl Inner {
    /// The first opening after writing makes sled write a snapshot of its own; we do it now, so that readers
    /// leave the files as they are.
    fn settle(&self, path: &Path) -> Result<(), JournalError> {
        match self.purpose {
            Purpose::Create | Purpose::Append => close(path, open_db(path, self.layout, Purpose::Read)?),
            Purpose::Read | Purpose::Inspect => Ok(()),
        }
    }
}

fn close(path: &Path, db: sled::Db) -> Result<(), JournalError> {
    shielded(path, || db.flush())?;
    shielded(path, || {
        drop(db);
        Ok(())
    })
}

/// Whether opening the store could show something else than what its last user left.
pub(crate) fn is_suspect(dir: &Path) -> Result<bool, JournalError> {
    let path = dir.join(STORE);
    if !path.join("db").is_file() {
        let reason = format!("it has no {STORE}; run rebuild or import again");
        return Err(JournalError::NotAJournal { path: dir.display().to_string(), reason });
    }
    refuse_if_in_use(&path)?;
    Ok(marker::compare(dir)? != marker::Closed::AsLeft)
}

/// How often, and after how long, a lock is asked for again: a child process that is just being started holds
/// the files of its parent for a moment.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(4);

fn patiently<T>(mut attempt: impl FnMut() -> Result<T, JournalError>) -> Result<T, JournalError> {
    for _ in 1..LOCK_ATTEMPTS {
        match attempt() {
            Err(JournalError::Locked { .. }) => std::thread::sleep(LOCK_PAUSE),
            outcome => return outcome,
        }
    }
    attempt()
}

/// sled takes the same lock; asking first keeps a store in use from being taken for a damaged one.
pub(crate) fn refuse_if_in_use(path: &Path) -> Result<(), JournalError> {
    let data = path.join("db");
    let file = File::open(&data).map_err(|error| disk::io_error("open", &data, error))?;
    patiently(|| match file.try_lock() {
        Ok(()) => file.unlock().map_err(|error| disk::io_error("unlock", &data, error)),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: path.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(disk::io_error("lock", &data, error)),
    })
}

pub(crate) fn open_db(path: &Path, layout: Layout, purpose: Purpose) -> Result<sled::Db, JournalError> {
    let config = sled::Config::new()
        .path(path)
        .segment_size(layout.segment_bytes)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None)
        .use_compression(false);
    let db = patiently(|| shielded(path, || config.open()))?;
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

    pub(crate) fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), JournalError> {
        shielded(&self.path, || self.tree.insert(key, value)).map(|_| ())
    }

    pub(crate) fn remove(&self, key: &[u8]) -> Result<(), JournalError> {
        shielded(&self.path, || self.tree.remove(key)).map(|_| ())
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, JournalError> {
        shielded(&self.path, || self.tree.get(key))
    }

    pub(crate) fn contains(&self, key: &[u8]) -> Result<bool, JournalError> {
        shielded(&self.path, || self.tree.contains_key(key))
    }

    /// The last key and its value.
    pub(crate) fn last_before(&self, key: &[u8]) -> Result<Option<(sled::IVec, sled::IVec)>, JournalError> {
        shielded(&self.path, || self.tree.range(..key).next_back().transpose())
    }

    /// Removes every key from `key` on.
    pub(crate) fn cut_from(&self, key: &[u8]) -> Result<(), JournalError> {
        let next = || shielded(&self.path, || self.tree.range(key..).keys().next().transpose());
        while let Some(found) = next()? {
            shielded(&self.path, || self.tree.remove(&found))?;
        }
        Ok(())
    }

    /// All keys and values, in order.
    pub(crate) fn entries(&self) -> Result<Vec<(Vec<u8>, sled::IVec)>, JournalError> {
        shielded(&self.path, || {
            self.tree.iter().map(|entry| entry.map(|(key, value)| (key.to_vec(), value))).collect()
        })
    }
}
