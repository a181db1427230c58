//! Reading a run.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Input, Manifest, SessionMark};
use engine_runtime::ports::{Head, JournalError};

use super::{HEAD_FILE, PAGE_LOG, PAGES_TREE, RunHead, damaged, read_head};
use crate::chain::{ChainHead, Hash, StreamDigest};
use crate::event_order::{self, EventOrder};
use crate::event_stream::START;
use crate::frame::{self, Frames};
use crate::page::{self, PageFault};
use crate::page_log::{Entry, LogReader, Next};
use crate::page_tree::{self, PageWriter, StoredPages};
use crate::side_file::Found;
use crate::sled_store::{Layout, Purpose, SledStore, SledTree};
use crate::snapshot::{self, Snapshot};
use crate::upcast;

/// A run open for reading.
#[derive(Debug, Clone)]
pub struct RunReader {
    dir: PathBuf,
    tree: SledTree,
    noted: RunHead,
    last: ChainHead,
    pages: u64,
    ends_closed: bool,
    manifest: Option<Manifest>,
}

impl RunReader {
    /// Opens the run in `dir`. sled lets one process at a time have it.
    ///
    /// # Errors
    /// `Locked` while another process has it, `NotAJournal` when there is no run, `Damaged` or `Store` when it
    /// cannot be trusted.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let noted = require_head(dir)?;
        let catch_up = !noted.complete && noted.page_log;
        let purpose = if catch_up { Purpose::Append } else { Purpose::Read };
        let tree = open_tree(dir, &noted, purpose)?;
        if catch_up {
            insert_from_log(dir, &tree)?;
        }
        let (last, pages) = expected_head(dir, &noted, &tree)?;
        let ends_closed = ends_closed(&tree)?;
        let mut reader =
            Self { dir: dir.to_path_buf(), tree, noted, last, pages, ends_closed, manifest: None };
        reader.manifest = reader.read_manifest()?;
        Ok(reader)
    }

    fn read_manifest(&self) -> Result<Option<Manifest>, JournalError> {
        let first = self.envelopes(Seq::FIRST)?.next().transpose()?;
        Ok(first.and_then(|envelope| match envelope.event {
            Event::Input(Input::Session(SessionMark::Opened(manifest))) => Some(*manifest),
            Event::Input(_) | Event::Output(_) => None,
        }))
    }

    pub(crate) const fn tree(&self) -> &SledTree {
        &self.tree
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the run is made of; `None` when it does not begin with a manifest.
    #[must_use]
    pub const fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Number of events and their digest.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.last.head()
    }

    /// The head with the link of the last page.
    #[must_use]
    pub const fn chain_head(&self) -> ChainHead {
        self.last
    }

    /// Whether the run was closed as planned: it is marked so, and its last input is the close of its session. A
    /// mark alone can be made anew over a tail that was cut off.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.noted.complete && self.ends_closed
    }

    /// The envelopes from event `from` on, each checked on its way out.
    ///
    /// # Errors
    /// [`JournalError::Store`] when the store fails.
    pub fn envelopes(&self, from: Seq) -> Result<Envelopes, JournalError> {
        let from = from.max(Seq::FIRST);
        let place = page_tree::place_of(&self.tree, from.number(), self.pages)?;
        Ok(Envelopes {
            dir: self.dir.clone(),
            pages: StoredPages::from(&self.tree, place),
            last: self.last,
            from,
            expected: (place == 1).then_some(1),
            previous: (place == 1).then_some([0; 32]),
            order: EventOrder::default(),
            digest: (place == 1).then(|| StreamDigest::new(START)),
            ready: VecDeque::new(),
            ended: from.number() > self.last.count,
        })
    }

    /// The last sound snapshot at or before `seq`.
    ///
    /// # Errors
    /// [`JournalError::Io`] when a snapshot cannot be read.
    pub fn nearest_snapshot(&self, seq: Seq) -> Result<Option<Snapshot>, JournalError> {
        snapshot::nearest(&self.dir, seq)
    }
}

