//! A sync is a real one.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::path::Path;
use std::process::Command;

use engine_runtime::ports::Journal;
use journal_store::disk;
use journal_store::run::{RunJournal, RunOptions};

use crate::steps;

const FOLDER: &str = "DURABILITY_TEST_FOLDER";
const SYNCS: usize = 25;

fn synced(dir: &Path, page_log: bool) -> Vec<u64> {
    let options = RunOptions { page_bytes: 4_096, page_log, self_contained: false };
    let mut journal = RunJournal::create(dir, options).unwrap();
    let per_sync = steps::calls(3, SYNCS).into_iter().map(|call| {
        journal.append(call.origin, call.records_read, &call.step).unwrap();
        let before = disk::syncs();
        journal.sync().unwrap();
        disk::syncs() - before
    });
    per_sync.collect()
}

/// One flush to the drive for each decision, not more and not fewer; none when nothing is new.
#[test]
fn every_sync_is_one_flush_to_the_drive() {
    for page_log in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(synced(&folder.path().join("run"), page_log), vec![1; SYNCS], "page log: {page_log}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut journal = RunJournal::create(&folder.path().join("run"), RunOptions::default()).unwrap();
    let before = disk::syncs();
    journal.sync().unwrap();
    assert_eq!(disk::syncs(), before);
}

/// Does nothing unless it was started to be watched.
#[test]
fn a_child_syncs() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        synced(Path::new(&folder).join("log").as_path(), true);
        synced(Path::new(&folder).join("store").as_path(), false);
    }
}

/// The operating system sees as many calls of `fdatasync` as the journal says it has made.
#[test]
fn the_operating_system_sees_every_sync() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let watched = Command::new("strace")
        .args(["-f", "-e", "trace=fdatasync", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "durability::a_child_syncs"])
        .env(FOLDER, folder.path())
        .output();
    let Ok(watched) = watched else {
        let is_required = std::env::var_os("ENGINE_REQUIRES_STRACE").is_some();
        assert!(!is_required, "ENGINE_REQUIRES_STRACE is set and there is no strace");
        println!("skipped: there is no strace here");
        return;
    };
    assert!(watched.status.success(), "{}", String::from_utf8_lossy(&watched.stderr));
    let calls = std::fs::read_to_string(&trace).unwrap();
    let done = calls.lines().filter(|line| line.contains("fdatasync") && line.contains("= 0")).count();
    assert!(done >= 2 * SYNCS, "{done} calls of fdatasync for {} syncs", 2 * SYNCS);
}
