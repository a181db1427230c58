//! `paper`: a configuration traded on live prices with a simulated venue, until its operator ends it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use engine_application::amount::money;
use engine_application::config::RunSettings;
use engine_application::moment::moment_text;
use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::paper::{
    LiveStatus, PaperRequest, PaperResult, PreparedPaper, StatusSink, latency_document,
};
use engine_application::wiring::venue::venue_of;
use engine_core::time::{Span, Timestamp};
use journal_store::chain::hex;
use serde_json::{Value, json};

use super::arguments::{ConfigOrExample, GivenSettings};
use super::interruption::{ends_after, listen, span};
use super::notes::note_unsigned;
use crate::output::failure::{Failure, Verdict};
use crate::output::latency::latency_lines;
use crate::output::signature::{signing_document, signing_text};
use crate::output::terminal::Terminal;

/// `engine paper`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("settings").required(true))]
pub struct PaperArgs {
    /// The configuration to trade.
    #[command(flatten)]
    pub chosen: ConfigOrExample,
    /// Settings that take the place of the configuration's.
    #[command(flatten)]
    pub given: GivenSettings,
    /// Directory of the run. One that was killed is taken up where its record ends; one that does not exist is begun.
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// End the run after this time, as in 5m or 8h.
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    pub for_span: Option<Span>,
    /// Record every frame as it is read, with its moment, into this directory.
    #[arg(long, value_name = "DIR", conflicts_with = "playback")]
    pub frames: Option<PathBuf>,
    /// Play back such a directory, or one of `engine record`, instead of listening to the venue; as fast as it can be read.
    #[arg(long, value_name = "DIR")]
    pub playback: Option<PathBuf>,
    /// Play it back so many times as fast as it was recorded, 1 for its own time.
    #[arg(long, value_name = "N", requires = "playback", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub speed: Option<u32>,
    /// Sign the head with this key, made when there is none; the key of the user when absent.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Runs `engine paper`.
///
/// # Errors
/// [`Failure`] when settings, venue or journal cannot be used; what was recorded stays and can be taken up.
pub fn paper(terminal: Terminal, args: &PaperArgs) -> Result<Verdict, Failure> {
    let assignments = args.given.assignments()?;
    let Some(config) = args.chosen.read()? else {
        return Err(Failure::request("name a configuration or an --example".to_owned()));
    };
    let settings = RunSettings::read_toml_with(&config.name, &config.text, &assignments)?;
    let interruption = listen()?;
    let planned = args.for_span.map(|span| ends_after(span, &interruption)).transpose()?;
    let prepared = venue_of(&settings)
        .and_then(|venue| {
            PreparedPaper::new(&PaperRequest {
                settings: &settings,
                venue: venue.as_ref(),
                run: &args.run,
                key: args.key.as_deref(),
                interruption: &interruption,
                notices: Arc::new(move |notice: &str| terminal.note(notice)),
                frames: args.frames.as_deref(),
                playback: args.playback.as_deref(),
                speed: args.speed,
            })
        })
        .map_err(|error| config.blame(error.into(), &assignments))?;
    note_unsigned(terminal, prepared.signing());
    if prepared.goes_on() {
        terminal.note(&format!("{}: taken up where its record ends", args.run.display()));
    }
    let result = prepared.play(&mut StatusLine::new(terminal))?;
    // A recording ends by itself.
    let is_over = args.playback.is_some() && !interruption.is_asked_for();
    let is_planned = is_over || planned.is_some_and(|over| over.load(Ordering::Relaxed));
    answer(terminal, args, &result, is_planned)
}

fn answer(
    terminal: Terminal,
    args: &PaperArgs,
    result: &PaperResult,
    is_planned: bool,
) -> Result<Verdict, Failure> {
    let mut document = document_of(args, result);
    let verdict = if is_planned {
        Verdict::Fine
    } else {
        let kept = format!(
            "{} is closed and holds {} events; the same command goes on with it",
            args.run.display(),
            result.head.count
        );
        let failure = Failure::Application(ApplicationError::Interrupted { kept });
        terminal.note(&format!("engine: {}", failure.line()));
        document["error"] = failure.document()["error"].take();
        Verdict::Interrupted
    };
    terminal.answer(&document, &text_of(args, result))?;
    Ok(verdict)
}

fn document_of(args: &PaperArgs, result: &PaperResult) -> Value {
    let status = &result.status;
    json!({
        "run": args.run.display().to_string(),
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

fn text_of(args: &PaperArgs, result: &PaperResult) -> String {
    format!(
        "{}\n{}run {}: {} events, head {}\n{}\n",
        line_of(&result.status),
        latency_lines(&latency_document(&result.latencies)),
        args.run.display(),
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
struct StatusLine {
    terminal: Terminal,
    every: Duration,
    said: Option<Instant>,
}

impl StatusLine {
    fn new(terminal: Terminal) -> Self {
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
