//! Strategies of the user's own: rules with their errors, registered ones, and the crate that `new` writes.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use strategies::registration::Registration;

use crate::folder::Folder;

#[path = "../../examples/own_strategy/strategy.rs"]
mod strategy;

#[path = "../../examples/own_impact/model.rs"]
mod impact;

const HEAD: &str = "[run]\ncapital = \"10000\"\n[risk]\ndrawdown_max = 1\n[strategy]\n";

fn market(folder: &Folder) {
    folder.text("synth --dataset data --bars 1500 --interval 1d --seed 7");
}

#[test]
fn a_wrong_rule_is_shown_with_a_caret_below_its_place() {
    let folder = Folder::new();
    market(&folder);
    folder.write("c.toml", &format!("{HEAD}name = \"rules\"\nenter_long = \"close > 5 and rsi() < 70\"\n"));
    let output = folder.run("backtest c.toml --dataset data --run run");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(
        lines[0].starts_with("engine: read c.toml line 7: `strategy.enter_long` column 15: rsi takes"),
        "{said}"
    );
    assert_eq!(&lines[1..], ["  close > 5 and rsi() < 70", "                ^"]);
    let kind = folder.json("backtest c.toml --dataset data --run run", 2);
    assert_eq!(kind["error"]["kind"], "configuration");
}

#[test]
fn the_example_of_rules_runs_and_is_replayed() {
    let folder = Folder::new();
    folder.text("synth --dataset data --bars 3000 --interval 1d --seed 7");
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/config/rules-demo.toml");
    folder.text(&format!("backtest {config} --dataset data --run run"));
    assert!(folder.text("trades run").lines().count() > 10);
    assert!(folder.text("replay run --check").starts_with("same:"));
}

#[test]
fn a_replay_refuses_a_changed_file_of_targets() {
    let folder = Folder::new();
    market(&folder);
    folder.write("signals.csv", "time,target\n2001-01-01,0.5\n");
    folder.write("c.toml", &format!("{HEAD}name = \"signals\"\nfile = \"signals.csv\"\n"));
    folder.text("backtest c.toml --dataset data --run run");
    assert!(folder.text("replay run --check").starts_with("same:"));
    folder.write("signals.csv", "time,target\n2001-01-01,0.6\n");
    let output = folder.run("replay run --check");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("`strategy.file` = \"signals.csv\": its content has the hash"), "{said}");
    assert!(said.contains("it was changed"), "{said}");
}

#[test]
fn a_registered_strategy_is_backtested_replayed_and_walked_forward() {
    let own = vec![Registration::of::<strategy::ThreeUpSettings>()];
    engine_application::own_strategies::register(own).unwrap();
    let folder = Folder::new();
    market(&folder);
    let config = format!(
        "{HEAD}name = \"three-up\"\nrises = 2\n[walk_forward]\ntrain = \"2y\"\ntest = \"1y\"\n\
         [walk_forward.grid]\nrises = [1, 2]\n"
    );
    folder.write("c.toml", &config);
    let path = |name: &str| folder.path(name).display().to_string();
    let run = |words: &[&str]| {
        let words = std::iter::once("engine").chain(words.iter().copied());
        engine_cli::main(words.map(OsString::from))
    };
    let (config, data, recorded) = (path("c.toml"), path("data"), path("run"));
    let key = path("key");
    let backtest = ["backtest", &config, "--dataset", &data, "--run", &recorded, "--key", &key];
    assert_eq!(run(&backtest), ExitCode::SUCCESS);
    assert_eq!(run(&["replay", &recorded, "--check"]), ExitCode::SUCCESS);
    let walk = ["walk-forward", &config, "--dataset", &data, "--out", &path("walk"), "--draws", "200"];
    assert_eq!(run(&walk), ExitCode::SUCCESS);
    assert_eq!(run(&["trades", &recorded]), ExitCode::SUCCESS);
    // The program without it says what it has.
    let output = folder.run("replay run --check");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`strategy.name` = \"three-up\": allowed is buy-and-hold"), "{said}");
}

