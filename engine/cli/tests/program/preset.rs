//! `engine backtest --preset seed-3d` as a user meets it: the result, its audit, its replay, and bad data.

use std::path::Path;

use serde_json::Value;

use crate::folder::Folder;

const IMPORT: &str = "import --dataset d --venue yahoo --instrument BTCUSD --price-decimals 8 --qty-decimals 10 --volume-in quote";

/// The one line that a backtest which could not run says; no run is made.
fn refusal(folder: &Folder, line: &str) -> String {
    let errors = folder.refusal(line);
    assert!(!folder.path("r").exists(), "{line} made a run");
    errors
}

fn bitcoin() -> Option<std::path::PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/seed/btc_1d.csv");
    if !file.is_file() {
        println!("skipped: shared data not found");
        return None;
    }
    Some(file)
}

#[test]
fn the_preset_prints_the_published_result_and_its_audit_and_replays() {
    let Some(file) = bitcoin() else { return };
    let folder = Folder::new();
    folder.text(&format!("{IMPORT} {}", file.display()));
    let done = folder.answer("backtest --preset seed-3d --run r --dataset d --report r.html");
    let final_equity = done["final_equity"].as_f64().unwrap();
    assert!((final_equity / 28_936.105_484_585_027 - 1.0).abs() < 1e-8, "{final_equity}");
    assert_eq!((&done["trades"], &done["optimistic"]), (&Value::from(77), &Value::from(true)));
    let report = std::fs::read_to_string(folder.path("r.html")).unwrap();
    assert!(report.contains("no evidence that the strategy earns anything"));
    let audit = &done["audit"];
    assert!(audit["engine_over_plain"].as_f64().unwrap().abs() < 1e-8, "{}", audit["engine_over_plain"]);
    assert_eq!(audit["gaps"], 0);
    let entries: Vec<&Value> =
        audit["regimes"].as_array().unwrap().iter().map(|used| &used["entries"]).collect();
    assert_eq!(entries, [0, 0, 65, 12], "ranging, trending, volatile, crisis");
    let share = audit["top5_trades_share_of_profit"].as_f64().unwrap();
    assert!((share - 0.966).abs() < 1e-3, "{share}");
    let holding = |at: usize| audit["passive"][at]["total_return_pct"].as_f64().unwrap();
    assert!(holding(0) > 28_000.0 && holding(2) < done["return_pct"].as_f64().unwrap());
    assert_eq!(folder.answer("replay r --check")["same"], true);
    let text = folder.text("backtest --preset seed-3d --run again --dataset d");
    for said in
        ["no evidence", "96.6 %", "same volatility", "next open, fee 0.1 % and 5 bps slippage", "bit for bit"]
    {
        assert!(text.contains(said), "{said:?} is missing in\n{text}");
    }
}

#[test]
fn exactly_one_of_configuration_and_preset_is_taken() {
    let folder = Folder::new();
    assert!(refusal(&folder, "backtest --run r --dataset d").contains("--preset"));
    assert!(
        refusal(&folder, "backtest c.toml --preset seed-3d --run r --dataset d")
            .contains("cannot be used with")
    );
    assert!(refusal(&folder, "backtest --preset seed-4 --run r --dataset d").contains("seed-3d"));
}

#[test]
fn data_the_preset_cannot_use_is_refused_in_one_line() {
    let folder = Folder::new();
    folder.text("synth --dataset few --seed 1 --bars 60 --interval 1d");
    assert!(
        refusal(&folder, "backtest --preset seed-3d --run r --dataset few")
            .contains("60 bars; seed-3d needs 61")
    );
    folder.text("synth --dataset hours --seed 1 --bars 100 --interval 1h");
    assert!(refusal(&folder, "backtest --preset seed-3d --run r --dataset hours").contains("these have 1h"));
    folder.text("synth --dataset ticks --seed 1 --ticks 1000");
    assert!(refusal(&folder, "backtest --preset seed-3d --run r --dataset ticks").contains("same-close"));
    folder.text("synth --dataset one --seed 1 --bars 100 --interval 1d --instrument A");
    folder.text("synth --dataset two --seed 2 --bars 100 --interval 1d --instrument B");
    let refusal = refusal(&folder, "backtest --preset seed-3d --run r --dataset one --dataset two");
    assert!(refusal.contains("2 instruments") && refusal.contains("exactly one"), "{refusal}");
}
