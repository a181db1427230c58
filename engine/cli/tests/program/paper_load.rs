//! A run on paper under load: a burst, and a record of millions of events. Both take minutes and two cores for themselves:
//!
//! ```text
//! cargo test -p engine-cli --test program -- --ignored --nocapture --test-threads 1 paper_load
//! ```

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fake_exchange::{Dialect, FakeExchange, Running, Settings, Time};

use crate::folder::Folder;
use crate::paper::{compare, count, ground, until, variable};

fn exchange(rate: u32) -> Running {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    (settings.time, settings.rate, settings.past_bars) = (Time::Speed(20), rate, 200);
    FakeExchange::start(settings).unwrap()
}

fn begun(folder: &Folder, segment_kib: u64) -> Child {
    let line = format!(
        "paper paper.toml --run P --json --set journal.snapshot_every=50000 --set live.segment_kib={segment_kib}"
    );
    let mut command = folder.command(&line);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The most memory that a process has had, in MiB.
fn peak_mib(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default().trim();
    line.split(' ').next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1_024
}

#[test]
#[ignore = "takes two cores for itself"]
fn a_burst_loses_no_trade_and_stays_small() {
    let exchange = exchange(5_000);
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let mut child = begun(&folder, 16_384);
    until(&folder, |status| count(status, "ticks") > 0);
    let (started, seconds) = (Instant::now(), variable("PAPER_BURST_SECONDS", 10));
    std::thread::sleep(Duration::from_secs(seconds));
    let status = until(&folder, |_| true);
    let (elapsed, peak) = (started.elapsed(), peak_mib(&child));
    child.kill().unwrap();
    child.wait().unwrap();
    let (ticks, losses) = (count(&status, "ticks"), compare(&exchange, "BTCUSDT", &folder));
    exchange.stop().unwrap();
    let packed = folder.answer("archive P");
    let (plain, packed) = (count(&packed, "bytes_before"), count(&packed, "bytes"));
    println!("{packed} bytes packed of {plain} that were put away");
    assert!(plain > 16 << 20 && packed < plain, "what is full is put away under load");
    println!("{} trades a second for {elapsed:?}, lost {losses} times, {peak} MiB", ticks / seconds);
    assert!(losses == 1 && peak < 256, "called lost at the start alone");
}

#[test]
#[ignore = "takes minutes"]
fn millions_of_events_in_one_segment_are_taken_up_within_seconds() {
    let exchange = exchange(2_000);
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let wanted = variable("PAPER_EVENTS", 5_000_000);
    let mut child = begun(&folder, 4_194_304);
    while count(&until(&folder, |_| true), "ticks") < wanted {
        assert_eq!(child.try_wait().unwrap(), None, "nothing ends it");
        std::thread::sleep(Duration::from_millis(200));
    }
    let peak = peak_mib(&child);
    child.kill().unwrap();
    child.wait().unwrap();
    let started = Instant::now();
    let mut child = begun(&folder, 4_194_304);
    until(&folder, |status| status["pid"] == child.id());
    let elapsed = started.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    exchange.stop().unwrap();
    let verified = folder.answer("verify P");
    let (events, bytes) = (count(&verified, "events"), count(&verified, "bytes"));
    println!("{events} events, {} bytes each, {peak} MiB; taken up in {elapsed:?}", bytes / events.max(1));
    assert!(elapsed < Duration::from_secs(10) && verified["sound"] == true, "{verified}");
}
