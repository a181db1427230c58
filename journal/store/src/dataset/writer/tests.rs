//! Unit tests of `writer`.

use std::path::Path;

use engine_core::time::Span;

use super::*;
use crate::chain::ChainHead;
use crate::dataset::{DatasetReader, unfinished_imports};
use crate::record::{BarRecord, RecordKind, TradeRecord};
use crate::series::{BarTime, SourceNote};
use crate::verify;

pub(super) fn trades() -> SeriesInfo {
    SeriesInfo {
        venue: "test".into(),
        symbol: "BTCUSDT".into(),
        kind: RecordKind::Trades,
        price_decimals: 8,
        qty_decimals: 8,
        interval: None,
        bar_time: None,
        synthetic: true,
    }
}

fn trade(number: i64) -> TradeRecord {
    TradeRecord { venue_at: number / 3 * 1_000, price: number * 7, qty: number % 5, lag_us: 0, side: 1 }
}

pub(super) fn note(number: u8) -> SourceNote {
    SourceNote { file: format!("{number}.csv"), blake3: [number; 32], rows: 7 }
}

pub(super) fn fill(writer: &mut SeriesWriter<TradeRecord>, numbers: core::ops::Range<i64>) {
    numbers.map(trade).for_each(|record| writer.push(record).unwrap());
}

pub(super) fn read(dir: &Path, from: u64) -> Vec<TradeRecord> {
    let series = DatasetReader::open(dir).unwrap().series("test:BTCUSDT:trades").unwrap();
    let pages = series.pages(from).unwrap().map(Result::unwrap);
    pages.flat_map(|page| page.records::<TradeRecord>().unwrap()).collect()
}

pub(super) fn expected(numbers: core::ops::Range<i64>) -> Vec<TradeRecord> {
    numbers.map(trade).collect()
}

#[test]
fn what_is_committed_is_read_and_only_that() {
    let dir = tempfile::tempdir().unwrap();
    let writer = DatasetWriter::open(dir.path(), PageOptions { page_bytes: 1024 }).unwrap();
    let mut series = writer.series::<TradeRecord>(trades()).unwrap();
    fill(&mut series, 0..1_000);
    series.commit(note(1)).unwrap();
    fill(&mut series, 1_000..1_777);
    assert_eq!(series.count(), 1_777);
    drop(series);
    assert!(writer.has_source("test:BTCUSDT:trades", &[1; 32]));
    assert!(!writer.has_source("test:BTCUSDT:trades", &[2; 32]));
    drop(writer);
    assert_eq!(read(dir.path(), 1), expected(0..1_000));
    assert_eq!(read(dir.path(), 778), expected(777..1_000));
    assert_eq!(read(dir.path(), 1_001), expected(0..0));
    let report = verify::verify(dir.path(), None).unwrap();
    assert!(report.is_sound() && report.complete, "{:?}", report.findings);
    assert_eq!(report.events, 1_000);
}

#[test]
fn an_import_that_was_killed_leaves_an_incomplete_sound_dataset_that_can_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let killed = dir.path().join("killed");
    let whole = dir.path().join("whole");
    let options = PageOptions { page_bytes: 1024 };
    {
        let writer = DatasetWriter::open(&whole, options).unwrap();
        let mut series = writer.series::<TradeRecord>(trades()).unwrap();
        fill(&mut series, 0..500);
        series.commit(note(1)).unwrap();
        fill(&mut series, 500..900);
        series.shared.store.sync().unwrap();
        copy(&whole, &killed);
    }
    let report = verify::verify(&killed, None).unwrap();
    assert!(report.is_sound() && !report.complete, "{report:?}");
    assert_eq!(read(&killed, 1), expected(0..500));
    let writer = DatasetWriter::open(&killed, PageOptions::default()).unwrap();
    let mut series = writer.series::<TradeRecord>(trades()).unwrap();
    assert_eq!((series.count(), series.last_at()), (500, Some(166_000)));
    fill(&mut series, 500..2_000);
    let entry = series.commit(note(2)).unwrap();
    assert_eq!((entry.sources.len(), entry.sources.last().map(|last| last.first_seq)), (2, Some(501)));
    drop(series);
    drop(writer);
    assert_eq!(read(&killed, 1), expected(0..2_000));
    assert!(verify::verify(&killed, None).unwrap().complete);
    assert_eq!(read(&whole, 1), expected(0..500));
}

