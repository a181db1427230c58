//! Commands that read change no byte of a journal, whatever is damaged in it, and need no more than the right to read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use crate::configuration::SMA_CROSS_LONG_SHORT;
use crate::folder::Folder;

const JOURNAL: &str = "[journal]\npage_log = true\nsnapshot_every = 400\npage_bytes = 2048\n";

/// What is run over a dataset `data` and a run `runs/a`, each with what it may write beside them.
const COMMANDS: &[&str] = &[
    "verify data",
    "verify runs/a",
    "verify runs/a --against runs/a/checkpoint.json",
    "show runs/a",
    "show runs/a --kind filled --json",
    "trades runs/a --dataset data",
    "state runs/a --at 700 --dataset data",
    "state runs/a --at 2000-01-01T00:00:00Z --dataset data",
    "export runs/a --format jsonl --out OUT/a.jsonl",
    "export runs/a --format csv --out OUT/a.csv",
    "export runs/a --format pages --out OUT/a.pages",
    "export data --format csv --out OUT/data",
    "export data --format pages --out OUT/data.pages",
    "runs runs",
    "replay runs/a --check --dataset data",
    "replay runs/a --reinfer --dataset data",
    "diff runs/a runs/a",
    "backtest c.toml --run OUT/again --dataset data",
    "data check data",
    "regimes eval --dataset data",
    "regimes show --dataset data",
    "regimes portfolio --dataset data",
    "significance runs/a --dataset data",
    "study ensemble --dataset data",
    "models ls",
];

/// A folder with the dataset `data` and the run `runs/a`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("c.toml", &format!("{SMA_CROSS_LONG_SHORT}{JOURNAL}"));
    fs::create_dir(folder.path("runs")).unwrap();
    folder.text("synth --dataset data --seed 3 --bars 3000 --interval 1h");
    folder.text("backtest c.toml --run runs/a --dataset data");
    folder
}

/// Runs a line; what it writes goes to a folder that is gone afterwards.
fn run(folder: &Folder, line: &str) -> Output {
    let out = tempfile::tempdir().unwrap();
    folder.run(&line.replace("OUT", &out.path().display().to_string()))
}

/// Fingerprints of the dataset and of every run.
fn journals(folder: &Folder) -> Vec<(PathBuf, u64, blake3::Hash, SystemTime)> {
    let mut prints = fingerprint(&folder.path("data"));
    prints.extend(fingerprint(&folder.path("runs")));
    prints
}

/// Names, sizes, bytes and times of change of a folder and everything below it.
fn fingerprint(dir: &Path) -> Vec<(PathBuf, u64, blake3::Hash, SystemTime)> {
    let of = |path: &Path, bytes: &[u8]| {
        let changed = fs::metadata(path).unwrap().modified().unwrap();
        (path.to_path_buf(), bytes.len() as u64, blake3::hash(bytes), changed)
    };
    let mut prints = vec![of(dir, &[])];
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            prints.extend(fingerprint(&path));
        } else {
            prints.push(of(&path, &fs::read(&path).unwrap()));
        }
    }
    prints.sort_by(|left, right| left.0.cmp(&right.0));
    prints
}

/// Flips a bit at a share of what is written in a file; answers its bytes as they were.
fn flip(path: &Path, share: f64) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut damaged = bytes.clone();
    damaged[(written as f64 * share) as usize] ^= 16;
    fs::write(path, damaged).unwrap();
    bytes
}

fn check_all(folder: &Folder, case: &str) {
    let before = journals(folder);
    for line in COMMANDS {
        let output = run(folder, line);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| code <= 2), "{case}: {line} died: {told}");
        assert!(!told.contains("panicked"), "{case}: {line}: {told}");
        assert_eq!(journals(folder), before, "{case}: {line} has changed a journal");
    }
}

