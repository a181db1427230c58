//! A new store in the place of the old one.
//!
//! What is whole of a journal is written to a new store beside the one it has, which then takes its place:
//!
//! ```text
//! 1  store.new/store is written and closed
//! 2  store            becomes store.new/old
//! 3  store.new/store  becomes store
//! 4  store.new goes; in a rebuild once the marker and the index are written
//! ```
//!
//! Between 2 and 3 there is no `store`; readers then take the new one where it lies, and the next writer goes on with 3.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::disk;
use crate::journal_folder::{FRESH, OLD, STORE, place_of_store};
use crate::marker;
use crate::page_index;
use crate::page_place::PagePlace;
use crate::page_tree::PageWriter;
use crate::page_view::PageFiles;
use crate::sled_store::{Layout, SledStore};

/// Brings a change of stores to its end that was cut short, and removes what is left of one.
pub(crate) fn clear(dir: &Path) -> Result<(), JournalError> {
    let (store, found) = (dir.join(STORE), place_of_store(dir));
    if found != store {
        disk::rename(&found, &store).map_err(|error| disk::io_error("rename", &found, error))?;
        disk::sync_directory(dir)?;
    }
    let new = dir.join(FRESH);
    match disk::remove_all(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(disk::io_error("remove", &new, error))
        }
        _ => Ok(()),
    }
}

/// A new store beside the old one.
#[derive(Debug)]
pub(crate) struct NewStore {
    dir: PathBuf,
}

/// A store that was replaced.
#[derive(Debug)]
pub(crate) struct Replaced {
    /// Where it lies; `None` when there was none.
    store: Option<PathBuf>,
    folder: PathBuf,
}

impl NewStore {
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
        let new = folder.join(STORE);
        marker::remove(&self.dir)?;
        page_index::remove(&self.dir)?;
        let (had, old) = (store.exists(), folder.join(OLD));
        if had {
            disk::rename(&store, &old).map_err(|error| disk::io_error("rename", &store, error))?;
        }
        disk::rename(&new, &store).map_err(|error| disk::io_error("rename", &new, error))?;
        disk::sync_directory(&self.dir)?;
        Ok(Replaced { store: had.then_some(old), folder })
    }
}

impl Replaced {
    /// Removes the old store: everything in it is in the new one.
    pub(crate) fn discard(self) {
        // What cannot be removed is only in the way, and goes with the next attempt.
        let _ = disk::remove_all(&self.folder);
    }

    /// Keeps the old store as `aside`; answers whether there was one. What is left then, to be discarded, says that the
    /// notes of the store were removed for this change and may not be there yet.
    pub(crate) fn keep_as(&mut self, aside: &Path) -> Result<bool, JournalError> {
        let Some(store) = self.store.take() else { return Ok(false) };
        disk::rename(&store, aside).map_err(|error| disk::io_error("rename", &store, error))?;
        Ok(true)
    }
}
