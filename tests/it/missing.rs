//! Bars that are missing: what is recognised and earned with some of them removed is near what all of them give.

use std::path::Path;

use engine_core::event::{Event, Input, Output};
use engine_core::indicator::Candle;
use engine_core::machine::Core;
use engine_core::market::MarketUpdate;
use engine_core::regime::DetectorKind;
use engine_core::time::{Span, Timestamp};
use engine_runtime::runner::{Observer, SyncPolicy, run};
use journal_store::memory_journal::MemoryJournal;
use replay_regimes::{BarSeries, Recogniser, Scores, Trial, raw_regimes, stored_bars};
use replay_simulation::series_feed::{OpenDatasets, open};
use replay_simulation::sim_environment::SimEnvironment;
use replay_statistics::money_f64;
use system_tests::{import_file, play, project_file, resolved, shared};

/// A fixed sequence of numbers from 0 to 1 (SplitMix64, Steele et al. 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn bars(file: &str, interval: &str) -> Option<BarSeries> {
    let file = shared(&format!("data/market/bars/{file}"))?;
    let dir = tempfile::tempdir().unwrap();
    let _ = import_file(dir.path(), "BTCUSDT", &file, |request| {
        request.interval = Some(interval.parse().unwrap());
    });
    let mut datasets = OpenDatasets::default();
    let reader = datasets.reader(dir.path()).unwrap();
    let name = reader.series_list()[0].info.name();
    Some(stored_bars(&reader.series(&name).unwrap(), None).unwrap())
}

/// The bars of `whole` that `keeps` keeps.
fn kept(whole: &BarSeries, mut keeps: impl FnMut(Timestamp) -> bool) -> BarSeries {
    let bars = whole.at().iter().copied().zip(whole.bars().iter().copied());
    let bars: Vec<(Timestamp, Candle)> = bars.filter(|(at, _)| keeps(*at)).collect();
    BarSeries::new(whole.interval(), bars).unwrap()
}

fn without(whole: &BarSeries, share: f64, seed: u64) -> BarSeries {
    let mut chance = Chance(seed);
    kept(whole, |_| chance.next() >= share)
}

fn kappa(series: BarSeries, detector: DetectorKind, from: Timestamp) -> (f64, usize) {
    let from = series.place(from);
    let trial = Trial::new(series, from);
    let read = Recogniser::Fixed(Box::new(move || detector.build())).read(&trial.series, from);
    let scores = Scores::of(&trial, &raw_regimes(&read));
    (scores.kappa, scores.bars)
}

fn stays_near(whole: &BarSeries, detector: DetectorKind, from: Timestamp) {
    let (all, bars) = kappa(whole.clone(), detector, from);
    for (share, near) in [(0.001, 0.02), (0.01, 0.03), (0.05, 0.06)] {
        let mut farthest: f64 = 0.0;
        for seed in 1..=5 {
            let (found, judged) = kappa(without(whole, share, seed), detector, from);
            farthest = farthest.max((found - all).abs());
            // What is missing is not judged, and hardly anything else.
            assert!(judged as f64 > bars as f64 * (1.0 - 2.0 * share) - 5.0, "{judged} of {bars} at {share}");
        }
        println!("{detector:?} without {share}: kappa {all:.4}, at most {farthest:.4} away, {near} allowed");
        assert!(farthest <= near, "{farthest} at {share}");
    }
}

const DAILY: &str = "binance_spot_BTCUSDT_1d_to_2024.csv.zst";

fn day(days: i64) -> Timestamp {
    Timestamp::from_nanos(days * Span::DAY.nanos())
}

/// 2018-06-01 and 2023-01-01 in days since the epoch: behind the warm-up of either file.
const DAILY_FROM: i64 = 17_683;
const HOURLY_FROM: i64 = 19_358;

#[test]
fn daily_regimes_hardly_change_with_bars_removed_at_random() {
    let Some(whole) = bars(DAILY, "1d") else { return };
    stays_near(&whole, DetectorKind::TwoAxis, day(DAILY_FROM));
}

#[test]
fn hourly_regimes_hardly_change_with_bars_removed_at_random() {
    let Some(whole) = bars("binance_spot_BTCUSDT_1h_2022_2024.csv.zst", "1h") else { return };
    stays_near(&whole, DetectorKind::TwoAxisHourly, day(HOURLY_FROM));
}

/// The default ensemble over the bars of `series`, imported anew.
fn ensemble(dir: &Path, name: &str, series: &BarSeries) -> Curve {
    let mut rows = String::from("time,open,high,low,close,volume\n");
    for (at, bar) in series.at().iter().zip(series.bars()) {
        let Candle { open, high, low, close, volume } = bar;
        rows.push_str(&format!("{},{open},{high},{low},{close},{volume:.6}\n", at.nanos() / 1_000_000_000));
    }
    let file = dir.join(format!("{name}.csv"));
    std::fs::write(&file, rows).unwrap();
    let data = dir.join(name);
    let _ = import_file(&data, "BTCUSDT", &file, |request| {
        request.columns = "time=time:s".parse().unwrap();
        request.interval = Some("1d".parse().unwrap());
    });
    let toml = std::fs::read_to_string(project_file("fixtures/config/rg-ens12-btc.toml")).unwrap();
    let mut datasets = OpenDatasets::default();
    let (config, strategy) = resolved(&toml, &[&data], &mut datasets);
    let data = open(&config, &mut datasets).unwrap();
    let manifest = replay_simulation::backtest::manifest(&config, &data);
    let mut environment = SimEnvironment::new(data.source, &config, manifest);
    let mut core = Core::new(config.core(), strategy);
    let mut curve = Curve::default();
    run(&mut core, &mut environment, &mut MemoryJournal::default(), &mut curve, SyncPolicy::AtEnd).unwrap();
    curve
}

