//! Reading a run.

use std::path::{Path, PathBuf};

use engine_core::envelope::Seq;
use engine_core::event::{Event, Input, Manifest, SessionMark};
use engine_core::time::Timestamp;
use engine_runtime::ports::{Head, JournalError};

use super::envelopes::{Begins, Envelopes};
use crate::beside::Standing;
use crate::chain::ChainHead;
use crate::dropped::Dropped;
use crate::event_order::{self, SessionEnd};
use crate::event_span::EventSpan;
use crate::frame;
use crate::heads::{JournalState, RunHead, read_run_head, wanted_run};
use crate::journal_folder::{HEAD_FILE, PAGES_TREE, no_such_segment, segment_named};
use crate::page::{self, PageHeader};
use crate::page_view::{ChainView, Chains, StoredPage};
use crate::segment::SegmentNote;
use crate::side_file::Found;
use crate::snapshot::{self, Snapshot};

/// A run open for reading.
#[derive(Debug, Clone)]
pub struct RunReader {
    dir: PathBuf,
    chain: ChainView,
    noted: RunHead,
    last: ChainHead,
    end: SessionEnd,
    manifest: Option<Manifest>,
}

impl RunReader {
    /// Opens the run in `dir`, which changes nothing in it. Many may read it at a time. A run that was not closed
    /// reaches as far as its store and its page log together.
    ///
    /// # Errors
    /// `Locked` while a writer has it, `NotAJournal` when there is no run, `Damaged` when its first page or its
    /// end cannot be trusted.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let noted = require_head(dir)?;
        let chain = open_chain(dir, &noted)?.view(PAGES_TREE);
        let last = if noted.complete { noted.head } else { last_head(&chain) };
        let end = session_end(&chain)?;
        let mut reader = Self { dir: dir.to_path_buf(), chain, noted, last, end, manifest: None };
        reader.manifest = reader.read_manifest()?;
        Ok(reader)
    }

    /// The run in `path`, or the run of the segment that `path` names, and the note of that segment.
    ///
    /// # Errors
    /// As [`RunReader::open`], and `NotAJournal` where the run has put no such segment away.
    pub fn open_part(path: &Path) -> Result<(Self, Option<SegmentNote>), JournalError> {
        let Some((run, number)) = segment_named(path) else { return Ok((Self::open(path)?, None)) };
        let reader = Self::open(&run)?;
        let note = reader.segments().into_iter().find(|note| note.number == number);
        let note = note.ok_or_else(|| no_such_segment(path))?;
        Ok((reader, Some(note)))
    }

    fn read_manifest(&self) -> Result<Option<Manifest>, JournalError> {
        let first = match self.dropped() {
            Some(dropped) => dropped.opening(),
            None => self.envelopes(Seq::FIRST)?.next().transpose()?,
        };
        Ok(first.and_then(|envelope| match envelope.event {
            Event::Input(Input::Session(SessionMark::Opened(manifest))) => Some(*manifest),
            Event::Input(_) | Event::Output(_) => None,
        }))
    }

    pub(crate) const fn chain(&self) -> &ChainView {
        &self.chain
    }

    /// What was put away of it, segment by segment.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentNote> {
        self.chain.segments().notes().cloned().collect()
    }

    /// What of it was dropped on purpose; its events can be read from the first that is kept.
    #[must_use]
    pub fn dropped(&self) -> Option<&Dropped> {
        self.chain.segments().dropped()
    }

    /// Number of pages of the run.
    #[must_use]
    pub fn page_count(&self) -> u64 {
        self.chain.len()
    }

    /// Pages read and checked so far, by all clones.
    #[must_use]
    pub fn pages_read(&self) -> u64 {
        self.chain.pages_read()
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

    /// Whether the run went to the end of its data and was closed as planned: it is marked so, and its last input is
    /// the close of its session. A mark alone can be made anew over a tail that was cut off.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.noted.complete && self.end == SessionEnd::Planned
    }

    /// Whether its operator ended the run before its data ended.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.end == SessionEnd::Interrupted
    }

    /// Whether the run was closed, as planned or after its operator ended it early.
    pub(crate) const fn is_closed(&self) -> bool {
        self.noted.complete && self.end.is_over()
    }

    /// How far it has come.
    #[must_use]
    pub fn state(&self) -> JournalState {
        JournalState::of_run(&self.dir, Some(&self.noted), self.end)
    }

    /// The envelopes from event `from` on, each checked on its way out.
    ///
    /// # Errors
    /// [`JournalError::Store`] when the store fails, `Dropped` for an event that was dropped.
    pub fn envelopes(&self, from: Seq) -> Result<Envelopes, JournalError> {
        let from = from.max(Seq::FIRST);
        if let Some(dropped) = self.dropped().filter(|dropped| from < dropped.first_kept()) {
            return Err(dropped.error(&self.dir, from.number()));
        }
        let place = self.chain.place_of(from.number());
        let begins = if place == 1 { Begins::WithTheRun } else { Begins::Within };
        Ok(Envelopes::new(&self.dir, self.chain.pages_from(place), from, self.last, begins))
    }

    /// The events of `segment`, or all that are kept of the run.
    #[must_use]
    pub fn span_of(&self, segment: Option<&SegmentNote>) -> EventSpan {
        let dropped = self.dropped().map_or(0, |dropped| dropped.ends.count);
        let kept = EventSpan { behind: Seq::new(dropped), last: None };
        segment.map_or(kept, SegmentNote::span)
    }

    /// The envelopes of `span`, each checked on its way out.
    ///
    /// # Errors
    /// As [`RunReader::envelopes`].
    pub fn envelopes_of(&self, span: EventSpan) -> Result<Envelopes, JournalError> {
        Ok(self.envelopes(span.first())?.until(span.last))
    }

    /// The snapshot from which `span` goes on, where there is a sound one; none is needed at the beginning of a run.
    ///
    /// # Errors
    /// As [`RunReader::nearest_snapshot`].
    pub fn snapshot_before(&self, span: EventSpan) -> Result<Option<Snapshot>, JournalError> {
        if span.begins_the_run() {
            return Ok(None);
        }
        Ok(self.nearest_snapshot(span.behind)?.filter(|snapshot| snapshot.seq == span.behind))
    }

    /// The last sound snapshot at or before `seq` that fits the event it was kept after: the moment and the number of
    /// market records that the run itself says. Reads one page for each that is tried.
    ///
    /// # Errors
    /// [`JournalError::Io`] when a snapshot cannot be read, `Damaged` when the event cannot.
    pub fn nearest_snapshot(&self, seq: Seq) -> Result<Option<Snapshot>, JournalError> {
        let mut last = seq.number().min(self.last.count);
        while let Some(snapshot) = snapshot::nearest(&self.dir, Seq::new(last))? {
            if self.fits(&snapshot)? {
                return Ok(Some(snapshot));
            }
            let Some(before) = snapshot.seq.number().checked_sub(1) else { break };
            last = before;
        }
        Ok(None)
    }

    /// Whether `snapshot` is of the event it was kept after; of one that was dropped, whether it is the one that the note of
    /// its segment names.
    fn fits(&self, snapshot: &Snapshot) -> Result<bool, JournalError> {
        if self.dropped().is_some_and(|dropped| snapshot.seq < dropped.first_kept()) {
            let mut notes = self.chain.segments().notes();
            let note = notes.find(|note| note.ends.count == snapshot.seq.number());
            let named = note.and_then(|note| note.snapshot.as_ref());
            return Ok(named.map(|named| named.standing(&self.dir)).transpose()? == Some(Standing::AsNamed));
        }
        let event = self.envelopes(snapshot.seq)?.next().transpose()?;
        let (at, records_read) = (snapshot.state.now(), snapshot.state.records_read());
        Ok(event.is_some_and(|event| (event.at, event.records_read) == (at, records_read)))
    }

    /// An event that no event known at `moment` comes behind: the last of the last page that begins by then.
    #[must_use]
    pub fn last_seq_by(&self, moment: Timestamp) -> Seq {
        let place = self.chain.place(self.chain.last_place(|header| header.first_at <= moment.nanos()));
        Seq::new(place.map_or(0, |place| place.header.last_seq()))
    }
}

