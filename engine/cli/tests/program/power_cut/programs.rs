//! The programs that the power is cut under.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use engine_core::envelope::Envelope;
use fake_exchange::{Dialect, FakeExchange, Running, Settings, Time};
use journal_store::verify::verify;
use serde_json::Value;

use super::acknowledged::acknowledged;
use super::recorded::{Recorded, WITHOUT, is_long, scratch};
use super::recovery::{Owed, Tally, dataset, events};
use crate::folder::Folder;
use crate::kills::can_trace;
use crate::paper::{begun, count, ground, segments, until};

/// Of a run in `dir` everything is kept that was acknowledged, `before` among it. `more` looks at the rest of a state, and
/// answers whether it has looked at the run as well.
fn run_survives(
    recorded: &Recorded,
    dir: &str,
    wanted: usize,
    before: &[Envelope],
    mut more: impl FnMut(&Folder, &Owed<'_>) -> bool,
) {
    let path = recorded.folder.path(dir);
    let (events, last) = (events(&path), verify(&path, None).unwrap().state);
    let acknowledged = acknowledged(&recorded.disk);
    assert!(events.starts_with(before) && !recorded.said.is_empty(), "{}", recorded.line);
    let mut tally = Tally::new();
    let states = recorded.at_every_call(wanted, |state, done| {
        let owed = Owed {
            events: &events,
            acknowledged: acknowledged[done].max(before.len()),
            ended: (recorded.disk.said(done) > 0).then_some(last.word()),
        };
        if !more(state, &owed) {
            owed.check(&state.path(dir), &mut tally);
        }
    });
    let most = acknowledged[acknowledged.len() - 1].max(before.len());
    assert_eq!(most, events.len(), "every event is acknowledged in the end");
    println!("{}: {} calls, {states} states: {tally:?}", recorded.line, recorded.disk.steps.len());
}

fn config(page_log: bool) -> String {
    format!(
        "[run]\ncapital = \"10000\"\nend = \"flatten\"\n[risk]\ndrawdown_max = 1\n\
         [strategy]\nname = \"sma-cross\"\nfast = 5\nslow = 20\nsize = {{ equity_share = \"50%\" }}\n\
         [journal]\npage_log = {page_log}\nsnapshot_every = 60\npage_bytes = 1024\n"
    )
}

fn bars(from: u32, to: u32) -> String {
    let row = |number: u32| {
        let (at, price) = (1_600_000_000 + u64::from(number) * 3_600, 100 + number % 17);
        format!("{at},{price},{},{},{price},5\n", price + 1, price - 1)
    };
    "time,open,high,low,close,volume\n".to_owned() + &(from..to).map(row).collect::<String>()
}

const IMPORT: &str = "--venue v --instrument S --interval 1h";

#[test]
fn a_backtest_keeps_what_it_acknowledged() {
    if !can_trace() {
        return;
    }
    for page_log in [false, true] {
        let folder = scratch();
        folder.write("run.toml", &config(page_log));
        folder.write("first.csv", &bars(0, 500));
        folder.text(&format!("import --dataset data {IMPORT} first.csv"));
        let recorded = Recorded::run(folder, "backtest run.toml --run run --dataset data --key signing.key");
        let key = fs::read(recorded.folder.path("signing.key")).unwrap();
        run_survives(&recorded, "run", 40, &[], |state, _| {
            // A run is signed by a key that is still there.
            let path = state.path("signing.key");
            assert!(path.exists() || !state.path("run/checkpoint.json").exists(), "the key is gone");
            if path.exists() {
                assert_eq!(fs::read(&path).unwrap(), key);
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            }
            false
        });
    }
}

/// The dataset has nothing, what it had before, or everything; importing again brings it to everything.
fn import_survives(recorded: &Recorded, dir: &str, wanted: usize, before: u64, whole: u64) {
    let mut tally = Tally::new();
    let states = recorded.at_every_call(wanted, |state, done| {
        let is_over = recorded.disk.said(done) > 0;
        let path = state.path(dir);
        let kept = if path.exists() { dataset(&path, &mut tally) } else { 0 };
        assert!(
            kept == whole || (!is_over && kept == before),
            "{kept} records, {before} before and {whole} after"
        );
        assert!(path.exists() || before == 0);
        state.text(&recorded.line);
        assert_eq!(dataset(&path, &mut Tally::new()), whole, "imported again");
    });
    println!("{}: {} calls, {states} states: {tally:?}", recorded.line, recorded.disk.steps.len());
}

#[test]
fn an_import_is_there_whole_or_not_at_all() {
    if !can_trace() {
        return;
    }
    let folder = scratch();
    folder.write("first.csv", &bars(0, 500));
    folder.write("second.csv", &bars(500, 1_100));
    let recorded = Recorded::run(folder, &format!("import --dataset deep/data {IMPORT} first.csv"));
    import_survives(&recorded, "deep/data", 30, 0, 500);
    let recorded = Recorded::run(recorded.folder, &format!("import --dataset deep/data {IMPORT} second.csv"));
    import_survives(&recorded, "deep/data", 30, 500, 1_100);
}

fn market() -> Running {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    (settings.time, settings.rate, settings.past_bars) = (Time::Speed(60), 20, 100);
    FakeExchange::start(settings).unwrap()
}

/// What the program itself says of a state: no panic, and what it finds is what is there.
fn program_agrees(state: &Folder, owed: &Owed<'_>) {
    let code = |line: &str| {
        let output = state.run(line);
        let code = output.status.code();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(code, Some(0..=2)) && !errors.contains("panicked"), "{line}: {code:?}: {errors}");
        code
    };
    let is_sound = code("verify P") == Some(0);
    let is_shown = code("show P") == Some(0);
    code("status P");
    assert!(!is_sound || is_shown, "a sound run is not shown");
    assert!(state.path("P").exists() || owed.acknowledged == 0);
}