#[test]
fn no_reading_command_changes_a_journal() {
    let folder = folder();
    check_all(&folder, "sound");
    let places = [
        ("data/store/db", 0.02, "verify data"),
        ("data/store/db", 0.5, "verify data"),
        ("data/store/db", 0.97, "verify data"),
        ("runs/a/store/db", 0.5, "verify runs/a"),
        ("runs/a/pages.log", 0.7, "verify runs/a"),
        ("data/head.json", 0.5, "verify data"),
        ("runs/a/pages.index", 0.5, "verify runs/a"),
    ];
    for (file, share, verify) in places {
        let path = folder.path(file);
        let bytes = flip(&path, share);
        let case = format!("{file} damaged at {share}");
        check_all(&folder, &case);
        assert_eq!(run(&folder, verify).status.code(), Some(1), "{case}: not found");
        fs::write(&path, bytes).unwrap();
        assert_eq!(run(&folder, verify).status.code(), Some(0), "{case}: undone damage leaves nothing");
    }
}

/// A run that was killed: the same number of events for every command, and nobody writes it down.
#[test]
fn every_command_sees_the_same_of_a_run_that_was_cut_short() {
    let folder = folder();
    let dir = folder.path("runs/a");
    // Its store lost, its log torn inside the last page, its head never written.
    let log = fs::read(dir.join("pages.log")).unwrap();
    fs::write(dir.join("pages.log"), &log[..log.len() * 2 / 3]).unwrap();
    for file in ["closed.json", "pages.index", "checkpoint.json"] {
        fs::remove_file(dir.join(file)).unwrap();
    }
    fs::remove_dir_all(dir.join("store")).unwrap();
    fs::create_dir(dir.join("store")).unwrap();
    fs::write(dir.join("store/db"), []).unwrap();
    let whole = journal_store::run::RunJournal::create(
        &folder.path("other"),
        journal_store::run::RunOptions { page_log: true, ..Default::default() },
    );
    drop(whole.unwrap());
    fs::copy(folder.path("other/head.json"), dir.join("head.json")).unwrap();
    let before = journals(&folder);
    let json = |line: &str, code: i32| -> serde_json::Value {
        let output = run(&folder, line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let verified = json("verify runs/a --json", 0);
    let events = verified["events"].as_u64().unwrap();
    assert!(events > 100 && verified["sound"] == true && verified["complete"] == false, "{verified}");
    assert_eq!(verified["state"], "open");
    assert_eq!(json("replay runs/a --check --json --dataset data", 0)["events"], events);
    assert_eq!(json("show runs/a --json", 0)["shown"], events);
    let runs = json("runs runs --json", 0);
    let listed = &runs["runs"][0];
    assert_eq!((&listed["events"], &listed["state"]), (&events.into(), &"open".into()), "{runs}");
    let lines = run(&folder, "export runs/a --format jsonl").stdout;
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count() as u64, events);
    assert_eq!(json("verify runs/a --json", 0)["events"], events, "nobody has changed the answer");
    assert_eq!(journals(&folder), before);
}

/// A user who may only read, or a folder in which nobody may write.
#[test]
fn reading_needs_no_right_to_write() {
    let folder = folder();
    let allow = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let stored = [folder.path("data"), folder.path("runs")];
    for path in stored.iter().flat_map(|dir| fingerprint(dir)).map(|print| print.0) {
        allow(&path, if path.is_dir() { 0o555 } else { 0o444 });
    }
    let out = tempfile::tempdir().unwrap();
    allow(folder.dir.path(), 0o755);
    allow(out.path(), 0o777);
    let as_nobody = Command::new("setpriv").args(["--reuid=65534", "--clear-groups", "true"]).status();
    let is_root = as_nobody.is_ok_and(|status| status.success());
    let program = out.path().join("engine");
    fs::copy(env!("CARGO_BIN_EXE_engine"), &program).unwrap();
    allow(&program, 0o755);
    let before = journals(&folder);
    for line in
        ["verify data", "verify runs/a", "show runs/a", "runs runs", "replay runs/a --check --dataset data"]
    {
        let mut command = folder.command(line);
        if is_root {
            let mut other = Command::new("setpriv");
            other.args(["--reuid=65534", "--clear-groups"]).arg(&program).args(command.get_args());
            other.current_dir(folder.dir.path()).env("HOME", out.path()).env_remove("XDG_CONFIG_HOME");
            command = other;
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    if !is_root {
        println!("the user was not changed: that needs root and setpriv");
    }
    assert_eq!(journals(&folder), before);
    for path in stored.iter().flat_map(|dir| fingerprint(dir)).map(|print| print.0) {
        allow(&path, if path.is_dir() { 0o755 } else { 0o644 });
    }
}
