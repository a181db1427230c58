//! A signal ends a long command early: what it has done is kept whole, and everything that reads it says so.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::folder::Folder;

const CONFIG: &str = "[run]\ncapital = \"10000\"\n[strategy]\nname = \"sma-cross\"\nfast = 2\nslow = 5\n\
    size = { equity_share = \"10%\" }\n[risk]\ndrawdown_max = 1\norders_per_minute_max = 1000\n";

/// Enough bars that a run over them lasts longer than it takes to send a signal.
const BARS: u64 = 1_200_000;

fn ground() -> Folder {
    let folder = Folder::new();
    let row = |number: u64| {
        let price = 100 + number % 17;
        let (high, low) = (price + 1, price - 1);
        format!("{},{price},{high},{low},{price},5\n", 1_300_000_000 + number * 60)
    };
    let rows: String = (0..BARS).map(row).collect();
    folder.write("bars.csv", &format!("time,open,high,low,close,volume\n{rows}"));
    folder.write("cross.toml", CONFIG);
    folder.text("import --dataset data --venue v --instrument S --interval 1m bars.csv");
    folder
}

/// Begins a backtest and answers once it has begun to record.
fn begun(folder: &Folder, run: &str) -> Child {
    let line = format!("backtest cross.toml --dataset data --run {run} --report {run}.html --json");
    let mut command = folder.command(&line);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let waited = Instant::now();
    while !folder.path(run).join("side.json").exists() {
        assert!(waited.elapsed() < Duration::from_secs(60), "the run did not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_signal_leaves_a_sound_run_and_gives_its_own_exit_code() {
    let folder = ground();
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let child = begun(&folder, name);
        signal(&child, name);
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{}", String::from_utf8_lossy(&ended.stderr));
        let answer: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert_eq!(answer["error"]["kind"], "interrupted");
        assert_eq!(answer["error"]["exit_code"], code);
        assert_eq!(answer["state"], "interrupted");
        let at = answer["interrupted_at"].as_str().unwrap();
        let report = std::fs::read_to_string(folder.path(&format!("{name}.html"))).unwrap();
        assert!(report.contains(&format!("<b>INTERRUPTED</b> The operator ended the run at {at}")));

        let verified = folder.answer(&format!("verify {name}"));
        assert_eq!((&verified["sound"], &verified["complete"]), (&true.into(), &false.into()), "{verified}");
        assert_eq!(verified["state"], "interrupted");
        assert_eq!(verified["signature"]["status"], "trusted", "{verified}");
        let checked = folder.json(&format!("replay {name} --check --dataset data"), 0);
        assert_eq!(
            (&checked["difference"], &checked["complete"]),
            (&serde_json::Value::Null, &false.into()),
            "{checked}"
        );
        assert!(checked["events"].as_u64().unwrap() > 0);
        let runs = folder.text("runs .");
        assert!(runs.contains(" interrupted "), "{runs}");
    }
}

/// Waits until `child` takes SIGTERM itself.
fn until_it_listens(child: &Child) {
    let waited = Instant::now();
    // A command that has ended takes nothing.
    let listens = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim);
        mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & (1 << 14) != 0)
    };
    while !listens() {
        assert!(waited.elapsed() < Duration::from_secs(60), "it does not listen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Begins `line` with JSON answers.
fn spawned(folder: &Folder, line: &str) -> Child {
    let mut command = folder.command(&format!("{line} --json"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The answer of `child`, which a signal must have ended with `code`.
fn interrupted(child: Child, code: i32) -> String {
    let ended = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(code), "{errors}");
    let answer: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(
        (&answer["error"]["kind"], &answer["error"]["exit_code"]),
        (&"interrupted".into(), &code.into())
    );
    let message = answer["error"]["message"].as_str().unwrap().to_owned();
    assert!(errors.contains(&message), "{errors}");
    message
}

#[test]
fn an_interrupted_import_is_named_until_it_is_repeated_and_then_is_as_if_it_had_not_been() {
    const IMPORT: &str = "import --venue v --instrument S --interval 1m bars.csv --dataset";
    let folder = ground();
    let whole = folder.answer("verify data");

    let child = spawned(&folder, &format!("{IMPORT} cut"));
    let waited = Instant::now();
    while !folder.path("cut/head.json").exists() {
        assert!(waited.elapsed() < Duration::from_secs(60), "the import did not begin");
    }
    std::thread::sleep(Duration::from_millis(60));
    signal(&child, "TERM");
    let message = interrupted(child, 143);
    let kept = message.split(' ').find_map(|word| word.parse::<u64>().ok());
    assert!(kept.is_some_and(|kept| kept > 0 && kept < BARS), "{message}");

    let (verified, notes) = folder.json_and_notes("verify cut");
    assert_eq!((&verified["sound"], &verified["state"]), (&true.into(), &"open".into()));
    let said = "cut: an import of v:S:bars was cut";
    assert!(notes.contains(said), "{notes}");
    for line in ["data check cut", "backtest cross.toml --dataset cut --run never", "export cut --format csv"]
    {
        let output = folder.run(line);
        let notes = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(notes.contains(said), "{line}: {notes}");
        assert_ne!(output.status.code(), None);
    }
    // An import into another series changes nothing about it.
    folder.text("import --dataset cut --venue v --instrument OTHER --interval 1m bars.csv");
    assert!(folder.json_and_notes("verify cut").1.contains(said));

    let again = folder.answer(&format!("{IMPORT} cut"));
    assert_eq!((&again["rows"], &again["records"]), (&BARS.into(), &BARS.into()));
    let (verified, notes) = folder.json_and_notes("verify cut");
    assert_eq!((&verified["sound"], &verified["state"]), (&true.into(), &"closed".into()));
    assert!(!notes.contains("cut"), "{notes}");
    let digest = |answer: &serde_json::Value| answer["heads"]["v:S:bars"]["digest"].clone();
    assert_eq!(digest(&verified), digest(&whole));
}

#[test]
fn an_import_from_a_silent_stream_is_ended_at_once() {
    let folder = Folder::new();
    let mut child = spawned(&folder, "import --dataset data --venue v --instrument S -");
    // The stream stays silent and open until the program has ended.
    let _silent = child.stdin.take();
    until_it_listens(&child);
    signal(&child, "INT");
    assert_eq!(interrupted(child, 130), "interrupted: nothing is stored");
    assert!(!folder.path("data").exists());
}

#[test]
fn an_interrupted_sweep_keeps_the_trials_it_made_and_counts_them_once() {
    const SWEEP: &str = "sweep cross.toml --dataset data --set strategy.fast=2,3 --set strategy.slow=7,8,9";
    let folder = ground();
    let trials = || std::fs::read_to_string(folder.path("sweep-run/trials.jsonl")).unwrap_or_default();
    let child = spawned(&folder, SWEEP);
    let waited = Instant::now();
    while trials().lines().count() < 2 {
        assert!(waited.elapsed() < Duration::from_secs(60), "no trial was recorded");
        std::thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "TERM");
    let message = interrupted(child, 143);
    let made = trials().lines().count();
    assert!((2..6).contains(&made) && message.contains("recorded as trials in sweep-run"), "{message}");

    let swept = folder.answer(SWEEP);
    assert_eq!(swept["recorded_before"], made);
    assert_eq!((swept["deflation"]["trials"].as_u64(), trials().lines().count()), (Some(6), 6));
    assert_eq!(folder.answer(SWEEP)["recorded_before"], 6, "nothing is counted twice");

    // The chosen run lies elsewhere and is judged by the sweep all the same.
    folder.text("backtest cross.toml --dataset data --run chosen/run --set strategy.slow=7");
    let judged = folder.answer("significance chosen/run --search sweep-run --draws 100");
    assert_eq!(judged["deflation"]["trials"], 6, "{judged}");
}

#[test]
fn an_interrupted_walk_forward_keeps_the_runs_that_have_ended_and_goes_on() {
    const WALK: &str = "walk-forward walk.toml --dataset data --out walked --draws 100";
    let folder = ground();
    let grid = "[walk_forward]\ntrain = \"500d\"\ntest = \"200d\"\n[walk_forward.grid]\nfast = [2, 3]\n";
    folder.write("walk.toml", &format!("{CONFIG}{grid}"));
    let kept = || std::fs::read_to_string(folder.path("walked/finished-runs.jsonl")).unwrap_or_default();
    let child = spawned(&folder, WALK);
    let waited = Instant::now();
    while kept().lines().count() < 3 {
        assert!(waited.elapsed() < Duration::from_secs(60), "no run has ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "INT");
    let message = interrupted(child, 130);
    assert!(message.contains("the same command goes on"), "{message}");
    // A line that was being written is none.
    let ended = kept().matches('\n').count() - 1;
    let (answer, notes) = folder.json_and_notes(WALK);
    assert!(notes.contains(&format!("going on in walked: {ended} of 10 runs had ended before")), "{notes}");
    assert_eq!((&answer["trials_run"], &answer["folds"].as_array().map(Vec::len)), (&4.into(), &Some(2)));
    assert_eq!(kept(), "", "the result is written, and nothing is left to go on with");
}

#[test]
fn what_only_computes_is_ended_at_once_and_leaves_nothing() {
    let folder = ground();
    folder.text("backtest cross.toml --dataset data --run run");
    let grid = "[walk_forward]\ntrain = \"300d\"\ntest = \"100d\"\npurge = \"1d\"\nembargo = \"1d\"\n\
        metric = \"sharpe\"\n[walk_forward.grid]\nfast = [2, 3, 4, 5, 6]\nslow = [7, 8, 9, 10, 11, 12]\n";
    folder.write("walk.toml", &format!("{CONFIG}{grid}"));
    for (line, code, kept) in [
        ("significance run --draws 1000000", 130, "nothing was written"),
        ("walk-forward walk.toml --dataset data --out walked", 143, "the same command goes on"),
    ] {
        let child = spawned(&folder, line);
        until_it_listens(&child);
        signal(&child, if code == 130 { "INT" } else { "TERM" });
        let message = interrupted(child, code);
        assert!(message.contains(kept), "{message}");
        assert!(!folder.path("walked/walk-forward.json").exists());
    }
}
