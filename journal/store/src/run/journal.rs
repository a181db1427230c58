//! Writing a run.

use std::path::{Path, PathBuf};
use std::time::Instant;

use engine_core::envelope::Seq;
use engine_core::machine::CoreSnapshot;
use engine_core::machine::Step;
use engine_runtime::latency::{Latencies, Leg};
use engine_runtime::ports::{Head, Journal, JournalError, Origin};

use super::open_segment::{OpenSegment, SegmentRule};
use super::reader;
use super::resume::{self, Resumed};
use crate::beside::files_beside;
use crate::chain::{ChainHead, Hash, RUN_START};
use crate::checkpoint::{self, CheckpointKey};
use crate::closing;
use crate::creation;
use crate::disk;
use crate::event_stream::EventStream;
use crate::frame;
use crate::heads::RunHead;
use crate::journal_folder::{CHECKPOINT, HEAD_FILE, PAGE_LOG, PAGES_TREE};
use crate::new_store::NewStore;
use crate::page::{self, Seal};
use crate::page_log::{Described, PageLog};
use crate::page_tree::PageWriter;
use crate::page_view::PageFiles;
use crate::retention;
use crate::side_file;
use crate::sled_store::{Layout, Ownership, SledStore};
use crate::snapshot::{self, Snapshot};
use crate::upcast;

/// Unsynced bytes after which acknowledged events must be protected by a sync, well under one segment.
const GROUP_BYTES: usize = 64 * 1024;

/// How a run is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOptions {
    /// Bytes of frames after which a page is sealed, from 512 to 32768, at the end of a step. The head does not depend on it.
    pub page_bytes: usize,
    /// Whether each page goes to an append-only log first, and to the store then. For runs that cannot be made
    /// again.
    pub page_log: bool,
    /// Whether market records that stay in a dataset are recorded in the run as well.
    pub self_contained: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { page_bytes: 32 * 1024, page_log: false, self_contained: false }
    }
}

impl RunOptions {
    fn within_limits(self) -> Self {
        Self { page_bytes: self.page_bytes.clamp(512, 32 * 1024), ..self }
    }
}

/// What a run is closed with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Closing<'a> {
    /// The core at the end, kept as a snapshot.
    pub core: Option<&'a CoreSnapshot>,
    /// Signs the head.
    pub key: Option<&'a CheckpointKey>,
    /// The time written beside the signature, nanoseconds since the epoch.
    pub signed_at: i64,
}

/// A run open for writing.
///
/// [`Journal::sync`] seals the current page, brings it to the drive (through the page log where there is one) and
/// only then answers. After the first failed write nothing more is accepted.
#[derive(Debug)]
pub struct RunJournal {
    stream: EventStream,
    sink: Sink,
    options: RunOptions,
    records_read: u64,
    poison: Option<String>,
}

/// Where sealed pages go.
#[derive(Debug)]
struct Sink {
    dir: PathBuf,
    /// Gone while another store takes the place of the one that is full.
    pages: Option<PageWriter>,
    log: Option<PageLog>,
    segment: OpenSegment,
    link: Hash,
    frames: Vec<u8>,
    /// Whether pages hold the market that the run saw.
    records_market: bool,
    page: Vec<u8>,
    waiting: Vec<Vec<u8>>,
    unsynced: usize,
    acknowledged: u64,
    /// Where it is noted how long the drive takes, where anyone wants to know.
    latencies: Option<Latencies>,
}

impl RunJournal {
    /// Makes a new run in `dir`, which must not exist or be empty.
    ///
    /// # Errors
    /// [`JournalError::Exists`] when something is there already; otherwise what the disk says.
    pub fn create(dir: &Path, options: RunOptions) -> Result<Self, JournalError> {
        let options = options.within_limits();
        if !creation::is_free(dir)? {
            return Err(JournalError::Exists { path: dir.display().to_string() });
        }
        let head = ChainHead { count: 0, digest: RUN_START, link: [0; 32] };
        let mut log = 0;
        let lock = creation::create(dir, |staged| {
            if options.page_log {
                log = PageLog::create(&staged.join(PAGE_LOG), &Described::Run)?.len()?;
            }
            side_file::write(&staged.join(HEAD_FILE), &RunHead::new(head, 0, false, options.page_log))
        })?;
        let ownership = Ownership::new(lock, closing::after_close);
        let store = SledStore::create(dir, Layout::RUN, Some(ownership))?;
        let log = options.page_log.then(|| PageLog::reopen(&dir.join(PAGE_LOG), log)).transpose()?;
        let pages = PageWriter::open(store.tree(PAGES_TREE)?, 0)?;
        store.sync()?;
        let resumed = Resumed::new(pages, log);
        Ok(Self::on(dir, resumed, options))
    }

