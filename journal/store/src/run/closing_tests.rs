//! What lies beside a closed run, or one whose closing was cut short: whether `verify` takes it for what it is.

use std::fs;
use std::path::{Path, PathBuf};

use super::{CHECKPOINT, Closing, RunJournal, RunOptions, SideNote, write_side};
use crate::beside::FileBeside;
use crate::checkpoint::CheckpointKey;
use crate::disk_watch::{DiskChange, DiskWatch, watched_by};
use crate::heads::{JournalState, RunHead, read_run_head};
use crate::journal_folder::{FRESH, HEAD_FILE, SIDE_FILE};
use crate::marker::MARKER;
use crate::page_index::PAGE_INDEX;
use crate::public_key::PublicKey;
use crate::rebuild::rebuild;
use crate::sample::{Sampler, append_all, append_closed};
use crate::side_file;
use crate::verify::{Finding, verify};

const LOGGED: RunOptions = RunOptions { page_bytes: 1_024, page_log: true, self_contained: false };

fn key(root: &Path) -> CheckpointKey {
    CheckpointKey::load_or_create(&root.join("signing.key")).unwrap()
}

/// A run in `root` with a side note, closed and signed.
fn signed(root: &Path, seed: u64, options: RunOptions) -> PathBuf {
    let dir = root.join(format!("run-{seed}"));
    let mut journal = RunJournal::create(&dir, options).unwrap();
    let calls = Sampler::calls(seed, 40);
    append_all(&mut journal, &calls);
    append_closed(&mut journal, &calls);
    write_side(&dir, &SideNote { label: "first".to_owned(), ..SideNote::default() }).unwrap();
    journal.close(Closing { key: Some(&key(root)), ..Closing::default() }).unwrap();
    dir
}

fn head(dir: &Path) -> RunHead {
    read_run_head(dir).unwrap().sound().unwrap()
}

fn write_head(dir: &Path, head: &RunHead) {
    side_file::write(&dir.join(HEAD_FILE), head).unwrap();
}

/// The head of a run as it is from its beginning until its closing has come to its end.
fn unclosed(dir: &Path) {
    let RunHead { page_log, .. } = head(dir);
    write_head(dir, &RunHead::new(crate::chain::ChainHead::start_of_run(), 0, false, page_log));
}

/// The places of all findings, which must give `reason`.
fn places(findings: &[Finding], reason: &str) -> Vec<String> {
    assert!(findings.iter().all(|finding| finding.reason.contains(reason)), "{findings:?}");
    findings.iter().map(|finding| finding.place.clone()).collect()
}

#[test]
fn the_signed_head_of_another_run_is_found_whatever_the_head_says_of_being_complete() {
    let root = tempfile::tempdir().unwrap();
    let (own, other) =
        (signed(root.path(), 1, RunOptions::default()), signed(root.path(), 2, RunOptions::default()));
    // As after a kill between the signature and the head.
    unclosed(&own);
    let report = verify(&own, None).unwrap();
    assert_eq!((report.findings, report.state), (Vec::new(), JournalState::Closing));
    fs::copy(other.join(CHECKPOINT), own.join(CHECKPOINT)).unwrap();
    let report = verify(&own, None).unwrap();
    assert_eq!(places(&report.findings, "not that of the run"), [CHECKPOINT]);
}

#[test]
fn a_signature_over_the_beginning_of_a_run_is_none_of_the_run() {
    let root = tempfile::tempdir().unwrap();
    let dir = signed(root.path(), 1, RunOptions::default());
    let kept = fs::read(dir.join(CHECKPOINT)).unwrap();
    unclosed(&dir);
    let mut journal = RunJournal::resume(&dir, RunOptions::default()).unwrap();
    append_closed(&mut journal, &Sampler::calls(1, 40));
    engine_runtime::ports::Journal::sync(&mut journal).unwrap();
    drop(journal);
    assert!(!dir.join(CHECKPOINT).exists(), "it would speak of less than the run");
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
    fs::write(dir.join(CHECKPOINT), kept).unwrap();
    let findings = verify(&dir, None).unwrap().findings;
    assert_eq!(places(&findings, "not that of the run"), [CHECKPOINT]);
}

