//! What the engine costs, piece by piece: step, append, seal, scan, import, and a whole backtest.
//!
//! Every figure is for one record or event; `cargo bench -p system-tests` prints them. The comparison with
//! other engines is `tests/benches/peers.sh`.

#![allow(missing_docs, reason = "criterion's macro makes a function without any")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up has failed")]

use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use engine_core::event::{Event, Input};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::machine::{Core, CoreConfig, Step, Timing};
use engine_core::market::{Aggressor, MarketUpdate, Trade};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::regime::DetectorKind;
use engine_core::risk::RiskLimits;
use engine_core::time::Timestamp;
use engine_runtime::ports::{Journal, Origin};
use journal_store::dataset::{DatasetReader, DatasetWriter, PageOptions};
use journal_store::record::{RecordKind, TradeRecord};
use journal_store::run::{RunJournal, RunOptions};
use journal_store::series::{SeriesInfo, SourceNote};
use replay_history::import::ImportRequest;
use strategies::sample::Source;
use strategies::trading::RunFacts;
use system_tests::play;

const TRADES: usize = 200_000;

/// A seeded walk: steps of ±0.60 every 1 to 40 ms, as in the peers' benchmark but of our own making.
fn walk() -> Vec<TradeRecord> {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let (mut at, mut price) = (1_704_067_200_000_000_000_i64, 5_000_000_000_000_i64);
    let record = |_| {
        at += 1_000_000 + i64::try_from(next() % 39_000_000).unwrap_or_default();
        price += (i64::try_from(next() % 121).unwrap_or_default() - 60) * 1_000_000;
        TradeRecord { venue_at: at, price, qty: 1_000_000, lag_us: 0, ..TradeRecord::default() }
    };
    (0..TRADES).map(record).collect()
}

