//! `show --from`, `state --at` and `trades` answer from the middle of a run what they answer from its beginning.

use serde_json::Value;

use crate::folder::Folder;

const DIPS: &str = "[run]\ncapital = \"10000\"\nfill = \"next-open\"\n[costs]\ntaker_fee = \"0.1%\"\n[journal]\n\
                    snapshot_every = 40\npage_bytes = 1024\n[strategy]\nname = \"limit-dip\"\noffset = \"0.3%\"\nhold = 6\n";

/// A run of limit orders that work for some time, with many snapshots, and the same run without any.
fn runs() -> Folder {
    let folder = Folder::new();
    folder.text("synth --dataset data --seed 11 --bars 3000 --interval 1h");
    folder.write("c.toml", DIPS);
    for run in ["kept", "bare"] {
        folder.text(&format!("backtest c.toml --run {run} --dataset data"));
    }
    let kept = std::fs::read_dir(folder.path("kept/snapshots")).unwrap().count();
    assert!(kept > 10, "{kept} snapshots");
    std::fs::remove_dir_all(folder.path("bare/snapshots")).unwrap();
    folder
}

#[test]
fn events_shown_from_any_place_on_are_those_shown_from_the_first() {
    let folder = runs();
    let text = folder.text("show kept");
    let lines: Vec<&str> = text.lines().collect();
    let document = folder.answer("show kept");
    let events = document["events"].as_array().unwrap();
    assert_eq!(lines.len(), events.len());
    assert!(text.contains("cancelled") && text.contains("filled"), "no order worked for long");
    for from in (1..=lines.len()).step_by(53).chain([2, lines.len()]) {
        assert_eq!(
            folder.text(&format!("show kept --from {from}")),
            text_of(&lines[from - 1..]),
            "from {from}"
        );
        let shown = folder.answer(&format!("show kept --from {from}"));
        assert_eq!(shown["events"].as_array().unwrap(), &events[from - 1..], "from {from}");
    }
    let (from, to) = (lines.len() / 2, lines.len() / 2 + 20);
    let span = folder.text(&format!("show kept --from {from} --to {to}"));
    assert_eq!(span, text_of(&lines[from - 1..to]));
    assert_eq!(folder.text(&format!("show kept --from {}", lines.len() + 1)), "");
}

