//! A run in segments is the run: written, read, taken up, killed between any two steps, and tampered with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine_core::envelope::{Envelope, Seq};
use engine_core::time::Timestamp;
use engine_runtime::ports::{Journal as _, JournalError};
use proptest::prelude::*;

use super::{Closing, RunJournal, RunOptions, RunReader, SegmentRule};
use crate::checkpoint::CheckpointKey;
use crate::journal_folder::{PAGE_LOG, segment_folder};
use crate::memory_journal::MemoryJournal;
use crate::rebuild;
use crate::sample::{Call, Sampler, append_all, append_closed};
use crate::verify::{VerifyReport, verify};

pub(super) const OPTIONS: RunOptions = RunOptions { page_bytes: 512, page_log: true, self_contained: true };

/// What is done to the folder of a run.
pub(super) type Change<'a> = &'a dyn Fn(&Path);

pub(super) fn rule() -> SegmentRule {
    SegmentRule { bytes: 1, span_ns: i64::MAX, key: None, now: || 7 }
}

pub(super) fn signing(dir: &Path) -> SegmentRule {
    let key = CheckpointKey::load_or_create(&dir.join("key")).unwrap();
    SegmentRule { key: Some(Arc::new(key)), ..rule() }
}

/// Appends `calls` and puts a segment away behind each of the `cuts` (as numbers of calls).
fn write(journal: &mut RunJournal, calls: &[Call], cuts: &[usize]) {
    for (index, call) in calls.iter().enumerate() {
        append_all(journal, std::slice::from_ref(call));
        if cuts.contains(&(index + 1)) {
            journal.end_segment().unwrap();
        }
    }
}

/// A run of `segments` segments of 40 steps and an open part of 20, not closed.
pub(super) fn open_run(dir: &Path, segments: usize) -> (PathBuf, Vec<Call>) {
    let (run, calls) = (dir.join("run"), Sampler::calls(5, segments * 40 + 20));
    let mut journal = RunJournal::create(&run, OPTIONS).unwrap().in_segments(signing(dir));
    let cuts: Vec<usize> = (1..=segments).map(|segment| segment * 40).collect();
    write(&mut journal, &calls, &cuts);
    journal.sync().unwrap();
    drop(journal);
    (run, calls)
}

pub(super) fn all(dir: &Path) -> Vec<Envelope> {
    RunReader::open(dir).unwrap().envelopes(Seq::FIRST).unwrap().map(Result::unwrap).collect()
}

pub(super) fn sound(dir: &Path) -> VerifyReport {
    let report = verify(dir, None).unwrap();
    assert!(report.is_sound(), "{report:?}");
    report
}

pub(super) fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Wherever segments end and wherever the writer goes away, head and events are those of a run in one piece.
    #[test]
    fn a_run_in_segments_is_the_run_in_one_piece(
        seed in 0_u64..1_000,
        cuts in prop::collection::btree_set(1_usize..150, 0..5),
        gone in 1_usize..150,
        page_bytes in 512_usize..4_096,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let options = RunOptions { page_bytes, ..OPTIONS };
        let calls = Sampler::calls(seed, 150);
        let cuts: Vec<usize> = cuts.into_iter().collect();
        let mut whole = MemoryJournal::self_contained();
        append_all(&mut whole, &calls);
        append_closed(&mut whole, &calls);
        let mut journal = RunJournal::create(&run, options).unwrap().in_segments(rule());
        write(&mut journal, &calls[..gone], &cuts);
        journal.sync().unwrap();
        drop(journal);
        sound(&run);
        let mut journal = RunJournal::resume(&run, options).unwrap().in_segments(rule());
        let later: Vec<usize> = cuts.iter().filter_map(|cut| cut.checked_sub(gone)).collect();
        write(&mut journal, &calls[gone..], &later);
        append_closed(&mut journal, &calls);
        prop_assert_eq!(journal.head(), whole.head());
        journal.close(Closing::default()).unwrap();
        let report = sound(&run);
        prop_assert!(report.complete);
        prop_assert_eq!(report.head(), Some(whole.head()));
        let reader = RunReader::open(&run).unwrap();
        prop_assert_eq!(reader.segments().len(), cuts.len());
        let events = all(&run);
        prop_assert_eq!(events.len() as u64, whole.head().count);
        for event in events.iter().step_by(29) {
            let found = reader.envelopes(event.seq).unwrap().next().unwrap().unwrap();
            prop_assert_eq!(&found, event);
            prop_assert!(reader.last_seq_by(event.at) >= event.seq);
        }
        prop_assert_eq!(reader.last_seq_by(Timestamp::MAX).number(), reader.head().count);
    }
}

