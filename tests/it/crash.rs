//! A journal whose process is killed at any moment has kept everything it acknowledged, and can go on.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up has failed")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use engine_core::envelope::Seq;
use engine_runtime::ports::Journal;
use journal_store::memory_journal::MemoryJournal;
use journal_store::run::{Closing, RunJournal, RunOptions, RunReader};
use journal_store::verify::verify;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::steps;

const FOLDER: &str = "CRASH_TEST_FOLDER";
const PAGE_LOG: &str = "CRASH_TEST_PAGE_LOG";
const STEPS: usize = 4_000;

fn options(page_log: bool) -> RunOptions {
    RunOptions { page_bytes: 1_024, page_log, self_contained: false }
}

/// Does nothing unless it was started to append: then it appends until it is killed, and says after each sync
/// what is durable.
#[test]
fn a_child_appends_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let page_log = std::env::var_os(PAGE_LOG).is_some_and(|value| value == "yes");
    let mut journal = RunJournal::create(Path::new(&folder), options(page_log)).unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nacknowledged 0").unwrap();
    for (index, call) in steps::calls(77, STEPS).iter().enumerate() {
        journal.append(call.origin, call.records_read, &call.step).unwrap();
        if index % 7 == 0 {
            let durable = journal.sync().unwrap();
            writeln!(out, "acknowledged {}", durable.number()).unwrap();
            out.flush().unwrap();
        }
    }
}

/// Starts a child, kills it at a random moment, and answers the last event it acknowledged.
fn killed_child(dir: &Path, page_log: bool, rng: &mut ChaCha8Rng) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "crash::a_child_appends_until_it_is_killed"])
        .env(FOLDER, dir)
        .env(PAGE_LOG, if page_log { "yes" } else { "no" })
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = None;
    let mut heard = |line: String| {
        let number = line.strip_prefix("acknowledged ").and_then(|number| number.parse().ok());
        last = number.or(last);
        number.is_some()
    };
    let wanted = 1 + rng.next_u64() % 60;
    let mut count = 0;
    while count < wanted {
        let Some(Ok(line)) = lines.next() else { break };
        count += u64::from(heard(line));
    }
    let end = Instant::now() + Duration::from_micros(rng.next_u64() % 4_000);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    lines.map_while(Result::ok).for_each(|line| {
        heard(line);
    });
    last.expect("the child has come to appending")
}

fn kills(seeds: core::ops::Range<u64>, page_log: bool) {
    let calls = steps::calls(77, STEPS);
    let mut whole = MemoryJournal::default();
    calls.iter().for_each(|call| whole.append(call.origin, call.records_read, &call.step).unwrap());
    let expected = whole.envelopes();
    let mut kept = Vec::new();
    for seed in seeds {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("run");
        let acknowledged = killed_child(&dir, page_log, &mut rng);
        let report = verify(&dir, None).unwrap();
        assert!(report.is_sound() && !report.complete, "seed {seed}: {report:?}");
        let reader = RunReader::open(&dir).unwrap();
        let count = reader.head().count;
        assert!(count >= acknowledged, "seed {seed}: {acknowledged} acknowledged, {count} kept");
        assert!(!reader.is_complete(), "seed {seed}");
        let read: Vec<_> = reader.envelopes(Seq::FIRST).unwrap().map(Result::unwrap).collect();
        assert_eq!(Some(read.as_slice()), expected.get(..read.len()), "seed {seed}");
        assert_eq!(read.len() as u64, count, "seed {seed}");
        drop(reader);
        if seed.is_multiple_of(5) {
            goes_on(&dir, &calls, count, &whole, seed);
        }
        kept.push(count);
    }
    kept.sort_unstable();
    println!("{} kills, between {:?} and {:?} events kept", kept.len(), kept.first(), kept.last());
}

/// The run goes on behind its last whole step and ends with the head of a run that was never killed.
fn goes_on(dir: &Path, calls: &[steps::Call], count: u64, whole: &MemoryJournal, seed: u64) {
    let mut journal = RunJournal::resume(dir, options(false)).unwrap();
    let mut done = 0;
    let rest: Vec<_> = calls
        .iter()
        .skip_while(|call| {
            let before = done < count;
            done += if before { call.events() } else { 0 };
            before
        })
        .collect();
    assert_eq!(done, count, "seed {seed}: a step was kept in part");
    rest.iter().for_each(|call| journal.append(call.origin, call.records_read, &call.step).unwrap());
    assert_eq!(journal.head(), whole.head(), "seed {seed}");
    let closed = steps::closed(calls);
    journal.append(closed.origin, closed.records_read, &closed.step).unwrap();
    let mut whole = whole.clone();
    whole.append(closed.origin, closed.records_read, &closed.step).unwrap();
    journal.close(Closing::default()).unwrap();
    let report = verify(dir, None).unwrap();
    assert!(report.is_sound() && report.complete, "seed {seed}: {report:?}");
    assert_eq!(report.head(), Some(whole.head()), "seed {seed}");
}

#[test]
fn nothing_acknowledged_is_lost_with_a_page_log() {
    kills(0..60, true);
}

#[test]
fn nothing_acknowledged_is_lost_without_a_page_log() {
    kills(100..160, false);
}
