//! `walk-forward`: settings chosen on the past and judged on what came after.

use std::path::PathBuf;

use clap::Args;
use engine_application::config::WalkForward;
use engine_application::wiring::error::ApplicationError;
use engine_research::walk_forward::{PreparedWalk, WalkResult, forget_finished_runs, pinned_walk};

use super::arguments::draws;
use super::interruption::ends_keeping;
use super::notes::note_datasets;
use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use crate::signals;

mod words;

/// `engine walk-forward`.
#[derive(Debug, Args)]
pub struct WalkForwardArgs {
    /// The configuration, with a table [walk_forward]; `engine help CONFIG` explains every key.
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// A dataset to read; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
    /// Directory for the trials and the stitched returns; made when there is none. A walk-forward that was stopped there is
    /// gone on with by the same command.
    #[arg(long, value_name = "DIR", default_value = "walk-forward-run")]
    pub out: PathBuf,
    /// Everything random in the judgement comes from here.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Resampled paths.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = draws)]
    pub draws: usize,
}

/// Everything there is to say.
#[derive(Debug)]
struct Answer<'a> {
    args: &'a WalkForwardArgs,
    result: WalkResult,
}

/// Runs `engine walk-forward CONFIG`.
///
/// # Errors
/// [`Failure`] when configuration or data cannot be used, or when the output directory holds trials of another search; what
/// was made before stays, and the same command goes on behind it.
pub fn walk_forward(terminal: Terminal, args: &WalkForwardArgs) -> Result<Verdict, Failure> {
    let walk = pinned_walk(WalkForward::read_file(&args.config)?)?;
    let in_file = |error: ApplicationError| Failure::from(error.in_config_file(&args.config));
    note_datasets(terminal, &walk.base, &args.dataset);
    let prepared = PreparedWalk::new(walk, &args.dataset, &args.out).map_err(in_file)?;
    for reason in prepared.left_out() {
        terminal.note(&format!("left out {reason}"));
    }
    let out = args.out.display().to_string();
    if let Some((finished, all)) = prepared.finished_before() {
        terminal.note(&format!("going on in {out}: {finished} of {all} runs had ended before"));
    }
    let line = Line::runs(terminal);
    ends_keeping(terminal, move || {
        format!("the runs that have ended are kept in {out}; the same command goes on behind them")
    })?;
    let played = prepared.play((args.draws, args.seed), |done, all| line.finished(done, all));
    let result = played.map_err(in_file)?;
    drop(line);
    signals::is_done();
    let answer = Answer { args, result };
    answer.write(&args.out)?;
    forget_finished_runs(&args.out)?;
    terminal.answer(&answer.document(), &answer.text())?;
    Ok(Verdict::Fine)
}
