//! A run on paper for hours: its memory does not grow, its open files stay as many, and nothing is missing at the end.
//!
//! ```text
//! PAPER_SOAK_MINUTES=10 cargo test -p engine-cli --test program -- --ignored --nocapture paper_soak
//! ```

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fake_exchange::{Dialect, Fault};

use crate::paper::{compare, count, exchange, ground, plays_again, segments, until, variable};

/// One of these each minute.
const FAULTS: [&str; 6] = [
    r#"{"verb":"drop_conn","how":"reset"}"#,
    r#"{"verb":"drop_conn","how":"no_close"}"#,
    r#"{"verb":"server_shutdown","ms":500}"#,
    r#"{"verb":"gap","stream":"btcusdt@trade","k":7}"#,
    r#"{"verb":"bad_utf8"}"#,
    r#"{"verb":"drop_conn","how":"fin"}"#,
];

/// What a process has at one moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    minutes: f64,
    resident_kib: u64,
    files: usize,
}

fn held(child: &Child, since: Instant) -> Held {
    let place = format!("/proc/{}", child.id());
    let status = std::fs::read_to_string(format!("{place}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().trim();
    let resident_kib = line.split(' ').next().unwrap().parse().unwrap();
    let files = std::fs::read_dir(format!("{place}/fd")).unwrap().count();
    Held { minutes: since.elapsed().as_secs_f64() / 60.0, resident_kib, files }
}

/// KiB a minute by which memory grows: the slope of the straight line nearest to all of them.
fn slope(held: &[Held]) -> f64 {
    let mean = |of: fn(&Held) -> f64| held.iter().map(of).sum::<f64>() / held.len() as f64;
    let (minutes, kib) = (mean(|held| held.minutes), mean(|held| held.resident_kib as f64));
    let (mut together, mut alone) = (0.0, 0.0);
    for at in held {
        together += (at.minutes - minutes) * (at.resident_kib as f64 - kib);
        alone += (at.minutes - minutes) * (at.minutes - minutes);
    }
    together / alone
}

#[test]
#[ignore = "takes as many minutes as PAPER_SOAK_MINUTES says"]
fn a_run_of_many_minutes_keeps_its_memory_and_its_files() {
    let minutes = variable("PAPER_SOAK_MINUTES", 10).max(4);
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let line = "paper paper.toml --run P --json --set journal.snapshot_every=2000 --set live.segment_kib=512";
    let mut command = folder.command(line);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    until(&folder, |status| count(status, "ticks") > 0);
    let (started, mut seen) = (Instant::now(), Vec::new());
    for number in 0..minutes * 6 {
        if number % 6 == 3 {
            let fault = FAULTS[usize::try_from(number / 6).unwrap() % FAULTS.len()];
            exchange.fault(Fault::from_json(fault).unwrap()).unwrap();
        }
        std::thread::sleep(Duration::from_secs(10));
        assert_eq!(child.try_wait().unwrap(), None, "nothing ends it");
        seen.push(held(&child, started));
    }
    let status = until(&folder, |_| true);
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap();
    // A third of the run to grow into what it needs.
    let warm = &seen[seen.len() / 3..];
    let (first, last) = (warm[0], warm[warm.len() - 1]);
    let files = |of: fn(std::vec::IntoIter<usize>) -> Option<usize>| {
        of(warm.iter().map(|held| held.files).collect::<Vec<_>>().into_iter()).unwrap()
    };
    let (fewest, most) = (files(|files| files.min()), files(|files| files.max()));
    println!(
        "{minutes} minutes, {} records, {} orders, feeds lost {} times, {} segments",
        status["ticks"],
        status["orders"],
        status["feed_losses"],
        segments(&folder)
    );
    println!(
        "{} KiB after {:.1} minutes, {} KiB after {:.1}: {:+.1} KiB a minute; {fewest} to {most} open files",
        first.resident_kib,
        first.minutes,
        last.resident_kib,
        last.minutes,
        slope(warm)
    );
    println!("latency {}", status["latency"]);
    plays_again(&folder);
    let losses = compare(&exchange, "BTCUSDT", &folder);
    exchange.stop().unwrap();
    assert!(losses as u64 > minutes / 2, "{losses} losses");
    // An hour is allowed a MiB; of minutes nothing can be told so finely.
    let allowed = if minutes >= 60 { 1_024.0 / 60.0 } else { 256.0 };
    assert!(slope(warm) < allowed, "memory grows: {warm:?}");
    assert!(most - fewest <= 4, "open files: {warm:?}");
}
