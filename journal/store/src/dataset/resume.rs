//! Taking up a series where its committed head left it.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::damaged;
use crate::chain::{DIGEST_BLOCK, StreamDigest};
use crate::page::{self, PageFault};
use crate::page_tree;
use crate::record::{FlatRows, Record};
use crate::series::SeriesEntry;
use crate::sled_store::SledTree;
use crate::upcast;

/// The running digest at the committed head, from the last page and the records since the last full block.
pub(super) fn digest_at_head<R: Record>(
    tree: &SledTree,
    entry: &SeriesEntry,
    dir: &Path,
) -> Result<StreamDigest, JournalError> {
    let count = entry.head.count;
    if count == 0 {
        return Ok(StreamDigest::new(entry.info.digest_start()));
    }
    let name = entry.info.name();
    let fault = |fault: PageFault| damaged(dir, &name, count, &fault);
    let last = page_tree::page_at(tree, entry.pages)?.ok_or_else(|| fault(PageFault::NotAPage))?;
    let (header, link) = page::open(&last).map_err(fault)?;
    if link != entry.head.link || header.last_seq() != count {
        return Err(damaged(
            dir,
            &name,
            header.first_seq,
            &"the last page is not the one that was committed",
        ));
    }
    let whole = count / DIGEST_BLOCK * DIGEST_BLOCK;
    let mut digest = StreamDigest::resumed(whole, header.block);
    let mut place = page_tree::place_of(tree, whole.saturating_add(1), entry.pages)?;
    while digest.count() < count {
        let next = digest.count().saturating_add(1);
        let fault = |fault: PageFault| damaged(dir, &name, next, &fault);
        let bytes = page_tree::page_at(tree, place)?.ok_or_else(|| fault(PageFault::NotAPage))?;
        place = place.saturating_add(1);
        let (header, _) = page::open(&bytes).map_err(fault)?;
        let skipped = usize::try_from(next.saturating_sub(header.first_seq)).unwrap_or(usize::MAX);
        let mut records = Vec::<R>::new();
        upcast::records(&bytes, &header, &mut records).map_err(fault)?;
        records.drain(..skipped.min(records.len()));
        let mut flat = FlatRows::default();
        R::flatten(&records, &mut flat);
        flat.add_to(&mut digest);
    }
    if digest.value() != entry.head.digest {
        return Err(damaged(dir, &name, count, &PageFault::Digest));
    }
    Ok(digest)
}
