//! The records that an interrupted import had sealed behind the committed head, for the import that goes on.

use std::collections::VecDeque;

use engine_runtime::ports::JournalError;

use crate::page::{self, PageFault};
use crate::page_tree;
use crate::record::Record;
use crate::sled_store::SledTree;
use crate::upcast;

/// Sealed records in their order, read page by page.
#[derive(Debug)]
pub(super) struct SealedRecords<R> {
    /// The next page.
    place: u64,
    /// The last page.
    last: u64,
    records: VecDeque<R>,
}

impl<R: Record> SealedRecords<R> {
    /// Those behind the first `committed` pages, up to page `last`.
    pub(super) const fn new(committed: u64, last: u64) -> Self {
        Self { place: committed.saturating_add(1), last, records: VecDeque::new() }
    }

    /// The next record; `None` behind the last.
    ///
    /// # Errors
    /// A page that is not there or not as it was sealed.
    pub(super) fn next(&mut self, tree: &SledTree) -> Result<Option<R>, PageFault> {
        while self.records.is_empty() && self.place <= self.last {
            let read = |_: JournalError| PageFault::NotAPage;
            let bytes = page_tree::page_at(tree, self.place).map_err(read)?.ok_or(PageFault::NotAPage)?;
            let (header, _) = page::open(&bytes)?;
            let mut records = Vec::new();
            upcast::records(&bytes, &header, &mut records)?;
            self.records = records.into();
            self.place = self.place.saturating_add(1);
        }
        Ok(self.records.pop_front())
    }
}
