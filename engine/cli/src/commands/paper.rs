//! `paper`: a configuration traded on live prices with a simulated venue, until its operator ends it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use engine_application::config::RunSettings;
use engine_application::wiring::paper::{PaperRequest, PreparedPaper};
use engine_application::wiring::venue::venue_of;
use engine_core::time::Span;

use super::arguments::{ConfigOrExample, GivenSettings};
use super::interruption::{ends_after, listen, span};
use super::notes::note_unsigned;
use super::real_time::{StatusLine, answer_ended};
use crate::output::failure::{Failure, Verdict};
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
    answer_ended(terminal, &args.run, &result, is_planned)
}
