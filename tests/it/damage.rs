//! Damage is found and placed, or does no harm; it is never silent and never ends the process.
//!
//! A small run and a small dataset are damaged at random, file by file: single bits, cut ends, zeroed stretches,
//! swapped stretches. Looking at it changes no byte of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use engine_core::envelope::{Envelope, Seq};
use engine_core::machine::CoreSnapshot;
use engine_runtime::ports::{Head, Journal, JournalError};
use journal_store::checkpoint::{self, CheckpointKey};
use journal_store::dataset::{DatasetReader, DatasetWriter, PageOptions};
use journal_store::record::{RecordKind, TradeRecord};
use journal_store::run::{self, Closing, RunJournal, RunOptions, RunReader, SideNote};
use journal_store::series::{SeriesInfo, SourceNote};
use journal_store::verify::{VerifyReport, verify};
use journal_store::{page_log, rebuild};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::steps;

/// Enough for a store that is larger than what its closing note covers.
const RECORDS: i64 = 60_000;
const SERIES: &str = "test:BTCUSDT:trades";

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % end.max(1) as u64).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Names, sizes, bytes and times of change of everything below a folder.
fn fingerprint(dir: &Path) -> Vec<(PathBuf, u64, [u8; 32], std::time::SystemTime)> {
    let print = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        let changed = fs::metadata(&path).unwrap().modified().unwrap();
        let hash = *blake3::hash(&bytes).as_bytes();
        (path, bytes.len() as u64, hash, changed)
    };
    files(dir).into_iter().map(print).collect()
}

fn files(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Damages one file of the journal; answers which and how.
fn damage(dir: &Path, dice: &mut Dice) -> String {
    let files = files(dir);
    let large: Vec<&PathBuf> =
        files.iter().filter(|file| file.ends_with("db") || file.ends_with("pages.log")).collect();
    let file =
        if dice.below(4) > 0 { large[dice.below(large.len())] } else { &files[dice.below(files.len())] };
    let mut bytes = fs::read(file).unwrap();
    // Most of a small store is the zeros of its last segment: aim where something is written.
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
    let written = if dice.below(8) == 0 { bytes.len().max(1) } else { written };
    let place = dice.below(written);
    let what = match dice.below(6) {
        0..=2 => {
            let bit = dice.below(8);
            bytes[place] ^= 1 << bit;
            format!("bit {bit} of byte {place} flipped")
        }
        3 => {
            bytes.truncate(place);
            format!("cut to {place} bytes")
        }
        4 => {
            let end = (place + 1 + dice.below(6_000)).min(bytes.len());
            bytes[place..end].fill(0);
            format!("bytes {place} to {end} zeroed")
        }
        _ => {
            let len = (1 + dice.below(2_000)).min(bytes.len() / 2);
            let (first, second) = (dice.below(written / 2), written / 2);
            for index in 0..len.min(bytes.len() - second).min(second - first.min(second)) {
                bytes.swap(first + index, second + index);
            }
            format!("{len} bytes at {first} and {second} swapped")
        }
    };
    fs::write(file, bytes).unwrap();
    format!("{}: {what}", file.strip_prefix(dir).unwrap().display())
}

/// As after a rebuild that was killed: without the note of how the store looked when it was closed, only the chain can tell.
fn forget_closing(dir: &Path) {
    fs::remove_file(dir.join("closed.json")).unwrap();
    fs::create_dir(dir.join("store.new")).unwrap();
}

struct Sound {
    _folder: tempfile::TempDir,
    dir: PathBuf,
    checkpoint: PathBuf,
    head: Head,
    envelopes: Vec<Envelope>,
}

fn sound_run() -> &'static Sound {
    static RUN: OnceLock<Sound> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("run");
        let options = RunOptions { page_bytes: 2_048, page_log: true, self_contained: false };
        let mut journal = RunJournal::create(&dir, options).unwrap();
        let (opened, state) = steps::opened();
        journal.append(opened.origin, opened.records_read, &opened.step).unwrap();
        let calls = steps::calls(5, 350);
        for (index, call) in calls.iter().enumerate() {
            journal.append(call.origin, call.records_read, &call.step).unwrap();
            if index % 40 == 0 {
                journal.sync().unwrap();
            }
        }
        let closed = steps::closed(&calls);
        journal.append(closed.origin, closed.records_read, &closed.step).unwrap();
        let core = CoreSnapshot::of_state(state);
        journal.put_snapshot(&core).unwrap();
        run::write_side(&dir, &SideNote { label: "sound".into(), ..SideNote::default() }).unwrap();
        let key = CheckpointKey::load_or_create(&folder.path().join("key")).unwrap();
        let signed = journal.checkpoint(&key, 1).unwrap();
        let checkpoint = folder.path().join("elsewhere.json");
        checkpoint::write(&checkpoint, &[signed]).unwrap();
        journal.close(Closing { core: Some(&core), key: Some(&key), signed_at: 2 }).unwrap();
        let reader = RunReader::open(&dir).unwrap();
        let envelopes = reader.envelopes(Seq::FIRST).unwrap().map(Result::unwrap).collect();
        let head = reader.head();
        drop(reader);
        let report = verify(&dir, Some(&checkpoint)).unwrap();
        assert!(report.is_sound() && report.complete, "{report:?}");
        Sound { _folder: folder, dir, checkpoint, head, envelopes }
    })
}

