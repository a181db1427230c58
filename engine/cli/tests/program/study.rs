//! `engine study specialists`: the table that decides who gets capital.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::folder::Folder;

/// A stored file of daily bars, when it is there.
fn file(symbol: &str) -> Option<PathBuf> {
    let name = format!("../../../shared/data/market/bars/binance_spot_{symbol}_1d_to_2024.csv.zst");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if !path.exists() {
        println!("skipped: shared data not found: {symbol}");
        return None;
    }
    Some(path)
}

fn import(folder: &Folder, symbol: &str) -> Option<()> {
    let mut command = folder.command("import --dataset data --venue binance --interval 1d");
    let output = command.args(["--instrument", symbol]).arg(file(symbol)?).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

#[test]
fn no_specialist_has_earned_capital_and_the_same_seed_says_the_same() {
    let folder = Folder::new();
    let Some(()) = import(&folder, "BTCUSDT").and_then(|()| import(&folder, "ETHUSDT")) else { return };
    let ask = |seed: &str| {
        folder.answer(&format!("study specialists --dataset data --trials 60 --draws 400 --seed {seed}"))
    };
    let first = ask("1");
    let rows = first["specialists"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    // The trend ensemble without regimes on two assets after 2021 (Sharpe 1.24 from 2018 on, far less since).
    let ensemble = first["ensemble_without_regimes"]["sharpe"].as_f64().unwrap();
    assert!((0.5..1.2).contains(&ensemble), "{ensemble}");
    for row in rows {
        assert_eq!(row["earns_capital"], Value::Bool(false), "{row}");
        assert_eq!(row["genes"].as_object().unwrap().len(), 8);
        assert!(row["bars_in_regime"].as_u64().unwrap() > 20, "{row}");
    }
    assert_eq!(first, ask("1"));
    assert_ne!(first["specialists"][0]["genes"], ask("2")["specialists"][0]["genes"]);
}

#[test]
fn an_instrument_that_is_not_there_is_one_plain_line() {
    let folder = Folder::new();
    let Some(()) = import(&folder, "BTCUSDT") else { return };
    let line = folder.refusal("study specialists --dataset data");
    assert_eq!(line.trim(), "engine: read ETHUSDT in data: it holds no such bars; import them first");
}