/// Reads `head.json` or says why `dir` is no run.
pub(super) fn require_head(dir: &Path) -> Result<RunHead, JournalError> {
    let path = dir.display().to_string();
    match read_head(dir)? {
        Found::Sound(head) => Ok(head),
        Found::Nothing => Err(JournalError::NotAJournal { path, reason: format!("it has no {HEAD_FILE}") }),
        Found::Damaged => {
            let reason = format!("{HEAD_FILE} is damaged or not that of a run; run verify");
            Err(JournalError::NotAJournal { path, reason })
        }
    }
}

/// Brings the store up to the page log, which may be ahead after a crash; answers the length of the log up to
/// its last sound entry.
pub(super) fn insert_from_log(dir: &Path, tree: &SledTree) -> Result<u64, JournalError> {
    let mut log = LogReader::open(&dir.join(PAGE_LOG))?;
    let stored = page_tree::last_page(tree)?.map_or(0, |(place, _)| place);
    let mut writer = PageWriter::open(tree.clone(), stored)?;
    let mut place = 0_u64;
    let torn = loop {
        match log.next_entry()? {
            Next::Entry(Entry::Page(bytes)) => {
                place = place.saturating_add(1);
                if place > stored {
                    writer.append(&bytes)?;
                }
            }
            Next::Entry(Entry::Description(_) | Entry::End(_)) => {}
            Next::Nothing => break false,
            Next::Unsound(_) => break true,
        }
    };
    if place < stored || (torn && log.goes_on()?) {
        let last = page_tree::page_at(tree, place.max(1))?.and_then(|page| page::header(&page).ok());
        let seq = last.map_or(1, |header| header.last_seq().saturating_add(1));
        return Err(damaged(dir, seq, &"the page log is damaged behind the event before; run verify"));
    }
    writer.cut(writer.pages())?;
    tree.store().sync()?;
    Ok(log.place())
}

/// Opens the pages of the run in `dir`, which must reach the head that `noted` says.
pub(super) fn open_tree(dir: &Path, noted: &RunHead, purpose: Purpose) -> Result<SledTree, JournalError> {
    let expected = |copy: &SledStore| expected_head(dir, noted, &copy.tree(PAGES_TREE)?).map(|_| ());
    SledStore::open(dir, Layout::RUN, purpose, expected)?.tree(PAGES_TREE)
}

/// The head of the store, which must be that of a run closed as planned.
pub(super) fn expected_head(
    dir: &Path,
    noted: &RunHead,
    tree: &SledTree,
) -> Result<(ChainHead, u64), JournalError> {
    let (last, pages) = last_head(dir, tree)?;
    if noted.complete && (last, pages) != (noted.head, noted.pages) {
        let reason = format!("the run ends with event {}, {HEAD_FILE} says {}", last.count, noted.head.count);
        return Err(damaged(dir, last.count.saturating_add(1), &reason));
    }
    Ok((last, pages))
}

/// Whether the last page of the store ends with the close of a session.
fn ends_closed(tree: &SledTree) -> Result<bool, JournalError> {
    let Some((_, bytes)) = page_tree::last_page(tree)? else { return Ok(false) };
    let Ok(header) = page::header(&bytes) else { return Ok(false) };
    Ok(event_order::ends_closed(&frame::unpack(page::payload(&bytes, &header))))
}

/// The head at the last page of the store, and the number of pages.
pub(super) fn last_head(dir: &Path, tree: &SledTree) -> Result<(ChainHead, u64), JournalError> {
    let Some((place, bytes)) = page_tree::last_page(tree)? else { return Ok((ChainHead::default(), 0)) };
    let claimed = page::header_alone(&bytes).map_or(1, |header| header.first_seq);
    let (header, link) = page::open(&bytes).map_err(|fault| {
        let (seq, reason) = locate(&bytes, claimed, fault);
        damaged(dir, seq, &reason)
    })?;
    Ok((ChainHead { count: header.last_seq(), digest: header.digest, link }, place))
}

