//! `engine sweep`: every combination is the backtest that the same settings make, and every one is counted.

use serde_json::{Value, json};

use crate::configuration::SMA_CROSS;
use crate::folder::Folder;

fn market() -> Folder {
    let folder = Folder::new();
    folder.write("c.toml", SMA_CROSS);
    folder.text("synth --dataset data --seed 3 --bars 900 --interval 1d");
    folder
}

const SWEEP: &str = "sweep c.toml --dataset data --set strategy.fast=3,5,30 --set strategy.slow=20,40";

#[test]
fn a_run_of_a_sweep_is_the_backtest_of_its_settings() {
    let folder = market();
    let swept = folder.answer(SWEEP);
    let runs = swept["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5, "fast = 30 with slow = 20 cannot be");
    assert!(swept["left_out"][0].as_str().unwrap().contains("less than slow = 20"), "{swept}");
    let wanted = json!({ "strategy.fast": 5, "strategy.slow": 40 });
    let one = runs.iter().find(|run| run["settings"] == wanted).unwrap();
    let alone =
        folder.answer("backtest c.toml --dataset data --run a --set strategy.fast=5 --set strategy.slow=40");
    assert_eq!(one["head"], alone["head"]);
    assert_eq!(one["trades"], alone["trades"]);
    let near = |one: &Value, other: &Value| (one.as_f64().unwrap() - other.as_f64().unwrap()).abs() < 1e-9;
    assert!(near(&one["sharpe"], &alone["sharpe"]), "{one} {}", alone["sharpe"]);
    assert!(one["sharpe_low"].as_f64().unwrap() < one["sharpe_high"].as_f64().unwrap());
    let sharpes: Vec<f64> = runs.iter().map(|run| run["sharpe"].as_f64().unwrap()).collect();
    assert!(sharpes.is_sorted_by(|one, other| one >= other), "{sharpes:?}");
    assert_eq!(swept["best"], runs[0]["settings"]);
}

#[test]
fn every_run_of_every_sweep_counts_as_a_trial() {
    let folder = market();
    let first = folder.answer(SWEEP);
    assert_eq!(first["deflation"]["trials"], 5);
    let more = folder.answer("sweep c.toml --dataset data --set strategy.fast=4,6");
    assert_eq!(more["deflation"]["trials"], 7, "what was tried before is not forgotten");
    assert_eq!(std::fs::read_to_string(folder.path("sweep-run/trials.jsonl")).unwrap().lines().count(), 7);
    folder.text("backtest c.toml --dataset data --run sweep-run/picked --set strategy.fast=3");
    let judged = folder.answer("significance sweep-run/picked --draws 200");
    assert_eq!(judged["deflation"]["trials"], 7, "a run beside the trials is judged by them");
}

#[test]
fn one_run_written_in_two_ways_is_one_trial() {
    let folder = market();
    let twice = "sweep c.toml --dataset data --set costs.slippage=0.001,10bps --set strategy.fast=3,5";
    let swept = folder.answer(twice);
    assert_eq!(swept["runs"].as_array().unwrap().len(), 4);
    assert_eq!(swept["deflation"]["trials"], 2, "{swept}");
    assert_eq!(folder.answer(twice)["deflation"]["trials"], 2, "and none more when it is repeated");
}

#[test]
fn a_search_that_does_not_hold_the_run_is_named() {
    let folder = market();
    folder.text("sweep c.toml --dataset data --set strategy.fast=3,5");
    let said = |run: &str| {
        let output = folder.run(&format!("significance {run} --search sweep-run --draws 100"));
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).unwrap()
    };
    folder.text("backtest c.toml --dataset data --run chosen --set strategy.fast=3");
    assert!(!said("chosen").contains("none of the trials"), "it is one of them");
    folder.text("backtest c.toml --dataset data --run other --set strategy.fast=4");
    assert!(said("other").contains("other is none of the trials"), "{}", said("other"));
}

#[test]
fn two_keys_make_a_map_and_what_cannot_be_swept_is_one_line() {
    let folder = market();
    let text = folder.text(SWEEP);
    assert!(text.contains("Sharpe: strategy.fast down, strategy.slow across"), "{text}");
    assert!(text.contains("deflated Sharpe ratio of the best"), "{text}");
    assert!(!folder.text("sweep c.toml --dataset data --set strategy.fast=3,5 --out o").contains("down,"));
    let refusals = [
        ("--set strategy.fsat=3,5", "did you mean `fast`?"),
        ("--set strategy.fast=50,60", "no combination can be"),
        ("--set strategy.fast=3 --set strategy.fast=5", "strategy.fast is given twice"),
        ("--set strategy.fast", "give KEY=VALUE"),
        ("", "--set"),
    ];
    for (words, said) in refusals {
        let refusal = folder.refusal(&format!("sweep c.toml --dataset data --out x {words}"));
        assert!(refusal.contains(said), "{words}: {refusal}");
    }
    assert!(!folder.path("x").exists());
}
