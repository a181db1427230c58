//! Taking up a series where its committed head left it.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::{SeriesEntry, damaged};
use crate::chain::{DIGEST_BLOCK, StreamDigest};
use crate::page::{self, PageFault};
use crate::sled_store::SledTree;

/// The running digest at the committed head, from the last page and the records since the last full block.
pub(super) fn digest_at_head(
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
    let (_, last) = tree.page_at(count)?.ok_or_else(|| fault(PageFault::NotAPage))?;
    let (header, link) = page::open(&last).map_err(fault)?;
    if link != entry.head.link || header.last_seq() != count {
        return Err(damaged(dir, &name, header.first_seq, &"the last page is not the one that was committed"));
    }
    let whole = count / DIGEST_BLOCK * DIGEST_BLOCK;
    let mut digest = StreamDigest::resumed(whole, header.block);
    let size = entry.info.kind.record_bytes();
    let from = tree.page_at(whole.saturating_add(1))?.map_or(1, |(first, _)| first);
    let mut pages = tree.pages_from(from);
    while digest.count() < count {
        let next = digest.count().saturating_add(1);
        let (first, bytes) = pages.next_page()?.ok_or_else(|| damaged(dir, &name, next, &PageFault::NotAPage))?;
        let fault = |fault: PageFault| damaged(dir, &name, first, &fault);
        let (header, _) = page::open(&bytes).map_err(fault)?;
        let skipped = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
        let records = (header.count as usize).saturating_mul(size);
        let records = page::payload(&bytes, &header).get(skipped.saturating_mul(size)..records);
        digest.push_flat(records.ok_or_else(|| fault(PageFault::Records))?, size);
    }
    if digest.value() != entry.head.digest {
        return Err(damaged(dir, &name, count, &PageFault::Digest));
    }
    Ok(digest)
}
