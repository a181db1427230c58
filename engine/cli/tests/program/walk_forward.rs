//! A walk-forward that was stopped goes on: wherever the stop came, what comes of it is what an undisturbed one comes to.

use std::fs;
use std::path::{Path, PathBuf};

use engine_application::config::WalkForward;
use engine_research::walk_forward::{PreparedWalk, pinned_walk};
use serde_json::Value;

use crate::folder::Folder;

const CONFIG: &str = "\
[run]
capital = \"10000\"
[costs]
taker_fee = \"10bps\"
[strategy]
name = \"sma-cross\"
fast = 5
slow = 20
size = { equity_share = \"60%\" }
[walk_forward]
train = \"1y\"
test = \"6mo\"
purge = \"10d\"
[walk_forward.grid]
fast = [3, 10, 20]
slow = [20, 40]
";

/// Three folds of five trials over training and test, and of holding.
const RUNS: usize = 33;
const KEPT: &str = "finished-runs.jsonl";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn daily() -> Folder {
    let folder = Folder::new();
    folder.text("synth --dataset data --seed 3 --bars 900 --interval 1d");
    folder.write("w.toml", CONFIG);
    folder
}

/// Plays the walk-forward and copies what lies on disk behind each of `moments`, as a kill would leave it then.
fn killed_behind(folder: &Folder, moments: &[usize]) -> Vec<PathBuf> {
    let walk = pinned_walk(WalkForward::read_file(&folder.path("w.toml")).unwrap()).unwrap();
    let out = folder.path("killed");
    let prepared = PreparedWalk::new(walk, &[folder.path("data")], &out).unwrap();
    let state = |moment: usize| folder.path(&format!("behind-{moment}"));
    let played = prepared.play((200, 1), |done, all| {
        assert_eq!(all, RUNS);
        if moments.contains(&done) {
            copy(&out, &state(done));
        }
    });
    played.unwrap();
    moments.iter().map(|moment| state(*moment)).collect()
}

/// Everything that a walk-forward in `out` has answered and written, but for where.
fn outcome(folder: &Folder, out: &str, answer: &Value) -> (Value, Value, Vec<u8>, Vec<u8>) {
    let without_place = |mut value: Value| {
        assert_eq!(value.as_object_mut().unwrap().remove("out").unwrap(), out);
        value
    };
    let read = |name: &str| fs::read(folder.path(out).join(name)).unwrap();
    let summary = serde_json::from_slice(&read("walk-forward.json")).unwrap();
    (without_place(answer.clone()), without_place(summary), read("trials.jsonl"), read("stitched.csv"))
}

#[test]
fn wherever_it_was_killed_it_comes_to_what_an_undisturbed_one_does() {
    let folder = daily();
    let line = "walk-forward w.toml --dataset data --draws 200 --out";
    let whole = folder.answer(&format!("{line} whole"));
    let whole = outcome(&folder, "whole", &whole);
    let states = killed_behind(&folder, &[1, 7, 12, 23, RUNS]);
    // A trial that was being recorded, and a run that was being kept.
    let torn = folder.path("torn");
    copy(&states[3], &torn);
    for name in ["trials.jsonl", KEPT] {
        let bytes = fs::read(torn.join(name)).unwrap();
        fs::write(torn.join(name), &bytes[..bytes.len() - 9]).unwrap();
    }
    for state in states.iter().chain([&torn]) {
        let out = state.file_name().unwrap().to_str().unwrap();
        let kept = fs::read(state.join(KEPT)).unwrap();
        let ended = kept.iter().filter(|byte| **byte == b'\n').count() - 1;
        let (answer, notes) = folder.json_and_notes(&format!("{line} {out}"));
        let said = format!("going on in {out}: {ended} of {RUNS} runs had ended before");
        assert!(notes.contains(&said), "{out}: {notes}");
        assert!(outcome(&folder, out, &answer) == whole, "{out} comes to something else");
        assert!(!state.join(KEPT).exists());
        assert!(
            folder.refusal(&format!("{line} {out}")).contains("--out"),
            "a finished search stays as it is"
        );
    }
}

#[test]
fn with_another_configuration_other_data_or_another_program_it_is_refused() {
    let folder = daily();
    let state = killed_behind(&folder, &[12]).remove(0);
    let line = "walk-forward w.toml --out behind-12 --dataset";
    folder.write("w.toml", &CONFIG.replace("10bps", "11bps"));
    let refused = folder.refusal(&format!("{line} data"));
    assert!(refused.contains("another configuration") && refused.contains("--out"), "{refused}");
    folder.write("w.toml", CONFIG);
    folder.text("synth --dataset other --seed 4 --bars 900 --interval 1d");
    let refused = folder.refusal(&format!("{line} other"));
    assert!(refused.contains("other data") && refused.contains("--out"), "{refused}");
    // A run that this program does not make: what it is called is the same, what it earned is not.
    let kept = fs::read_to_string(state.join(KEPT)).unwrap();
    let (first, runs) = kept.split_once('\n').unwrap();
    let forged = |line: &str| {
        let run: &str = &line[r#"{"run":"#.len()..line.rfind(r#","seal""#).unwrap()];
        let begin = run.find(r#""returns":""#).unwrap() + r#""returns":""#.len();
        let run = format!("{}3fb999999999999a{}", &run[..begin], &run[begin + 16..]);
        let seal = blake3::hash(format!("{first}{run}").as_bytes()).to_hex();
        format!("{{\"run\":{run},\"seal\":\"{}\"}}\n", &seal[..16])
    };
    let forged: String = runs.lines().map(forged).collect();
    fs::write(state.join(KEPT), format!("{first}\n{forged}")).unwrap();
    let output = folder.run(&format!("{line} data"));
    let refused = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{refused}");
    assert!(refused.contains("does not come out as it did") && refused.contains("--out"), "{refused}");
    // Nothing of it was touched.
    fs::write(state.join(KEPT), kept).unwrap();
    let (_, notes) = folder.json_and_notes(&format!("{line} data --draws 300 --seed 2"));
    assert!(notes.contains("going on in behind-12"), "how it is judged is another matter: {notes}");
}
