//! The last step of every writer: where the pages of the closed store lie, and what its files look like.

use std::collections::BTreeMap;
use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::disk;
use crate::heads::Heads;
use crate::marker;
use crate::page_index::{self, PageIndex};
use crate::page_view::{Chains, PageFiles};
use crate::run::HEAD_FILE;

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
