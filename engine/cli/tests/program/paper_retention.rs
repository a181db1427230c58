//! A run on paper of which the oldest segments are dropped: what is kept is a run for every command, and it goes on.

use std::path::Path;
use std::process::Stdio;

use fake_exchange::{Dialect, FakeExchange, Settings, Time};
use serde_json::Value;

use crate::folder::Folder;
use crate::paper::{count, ground, plays_again, until};

const LINE: &str = "paper paper.toml --run P --json --set journal.snapshot_every=20000 --set live.segment_kib=256 --set bars.interval=1s --set warmup.bars=0";

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        std::fs::copy(from, to).unwrap();
        return;
    }
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

#[test]
fn a_run_whose_oldest_segments_are_dropped_is_a_run_still() {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    (settings.time, settings.rate, settings.past_bars) = (Time::Speed(60), 300, 200);
    let exchange = FakeExchange::start(settings).unwrap();
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let mut child = folder.command(LINE).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(&folder, |status| count(status, "ticks") > 160_000);
    child.kill().unwrap();
    child.wait().unwrap();
    copy(&folder.path("P"), &folder.path("W"));
    let done = folder.answer("archive P --keep-size 600KiB");
    let gone = done["dropped"].as_array().unwrap().len() as u64;
    assert!(gone >= 3 && count(&done, "bytes") > (3 * 256) << 10, "{done}");
    let verified = folder.answer("verify P");
    assert_eq!(
        (&verified["sound"], count(&verified["dropped"], "segments")),
        (&true.into(), gone),
        "{verified}"
    );
    let text = folder.text("verify P");
    let line = format!("segments 1–{gone} were dropped on 20");
    assert!(text.contains(&line) && text.contains("by retention"), "{text}");
    every_command_begins_with_what_is_kept(&folder, count(&verified["dropped"], "events"));
    // It goes on, and drops more as it does.
    let ended =
        folder.answer(&format!("{} --for 6s --set live.keep_size=600KiB", LINE.replace(" --json", "")));
    assert!(count(&ended, "played_again") < 60_000, "{ended}");
    let verified = folder.answer("verify P --require-signature");
    assert!(count(&verified["dropped"], "segments") > gone, "{verified}");
    assert_eq!(plays_again(&folder)["head"], ended["head"]);
    let statement = folder.path("P/segments/dropped.json");
    let sound = std::fs::read_to_string(&statement).unwrap();
    std::fs::write(&statement, sound.replacen("\"last\": ", "\"last\": 1", 1)).unwrap();
    let found = folder.json("verify P", 1);
    assert!(found["findings"].to_string().contains("segments/dropped.json"), "{found}");
    assert!(folder.refusal("show P").contains("segments/dropped.json: it is not what was written"));
    exchange.stop().unwrap();
}

/// `P` without its first `dropped` events, beside `W`, the whole of it.
fn every_command_begins_with_what_is_kept(folder: &Folder, dropped: u64) {
    let first = dropped + 1;
    let replayed = plays_again(folder);
    assert_eq!(count_first(&replayed), first, "{replayed}");
    let compared = folder.answer("diff P W");
    assert_eq!((&compared["equal"], count_first(&compared)), (&true.into(), first));
    assert_eq!(compared["equal_events"], replayed["events"]);
    let last = replayed["of_events"][1].as_u64().unwrap();
    let shown = folder.answer(&format!("show P --to {}", first + 9));
    let same = folder.answer(&format!("show W --from {first} --to {}", first + 9));
    assert_eq!(shown["events"], same["events"]);
    assert_eq!(shown["events"][0]["seq"], first);
    for at in [dropped, first, last] {
        let state = |run: &str| folder.answer(&format!("state {run} --at {at}"))["digest"].clone();
        assert_eq!(state("P"), state("W"), "{at}");
    }
    folder.text("export P --format jsonl --out kept.jsonl");
    let lines = std::fs::read_to_string(folder.path("kept.jsonl")).unwrap().lines().count() as u64;
    assert_eq!(lines, count(&replayed, "events"));
    let trades = |run: &str| -> Vec<Value> {
        let bare = |trade: &Value| {
            let mut trade = trade.clone();
            // Fees are split over the lots that a fill closes, and there may have been more of those before.
            for key in ["number", "fees", "profit", "return_pct"] {
                trade.as_object_mut().unwrap().remove(key);
            }
            trade
        };
        folder.answer(&format!("trades {run}"))["trades"].as_array().unwrap().iter().map(bare).collect()
    };
    let whole = trades("W");
    // What was held where it begins has the average price, and is closed first.
    let own: Vec<Value> = trades("P").into_iter().filter(|trade| trade["entry_order"] != 0).collect();
    assert!(
        !own.is_empty() && own[..] == whole[whole.len() - own.len()..],
        "{} of {}",
        own.len(),
        whole.len()
    );
    let refused = ["show P --from 1", "state P --at 1", "parity P", "export P --what equity --format csv"];
    let of_dropped =
        ["replay P/segments/00000001 --check", "show P/segments/00000002", "trades P/segments/00000002"];
    for line in refused.iter().chain(&of_dropped) {
        let words = folder.refusal(line);
        assert!(words.contains("were dropped on 20") && words.contains("by retention"), "{line}: {words}");
    }
    assert_eq!(folder.answer("verify P/segments/00000001")["sound"], true);
    assert!(count(&folder.answer("status P"), "segments_dropped") > 0);
    let (_, notes) = folder.json_and_notes("trades P");
    assert!(notes.contains("were dropped on 20"), "{notes}");
}

fn count_first(answer: &Value) -> u64 {
    answer["of_events"][0].as_u64().unwrap()
}
