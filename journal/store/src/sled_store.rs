//! Pages in sled, with its dangers fenced in.
//!
//! sled 0.34.7 survives being killed, but it panics on damaged files, its `flush` does not reach the drive on
//! Linux, and opening repairs by throwing away. So every call runs inside [`shielded`], `sync` follows each
//! flush with an `fdatasync` of sled's file through a handle of our own, and a store that was not closed
//! cleanly, or changed since, is probed on a copy before it is opened.

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use engine_runtime::ports::JournalError;

use crate::disk::{self, Durable};
use crate::marker;
use crate::probe;

/// The folder of the store inside a journal's folder.
pub(crate) const STORE: &str = "store";

/// How a store is laid out in memory and on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes of a segment of sled's log. Values must stay under about a fortieth of it, or sled puts them into
    /// files that it never syncs.
    pub(crate) segment_bytes: usize,
    /// Bytes of sled's cache.
    pub(crate) cache_bytes: u64,
}

impl Layout {
    /// For pages of up to 8 KiB.
    pub(crate) const RUN: Self = Self { segment_bytes: 512 * 1024, cache_bytes: 64 << 20 };
    /// For pages of up to 64 KiB.
    pub(crate) const DATASET: Self = Self { segment_bytes: 8 << 20, cache_bytes: 64 << 20 };
}

/// Why a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To make a new one.
    Create,
    /// To add to one.
    Append,
    /// To read from one.
    Read,
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
    purpose: Purpose,
}

impl SledStore {
    /// Opens the store inside the journal folder `dir`.
    pub(crate) fn open(dir: &Path, layout: Layout, purpose: Purpose) -> Result<Self, JournalError> {
        let path = dir.join(STORE);
        if purpose == Purpose::Create {
            std::fs::create_dir_all(&path).map_err(|error| disk::io_error("create", &path, error))?;
        } else {
            check_before_opening(dir, layout)?;
        }
        let db = open_db(&path, layout, purpose)?;
        if purpose != Purpose::Read {
            marker::remove(dir)?;
        }
        let data_path = path.join("db");
        let data = File::open(&data_path).map_err(|error| disk::io_error("open", &data_path, error))?;
        let data = Durable::new(data, &data_path);
        if purpose == Purpose::Create {
            data.sync()?;
            disk::sync_directory(&path)?;
            disk::sync_directory(dir)?;
        }
        Ok(Self { inner: Arc::new(Inner { db: Some(db), data, dir: dir.to_path_buf(), purpose }) })
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
    fn drop(&mut self) {
        let path = self.dir.join(STORE);
        let Some(db) = self.db.take() else { return };
        let flushed = shielded(&path, || db.flush()).is_ok();
        let closed = shielded(&path, || {
            drop(db);
            Ok(())
        });
        if flushed && closed.is_ok() && self.data.sync().is_ok() && !std::thread::panicking() {
            // Without the marker the next opening is only slower and more careful.
            let _ = marker::write(&self.dir, self.purpose);
        }
    }
}

fn check_before_opening(dir: &Path, layout: Layout) -> Result<(), JournalError> {
    let path = dir.join(STORE);
    if !path.join("db").is_file() {
        let reason = format!("no journal store in {STORE}; run rebuild or import again");
        return Err(JournalError::NotAJournal { path: dir.display().to_string(), reason });
    }
    refuse_if_in_use(&path)?;
    match marker::compare(dir)? {
        marker::Closed::AsLeft => Ok(()),
        marker::Closed::Otherwise => probe::check_copy(dir, layout),
    }
}

/// sled takes the same lock; asking first keeps a store in use from being taken for a damaged one.
fn refuse_if_in_use(path: &Path) -> Result<(), JournalError> {
    let data = path.join("db");
    let file = File::open(&data).map_err(|error| disk::io_error("open", &data, error))?;
    match file.try_lock() {
        Ok(()) => file.unlock().map_err(|error| disk::io_error("unlock", &data, error)),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(JournalError::Locked { path: path.display().to_string() })
        }
        Err(std::fs::TryLockError::Error(error)) => Err(disk::io_error("lock", &data, error)),
    }
}

pub(crate) fn open_db(path: &Path, layout: Layout, purpose: Purpose) -> Result<sled::Db, JournalError> {
    let config = sled::Config::new()
        .path(path)
        .segment_size(layout.segment_bytes)
        .cache_capacity(layout.cache_bytes)
        .flush_every_ms(None)
        .use_compression(false);
    let db = shielded(path, || config.open())?;
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

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, JournalError> {
        shielded(&self.path, || self.tree.get(key))
    }

    /// Stores a page under the number of its first record.
    pub(crate) fn insert_page(&self, first_seq: u64, page: &[u8]) -> Result<(), JournalError> {
        self.insert(&first_seq.to_be_bytes(), page)
    }

    /// The page with the largest first record at or before `seq`.
    pub(crate) fn page_at(&self, seq: u64) -> Result<Option<(u64, sled::IVec)>, JournalError> {
        let entry =
            shielded(&self.path, || self.tree.range(..=seq.to_be_bytes().as_slice()).next_back().transpose())?;
        entry.map(|(key, page)| Ok((self.page_key(&key)?, page))).transpose()
    }

    /// Removes every page whose first record is `seq` or later; answers how many.
    pub(crate) fn cut_from(&self, seq: u64) -> Result<u64, JournalError> {
        let mut removed = 0_u64;
        loop {
            let key = shielded(&self.path, || {
                let next = self.tree.range(seq.to_be_bytes().as_slice()..).keys().next().transpose()?;
                next.map_or(Ok(None), |key| self.tree.remove(&key).map(|_| Some(())))
            })?;
            if key.is_none() {
                return Ok(removed);
            }
            removed = removed.saturating_add(1);
        }
    }

    /// The pages whose first record is `seq` or later, in order.
    pub(crate) fn pages_from(&self, seq: u64) -> StoredPages {
        StoredPages { iter: self.tree.range(seq.to_be_bytes().as_slice()..), tree: self.clone() }
    }

    /// All keys and values, in order.
    pub(crate) fn entries(&self) -> Result<Vec<(Vec<u8>, sled::IVec)>, JournalError> {
        shielded(&self.path, || {
            self.tree.iter().map(|entry| entry.map(|(key, value)| (key.to_vec(), value))).collect()
        })
    }

    fn page_key(&self, key: &[u8]) -> Result<u64, JournalError> {
        let number = key.try_into().map(u64::from_be_bytes);
        number.map_err(|_| JournalError::Store {
            path: self.path.display().to_string(),
            reason: "a page has a key that is no number; run verify, then rebuild".into(),
        })
    }
}

/// Pages as the store gives them, unchecked.
pub(crate) struct StoredPages {
    iter: sled::Iter,
    tree: SledTree,
}

impl core::fmt::Debug for StoredPages {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("StoredPages").field("path", &self.tree.path).finish_non_exhaustive()
    }
}

impl StoredPages {
    pub(crate) fn next_page(&mut self) -> Result<Option<(u64, sled::IVec)>, JournalError> {
        let iter = &mut self.iter;
        let entry = shielded(&self.tree.path, || iter.next().transpose())?;
        entry.map(|(key, page)| Ok((self.tree.page_key(&key)?, page))).transpose()
    }
}
