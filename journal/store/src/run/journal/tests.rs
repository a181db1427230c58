//! Writing and taking up runs.

use engine_core::event::{Event, Input, SessionMark};

use super::*;
use crate::run::{RunReader, SideNote, read_side, write_side};
use crate::sample::{Sampler, append_all};
use crate::verify::verify;

const LOGGED: RunOptions = RunOptions { page_bytes: 1_024, page_log: true, self_contained: false };

#[test]
fn the_first_failed_write_ends_a_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut journal = RunJournal::create(&path, LOGGED).unwrap();
    let calls = Sampler::calls(1, 40);
    append_all(&mut journal, &calls[..20]);
    let durable = journal.sync().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    journal.sink.log = Some(PageLog::on(full, Path::new("pages.log")));
    append_all(&mut journal, &calls[20..21]);
    assert!(matches!(journal.sync(), Err(JournalError::DiskFull)));
    let refused = journal.append(calls[21].origin, calls[21].records_read, &calls[21].step);
    assert!(matches!(&refused, Err(JournalError::Poisoned { reason }) if reason.contains("no space left")));
    assert!(matches!(journal.sync(), Err(JournalError::Poisoned { .. })), "a failed sync is never retried");
    drop(journal);
    let reader = RunReader::open(&path).unwrap();
    assert_eq!((reader.head().count, reader.is_complete()), (durable.number(), false));
}

#[test]
fn a_run_is_made_once_and_knows_its_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut journal = RunJournal::create(&path, RunOptions::default()).unwrap();
    let calls = Sampler::calls(3, 5);
    append_all(&mut journal, &calls);
    assert!(matches!(RunJournal::create(&path, RunOptions::default()), Err(JournalError::Exists { .. })));
    assert!(matches!(RunReader::open(&path), Err(JournalError::Locked { .. })));
    journal.close(Closing::default()).unwrap();
    assert!(matches!(RunJournal::resume(&path, LOGGED), Err(JournalError::Exists { .. })));
    let Input::Session(SessionMark::Opened(manifest)) = &calls[0].step.input else { unreachable!() };
    let reader = RunReader::open(&path).unwrap();
    assert_eq!(reader.manifest(), Some(manifest.as_ref()));
    assert!(matches!(
        reader.envelopes(Seq::FIRST).unwrap().next().unwrap().unwrap().event,
        Event::Input(Input::Session(SessionMark::Opened(_)))
    ));
    assert_eq!(read_side(&path).unwrap(), None);
    let note = SideNote { label: "first".into(), created_at: 5, ..SideNote::default() };
    write_side(&path, &note).unwrap();
    assert_eq!(read_side(&path).unwrap(), Some(note));
    let missing = RunReader::open(dir.path()).unwrap_err();
    assert!(matches!(missing, JournalError::NotAJournal { .. }), "{missing}");
}

#[test]
fn a_run_cut_short_at_its_very_beginning_is_incomplete_not_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    drop(RunJournal::create(&path, RunOptions::default()).unwrap());
    let report = verify(&path, None).unwrap();
    assert!(report.is_sound() && !report.complete, "{report:?}");
    for file in ["closed.json", "pages.index"] {
        std::fs::remove_file(path.join(file)).unwrap();
    }
    std::fs::remove_dir_all(path.join("store")).unwrap();
    let report = verify(&path, None).unwrap();
    assert!(report.is_sound() && !report.complete, "{report:?}");
}

#[test]
fn what_a_power_cut_has_left_of_the_last_group_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (path, log) = (dir.path().join("run"), dir.path().join("run/pages.log"));
    let mut journal = RunJournal::create(&path, LOGGED).unwrap();
    let calls = Sampler::calls(1, 200);
    append_all(&mut journal, &calls[..40]);
    let durable = journal.sync().unwrap().number();
    let group = usize::try_from(std::fs::metadata(&log).unwrap().len()).unwrap();
    append_all(&mut journal, &calls[40..]);
    assert!(journal.sync().unwrap().number() > durable);
    drop(journal);
    let bytes = std::fs::read(&log).unwrap();
    assert!(
        bytes[group..].windows(4).filter(|four| *four == b"JLG1").count() > 2,
        "a group of several pages"
    );
    // Of its first entry a part of the head or more did not come, and everything behind it did.
    for torn in [1, 11, 15, 16, 400] {
        let mut left = bytes.clone();
        left[group..group + torn].fill(0);
        std::fs::write(&log, &left).unwrap();
        for file in ["closed.json", "pages.index"] {
            let _ = std::fs::remove_file(path.join(file));
        }
        std::fs::remove_dir_all(path.join("store")).unwrap();
        let report = verify(&path, None).unwrap();
        assert!(report.is_sound() && report.events == durable, "{torn}: {report:?}");
        let journal = RunJournal::resume(&path, LOGGED).unwrap();
        assert_eq!(journal.head().count, durable, "{torn}");
        drop(journal);
        assert_eq!(std::fs::metadata(&log).unwrap().len(), group as u64, "{torn}");
        assert_eq!(verify(&path, None).unwrap().events, durable, "{torn}");
    }
}