fn text_of(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A snapshot without the orders that work at its time is one of another run, or of an order that was over: what they
/// are for is found all the same.
#[test]
fn an_order_that_a_snapshot_does_not_know_is_looked_for_before_it() {
    use engine_core::envelope::Seq;
    use engine_core::event::{Event, Execution, ExecutionReport, Input};
    use journal_store::snapshot::{self, Snapshot};
    let folder = runs();
    let text = folder.text("show kept");
    let lines: Vec<&str> = text.lines().collect();
    let kept = folder.path("kept");
    let working = |seq: &Seq| {
        let found = snapshot::get(&kept, *seq).unwrap().unwrap();
        (found.state.open_order_count() > 0).then_some(found)
    };
    let found =
        snapshot::list(&kept).unwrap().iter().find_map(working).expect("a snapshot while an order works");
    let seq = found.seq;
    // The same moment and number of records, and no order any more.
    let (mut state, at) = (found.state.clone(), found.state.now());
    for open in found.state.open_orders() {
        let report = ExecutionReport { order: open.order.id, venue_at: at, execution: Execution::Cancelled };
        state.apply(at, &Event::Input(Input::Execution(report)));
    }
    assert_eq!(state.open_order_count(), 0);
    snapshot::put(&kept, &Snapshot { state, ..found }).unwrap();
    let from = usize::try_from(seq.number()).unwrap() + 1;
    assert_eq!(folder.text(&format!("show kept --from {from}")), text_of(&lines[from - 1..]));
}

#[test]
fn a_state_from_a_snapshot_is_the_state_from_the_beginning() {
    let folder = runs();
    let count = folder.text("show kept").lines().count();
    let moments = ["2020-01-20T07:30:00Z", "2020-03-01T00:00:00Z", "2030-01-01T00:00:00Z"].map(String::from);
    let places = (1..=count).step_by(97).chain([count]).map(|seq| seq.to_string());
    for at in places.chain(moments) {
        let mut states: Vec<Value> =
            ["kept", "bare"].iter().map(|run| folder.answer(&format!("state {run} --at {at}"))).collect();
        states.iter_mut().for_each(|state| state["run"] = Value::Null);
        assert_eq!(states[0], states[1], "at {at}");
    }
}

/// Given a snapshot of another moment under the number of an event,
/// when a state behind it is asked for,
/// then it is passed over.
#[test]
fn a_snapshot_that_does_not_fit_its_event_is_passed_over() {
    use journal_store::snapshot::{self, Snapshot};
    let folder = runs();
    let kept = folder.path("kept");
    let seqs = snapshot::list(&kept).unwrap();
    let (early, late) = (seqs[1], seqs[6]);
    let other = snapshot::get(&kept, early).unwrap().unwrap();
    snapshot::put(&kept, &Snapshot { seq: late, ..other }).unwrap();
    let at = late.number() + 1;
    let digest = |run: &str| folder.answer(&format!("state {run} --at {at}"))["digest"].clone();
    assert_eq!(digest("kept"), digest("bare"));
}

#[test]
fn trades_come_one_by_one_as_the_backtest_counted_them() {
    let folder = runs();
    let done = folder.answer("runs .");
    let trades = folder.answer("trades kept");
    let rows = trades["trades"].as_array().unwrap();
    assert_eq!(trades["count"], rows.len());
    assert_eq!(done["runs"][0]["trades"], rows.len());
    assert!(rows.iter().zip(1..).all(|(row, number)| row["number"] == number));
    let text = folder.text("trades kept");
    assert_eq!(text.lines().count(), rows.len() + 1);
    let missing = folder.run("trades kept --dataset nowhere --json");
    assert_ne!(missing.status.code(), Some(0));
    let answer: Value =
        serde_json::from_slice(&missing.stdout).expect("one answer, and nothing of another before it");
    assert!(answer["error"].is_object(), "{answer}");
}

/// Damages every copy of the page in the middle of the run's store.
fn damage_the_middle(run: &std::path::Path) {
    use journal_store::page::{HEADER_BYTES, MAGIC};
    let db = run.join("store/db");
    let mut bytes = std::fs::read(&db).unwrap();
    let begins = |at: &usize| bytes[*at..].starts_with(&MAGIC) && bytes.len() - at > 2 * HEADER_BYTES;
    let places: Vec<usize> = (0..bytes.len()).filter(begins).collect();
    let first_seq = |at: usize| u64::from_le_bytes(bytes[at + 16..at + 24].try_into().unwrap());
    let mut pages: Vec<(u64, usize)> = places.into_iter().map(|at| (first_seq(at), at)).collect();
    pages.sort_unstable();
    let (middle, _) = pages[pages.len() / 2];
    for (_, at) in pages.iter().filter(|(seq, _)| *seq == middle) {
        bytes[at + HEADER_BYTES + 40] ^= 1;
    }
    std::fs::write(&db, bytes).unwrap();
}

#[test]
fn damage_behind_the_first_rows_closes_the_answer_and_is_named_in_it() {
    let folder = runs();
    let whole = [("trades kept", "trades", "count"), ("show kept", "events", "shown")]
        .map(|(line, rows, count)| (line, rows, count, folder.answer(line)));
    damage_the_middle(&folder.path("kept"));
    for (line, rows, count, whole) in whole {
        let output = folder.run(&format!("{line} --json"));
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {errors}");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("one whole document");
        let (read, all) = (answer[rows].as_array().unwrap(), whole[rows].as_array().unwrap());
        assert!(!read.is_empty() && read.len() < all.len(), "{line}: {} of {}", read.len(), all.len());
        assert!(read == &all[..read.len()] && answer[count] == read.len(), "{line}");
        assert_eq!((&answer["error"]["kind"], &answer["error"]["exit_code"]), (&"damaged".into(), &2.into()));
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(errors.contains(&format!("engine: {message}")), "{line}: {errors}");
        assert_eq!(folder.run(line).status.code(), Some(2), "{line}: as text");
    }
}
