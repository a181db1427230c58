//! The first steps of a user: strategies, examples, a configuration of one's own, and settings from the command line.

use serde_json::Value;

use crate::configuration::SMA_CROSS;
use crate::folder::Folder;

fn market() -> Folder {
    let folder = Folder::new();
    folder.text("synth --dataset data --seed 3 --bars 1500 --interval 1d");
    folder
}

fn recorded(folder: &Folder, run: &str) -> Value {
    let shown = folder.answer(&format!("show {run} --from 1 --to 1"));
    let text = shown["events"][0].to_string();
    let start = shown["events"][0].pointer("/event/config").or_else(|| shown["events"][0].pointer("/config"));
    start.cloned().unwrap_or(Value::from(text))
}

/// Every strategy is listed with every setting, and its example does what it says.
#[test]
fn every_strategy_has_an_example_that_runs() {
    let folder = market();
    folder.write("signals.csv", "time,target\n2024-02-01,1\n2024-03-01,0\n");
    let listed = folder.answer("strategies");
    let listed = listed["strategies"].as_array().unwrap();
    assert!(listed.len() >= 9);
    for strategy in listed {
        let name = strategy["name"].as_str().unwrap();
        assert_eq!(&folder.answer(&format!("strategies {name}")), strategy);
        assert!(folder.text(&format!("strategies {name}")).contains("engine init"));
        for command in strategy["example"].as_array().unwrap() {
            let command = command.as_str().unwrap().replace("demo-run/data", "data");
            folder.text(command.strip_prefix("engine ").unwrap());
        }
        assert_eq!(folder.answer(&format!("replay {name}-run --check"))["same"], true, "{name}");
    }
    assert!(folder.refusal("strategies donchain").contains("did you mean `donchian`?"));
}

#[test]
fn a_draft_is_never_written_over_another_file() {
    let folder = market();
    folder.write("mine.toml", "keep me");
    assert!(folder.refusal("init mine.toml --dataset data --strategy random").contains("there already"));
    assert_eq!(std::fs::read_to_string(folder.path("mine.toml")).unwrap(), "keep me");
    assert!(folder.refusal("init x.toml --dataset nowhere --strategy random").contains("nowhere"));
    assert!(
        folder.refusal("init x.toml --dataset data --strategy randmo").contains("did you mean `random`?")
    );
    assert!(!folder.path("x.toml").exists());
}

#[test]
fn examples_run_from_any_folder() {
    let folder = market();
    let run = folder.answer("backtest --example demo --dataset data --run a");
    folder.write("demo.toml", &folder.text("examples demo"));
    assert_eq!(folder.answer("backtest demo.toml --dataset data --run b")["head"], run["head"]);
    assert!(folder.refusal("backtest --example dmeo --dataset data --run c").contains("did you mean demo?"));
    assert!(folder.text("examples").contains("donchian-btc-1d"));
}

#[test]
fn what_is_set_on_the_command_line_is_in_the_record() {
    let folder = market();
    folder.write("c.toml", SMA_CROSS);
    folder.write(
        "d.toml",
        &SMA_CROSS
            .replace("fast = 5", "fast = 7")
            .replace("end =", "from = 2024-06-01\nto = 2026-01-01\nend ="),
    );
    let set = folder.answer(
        "backtest c.toml --dataset data --run a --from 2024-06-01 --to 2026-01-01 --set strategy.fast=7",
    );
    let written = folder.answer("backtest d.toml --dataset data --run b");
    assert_eq!(set["head"], written["head"], "set or written, it is the same run");
    assert_eq!(folder.answer("replay a --check")["same"], true);
    assert!(recorded(&folder, "a").to_string().replace('\\', "").contains("\"fast\":7"));
    let refusals = [
        (
            "--set strategy.fsat=7",
            "use --set strategy.fsat=7: unknown key `strategy.fsat`; did you mean `fast`?",
        ),
        ("--set strategy.fast=many", "expected a whole number from 1 to 100000"),
        ("--set strategy.fast", "give KEY=VALUE"),
        ("--from soon", "`run.from` = soon"),
    ];
    for (words, said) in refusals {
        let refusal = folder.refusal(&format!("backtest c.toml --dataset data --run x {words}"));
        assert!(refusal.contains(said), "{words}: {refusal}");
    }
    assert!(!folder.path("x").exists());
}

/// Trading goes on through any drawdown unless a limit was asked for; a halt is said before everything else.
#[test]
fn a_backtest_halts_only_where_it_was_asked_to() {
    let folder = market();
    folder.write("c.toml", "[run]\ncapital = 1000\n[strategy]\nname = \"buy-and-hold\"\n");
    let (free, notes) = folder.json_and_notes("backtest c.toml --dataset data --run a");
    assert_eq!(free["halted"], Value::Null);
    assert!(
        free["max_drawdown_pct"].as_f64().unwrap().abs() > 20.0,
        "the market must fall far enough: {free}"
    );
    assert!(!notes.contains("warning"), "{notes}");
    let (halted, notes) =
        folder.json_and_notes("backtest c.toml --dataset data --run b --set risk.drawdown_max=20%");
    assert!(halted["halted"].as_str().unwrap().starts_with("HALTED at 20"));
    assert!(notes.contains("warning: HALTED at 20"), "{notes}");
    let text = folder.text("backtest c.toml --dataset data --run c --set risk.drawdown_max=20%");
    assert!(text.lines().next().unwrap().starts_with("HALTED at 20"), "{text}");
}

#[test]
fn nothing_there_is_an_empty_list_and_shells_get_their_words() {
    let folder = Folder::new();
    assert_eq!(folder.answer("models ls")["models"], Value::Array(Vec::new()));
    assert!(folder.refusal("models ls elsewhere").contains("elsewhere"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(folder.text(&format!("completions {shell}")).contains("strategies"), "{shell}");
    }
}
