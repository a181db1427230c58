//! What proves a run and what does not: signers, witnesses, forged fills, cut tails, and inputs that never end.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use engine_cli::recording::Recording;
use engine_core::envelope::Envelope;
use engine_core::event::{Event, Execution, Input, Output as Concluded};
use engine_core::num::Price;
use journal_store::chain::ChainHead;
use journal_store::checkpoint::{self, CheckpointKey};
use replay_replayer::check;
use replay_replayer::fold::{Start, Until, fold};
use replay_simulation::series_feed::OpenDatasets;
use serde_json::Value;

mod forgery;

struct Bench {
    dir: tempfile::TempDir,
}

const CONFIG: &str = "\
[run]
capital = \"10000\"
end = \"flatten\"
[risk]
drawdown_max = 1
[strategy]
name = \"sma-cross\"
fast = 5
slow = 20
size = { equity_share = \"50%\" }
";

impl Bench {
    fn with_run() -> Self {
        let bench = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::write(bench.path("c.toml"), CONFIG).unwrap();
        bench.json("synth --dataset data --seed 3 --bars 900 --interval 1h", 0);
        bench.json("backtest c.toml --run a --dataset data", 0);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
        command.args(line.split_whitespace()).current_dir(self.dir.path());
        command.env("XDG_CONFIG_HOME", self.path("config")).env("HOME", self.dir.path());
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn json(&self, line: &str, code: i32) -> Value {
        let output = self.run(&format!("{line} --json"));
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {text} {errors}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
    }

    /// What a command says to people, answers and notes, and how it ends.
    fn said(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        said
    }

    fn key(&self, name: &str) -> CheckpointKey {
        CheckpointKey::load_or_create(&self.path(name)).unwrap()
    }
}

fn fill_price(envelope: &mut Envelope) -> Option<&mut Price> {
    let Event::Input(Input::Execution(report)) = &mut envelope.event else { return None };
    match &mut report.execution {
        Execution::Filled(fill) => Some(&mut fill.price),
        Execution::Accepted
        | Execution::Rejected(_)
        | Execution::Triggered
        | Execution::Cancelled
        | Execution::Amended(_)
        | Execution::Expired => None,
    }
}

/// A run whose last fill, a sale, was moved 50 % beyond its bar, and whose last digest was computed anew: everything
/// decided from it is what an engine would have decided.
fn forged(bench: &Bench) -> u64 {
    let mut events = forgery::events(&bench.path("a"));
    let place = (0..events.len()).rev().find(|place| fill_price(&mut events[*place]).is_some()).unwrap();
    let price = fill_price(&mut events[place]).unwrap();
    *price = Price::from_units(price.units() / 2 * 3);
    forgery::write(&events, &bench.path("a"), &bench.path("draft"), None);
    let recording = Recording::open(&bench.path("draft")).unwrap();
    let mut datasets = OpenDatasets::default();
    let mut source = recording.source(&[], &mut datasets).unwrap();
    let recorded = recording.reader.envelopes(engine_core::envelope::Seq::FIRST).unwrap();
    let start = Start { state: recording.opening_state().unwrap(), seq: 0 };
    let end = fold(start, &mut source, recorded, Until::Seq(events.len() as u64 - 1)).unwrap();
    let last = events.last_mut().unwrap();
    assert!(matches!(last.event, Event::Output(Concluded::CheckpointTaken(_))));
    last.event = Event::Output(Concluded::CheckpointTaken(end.state.digest()));
    forgery::write(&events, &bench.path("a"), &bench.path("forged"), Some(&bench.key("stranger.key")));
    place as u64 + 1
}

#[test]
fn a_forged_fill_is_a_difference_and_its_signer_a_stranger() {
    let bench = Bench::with_run();
    let place = forged(&bench);
    // Deciding again takes fills as they are written, and finds nothing.
    {
        let recording = Recording::open(&bench.path("forged")).unwrap();
        let mut datasets = OpenDatasets::default();
        let mut source = recording.source(&[], &mut datasets).unwrap();
        let envelopes = recording.reader.envelopes(engine_core::envelope::Seq::FIRST).unwrap();
        let decided = check(&mut recording.core().unwrap(), &mut source, envelopes).unwrap();
        assert_eq!((decided.difference, decided.complete), (None, true));
    }
    let proof = bench.json("verify forged", 0);
    assert_eq!((&proof["sound"], &proof["complete"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(proof["signature"]["status"], "unknown");
    bench.json("verify forged --require-signature", 1);
    assert!(bench.said("verify forged", 0).contains("signed by an unknown key, ed25519:"));
    let replayed = bench.json("replay forged --check", 1);
    assert_eq!(replayed["difference"]["seq"], place);
    let difference = &replayed["difference"];
    let price =
        |which: &str| difference[which][0]["event"]["price"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(price("recorded") > price("recomputed") * 1.4, "{difference}");
    assert!(bench.said("replay forged --check", 1).contains(&format!("DIFFERENT at event {place}")));
    assert_eq!(bench.json("replay a --check", 0)["venue_played"], true);
    // The same through exported pages: what is restored from them is as forged as before.
    bench.json("export forged --format pages --out f.pages", 0);
    bench.json("rebuild restored --pages f.pages", 0);
    assert_eq!(bench.json("verify restored", 0)["signature"]["status"], "unsigned");
    assert_eq!(bench.json("replay restored --check --dataset data", 1)["difference"]["seq"], place);
}

#[test]
fn a_forged_snapshot_or_manifest_is_a_difference() {
    let bench = Bench::with_run();
    let events = forgery::events(&bench.path("a"));
    let last = engine_core::envelope::Seq::new(events.len() as u64);
    let kept = journal_store::snapshot::get(&bench.path("a"), last).unwrap().unwrap();
    forgery::write(&events, &bench.path("a"), &bench.path("b"), None);
    assert_eq!(bench.json("replay b --check", 0)["same"], true);
    let early = journal_store::snapshot::get(&bench.path("a"), last).unwrap().unwrap();
    let early = journal_store::snapshot::Snapshot { seq: engine_core::envelope::Seq::new(40), ..early };
    journal_store::snapshot::put(&bench.path("b"), &early).unwrap();
    let difference = bench.json("replay b --check", 1)["difference"].clone();
    assert_eq!((&difference["seq"], &difference["about"]), (&Value::from(40), &Value::from("state")));
    assert_eq!(kept.seq, last);
    let mut capital = events;
    let Event::Input(Input::Session(mark)) = &mut capital[0].event else {
        panic!("the run begins with its manifest")
    };
    let engine_core::event::SessionMark::Opened(manifest) = mark else {
        panic!("the run begins with its manifest")
    };
    manifest.capital = manifest.capital.plus(manifest.capital).unwrap();
    forgery::write(&capital, &bench.path("a"), &bench.path("rich"), None);
    assert_eq!(bench.json("replay rich --check", 1)["difference"]["seq"], 1);
}

#[test]
fn a_cut_tail_signed_anew_is_incomplete_for_every_command() {
    let bench = Bench::with_run();
    let mut events = forgery::events(&bench.path("a"));
    events.truncate(events.len() - 2);
    forgery::write(&events, &bench.path("a"), &bench.path("cut"), Some(&bench.key("stranger.key")));
    let proof = bench.json("verify cut", 1);
    assert_eq!(proof["complete"], false);
    assert!(
        proof["findings"][0]["reason"].as_str().unwrap().contains("not the close of its session"),
        "{proof}"
    );
    for line in [
        "replay cut --check",
        "trades cut",
        "state cut --at 20",
        "significance cut --draws 100",
        "export cut --format jsonl --out cut.jsonl",
    ] {
        assert_eq!(bench.json(line, 0)["complete"], false, "{line}");
    }
    assert_eq!(bench.json("show cut", 0)["complete"], false);
    assert_eq!(bench.json("diff a cut", 1)["complete"], serde_json::json!([true, false]));
    let runs = bench.json("runs .", 0);
    let status = |name: &str| {
        let listed = runs["runs"].as_array().unwrap().iter().find(|run| run["name"] == name).unwrap();
        listed["status"].as_str().unwrap().to_owned()
    };
    assert_eq!((status("a").as_str(), status("cut").as_str()), ("complete", "incomplete"));
    for line in
        ["replay cut --check", "trades cut", "state cut --at 20", "show cut", "export cut --format csv"]
    {
        assert!(bench.said(line, 0).contains("incomplete (open)"), "{line}");
    }
}

#[test]
fn a_witness_that_proves_nothing_is_refused() {
    let bench = Bench::with_run();
    let own = checkpoint::read(&bench.path("a/checkpoint.json")).unwrap();
    let write = |name: &str, checkpoints: &[checkpoint::Checkpoint]| {
        checkpoint::write(&bench.path(name), checkpoints).unwrap();
    };
    write("own.json", &own);
    write("empty.json", &[]);
    write("nothing.json", &[bench.key("config/engine/checkpoint.key").sign("run", ChainHead::default(), 1)]);
    write("stranger.json", &[bench.key("stranger.key").sign("run", own[0].head, 1)]);
    assert_eq!(bench.json("verify a --against own.json", 0)["sound"], true);
    assert!(bench.said("verify a --against empty.json", 2).contains("no signed head"));
    assert!(bench.said("verify a --against nothing.json", 2).contains("0 events"));
    let said = bench.said("verify a --against stranger.json", 1);
    assert!(said.contains("signed by an unknown key") && said.contains("engine keys trust"), "{said}");
    bench.json("verify a --against stranger.json --key stranger.key", 1);
    let public = bench.key("stranger.key").public().to_string();
    bench.json(&format!("keys trust friend {public}"), 0);
    assert_eq!(bench.json("verify a --against stranger.json", 0)["sound"], true);
}

#[test]
fn a_signer_is_named_and_a_signature_can_be_required() {
    let bench = Bench::with_run();
    let own = bench.json("keys show", 0)["public_key"].as_str().unwrap().to_owned();
    let signature = bench.json("verify a --require-signature", 0)["signature"].clone();
    assert_eq!((&signature["status"], &signature["signer"]), (&Value::from("trusted"), &Value::from("own")));
    assert_eq!(signature["public_key"], own.as_str());
    bench.json("backtest c.toml --run b --dataset data --key other.key", 0);
    assert_eq!(bench.json("verify b", 0)["signature"]["status"], "unknown");
    let finding = bench.json("verify b --require-signature", 1)["findings"][0]["reason"].clone();
    assert!(finding.as_str().unwrap().contains("engine keys trust"), "{finding}");
    assert_eq!(
        bench.json("verify b --key other.key --require-signature", 0)["signature"]["signer"],
        "other.key"
    );
    std::fs::write(bench.path("other.pub"), bench.key("other.key").public().to_string()).unwrap();
    assert_eq!(bench.json("verify b --key other.pub", 0)["sound"], true);
    assert_eq!(bench.json("verify a --key other.pub", 1)["sound"], false);
    bench.json("keys trust anna other.pub", 0);
    assert!(bench.said("verify b --require-signature", 0).contains("signed by anna, ed25519:"));
    let listed: Vec<Value> = bench.json("keys list", 0)["keys"].as_array().unwrap().clone();
    assert_eq!(listed.iter().map(|key| key["name"].clone()).collect::<Vec<_>>(), ["anna", "own"]);
    bench.json("keys remove anna", 0);
    assert_eq!(bench.json("verify b", 0)["signature"]["status"], "unknown");
    assert!(bench.said("keys remove anna", 2).contains("no trusted key"));
    assert!(bench.said("keys trust own other.pub", 2).contains("your own key"));
    std::fs::remove_file(bench.path("a/checkpoint.json")).unwrap();
    assert!(bench.said("verify a", 0).contains("unsigned"));
    bench.json("verify a --require-signature", 1);
}

#[cfg(unix)]
#[test]
fn a_key_or_report_that_cannot_be_used_is_found_before_the_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::with_run();
    bench.key("shared.key");
    std::fs::set_permissions(bench.path("shared.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(bench.path("file"), "").unwrap();
    std::fs::write(bench.path("short.key"), "12").unwrap();
    std::fs::set_permissions(bench.path("short.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    for (more, expected) in [
        ("--key shared.key", "chmod 600"),
        ("--key short.key", "64 hexadecimal digits"),
        ("--key /dev/zero", "a device"),
        ("--report data", "data"),
        ("--report file/report.html", "file"),
    ] {
        let said = bench.said(&format!("backtest c.toml --run late --dataset data {more}"), 2);
        assert!(said.contains(expected), "{more}: {said}");
        assert!(!bench.path("late").exists(), "{more}: a run was made");
    }
    // Nobody can sign without a place for a key: the run says so in both languages.
    let mut command = bench.command("backtest c.toml --run unsigned --dataset data --json");
    let output = command.env_remove("HOME").env_remove("XDG_CONFIG_HOME").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done["signature"]["signed"], false);
    let mut command = bench.command("backtest c.toml --run unsigned2 --dataset data");
    let output = command.env_remove("HOME").env_remove("XDG_CONFIG_HOME").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("NOT SIGNED"));
    assert_eq!(bench.json("verify unsigned", 0)["signature"]["status"], "unsigned");
}

#[test]
fn a_log_of_heads_shows_what_was_cut_or_written_anew() {
    let bench = Bench::with_run();
    bench.json("heads data --log l/heads.log", 0);
    assert_eq!(bench.json("heads a --log l/heads.log", 0)["entries"][0]["number"], 2);
    let checked = bench.json("heads --check l/heads.log", 0);
    assert_eq!((&checked["entries"], &checked["journals_checked"]), (&Value::from(2), &Value::from(2)));
    let mut events = forgery::events(&bench.path("a"));
    std::fs::rename(bench.path("a"), bench.path("kept")).unwrap();
    assert_eq!(bench.json("heads --check l/heads.log", 0)["journals_absent"].as_array().unwrap().len(), 1);
    let place = events.iter_mut().position(|event| fill_price(event).is_some()).unwrap();
    let price = fill_price(&mut events[place]).unwrap();
    *price = Price::from_units(price.units() + 1);
    forgery::write(
        &events,
        &bench.path("kept"),
        &bench.path("a"),
        Some(&bench.key("config/engine/checkpoint.key")),
    );
    let said = bench.said("heads --check l/heads.log", 1);
    assert!(said.contains("written anew"), "{said}");
    let log = std::fs::read_to_string(bench.path("l/heads.log")).unwrap();
    std::fs::write(
        bench.path("l/heads.log"),
        log.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>(),
    )
    .unwrap();
    assert_eq!(bench.json("heads --check l/heads.log", 1)["sound"], false);
}

#[test]
fn what_need_not_end_is_refused_and_does_not_hang() {
    let bench = Bench::with_run();
    for (line, place) in [
        ("backtest /dev/zero --run z --dataset data", "/dev/zero"),
        ("import --dataset d --venue v --instrument S /dev/zero", "/dev/zero"),
        ("verify a --against /dev/zero", "/dev/zero"),
        ("verify a --key /dev/zero", "/dev/zero"),
        ("heads --check /dev/zero", "/dev/zero"),
        ("keys trust x /dev/zero", "/dev/zero"),
        ("walk-forward /dev/zero --dataset data", "/dev/zero"),
    ] {
        let said = bench.said(line, 2);
        assert!(said.contains(place) && said.contains("device"), "{line}: {said}");
    }
    assert!(!bench.path("d").exists() && !bench.path("z").exists());
}

#[test]
fn names_that_steer_a_terminal_are_shown_and_not_obeyed() {
    let bench = Bench::with_run();
    let mut events = forgery::events(&bench.path("a"));
    if let Event::Input(Input::Session(engine_core::event::SessionMark::Opened(manifest))) =
        &mut events[0].event
    {
        manifest.strategy = "sma\u{1b}]0;owned\u{7}\u{202e}\r\nFINDING".to_owned();
        manifest.instruments[0].symbol = "SYN\u{1b}[31mUSD\n".to_owned();
    }
    forgery::write(&events, &bench.path("a"), &bench.path("b"), None);
    for line in
        ["show b", "runs .", "state b --at 30", "trades b", "diff a b", "verify b", "replay b --check"]
    {
        let output = bench.run(line);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let steers = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!said.contains(steers), "{line}: {said:?}");
        assert!(!said.lines().any(|line| line.starts_with("FINDING\"")), "{line}: {said:?}");
    }
    let shown = bench.said("show b --to 1", 0);
    assert_eq!(shown.lines().count(), 1, "{shown:?}");
}

#[test]
fn series_that_would_share_a_file_are_refused_before_anything_is_written() {
    let bench = Bench::with_run();
    for symbol in ["A/B", "A-B"] {
        bench.json(&format!("synth --dataset two --seed 3 --bars 50 --instrument {symbol}"), 0);
    }
    let said = bench.said("export two --format csv --out files", 2);
    assert!(said.contains("A/B") && said.contains("A-B"), "{said}");
    assert!(!Path::new(&bench.path("files")).exists());
}