/// Equity after every bar, and the gaps found.
#[derive(Debug, Default)]
struct Curve {
    equity: Vec<f64>,
    gaps: usize,
}

impl Observer for Curve {
    fn observe(&mut self, core: &Core, _at: Timestamp, event: &Event, outputs: &[Output]) {
        self.gaps += outputs.iter().filter(|output| matches!(output, Output::GapFound(_))).count();
        if matches!(event, Event::Input(Input::Market(MarketUpdate::Bar(_)))) {
            self.equity.push(money_f64(core.state().equity()));
        }
    }
}

impl Curve {
    fn growth(&self) -> f64 {
        self.equity[self.equity.len() - 1] / self.equity[0]
    }

    /// How many times each equity is the one before.
    fn steps(&self) -> Vec<f64> {
        self.equity.windows(2).map(|pair| pair[1] / pair[0]).collect()
    }
}

/// Days of a block that is drawn as a whole.
const BLOCK: usize = 20;

/// The 5 % and 95 % quantiles of growth over as many daily `steps`, drawn anew in blocks (moving block bootstrap,
/// Künsch 1989).
fn interval(steps: &[f64]) -> (f64, f64) {
    let mut chance = Chance(7);
    let mut draw = || {
        let mut growth = 1.0;
        for begun in (0..steps.len()).step_by(BLOCK) {
            let start = (chance.next() * (steps.len() - BLOCK) as f64) as usize;
            let block = BLOCK.min(steps.len() - begun);
            growth *= steps[start..start + block].iter().product::<f64>();
        }
        growth
    };
    let mut drawn: Vec<f64> = (0..1_000).map(|_| draw()).collect();
    drawn.sort_by(f64::total_cmp);
    (drawn[50], drawn[949])
}

/// The day of Bitcoin whose absence once cost the detector its two years: 2023-03-09.
const LOST_DAY: i64 = 19_425;

#[test]
fn the_ensemble_earns_nearly_the_same_with_bars_missing() {
    let Some(whole) = bars(DAILY, "1d") else { return };
    let dir = tempfile::tempdir().unwrap();
    let all = ensemble(dir.path(), "whole", &whole);
    let one = ensemble(dir.path(), "one", &kept(&whole, |at| at != day(LOST_DAY)));
    let (all_growth, one_growth) = (all.growth(), one.growth());
    println!("all bars {all_growth:.4}, without 2023-03-09 {one_growth:.4}");
    assert_eq!((all.gaps, one.gaps), (0, 1));
    assert!((one_growth / all_growth - 1.0).abs() < 0.02, "{one_growth} {all_growth}");
    let (low, high) = interval(&all.steps());
    for (name, share, seed) in [("thousandth", 0.001, 1), ("hundredth", 0.01, 2), ("twentieth", 0.05, 3)] {
        let holed = ensemble(dir.path(), name, &without(&whole, share, seed));
        let found = holed.growth();
        println!("without {share}: {found:.4} ({} gaps), interval {low:.3} to {high:.3}", holed.gaps);
        assert!((low..=high).contains(&found), "{found} is not within {low} and {high}");
    }
}

/// Minutes of trades of which one in a hundred is empty: nothing is missing.
#[test]
fn a_quiet_minute_is_no_missing_data() {
    let dir = tempfile::tempdir().unwrap();
    let mut chance = Chance(5);
    let (mut rows, mut quiet, mut price) = (String::from("timestamp,price,amount\n"), 0_u64, 100.0);
    let start = 1_600_000_020_000_i64;
    for minute in 0..6_000_i64 {
        price *= 1.0 + (chance.next() - 0.5) * 0.002;
        // The first and the last minute trade, so that bars begin and end with them.
        if (1..5_999).contains(&minute) && chance.next() < 0.01 {
            quiet += 1;
            continue;
        }
        rows.push_str(&format!("{},{price:.4},1\n", start + minute * 60_000 + 5_000));
    }
    let file = dir.path().join("trades.csv");
    std::fs::write(&file, rows).unwrap();
    let data = dir.path().join("data");
    let _ = import_file(&data, "AAA", &file, |request| {
        request.kind = Some(journal_store::record::RecordKind::Trades);
        request.columns = "time=timestamp:ms,price=price,qty=amount".parse().unwrap();
    });
    let toml = "[run]\ncapital = \"100000\"\n[bars]\nrule = \"time\"\ninterval = \"1m\"\n[regime]\n\
                [costs]\ntaker_fee = \"10bps\"\n[risk]\ndrawdown_max = 1\n[strategy]\nname = \"ema-cross\"\n\
                fast = 10\nslow = 30\nsize = { equity_share = \"50%\" }\n";
    let played = play(toml, &[&data]);
    assert!(quiet > 40, "{quiet}");
    assert_eq!(played.counts.gaps, 0);
    // The first began five seconds before the first trade, and the last is not over.
    assert_eq!(played.counts.bars_built, 5_998, "{:?}", played.counts);
    assert!(played.counts.regime_changes > 20, "{:?}", played.counts);
}
