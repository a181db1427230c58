//! A dataset whose store is damaged, was rolled back, is lost or was being replaced.

use std::fs;
use std::path::Path;

use engine_runtime::ports::JournalError;

use std::path::PathBuf;

use super::*;
use crate::dataset::{DatasetError, DatasetReader, DatasetWriter, PageOptions};
use crate::heads::JournalState;
use crate::journal_folder::{FRESH, OLD};
use crate::page_view::PageFiles;
use crate::page_view::STORE_FILE;
use crate::rebuild::rebuild;
use crate::record::{RecordKind, TradeRecord};
use crate::series::{SeriesInfo, SourceNote};
use crate::verify::verify;

const SERIES: &str = "test:S:trades";
const OPTIONS: PageOptions = PageOptions { page_bytes: 1_024 };

fn info() -> SeriesInfo {
    SeriesInfo {
        venue: "test".into(),
        symbol: "S".into(),
        kind: RecordKind::Trades,
        price_decimals: 8,
        qty_decimals: 8,
        interval: None,
        bar_time: None,
        synthetic: true,
    }
}

fn trade(number: i64) -> TradeRecord {
    TradeRecord { venue_at: number, price: number * 7, qty: number % 5, lag_us: 9, side: 1 }
}

/// Adds records; those of an import that fails are rolled back.
fn add(writer: &DatasetWriter, numbers: std::ops::Range<i64>, commits: bool) {
    let mut series = writer.series::<TradeRecord>(info()).unwrap();
    let blake3 = [u8::try_from(numbers.start % 251).unwrap(); 32];
    numbers.for_each(|number| series.push(trade(number)).unwrap());
    if commits {
        series.commit(SourceNote { file: "a.csv".into(), blake3, rows: 1 }).unwrap();
    }
}

fn read(dir: &Path) -> Vec<TradeRecord> {
    let series = DatasetReader::open(dir).unwrap().series(SERIES).unwrap();
    let pages = series.pages(1).unwrap().map_while(Result::ok);
    pages.flat_map(|page| page.records::<TradeRecord>().unwrap()).collect()
}

fn expected(numbers: std::ops::Range<i64>) -> Vec<TradeRecord> {
    numbers.map(trade).collect()
}

fn dataset(dir: &Path) -> PathBuf {
    let dir = dir.join("dataset");
    add(&DatasetWriter::open(&dir, OPTIONS).unwrap(), 0..2_000, true);
    dir
}

#[test]
fn a_writer_never_lets_sled_open_what_was_damaged() {
    let root = tempfile::tempdir().unwrap();
    let dir = dataset(root.path());
    let db = dir.join(STORE).join(STORE_FILE);
    let mut bytes = fs::read(&db).unwrap();
    // Every copy of one page: sled may keep more than one.
    let page = memchr::memmem::rfind(&bytes, &crate::page::MAGIC).unwrap();
    let header = bytes[page..page + crate::page::HEADER_BYTES].to_vec();
    let copies: Vec<usize> = memchr::memmem::find_iter(&bytes, &header).collect();
    copies.iter().for_each(|copy| bytes[copy + 200] ^= 1);
    fs::write(&db, &bytes).unwrap();
    for unindexed in [false, true] {
        if unindexed {
            fs::remove_file(dir.join("pages.index")).unwrap();
        }
        let refused = DatasetWriter::open(&dir, OPTIONS);
        let is_damage = matches!(refused, Err(DatasetError::Journal(JournalError::Damaged { .. })));
        assert!(is_damage, "{:?}", refused.map(|_| ()));
        assert!(fs::read(&db).unwrap() == bytes, "the store has changed");
        assert!(!dir.join(FRESH).exists());
    }
    let rebuilt = rebuild(&dir).unwrap();
    let kept = read(&dir);
    assert_eq!(kept, expected(0..kept.len() as i64));
    assert_eq!(rebuilt.lost.first().map(|lost| lost.from), Some(kept.len() as u64 + 1));
    add(&DatasetWriter::open(&dir, OPTIONS).unwrap(), kept.len() as i64..2_500, true);
    assert_eq!(read(&dir), expected(0..2_500));
}

#[test]
fn pages_that_were_rolled_back_are_gone_when_the_store_is_closed() {
    let root = tempfile::tempdir().unwrap();
    let dir = dataset(root.path());
    add(&DatasetWriter::open(&dir, OPTIONS).unwrap(), 5_000..9_000, false);
    assert_eq!(DatasetReader::open(&dir).unwrap().state(), JournalState::Closed);
    let pool = PageFiles::open(&dir).unwrap().pool(true).unwrap();
    let entry = DatasetReader::open(&dir).unwrap().series_list()[0].clone();
    assert_eq!(pool.len() as u64, entry.pages);
    add(&DatasetWriter::open(&dir, OPTIONS).unwrap(), 2_000..4_000, true);
    assert_eq!(read(&dir), expected(0..4_000));
    assert!(verify(&dir, None).unwrap().is_sound());
}

