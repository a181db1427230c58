//! The envelopes of a run in order, each checked on its way out.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use engine_core::envelope::{Envelope, Seq};
use engine_runtime::ports::JournalError;

use crate::chain::{ChainHead, Hash, RUN_START, StreamDigest};
use crate::event_order::EventOrder;
use crate::frame::{self, Frames};
use crate::journal_folder::damaged;
use crate::page::{self, PageFault};
use crate::page_view::{StoredPage, StoredPages};
use crate::upcast;

/// Whether the first page that is read is the first of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begins {
    WithTheRun,
    Within,
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
    /// The last event that is wanted.
    until: u64,
}

impl Envelopes {
    /// Those of the run in `dir` from event `from` on, which the first of `pages` holds, up to the head `last` of the run.
    pub(super) fn new(dir: &Path, pages: StoredPages, from: Seq, last: ChainHead, begins: Begins) -> Self {
        let is_first = begins == Begins::WithTheRun;
        Self {
            dir: dir.to_path_buf(),
            pages,
            last,
            from,
            expected: is_first.then_some(1),
            previous: is_first.then_some([0; 32]),
            order: EventOrder::default(),
            digest: is_first.then(|| StreamDigest::new(RUN_START)),
            ready: VecDeque::new(),
            ended: from.number() > last.count,
            until: u64::MAX,
        }
    }

    /// No further than event `last`, where one is given.
    pub(super) fn until(self, last: Option<Seq>) -> Self {
        let until = last.map_or(u64::MAX, Seq::number);
        Self { ended: self.ended || until < self.from.number(), until, ..self }
    }

    fn next_page(&mut self) -> Result<(), JournalError> {
        let Some(StoredPage { bytes, opened }) = self.pages.next_page()? else {
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
        let (header, link) = opened.map_err(fault)?;
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

impl Iterator for Envelopes {
    type Item = Result<Envelope, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.ended {
            if let Err(error) = self.next_page() {
                self.ended = true;
                return Some(Err(error));
            }
        }
        let next = self.ready.pop_front()?;
        if next.seq.number() >= self.until {
            self.ended = true;
            self.ready.clear();
        }
        Some(Ok(next))
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
