//! `state`: the folded state of a run at an event or moment.

use std::path::PathBuf;

use clap::Args;
use journal_store::segment::SegmentNote;
use replay_replayer::fold::Until;
use serde_json::json;

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;
use engine_application::moment::parse_moment;
use engine_application::wiring::recording::Recording;
use engine_application::wiring::state_at::state_at;

mod words;

pub(in crate::commands) use words::status_word;
use words::{state_document, state_text};

/// `engine state`.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// The run, or one segment of it that was put away, as in RUN/segments/00000003.
    pub run: PathBuf,
    /// Number of an event, or a moment as in 2024-01-31T12:00:00Z; the end of a segment when absent.
    #[arg(long, value_name = "SEQ|TIME")]
    pub at: Option<String>,
    /// Where its datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
}

/// Runs `engine state`.
///
/// # Errors
/// [`Failure`] when run or datasets cannot be read, or the moment cannot be understood.
pub fn state(terminal: Terminal, args: &StateArgs) -> Result<Verdict, Failure> {
    let (recording, segment) = Recording::open_part(&args.run)?;
    let until = match (&args.at, &segment) {
        (Some(at), _) => until(at)?,
        (None, Some(note)) => Until::Seq(note.ends.count),
        (None, None) => return Err(Failure::request("show the state: say where with --at".to_owned())),
    };
    require_within(args, &until, segment.as_ref())?;
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

/// Refuses an event that is not of the segment.
fn require_within(args: &StateArgs, until: &Until, segment: Option<&SegmentNote>) -> Result<(), Failure> {
    let Some(note) = segment else { return Ok(()) };
    let is_within = match *until {
        Until::Seq(seq) => (note.begins.count.saturating_add(1)..=note.ends.count).contains(&seq),
        Until::Time(moment) => (note.first_at..=note.last_at).contains(&moment.nanos()),
        Until::End => false,
    };
    if is_within {
        return Ok(());
    }
    let (first, last) = (note.begins.count.saturating_add(1), note.ends.count);
    Err(Failure::request(format!(
        "show the state of {}: it holds events {first} to {last}; name the run for others",
        args.run.display()
    )))
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
