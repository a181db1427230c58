//! Pages in one tree of sled, by their place in the chain: 1, 2, 3 …
//!
//! Two habits of sled would cost more than everything else, and are worked around here:
//!
//! - A leaf is split when it holds more than 16 values, and both halves are written again with all they hold, so
//!   that pages appended one by one are written three times. Therefore keys are *placed* ahead of the pages with
//!   empty values: leaves split while they are empty, and each page is then written once.
//! - The cache looks at its size only after 64 accesses to one of its 256 shards, so a scan would keep gigabytes.
//!   Therefore, once a store has moved as much as the cache holds anyway, each page read or written is followed
//!   by a few cheap accesses in proportion to its size.

use engine_runtime::ports::JournalError;

use crate::page;
use crate::sled_store::{SledStore, SledTree};

/// Keys placed at a time.
const PLACED_AT_ONCE: u64 = 64;
/// Placed keys left when more are placed; more than a leaf holds, so that none splits with pages in it.
const PLACED_AT_LEAST: u64 = 24;
/// Bytes read or written for each access that the cache must see.
const BYTES_PER_ACCESS: usize = 4096;
/// Accesses made at a time.
const ACCESSES_AT_ONCE: usize = 64;

/// Lets the cache see that time has passed.
#[derive(Debug, Clone, Copy, Default)]
struct Relief {
    bytes: usize,
}

impl Relief {
    fn moved(&mut self, tree: &SledTree, key: &[u8], bytes: usize) -> Result<(), JournalError> {
        if !tree.store().fills_cache(bytes) {
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= ACCESSES_AT_ONCE * BYTES_PER_ACCESS {
            for _ in 0..self.bytes / BYTES_PER_ACCESS {
                tree.contains(key)?;
            }
            self.bytes = 0;
        }
        Ok(())
    }
}

/// Appends pages.
#[derive(Debug)]
pub(crate) struct PageWriter {
    tree: SledTree,
    pages: u64,
    placed: u64,
    relief: Relief,
}

impl PageWriter {
    /// Continues behind the first `pages` pages; what lies behind them is cut off.
    pub(crate) fn open(tree: SledTree, pages: u64) -> Result<Self, JournalError> {
        tree.cut_from(&pages.saturating_add(1).to_be_bytes())?;
        Ok(Self { tree, pages, placed: pages, relief: Relief::default() })
    }

    pub(crate) fn append(&mut self, page: &[u8]) -> Result<(), JournalError> {
        self.pages = self.pages.saturating_add(1);
        if self.placed < self.pages.saturating_add(PLACED_AT_LEAST) {
            let until = self.placed.saturating_add(PLACED_AT_ONCE);
            (self.placed + 1..=until).try_for_each(|place| self.tree.insert(&place.to_be_bytes(), &[]))?;
            self.placed = until;
        }
        let key = self.pages.to_be_bytes();
        self.tree.insert(&key, page)?;
        self.relief.moved(&self.tree, &key, page.len())
    }

    /// Number of pages.
    pub(crate) const fn pages(&self) -> u64 {
        self.pages
    }

    pub(crate) const fn tree(&self) -> &SledTree {
        &self.tree
    }

    /// The store, once nothing is to be added.
    pub(crate) fn into_store(self) -> SledStore {
        self.tree.into_store()
    }

    /// Takes everything behind the first `pages` pages away, placed keys too.
    pub(crate) fn cut(&mut self, pages: u64) -> Result<(), JournalError> {
        self.tree.cut_from(&pages.saturating_add(1).to_be_bytes())?;
        (self.pages, self.placed) = (pages, pages);
        Ok(())
    }
}

/// The page at `place`; `None` where there is none or only a placed key.
pub(crate) fn page_at(tree: &SledTree, place: u64) -> Result<Option<sled::IVec>, JournalError> {
    Ok(tree.get(&place.to_be_bytes())?.filter(|page| !page.is_empty()))
}

/// The place of the page that holds record `seq`, among the first `pages`; the nearest place when none does.
/// Headers are read unchecked: whoever reads the page checks it.
pub(crate) fn place_of(tree: &SledTree, seq: u64, pages: u64) -> Result<u64, JournalError> {
    let (mut low, mut high) = (1, pages.max(1));
    while low < high {
        let middle = low.midpoint(high.saturating_add(1));
        let header = page_at(tree, middle)?.and_then(|page| page::header(&page).ok());
        if header.is_some_and(|header| header.first_seq <= seq) {
            low = middle
        } else {
            high = middle.saturating_sub(1)
        }
    }
    Ok(low)
}
