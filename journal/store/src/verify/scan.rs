//! Reading a chain of pages from end to end, and noting everything that does not fit.

use std::collections::BTreeMap;

use super::Finding;
use crate::chain::{ChainHead, DIGEST_BLOCK, Hash, StreamDigest};
use crate::checkpoint::Checkpoint;
use crate::dataset;
use crate::event_order::{Disorder, EventOrder, SessionEnd};
use crate::frame::{self, Frames};
use crate::page::{self, PageFault, PageHeader};
use crate::page_place::PagePlace;
use crate::page_view::StoredPage;
use crate::record::{BarRecord, FlatRows, QuoteRecord, Record, RecordKind, TradeRecord};
use crate::run;
use crate::upcast;

/// Findings after which a chain is not read on.
const ENOUGH: usize = 100;

/// What the pages of a chain hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Frames of envelopes.
    Envelopes,
    /// Market records.
    Records(RecordKind),
}

/// A chain being read.
#[derive(Debug)]
pub(crate) struct Scan {
    place: String,
    content: Content,
    /// `None` once a damaged page has left a hole in the records.
    digest: Option<StreamDigest>,
    /// `None` right behind a damaged page.
    previous: Option<Hash>,
    expected: u64,
    last_at: i64,
    order: EventOrder,
    head: ChainHead,
    pages: u64,
    bytes: u64,
    wanted: BTreeMap<u64, Option<ChainHead>>,
    findings: Vec<Finding>,
    /// Room for the flat form of the records of a page.
    flat: FlatRows,
}

impl Scan {
    /// A chain that starts from the digest `start`; the heads at the counts in `checkpoints` about `origin` are
    /// kept.
    pub(crate) fn new(
        place: &str,
        content: Content,
        start: Hash,
        checkpoints: &[Checkpoint],
        origin: &str,
    ) -> Self {
        let about = checkpoints.iter().filter(|checkpoint| checkpoint.origin == origin);
        Self {
            place: place.to_owned(),
            content,
            digest: Some(StreamDigest::new(start)),
            previous: Some([0; 32]),
            expected: 1,
            last_at: i64::MIN,
            order: EventOrder::default(),
            head: ChainHead { count: 0, digest: start, link: [0; 32] },
            pages: 0,
            bytes: 0,
            wanted: about.map(|checkpoint| (checkpoint.head.count, None)).collect(),
            findings: Vec::new(),
            flat: FlatRows::default(),
        }
    }

    /// Goes on behind `head` instead of a beginning; what the digest is made from there is not known, and it is not
    /// compared: links are.
    pub(crate) fn behind(self, head: ChainHead) -> Self {
        if head.count == 0 {
            return self;
        }
        let (previous, expected) = (Some(head.link), head.count.saturating_add(1));
        Self { digest: None, previous, expected, head, ..self }
    }

    /// Calls what is read from here on `place`.
    pub(crate) fn goes_to(&mut self, place: &str) {
        if self.place != place {
            place.clone_into(&mut self.place);
        }
    }

    pub(crate) const fn head(&self) -> ChainHead {
        self.head
    }

    /// How the session has ended with the last event read.
    pub(crate) const fn session_end(&self) -> SessionEnd {
        self.order.end()
    }

