//! What proves a run and what does not: signers, witnesses, forged fills, cut tails, and inputs that never end.

use std::path::Path;

use crate::forged_events;
use engine_application::wiring::recording::Recording;
use engine_core::envelope::Envelope;
use engine_core::event::{Event, Execution, Input, Output as Concluded};
use engine_core::num::Price;
use journal_store::chain::ChainHead;
use journal_store::checkpoint::{self, CheckpointKey};
use replay_replayer::check;
use replay_replayer::fold::{Start, Until, fold};
use replay_simulation::series_feed::OpenDatasets;
use serde_json::Value;

use crate::configuration::SMA_CROSS;
use crate::folder::Folder;

/// A small synthetic market and a run on it.
pub(crate) fn with_run() -> Folder {
    let folder = Folder::new();
    folder.write("c.toml", SMA_CROSS);
    folder.text("synth --dataset data --seed 3 --bars 900 --interval 1h");
    folder.text("backtest c.toml --run a --dataset data");
    folder
}

/// What a command says to people, answers and notes, and how it ends.
pub(crate) fn said(folder: &Folder, line: &str, code: i32) -> String {
    let output = folder.run(line);
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{line}: {said}");
    said
}

fn key(folder: &Folder, name: &str) -> CheckpointKey {
    CheckpointKey::load_or_create(&folder.path(name)).unwrap()
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
fn forged(folder: &Folder) -> u64 {
    let mut events = forged_events::events(&folder.path("a"));
    let place = (0..events.len()).rev().find(|place| fill_price(&mut events[*place]).is_some()).unwrap();
    let price = fill_price(&mut events[place]).unwrap();
    *price = Price::from_units(price.units() / 2 * 3);
    forged_events::write(&events, &folder.path("a"), &folder.path("draft"), None);
    let recording = Recording::open(&folder.path("draft")).unwrap();
    let mut datasets = OpenDatasets::default();
    let mut source = recording.source(&[], &mut datasets).unwrap();
    let recorded = recording.reader.envelopes(engine_core::envelope::Seq::FIRST).unwrap();
    let start = Start { state: recording.opening_state().unwrap(), seq: 0 };
    let end = fold(start, &mut source, recorded, Until::Seq(events.len() as u64 - 1)).unwrap();
    let last = events.last_mut().unwrap();
    assert!(matches!(last.event, Event::Output(Concluded::CheckpointTaken(_))));
    last.event = Event::Output(Concluded::CheckpointTaken(end.state.digest()));
    forged_events::write(
        &events,
        &folder.path("a"),
        &folder.path("forged"),
        Some(&key(folder, "stranger.key")),
    );
    place as u64 + 1
}

#[test]
fn a_forged_fill_is_a_difference_and_its_signer_a_stranger() {
    let folder = with_run();
    let place = forged(&folder);
    // Deciding again takes fills as they are written, and finds nothing.
    {
        let recording = Recording::open(&folder.path("forged")).unwrap();
        let mut datasets = OpenDatasets::default();
        let mut source = recording.source(&[], &mut datasets).unwrap();
        let envelopes = recording.reader.envelopes(engine_core::envelope::Seq::FIRST).unwrap();
        let decided = check(&mut recording.core().unwrap(), &mut source, envelopes).unwrap();
        assert_eq!((decided.difference, decided.complete), (None, true));
    }
    let proof = folder.json("verify forged", 0);
    assert_eq!((&proof["sound"], &proof["complete"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(proof["signature"]["status"], "unknown");
    folder.json("verify forged --require-signature", 1);
    assert!(said(&folder, "verify forged", 0).contains("signed by an unknown key, ed25519:"));
    let replayed = folder.json("replay forged --check", 1);
    assert_eq!(replayed["difference"]["seq"], place);
    let difference = &replayed["difference"];
    let price =
        |which: &str| difference[which][0]["event"]["price"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(price("recorded") > price("recomputed") * 1.4, "{difference}");
    assert!(said(&folder, "replay forged --check", 1).contains(&format!("DIFFERENT at event {place}")));
    assert_eq!(folder.json("replay a --check", 0)["venue_played"], true);
    // The same through exported pages: what is restored from them is as forged as before.
    folder.json("export forged --format pages --out f.pages", 0);
    folder.json("rebuild restored --pages f.pages", 0);
    assert_eq!(folder.json("verify restored", 0)["signature"]["status"], "unsigned");
    assert_eq!(folder.json("replay restored --check --dataset data", 1)["difference"]["seq"], place);
}

#[test]
fn a_forged_snapshot_or_manifest_is_a_difference() {
    let folder = with_run();
    let events = forged_events::events(&folder.path("a"));
    let last = engine_core::envelope::Seq::new(events.len() as u64);
    let kept = journal_store::snapshot::get(&folder.path("a"), last).unwrap().unwrap();
    forged_events::write(&events, &folder.path("a"), &folder.path("b"), None);
    assert_eq!(folder.json("replay b --check", 0)["same"], true);
    let early = journal_store::snapshot::get(&folder.path("a"), last).unwrap().unwrap();
    let early = journal_store::snapshot::Snapshot { seq: engine_core::envelope::Seq::new(40), ..early };
    journal_store::snapshot::put(&folder.path("b"), &early).unwrap();
    let difference = folder.json("replay b --check", 1)["difference"].clone();
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
    forged_events::write(&capital, &folder.path("a"), &folder.path("rich"), None);
    assert_eq!(folder.json("replay rich --check", 1)["difference"]["seq"], 1);
}

#[test]
fn a_cut_tail_signed_anew_is_incomplete_for_every_command() {
    let folder = with_run();
    let mut events = forged_events::events(&folder.path("a"));
    events.truncate(events.len() - 2);
    forged_events::write(
        &events,
        &folder.path("a"),
        &folder.path("cut"),
        Some(&key(&folder, "stranger.key")),
    );
    let proof = folder.json("verify cut", 1);
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
        assert_eq!(folder.json(line, 0)["complete"], false, "{line}");
    }
    assert_eq!(folder.json("show cut", 0)["complete"], false);
    assert_eq!(folder.json("diff a cut", 1)["complete"], serde_json::json!([true, false]));
    let runs = folder.json("runs .", 0);
    let status = |name: &str| {
        let listed = runs["runs"].as_array().unwrap().iter().find(|run| run["name"] == name).unwrap();
        listed["status"].as_str().unwrap().to_owned()
    };
    assert_eq!((status("a").as_str(), status("cut").as_str()), ("complete", "incomplete"));
    for line in
        ["replay cut --check", "trades cut", "state cut --at 20", "show cut", "export cut --format csv"]
    {
        assert!(said(&folder, line, 0).contains("incomplete (open)"), "{line}");
    }
}

#[test]
fn a_witness_that_proves_nothing_is_refused() {
    let folder = with_run();
    let own = checkpoint::read(&folder.path("a/checkpoint.json")).unwrap();
    let write = |name: &str, checkpoints: &[checkpoint::Checkpoint]| {
        checkpoint::write(&folder.path(name), checkpoints).unwrap();
    };
    write("own.json", &own);
    write("empty.json", &[]);
    write(
        "nothing.json",
        &[key(&folder, "config/engine/checkpoint.key").sign("run", ChainHead::default(), 1)],
    );
    write("stranger.json", &[key(&folder, "stranger.key").sign("run", own[0].head, 1)]);
    assert_eq!(folder.json("verify a --against own.json", 0)["sound"], true);
    assert!(said(&folder, "verify a --against empty.json", 2).contains("no signed head"));
    assert!(said(&folder, "verify a --against nothing.json", 2).contains("0 events"));
    let said = said(&folder, "verify a --against stranger.json", 1);
    assert!(said.contains("signed by an unknown key") && said.contains("engine keys trust"), "{said}");
    folder.json("verify a --against stranger.json --key stranger.key", 1);
    let public = key(&folder, "stranger.key").public().to_string();
    folder.json(&format!("keys trust friend {public}"), 0);
    assert_eq!(folder.json("verify a --against stranger.json", 0)["sound"], true);
}

#[test]
fn a_signer_is_named_and_a_signature_can_be_required() {
    let folder = with_run();
    let own = folder.json("keys show", 0)["public_key"].as_str().unwrap().to_owned();
    let signature = folder.json("verify a --require-signature", 0)["signature"].clone();
    assert_eq!((&signature["status"], &signature["signer"]), (&Value::from("trusted"), &Value::from("own")));
    assert_eq!(signature["public_key"], own.as_str());
    folder.json("backtest c.toml --run b --dataset data --key other.key", 0);
    assert_eq!(folder.json("verify b", 0)["signature"]["status"], "unknown");
    let finding = folder.json("verify b --require-signature", 1)["findings"][0]["reason"].clone();
    assert!(finding.as_str().unwrap().contains("engine keys trust"), "{finding}");
    assert_eq!(
        folder.json("verify b --key other.key --require-signature", 0)["signature"]["signer"],
        "other.key"
    );
    std::fs::write(folder.path("other.pub"), key(&folder, "other.key").public().to_string()).unwrap();
    assert_eq!(folder.json("verify b --key other.pub", 0)["sound"], true);
    assert_eq!(folder.json("verify a --key other.pub", 1)["sound"], false);
    folder.json("keys trust anna other.pub", 0);
    assert!(said(&folder, "verify b --require-signature", 0).contains("signed by anna, ed25519:"));
    let listed: Vec<Value> = folder.json("keys list", 0)["keys"].as_array().unwrap().clone();
    assert_eq!(listed.iter().map(|key| key["name"].clone()).collect::<Vec<_>>(), ["own", "anna"]);
    folder.json("keys remove anna", 0);
    // A file alone gives the name too.
    assert_eq!(folder.json("keys trust other.pub", 0)["name"], "other");
    assert!(said(&folder, "verify b", 0).contains("signed by other, "));
    assert!(said(&folder, "keys trust nobody", 2).contains("no file"));
    folder.json("keys remove other", 0);
    assert_eq!(folder.json("verify b", 0)["signature"]["status"], "unknown");
    assert!(said(&folder, "keys remove anna", 2).contains("no trusted key"));
    assert!(said(&folder, "keys trust own other.pub", 2).contains("your own key"));
    std::fs::remove_file(folder.path("a/checkpoint.json")).unwrap();
    let said = said(&folder, "verify a", 1);
    assert!(
        said.contains("unsigned") && said.contains(&format!("the signed head is gone: {own} had signed")),
        "{said}"
    );
    folder.json("verify a --require-signature", 1);
}

#[cfg(unix)]
#[test]
fn a_key_or_report_that_cannot_be_used_is_found_before_the_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = with_run();
    key(&folder, "shared.key");
    std::fs::set_permissions(folder.path("shared.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(folder.path("file"), "").unwrap();
    std::fs::write(folder.path("short.key"), "12").unwrap();
    std::fs::set_permissions(folder.path("short.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    for (more, expected) in [
        ("--key shared.key", "chmod 600"),
        ("--key short.key", "64 hexadecimal digits"),
        ("--key /dev/zero", "a device"),
        ("--report data", "data"),
        ("--report file/report.html", "file"),
    ] {
        let said = said(&folder, &format!("backtest c.toml --run late --dataset data {more}"), 2);
        assert!(said.contains(expected), "{more}: {said}");
        assert!(!folder.path("late").exists(), "{more}: a run was made");
    }
    // Nobody can sign without a place for a key: the run says so in both languages.
    let mut command = folder.command("backtest c.toml --run unsigned --dataset data --json");
    let output = command.env_remove("HOME").env_remove("XDG_CONFIG_HOME").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(done["signature"]["signed"], false);
    let mut command = folder.command("backtest c.toml --run unsigned2 --dataset data");
    let output = command.env_remove("HOME").env_remove("XDG_CONFIG_HOME").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("NOT SIGNED"));
    assert_eq!(folder.json("verify unsigned", 0)["signature"]["status"], "unsigned");
}

#[test]
fn a_log_of_heads_shows_what_was_cut_or_written_anew() {
    let folder = with_run();
    folder.json("heads data --log l/heads.log", 0);
    assert_eq!(folder.json("heads a --log l/heads.log", 0)["entries"][0]["number"], 2);
    let checked = folder.json("heads --check l/heads.log", 0);
    assert_eq!((&checked["entries"], &checked["journals_checked"]), (&Value::from(2), &Value::from(2)));
    let mut events = forged_events::events(&folder.path("a"));
    std::fs::rename(folder.path("a"), folder.path("kept")).unwrap();
    assert_eq!(folder.json("heads --check l/heads.log", 0)["journals_absent"].as_array().unwrap().len(), 1);
    let place = events.iter_mut().position(|event| fill_price(event).is_some()).unwrap();
    let price = fill_price(&mut events[place]).unwrap();
    *price = Price::from_units(price.units() + 1);
    forged_events::write(
        &events,
        &folder.path("kept"),
        &folder.path("a"),
        Some(&key(&folder, "config/engine/checkpoint.key")),
    );
    let said = said(&folder, "heads --check l/heads.log", 1);
    assert!(said.contains("written anew"), "{said}");
    let log = std::fs::read_to_string(folder.path("l/heads.log")).unwrap();
    std::fs::write(
        folder.path("l/heads.log"),
        log.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>(),
    )
    .unwrap();
    assert_eq!(folder.json("heads --check l/heads.log", 1)["sound"], false);
}

#[test]
fn what_need_not_end_is_refused_and_does_not_hang() {
    let folder = with_run();
    for (line, place) in [
        ("backtest /dev/zero --run z --dataset data", "/dev/zero"),
        ("import --dataset d --venue v --instrument S /dev/zero", "/dev/zero"),
        ("verify a --against /dev/zero", "/dev/zero"),
        ("verify a --key /dev/zero", "/dev/zero"),
        ("heads --check /dev/zero", "/dev/zero"),
        ("keys trust x /dev/zero", "/dev/zero"),
        ("walk-forward /dev/zero --dataset data", "/dev/zero"),
    ] {
        let said = said(&folder, line, 2);
        assert!(said.contains(place) && said.contains("device"), "{line}: {said}");
    }
    assert!(!folder.path("d").exists() && !folder.path("z").exists());
}

#[test]
fn names_that_steer_a_terminal_are_shown_and_not_obeyed() {
    let folder = with_run();
    let mut events = forged_events::events(&folder.path("a"));
    if let Event::Input(Input::Session(engine_core::event::SessionMark::Opened(manifest))) =
        &mut events[0].event
    {
        manifest.strategy = "sma\u{1b}]0;owned\u{7}\u{202e}\r\nFINDING".to_owned();
        manifest.instruments[0].symbol = "SYN\u{1b}[31mUSD\n".to_owned();
    }
    forged_events::write(&events, &folder.path("a"), &folder.path("b"), None);
    for line in
        ["show b", "runs .", "state b --at 30", "trades b", "diff a b", "verify b", "replay b --check"]
    {
        let output = folder.run(line);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let steers = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!said.contains(steers), "{line}: {said:?}");
        assert!(!said.lines().any(|line| line.starts_with("FINDING\"")), "{line}: {said:?}");
    }
    let shown = said(&folder, "show b --to 1", 0);
    assert_eq!(shown.lines().count(), 1, "{shown:?}");
}

#[test]
fn series_that_would_share_a_file_are_refused_before_anything_is_written() {
    let folder = with_run();
    for symbol in ["A/B", "A-B"] {
        folder.json(&format!("synth --dataset two --seed 3 --bars 50 --instrument {symbol}"), 0);
    }
    let said = said(&folder, "export two --format csv --out files", 2);
    assert!(said.contains("A/B") && said.contains("A-B"), "{said}");
    assert!(!Path::new(&folder.path("files")).exists());
}