#[test]
fn taking_a_run_up_reads_as_much_of_it_however_many_segments_it_has() {
    let read = |segments: usize| {
        let dir = tempfile::tempdir().unwrap();
        let (run, _) = open_run(dir.path(), segments);
        let reader = RunReader::open(&run).unwrap();
        let last = reader.envelopes(Seq::new(reader.head().count)).unwrap().next().unwrap().unwrap();
        assert_eq!(last.seq.number(), reader.head().count);
        reader.pages_read()
    };
    assert_eq!(read(2), read(12));
}

#[test]
fn a_segment_is_full_by_its_bytes_or_its_day() {
    let dir = tempfile::tempdir().unwrap();
    let calls = Sampler::calls(3, 60);
    let full = |name: &str, rule: SegmentRule| {
        let mut journal = RunJournal::create(&dir.path().join(name), OPTIONS).unwrap().in_segments(rule);
        let full: Vec<bool> = calls
            .iter()
            .map(|call| {
                append_all(&mut journal, std::slice::from_ref(call));
                journal.sync().unwrap();
                journal.is_segment_full()
            })
            .collect();
        full
    };
    let by_bytes = full("bytes", SegmentRule { bytes: 4_000, ..rule() });
    assert!(!by_bytes[0] && by_bytes[59]);
    let span_ns = (calls[59].step.at.nanos() - calls[0].step.at.nanos()) / 2;
    let by_span = full("span", SegmentRule { bytes: u64::MAX, span_ns, ..rule() });
    assert!(!by_span[0] && by_span[59]);
    assert!(full("neither", SegmentRule { bytes: u64::MAX, ..rule() }).iter().all(|full| !full));
}