/// Envelopes of a run in order. After an error there is nothing more.
#[derive(Debug)]
pub struct Envelopes {
    dir: PathBuf,
    pages: StoredPages,
    last: ChainHead,
    from: Seq,
    expected: Option<u64>,
    previous: Option<Hash>,
    order: EventOrder,
    /// The running digest; only where reading began with the first page.
    digest: Option<StreamDigest>,
    ready: VecDeque<Envelope>,
    ended: bool,
}

impl Envelopes {
    fn next_page(&mut self) -> Result<(), JournalError> {
        let Some(bytes) = self.pages.next_page()? else {
            let next = self.expected.unwrap_or(self.from.number());
            return Err(damaged(&self.dir, next, &"the run ends before its head"));
        };
        let claimed = page::header_alone(&bytes).map_or(1, |header| header.first_seq);
        let expected = self.expected.unwrap_or(claimed);
        let fault = |fault: PageFault| match fault {
            PageFault::UnknownSchema(schema) => {
                JournalError::UnknownSchema { path: self.dir.display().to_string(), schema }
            }
            PageFault::NotAPage
            | PageFault::Length { .. }
            | PageFault::Content
            | PageFault::Previous
            | PageFault::Gap { .. }
            | PageFault::Records
            | PageFault::Digest
            | PageFault::Disorder { .. } => {
                let (seq, reason) = locate(&bytes, expected, fault);
                damaged(&self.dir, seq, &reason)
            }
        };
        let (header, link) = page::open(&bytes).map_err(fault)?;
        upcast::check_envelopes(header.schema).map_err(fault)?;
        let holds_from = (header.first_seq..=header.last_seq()).contains(&self.from.number());
        if header.first_seq != expected || (self.expected.is_none() && !holds_from) {
            return Err(fault(PageFault::Gap { expected, found: header.first_seq }));
        }
        let last = header.last_seq() == self.last.count;
        let breaks = self.previous.is_some_and(|previous| previous != header.previous);
        if breaks || (last && link != self.last.link) || header.last_seq() > self.last.count {
            return Err(fault(PageFault::Previous));
        }
        let mut seq = header.first_seq;
        let frames = frame::unpack(page::payload(&bytes, &header));
        for frame in Frames::new(&frames) {
            let envelope = frame.envelope().filter(|envelope| envelope.seq.number() == seq);
            let envelope = envelope.ok_or_else(|| damaged(&self.dir, seq, &PageFault::Records))?;
            self.order.follow(&envelope).map_err(|disorder| damaged(&self.dir, seq, &disorder))?;
            seq = seq.saturating_add(1);
            if envelope.seq >= self.from {
                self.ready.push_back(envelope);
            }
        }
        if seq != header.last_seq().saturating_add(1) {
            return Err(damaged(&self.dir, seq, &PageFault::Records));
        }
        if let Some(digest) = &mut self.digest {
            digest.push_frames(&frames);
            if digest.value() != header.digest {
                return Err(damaged(&self.dir, header.first_seq, &PageFault::Digest));
            }
        }
        (self.previous, self.expected, self.ended) = (Some(link), Some(seq), last);
        Ok(())
    }
}

/// Names the first event of a damaged run page that fails its own checksum; the first of the page otherwise.
pub(crate) fn locate(bytes: &[u8], expected: u64, fault: PageFault) -> (u64, String) {
    if let PageFault::Disorder { seq, .. } = fault {
        return (seq, fault.to_string());
    }
    let whole = (expected, fault.to_string());
    let Ok(header) = page::header(bytes) else { return whole };
    let frames = frame::unpack(page::payload(bytes, &header));
    let bad =
        Frames::new(&frames).zip(expected..).position(|(frame, seq)| !frame.is_sound || frame.seq != seq);
    match bad {
        Some(index) if fault == PageFault::Content => {
            let seq = expected.saturating_add(index as u64);
            (seq, format!("{fault}; event {seq} fails its own checksum"))
        }
        _ => whole,
    }
}

impl Iterator for Envelopes {
    type Item = Result<Envelope, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            if let Err(error) = self.next_page() {
                self.ended = true;
                return Some(Err(error));
            }
        }
        self.ready.pop_front().map(Ok)
    }
}
