//! Opening a store for writing without letting sled repair it.
//!
//! sled may open what it closed itself and nobody has changed since. Of any other store the pages are read by a view,
//! and what is whole is written to a new store beside it, which then takes its place:
//!
//! ```text
//! 1  store.new/store is written and closed
//! 2  store            becomes store.new/old
//! 3  store.new/store  becomes store
//! 4  store.new goes
//! ```
//!
//! Between 2 and 3 there is no `store`; readers then take the new one where it lies, and the next writer goes on with 3.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::birth::WriterLock;
use crate::disk;
use crate::heads::Heads;
use crate::marker::{self, Closed};
use crate::page_index;
use crate::page_place::{Holder, PagePlace};
use crate::page_tree::PageWriter;
use crate::page_view::{Chains, PageFiles};
use crate::sled_store::{Layout, STORE, SledStore};

/// The folder in which a new store is made.
const FRESH: &str = "store.new";
/// The name of the old store in that folder.
const OLD: &str = "old";

/// Where the store of the journal in `dir` lies.
pub(crate) fn place_of_store(dir: &Path) -> PathBuf {
    let (store, fresh) = (dir.join(STORE), dir.join(FRESH));
    let between = !store.exists() && fresh.join(OLD).exists();
    if between { fresh.join(STORE) } else { store }
}

/// Opens the store of the journal in `dir` for adding behind `chains`, which must be whole.
///
/// # Errors
/// What the disk or sled says.
pub(crate) fn open_for_writing(
    dir: &Path,
    layout: Layout,
    chains: Chains,
    lock: WriterLock,
) -> Result<SledStore, JournalError> {
    clear(dir)?;
    if !dir.join(STORE).exists() {
        return SledStore::create(dir, layout, Some(lock));
    }
    let found = chains.all();
    let in_store = |places: &Vec<PagePlace>| places.iter().all(|place| place.holder == Holder::Store);
    if marker::compare(dir)? == Closed::AsLeft && found.values().all(in_store) {
        drop(chains);
        return SledStore::open(dir, layout, Some(lock));
    }
    let fresh = Fresh::make(dir, layout, &chains.files, &found)?;
    drop(chains);
    fresh.take_place()?.discard();
    SledStore::open(dir, layout, Some(lock))
}

/// Makes the closed store of the journal in `dir` anew from what its head commits to.
pub(crate) fn renew(dir: &Path, layout: Layout) -> Result<(), JournalError> {
    let wanted = Heads::read(dir)?.map(|heads| heads.wanted()).unwrap_or_default();
    let chains = Chains::open(dir, &wanted)?;
    if !chains.are_whole() {
        // That is for rebuild, which says what is lost.
        return Ok(());
    }
    let fresh = Fresh::make(dir, layout, &chains.files, &chains.all())?;
    drop(chains);
    fresh.take_place()?.discard();
    Ok(())
}

/// Brings a change of stores to its end that was cut short, and removes what is left of one.
fn clear(dir: &Path) -> Result<(), JournalError> {
    let (store, found) = (dir.join(STORE), place_of_store(dir));
    if found != store {
        std::fs::rename(&found, &store).map_err(|error| disk::io_error("rename", &found, error))?;
        disk::sync_directory(dir)?;
    }
    let fresh = dir.join(FRESH);
    match std::fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(disk::io_error("remove", &fresh, error))
        }
        _ => Ok(()),
    }
}

/// A new store beside the old one.
#[derive(Debug)]
pub(crate) struct Fresh {
    dir: PathBuf,
}

/// A store that was replaced.
#[derive(Debug)]
pub(crate) struct Replaced {
    /// Where it lies; `None` when there was none.
    store: Option<PathBuf>,
    folder: PathBuf,
}

impl Fresh {
    /// Writes the pages at `places`, by the name of their chain, to a new store in the journal folder `dir`.
    pub(crate) fn make(
        dir: &Path,
        layout: Layout,
        files: &PageFiles,
        places: &BTreeMap<String, Vec<PagePlace>>,
    ) -> Result<Self, JournalError> {
        clear(dir)?;
        let made = Self { dir: dir.to_path_buf() };
        let written = made.write(layout, files, places);
        if written.is_err() {
            // It is in nobody's way, and goes with the next attempt.
            let _ = clear(dir);
        }
        written.map(|()| made)
    }

    fn write(
        &self,
        layout: Layout,
        files: &PageFiles,
        places: &BTreeMap<String, Vec<PagePlace>>,
    ) -> Result<(), JournalError> {
        let store = SledStore::create(&self.dir.join(FRESH), layout, None)?;
        for (name, places) in places {
            let mut writer = PageWriter::open(store.tree(name)?, 0)?;
            for place in places {
                let page = files.page_anywhere(place)?;
                page.opened.map_err(|fault| JournalError::Damaged {
                    path: self.dir.display().to_string(),
                    seq: place.header.first_seq,
                    reason: format!("{fault}; it has changed while it was read"),
                })?;
                writer.append(&page.bytes)?;
            }
            let pages = writer.pages();
            writer.cut(pages)?;
        }
        store.sync()?;
        store.close_unnoted()
    }

    /// Puts the new store in the place of the old one.
    pub(crate) fn take_place(self) -> Result<Replaced, JournalError> {
        let (store, folder) = (self.dir.join(STORE), self.dir.join(FRESH));
        let fresh = folder.join(STORE);
        marker::remove(&self.dir)?;
        page_index::remove(&self.dir)?;
        let (had, old) = (store.exists(), folder.join(OLD));
        if had {
            std::fs::rename(&store, &old).map_err(|error| disk::io_error("rename", &store, error))?;
        }
        std::fs::rename(&fresh, &store).map_err(|error| disk::io_error("rename", &fresh, error))?;
        disk::sync_directory(&self.dir)?;
        Ok(Replaced { store: had.then_some(old), folder })
    }
}

impl Replaced {
    /// Removes the old store: everything in it is in the new one.
    pub(crate) fn discard(self) {
        // What cannot be removed is only in the way, and goes with the next attempt.
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    /// Keeps the old store as `aside`; answers whether there was one.
    pub(crate) fn keep_as(self, aside: &Path) -> Result<bool, JournalError> {
        if let Some(store) = &self.store {
            std::fs::rename(store, aside).map_err(|error| disk::io_error("rename", store, error))?;
        }
        let kept = self.store.is_some();
        self.discard();
        Ok(kept)
    }
}

#[cfg(test)]
mod tests;