/// What a kill can leave between the last state of the open segment and the first of the next.
#[test]
fn a_kill_at_any_step_of_putting_a_segment_away_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let calls = Sampler::calls(9, 90);
    let mut journal = RunJournal::create(&run, OPTIONS).unwrap().in_segments(signing(dir.path()));
    write(&mut journal, &calls[..60], &[30]);
    journal.sync().unwrap();
    drop(journal);
    let before = dir.path().join("before");
    copy(&run, &before);
    let mut journal = RunJournal::resume(&run, OPTIONS).unwrap().in_segments(signing(dir.path()));
    journal.end_segment().unwrap();
    let count = journal.head().count;
    drop(journal);
    let (second, log) = (Path::new("segments/00000002"), Path::new(PAGE_LOG));
    let states: [(&str, Change<'_>); 6] = [
        ("nothing was done", &|_| {}),
        ("the folder was made", &|run| std::fs::create_dir_all(run.join(second)).unwrap()),
        ("all was written but the pages", &|to| {
            copy(&run.join(second), &to.join(second));
            std::fs::remove_file(to.join(second).join(log)).unwrap();
        }),
        ("the pages were put away, no log was begun", &|to| {
            copy(&run.join(second), &to.join(second));
            std::fs::remove_file(to.join(log)).unwrap();
        }),
        ("a log was begun and is torn, the full store stands", &|to| {
            copy(&run.join(second), &to.join(second));
            std::fs::rename(to.join(log), to.join("pages.log.new")).unwrap();
            std::fs::write(to.join("pages.log.new"), b"JLG1\x01").unwrap();
        }),
        ("a log was begun, there is no store", &|to| {
            copy(&run.join(second), &to.join(second));
            copy(&run.join(log), &to.join(log));
            std::fs::remove_dir_all(to.join("store")).unwrap();
        }),
    ];
    for (name, state) in states {
        let killed = dir.path().join("killed");
        copy(&before, &killed);
        // What a writer that goes away in order leaves, and a kill does not.
        std::fs::remove_file(killed.join("closed.json")).unwrap();
        std::fs::remove_file(killed.join("pages.index")).unwrap();
        state(&killed);
        assert!(verify(&killed, None).unwrap().is_sound(), "{name}: {:?}", verify(&killed, None));
        assert_eq!(RunReader::open(&killed).unwrap().head().count, count, "{name}");
        let mut journal = RunJournal::resume(&killed, OPTIONS).unwrap().in_segments(signing(dir.path()));
        assert_eq!(journal.head().count, count, "{name}");
        append_all(&mut journal, &calls[60..75]);
        journal.end_segment().unwrap();
        append_all(&mut journal, &calls[75..]);
        append_closed(&mut journal, &calls);
        journal.close(Closing::default()).unwrap();
        assert!(sound(&killed).complete, "{name}");
        let mut whole = MemoryJournal::self_contained();
        append_all(&mut whole, &calls);
        append_closed(&mut whole, &calls);
        assert_eq!(RunReader::open(&killed).unwrap().head(), whole.head(), "{name}");
        std::fs::remove_dir_all(&killed).unwrap();
    }
}

#[test]
fn a_segment_that_is_gone_swapped_or_edited_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = open_run(dir.path(), 4);
    sound(&run);
    let (third, fourth) = (Path::new("segments/00000003"), Path::new("segments/00000004"));
    let flip = |path: PathBuf, from_end: usize| {
        let mut bytes = std::fs::read(&path).unwrap();
        let place = bytes.len() - from_end;
        bytes[place] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    };
    let changes: [(&str, Change<'_>, bool); 11] = [
        ("segment 3", &|run| std::fs::remove_dir_all(run.join(third)).unwrap(), false),
        ("segment 4", &|run| std::fs::remove_dir_all(run.join(fourth)).unwrap(), false),
        ("segment 1", &|run| std::fs::remove_dir_all(run.join("segments")).unwrap(), false),
        (
            "segment 3",
            &|run| {
                let aside = run.join("aside");
                std::fs::rename(run.join(third), &aside).unwrap();
                std::fs::rename(run.join(fourth), run.join(third)).unwrap();
                std::fs::rename(aside, run.join(fourth)).unwrap();
            },
            false,
        ),
        ("segment 3", &|run| flip(run.join(third).join("segment.json"), 90), false),
        ("segment 3", &|run| flip(run.join(third).join(PAGE_LOG), 700), true),
        ("segment 3", &|run| std::fs::remove_file(run.join(third).join(PAGE_LOG)).unwrap(), true),
        ("segment 4", &|run| std::fs::remove_file(run.join(fourth).join(PAGE_LOG)).unwrap(), true),
        ("segment 3", &|run| flip(run.join(third).join("checkpoint.json"), 12), true),
        ("segment 3", &|run| flip(run.join(third).join("pages.index"), 12), true),
        (
            "segment 3",
            &|run| {
                let (log, other) = (run.join(third).join(PAGE_LOG), run.join(fourth).join(PAGE_LOG));
                std::fs::copy(other, log).unwrap();
            },
            true,
        ),
    ];
    for (number, (place, change, opens)) in changes.into_iter().enumerate() {
        let changed = dir.path().join("changed");
        copy(&run, &changed);
        change(&changed);
        let report = verify(&changed, None).unwrap();
        assert!(report.findings.iter().any(|finding| finding.place == place), "{number}: {report:?}");
        let opened = RunReader::open(&changed);
        assert_eq!(opened.is_ok(), opens, "{number}");
        if let Err(error) = opened {
            assert!(
                matches!(&error, JournalError::Damaged { reason, .. } if reason.contains(place)),
                "{error}"
            );
            assert!(RunJournal::resume(&changed, OPTIONS).is_err(), "{number}");
        }
        std::fs::remove_dir_all(&changed).unwrap();
    }
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = open_run(dir.path(), 3);
    let whole = all(&run);
    let notes = RunReader::open(&run).unwrap().segments();
    std::fs::remove_file(segment_folder(&run, 2).join(PAGE_LOG)).unwrap();
    let reader = RunReader::open(&run).unwrap();
    let from = |seq: u64| reader.envelopes(Seq::new(seq)).unwrap();
    let (first, last) = (notes[1].begins.count, notes[1].ends.count);
    let read: Vec<_> = from(1).collect();
    assert_eq!(read.len() as u64, first + 1);
    let error = read.into_iter().last().unwrap().unwrap_err().to_string();
    assert!(error.contains("segment 2: its pages are gone"), "{error}");
    let rest: Vec<Envelope> = from(last + 1).map(Result::unwrap).collect();
    assert_eq!(rest, whole[usize::try_from(last).unwrap()..]);
}

