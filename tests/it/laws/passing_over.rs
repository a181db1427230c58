//! Passing over records that a state has folded leaves exactly those it has not, whatever is jumped on the way.

use engine_core::num::Ratio;
use engine_core::time::Timestamp;
use journal_store::dataset::{DatasetWriter, PageOptions};
use journal_store::record::{BarRecord, Record, RecordKind, TradeRecord, lag_us};
use journal_store::series::{SeriesInfo, SourceNote};
use proptest::prelude::*;
use replay_history::market_source::{MarketItem, MarketSource};
use replay_simulation::config::{BacktestConfig, FeedConfig, FillModel};
use replay_simulation::series_feed::{OpenDatasets, open};

use super::market::{self, Move, SECOND};
use super::{Case, MODELS, cases, law};

/// Markets long enough for a jump: ticks over hours, bars by the hundred.
fn long(case: &Case, moves: Vec<Move>, stretch: i64) -> Case {
    let ticks = !matches!(case.fill, FillModel::NextOpen | FillModel::SameClose);
    let wait = |step: Move| if ticks { step.wait * stretch } else { step.wait };
    let moves = moves.into_iter().map(|step| Move { wait: wait(step), ..step }).collect();
    Case { instruments: 3, moves, ..case.clone() }
}

fn all_of(source: &mut impl MarketSource) -> Vec<MarketItem> {
    std::iter::from_fn(|| source.next().unwrap()).collect()
}

/// Passes over each of some counts, at the earliest and the latest moment a state may have come to, and compares what
/// is left; answers the pages read for the last of them.
fn agree(config: &BacktestConfig, counts: impl IntoIterator<Item = usize>) -> u64 {
    let mut datasets = OpenDatasets::default();
    let all = all_of(&mut open(config, &mut datasets).unwrap().source);
    let mut read = 0;
    for count in counts.into_iter().filter(|count| *count <= all.len()) {
        let (past, future) = all.split_at(count);
        let earliest = past.last().map_or(Timestamp::MIN, |last| last.at);
        let latest = future.first().map_or(earliest, |next| next.at);
        for moment in [earliest, latest] {
            let mut datasets = OpenDatasets::default();
            let mut source = open(config, &mut datasets).unwrap().source;
            let before = pages_read(config, &mut datasets);
            source.pass_over(count as u64, moment).unwrap();
            read = pages_read(config, &mut datasets) - before;
            assert_eq!(all_of(&mut source), future, "{count} of {} by {moment:?}", all.len());
        }
    }
    read
}

fn pages_read(config: &BacktestConfig, datasets: &mut OpenDatasets) -> u64 {
    config.feeds.first().map_or(0, |feed| datasets.reader(&feed.dataset).unwrap().pages_read())
}

fn stored<R: Record>(writer: &DatasetWriter, info: SeriesInfo, records: impl IntoIterator<Item = R>) {
    let mut series = writer.series::<R>(info).unwrap();
    records.into_iter().for_each(|record| series.push(record).unwrap());
    series.commit(SourceNote { file: "random".into(), blake3: [0; 32], rows: 0 }).unwrap();
    series.finish().unwrap();
}

fn info(number: u16, kind: RecordKind) -> SeriesInfo {
    let is_bars = kind == RecordKind::Bars;
    SeriesInfo {
        venue: "test".into(),
        symbol: format!("X{number}"),
        kind,
        price_decimals: 2,
        qty_decimals: 3,
        interval: is_bars.then(|| engine_core::time::Span::from_nanos(SECOND)),
        bar_time: is_bars.then_some(journal_store::series::BarTime::Open),
        synthetic: true,
    }
}