fn instrument() -> Instrument {
    Instrument {
        venue: "bench".into(),
        symbol: "WALK".into(),
        price_decimals: 8,
        qty_decimals: 8,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}

fn core() -> Core {
    let table = serde_json::json!({
        "name": "ema-cross", "fast": 100, "slow": 400, "size": { "units": "1" }, "direction": "long-only"
    });
    let instruments = [instrument()];
    let facts = RunFacts {
        instruments: &instruments,
        source: Source::Trades,
        seed: 0,
        detector: DetectorKind::default(),
    };
    let strategy = strategies::catalogue::build(table.as_object().unwrap(), &facts).unwrap();
    let limits =
        RiskLimits { orders_per_minute_max: 1_000_000, drawdown_max: Ratio::ONE, ..RiskLimits::default() };
    let capital = Money::from_units(10_000_000 * 10_i128.pow(18));
    let config = CoreConfig {
        instruments: instruments.to_vec(),
        capital,
        bars: None,
        mark: engine_core::mark::MarkRule::Newest,
        timing: Timing::Immediate,
        wait_bars_max: 5,
        limits,
        watch: None,
    };
    Core::new(config, strategy)
}

fn trades(records: &[TradeRecord]) -> Vec<(Timestamp, Event)> {
    let event = |record: &TradeRecord| {
        let trade = Trade {
            instrument: InstrumentId::new(0),
            venue_at: Timestamp::from_nanos(record.venue_at),
            price: Price::from_units(record.price),
            qty: Qty::from(record.qty),
            aggressor: Aggressor::Unknown,
        };
        (trade.venue_at, Event::Input(Input::Market(MarketUpdate::Trade(trade))))
    };
    records.iter().map(event).collect()
}

fn step(criterion: &mut Criterion) {
    let events = trades(&walk());
    let mut group = criterion.benchmark_group("step");
    group.throughput(Throughput::Elements(TRADES as u64)).sample_size(20);
    group.bench_function("trade through the core", |bench| {
        bench.iter_batched(
            core,
            |mut core| events.iter().map(|(at, event)| core.decide(*at, event).len()).sum::<usize>(),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn append(criterion: &mut Criterion) {
    const STEPS: usize = 10_000;
    let events = trades(&walk()[..STEPS]);
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(STEPS as u64)).sample_size(10);
    for (name, page_log) in [("event into a run journal", false), ("event, with a page log", true)] {
        group.bench_function(name, |bench| {
            bench.iter_batched(
                || tempfile::tempdir().unwrap(),
                |dir| {
                    let options = RunOptions { page_log, self_contained: true, ..RunOptions::default() };
                    let mut journal = RunJournal::create(&dir.path().join("run"), options).unwrap();
                    for (records_read, (at, event)) in events.iter().enumerate() {
                        let Event::Input(input) = event else { continue };
                        let step = Step { at: *at, input: input.clone(), outputs: Vec::new() };
                        journal.append(Origin::Own, records_read as u64 + 1, &step).unwrap();
                    }
                    journal.sync().unwrap();
                    (dir, journal)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn info() -> SeriesInfo {
    SeriesInfo {
        venue: "bench".into(),
        symbol: "WALK".into(),
        kind: RecordKind::Trades,
        price_decimals: 8,
        qty_decimals: 8,
        interval: None,
        bar_time: None,
        synthetic: true,
    }
}

fn write(dir: &Path, records: &[TradeRecord]) {
    let writer = DatasetWriter::open(dir, PageOptions::default()).unwrap();
    let mut series = writer.series::<TradeRecord>(info()).unwrap();
    for record in records {
        series.push(*record).unwrap();
    }
    let note = SourceNote { file: "walk".into(), blake3: [1; 32], rows: records.len() as u64 };
    series.commit(note).unwrap();
    series.finish().unwrap();
}

fn seal_and_scan(criterion: &mut Criterion) {
    let records = walk();
    let mut group = criterion.benchmark_group("dataset");
    group.throughput(Throughput::Elements(TRADES as u64)).sample_size(10);
    group.bench_function("seal: trade into sled", |bench| {
        bench.iter_batched(
            || tempfile::tempdir().unwrap(),
            |dir| {
                write(dir.path(), &records);
                dir
            },
            BatchSize::PerIteration,
        );
    });
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &records);
    let reader = DatasetReader::open(dir.path()).unwrap();
    let series = reader.series("bench:WALK:trades").unwrap();
    group.bench_function("scan: trade read and checked", |bench| {
        bench.iter(|| series.pages(1).unwrap().map(|page| page.unwrap().count()).sum::<usize>());
    });
    group.finish();
}

fn import(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("walk.csv");
    let mut text = String::from("ts,price,qty,side\n");
    for record in walk() {
        let price = engine_core::num::Decimal { units: i128::from(record.price), decimals: 8 };
        text.push_str(&format!("{},{price},0.01,1\n", record.venue_at));
    }
    std::fs::write(&file, text).unwrap();
    let mut group = criterion.benchmark_group("import");
    group.throughput(Throughput::Elements(TRADES as u64)).sample_size(10);
    group.bench_function("row of a trades CSV into sled", |bench| {
        bench.iter_batched(
            || tempfile::tempdir().unwrap(),
            |into| {
                let request = ImportRequest::new(into.path(), "bench", "WALK", vec![file.clone()]);
                (replay_history::import::import(&request, &mut ()).unwrap(), into)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn backtest(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &walk());
    let toml = r#"
        [run]
        capital = "10000000"
        fill = "at-signal"
        [costs]
        taker_fee = "0.1%"
        [risk]
        orders_per_minute_max = 1000000
        drawdown_max = 1
        [strategy]
        name = "ema-cross"
        fast = 100
        slow = 400
        size = { units = "1" }
        direction = "long-only"
    "#;
    let mut group = criterion.benchmark_group("backtest");
    group.throughput(Throughput::Elements(TRADES as u64)).sample_size(10);
    group.bench_function("trade of a whole run, journal in memory", |bench| {
        bench.iter(|| play(toml, &[dir.path()]).head);
    });
    group.finish();
}

criterion_group!(costs, step, append, seal_and_scan, import, backtest);
criterion_main!(costs);