#[test]
fn an_index_that_is_gone_is_done_without_named_and_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = open_run(dir.path(), 3);
    let (whole, index) = (all(&run), segment_folder(&run, 2).join("pages.index"));
    let was = std::fs::read(&index).unwrap();
    std::fs::remove_file(&index).unwrap();
    assert_eq!(all(&run), whole);
    let findings = verify(&run, None).unwrap().findings;
    let named: Vec<&str> = findings.iter().map(|finding| finding.place.as_str()).collect();
    assert_eq!(named, ["segment 2"], "{findings:?}");
    rebuild::rebuild(&run).unwrap();
    assert_eq!(std::fs::read(&index).unwrap(), was);
    sound(&run);
}

#[test]
fn the_open_part_is_restored_from_its_log_and_an_export_is_the_run_in_one_piece() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = open_run(dir.path(), 2);
    let whole = all(&run);
    let out = dir.path().join("run.pages");
    rebuild::export_pages(&run, &out).unwrap();
    std::fs::remove_dir_all(run.join("store")).unwrap();
    let rebuilt = rebuild::rebuild(&run).unwrap();
    assert_eq!((rebuilt.lost.len(), rebuilt.heads[0].1.count), (0, whole.len() as u64));
    assert_eq!(all(&run), whole);
    sound(&run);
    let other = dir.path().join("other");
    assert!(rebuild::rebuild_from(&other, &out).unwrap().lost.is_empty());
    assert_eq!(all(&other), whole);
    assert!(RunReader::open(&other).unwrap().segments().is_empty());
}

/// How long inputs of a run wait while a segment of the usual size is put away: `cargo test -p journal-store --lib --
/// --ignored --nocapture sixty_four`.
#[test]
#[ignore = "takes seconds, and tells a figure"]
fn sixty_four_mib_are_put_away_in_less_than_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let options = RunOptions { page_bytes: 8 * 1_024, ..OPTIONS };
    let rule = SegmentRule { bytes: 64 << 20, ..signing(dir.path()) };
    let mut journal = RunJournal::create(&dir.path().join("run"), options).unwrap().in_segments(rule);
    let calls = Sampler::calls(3, 20_000);
    while !journal.is_segment_full() {
        append_all(&mut journal, &calls);
    }
    journal.sync().unwrap();
    let started = std::time::Instant::now();
    journal.end_segment().unwrap();
    let elapsed = started.elapsed();
    println!("{elapsed:?}");
    assert!(elapsed < std::time::Duration::from_secs(1), "{elapsed:?}");
}
