//! `status`: where a run on real time stands, read beside it without touching it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engine_application::wiring::paper::{read_status, status_age};
use journal_store::dropped::dropped_of;
use serde_json::{Value, json};

use crate::output::failure::{Failure, Verdict};
use crate::output::latency::latency_lines;
use crate::output::terminal::Terminal;

/// A status older than this is that of a run that has ended, or hangs.
const FRESH: Duration = Duration::from_secs(15);

/// `engine status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The run.
    pub run: PathBuf,
}

/// Runs `engine status`.
///
/// # Errors
/// [`Failure`] when no status lies beside the run.
pub fn status(terminal: Terminal, args: &StatusArgs) -> Result<Verdict, Failure> {
    let mut status = read_status(&args.run)?;
    let age = status_age(&status);
    let running = age.is_some_and(|age| age <= FRESH) && is_alive(&status);
    status["age_s"] = json!(age.map(|age| age.as_secs_f64()));
    status["running"] = json!(running);
    let mut text = text_of(&status, running, age);
    if let Some(dropped) = dropped_of(&args.run)? {
        status["segments_dropped"] = json!(dropped.last);
        text.push_str(&format!("{dropped}\n"));
    }
    terminal.answer(&status, &text)?;
    Ok(Verdict::Fine)
}

/// Whether the process that wrote the status is there, where the system says so.
fn is_alive(status: &Value) -> bool {
    let proc = std::path::Path::new("/proc");
    status["pid"].as_u64().is_none_or(|pid| !proc.is_dir() || proc.join(pid.to_string()).is_dir())
}

fn text_of(status: &Value, running: bool, age: Option<Duration>) -> String {
    let age = age.map_or_else(|| "?".to_owned(), |age| format!("{:.0} s", age.as_secs_f64()));
    let word = if running { "running" } else { "not running" };
    let mut text = format!("{word}, told {age} ago\n");
    let names = [
        ("at", "last input"),
        ("ticks", "market records"),
        ("orders", "orders"),
        ("working_orders", "working"),
        ("fills", "fills"),
        ("refusals", "refused"),
        ("feed_losses", "feed losses"),
        ("clock_steps", "clock steps"),
        ("data_faults", "data faults"),
        ("trades_discarded", "trades left out"),
        ("listing_changes", "listing changes"),
        ("feeds_lost_now", "feeds lost now"),
        ("equity", "equity"),
        ("halted", "halted"),
    ];
    for (key, name) in names {
        text.push_str(&format!("  {name:<15} {}\n", plain(&status[key])));
    }
    for position in status["positions"].as_array().into_iter().flatten() {
        text.push_str(&format!("  {:<15} {}\n", plain(&position["instrument"]), plain(&position["qty"])));
    }
    text.push_str(&latency_lines(&status["latency"]));
    text
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
