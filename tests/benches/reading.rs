//! What it costs to read back: the first events and trades from the middle of a run, its state there, and the bars of
//! many markets merged by time.
//!
//! The tests bound the pages that are read; these say how long it takes. `cargo bench -p system-tests --bench reading`.

#![allow(missing_docs, reason = "criterion's macro makes a function without any")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up has failed")]

use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine_application::config::{Available, RunSettings, resolve};
use engine_application::wiring::backtest::{BacktestRequest, PreparedBacktest};
use engine_application::wiring::closed_trades::each_closed_trade;
use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::state_at::state_at;
use engine_core::envelope::Seq;
use engine_core::time::Span;
use engine_runtime::interruption::Interruption;
use journal_store::checkpoint::CheckpointKey;
use journal_store::dataset::{DatasetWriter, PageOptions};
use journal_store::event_span::EventSpan;
use journal_store::record::{BarRecord, RecordKind};
use journal_store::run::RunReader;
use journal_store::series::{BarTime, SeriesInfo, SourceNote};
use replay_history::market_source::MarketSource;
use replay_replayer::fold::Until;
use replay_simulation::backtest::recorder::Silent;
use replay_simulation::series_feed::{OpenDatasets, open};

const MARKETS: u64 = 8;
const BARS: usize = 100_000;

/// A seeded walk of one-minute bars.
fn walk(seed: u64) -> Vec<BarRecord> {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1);
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        i64::try_from(seed % 2_001).unwrap_or_default() - 1_000
    };
    let (mut at, mut price) = (1_704_067_200_000_000_000_i64, 5_000_000_i64);
    let record = |_| {
        let open = price;
        price = (price + next()).max(1_000_000);
        let (high, low) = (open.max(price) + 50, open.min(price) - 50);
        let bar =
            BarRecord { open_at: at, open, high, low, close: price, volume: 1_000, ..BarRecord::default() };
        at += Span::MINUTE.nanos();
        bar
    };
    (0..BARS).map(record).collect()
}

fn write(dir: &Path, markets: u64) {
    let writer = DatasetWriter::open(dir, PageOptions::default()).unwrap();
    for market in 0..markets {
        let info = SeriesInfo {
            venue: "bench".into(),
            symbol: format!("M{market}"),
            kind: RecordKind::Bars,
            price_decimals: 2,
            qty_decimals: 2,
            interval: Some(Span::MINUTE),
            bar_time: Some(BarTime::Open),
            synthetic: true,
        };
        let mut series = writer.series::<BarRecord>(info).unwrap();
        walk(market).into_iter().for_each(|bar| series.push(bar).unwrap());
        let note = SourceNote { file: "walk".into(), blake3: [1; 32], rows: BARS as u64 };
        series.commit(note).unwrap();
        series.finish().unwrap();
    }
}

fn settings(fill: &str, markets: u64) -> RunSettings {
    let data: String = (0..markets).map(|market| format!("[[data]]\nsymbol = \"M{market}\"\n")).collect();
    let toml = format!(
        "[run]\ncapital = \"100000000\"\nfill = \"{fill}\"\n{data}[costs]\ntaker_fee = \"0.1%\"\n[risk]\n\
         orders_per_minute_max = 1000000\ndrawdown_max = 1\n[journal]\nsnapshot_every = 10000\n[strategy]\n\
         name = \"ema-cross\"\nfast = 1\nslow = 2\nsize = {{ units = \"1\" }}\ndirection = \"long-only\"\n"
    );
    RunSettings::read_toml("bench.toml", &toml).unwrap()
}

/// A run of many orders on one market.
fn recorded(dir: &Path) -> PathBuf {
    let (data, run) = (dir.join("data"), dir.join("run"));
    write(&data, 1);
    let key = dir.join("key");
    CheckpointKey::load_or_create(&key).unwrap();
    let request = BacktestRequest {
        settings: &settings("same-close", 1),
        datasets: &[data],
        run: &run,
        key: Some(&key),
        interruption: &Interruption::default(),
    };
    PreparedBacktest::new(&request).unwrap().play(&mut Silent).unwrap();
    run
}

fn from_the_middle(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let run = recorded(dir.path());
    let middle = RunReader::open(&run).unwrap().head().count / 2;
    let mut group = criterion.benchmark_group("from the middle of a run");
    group.sample_size(20);
    group.bench_function("its first ten events", |bench| {
        bench.iter(|| {
            let reader = RunReader::open(&run).unwrap();
            let snapshot = reader.nearest_snapshot(Seq::new(middle)).unwrap();
            let from = snapshot.map_or(Seq::FIRST, |snapshot| snapshot.seq.next());
            let events = reader.envelopes(from).unwrap().map(Result::unwrap);
            events.skip_while(|event| event.seq.number() < middle).take(10).count()
        });
    });
    group.bench_function("its state", |bench| {
        bench.iter(|| {
            let recording = Recording::open(&run).unwrap();
            state_at(&recording, Until::Seq(middle), &[]).unwrap().seq
        });
    });
    group.bench_function("its first ten trades, from the beginning", |bench| {
        bench.iter(|| {
            let recording = Recording::open(&run).unwrap();
            let enough = ApplicationError::Request("ten trades are enough".to_owned());
            let mut enough = Some(enough);
            each_closed_trade(&recording, EventSpan::WHOLE, &[], |row| match row.number {
                10 => Err(enough.take().unwrap()),
                _ => Ok::<(), ApplicationError>(()),
            })
            .unwrap_err()
        });
    });
    group.finish();
}

fn many_markets(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), MARKETS);
    let mut datasets = OpenDatasets::default();
    let available = Available::of(dir.path(), datasets.reader(dir.path()).unwrap()).unwrap();
    let mut group = criterion.benchmark_group("many markets");
    group.throughput(Throughput::Elements(MARKETS * BARS as u64)).sample_size(10);
    for fill in ["same-close", "next-open"] {
        let config = resolve(&settings(fill, MARKETS), std::slice::from_ref(&available)).unwrap();
        group.bench_function(format!("bar of eight series merged by time, {fill}"), |bench| {
            bench.iter(|| {
                let mut source = open(&config, &mut datasets).unwrap().source;
                std::iter::from_fn(|| source.next().unwrap()).count()
            });
        });
    }
    group.finish();
}

criterion_group!(reading, from_the_middle, many_markets);
criterion_main!(reading);
