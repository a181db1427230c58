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