/// Reads `head.json` or says why `dir` is no run.
pub(super) fn require_head(dir: &Path) -> Result<RunHead, JournalError> {
    let path = dir.display().to_string();
    match read_run_head(dir)? {
        Found::Sound(head) => Ok(head),
        Found::Nothing => Err(JournalError::NotAJournal { path, reason: format!("it has no {HEAD_FILE}") }),
        Found::Damaged => {
            let reason = format!("{HEAD_FILE} is damaged or not that of a run; run verify");
            Err(JournalError::NotAJournal { path, reason })
        }
    }
}

/// The pages of the run in `dir`, as far as they are there.
pub(super) fn open_chain(dir: &Path, noted: &RunHead) -> Result<Chains, JournalError> {
    Chains::open(dir, &[(PAGES_TREE.to_owned(), wanted_run(Some(noted)))].into())
}

/// The head at the last page.
pub(super) fn last_head(chain: &ChainView) -> ChainHead {
    chain.last().map_or_else(ChainHead::start_of_run, |last| last.head())
}

/// How the session has ended with the last event.
pub(super) fn session_end(chain: &ChainView) -> Result<SessionEnd, JournalError> {
    let Some(StoredPage { bytes, opened: Ok((header, _)) }) = chain.last_page()? else {
        return Ok(SessionEnd::None);
    };
    Ok(page_session_end(&bytes, &header))
}

/// How the session has ended with the last event of a sound page.
pub(crate) fn page_session_end(bytes: &[u8], header: &PageHeader) -> SessionEnd {
    event_order::session_end(&frame::unpack(page::payload(bytes, header)))
}