/// Reads until the end or the first error; what comes before an error must be what was written.
fn read_run(dir: &Path, sound: &Sound, case: &str) -> Result<bool, JournalError> {
    let reader = RunReader::open(dir)?;
    let mut count = 0;
    for envelope in reader.envelopes(Seq::FIRST)? {
        assert_eq!(Some(&envelope?), sound.envelopes.get(count), "{case}: another event was read");
        count += 1;
    }
    Ok(reader.is_complete() && count == sound.envelopes.len() && reader.head() == sound.head)
}

fn assert_placed(report: &VerifyReport, case: &str) {
    let placed =
        report.findings.iter().all(|finding| !finding.place.is_empty() && !finding.reason.is_empty());
    assert!(placed, "{case}: {report:?}");
}

#[derive(Default)]
struct Tally {
    found: usize,
    harmless: usize,
    rebuilt: usize,
}

fn damaged_run(seed: u64, tally: &mut Tally) {
    let sound = sound_run();
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run");
    copy(&sound.dir, &dir);
    if seed.is_multiple_of(2) {
        forget_closing(&dir);
    }
    let case = format!("seed {seed}: {}", damage(&dir, &mut dice));
    let before = fingerprint(&dir);
    let report = verify(&dir, None).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_placed(&report, &case);
    let read = read_run(&dir, sound, &case);
    assert_eq!(fingerprint(&dir), before, "{case}: reading has changed something");
    if report.is_sound() {
        assert!(matches!(read, Ok(true)), "{case}: not found, and not harmless: {read:?}");
        tally.harmless += 1;
    } else {
        tally.found += 1;
    }
    let log_is_sound = !case.contains("pages.log");
    if log_is_sound && seed.is_multiple_of(4) {
        let rebuilt = rebuild::rebuild(&dir).unwrap_or_else(|error| panic!("{case}: rebuild: {error}"));
        assert_eq!(rebuilt.heads.first().map(|(_, head)| head.head()), Some(sound.head), "{case}");
        assert!(matches!(read_run(&dir, sound, &case), Ok(true)), "{case}: rebuilt store reads otherwise");
        tally.rebuilt += 1;
    }
    if !log_is_sound {
        // The store is whole, so nothing is lost, and the log is made anew from it.
        let rebuilt = rebuild::rebuild(&dir).unwrap_or_else(|error| panic!("{case}: rebuild: {error}"));
        assert_eq!(rebuilt.heads.first().map(|(_, head)| head.head()), Some(sound.head), "{case}");
        assert_eq!(rebuilt.lost, Vec::new(), "{case}");
        let report = verify(&dir, None).unwrap();
        assert!(report.is_sound() && report.complete, "{case}: after rebuilding {report:?}");
    }
}

fn damaged_runs(seeds: core::ops::Range<u64>) {
    let mut tally = Tally::default();
    seeds.for_each(|seed| damaged_run(seed, &mut tally));
    println!("{} found, {} harmless, {} rebuilt", tally.found, tally.harmless, tally.rebuilt);
    assert!(tally.found > tally.harmless && tally.rebuilt > 10, "the damage must be worth the name");
}

#[test]
fn damage_to_a_run_is_found_or_harmless_first_part() {
    damaged_runs(0..400);
}

#[test]
fn damage_to_a_run_is_found_or_harmless_second_part() {
    damaged_runs(400..800);
}

struct SoundDataset {
    _folder: tempfile::TempDir,
    dir: PathBuf,
    pages: PathBuf,
    records: Vec<TradeRecord>,
}

