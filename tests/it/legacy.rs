//! The original system, reproduced: every golden file of its detector, labels, signals, scores, trades, equity,
//! cost variants and evolution logs, in plain numbers and once more inside the real engine.

use std::collections::BTreeMap;

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use system_tests::shared;

mod engine;
mod ensemble;
mod evolution;
mod regimes;
mod specialists;

/// A file of the seed's golden data as rows of cells by column name.
fn table(name: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let text = std::fs::read_to_string(shared("data/seed")?.join(name)).unwrap();
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), head.len(), "{name}: {line}");
        head.iter().zip(cells).map(|(name, cell)| ((*name).to_owned(), cell.to_owned())).collect()
    };
    Some(lines.map(row).collect())
}

fn json(name: &str) -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(shared("data/seed")?.join(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// A number, or `None` for an empty cell.
fn number(cell: &str) -> Option<f64> {
    (!cell.is_empty()).then(|| cell.parse().unwrap())
}

/// The daily history of Bitcoin the original read, with the times of its bars.
fn bitcoin() -> Option<(Vec<String>, Vec<Candle>)> {
    candles("btc_1d.csv")
}

/// A file of bars, with their times.
fn candles(name: &str) -> Option<(Vec<String>, Vec<Candle>)> {
    let rows = table(name)?;
    let candle = |row: &BTreeMap<String, String>| {
        let cell = |name: &str| row[name].parse().unwrap();
        Candle {
            open: cell("open"),
            high: cell("high"),
            low: cell("low"),
            close: cell("close"),
            volume: cell("volume"),
        }
    };
    Some((rows.iter().map(|row| row["time"].clone()).collect(), rows.iter().map(candle).collect()))
}

fn regime(name: &str) -> Option<Regime> {
    Regime::ALL.into_iter().find(|regime| regime.name() == name)
}

/// Asserts that two numbers agree to `tolerance`, relative above one and absolute below.
#[track_caller]
fn near(ours: f64, golden: f64, tolerance: f64, what: &str) {
    let off = (ours - golden).abs() / golden.abs().max(1.0);
    assert!(off <= tolerance, "{what}: {ours} is not {golden} (off by {off:.3e})");
}
