//! What is said of a run on real time while it goes on, and once it has ended.

use std::path::Path;
use std::time::{Duration, Instant};

use engine_application::amount::money;
use engine_application::moment::moment_text;
use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::paper::{LiveStatus, PaperResult, StatusSink, latency_document};
use engine_core::time::Timestamp;
use journal_store::chain::hex;
use serde_json::{Value, json};

use crate::output::failure::{Failure, Verdict};
use crate::output::latency::latency_lines;
use crate::output::signature::{signing_document, signing_text};
use crate::output::terminal::Terminal;

/// Answers how the run in `run` ended: as was planned, or because its operator wished so.
///
/// # Errors
/// [`Failure`] when the answer cannot be written.
pub(super) fn answer_ended(
    terminal: Terminal,
    run: &Path,
    result: &PaperResult,
    is_planned: bool,
) -> Result<Verdict, Failure> {
    let mut document = document_of(run, result);
    let verdict = if is_planned {
        Verdict::Fine
    } else {
        let kept = format!(
            "{} is closed and holds {} events; the same command goes on with it",
            run.display(),
            result.head.count
        );
        let failure = Failure::Application(ApplicationError::Interrupted { kept });
        terminal.note(&format!("engine: {}", failure.line()));
        document["error"] = failure.document()["error"].take();
        Verdict::Interrupted
    };
    terminal.answer(&document, &text_of(run, result))?;
    Ok(verdict)
}

fn document_of(run: &Path, result: &PaperResult) -> Value {
    let status = &result.status;
    json!({
        "run": run.display().to_string(),
        "strategy": result.manifest.strategy,
        "at": moment_text(Timestamp::from_nanos(status.at_ns)),
        "events": result.head.count,
        "taken_up_behind": result.taken_up,
        "played_again": result.played_again,
        "ticks": status.records,
        "orders": status.counts.orders,
        "fills": status.counts.fills,
        "refusals": status.counts.refusals,
        "feed_losses": status.counts.feed_losses,
        "clock_steps": status.counts.clock_steps,
        "data_faults": status.counts.data_faults,
        "trades_discarded": status.counts.trades_discarded,
        "listing_changes": status.counts.listing_changes,
        "latency": latency_document(&result.latencies),
        "equity": money(status.equity),
        "halted": status.halted,
        "working_orders": status.working,
        "elapsed_s": result.elapsed.as_secs_f64(),
        "head": hex(&result.head.digest),
        "signature": signing_document(&result.signing),
    })
}

fn text_of(run: &Path, result: &PaperResult) -> String {
    format!(
        "{}\n{}run {}: {} events, head {}\n{}\n",
        line_of(&result.status),
        latency_lines(&latency_document(&result.latencies)),
        run.display(),
        result.head.count,
        hex(&result.head.digest),
        signing_text(&result.signing)
    )
}

fn line_of(status: &LiveStatus) -> String {
    let halted = if status.halted { ", HALTED" } else { "" };
    format!(
        "{}  {} records, {} orders ({} working), {} fills, {} refused, feeds lost {}×, equity {}{halted}",
        moment_text(Timestamp::from_nanos(status.at_ns)),
        status.records,
        status.counts.orders,
        status.working,
        status.counts.fills,
        status.counts.refusals,
        status.counts.feed_losses,
        money(status.equity),
    )
}

/// Says on standard error where the run stands: every second where a person watches, else every minute.
pub(super) struct StatusLine {
    terminal: Terminal,
    every: Duration,
    said: Option<Instant>,
}

impl StatusLine {
    pub(super) fn new(terminal: Terminal) -> Self {
        let every = if terminal.is_watched() { Duration::from_secs(1) } else { Duration::from_secs(60) };
        Self { terminal, every, said: None }
    }
}

impl StatusSink for StatusLine {
    fn told(&mut self, status: &LiveStatus) {
        if self.said.is_none_or(|said| said.elapsed() >= self.every) {
            self.said = Some(Instant::now());
            self.terminal.note(&line_of(status));
        }
    }
}