pub(super) fn copy(from: &Path, to: &Path) {
    for path in crate::marker::files_below(from).unwrap() {
        let target = to.join(path.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(path, target).unwrap();
    }
}

#[test]
fn the_digest_depends_on_neither_page_size_nor_number_of_imports() {
    let dir = tempfile::tempdir().unwrap();
    let head = |name: &str, page_bytes, sittings: &[core::ops::Range<i64>]| {
        let mut head = ChainHead::default();
        for (number, sitting) in sittings.iter().enumerate() {
            let writer = DatasetWriter::open(&dir.path().join(name), PageOptions { page_bytes }).unwrap();
            let mut series = writer.series::<TradeRecord>(trades()).unwrap();
            fill(&mut series, sitting.clone());
            head = series.commit(note(u8::try_from(number).unwrap())).unwrap().head;
            series.finish().unwrap();
        }
        head.head()
    };
    let once = head("once", 65_536, core::slice::from_ref(&(0..140_000)));
    assert_eq!(head("thrice", 32_768, &[0..65_535, 65_535..65_537, 65_537..140_000]), once);
    assert_ne!(head("other", 32_768, &[0..65_535, 65_536..140_000]), once);
}

#[test]
fn records_never_go_back_in_time_and_series_never_change() {
    let dir = tempfile::tempdir().unwrap();
    let writer = DatasetWriter::open(dir.path(), PageOptions::default()).unwrap();
    let mut series = writer.series::<TradeRecord>(trades()).unwrap();
    fill(&mut series, 30..33);
    assert!(matches!(series.push(trade(0)), Err(DatasetError::OutOfOrder { at: 0, last_at: 10_000, .. })));
    assert_eq!(series.count(), 3);
    assert!(matches!(writer.series::<TradeRecord>(trades()), Err(DatasetError::Busy { .. })));
    series.commit(note(1)).unwrap();
    drop(series);
    let other = SeriesInfo { price_decimals: 2, ..trades() };
    let refused = writer.series::<TradeRecord>(other).unwrap_err();
    assert!(refused.to_string().contains("price decimals is 8, not 2"), "{refused}");
    assert!(matches!(writer.series::<BarRecord>(trades()), Err(DatasetError::WrongKind { .. })));
    let locked = DatasetReader::open(dir.path());
    assert!(matches!(locked, Err(DatasetError::Journal(engine_runtime::ports::JournalError::Locked { .. }))));
    assert!(writer.series::<TradeRecord>(trades()).is_ok());
}

#[test]
fn a_moment_leads_to_its_first_record() {
    let dir = tempfile::tempdir().unwrap();
    let writer = DatasetWriter::open(dir.path(), PageOptions { page_bytes: 1024 }).unwrap();
    let mut series = writer.series::<TradeRecord>(trades()).unwrap();
    fill(&mut series, 0..3_000);
    series.commit(note(1)).unwrap();
    drop(series);
    drop(writer);
    let series = DatasetReader::open(dir.path()).unwrap().series("test:BTCUSDT:trades").unwrap();
    for at in [-5, 0, 1, 999, 1_000, 500_000, 500_001, 998_999, 999_000, 999_001] {
        let first = (0..3_000).position(|number| trade(number).venue_at >= at).unwrap_or(3_000);
        assert_eq!(series.seq_at(at).unwrap(), first as u64 + 1, "{at}");
    }
    let ahead: usize = series.prefetched_pages(1, 3).unwrap().map(|page| page.unwrap().count()).sum();
    assert_eq!(ahead, 3_000);
    drop(series.prefetched_pages(1, 1).unwrap().next());
}

#[test]
fn bars_and_trades_live_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let writer = DatasetWriter::open(dir.path(), PageOptions::default()).unwrap();
    let bars = SeriesInfo {
        kind: RecordKind::Bars,
        interval: Some(Span::MINUTE),
        bar_time: Some(BarTime::Open),
        ..trades()
    };
    let mut bar_series = writer.series::<BarRecord>(bars).unwrap();
    let mut trade_series = writer.series::<TradeRecord>(trades()).unwrap();
    for number in 0..100 {
        bar_series.push(BarRecord { open_at: number, open: 5, ..BarRecord::default() }).unwrap();
        trade_series.push(trade(number)).unwrap();
    }
    bar_series.commit(note(1)).unwrap();
    trade_series.commit(note(2)).unwrap();
    drop((bar_series, trade_series, writer));
    let reader = DatasetReader::open(dir.path()).unwrap();
    assert_eq!(reader.series_list().len(), 2);
    let page = reader.series("test:BTCUSDT:bars").unwrap().pages(1).unwrap().next_page().unwrap().unwrap();
    let lens = (page.records::<BarRecord>().map(|bars| bars.len()), page.records::<TradeRecord>());
    assert_eq!(lens, (Some(100), None));
    let unknown = reader.series("test:ETHUSDT:bars").unwrap_err().to_string();
    assert!(unknown.contains("test:BTCUSDT:bars, test:BTCUSDT:trades"), "{unknown}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 256, ..Default::default() })]

    #[test]
    fn an_interrupted_import_that_is_repeated_is_the_import_that_was_not(
        before in 0_i64..400, all in 1_i64..900, cuts in proptest::collection::vec(0_i64..900, 1..3), wide in 0_usize..3,
    ) {
        // In memory where the system has such a place: hundreds of stores are synced.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let options = PageOptions { page_bytes: 1_024 << wide };
        let open = |name: &str| DatasetWriter::open(&dir.path().join(name), options).unwrap().series(trades()).unwrap();
        let begun = |name: &str| {
            let mut series = open(name);
            fill(&mut series, 0..before);
            series.commit(note(1)).unwrap();
            series.finish().unwrap();
        };
        begun("cut");
        begun("whole");
        let mut furthest = 0;
        for cut in &cuts {
            let mut series = open("cut");
            fill(&mut series, before..before + all.min(*cut));
            let sealed = series.sealed();
            proptest::prop_assert!(sealed >= furthest, "what was sealed is never given up");
            furthest = sealed;
            proptest::prop_assert_eq!(series.leave().unwrap(), sealed);
            proptest::prop_assert_eq!(read(&dir.path().join("cut"), 1), expected(0..before));
            let names = unfinished_imports(&dir.path().join("cut"));
            proptest::prop_assert_eq!(names, ["test:BTCUSDT:trades"]);
        }
        let ended = |name: &str| {
            let mut series = open(name);
            fill(&mut series, before..before + all);
            series.commit(note(2)).map(|_| series.finish().unwrap())
        };
        let (cut, whole) = (ended("cut"), ended("whole").unwrap());
        let SeriesEntry { head, first_at, last_at, sources, importing, .. } = cut.unwrap();
        proptest::prop_assert_eq!((head.count, head.digest), (whole.head.count, whole.head.digest));
        proptest::prop_assert_eq!((first_at, last_at, importing), (whole.first_at, whole.last_at, false));
        proptest::prop_assert_eq!(sources, whole.sources);
        proptest::prop_assert_eq!(read(&dir.path().join("cut"), 1), expected(0..before + all));
        let report = verify::verify(&dir.path().join("cut"), None).unwrap();
        proptest::prop_assert!(report.is_sound() && report.complete, "{:?}", report.findings);
    }
}

#[test]
fn other_records_than_the_sealed_ones_begin_anew() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        DatasetWriter::open(dir.path(), PageOptions { page_bytes: 1_024 }).unwrap().series(trades()).unwrap()
    };
    let mut series = open();
    fill(&mut series, 0..700);
    assert!(series.leave().unwrap() > 0);
    let mut series = open();
    fill(&mut series, 0..10);
    let other = series.push(TradeRecord { price: -1, ..trade(10) });
    assert!(matches!(other, Err(DatasetError::OtherThanSealed { .. })), "{other:?}");
    assert!(series.commit(note(1)).is_err());
    drop(series);
    // Fewer records than were sealed are others too.
    let mut series = open();
    fill(&mut series, 0..700);
    assert!(series.leave().unwrap() > 0);
    let mut series = open();
    fill(&mut series, 0..10);
    assert!(matches!(series.commit(note(1)), Err(DatasetError::OtherThanSealed { .. })));
    drop(series);
    let mut series = open();
    fill(&mut series, 100..200);
    series.commit(note(1)).unwrap();
    series.finish().unwrap();
    assert_eq!(read(dir.path(), 1), expected(100..200));
}
