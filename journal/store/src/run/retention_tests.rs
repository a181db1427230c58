//! Segments that are dropped: what is kept is the run still, killed at any moment of dropping, and nothing passes for a drop.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use engine_core::envelope::{Envelope, Seq};
use engine_core::knowledge::{Forgotten, Knowledge, Learned, NoteReader, NoteWriter};
use engine_core::machine::CoreSnapshot;
use engine_core::num::{Money, Ratio};
use engine_core::state::{Opening, State};
use engine_runtime::ports::{Journal as _, JournalError};

use super::segment_tests::{Change, OPTIONS, all, copy, rule, signing, sound};
use super::{Closing, RunJournal, RunOptions, RunReader};
use crate::archive;
use crate::chain::DIGEST_BLOCK;
use crate::checkpoint::{self, CheckpointKey};
use crate::disk_watch::{DiskChange, DiskWatch, watched_by};
use crate::dropped::{STATEMENT_NAME, dropped_of};
use crate::journal_folder::{CHECKPOINT, PAGE_LOG, segment_folder};
use crate::memory_journal::MemoryJournal;
use crate::rebuild;
use crate::retention::{DroppedNow, Dropper, Retention, RetentionError, drop_segments};
use crate::sample::{Call, Sampler, append_all, append_closed};
use crate::segment::SegmentNote;
use crate::snapshot::{self, Snapshot};
use crate::verify::{verify, verify_segment};

const WITH_PAGES: RunOptions = RunOptions { page_bytes: 8 * 1_024, ..OPTIONS };
const ALL: Retention = Retention { before: Some(i64::MAX), bytes: None };

struct Nothing;

impl Learned for Nothing {
    fn note(&self, _notes: &mut NoteWriter) {}

    fn recall(&mut self, _notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        Ok(())
    }
}

/// Keeps something after event `seq` of the run in `dir` from which it could go on.
fn keep(dir: &Path, seq: u64) {
    let opening = Opening {
        instruments: Vec::new(),
        capital: Money::ZERO,
        bars: None,
        drawdown_max: Ratio::ONE,
        mark: engine_core::mark::MarkRule::Newest,
    };
    let core = CoreSnapshot::of_state(State::new(opening));
    let kept = Snapshot { environment: Knowledge::of(&Nothing), ..Snapshot::new(Seq::new(seq), core) };
    snapshot::put(dir, &kept).unwrap();
}

/// Appends calls until a quarter of a block of events more is there, and puts a segment away.
fn segment(dir: &Path, journal: &mut RunJournal, calls: &mut std::slice::Iter<'_, Call>) {
    let end = journal.head().count + DIGEST_BLOCK / 4;
    while journal.head().count < end {
        append_all(journal, std::slice::from_ref(calls.next().unwrap()));
    }
    let last = journal.sync().unwrap();
    keep(dir, last.number());
    journal.end_segment().unwrap();
}

/// A run of seven segments, nearly two blocks of events, and an open part; not closed. Answers how many calls it holds.
fn long_run(dir: &Path, calls: &[Call]) -> (PathBuf, usize) {
    let run = dir.join("run");
    let mut journal = RunJournal::create(&run, WITH_PAGES).unwrap().in_segments(signing(dir));
    let mut left = calls.iter();
    (0..7).for_each(|_| segment(&run, &mut journal, &mut left));
    for call in left.by_ref().take(100) {
        append_all(&mut journal, std::slice::from_ref(call));
    }
    journal.sync().unwrap();
    (run, calls.len() - left.len())
}

fn calls() -> Vec<Call> {
    Sampler::calls(11, 65_000)
}

fn dropped(run: &Path, retention: Retention, now: i64) -> DroppedNow {
    let key = CheckpointKey::load(&run.with_file_name("key")).unwrap();
    drop_segments(run, retention, Dropper { key: Some(&key), now }).unwrap()
}

fn notes(run: &Path) -> Vec<SegmentNote> {
    RunReader::open(run).unwrap().segments()
}

fn kept(run: &Path) -> Vec<Envelope> {
    let reader = RunReader::open(run).unwrap();
    reader.envelopes_of(reader.span_of(None)).unwrap().map(Result::unwrap).collect()
}

fn pages_of(run: &Path) -> Vec<u64> {
    (1..=7).filter(|number| segment_folder(run, *number).join(PAGE_LOG).exists()).collect()
}