#[test]
fn files_that_a_signed_head_names_are_missed_before_the_closing_has_ended_too() {
    let root = tempfile::tempdir().unwrap();
    let dir = signed(root.path(), 1, RunOptions::default());
    unclosed(&dir);
    fs::remove_file(dir.join(SIDE_FILE)).unwrap();
    assert_eq!(places(&verify(&dir, None).unwrap().findings, "the file is gone"), [SIDE_FILE]);
    // A copy that is kept elsewhere names them as well.
    let copy = root.path().join("copy.json");
    fs::rename(dir.join(CHECKPOINT), &copy).unwrap();
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
    assert_eq!(places(&verify(&dir, Some(&copy)).unwrap().findings, "the file is gone"), [SIDE_FILE]);
}

#[test]
fn a_head_that_names_another_signer_is_found() {
    let root = tempfile::tempdir().unwrap();
    let dir = signed(root.path(), 1, RunOptions::default());
    let sound = head(&dir);
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
    let other = CheckpointKey::load_or_create(&root.path().join("other.key")).unwrap().public();
    for (signed_by, said) in [(Some(other), other.to_string()), (None, "nobody".to_owned())] {
        write_head(&dir, &RunHead { signed_by, ..sound.clone() });
        let findings = verify(&dir, None).unwrap().findings;
        assert_eq!(places(&findings, &format!("signed by {said}")), [CHECKPOINT]);
    }
}

#[test]
fn a_rebuilt_head_names_files_and_signer_where_the_old_one_was_not_that_of_a_closed_run() {
    let root = tempfile::tempdir().unwrap();
    let dir = signed(root.path(), 1, LOGGED);
    let sound = head(&dir);
    assert_eq!((sound.files.len(), sound.signed_by), (1, Some(key(root.path()).public())));
    let gone = |dir: &Path| fs::remove_file(dir.join(HEAD_FILE)).unwrap();
    for case in ["gone", "not closed"] {
        if case == "gone" {
            gone(&dir)
        } else {
            unclosed(&dir)
        }
        assert_eq!(rebuild(&dir).unwrap().lost, [], "{case}");
        assert_eq!(head(&dir), sound, "{case}");
        assert_eq!(verify(&dir, None).unwrap().findings, Vec::new(), "{case}");
    }
    // A signature that is none makes no signer.
    let mut forged = crate::checkpoint::read(&dir.join(CHECKPOINT)).unwrap();
    forged.iter_mut().for_each(|forged| forged.signed_at += 1);
    crate::checkpoint::write(&dir.join(CHECKPOINT), &forged).unwrap();
    unclosed(&dir);
    rebuild(&dir).unwrap();
    assert_eq!(head(&dir).signed_by, None::<PublicKey>);
}

