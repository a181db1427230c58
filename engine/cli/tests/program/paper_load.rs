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
    let mut child = begun(&folder, 4_096);
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
    assert!(plain > 4 << 20, "what is full is put away under load");
    // Market records are compressed as they are written.
    assert!(packed <= plain + plain / 100, "packed it takes no more");
    println!("{} trades a second for {elapsed:?}, lost {losses} times, {peak} MiB", ticks / seconds);
    assert!(losses == 1 && peak < 256, "called lost at the start alone");
}

/// Three markets, each with its trades and its quotes.
const THREE: [&str; 3] = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

/// Bytes of all files under a folder.
fn bytes_under(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(
            |entry| {
                if entry.path().is_dir() {
                    bytes_under(&entry.path())
                } else {
                    entry.metadata().unwrap().len()
                }
            },
        )
        .sum()
}

#[test]
#[ignore = "takes minutes"]
fn a_day_of_three_markets_fits_on_its_disk() {
    let mut settings = Settings::new(Dialect::Binance, &THREE).unwrap();
    (settings.rate, settings.past_bars) = (333, 200);
    let exchange = FakeExchange::start(settings).unwrap();
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let text = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
    let one = "[[data]]\nvenue = \"binance\"\nsymbol = \"BTCUSDT\"\nkind = \"trades\"\n";
    let table = |symbol: &str, kind: &str| one.replace("BTCUSDT", symbol).replace("trades", kind);
    let all: String =
        THREE.iter().flat_map(|symbol| [table(symbol, "trades"), table(symbol, "quotes")]).collect();
    assert!(text.contains(one));
    folder.write("paper.toml", &text.replace(one, &all));
    let mut child = begun(&folder, 4_096);
    let before = until(&folder, |status| count(status, "ticks") > 0);
    let seconds = variable("PAPER_DISK_SECONDS", 300);
    std::thread::sleep(Duration::from_secs(seconds));
    let after = until(&folder, |_| true);
    child.kill().unwrap();
    child.wait().unwrap();
    exchange.stop().unwrap();
    let records = count(&after, "ticks");
    let bytes = bytes_under(&folder.path("P"));
    let packed = folder.answer("archive P");
    let archived = bytes_under(&folder.path("P"));
    assert_eq!(folder.answer("verify P")["sound"], true);
    let a_second = (records - count(&before, "ticks")) as f64 / seconds as f64;
    let gb_a_day = |bytes: u64| bytes as f64 / records as f64 * 2_000.0 * 86_400.0 / 1e9;
    println!(
        "{records} records, {a_second:.0} a second; {:.1} bytes each, {:.2} GB a day at 2 000 a second; with its segments \
         packed {:.1} and {:.2}; {packed}",
        bytes as f64 / records as f64,
        gb_a_day(bytes),
        archived as f64 / records as f64,
        gb_a_day(archived)
    );
    assert!(gb_a_day(bytes) <= 7.0, "{bytes} bytes of {records} records");
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