#[test]
fn a_dataset_with_a_page_log_comes_back_without_store_and_head() {
    let root = tempfile::tempdir().unwrap();
    let dir = dataset(root.path());
    let writer = DatasetWriter::with_page_log(&dir, OPTIONS).unwrap();
    add(&writer, 2_000..3_000, true);
    drop(writer);
    add(&DatasetWriter::open(&dir, OPTIONS).unwrap(), 3_000..3_500, true);
    let head = fs::read(dir.join("head.json")).unwrap();
    let report = verify(&dir, None).unwrap();
    assert!(report.is_sound() && report.complete, "{report:?}");
    for file in ["head.json", "pages.index", "closed.json"] {
        fs::remove_file(dir.join(file)).unwrap();
    }
    fs::remove_dir_all(dir.join(STORE)).unwrap();
    let rebuilt = rebuild(&dir).unwrap();
    assert_eq!((rebuilt.lost.len(), rebuilt.old_store), (0, None));
    assert_eq!(read(&dir), expected(0..3_500));
    assert_eq!(fs::read(dir.join("head.json")).unwrap(), head);
    let log = fs::read(dir.join("pages.log")).unwrap();
    let mut damaged = log.clone();
    damaged[log.len() / 2] ^= 8;
    fs::write(dir.join("pages.log"), damaged).unwrap();
    assert!(!verify(&dir, None).unwrap().is_sound(), "a damaged log is found");
    rebuild(&dir).unwrap();
    assert!(verify(&dir, None).unwrap().is_sound(), "and made anew");
}

#[test]
fn a_change_of_stores_that_was_cut_short_is_brought_to_its_end() {
    let root = tempfile::tempdir().unwrap();
    let dir = dataset(root.path());
    let fresh = dir.join(FRESH);
    fs::create_dir(&fresh).unwrap();
    fs::rename(dir.join(STORE), fresh.join(STORE)).unwrap();
    fs::create_dir(fresh.join(OLD)).unwrap();
    assert_eq!(read(&dir), expected(0..2_000), "read where it lies");
    add(&DatasetWriter::open(&dir, OPTIONS).unwrap(), 2_000..2_100, true);
    assert_eq!(read(&dir), expected(0..2_100));
    assert!(!fresh.exists());
}

#[test]
fn a_page_log_that_is_gone_is_named_and_begun_anew_by_the_next_writer() {
    let root = tempfile::tempdir().unwrap();
    let dir = dataset(root.path());
    let writer = DatasetWriter::with_page_log(&dir, OPTIONS).unwrap();
    add(&writer, 2_000..3_000, true);
    drop(writer);
    assert!(verify(&dir, None).unwrap().is_sound());
    let gone = |dir: &Path| {
        fs::remove_file(dir.join("pages.log")).unwrap();
        let findings = verify(dir, None).unwrap().findings;
        assert!(
            matches!(&findings[..], [one] if one.place == "page log" && one.reason.contains("gone")),
            "{findings:?}"
        );
    };
    gone(&dir);
    add(&DatasetWriter::open(&dir, OPTIONS).unwrap(), 3_000..3_500, true);
    assert!(dir.join("pages.log").is_file());
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
    gone(&dir);
    rebuild(&dir).unwrap();
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new(), "a rebuild does without");
    assert_eq!(read(&dir), expected(0..3_500));
}

#[test]
fn a_dataset_of_before_whose_head_says_nothing_of_its_log_is_sound_with_and_without_it() {
    let root = tempfile::tempdir().unwrap();
    let dir = dataset(root.path());
    add(&DatasetWriter::with_page_log(&dir, OPTIONS).unwrap(), 2_000..2_100, true);
    let head = || crate::heads::read_dataset_head(&dir).unwrap().sound().unwrap();
    let before = crate::heads::DatasetHead { page_log: false, ..head() };
    crate::side_file::write(&dir.join("head.json"), &before).unwrap();
    assert!(!fs::read_to_string(dir.join("head.json")).unwrap().contains("page_log"));
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new());
    let log = fs::read(dir.join("pages.log")).unwrap();
    fs::remove_file(dir.join("pages.log")).unwrap();
    assert_eq!(verify(&dir, None).unwrap().findings, Vec::new(), "it may never have had one");
    fs::write(dir.join("pages.log"), log).unwrap();
    add(&DatasetWriter::open(&dir, OPTIONS).unwrap(), 2_100..2_200, true);
    assert!(head().page_log, "the next writer notes it");
}

#[test]
fn an_index_of_a_closed_dataset_that_is_gone_is_named() {
    let root = tempfile::tempdir().unwrap();
    let dir = dataset(root.path());
    fs::remove_file(dir.join("pages.index")).unwrap();
    let findings = verify(&dir, None).unwrap().findings;
    assert!(matches!(&findings[..], [one] if one.place == "pages.index"), "{findings:?}");
    fs::remove_file(dir.join("closed.json")).unwrap();
    let report = verify(&dir, None).unwrap();
    assert_eq!((report.findings, report.state), (Vec::new(), JournalState::Closing));
}
