//! The last step of every writer: where the pages of the closed store lie, and what its files look like.

use std::collections::BTreeMap;
use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::disk;
use crate::heads::Heads;
use crate::journal_folder::HEAD_FILE;
use crate::marker;
use crate::new_store::NewStore;
use crate::page_index::{self, PageIndex};
use crate::page_view::{Chains, PageFiles};
use crate::sled_store::Layout;

/// Notes how the store of the journal in `dir` looks closed. The index goes first: a store that is marked as closed
/// has been read once from end to end.
///
/// # Errors
/// What the disk says. The journal is whole without the note; the next opening reads more of it.
pub(crate) fn note(dir: &Path) -> Result<(), JournalError> {
    let path = dir.join(HEAD_FILE);
    let head = std::fs::read(&path).map_err(|error| disk::io_error("read", &path, error))?;
    let wanted = Heads::read(dir)?.map(|heads| heads.wanted()).unwrap_or_default();
    let files = PageFiles::open(dir)?;
    let store_bytes = files.store_bytes();
    let chains = Chains::of(files, PageIndex::default(), &wanted, false)?;
    let found: BTreeMap<_, _> = wanted.keys().map(|name| (name.clone(), chains.found(name))).collect();
    if found.values().all(|chain| chain.is_whole()) {
        let chains = found.into_iter().map(|(name, chain)| (name, chain.places)).collect();
        page_index::write(dir, &PageIndex { store_bytes, head, chains })?;
    }
    marker::write(dir)
}

/// What every writer does once its store is closed. A store of which pages were rolled back is made anew before.
///
/// # Errors
/// As [`note`].
pub(crate) fn after_close(dir: &Path, layout: Layout, rolled_back: bool) -> Result<(), JournalError> {
    if rolled_back {
        renew(dir, layout)?;
    }
    note(dir)
}

/// Makes the closed store of the journal in `dir` anew from what its head commits to.
fn renew(dir: &Path, layout: Layout) -> Result<(), JournalError> {
    let wanted = Heads::read(dir)?.map(|heads| heads.wanted()).unwrap_or_default();
    let chains = Chains::open(dir, &wanted)?;
    if !chains.are_whole() {
        // That is for rebuild, which says what is lost.
        return Ok(());
    }
    let new = NewStore::make(dir, layout, &chains.files, &chains.all())?;
    drop(chains);
    new.take_place()?.discard();
    Ok(())
}