fn sound_dataset() -> &'static SoundDataset {
    static DATASET: OnceLock<SoundDataset> = OnceLock::new();
    DATASET.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("dataset");
        let writer = DatasetWriter::open(&dir, PageOptions { page_bytes: 4_096 }).unwrap();
        let info = SeriesInfo {
            venue: "test".into(),
            symbol: "BTCUSDT".into(),
            kind: RecordKind::Trades,
            price_decimals: 8,
            qty_decimals: 8,
            interval: None,
            bar_time: None,
            synthetic: true,
        };
        let mut series = writer.series::<TradeRecord>(info).unwrap();
        for number in 0..RECORDS {
            let price = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
            series.push(TradeRecord { venue_at: number, price, qty: number, lag_us: 3, side: 1 }).unwrap();
        }
        series.commit(SourceNote { file: "a.csv".into(), blake3: [1; 32], rows: 1 }).unwrap();
        series.finish().unwrap();
        drop(writer);
        let pages = folder.path().join("export");
        rebuild::export_pages(&dir, &pages).unwrap();
        let records = read_dataset(&dir).unwrap();
        assert_eq!(records.len() as i64, RECORDS);
        SoundDataset { _folder: folder, dir, pages, records }
    })
}

fn read_dataset(dir: &Path) -> Result<Vec<TradeRecord>, Box<dyn std::error::Error>> {
    let reader = DatasetReader::open(dir)?;
    let mut records = Vec::new();
    for page in reader.series(SERIES)?.pages(1)? {
        records.extend(page?.records::<TradeRecord>().ok_or("not trades")?);
    }
    if reader.is_complete() { Ok(records) } else { Err("incomplete".into()) }
}

fn damaged_dataset(seed: u64, tally: &mut Tally) {
    let sound = sound_dataset();
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("dataset");
    copy(&sound.dir, &dir);
    if seed.is_multiple_of(2) {
        forget_closing(&dir);
    }
    let case = format!("seed {seed}: {}", damage(&dir, &mut dice));
    let before = fingerprint(&dir);
    let report = verify(&dir, None).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_placed(&report, &case);
    let read = read_dataset(&dir);
    assert_eq!(fingerprint(&dir), before, "{case}: reading has changed something");
    assert!(
        read.as_ref().map_or(true, |records| *records == sound.records),
        "{case}: other records were read"
    );
    if report.is_sound() {
        assert!(read.is_ok(), "{case}: not found, and not harmless: {read:?}");
        tally.harmless += 1;
    } else {
        tally.found += 1;
    }
    if seed.is_multiple_of(8) {
        rebuild::rebuild_from(&dir, &sound.pages).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(read_dataset(&dir).ok().as_ref(), Some(&sound.records), "{case}");
        tally.rebuilt += 1;
    }
}

#[test]
fn damage_to_a_dataset_is_found_or_harmless() {
    let mut tally = Tally::default();
    (10_000..10_250).for_each(|seed| damaged_dataset(seed, &mut tally));
    println!("{} found, {} harmless, {} rebuilt", tally.found, tally.harmless, tally.rebuilt);
    assert!(tally.found > tally.harmless && tally.rebuilt > 10, "the damage must be worth the name");
}

/// A run whose tail was cut, or that was written anew, is sound in itself: only a head kept elsewhere tells.
#[test]
fn a_checkpoint_kept_elsewhere_shows_a_cut_tail_and_a_rewritten_run() {
    let sound = sound_run();
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, seed: u64, steps: usize| {
        let dir = folder.path().join(name);
        let options = RunOptions { page_bytes: 2_048, page_log: true, self_contained: false };
        let mut journal = RunJournal::create(&dir, options).unwrap();
        let (opened, _) = steps::opened();
        journal.append(opened.origin, opened.records_read, &opened.step).unwrap();
        let calls = steps::calls(seed, steps);
        for call in calls.iter().chain([&steps::closed(&calls)]) {
            journal.append(call.origin, call.records_read, &call.step).unwrap();
        }
        journal.close(Closing::default()).unwrap();
        assert!(verify(&dir, None).unwrap().is_sound());
        let report = verify(&dir, Some(&sound.checkpoint)).unwrap();
        report.findings.into_iter().map(|finding| finding.reason).collect::<Vec<_>>().join("; ")
    };
    assert!(check("cut", 5, 300).contains("its tail was cut off"));
    assert!(check("anew", 6, 400).contains("it was written anew"));
    assert_eq!(verify(&sound.dir, Some(&sound.checkpoint)).unwrap().findings, Vec::new());
    let mut forged = checkpoint::read(&sound.checkpoint).unwrap();
    forged.iter_mut().for_each(|checkpoint| checkpoint.head.count += 1);
    let path = folder.path().join("forged.json");
    checkpoint::write(&path, &forged).unwrap();
    assert!(!verify(&sound.dir, Some(&path)).unwrap().is_sound());
}

/// The two descriptions of a page file are the only ones there are.
#[test]
fn a_file_that_is_no_file_of_pages_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "not pages").unwrap();
    let refused = rebuild::rebuild_from(&folder.path().join("new"), &file);
    assert!(matches!(refused, Err(JournalError::NotAJournal { .. })), "{refused:?}");
    assert_eq!(page_log::Described::Run, page_log::Described::Run);
}
