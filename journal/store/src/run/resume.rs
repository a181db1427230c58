//! Taking up a run that was cut short.

use std::path::Path;

use engine_core::envelope::Envelope;
use engine_runtime::ports::JournalError;

use super::open_segment::OpenSegment;
use super::reader::{last_head, open_chain, session_end};
use crate::chain::{ChainHead, DIGEST_BLOCK, Hash, RUN_START, StreamDigest};
use crate::disk;
use crate::event_order::SessionEnd;
use crate::frame::{self, Frames};
use crate::heads::RunHead;
use crate::journal_folder::{
    HEAD_FILE, PAGE_LOG, PAGES_TREE, SEGMENTS, damaged, segment_folder, segment_numbers,
};
use crate::opening;
use crate::page::{self, PageFault};
use crate::page_log::{Described, Entry, LogReader, Next, PageLog};
use crate::page_tree::PageWriter;
use crate::page_view::ChainView;
use crate::segments::Segments;
use crate::side_file;
use crate::sled_store::Layout;
use crate::writer_lock::WriterLock;

/// Everything needed to append behind the last durable event.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) pages: PageWriter,
    pub(super) log: Option<PageLog>,
    pub(super) digest: StreamDigest,
    /// Link of the last page.
    pub(super) link: Hash,
    pub(super) records_read: u64,
    pub(super) segment: OpenSegment,
}

impl Resumed {
    /// A run without events.
    pub(super) fn new(pages: PageWriter, log: Option<PageLog>) -> Self {
        let (digest, segment) = (StreamDigest::new(RUN_START), OpenSegment::first());
        Self { pages, log, digest, link: [0; 32], records_read: 0, segment }
    }
}

pub(super) fn resume(dir: &Path, noted: &RunHead) -> Result<Resumed, JournalError> {
    let lock = WriterLock::take(dir)?;
    segment_lasts(dir)?;
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
    let sound = if noted.page_log { Some(sound_log(dir, chain.behind().count, head.count)?) } else { None };
    if sound.is_some_and(|sound| sound > 0) {
        // A killed writer may have left more than has reached the drive. The store is made of it next, and never holds what
        // the log does not.
        disk::sync_file(&dir.join(PAGE_LOG))?;
    }
    let (digest, records_read) = digest_at(dir, &chain, head)?;
    let pages = chain.open_len();
    let mut segment = open_segment(&chain, chains.files.segments())?;
    drop(chain);
    let store = opening::open_for_writing(dir, Layout::RUN, chains, lock)?;
    let log = sound.map(|sound| reopen_log(dir, sound)).transpose()?;
    segment.bytes = log.as_ref().map_or(Ok(0), PageLog::len)?;
    let pages = PageWriter::open(store.tree(PAGES_TREE)?, pages)?;
    Ok(Resumed { pages, log, digest, link: head.link, records_read, segment })
}

/// Makes the names of the last segment last, which a writer may have left when it was killed, or when the disk refused it.
fn segment_lasts(dir: &Path) -> Result<(), JournalError> {
    let Some(last) = segment_numbers(dir)?.pop() else { return Ok(()) };
    disk::sync_directory(&segment_folder(dir, last))?;
    disk::sync_directory(&dir.join(SEGMENTS))
}

/// The open segment as its pages have it.
fn open_segment(chain: &ChainView, segments: &Segments) -> Result<OpenSegment, JournalError> {
    let moment = |place: u64| chain.place(place).map(|place| place.header);
    let (first, last) = (segments.pages().saturating_add(1), chain.len());
    let moments = moment(first).zip(moment(last)).map(|(first, last)| (first.first_at, last.last_at));
    Ok(OpenSegment {
        number: segments.next_number(),
        begins: segments.ends(),
        pages_before: segments.pages(),
        moments,
        previous: segments.last_note_hash()?,
        ..OpenSegment::first()
    })
}

