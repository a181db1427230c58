//! The default ensemble through the whole house: the account follows the golden book, day by day.

use std::collections::BTreeMap;
use std::path::Path;

use engine_core::event::{Event, Input, Output};
use engine_core::machine::Core;
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use engine_runtime::runner::{Observer, SyncPolicy, run};
use journal_store::memory_journal::MemoryJournal;
use replay::series_feed::{OpenDatasets, open};
use replay::sim_environment::SimEnvironment;
use replay::statistics::money_f64;
use system_tests::{import_file, play, project_file, resolved, shared};

const DAY_NS: i64 = 86_400_000_000_000;

/// How the account stood on one day: after its bars, and after the fills that followed them.
#[derive(Debug, Clone, Default)]
struct Day {
    equity: f64,
    weights: Vec<f64>,
}

#[derive(Debug, Default)]
struct Diary {
    days: BTreeMap<i64, Day>,
    refused: u64,
}

impl Observer for Diary {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        let refusals = outputs.iter().filter(|output| matches!(output, Output::OrderRefused(_)));
        self.refused += refusals.count() as u64;
        let is_bar = matches!(event, Event::Input(Input::Market(MarketUpdate::Bar(_))));
        if !is_bar && !matches!(event, Event::Input(Input::Execution(_))) {
            return;
        }
        let state = core.state();
        let day = self.days.entry(at.nanos() / DAY_NS).or_default();
        let equity = money_f64(state.equity());
        if is_bar {
            day.equity = equity;
        }
        let weights = state.instrument_ids().map(|id| {
            let rules = state.instrument(id).unwrap();
            let mark = state.mark(id).map_or(0.0, |mark| rules.price_f64(mark));
            rules.qty_decimal(state.ledger().position(id).qty).to_f64() * mark / equity
        });
        day.weights = weights.collect();
    }
}

/// Plays a configuration and keeps its diary.
fn diary(toml: &str, dir: &Path) -> Diary {
    let mut datasets = OpenDatasets::default();
    let (config, strategy) = resolved(toml, &[dir], &mut datasets);
    let data = open(&config, &mut datasets).unwrap();
    let manifest = replay::backtest::manifest(&config, &data);
    let mut environment = SimEnvironment::new(data.source, &config, manifest);
    let mut core = Core::new(config.core(), strategy);
    let mut diary = Diary::default();
    let mut journal = MemoryJournal::default();
    run(&mut core, &mut environment, &mut journal, &mut diary, SyncPolicy::AtEnd).unwrap();
    diary
}

fn data(dir: &Path, symbols: &[&str]) -> Option<()> {
    for symbol in symbols {
        let file = shared(&format!("data/market/bars/binance_spot_{symbol}_1d_to_2024.csv.zst"))?;
        let _ = import_file(dir, symbol, &file, |request| request.interval = Some("1d".parse().unwrap()));
    }
    Some(())
}

/// The fixture, filled at the close that decided and paying what the model pays, with steps too small to matter.
fn as_the_reference_fills(name: &str) -> String {
    let toml = std::fs::read_to_string(project_file("fixtures/config").join(name)).unwrap();
    let toml = toml.replace(r#"fill = "next-open""#, r#"fill = "same-close""#);
    let toml = toml.replace(r#"capital = "100000""#, r#"capital = "100000000""#);
    let toml = toml.replace(r#"taker_fee = "0.1%""#, r#"taker_fee = "15bps""#);
    let toml = toml.replace(r#"slippage = "5bps""#, r#"slippage = "0bps""#);
    toml.replace("[strategy]", "[strategy]\ncash_reserve = 0")
}

/// Compares a diary with the golden days; answers the largest difference of a weight and of a return.
fn compare(diary: &Diary, golden: &str, assets: usize) -> (f64, f64) {
    let (mut weight_gap, mut return_gap) = (0.0_f64, 0.0_f64);
    let mut before = None;
    for line in golden.lines().skip(1) {
        let row: Vec<&str> = line.split(',').collect();
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        let opened = chrono_day(row[0]);
        // A bar of one day closes at the first moment of the next.
        let day = &diary.days[&(opened + 1)];
        for asset in 0..assets {
            weight_gap = weight_gap.max((day.weights[asset] - number(1 + assets + asset)).abs());
        }
        if let Some(before) = before.replace(day.equity) {
            return_gap = return_gap.max((day.equity / before - 1.0 - number(2 + 2 * assets)).abs());
        }
    }
    (weight_gap, return_gap)
}

/// Days from 1970 to an ISO date (Hinnant's algorithm).
fn chrono_day(date: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| date[range].parse::<i64>().unwrap();
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[test]
fn the_account_follows_the_golden_book_of_three_assets_within_lots() {
    let dir = tempfile::tempdir().unwrap();
    let Some(()) = data(dir.path(), &["BTCUSDT", "ETHUSDT", "SOLUSDT"]) else { return };
    let Some(golden) = shared("data/models/golden_default_btc_eth_sol_to_2024.csv") else { return };
    let golden = std::fs::read_to_string(golden).unwrap();
    let diary = diary(&as_the_reference_fills("rg-ens12-bes.toml"), dir.path());
    let (weight_gap, return_gap) = compare(&diary, &golden, 3);
    println!("three assets: largest gap of a weight {weight_gap:e}, of a daily return {return_gap:e}");
    assert_eq!(diary.refused, 0);
    assert!(weight_gap < 1e-6, "{weight_gap:e}");
    assert!(return_gap < 1e-6, "{return_gap:e}");
}
