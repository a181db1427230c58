//! `live`: a configuration traded on live prices with real orders, until its operator ends it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::Args;
use engine_application::config::RunSettings;
use engine_application::wiring::live::Sending;
use engine_application::wiring::paper::{PaperRequest, PreparedPaper};
use engine_application::wiring::venue::venue_of;
use engine_core::time::Span;

use super::arguments::{ConfigOrExample, GivenSettings};
use super::interruption::{ends_after, listen, span};
use super::notes::note_unsigned;
use super::real_time::{StatusLine, answer_ended};
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine live`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("settings").required(true))]
pub struct LiveArgs {
    /// The configuration to trade.
    #[command(flatten)]
    pub chosen: ConfigOrExample,
    /// Settings that take the place of the configuration's.
    #[command(flatten)]
    pub given: GivenSettings,
    /// Directory of the run. One that was killed is taken up where its record ends; one that does not exist is begun.
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// Do everything but the sending, and say what would have been sent.
    #[arg(long)]
    pub dry_run: bool,
    /// Accept that orders go to another machine though nothing outside of the engine can end them yet; kept with the run.
    #[arg(long)]
    pub i_accept_no_kill_switch: bool,
    /// End the run after this time, as in 5m or 8h.
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    pub for_span: Option<Span>,
    /// Record every frame of the market as it is read, with its moment, into this directory.
    #[arg(long, value_name = "DIR")]
    pub frames: Option<PathBuf>,
    /// Sign the head with this key, made when there is none; the key of the user when absent.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Runs `engine live`.
///
/// # Errors
/// [`Failure`] when settings, venue, account or journal cannot be used; what was recorded stays and can be taken up.
pub fn live(terminal: Terminal, args: &LiveArgs) -> Result<Verdict, Failure> {
    let assignments = args.given.assignments()?;
    let Some(config) = args.chosen.read()? else {
        return Err(Failure::request("name a configuration or an --example".to_owned()));
    };
    let mut settings = RunSettings::read_toml_with(&config.name, &config.text, &assignments)?;
    settings.live.accepts_no_kill_switch |= args.i_accept_no_kill_switch;
    let sending = if args.dry_run { Sending::Dry } else { Sending::Real };
    let interruption = listen()?;
    let planned = args.for_span.map(|span| ends_after(span, &interruption)).transpose()?;
    let prepared = venue_of(&settings)
        .and_then(|venue| {
            let request = PaperRequest {
                settings: &settings,
                venue: venue.as_ref(),
                run: &args.run,
                key: args.key.as_deref(),
                interruption: &interruption,
                notices: Arc::new(move |notice: &str| terminal.note(notice)),
                frames: args.frames.as_deref(),
                playback: None,
                speed: None,
            };
            PreparedPaper::with_real_orders(&request, sending)
        })
        .map_err(|error| config.blame(error.into(), &assignments))?;
    note_unsigned(terminal, prepared.signing());
    if prepared.goes_on() {
        terminal.note(&format!("{}: taken up where its record ends", args.run.display()));
    }
    let result = prepared.play(&mut StatusLine::new(terminal))?;
    let is_planned = planned.is_some_and(|over| over.load(Ordering::Relaxed));
    answer_ended(terminal, &args.run, &result, is_planned)
}
