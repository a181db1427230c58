//! `state`: the folded state of a run at an event or moment.

use std::path::PathBuf;

use clap::Args;
use replay_replayer::fold::Until;
use serde_json::json;

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;
use engine_application::moment::parse_moment;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::state_at::state_at;

mod words;

use words::{state_document, state_text};

/// `engine state`.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// The run.
    pub run: PathBuf,
    /// Number of an event, or a moment as in 2024-01-31T12:00:00Z.
    #[arg(long, value_name = "SEQ|TIME")]
    pub at: String,
    /// Where its datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
}

/// Runs `engine state`.
///
/// # Errors
/// [`Failure`] when run or datasets cannot be read, or the moment cannot be understood.
pub fn state(terminal: Terminal, args: &StateArgs) -> Result<Verdict, Failure> {
    let until = until(&args.at)?;
    let recording = Recording::open(&args.run)?;
    let folded = state_at(&recording, until, &args.dataset)?;
    note_run_state(terminal, &recording.reader);
    let complete = recording.reader.is_complete();
    let mut document = state_document(&args.run, &folded, &recording.manifest);
    if let Some(table) = document.as_object_mut() {
        table.insert("complete".to_owned(), json!(complete));
    }
    terminal.answer(&document, &state_text(&folded, &recording.manifest))?;
    Ok(Verdict::Fine)
}

fn until(at: &str) -> Result<Until, Failure> {
    if let Ok(seq) = at.parse::<u64>() {
        return Ok(Until::Seq(seq));
    }
    parse_moment(at).map(Until::Time).ok_or_else(|| {
        let forms = "an event number or a moment such as 2024-01-31T12:00:00Z";
        Failure::request(format!("show the state at {at:?}: write {forms}"))
    })
}