#[test]
fn what_is_kept_is_read_checked_and_written_on_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let calls = calls();
    let (run, written) = long_run(dir.path(), &calls);
    let (whole, notes) = (all(&run), notes(&run));
    let done = dropped(&run, ALL, 40);
    assert_eq!((&done.segments[..], done.stay), (&[1, 2, 3][..], 4), "{done:?}");
    assert_eq!(pages_of(&run), [4, 5, 6, 7]);
    assert!(done.bytes > 0 && done.bytes == notes[..3].iter().map(|note| note.bytes).sum::<u64>());
    let behind = notes[2].ends.count;
    let reader = RunReader::open(&run).unwrap();
    assert_eq!(reader.head().count, whole.len() as u64);
    assert_eq!(reader.dropped().unwrap().first_kept().number(), behind + 1);
    assert!(reader.manifest().is_some(), "what it is made of is known");
    assert_eq!(kept(&run), whole[usize::try_from(behind).unwrap()..]);
    for seq in [1, behind] {
        let error = reader.envelopes(Seq::new(seq)).unwrap_err();
        assert!(matches!(error, JournalError::Dropped { seq: of, .. } if of == seq), "{error}");
        assert!(error.to_string().contains("were dropped on 1970-01-01 by retention"), "{error}");
    }
    assert_eq!(reader.nearest_snapshot(Seq::new(behind)).unwrap().unwrap().seq.number(), behind);
    assert!(reader.nearest_snapshot(Seq::new(behind - 1)).unwrap().is_none());
    let report = sound(&run);
    assert_eq!(report.events, whole.len() as u64 - behind);
    assert_eq!(report.heads[0].1.head(), reader.head());
    assert_eq!(report.dropped.map(|dropped| dropped.last), Some(3));
    for number in 1..=7 {
        let report = verify_segment(&run, number).unwrap();
        assert!(report.is_sound() && report.dropped.is_some() == (number <= 3), "{number}: {report:?}");
    }
    assert_eq!(dropped(&run, ALL, 50), DroppedNow { stay: 4, ..DroppedNow::default() });
    assert!(matches!(
        rebuild::export_pages(&run, &dir.path().join("out")),
        Err(JournalError::Dropped { .. })
    ));
    assert_eq!(archive::archive(&run, i64::MAX).unwrap().len(), 4, "what is kept is packed");
    assert_eq!(archive::unpack(&run, i64::MAX).unwrap().len(), 4);
    std::fs::remove_dir_all(run.join("store")).unwrap();
    assert!(rebuild::rebuild(&run).unwrap().lost.is_empty());
    let mut journal = RunJournal::resume(&run, WITH_PAGES).unwrap().in_segments(signing(dir.path()));
    let mut left = calls[written..].iter();
    segment(&run, &mut journal, &mut left);
    // Beside a writer, who does not know of it.
    let one_more = Retention { before: Some(notes[3].last_at + 1), bytes: None };
    assert_eq!(dropped(&run, one_more, 90_000_000_000_000).segments, [4]);
    segment(&run, &mut journal, &mut left);
    let written = calls.len() - left.len();
    append_closed(&mut journal, &calls[..written]);
    let key = CheckpointKey::load(&dir.path().join("key")).unwrap();
    journal.close(Closing { key: Some(&key), ..Closing::default() }).unwrap();
    let mut one_piece = MemoryJournal::self_contained();
    append_all(&mut one_piece, &calls[..written]);
    append_closed(&mut one_piece, &calls[..written]);
    assert_eq!(RunReader::open(&run).unwrap().head(), one_piece.head());
    assert!(sound(&run).complete);
    // Of a run that is closed, whose head names the snapshots that go.
    assert_eq!(dropped(&run, ALL, 100_000_000_000_000).segments, [5, 6, 7]);
    let report = sound(&run);
    assert!(report.complete);
    assert!(report.dropped.unwrap().to_string().contains("from 1970-01-01 to 1970-01-02"));
}

#[test]
fn the_oldest_go_by_their_age_or_their_size() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = long_run(dir.path(), &calls());
    let notes = notes(&run);
    let nothing = |retention: Retention| assert_eq!(dropped(&run, retention, 1), DroppedNow::default());
    nothing(Retention::default());
    nothing(Retention { before: Some(notes[0].last_at), bytes: None });
    let bytes: u64 = notes.iter().map(|note| note.bytes).sum();
    nothing(Retention { before: None, bytes: Some(bytes) });
    let all_but_one = Retention { before: None, bytes: Some(bytes - 1) };
    assert_eq!(dropped(&run, all_but_one, 1).segments, [1]);
    let until_the_third = Retention { before: Some(notes[1].last_at + 1), bytes: None };
    assert_eq!(dropped(&run, until_the_third, 2).segments, [2]);
    sound(&run);
    // Where the snapshot with which one ends is gone, the run cannot begin behind it.
    std::fs::remove_file(snapshot::file_of(&run, notes[2].ends.count)).unwrap();
    assert_eq!(dropped(&run, ALL, 3), DroppedNow { stay: 5, ..DroppedNow::default() });
}