/// A run over the stored series of `kind` with these numbers of instruments.
fn config(case: &Case, fill: FillModel, kind: RecordKind, dir: &std::path::Path) -> BacktestConfig {
    let feed = |number| FeedConfig {
        series: info(number, kind).name(),
        dataset: dir.to_path_buf(),
        instrument: number,
    };
    BacktestConfig {
        fill,
        feeds: (0..2).map(feed).collect(),
        ..Case { instruments: 2, ..case.clone() }.config()
    }
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn what_is_left_is_what_was_not_passed_over(
        case in cases(&MODELS),
        moves in market::moves(3, 300..600),
        stretch in 1_i64..=90,
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let case = long(&case, moves, stretch);
        let dir = tempfile::tempdir().unwrap();
        let items = case.items();
        let mut config = case.config();
        config.feeds = market::store(&items, dir.path(), 1_024);
        agree(&config, chosen.iter().map(|index| index.index(items.len() + 1)));
    }

    #[test]
    fn records_that_come_late_or_early_are_passed_over_by_when_they_are_known(
        case in cases(&[FillModel::Trades]),
        steps in prop::collection::vec((0_i64..=200, -1_700_i64..=1_700, 0_u16..=1), 200..400),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 3),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut arrived = 1_000_000 * SECOND;
        let mut records = [Vec::new(), Vec::new()];
        for (wait, lag, number) in &steps {
            arrived += wait * SECOND;
            let venue_at = arrived - lag * SECOND;
            let lag_us = lag_us(venue_at, arrived);
            let record = TradeRecord { venue_at, price: 100, qty: 1, lag_us, side: 0 };
            records[usize::from(*number)].push(record);
        }
        prop_assume!(records.iter().all(|records| !records.is_empty()));
        let writer = DatasetWriter::open(dir.path(), PageOptions { page_bytes: 1_024 }).unwrap();
        for (number, records) in (0..).zip(records) {
            stored(&writer, info(number, RecordKind::Trades), records);
        }
        drop(writer);
        let config = config(&case, FillModel::Trades, RecordKind::Trades, dir.path());
        agree(&config, chosen.iter().map(|index| index.index(steps.len() + 1)));
    }
}

fn bar(number: i64, own_length: i64) -> BarRecord {
    let price = 10_000;
    BarRecord {
        open_at: number * SECOND,
        own_length_ns: own_length * SECOND,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: 1,
        ..BarRecord::default()
    }
}

fn two_series_of_bars(dir: &std::path::Path, count: i64, long: Option<i64>) -> BacktestConfig {
    let writer = DatasetWriter::open(dir, PageOptions { page_bytes: 1_024 }).unwrap();
    for number in 0..2 {
        let own_length = |at| if number == 0 && long == Some(at) { 150 } else { 0 };
        stored(&writer, info(number, RecordKind::Bars), (0..count).map(|at| bar(at, own_length(at))));
    }
    drop(writer);
    let case = super::samples(cases(&[FillModel::SameClose])).remove(0);
    let case = Case {
        limits: engine_core::risk::RiskLimits { drawdown_max: Ratio::ONE, ..case.limits.clone() },
        ..case
    };
    config(&case, FillModel::SameClose, RecordKind::Bars, dir)
}

/// Given a bar that lasts 150 times as long as its series says, and so holds back all that follow it,
/// when a state from that time is gone on from,
/// then the bars held back are not taken for seen.
#[test]
fn a_bar_much_longer_than_its_series_says_is_not_jumped_over() {
    let dir = tempfile::tempdir().unwrap();
    let config = two_series_of_bars(dir.path(), 400, Some(100));
    agree(&config, (0..=800).step_by(7));
}

/// A bound on pages and not on time: a jump reads a page to find its place and those it counts off, of however many.
#[test]
fn a_jump_reads_a_few_pages_of_many() {
    let dir = tempfile::tempdir().unwrap();
    let config = two_series_of_bars(dir.path(), 160_000, None);
    let mut datasets = OpenDatasets::default();
    let opened = datasets.reader(dir.path()).unwrap();
    let pages = |number| opened.series(&info(number, RecordKind::Bars).name()).unwrap().page_count();
    assert!(pages(0) > 40 && pages(1) > 40, "{} pages", pages(0));
    let read = agree(&config, [300_000]);
    assert!(read <= 12, "{read} pages were read");
}
