//! Opening a store for writing without letting sled repair it.
//!
//! sled may open what it closed itself and nobody has changed since. Of any other store the pages are read by a view,
//! and what is whole becomes a new store in its place.

use std::io::ErrorKind;
use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::closing;
use crate::disk;
use crate::journal_folder::STORE;
use crate::marker::{self, Closed};
use crate::new_store::{NewStore, clear};
use crate::page_place::{Holder, PagePlace};
use crate::page_view::Chains;
use crate::sled_store::{Layout, Ownership, SledStore};
use crate::writer_lock::WriterLock;

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
    let ownership = Ownership::new(lock, closing::after_close);
    names_last(dir)?;
    clear(dir)?;
    if !dir.join(STORE).exists() {
        return SledStore::create(dir, layout, Some(ownership));
    }
    let found = chains.all();
    let in_store = |places: &Vec<PagePlace>| places.iter().all(|place| place.holder == Holder::Store);
    if marker::compare(dir)? == Closed::AsLeft && found.values().all(in_store) {
        drop(chains);
        return SledStore::open(dir, layout, ownership);
    }
    let new = NewStore::make(dir, layout, &chains.files, &found)?;
    drop(chains);
    new.take_place()?.discard();
    SledStore::open(dir, layout, ownership)
}

/// Makes the names last that a writer may have left when it was killed, or when the disk refused it: whatever is added from here
/// on relies on them.
fn names_last(dir: &Path) -> Result<(), JournalError> {
    disk::sync_directory(dir)?;
    match dir.parent().map_or(Ok(()), disk::sync_directory) {
        // Whoever may not look at the folder has not made the journal's name in it.
        Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

#[cfg(test)]
mod tests;
