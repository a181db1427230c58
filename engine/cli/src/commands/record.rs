//! `record`: what a venue says about the markets of a configuration, as it says it, into files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use engine_application::config::RunSettings;
use engine_application::moment::moment_text;
use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::frame_recording::{RecordingCounts, finish, record as begin};
use engine_application::wiring::venue::venue_of;
use engine_core::time::Span;
use serde_json::{Value, json};

use super::arguments::{ConfigOrExample, GivenSettings};
use super::interruption::{ends_after, listen, span};
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine record`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("settings").required(true))]
pub struct RecordArgs {
    /// The configuration; its tables `data` say what is recorded.
    #[command(flatten)]
    pub chosen: ConfigOrExample,
    /// Settings that take the place of the configuration's.
    #[command(flatten)]
    pub given: GivenSettings,
    /// Directory of the recording; another recording of the same venue is gone on with.
    #[arg(long, value_name = "DIR", default_value = "frames")]
    pub out: PathBuf,
    /// End the recording after this time, as in 5m or 8h.
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    pub for_span: Option<Span>,
}

/// How often the recording is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs `engine record`.
///
/// # Errors
/// [`Failure`] when the configuration, the venue or the disk cannot be used; what was recorded stays whole.
pub fn record(terminal: Terminal, args: &RecordArgs) -> Result<Verdict, Failure> {
    let assignments = args.given.assignments()?;
    let Some(config) = args.chosen.read()? else {
        return Err(Failure::request("name a configuration or an --example".to_owned()));
    };
    let settings = RunSettings::read_toml_with(&config.name, &config.text, &assignments)?;
    let interruption = listen()?;
    let planned = args.for_span.map(|span| ends_after(span, &interruption)).transpose()?;
    let begun = Instant::now();
    let recorder = venue_of(&settings)
        .and_then(|venue| {
            let notices = Arc::new(move |notice: &str| terminal.note(notice));
            begin(&settings, venue.as_ref(), &args.out, notices)
        })
        .map_err(|error| config.blame(error.into(), &assignments))?;
    let every = if terminal.is_watched() { Duration::from_secs(1) } else { Duration::from_secs(60) };
    let mut said = Instant::now();
    while !interruption.is_asked_for() && !recorder.has_failed() {
        if said.elapsed() >= every {
            said = Instant::now();
            terminal.note(&line_of(&recorder.counts(), begun.elapsed()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let counts = finish(recorder)?;
    let is_planned = planned.is_some_and(|over| over.load(Ordering::Relaxed));
    answer(terminal, &args.out, (&counts, begun.elapsed()), is_planned)
}

fn answer(
    terminal: Terminal,
    out: &Path,
    (counts, elapsed): (&RecordingCounts, Duration),
    is_planned: bool,
) -> Result<Verdict, Failure> {
    let mut document = document_of(out, counts, elapsed);
    let verdict = if is_planned {
        Verdict::Fine
    } else {
        let kept = format!("{} holds what was recorded; the same command adds to it", out.display());
        let failure = Failure::Application(ApplicationError::Interrupted { kept });
        terminal.note(&format!("engine: {}", failure.line()));
        document["error"] = failure.document()["error"].take();
        Verdict::Interrupted
    };
    let text = format!("{}\nrecording {}\n", line_of(counts, elapsed), out.display());
    terminal.answer(&document, &text)?;
    Ok(verdict)
}

/// So many a day, at the rate of `count` within `elapsed`.
fn a_day(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(0.001) * 86_400.0
}

fn document_of(out: &Path, counts: &RecordingCounts, elapsed: Duration) -> Value {
    json!({
        "recording": out.display().to_string(),
        "frames": counts.frames,
        "text_bytes": counts.text_bytes,
        "file_bytes": counts.file_bytes,
        "files": counts.files,
        "connections": counts.connections,
        "connections_lost": counts.losses,
        "connections_refused": counts.refusals,
        "frames_unread": counts.unread,
        "last_at": counts.last_at.map(moment_text),
        "elapsed_s": elapsed.as_secs_f64(),
        "frames_per_s": a_day(counts.frames, elapsed) / 86_400.0,
        "file_bytes_per_day": a_day(counts.file_bytes, elapsed),
    })
}

fn line_of(counts: &RecordingCounts, elapsed: Duration) -> String {
    let unread = match counts.unread {
        0 => String::new(),
        unread => format!(", {unread} frames that the adapter cannot read"),
    };
    format!(
        "{}  {} frames ({:.0}/s), {} of text, {} in {} files ({} a day), {} connections, lost {}×, refused {}×{unread}",
        counts.last_at.map_or_else(|| "nothing yet".to_owned(), moment_text),
        counts.frames,
        a_day(counts.frames, elapsed) / 86_400.0,
        bytes(counts.text_bytes as f64),
        bytes(counts.file_bytes as f64),
        counts.files,
        bytes(a_day(counts.file_bytes, elapsed)),
        counts.connections,
        counts.losses,
        counts.refusals,
    )
}

/// A size for the eye.
fn bytes(count: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = count;
    let mut name = "B";
    for unit in units {
        name = unit;
        if size < 1_024.0 {
            break;
        }
        if unit != "TiB" {
            size /= 1_024.0;
        }
    }
    format!("{size:.1} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_the_eye_and_rates_are_of_a_day() {
        assert_eq!(bytes(512.0), "512.0 B");
        assert_eq!(bytes(1_536.0), "1.5 KiB");
        assert_eq!(bytes(3.0 * (1_u64 << 40) as f64), "3.0 TiB");
        assert_eq!(bytes(5_000.0 * (1_u64 << 40) as f64), "5000.0 TiB");
        assert!((a_day(10, Duration::from_secs(86_400)) - 10.0).abs() < 1e-9);
    }
}