#[test]
fn a_name_that_can_be_no_file_is_a_finding() {
    let root = tempfile::tempdir().unwrap();
    let dir = signed(root.path(), 1, RunOptions::default());
    let sound = head(&dir);
    let long = "x".repeat(300);
    for name in ["", "store", "side.json/x", "a\0b", &long, &long.repeat(20), "../run-1/side.json", "/", "."]
    {
        let files = vec![FileBeside { name: name.to_owned(), blake3: [7; 32] }, sound.files[0].clone()];
        write_head(&dir, &RunHead { files, ..sound.clone() });
        assert_eq!(places(&verify(&dir, None).unwrap().findings, "not the one"), [name]);
    }
    write_head(&dir, &sound);
    // Neither is a named file that has become a folder an error, nor a folder that has become a file.
    fs::remove_file(dir.join(SIDE_FILE)).unwrap();
    fs::create_dir(dir.join(SIDE_FILE)).unwrap();
    assert_eq!(places(&verify(&dir, None).unwrap().findings, "the file is not"), [SIDE_FILE, SIDE_FILE]);
    fs::create_dir_all(dir.join("snapshots").join(format!("{:020}.snapshot", 3))).unwrap();
    assert!(places(&verify(&dir, None).unwrap().findings, "").contains(&"snapshots".to_owned()));
    fs::remove_dir_all(dir.join("snapshots")).unwrap();
    fs::write(dir.join("snapshots"), "").unwrap();
    assert!(verify(&dir, None).is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn a_circle_of_links_is_another_file_than_it_was() {
    let root = tempfile::tempdir().unwrap();
    let dir = signed(root.path(), 1, RunOptions::default());
    fs::remove_file(dir.join(SIDE_FILE)).unwrap();
    std::os::unix::fs::symlink(SIDE_FILE, dir.join(SIDE_FILE)).unwrap();
    assert_eq!(places(&verify(&dir, None).unwrap().findings, "the file is not"), [SIDE_FILE, SIDE_FILE]);
}

#[test]
fn a_note_of_the_closed_store_that_is_gone_is_named_and_made_again() {
    let root = tempfile::tempdir().unwrap();
    for options in [RunOptions::default(), LOGGED] {
        let dir = signed(root.path(), u64::from(options.page_log), options);
        for gone in [&[MARKER][..], &[PAGE_INDEX], &[MARKER, PAGE_INDEX]] {
            for file in gone {
                fs::remove_file(dir.join(file)).unwrap();
            }
            let report = verify(&dir, None).unwrap();
            assert_eq!(places(&report.findings, "the file is gone"), gone);
            assert_eq!(report.state, JournalState::Signed, "everything else is as it was");
            assert_eq!(rebuild(&dir).unwrap().lost, []);
            assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
            assert!(!dir.join(FRESH).exists());
        }
    }
}

#[test]
fn no_note_is_missed_of_a_run_that_a_kill_left_open() {
    let root = tempfile::tempdir().unwrap();
    let dir = signed(root.path(), 1, LOGGED);
    unclosed(&dir);
    // A writer that goes away in order leaves both; the marker is removed first, and written last.
    fs::remove_file(dir.join(MARKER)).unwrap();
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
    fs::remove_file(dir.join(PAGE_INDEX)).unwrap();
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
}

#[test]
fn an_index_that_its_marker_outlives_is_missed_of_a_run_that_was_not_closed_too() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("run");
    drop(RunJournal::create(&dir, LOGGED).unwrap());
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
    fs::remove_file(dir.join(PAGE_INDEX)).unwrap();
    assert_eq!(places(&verify(&dir, None).unwrap().findings, "the file is gone"), [PAGE_INDEX]);
}

/// Ends the work at the moment it would write the marker, as a kill does.
struct KilledAtTheMarker;

impl DiskWatch for KilledAtTheMarker {
    fn before(&mut self, change: DiskChange<'_>) -> std::io::Result<()> {
        let is_marker = matches!(change, DiskChange::Rename(_, to) if to.ends_with(MARKER));
        if is_marker { Err(std::io::Error::other("killed")) } else { Ok(()) }
    }
}

#[test]
fn a_rebuild_that_was_killed_before_its_notes_is_no_damage_and_can_be_repeated() {
    let root = tempfile::tempdir().unwrap();
    let dir = signed(root.path(), 1, LOGGED);
    watched_by(Some(Box::new(KilledAtTheMarker)));
    let killed = rebuild(&dir);
    watched_by(None);
    assert!(killed.is_err() && !dir.join(MARKER).exists(), "{killed:?}");
    fs::remove_file(dir.join(PAGE_INDEX)).unwrap();
    let report = verify(&dir, None).unwrap();
    assert_eq!((report.findings, report.state), (Vec::new(), JournalState::Signed));
    assert_eq!(rebuild(&dir).unwrap().lost, []);
    assert!(dir.join(MARKER).is_file() && dir.join(PAGE_INDEX).is_file() && !dir.join(FRESH).exists());
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
}
