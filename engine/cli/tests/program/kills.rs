//! The program is killed at every call that changes a file, and at random moments: what it leaves is nothing, or a
//! journal that opens, is sound, says how far it came and can be gone on from.
//!
//! The short form stops at the first calls of each kind, then ever more widely, and at 40 random moments.
//! `KILL_TEST=long` stops at every call and at 320 moments. Kills at calls are made by `strace`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use engine_core::envelope::Seq;
use engine_runtime::ports::Journal as _;
use journal_store::dataset::DatasetReader;
use journal_store::run::{RunJournal, RunOptions, RunReader};
use journal_store::verify::{JournalKind, verify};

use crate::folder::Folder;

const CALLS: &[&str] = &[
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "ftruncate",
    "fallocate",
];

fn is_long() -> bool {
    std::env::var_os("KILL_TEST").is_some_and(|value| value == "long")
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
        let price = 100 + number % 17;
        format!(
            "{},{price},{},{},{price},5\n",
            1_600_000_000 + u64::from(number) * 3_600,
            price + 1,
            price - 1
        )
    };
    "time,open,high,low,close,volume\n".to_owned() + &(from..to).map(row).collect::<String>()
}

/// A folder with a market, its files and two configurations.
struct Ground {
    folder: Folder,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { folder: Folder::new() };
        ground.folder.write("plain.toml", &config(false));
        ground.folder.write("logged.toml", &config(true));
        ground.folder.write("first.csv", &bars(0, 500));
        ground.folder.write("second.csv", &bars(500, 1_100));
        ground.succeed("import --dataset data --venue v --instrument S --interval 1h first.csv");
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    fn prepared(&self, mut command: Command) -> Command {
        command
            .current_dir(self.folder.dir.path())
            .env("HOME", self.folder.dir.path())
            .env_remove("XDG_CONFIG_HOME");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn engine(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
        command.args(line.split_whitespace());
        self.prepared(command)
    }

    fn succeed(&self, line: &str) {
        assert!(self.engine(line).status().unwrap().success(), "{line}");
    }

    /// Runs a command that is killed as it begins its `number`-th call of this kind; answers whether it came to its
    /// end before.
    fn survives(&self, line: &str, call: &str, number: u32) -> bool {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        command.args(["-e", &format!("inject={call}:signal=SIGKILL:when={number}")]);
        command.arg(env!("CARGO_BIN_EXE_engine")).args(line.split_whitespace());
        self.prepared(command).status().unwrap().success()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

/// What a kill has left: the state's name and the number of records; nothing where there is no journal.
fn left(dir: &Path, case: &str) -> Option<(&'static str, u64)> {
    if !dir.exists() {
        return None;
    }
    let report = verify(dir, None).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert!(report.is_sound(), "{case}: called damaged: {:?}", report.findings);
    match report.kind {
        JournalKind::Run => {
            let reader = RunReader::open(dir).unwrap_or_else(|error| panic!("{case}: {error}"));
            let read = reader.envelopes(Seq::FIRST).unwrap().map(Result::unwrap).count() as u64;
            assert_eq!((read, reader.head().count), (report.events, report.events), "{case}");
            assert_eq!(reader.state(), report.state, "{case}");
        }
        JournalKind::Dataset => {
            let reader = DatasetReader::open(dir).unwrap_or_else(|error| panic!("{case}: {error}"));
            let mut read = 0;
            for entry in reader.series_list() {
                let series = reader.series(&entry.info.name()).unwrap();
                read += series.pages(1).unwrap().map(|page| page.unwrap().count() as u64).sum::<u64>();
            }
            assert_eq!(read, report.events, "{case}");
            assert_eq!(reader.state(), report.state, "{case}");
        }
    }
    Some((report.state.word(), report.events))
}

/// Whether the calls of a command can be stopped at here.
pub(crate) fn can_trace() -> bool {
    let tried = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        let is_required = std::env::var_os("ENGINE_REQUIRES_STRACE").is_some();
        assert!(!is_required, "ENGINE_REQUIRES_STRACE is set, and strace is not there or may not trace");
        println!("skipped: strace is not there or may not trace");
    }
    can
}

/// Kills `line` at one call after another until it comes to its end, and checks what is left each time.
fn at_every_call(
    ground: &Ground,
    line: &str,
    target: &str,
    before: Option<&str>,
    check: impl Fn(Option<(&'static str, u64)>, &Path, &str),
) {
    let dir = ground.path(target);
    let mut states: BTreeMap<String, u32> = BTreeMap::new();
    let mut kills = 0;
    for call in CALLS {
        let mut number = 1;
        loop {
            if dir.exists() {
                fs::remove_dir_all(&dir).unwrap();
            }
            before.iter().for_each(|before| copy(&ground.path(before), &dir));
            if ground.survives(line, call, number) {
                break;
            }
            let case = format!("{line}, killed at call {number} of {call}");
            let found = left(&dir, &case);
            *states.entry(found.map_or("nothing", |(state, _)| state).to_owned()).or_default() += 1;
            check(found, &dir, &case);
            kills += 1;
            number += if is_long() || number < 3 { 1 } else { number / 2 };
            assert!(number < 5_000, "{line} does not come to its end");
        }
    }
    println!("{line}: {kills} kills; left: {states:?}");
    assert!(kills > 10, "the calls of {line} were not seen");
}

/// A run that was killed can be taken up again without losing an event.
fn goes_on(found: Option<(&'static str, u64)>, dir: &Path, case: &str) {
    let Some((state, events)) = found else { return };
    if matches!(state, "closed" | "signed") {
        return;
    }
    let journal =
        RunJournal::resume(dir, RunOptions::default()).unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(journal.head().count, events, "{case}: events lost by going on");
    drop(journal);
    assert_eq!(left(dir, case).map(|(_, events)| events), Some(events), "{case}: after going on");
}

#[test]
fn a_run_killed_at_any_call_is_nothing_or_sound() {
    if !can_trace() {
        return;
    }
    for config in ["plain.toml", "logged.toml"] {
        let ground = Ground::new();
        let line = format!("backtest {config} --run run --dataset data --key signing.key");
        at_every_call(&ground, &line, "run", None, goes_on);
        let names: Vec<String> = fs::read_dir(ground.folder.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(!names.iter().any(|name| name.contains(".creating-")), "left behind: {names:?}");
    }
}

#[test]
fn a_dataset_killed_at_any_call_is_nothing_or_sound() {
    if !can_trace() {
        return;
    }
    let ground = Ground::new();
    let line = "import --dataset new --venue v --instrument S --interval 1h first.csv";
    let imported = |records: u64, line: String| {
        let ground = &ground;
        move |found: Option<(&'static str, u64)>, dir: &Path, case: &str| {
            let kept = found.map_or(0, |(_, kept)| kept);
            assert!(
                kept == records || kept == if line.contains("second") { 500 } else { 0 },
                "{case}: {kept} kept"
            );
            ground.succeed(&line);
            assert_eq!(left(dir, case).unwrap().1, records, "{case}: after importing again");
        }
    };
    at_every_call(&ground, line, "new", None, imported(500, line.to_owned()));
    let more = "import --dataset more --venue v --instrument S --interval 1h second.csv";
    at_every_call(&ground, more, "more", Some("data"), imported(1_100, more.to_owned()));
}

#[test]
fn kills_at_random_moments_leave_nothing_or_a_sound_journal() {
    let ground = Ground::new();
    ground.succeed("synth --dataset market --seed 5 --bars 30000 --interval 1h");
    let lines = [
        "backtest plain.toml --run run --dataset market",
        "backtest logged.toml --run run --dataset market",
        "synth --dataset run --seed 5 --ticks 60000",
    ];
    let kills = if is_long() { 320 } else { 40 };
    let mut states: BTreeMap<String, u32> = BTreeMap::new();
    for (number, line) in (0..kills).zip(lines.iter().cycle()) {
        let dir = ground.path("run");
        let begun = Instant::now();
        ground.engine(line).status().unwrap();
        let whole = begun.elapsed();
        fs::remove_dir_all(&dir).unwrap();
        let mut child = ground.engine(line).spawn().unwrap();
        // A number that no clock gives: moments spread evenly over the time that a whole run takes.
        let share = f64::from(number * 37 % kills) / f64::from(kills) * 1.05;
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * share));
        child.kill().unwrap();
        child.wait().unwrap();
        let case = format!("{line}, kill {number} at {share:.2}");
        let found = left(&dir, &case);
        *states.entry(found.map_or("nothing", |(state, _)| state).to_owned()).or_default() += 1;
        if line.starts_with("backtest") {
            goes_on(found, &dir, &case);
        }
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
    }
    println!("{kills} kills left: {states:?}");
}