    pub(crate) const fn pages(&self) -> u64 {
        self.pages
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) const fn expected(&self) -> u64 {
        self.expected
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    pub(crate) fn find(&mut self, page_first_seq: Option<u64>, seq: u64, reason: impl Into<String>) {
        let (place, reason) = (self.place.clone(), reason.into());
        self.findings.push(Finding { place, page_first_seq, seq: Some(seq), reason });
    }

    /// Reads the next page; answers whether to go on.
    pub(crate) fn page(&mut self, bytes: &[u8]) -> bool {
        self.opened_page(bytes, page::open(bytes))
    }

    /// Reads the next page, given what checking its content by its link said.
    pub(crate) fn opened_page(
        &mut self,
        bytes: &[u8],
        opened: Result<(PageHeader, Hash), PageFault>,
    ) -> bool {
        self.pages = self.pages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        match opened.and_then(|(header, link)| self.checked(bytes, header, link)) {
            Ok((header, link)) => {
                self.previous = Some(link);
                self.expected = header.last_seq().saturating_add(1);
                self.last_at = header.last_at;
                self.head = ChainHead { count: header.last_seq(), digest: header.digest, link };
                if let Some(wanted) = self.wanted.get_mut(&self.head.count) {
                    *wanted = Some(self.head);
                }
            }
            Err(fault) => {
                self.note(bytes, fault);
                // Another engine's pages are not damage: one word about them is enough.
                return !matches!(fault, PageFault::UnknownSchema(_)) && self.findings.len() < ENOUGH;
            }
        }
        true
    }

    /// Reads the page that should lie at `place`. Behind one that cannot be read, the chain goes on where `place`
    /// says it does.
    pub(crate) fn placed_page(&mut self, place: &PagePlace, page: &StoredPage) -> bool {
        let (before, first) = (self.findings.len(), self.expected);
        let goes_on = self.opened_page(&page.bytes, page.opened);
        if self.findings.len() > before && place.header.first_seq >= first {
            self.expected = place.header.last_seq().saturating_add(1);
        }
        goes_on
    }

    fn checked(
        &mut self,
        bytes: &[u8],
        header: PageHeader,
        link: Hash,
    ) -> Result<(PageHeader, Hash), PageFault> {
        if header.first_seq != self.expected {
            return Err(PageFault::Gap { expected: self.expected, found: header.first_seq });
        }
        if self.previous.is_some_and(|previous| previous != header.previous) {
            return Err(PageFault::Previous);
        }
        if header.first_at < self.last_at || header.last_at < header.first_at {
            return Err(PageFault::Records);
        }
        self.records(bytes, &header)?;
        let known = self.digest.as_ref().map(|digest| (digest.value(), digest.block()));
        if known.is_some_and(|known| known != (header.digest, header.block)) {
            return Err(PageFault::Digest);
        }
        Ok((header, link))
    }

    fn records(&mut self, bytes: &[u8], header: &PageHeader) -> Result<(), PageFault> {
        match self.content {
            Content::Envelopes => {
                upcast::check_envelopes(header.schema)?;
                self.frames(&frame::unpack(page::payload(bytes, header)), header)
            }
            Content::Records(RecordKind::Trades) => self.market::<TradeRecord>(bytes, header),
            Content::Records(RecordKind::Quotes) => self.market::<QuoteRecord>(bytes, header),
            Content::Records(RecordKind::Bars) => self.market::<BarRecord>(bytes, header),
        }
    }

    fn frames(&mut self, frames: &[u8], header: &PageHeader) -> Result<(), PageFault> {
        let (mut seq, mut hashed, mut end) = (header.first_seq, 0_usize, 0_usize);
        let (mut since, mut moments) = (0_u64, None);
        for frame in Frames::new(frames) {
            let envelope = frame.envelope().filter(|_| frame.is_sound && frame.seq == seq);
            let envelope = envelope.ok_or(PageFault::Records)?;
            self.order.follow(&envelope).map_err(|disorder| PageFault::Disorder { seq, disorder })?;
            let at = envelope.at.nanos();
            moments = Some((moments.map_or(at, |(first, _)| first), at));
            (seq, since) = (seq.saturating_add(1), since.saturating_add(1));
            end = end.saturating_add(frame.bytes.len());
            let last = seq > header.last_seq();
            if last || frame.seq.is_multiple_of(DIGEST_BLOCK) {
                let run = frames.get(hashed..end).unwrap_or_default();
                self.digest.iter_mut().for_each(|digest| digest.push_run(run, since));
                (hashed, since) = (end, 0);
            }
        }
        if moments != Some((header.first_at, header.last_at)) {
            return Err(PageFault::Disorder { seq: header.first_seq, disorder: Disorder::Header });
        }
        let all = seq == header.last_seq().saturating_add(1) && end == frames.len();
        if all { Ok(()) } else { Err(PageFault::Records) }
    }

    fn market<R: Record>(&mut self, bytes: &[u8], header: &PageHeader) -> Result<(), PageFault> {
        let mut records = Vec::<R>::new();
        upcast::records(bytes, header, &mut records)?;
        if let Some(digest) = &mut self.digest {
            R::flatten(&records, &mut self.flat);
            self.flat.add_to(digest);
        }
        Ok(())
    }

    fn note(&mut self, bytes: &[u8], fault: PageFault) {
        let expected = self.expected;
        let (seq, reason) = match self.content {
            Content::Envelopes => run::locate(bytes, expected, fault),
            Content::Records(kind) => dataset::locate(bytes, kind, Some(expected), fault),
        };
        self.find(Some(expected), seq, reason);
        self.digest = None;
        self.previous = None;
        self.order = EventOrder::default();
        // The next page tells where the chain goes on; only its header can be had for that.
        let claimed = page::header(bytes).ok().filter(|header| header.first_seq == expected);
        self.expected = claimed.map_or(expected, |header| header.last_seq().saturating_add(1));
    }

    /// Compares with the head that was written down under `name`.
    pub(crate) fn compare(&mut self, noted: &ChainHead, name: &str) {
        if !self.is_sound() || self.head == *noted {
            return;
        }
        let (here, there) = (self.head.count, noted.count);
        let reason = if here == there {
            format!("the chain ends with another head than {name} says")
        } else {
            format!("the chain ends with record {here}, {name} says {there}")
        };
        self.find(None, here.min(there).saturating_add(1), reason);
    }

    /// Compares with the checkpoints about `origin`.
    pub(crate) fn compare_checkpoints(&mut self, checkpoints: &[Checkpoint], origin: &str) {
        for checkpoint in checkpoints.iter().filter(|checkpoint| checkpoint.origin == origin) {
            let signed = checkpoint.head;
            let here = if signed.count == 0 { Some(None) } else { self.wanted.get(&signed.count).copied() };
            let reason = match here.flatten() {
                Some(head) if head == signed => continue,
                Some(_) => "its content up to here is not what was signed: it was written anew",
                None if signed.count == 0 => continue,
                None if signed.count > self.head.count => {
                    "it ends before the signed head: its tail was cut off"
                }
                None => "no page ends where the signed head does: it was written anew",
            };
            self.find(None, signed.count, format!("checkpoint of {origin} at {}: {reason}", signed.count));
        }
    }
}