#[test]
fn a_kill_at_any_moment_of_dropping_leaves_a_run_that_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = long_run(dir.path(), &calls());
    let (notes, before) = (notes(&run), dir.path().join("before"));
    copy(&run, &before);
    dropped(&run, ALL, 7);
    let statement = Path::new(STATEMENT_NAME);
    let pages = |number: u64| segment_folder(Path::new(""), number).join(PAGE_LOG);
    let stated: Change<'_> = &|to| copy(&run.join(statement), &to.join(statement));
    let states: [(&str, Change<'_>, bool); 5] = [
        ("nothing was done", &|_| {}, false),
        (
            "the statement was begun",
            &|to| std::fs::write(to.join("segments/dropped.new"), b"{").unwrap(),
            false,
        ),
        ("all is there that was to go", stated, true),
        (
            "the pages of the first are gone",
            &|to| {
                stated(to);
                std::fs::remove_file(to.join(pages(1))).unwrap();
            },
            true,
        ),
        (
            "pages are gone, the index of one and a snapshot are not",
            &|to| {
                stated(to);
                (1..=3).for_each(|number| std::fs::remove_file(to.join(pages(number))).unwrap());
                std::fs::remove_file(to.join("segments/00000001/pages.index")).unwrap();
                std::fs::remove_file(snapshot::file_of(to, notes[1].ends.count)).unwrap();
            },
            true,
        ),
    ];
    for (name, state, is_stated) in states {
        let killed = dir.path().join("killed");
        copy(&before, &killed);
        state(&killed);
        let report = verify(&killed, None).unwrap();
        assert!(report.is_sound() && report.dropped.is_some() == is_stated, "{name}: {report:?}");
        let reader = RunReader::open(&killed).unwrap();
        assert_eq!(reader.span_of(None).begins_the_run(), !is_stated, "{name}");
        drop(reader);
        drop(RunJournal::resume(&killed, WITH_PAGES).unwrap());
        let left = if is_stated { vec![4, 5, 6, 7] } else { vec![1, 2, 3, 4, 5, 6, 7] };
        assert_eq!(pages_of(&killed), left, "{name}: the next writer finishes what was begun");
        let snapshots = snapshot::list(&killed).unwrap();
        assert_eq!(snapshots[0].number(), notes[if is_stated { 2 } else { 0 }].ends.count, "{name}");
        sound(&killed);
        std::fs::remove_dir_all(&killed).unwrap();
    }
}

#[test]
fn nothing_passes_for_a_drop_that_its_signer_did_not_state() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = long_run(dir.path(), &calls());
    let notes = notes(&run);
    dropped(&run, ALL, 7);
    sound(&run);
    let statement = run.join(STATEMENT_NAME);
    let stated = dropped_of(&run).unwrap().unwrap();
    let pages =
        |run: &Path, number: u64| std::fs::remove_file(segment_folder(run, number).join(PAGE_LOG)).unwrap();
    let stranger = CheckpointKey::load_or_create(&dir.path().join("stranger")).unwrap();
    let fourth = |run: &Path| {
        let mut forged = stated.clone();
        (forged.last, forged.ends) = (4, notes[3].ends);
        forged.note = crate::segment::note_hash(&segment_folder(run, 4)).unwrap();
        forged
    };
    let edited = |to: &Path| {
        let text = std::fs::read_to_string(&statement).unwrap();
        std::fs::write(to.join(STATEMENT_NAME), text.replacen("\"last\": 3", "\"last\": 4", 1)).unwrap();
    };
    let changes: [(&str, &str, Change<'_>); 8] = [
        ("edited", STATEMENT_NAME, &edited),
        ("gone", "segment 1", &|to| std::fs::remove_file(to.join(STATEMENT_NAME)).unwrap()),
        ("a fourth is taken away", "segment 4", &|to| pages(to, 4)),
        ("and the statement edited", STATEMENT_NAME, &|to| {
            pages(to, 4);
            crate::dropped::state(to, &fourth(to)).unwrap();
        }),
        ("and signed by a stranger", STATEMENT_NAME, &|to| {
            pages(to, 4);
            crate::dropped::state(to, &fourth(to).signed(&stranger)).unwrap();
        }),
        ("of another run", STATEMENT_NAME, &|to| {
            let mut other = stated.clone();
            other.note[0] ^= 1;
            crate::dropped::state(to, &other).unwrap();
        }),
        ("the note of one that was dropped", "segment 2", &|to| {
            std::fs::remove_dir_all(segment_folder(to, 2)).unwrap();
        }),
        ("the snapshot that the run begins with", "segment 3", &|to| {
            std::fs::remove_file(snapshot::file_of(to, stated.ends.count)).unwrap();
        }),
    ];
    for (name, place, change) in changes {
        let changed = dir.path().join("changed");
        copy(&run, &changed);
        change(&changed);
        let report = verify(&changed, None).unwrap();
        assert!(report.findings.iter().any(|finding| finding.place == place), "{name}: {report:?}");
        std::fs::remove_dir_all(&changed).unwrap();
    }
    let dropper = Dropper { key: Some(&stranger), now: 9 };
    let (other, kept) = (dir.path().join("other"), pages_of(&run));
    copy(&run, &other);
    // A segment more would be free to go, and is not for a stranger to drop.
    let mut journal = RunJournal::resume(&other, WITH_PAGES).unwrap().in_segments(signing(dir.path()));
    let more = Sampler::calls(12, 30_000);
    segment(&other, &mut journal, &mut more[1..].iter());
    let refused = drop_segments(&other, ALL, dropper).unwrap_err();
    assert!(matches!(refused, RetentionError::OtherSigner { segment: 7, .. }), "{refused}");
    assert_eq!(pages_of(&other), kept);
}

