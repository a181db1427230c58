//! Which datasets a run reads: one length of bars, and found again by what they hold.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = "\
[run]
capital = \"10000\"
[risk]
drawdown_max = 1
[strategy]
name = \"sma-cross\"
fast = 5
slow = 20
size = { equity_share = \"20%\" }
";

fn engine(dir: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    command.args(line.split_whitespace()).current_dir(dir);
    command.env("XDG_CONFIG_HOME", dir.join("config")).env("HOME", dir).output().unwrap()
}

fn fine(dir: &Path, line: &str) -> String {
    let output = engine(dir, line);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{line}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(dir: &Path, line: &str) -> String {
    let output = engine(dir, line);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{line}: {errors}");
    errors
}

#[test]
fn two_bar_lengths_of_one_instrument_are_refused_with_both_named() {
    let bench = tempfile::tempdir().unwrap();
    let dir = bench.path();
    std::fs::write(dir.join("c.toml"), CONFIG).unwrap();
    fine(dir, "synth --dataset minutes --seed 3 --bars 600 --interval 1m");
    fine(dir, "synth --dataset hours --seed 4 --bars 600 --interval 1h");
    for order in ["--dataset minutes --dataset hours", "--dataset hours --dataset minutes"] {
        let said = refused(dir, &format!("backtest c.toml --run a {order}"));
        assert!(said.contains("last 1m") && said.contains("last 1h") && said.contains("--dataset"), "{said}");
    }
    fine(dir, "backtest c.toml --run a --dataset hours");
}

#[test]
fn a_run_finds_its_data_by_content_whatever_the_order_and_the_spelling() {
    let bench = tempfile::tempdir().unwrap();
    let dir = bench.path();
    std::fs::write(dir.join("c.toml"), CONFIG).unwrap();
    for (name, seed) in [("first", 3), ("second", 4), ("third", 5)] {
        fine(dir, &format!("synth --dataset {name} --seed {seed} --bars 600 --interval 1h"));
    }
    // The same folder twice is one dataset.
    fine(dir, "backtest c.toml --run a --dataset second --dataset ./second/../second");
    for given in [
        "--dataset first --dataset second",
        "--dataset second --dataset first",
        "--dataset third --dataset ./first --dataset first/../second --dataset second",
    ] {
        assert!(fine(dir, &format!("replay a --check {given}")).starts_with("same"), "{given}");
    }
    let said = refused(dir, "replay a --check --dataset first --dataset third");
    assert!(said.contains("synthetic:SYNUSD:bars") && said.contains("other records"), "{said}");
    let said = refused(dir, "replay a --check --dataset nowhere");
    assert!(said.contains("synthetic:SYNUSD:bars: not in nowhere"), "{said}");
}
