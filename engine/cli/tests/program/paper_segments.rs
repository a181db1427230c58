//! A run on paper in many segments, killed between them: one chain, of which none can be taken away or changed unseen, and
//! taken up as fast with many as with few.
//!
//! The short run is part of every test run. The long one:
//!
//! ```text
//! cargo test -p engine-cli --test program -- --ignored --nocapture paper_segments
//! ```

use std::path::Path;
use std::time::{Duration, Instant};

use fake_exchange::{Dialect, FakeExchange, Settings, Time};
use serde_json::Value;

use crate::folder::Folder;
use crate::paper::{begun, compare, count, ground, plays_again, segments, until};

/// Kills a run of `wanted` segments so many times; answers how long it took each time to be taken up.
fn lives_in_segments(wanted: usize, kills: usize) -> (Folder, Vec<Duration>) {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    (settings.time, settings.rate, settings.past_bars) = (Time::Speed(60), 40, 200);
    let exchange = FakeExchange::start(settings).unwrap();
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let mut child = begun(&folder);
    let mut taken_up = Vec::new();
    for kill in 1..=kills {
        while segments(&folder) < wanted * kill / kills {
            assert_eq!(child.try_wait().unwrap(), None, "nothing ends it");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let started = Instant::now();
        child = begun(&folder);
        until(&folder, |status| status["pid"] == child.id());
        taken_up.push(started.elapsed());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let ended = folder.answer("paper paper.toml --run P --for 1s");
    let started = Instant::now();
    assert_eq!(plays_again(&folder)["head"], ended["head"]);
    println!(
        "{} events in {} segments; taken up in {:?} to {:?}, verified and played again in {:?}",
        ended["events"],
        segments(&folder) + 1,
        taken_up.first().unwrap(),
        taken_up.last().unwrap(),
        started.elapsed()
    );
    compare(&exchange, "BTCUSDT", &folder);
    assert!(segments(&folder) >= wanted && count(&ended, "played_again") < 1_000, "{ended}");
    exchange.stop().unwrap();
    (folder, taken_up)
}

#[test]
fn twenty_segments_with_kills_between_are_one_chain_of_which_each_is_missed() {
    let (folder, _) = lives_in_segments(20, 5);
    let segment = |number: u32| folder.path(&format!("P/segments/{number:08}"));
    let (seventh, eighth, aside) = (segment(7), segment(8), folder.path("aside"));
    let named = |number: u32| {
        let report = folder.json("verify P", 1);
        assert!(report["findings"].to_string().contains(&format!("segment {number}")), "{report}");
    };
    let moved = |from: &Path, to: &Path| std::fs::rename(from, to).unwrap();
    moved(&seventh, &aside);
    named(7);
    assert!(folder.refusal("paper paper.toml --run P --set live.clock=system").contains("segment 7"));
    moved(&eighth, &seventh);
    moved(&aside, &eighth);
    named(7);
    moved(&eighth, &aside);
    moved(&seventh, &eighth);
    moved(&aside, &seventh);
    let pages = eighth.join("pages.log");
    let sound = std::fs::read(&pages).unwrap();
    let mut edited = sound.clone();
    edited[sound.len() / 2] ^= 1;
    std::fs::write(&pages, edited).unwrap();
    named(8);
    let one = |number: u32| format!("verify P/segments/{number:08}");
    assert_eq!(folder.json(&one(8), 1)["sound"], false);
    assert_eq!(folder.answer(&one(7))["sound"], true, "the others are as they were");
    std::fs::write(&pages, sound).unwrap();
    assert_eq!(folder.answer("verify P")["sound"], true);
    read_alone(&folder);
    played_alone(&folder);
    let packed = folder.answer("archive P");
    assert!(count(&packed, "bytes") * 10 < count(&packed, "bytes_before") * 9, "{packed}");
    assert!(!pages.exists());
    plays_again(&folder);
    assert_eq!(folder.answer("archive P --unpack")["segments"].as_array().unwrap().len(), segments(&folder));
    assert!(pages.exists() && folder.answer("verify P")["sound"] == true);
}

/// The seventh segment by its own folder: its events, its last state, its signature.
fn read_alone(folder: &Folder) {
    let verified = folder.answer("verify P/segments/00000007");
    assert_eq!((&verified["sound"], &verified["state"]), (&true.into(), &"signed".into()), "{verified}");
    let shown = folder.answer("show P/segments/00000007");
    assert_eq!(shown["shown"], verified["events"]);
    let events = shown["events"].as_array().unwrap();
    let (first, last) = (&events[0]["seq"], &events[events.len() - 1]["seq"]);
    assert!(first.as_u64().unwrap() > 1);
    folder.text("export P/segments/00000007 --format jsonl --out one.jsonl");
    let lines = std::fs::read_to_string(folder.path("one.jsonl")).unwrap();
    let told: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&told, events);
    let state = folder.answer("state P/segments/00000007");
    let same = folder.answer(&format!("state P --at {last}"));
    assert_eq!((&state["digest"], &state["seq"]), (&same["digest"], last));
    assert!(folder.refusal("state P/segments/00000007 --at 1").contains("it holds events"));
    assert!(folder.refusal("state P").contains("--at"));
    assert!(folder.refusal("show P/segments/00009999").contains("no such segment"));
}

/// Each segment plays again from the snapshot before it, and all trades of the run are closed in one of them or behind.
fn played_alone(folder: &Folder) {
    let all = |what: &str| folder.answer(&format!("trades {what}"))["trades"].as_array().unwrap().clone();
    let without_number = |trades: Vec<Value>| -> Vec<Value> {
        let bare = |mut trade: Value| {
            trade.as_object_mut().unwrap().remove("number");
            trade
        };
        trades.into_iter().map(bare).collect()
    };
    let (mut trades, mut last) = (Vec::new(), 0);
    for number in 1..=segments(folder) {
        let one = format!("P/segments/{number:08}");
        let played = folder.answer(&format!("replay {one} --check"));
        assert_eq!((&played["same"], &played["venue_played"]), (&true.into(), &true.into()), "{played}");
        let of = &played["of_events"];
        assert_eq!(of[0].as_u64().unwrap(), last + 1);
        last = of[1].as_u64().unwrap();
        assert_eq!(count(&played, "events"), last + 1 - of[0].as_u64().unwrap());
        trades.extend(without_number(all(&one)));
        let differs = folder.answer(&format!("diff {one} P"));
        assert_eq!((&differs["equal"], &differs["equal_events"]), (&true.into(), &played["events"]));
    }
    let whole = without_number(all("P"));
    assert!(trades.len() > 5, "{}", trades.len());
    assert_eq!(trades[..], whole[..trades.len()]);
    let (seventh, eighth) = ("P/segments/00000007", "P/segments/00000008");
    assert!(folder.refusal(&format!("diff {seventh} {eighth}")).contains("no event in common"));
    assert!(folder.refusal(&format!("replay {seventh} --reinfer")).contains("for whole runs"));
    let before =
        folder.answer("show P/segments/00000006")["events"].as_array().unwrap().last().unwrap().clone();
    let snapshot = folder.path(&format!("P/snapshots/{:020}.snapshot", before["seq"].as_u64().unwrap()));
    let aside = folder.path("aside");
    std::fs::rename(&snapshot, &aside).unwrap();
    let refused = folder.refusal(&format!("replay {seventh} --check"));
    assert!(refused.contains("is gone or cannot be used; put it back"), "{refused}");
    std::fs::rename(&aside, &snapshot).unwrap();
}

#[test]
#[ignore = "takes minutes"]
fn four_hundred_segments_are_taken_up_as_fast_as_twenty() {
    let (_, taken_up) = lives_in_segments(400, 20);
    let (first, last) = (taken_up[0], taken_up[taken_up.len() - 1]);
    assert!(last < Duration::from_secs(2) && last < first + Duration::from_millis(500), "{taken_up:?}");
}
