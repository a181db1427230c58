//! `engine compare`, `runs` and `trades`: what recorded runs came to.

use serde_json::{Value, json};

use crate::configuration::SMA_CROSS_LONG_SHORT;
use crate::folder::Folder;

fn with_runs() -> (Folder, Value) {
    let folder = Folder::new();
    folder.write("c.toml", SMA_CROSS_LONG_SHORT);
    folder.text("synth --dataset data --seed 3 --bars 3000 --interval 1h");
    let done = folder.answer("backtest c.toml --run a --dataset data");
    folder.text("backtest c.toml --run b --dataset data --set strategy.fast=7 --set costs.taker_fee=0");
    (folder, done)
}

/// What is folded from the record is what the backtest said, to the last digit.
#[test]
fn a_compared_run_has_the_figures_of_its_backtest() {
    let (folder, done) = with_runs();
    let compared = folder.answer("compare a b");
    let folded = &compared["runs"][0]["statistics"];
    for group in ["period", "performance", "risk", "drawdown", "costs", "trades", "exit_reasons", "warnings"]
    {
        assert!(!folded[group].is_null(), "{group}");
        assert_eq!(folded[group], done["statistics"][group], "{group}");
    }
    assert_eq!(compared["runs"][0]["head"], done["head"]);
    let differences = compared["differences"].as_object().unwrap();
    assert_eq!(differences["strategy.fast"], json!([5, 7]));
    assert_eq!(differences["costs.taker_fee"], json!(["0.001", "0"]));
    assert_eq!(differences.len(), 2, "{differences:?}");
    let text = folder.text("compare a b");
    assert!(text.contains("differs in") && text.contains("strategy.fast"), "{text}");
    assert!(folder.text("compare a a").contains("the same settings and records"));
    assert!(folder.refusal("compare a").contains("2"));
    assert!(folder.refusal("compare a nowhere").contains("nowhere"));
}

#[test]
fn the_list_of_runs_says_what_they_came_to() {
    let (folder, done) = with_runs();
    let listed = folder.answer("runs .");
    let run = &listed["runs"][0];
    for key in ["return_pct", "sharpe", "max_drawdown_pct", "trades", "head"] {
        assert_eq!(run[key], done[key], "{key}");
    }
    assert_eq!(run["state"], "signed");
    let text = folder.text("runs .");
    assert!(text.contains("return %") && text.contains("Sharpe") && text.contains("drawdown %"), "{text}");
    // Without its data a run is still listed, and why it has no figures is said.
    std::fs::rename(folder.path("data"), folder.path("moved")).unwrap();
    let (listed, notes) = folder.json_and_notes("runs .");
    assert_eq!(listed["runs"][0]["sharpe"], Value::Null);
    assert!(notes.contains("a: no figures: find the data"), "{notes}");
    assert_eq!(folder.answer("runs . --dataset moved")["runs"][0]["sharpe"], done["sharpe"]);
}

/// A halt ends what a run traded, so whoever lists, compares, sweeps or judges runs is told.
#[test]
fn a_halted_run_is_marked_wherever_its_figures_stand() {
    let folder = Folder::new();
    folder.write("c.toml", SMA_CROSS_LONG_SHORT);
    folder.text("synth --dataset data --seed 3 --bars 3000 --interval 1h");
    folder.text("backtest c.toml --run a --dataset data");
    let tight = "--dataset data --set risk.drawdown_max=1%";
    let done = folder.answer(&format!("backtest c.toml --run b {tight}"));
    let halted = done["halted"].as_str().unwrap();
    let moment = halted.split_whitespace().nth(2).unwrap().trim_end_matches(':');
    assert!(halted.starts_with("HALTED at 2") && moment.len() > 10, "{halted}");

    let listed = folder.answer("runs .");
    assert_eq!((&listed["runs"][0]["halted"], &listed["runs"][1]["halted"]), (&Value::Null, &done["halted"]));
    assert_eq!(listed["runs"][1]["halted_at"], moment);
    let compared = folder.answer("compare a b");
    assert_eq!(
        (&compared["runs"][0]["halted"], &compared["runs"][1]["halted"]),
        (&Value::Null, &done["halted"])
    );
    let judged = folder.answer("significance b --draws 100");
    assert_eq!(judged["halted"], done["halted"]);
    assert_eq!(judged["stress"][0]["halted"], done["halted"]);
    assert_eq!(folder.answer("significance a --draws 100")["halted"], Value::Null);
    let sweep = "sweep c.toml --dataset data --set risk.drawdown_max=1%,1";
    let swept = folder.answer(sweep);
    let marks: Vec<&Value> = swept["runs"].as_array().unwrap().iter().map(|run| &run["halted"]).collect();
    assert!(marks.contains(&&done["halted"]) && marks.contains(&&Value::Null), "{marks:?}");
    for line in ["runs .", "compare a b", "significance b --draws 100", sweep] {
        let text = folder.text(line);
        assert!(text.to_lowercase().contains("halted") && text.contains(moment), "{line}: {text}");
    }
}

#[test]
fn trades_stream_exactly_and_read_well() {
    let (folder, done) = with_runs();
    let trades = folder.answer("trades a");
    assert_eq!(trades["count"], done["trades"]);
    let rows = trades["trades"].as_array().unwrap();
    assert_eq!(trades["count"], rows.len());
    let text = folder.text("trades a");
    for line in text.lines() {
        for cell in line.split_whitespace() {
            let decimals = cell.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            assert!(decimals <= 8, "{cell} in {line}");
        }
    }
    folder
        .write("none.toml", &SMA_CROSS_LONG_SHORT.replace("fast = 5\nslow = 20", "fast = 4000\nslow = 5000"));
    folder.text("backtest none.toml --run none --dataset data");
    assert_eq!(folder.answer("trades none")["trades"], json!([]));
    assert!(folder.text("trades none").contains("no closed trades"));
}