#[test]
fn heads_that_were_signed_before_are_held_against_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let calls = calls();
    let (run, _) = long_run(dir.path(), &calls);
    let key = CheckpointKey::load(&dir.path().join("key")).unwrap();
    let stranger = CheckpointKey::load_or_create(&dir.path().join("stranger")).unwrap();
    let segment_head = segment_folder(&run, 2).join(CHECKPOINT);
    let ends = notes(&run)[1].ends;
    let within = crate::chain::ChainHead { count: ends.count - 9, ..ends };
    let other = crate::chain::ChainHead { digest: [9; 32], ..ends };
    dropped(&run, ALL, 7);
    let against = |name: &str, signed: checkpoint::Checkpoint| {
        let path = dir.path().join(name);
        checkpoint::write(&path, &[signed]).unwrap();
        verify(&run, Some(&path)).unwrap()
    };
    assert!(verify(&run, Some(&segment_head)).unwrap().is_sound(), "its note proves it");
    assert!(against("own", key.sign("run", within, 1)).is_sound(), "who signed it says that it was dropped");
    for (name, signed) in [("anew", key.sign("run", other, 1)), ("else", stranger.sign("run", within, 1))] {
        let report = against(name, signed);
        assert_eq!(report.findings.len(), 1, "{report:?}");
    }
}

#[test]
fn of_a_run_that_nobody_signed_segments_are_dropped_without_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let (run, calls) = (dir.path().join("run"), calls());
    let mut journal = RunJournal::create(&run, WITH_PAGES).unwrap().in_segments(rule());
    let mut left = calls.iter();
    (0..6).for_each(|_| segment(&run, &mut journal, &mut left));
    drop(journal);
    let done = drop_segments(&run, ALL, Dropper { key: None, now: 1 }).unwrap();
    assert_eq!(done.segments, [1, 2, 3]);
    sound(&run);
    let nowhere = drop_segments(dir.path(), ALL, Dropper { key: None, now: 1 });
    assert!(matches!(nowhere, Err(RetentionError::Journal(JournalError::NotAJournal { .. }))));
}

/// What was done to the disk, in order: the statement got its name, the name was made to last, something of a run went.
#[derive(Clone, Default)]
struct Noted(Rc<RefCell<Vec<&'static str>>>);

impl DiskWatch for Noted {
    fn before(&mut self, change: DiskChange<'_>) -> std::io::Result<()> {
        match change {
            DiskChange::Sync(path) if path.ends_with("dropped.new") => self.0.borrow_mut().push("content"),
            DiskChange::Rename(_, to) if to.ends_with(STATEMENT_NAME) => self.0.borrow_mut().push("name"),
            DiskChange::SyncFolder(path) if path.ends_with("segments") => self.0.borrow_mut().push("lasts"),
            DiskChange::Remove(path) if path.exists() => self.0.borrow_mut().push("gone"),
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
fn the_statement_lasts_before_anything_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = long_run(dir.path(), &calls());
    let noted = Noted::default();
    watched_by(Some(Box::new(noted.clone())));
    let done = dropped(&run, ALL, 1);
    watched_by(None);
    let noted = noted.0.borrow();
    assert_eq!(noted[..3], ["content", "name", "lasts"]);
    // Pages and index of each, and the snapshots before the last of them.
    assert_eq!(noted[3..], ["gone"; 3 * 2 + 2], "{done:?}");
}