    /// Takes up the run in `dir`, which was not closed, or was ended by its operator: the next event follows the last durable
    /// one.
    ///
    /// # Errors
    /// [`JournalError::Exists`] when the run was closed as planned; as for reading otherwise.
    pub fn resume(dir: &Path, options: RunOptions) -> Result<Self, JournalError> {
        let noted = reader::require_head(dir)?;
        let options = RunOptions { page_log: noted.page_log, ..options.within_limits() };
        let resumed = resume::resume(dir, &noted)?;
        retention::finish(dir)?;
        // A closing that was cut short may have signed less than this run will be.
        disk::remove_if_there(&dir.join(CHECKPOINT))?;
        Ok(Self::on(dir, resumed, options))
    }

    /// From here on the run is written in segments: one that is full by `rule` is put away at the next
    /// [`Journal::end_segment`]. Only a run with a page log has them.
    #[must_use]
    pub fn in_segments(mut self, rule: SegmentRule) -> Self {
        self.sink.segment.rule = self.sink.log.is_some().then_some(rule);
        self
    }

    /// From here on it is noted in `latencies` how long each sync of the page log takes.
    #[must_use]
    pub fn measured(mut self, latencies: Latencies) -> Self {
        self.sink.latencies = Some(latencies);
        self
    }

    /// Market records read by the last event.
    #[must_use]
    pub const fn records_read(&self) -> u64 {
        self.records_read
    }

    fn on(dir: &Path, resumed: Resumed, options: RunOptions) -> Self {
        let Resumed { pages, log, digest, link, records_read, segment } = resumed;
        let sink = Sink {
            dir: dir.to_path_buf(),
            pages: Some(pages),
            log,
            segment,
            link,
            frames: Vec::new(),
            records_market: options.self_contained,
            page: Vec::new(),
            waiting: Vec::new(),
            unsynced: 0,
            acknowledged: digest.count(),
            latencies: None,
        };
        Self { stream: EventStream::new(digest), sink, options, records_read, poison: None }
    }

    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        if let Some(reason) = &self.poison {
            return Err(JournalError::Poisoned { reason: reason.clone() });
        }
        let outcome = work(self);
        if let Err(error) = &outcome {
            self.poison = Some(error.to_string());
        }
        outcome
    }

    fn make_durable(&mut self) -> Result<(), JournalError> {
        self.sink.seal(&mut self.stream)?;
        self.sink.make_durable()?;
        self.sink.acknowledged = self.stream.last_seq();
        Ok(())
    }

    /// Keeps `core`, which everything appended so far has led to, for folds and runs that go on from here.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be written; the run itself is not touched.
    pub fn put_snapshot(&mut self, core: &CoreSnapshot) -> Result<(), JournalError> {
        self.sync()?;
        let seq = Seq::new(self.stream.last_seq());
        snapshot::put(
            &self.sink.dir,
            &Snapshot { records_read: self.records_read, ..Snapshot::new(seq, core.clone()) },
        )
    }

    /// Ends the run as planned. After each step the run is in a state that has a name and can be gone on from:
    /// every event durable and a snapshot (*open*, or *closing* once the session is closed), the log ended, the
    /// store closed and noted and its head signed (*closing*), the head written down (*closed*, or *signed*). The head names
    /// the files beside the store, and whether it was signed, so that `verify` misses them.
    ///
    /// # Errors
    /// [`JournalError`]; everything that was synced is in the run.
    pub fn close(mut self, closing: Closing<'_>) -> Result<ChainHead, JournalError> {
        self.guarded(Self::make_durable)?;
        if let Some(core) = closing.core {
            self.put_snapshot(core)?;
        }
        self.guarded(Self::end_pages)?;
        let Head { count, digest } = self.stream.head();
        let head = ChainHead { count, digest, link: self.sink.link };
        let Sink { dir, pages, segment, .. } = self.sink;
        let pages = pages.ok_or_else(|| without_store(&dir))?;
        let count = segment.pages_before.saturating_add(pages.pages());
        pages.into_store().close()?;
        let files = files_beside(&dir, head.count)?;
        if let Some(key) = closing.key {
            let signed = key.sign_beside("run", head, files.clone(), closing.signed_at);
            checkpoint::write(&dir.join(CHECKPOINT), &[signed])?;
        }
        let signed_by = closing.key.map(CheckpointKey::public);
        let noted = RunHead::new(head, count, true, self.options.page_log).beside(files, signed_by);
        side_file::write(&dir.join(HEAD_FILE), &noted)?;
        Ok(head)
    }

    fn end_pages(&mut self) -> Result<(), JournalError> {
        let Head { count, digest } = self.stream.head();
        if let Some(log) = &mut self.sink.log {
            log.end(&ChainHead { count, digest, link: self.sink.link })?;
            log.sync()?;
        }
        let pages = self.sink.pages()?;
        pages.cut(pages.pages())?;
        pages.tree().store().sync()
    }

    /// Signs the head of everything that is durable.
    ///
    /// # Errors
    /// [`JournalError`] when the events so far cannot be made durable.
    pub fn checkpoint(
        &mut self,
        key: &CheckpointKey,
        signed_at: i64,
    ) -> Result<checkpoint::Checkpoint, JournalError> {
        self.sync()?;
        let Head { count, digest } = self.stream.head();
        Ok(key.sign("run", ChainHead { count, digest, link: self.sink.link }, signed_at))
    }
}

