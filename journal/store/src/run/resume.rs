//! Taking up a run that was cut short.

use std::path::Path;

use engine_core::envelope::Envelope;
use engine_runtime::ports::JournalError;

use super::reader::{last_head, open_chain, session_end};
use crate::chain::{ChainHead, DIGEST_BLOCK, RUN_START, StreamDigest};
use crate::event_order::SessionEnd;
use crate::frame::{self, Frames};
use crate::heads::RunHead;
use crate::journal_folder::{HEAD_FILE, PAGE_LOG, PAGES_TREE, damaged};
use crate::opening;
use crate::page::{self, PageFault};
use crate::page_log::{Entry, LogReader, Next, PageLog};
use crate::page_tree::PageWriter;
use crate::page_view::ChainView;
use crate::side_file;
use crate::sled_store::Layout;
use crate::writer_lock::WriterLock;

/// Everything needed to append behind the last durable event.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) pages: PageWriter,
    pub(super) log: Option<PageLog>,
    pub(super) digest: StreamDigest,
    pub(super) head: ChainHead,
    pub(super) records_read: u64,
}

pub(super) fn resume(dir: &Path, noted: &RunHead) -> Result<Resumed, JournalError> {
    let lock = WriterLock::take(dir)?;
    let chains = open_chain(dir, noted)?;
    let chain = chains.view(PAGES_TREE);
    if noted.complete {
        if session_end(&chain)? != SessionEnd::Interrupted {
            return Err(JournalError::Exists { path: dir.display().to_string() });
        }
        // From here on it is a run whose closing was cut short; what was signed is less than it will be.
        let head = ChainHead { count: 0, digest: RUN_START, link: [0; 32] };
        side_file::write(&dir.join(HEAD_FILE), &RunHead::new(head, 0, false, noted.page_log))?;
    }
    let head = last_head(&chain);
    let sound = if noted.page_log { Some(sound_log(dir, head.count)?) } else { None };
    let (digest, records_read) = digest_at(dir, &chain, head)?;
    let pages = chain.len();
    drop(chain);
    let store = opening::open_for_writing(dir, Layout::RUN, chains, lock)?;
    let log = sound.map(|sound| PageLog::reopen(&dir.join(PAGE_LOG), sound)).transpose()?;
    Ok(Resumed { pages: PageWriter::open(store.tree(PAGES_TREE)?, pages)?, log, digest, head, records_read })
}

/// Bytes of the page log up to its last sound page. It must come as far as the run does: only the last write may
/// be torn, and the note of an end is written anew.
fn sound_log(dir: &Path, count: u64) -> Result<u64, JournalError> {
    let mut log = LogReader::open(&dir.join(PAGE_LOG))?;
    let (mut last, mut sound) = (0, 0);
    let torn = loop {
        match log.next_entry()? {
            Next::Entry(Entry::Page(bytes)) => {
                last = page::header(&bytes).map_or(last, |header| header.last_seq());
                sound = log.place();
            }
            Next::Entry(Entry::Description(_)) => sound = log.place(),
            Next::Entry(Entry::End(_)) => {}
            Next::Nothing => break false,
            Next::Unsound(_) => break true,
        }
    };
    if last < count || (torn && log.goes_on()?) {
        let reason = "the page log is damaged behind the event before; run verify, then rebuild";
        return Err(damaged(dir, last.saturating_add(1), &reason));
    }
    Ok(sound)
}

/// The running digest at the head, from the frames since the last full block, and the market records read by then.
fn digest_at(dir: &Path, chain: &ChainView, head: ChainHead) -> Result<(StreamDigest, u64), JournalError> {
    let Some(last) = chain.last() else { return Ok((StreamDigest::new(RUN_START), 0)) };
    let whole = head.count / DIGEST_BLOCK * DIGEST_BLOCK;
    let mut digest = StreamDigest::resumed(whole, last.header.block);
    let mut envelope: Option<Envelope> = None;
    let place = chain.place_of(whole.saturating_add(1).min(head.count));
    let mut stored = chain.pages_from(place);
    while let Some(page) = stored.next_page()? {
        let expected = digest.count().saturating_add(1);
        let (header, _) = page.opened.map_err(|fault| damaged(dir, expected, &fault))?;
        for frame in Frames::new(&frame::unpack(page::payload(&page.bytes, &header))) {
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
    Ok((digest, envelope.map_or(0, |envelope| envelope.records_read)))
}