/// Every so many states are taken up by the program itself, which goes on trading.
fn goes_on(state: &Folder, owed: &Owed<'_>, number: &mut u32) -> bool {
    *number += 1;
    if (*number).is_multiple_of(8) {
        program_agrees(state, owed);
    }
    if *number % 40 != 20 {
        return false;
    }
    let answer = state.answer("paper paper.toml --run P --for 300ms");
    assert!(count(&answer, "events") >= owed.acknowledged as u64, "{answer}");
    let read = events(&state.path("P"));
    let told = read.iter().zip(owed.events).take_while(|(read, event)| read == event).count();
    assert!(
        told >= owed.acknowledged,
        "{told} events are as they were, of {} acknowledged",
        owed.acknowledged
    );
    assert_eq!(state.answer("replay P --check")["same"], Value::Bool(true));
    true
}

#[test]
fn a_run_on_paper_in_segments_keeps_what_it_acknowledged_and_when_it_is_archived() {
    if !can_trace() {
        return;
    }
    let exchange = market();
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let recorded = Recorded::run(folder, "paper paper.toml --run P --for 2s --json");
    assert!(segments(&recorded.folder) >= 2, "its segments turn over");
    let mut number = 0;
    run_survives(&recorded, "P", 25, &[], |state, owed| goes_on(state, owed, &mut number));
    let mut folder = recorded.folder;
    let whole = events(&folder.path("P"));
    for line in ["archive P --json", "archive P --unpack --json"] {
        let recorded = Recorded::run(folder, line);
        run_survives(&recorded, "P", 12, &whole, |state, _| {
            assert_eq!(state.answer("verify P")["sound"], true);
            state.text(line);
            false
        });
        folder = recorded.folder;
    }
    exchange.stop().unwrap();
}

#[test]
fn a_killed_run_on_paper_that_is_taken_up_keeps_what_it_acknowledged() {
    if !can_trace() {
        return;
    }
    let exchange = market();
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let mut child = begun(&folder);
    until(&folder, |status| count(status, "ticks") > 30 && segments(&folder) > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = events(&folder.path("P"));
    let recorded = Recorded::run(folder, "paper paper.toml --run P --for 1s --json");
    let mut number = 0;
    run_survives(&recorded, "P", 25, &before, |state, owed| goes_on(state, owed, &mut number));
    exchange.stop().unwrap();
}

/// Whether this bed fails when the call that `without` names, as `fdatasync:7`, is left out of a backtest.
fn is_missed(without: &str) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "--nocapture", "power_cut::programs::a_backtest_keeps_what_it_acknowledged"]);
    let output = child.env(WITHOUT, without).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() || said.contains(", cut after "),
        "{without}: it fails of something else: {said}"
    );
    !output.status.success()
}

#[test]
fn a_sync_that_is_left_out_is_missed() {
    if !can_trace() || std::env::var_os(WITHOUT).is_some() {
        return;
    }
    let numbers = if is_long() { 1..=14 } else { 1..=2 };
    let calls = numbers.flat_map(|number| ["fdatasync", "fsync"].map(|name| format!("{name}:{number}")));
    let (missed, unmissed): (Vec<String>, Vec<String>) = calls.partition(|call| is_missed(call));
    println!("left out and missed: {missed:?}; not missed: {unmissed:?}");
    // Not every sync is the only one that brings something to the drive.
    let needed = ["fdatasync:1", "fsync:1", "fdatasync:2"];
    assert!(needed.iter().all(|call| missed.iter().any(|missed| missed == call)), "{unmissed:?}");
}