impl Sink {
    fn pages(&mut self) -> Result<&mut PageWriter, JournalError> {
        self.pages.as_mut().ok_or_else(|| without_store(&self.dir))
    }

    fn seal(&mut self, stream: &mut EventStream) -> Result<(), JournalError> {
        let Some((gathered, digest)) = stream.take(&mut self.frames) else { return Ok(()) };
        page::begin(&mut self.page);
        frame::pack(&self.frames, self.records_market, &mut self.page);
        let seal = Seal {
            schema: upcast::ENVELOPES,
            count: gathered.count,
            first_seq: gathered.first_seq,
            first_at: gathered.first_at,
            last_at: gathered.last_at,
            previous: self.link,
            digest,
        };
        self.link = page::seal(&mut self.page, seal);
        self.segment.takes(&gathered, self.page.len());
        self.unsynced = self.unsynced.saturating_add(self.page.len());
        if self.log.is_some() {
            self.waiting.push(core::mem::take(&mut self.page));
            return if self.unsynced >= GROUP_BYTES { self.make_durable() } else { Ok(()) };
        }
        let page = core::mem::take(&mut self.page);
        self.pages()?.append(&page)?;
        self.page = page;
        if self.acknowledged > 0 && self.unsynced >= GROUP_BYTES { self.make_durable() } else { Ok(()) }
    }

    /// Puts the open segment, which ends with `head`, away, and begins the next with a log and a store of its own.
    fn put_away(&mut self, head: ChainHead) -> Result<(), JournalError> {
        if self.log.is_none() || head.count == self.segment.begins.count {
            return Ok(());
        }
        let pages = self.pages()?.pages();
        self.segment.put_away(&self.dir, head, pages)?;
        let log = resume::begin_log(&self.dir)?;
        self.segment.follow(head, pages, log.len()?);
        self.log = Some(log);
        let full = self.pages.take().ok_or_else(|| without_store(&self.dir))?;
        let ownership = full.into_store().replaced()?.ok_or_else(|| without_store(&self.dir))?;
        let empty = [(PAGES_TREE.to_owned(), Vec::new())].into();
        NewStore::make(&self.dir, Layout::RUN, &PageFiles::default(), &empty)?.take_place()?.discard();
        let store = SledStore::open(&self.dir, Layout::RUN, ownership)?;
        self.pages = Some(PageWriter::open(store.tree(PAGES_TREE)?, 0)?);
        Ok(())
    }

    /// The log first, so that the store never holds what the log does not.
    fn make_durable(&mut self) -> Result<(), JournalError> {
        if self.unsynced == 0 {
            return Ok(());
        }
        if let Some(log) = &mut self.log {
            self.waiting.iter().try_for_each(|page| log.append_page(page))?;
            let begun = Instant::now();
            log.sync()?;
            if let Some(latencies) = &self.latencies {
                latencies.note(Leg::JournalSync, begun.elapsed());
            }
            for page in core::mem::take(&mut self.waiting) {
                self.pages()?.append(&page)?;
            }
        } else {
            self.pages()?.tree().store().sync()?;
        }
        self.unsynced = 0;
        Ok(())
    }
}

impl Journal for RunJournal {
    fn append(&mut self, origin: Origin, records_read: u64, step: &Step) -> Result<(), JournalError> {
        self.records_read = records_read;
        self.guarded(|journal| {
            journal.stream.add(origin, journal.options.self_contained, records_read, step)?;
            let full = journal.stream.len() >= journal.options.page_bytes;
            if full { journal.sink.seal(&mut journal.stream) } else { Ok(()) }
        })
    }

    fn keeps_records(&self) -> bool {
        self.options.self_contained
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        self.guarded(Self::make_durable)?;
        Ok(Seq::new(self.sink.acknowledged))
    }

    fn is_segment_full(&self) -> bool {
        self.sink.segment.is_full()
    }

    fn end_segment(&mut self) -> Result<(), JournalError> {
        if self.sink.segment.rule.is_none() {
            return Ok(());
        }
        self.guarded(|journal| {
            journal.make_durable()?;
            let Head { count, digest } = journal.stream.head();
            let head = ChainHead { count, digest, link: journal.sink.link };
            journal.sink.put_away(head)
        })
    }

    fn head(&self) -> Head {
        self.stream.head()
    }
}

fn without_store(dir: &Path) -> JournalError {
    let reason = "another store did not take the place of the one that was full".to_owned();
    JournalError::Store { path: dir.display().to_string(), reason }
}

#[cfg(test)]
mod tests;
