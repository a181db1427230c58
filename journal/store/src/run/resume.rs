//! Taking up a run that was cut short.

use std::path::Path;

use engine_core::envelope::Envelope;
use engine_runtime::ports::JournalError;

use super::reader::{insert_from_log, last_head, open_tree};
use super::{PAGE_LOG, RunHead, damaged};
use crate::chain::{ChainHead, DIGEST_BLOCK, StreamDigest};
use crate::event_stream::START;
use crate::frame::{self, Frames};
use crate::page::{self, PageFault};
use crate::page_log::PageLog;
use crate::page_tree::{self, PageWriter, StoredPages};
use crate::sled_store::{Purpose, SledTree};

/// Everything needed to append behind the last durable event.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) pages: PageWriter,
    pub(super) log: Option<PageLog>,
    pub(super) digest: StreamDigest,
    pub(super) head: ChainHead,
    pub(super) ticks: u64,
}

pub(super) fn resume(dir: &Path, noted: &RunHead) -> Result<Resumed, JournalError> {
    let tree = open_tree(dir, noted, Purpose::Append)?;
    let sound = if noted.page_log { Some(insert_from_log(dir, &tree)?) } else { None };
    let (head, pages) = last_head(dir, &tree)?;
    let (digest, ticks) = digest_at(dir, &tree, head, pages)?;
    let log = sound.map(|sound| PageLog::reopen(&dir.join(PAGE_LOG), sound)).transpose()?;
    Ok(Resumed { pages: PageWriter::open(tree, pages)?, log, digest, head, ticks })
}

/// The running digest at the head, from the frames since the last full block, and the ticks read by then.
fn digest_at(
    dir: &Path,
    tree: &SledTree,
    head: ChainHead,
    pages: u64,
) -> Result<(StreamDigest, u64), JournalError> {
    let Some(last) = page_tree::page_at(tree, pages)? else { return Ok((StreamDigest::new(START), 0)) };
    let whole = head.count / DIGEST_BLOCK * DIGEST_BLOCK;
    let block = page::header(&last).map_err(|fault| damaged(dir, head.count, &fault))?.block;
    let mut digest = StreamDigest::resumed(whole, block);
    let mut envelope: Option<Envelope> = None;
    let place = page_tree::place_of(tree, whole.saturating_add(1).min(head.count), pages)?;
    let mut stored = StoredPages::from(tree, place);
    while let Some(bytes) = stored.next_page()? {
        let expected = digest.count().saturating_add(1);
        let (header, _) = page::open(&bytes).map_err(|fault| damaged(dir, expected, &fault))?;
        for frame in Frames::new(&frame::unpack(page::payload(&bytes, &header))) {
            if frame.seq > digest.count() {
                digest.push(frame.bytes);
            }
            if frame.seq == head.count {
                envelope = frame.envelope();
            }
        }
    }
    if digest.head() != head.head() {
        return Err(damaged(dir, head.count, &PageFault::Digest));
    }
    Ok((digest, envelope.map_or(0, |envelope| envelope.ticks)))
}