#[test]
fn a_registered_impact_model_prices_fills_and_is_replayed() {
    use engine_application::config::{ImpactRegistration, register_impacts};
    register_impacts(vec![ImpactRegistration::of::<impact::Linear>()]).unwrap();
    let folder = Folder::new();
    market(&folder);
    let path = |name: &str| folder.path(name).display().to_string();
    let run = |words: &[&str]| {
        let words = std::iter::once("engine").chain(words.iter().copied());
        engine_cli::main(words.map(OsString::from))
    };
    let (config, data, key) = (path("c.toml"), path("data"), path("key"));
    let strategy = "name = \"sma-cross\"\nfast = 10\nslow = 30\n";
    let mut paid = Vec::new();
    for (name, impact) in [
        ("free", ""),
        ("own", "[costs.impact]\nmodel = \"linear\"\nwhole = \"20%\"\n"),
        ("root", "[costs.impact]\nmodel = \"square-root\"\ncoefficient = \"10%\"\nmax = \"20%\"\n"),
    ] {
        let text = format!("[run]\ncapital = \"100000\"\n{impact}[strategy]\n{strategy}");
        folder.write("c.toml", &text);
        let recorded = path(name);
        let backtest = ["backtest", &config, "--dataset", &data, "--run", &recorded, "--key", &key];
        assert_eq!(run(&backtest), ExitCode::SUCCESS, "{name}");
        assert_eq!(run(&["replay", &recorded, "--check"]), ExitCode::SUCCESS, "{name}");
        let fills = path("fills.csv");
        let export = ["export", &recorded, "--what", "fills", "--format", "csv", "--out", &fills];
        assert_eq!(run(&export), ExitCode::SUCCESS, "{name}");
        let (table, _) = (std::fs::read_to_string(&fills).unwrap(), std::fs::remove_file(&fills).unwrap());
        let mut rows = table.lines().map(|row| row.split(',').collect::<Vec<_>>());
        let place = rows.next().unwrap().iter().position(|column| *column == "price").unwrap();
        // The first of them buys: impact makes it dearer.
        paid.push(rows.next().unwrap()[place].parse::<f64>().unwrap());
    }
    assert!(paid[0] < paid[1] && paid[0] < paid[2] && (paid[1] - paid[2]).abs() > 1e-6, "{paid:?}");
    // The program without it says what it has.
    let output = folder.run("replay own --check");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`costs.impact.model` = \"linear\": allowed is square-root"), "{said}");
}

#[test]
fn new_refuses_what_cannot_be_a_crate() {
    let folder = Folder::new();
    folder.write("there", "");
    for (line, reason) in [
        ("new Mine --engine-git URL", "the last part names the crate"),
        ("new there --engine-git URL", "it is there already"),
        ("new mine --engine-path .", "the engine's sources are not there"),
        ("new mine", "--engine-path"),
    ] {
        let output = folder.run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(reason), "{line}: {said}");
    }
    folder.text("new mine --engine-git https://example.org/engine");
    let manifest = std::fs::read_to_string(folder.path("mine/Cargo.toml")).unwrap();
    assert!(manifest.contains("strategies = { git = \"https://example.org/engine\" }"), "{manifest}");
}

/// Builds the crate that `new` writes, and runs its tests; minutes, so only where
/// `ENGINE_BUILDS_TEMPLATE` is set.
#[test]
fn the_crate_that_new_writes_builds_and_passes_its_tests() {
    if std::env::var_os("ENGINE_BUILDS_TEMPLATE").is_none() {
        println!("skipped: set ENGINE_BUILDS_TEMPLATE to build the crate of `engine new`");
        return;
    }
    let folder = Folder::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    folder.text(&format!("new mine --engine-path {}", root.display()));
    // The same versions as the engine was tested with.
    std::fs::copy(root.join("Cargo.lock"), folder.path("mine/Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_BIN_EXE_engine")).ancestors().nth(2).unwrap();
    // With other features than the workspace's, nearly every package is built anew: as fast as they can be.
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline"])
        .args(["--config", "profile.dev.package.'*'.opt-level=0"])
        .current_dir(folder.path("mine"))
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let (said, noted) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{noted}");
    assert!(said.contains("a_backtest_of_the_strategy_is_replayed_without_a_difference ... ok"), "{said}");
}
