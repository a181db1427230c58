//! How long a run on paper takes from the socket to an order on disk, at 2 000 trades a second.
//!
//! The short run is part of every test run and asks no more than that the figures are there: the machine is not its own. The
//! long one holds them to their bounds; it wants a build with optimisation and two cores:
//!
//! ```text
//! PAPER_LATENCY_SECONDS=60 cargo test --release -p engine-cli --test program -- --ignored --nocapture paper_latency
//! ```

use std::time::{Duration, Instant};

use fake_exchange::{Dialect, FakeExchange, Running, Settings, Time};
use serde_json::Value;

use crate::folder::Folder;
use crate::paper::{count, ground, variable};

/// A market of 100 trades a second, twenty times as fast as the clock on the wall.
fn exchange() -> Running {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    (settings.time, settings.rate, settings.past_bars) = (Time::Speed(20), 100, 200);
    FakeExchange::start(settings).unwrap()
}

/// Trades for so many seconds on bars of 20 trades; answers the end of the run.
fn trades_for(seconds: u64) -> (Folder, Value) {
    let exchange = exchange();
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let config = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
    let config = config.replace("\"time\"\ninterval = \"1m\"", "\"ticks\"\ncount = 20");
    folder.write("paper.toml", &config.replace("segment_kib = 16", "segment_kib = 16384"));
    let started = Instant::now();
    // A span of the run's own end, by the clock on the wall.
    let line = format!("paper paper.toml --run P --for {seconds}s --set journal.snapshot_every=0");
    let ended = folder.answer(&line);
    let elapsed = started.elapsed();
    exchange.stop().unwrap();
    println!("{} trades in {elapsed:?}, {} orders", ended["ticks"], ended["orders"]);
    for leg in ["socket_to_loop", "loop_to_order", "tick_to_durable", "journal_sync"] {
        let figure = &ended["latency"][leg];
        let micros = |key: &str| count(figure, key) as f64 / 1e3;
        println!(
            "{leg}: p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs, of {}",
            micros("p50_ns"),
            micros("p99_ns"),
            micros("max_ns"),
            figure["count"]
        );
    }
    (folder, ended)
}

#[test]
fn a_run_says_how_long_things_take_from_the_socket_to_the_disk() {
    let (folder, ended) = trades_for(4);
    let status = folder.answer("status P");
    for leg in ["socket_to_loop", "loop_to_order", "tick_to_durable", "journal_sync"] {
        for figure in [&ended["latency"][leg], &status["latency"][leg]] {
            let (p50, p99, max) = (count(figure, "p50_ns"), count(figure, "p99_ns"), count(figure, "max_ns"));
            assert!(count(figure, "count") > 0 && p50 > 0, "{leg}: {ended} {status}");
            assert!(p50 <= p99 && p99 <= max && max < 60_000_000_000, "{leg}: {ended} {status}");
        }
    }
    let latency = &ended["latency"];
    assert!(count(&latency["socket_to_loop"], "count") >= count(&ended, "ticks"), "{ended}");
    assert!(count(&latency["loop_to_order"], "count") <= count(&ended, "orders"), "{ended}");
    // An order is on disk no earlier than a sync takes.
    assert!(
        count(&latency["tick_to_durable"], "p50_ns") > count(&latency["loop_to_order"], "p50_ns"),
        "{ended}"
    );
    let text = folder.text("status P");
    assert!(text.contains("socket to loop") && text.contains("journal fdatasync"), "{text}");
}

#[test]
#[ignore = "takes a minute and two cores for itself"]
fn two_thousand_trades_a_second_are_decided_within_their_bounds() {
    let seconds = variable("PAPER_LATENCY_SECONDS", 60);
    let (_folder, ended) = trades_for(seconds);
    assert!(count(&ended, "ticks") > seconds * 1_500 && count(&ended, "orders") > seconds, "{ended}");
    let p99 = |leg: &str| Duration::from_nanos(count(&ended["latency"][leg], "p99_ns"));
    assert!(p99("loop_to_order") < Duration::from_millis(1), "{ended}");
    assert!(p99("socket_to_loop") < Duration::from_millis(5), "{ended}");
    assert!(p99("tick_to_durable") <= 3 * p99("journal_sync"), "{ended}");
}
