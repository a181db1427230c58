//! The tables of a run, each beside what other commands say of the same run.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::configuration::{ENSEMBLE, SMA_CROSS_LONG_SHORT};
use crate::folder::Folder;

/// A run of a moving-average cross that trades long and short, and what its backtest answered.
fn crossing() -> (Folder, Value) {
    let folder = Folder::new();
    folder.write("c.toml", SMA_CROSS_LONG_SHORT);
    folder.text("synth --dataset data --seed 3 --bars 3000 --interval 1h");
    let done = folder.answer("backtest c.toml --run a --dataset data");
    (folder, done)
}

/// A run of the ensemble whose conductor is the rule.
fn conducted() -> (Folder, Value) {
    let folder = Folder::new();
    folder.write("c.toml", &format!("{ENSEMBLE}[conductor]\nkind = \"rule\"\n"));
    folder.text("synth --dataset data --seed 3 --bars 700 --interval 1d");
    let done = folder.answer("backtest c.toml --run a --dataset data");
    (folder, done)
}

/// The rows of a table, from JSON lines.
fn rows(folder: &Folder, line: &str) -> Vec<Value> {
    let text = folder.text(&format!("export a --format jsonl {line}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn equity_ends_where_the_backtest_did_and_a_row_a_day_closes_each_day() {
    let (folder, done) = crossing();
    let all = rows(&folder, "--what equity");
    assert_eq!(all.len(), 3_000, "a row for each bar, the end included");
    assert_eq!(all[2_999]["equity"], done["exact"]["final_equity"]);
    assert_eq!(all[2_999]["fees"], done["exact"]["fees"]);
    assert_eq!((&all[0]["time"], &all[0]["equity"]), (&"2024-01-01T01:00:00Z".into(), &"10000".into()));
    let daily = rows(&folder, "--what equity --every 1d");
    assert_eq!(daily.len(), 125);
    let by_time: BTreeMap<&str, &Value> =
        all.iter().map(|row| (row["time"].as_str().unwrap(), &row["equity"])).collect();
    for row in &daily {
        assert_eq!(by_time[row["time"].as_str().unwrap()], &row["equity"]);
    }
    assert_eq!(daily[124]["equity"], done["exact"]["final_equity"]);
    let refused = folder.refusal("export a --what fills --format csv --every 1d");
    assert!(refused.contains("--every is a span above zero"), "{refused}");
}

#[test]
fn trades_are_those_of_the_trades_command() {
    let (folder, done) = crossing();
    let listed = folder.answer("trades a");
    let listed = listed["trades"].as_array().unwrap();
    let rows = rows(&folder, "--what trades");
    assert_eq!(rows.len() as u64, done["trades"].as_u64().unwrap());
    for (row, trade) in rows.iter().zip(listed) {
        for key in ["number", "qty", "entry_price", "exit_price", "entry_order", "mae_pct", "exit_reason"] {
            assert_eq!(row[key], trade[key], "{key}");
        }
        assert!((number(&row["profit"]) - number(&trade["profit"])).abs() < 1e-9);
        assert_eq!(row["exit_time"], trade["exit_at"]);
    }
}

#[test]
fn fills_add_up_to_the_volume_and_the_fees() {
    let (folder, done) = crossing();
    let rows = rows(&folder, "--what fills");
    assert_eq!(rows.len() as u64, done["fills"].as_u64().unwrap());
    let sum = |key: &str| rows.iter().map(|row| number(&row[key])).sum::<f64>();
    assert!((sum("fee") - number(&done["exact"]["fees"])).abs() < 1e-6);
    let volume = done["statistics"]["costs"]["volume"].as_f64().unwrap();
    assert!((sum("notional") / volume - 1.0).abs() < 1e-12, "{} {volume}", sum("notional"));
    assert!(rows.iter().all(|row| row["side"] == "buy" || row["side"] == "sell"));
}

#[test]
fn every_order_has_one_row_with_its_end() {
    let (folder, done) = crossing();
    let rows = rows(&folder, "--what orders");
    let placed: Vec<&Value> = rows.iter().filter(|row| !row["order"].is_null()).collect();
    assert_eq!(placed.len() as u64, done["orders"].as_u64().unwrap());
    let mut numbers: Vec<u64> = placed.iter().map(|row| row["order"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), placed.len());
    let refused: u64 =
        done["counts"]["refusals"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(rows.iter().filter(|row| row["status"] == "refused").count() as u64, refused);
    for row in placed.iter().filter(|row| row["status"] == "filled") {
        assert_eq!(row["qty"], row["filled_qty"]);
        assert!(row["ended_at"].as_str() >= row["submitted_at"].as_str());
    }
}

#[test]
fn positions_follow_the_fills_and_end_flat() {
    let (folder, done) = crossing();
    let positions = rows(&folder, "--what positions");
    let fills = rows(&folder, "--what fills");
    assert_eq!(positions.len(), fills.len());
    let mut held = 0.0;
    for (position, fill) in positions.iter().zip(&fills) {
        held += if fill["side"] == "buy" { number(&fill["qty"]) } else { -number(&fill["qty"]) };
        assert!((number(&position["qty"]) - held).abs() < 1e-6, "{position} after {fill}");
        assert_eq!(position["time"], fill["time"]);
    }
    let last = positions.last().unwrap();
    assert_eq!((&last["qty"], &last["equity"]), (&"0".into(), &done["exact"]["final_equity"]));
}

#[test]
fn regimes_are_as_many_as_the_run_counted() {
    let (folder, done) = conducted();
    let rows = rows(&folder, "--what regimes");
    assert!(!rows.is_empty());
    assert_eq!(rows.len() as u64, done["counts"]["regime_changes"].as_u64().unwrap());
    for row in &rows {
        let parts = ["p_ranging", "p_trending", "p_volatile", "p_crisis"];
        let sum: f64 = parts.iter().map(|part| row[*part].as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-6 && row["from"] != row["to"], "{row}");
    }
}

#[test]
fn every_question_has_one_row_with_its_answer() {
    let (folder, done) = conducted();
    let rows = rows(&folder, "--what decisions");
    assert!(!rows.is_empty());
    assert_eq!(rows.len() as u64, done["counts"]["questions"].as_u64().unwrap());
    for row in &rows {
        assert_eq!((&row["outcome"], &row["answered_by"]), (&"answered".into(), &"rule".into()), "{row}");
        assert!(row["asked_at"].as_str() <= row["answered_at"].as_str());
    }
    let crossing = crossing().0;
    assert_eq!(crossing.text("export a --what decisions --format jsonl"), "", "a run without a conductor");
}

#[test]
fn csv_has_the_documented_columns_and_parquet_is_a_file_beside_the_run() {
    let (folder, _) = crossing();
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../replay/EXPORT.md")).unwrap();
    for table in ["equity", "trades", "fills", "orders", "positions", "regimes", "decisions"] {
        let csv = folder.text(&format!("export a --what {table} --format csv"));
        let section = text.split("\n## ").find(|part| part.starts_with(&format!("`{table}`"))).unwrap();
        for column in csv.lines().next().unwrap().split(',') {
            assert!(section.contains(&format!("| `{column}` |")), "{column} of {table} is not documented");
        }
        let written = folder.answer(&format!("export a --what {table} --format parquet"));
        assert_eq!(written["rows"].as_u64().unwrap() as usize, csv.lines().count() - 1, "{table}");
        let bytes = std::fs::read(folder.path(&format!("a-{table}.parquet"))).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    }
    assert!(folder.refusal("export a --what equity --format pages").contains("--what is for"));
}