/// The log behind its first `sound` bytes; made where a kill came before it was.
fn reopen_log(dir: &Path, sound: u64) -> Result<PageLog, JournalError> {
    let path = dir.join(PAGE_LOG);
    if sound > 0 {
        return PageLog::reopen(&path, sound);
    }
    begin_log(dir)
}

/// A log without pages for the run in `dir`, there whole or not at all.
pub(super) fn begin_log(dir: &Path) -> Result<PageLog, JournalError> {
    let (begun, path) = (dir.join("pages.log.new"), dir.join(PAGE_LOG));
    disk::remove_if_there(&begun)?;
    let bytes = PageLog::create(&begun, &Described::Run)?.len()?;
    disk::rename(&begun, &path).map_err(|error| disk::io_error("rename", &begun, error))?;
    disk::sync_directory(dir)?;
    PageLog::reopen(&path, bytes)
}

/// Bytes of the page log up to its last sound page. Behind event `behind`, where the segments before end, it must come as
/// far as the run does: only the last write may be torn, and the note of an end is written anew.
fn sound_log(dir: &Path, behind: u64, count: u64) -> Result<u64, JournalError> {
    let path = dir.join(PAGE_LOG);
    if !path.exists() && count == behind && behind > 0 {
        // The segment before was put away, and a kill came before this one was begun.
        return Ok(0);
    }
    let mut log = LogReader::open(&path)?;
    let (mut last, mut sound) = (behind, 0);
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use engine_core::event::Input;
    use engine_core::machine::Step;
    use engine_core::time::Timestamp;
    use engine_runtime::ports::{Journal as _, Origin};

    use crate::disk_watch::{DiskChange, DiskWatch, watched_by};
    use crate::marker::MARKER;
    use crate::run::{RunJournal, RunOptions};

    /// Notes that names and the log were made to last, and that a new store took its place.
    #[derive(Clone, Default)]
    struct Noted(Rc<RefCell<Vec<&'static str>>>);

    impl DiskWatch for Noted {
        fn before(&mut self, change: DiskChange<'_>) -> std::io::Result<()> {
            match change {
                DiskChange::Sync(path) if path.ends_with("pages.log") => self.0.borrow_mut().push("log"),
                DiskChange::SyncFolder(path) if path.ends_with("run") => self.0.borrow_mut().push("names"),
                DiskChange::SyncFolder(path) if path.ends_with("folder") => self.0.borrow_mut().push("name"),
                DiskChange::Rename(_, to) if to.ends_with("run/store") => self.0.borrow_mut().push("store"),
                DiskChange::Create(_)
                | DiskChange::Write(..)
                | DiskChange::Cut(..)
                | DiskChange::Sync(_)
                | DiskChange::SyncFolder(_)
                | DiskChange::Folder(_)
                | DiskChange::Rename(..)
                | DiskChange::Remove(_)
                | DiskChange::RemoveAll(_) => {}
            }
            Ok(())
        }
    }

    #[test]
    fn what_a_kill_left_of_names_and_the_log_lasts_before_a_store_is_made_of_it() {
        let root = tempfile::tempdir().unwrap();
        let (dir, options) =
            (root.path().join("folder/run"), RunOptions { page_log: true, ..RunOptions::default() });
        let mut journal = RunJournal::create(&dir, options).unwrap();
        let step = Step { at: Timestamp::MIN, input: Input::Deadline, outputs: Vec::new() };
        journal.append(Origin::Own, 0, &step).unwrap();
        journal.sync().unwrap();
        drop(journal);
        // A store that nobody closed is made anew.
        std::fs::remove_file(dir.join(MARKER)).unwrap();
        let noted = Noted::default();
        watched_by(Some(Box::new(noted.clone())));
        let resumed = RunJournal::resume(&dir, options);
        watched_by(None);
        assert_eq!(resumed.unwrap().head().count, 1);
        let noted: Vec<_> = noted.0.borrow().iter().copied().take_while(|what| *what != "store").collect();
        for what in ["log", "names", "name"] {
            assert!(noted.contains(&what), "{what}: {noted:?}");
        }
    }
}
