//! Pages of real records, damaged at a place the input says: the damage is found, or what is read is what was written.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};

use journal_store::dataset::{DatasetError, DatasetReader, DatasetWriter, PageOptions};
use journal_store::page;
use journal_store::record::{RecordKind, TradeRecord, lag_span};
use journal_store::series::{SeriesInfo, SourceNote};
use journal_store::verify::verify;
use libfuzzer_sys::fuzz_target;

/// Bytes of input that say where and how to damage.
const DAMAGE_BYTES: usize = 10;
/// Bytes of input that make one record.
const RECORD_BYTES: usize = 25;
/// Bytes before the content of an entry of a page log, and the kind of those that hold a page.
const ENTRY_HEAD: usize = 16;
const PAGE_ENTRY: u32 = 2;

fuzz_target!(|data: &[u8]| {
    let Some((damage, rest)) = data.split_first_chunk::<DAMAGE_BYTES>() else { return };
    let records = records(rest);
    if records.is_empty() {
        return;
    }
    let Ok(folder) = tempfile::tempdir() else { return };
    let dataset = folder.path().join("dataset");
    let info = SeriesInfo {
        venue: "venue".to_owned(),
        symbol: "SYMBOL".to_owned(),
        kind: RecordKind::Trades,
        price_decimals: 8,
        qty_decimals: 8,
        interval: None,
        bar_time: None,
        synthetic: true,
    };
    let name = info.name();
    if let Err(error) = write(&dataset, info, &records) {
        panic!("sound records are refused: {error}");
    }
    check_read(&dataset, &name, &records, true);
    check_pages(&dataset, damage, records.len());
    check_folder(&dataset, &name, damage, &records);
});

/// Number `at` of `bytes` as a little-endian one.
fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// Records in the order of their moments, of any other content.
fn records(bytes: &[u8]) -> Vec<TradeRecord> {
    let mut at = 1_600_000_000_000_000_000_i64;
    let record = |bytes: &[u8]| {
        // Records are in the order in which they arrived, where they say so.
        at += i64::from(u32::from_le_bytes(number(bytes, 0)));
        let lag_us = u32::from_le_bytes(number(bytes, 20));
        let venue_at = lag_span(lag_us).map_or(at, |lag| at - lag.nanos());
        TradeRecord {
            venue_at,
            price: i64::from_le_bytes(number(bytes, 4)),
            qty: i64::from_le_bytes(number(bytes, 12)),
            lag_us,
            side: bytes.get(24).copied().unwrap_or(0),
        }
    };
    bytes.chunks_exact(RECORD_BYTES).map(record).collect()
}

fn write(dataset: &Path, info: SeriesInfo, records: &[TradeRecord]) -> Result<(), DatasetError> {
    let writer = DatasetWriter::with_page_log(dataset, PageOptions { page_bytes: 1024 })?;
    let mut series = writer.series::<TradeRecord>(info)?;
    records.iter().try_for_each(|record| series.push(*record))?;
    let note = SourceNote { file: "fuzz".to_owned(), blake3: [7; 32], rows: records.len() as u64 };
    series.commit(note)?;
    series.finish()?;
    writer.close()
}

fn read(dataset: &Path, name: &str) -> Result<Option<Vec<TradeRecord>>, DatasetError> {
    let mut pages = DatasetReader::open(dataset)?.series(name)?.pages(1)?;
    let mut read = Some(Vec::new());
    while let Some(page) = pages.next_page()? {
        read = read.zip(page.records()).map(|(mut all, more)| {
            all.extend::<Vec<TradeRecord>>(more);
            all
        });
    }
    Ok(read)
}

/// What can be read is what was written; where `is_sound`, it can be.
fn check_read(dataset: &Path, name: &str, records: &[TradeRecord], is_sound: bool) {
    match read(dataset, name) {
        Ok(found) => assert_eq!(found.as_deref(), Some(records), "other records are read than were written"),
        Err(error) => assert!(!is_sound, "a sound dataset cannot be read: {error}"),
    }
}

/// The pages of the dataset follow each other, and each is told from its damaged self.
fn check_pages(dataset: &Path, damage: &[u8; DAMAGE_BYTES], count: usize) {
    let log = fs::read(dataset.join("pages.log")).unwrap_or_default();
    let (mut rest, mut next, mut previous) = (log.as_slice(), 1, [0; 32]);
    while let Some((head, more)) = rest.split_at_checked(ENTRY_HEAD) {
        let len = u32::from_le_bytes(number(head, 8)) as usize;
        let Some((content, more)) = more.split_at_checked(len) else { break };
        rest = more;
        if u32::from_le_bytes(number(head, 4)) != PAGE_ENTRY {
            continue;
        }
        let (header, link) = match page::open(content) {
            Ok(opened) => opened,
            Err(fault) => panic!("a page that was just written: {fault}"),
        };
        assert_eq!((header.first_seq, header.previous), (next, previous), "pages do not follow each other");
        (next, previous) = (header.last_seq() + 1, link);
        if let Some(damaged) = damaged(content, damage) {
            assert!(page::open(&damaged).is_err(), "a damaged page opens");
        }
    }
    assert_eq!(next, count as u64 + 1, "the page log holds other records than were written");
}

/// One file of the dataset is damaged: nothing else is read from it, and what is said to be sound can be read.
fn check_folder(dataset: &Path, name: &str, damage: &[u8; DAMAGE_BYTES], records: &[TradeRecord]) {
    let mut files = Vec::new();
    files_below(dataset, &mut files);
    files.sort();
    let Some(file) = files.get(usize::from(damage[0]) % files.len().max(1)) else { return };
    let Some(damaged) = fs::read(file).ok().and_then(|bytes| damaged(&bytes, damage)) else { return };
    if fs::write(file, damaged).is_err() {
        return;
    }
    let is_sound = verify(dataset, None).is_ok_and(|report| report.is_sound());
    check_read(dataset, name, records, is_sound);
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files_below(&path, files) } else { files.push(path) }
    }
}

/// `bytes` with other bytes at a place, cut there, or with zeros from there on; `None` where that changes nothing.
fn damaged(bytes: &[u8], damage: &[u8; DAMAGE_BYTES]) -> Option<Vec<u8>> {
    let place = usize::try_from(u64::from_le_bytes(number(damage, 2))).unwrap_or(0) % bytes.len().max(1);
    let mut damaged = bytes.to_vec();
    let (mask, far) = (damage[1] >> 2, 1 + usize::from(damage[1]));
    match damage[1] % 4 {
        0 => damaged.truncate(place),
        1 => damaged.iter_mut().skip(place).take(far).for_each(|byte| *byte = 0),
        2 => damaged.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << (mask % 8)),
        _ => damaged.iter_mut().skip(place).take(8).for_each(|byte| *byte ^= mask | 1),
    }
    (damaged != bytes).then_some(damaged)
}
