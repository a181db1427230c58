//! `sweep`: a configuration run with every combination of given values.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Args, ValueEnum};
use engine_application::config::{Assignment, GridError, alternatives, combinations};
use engine_application::wiring::error::ApplicationError;
use engine_research::sweep::{SweepRequest, SweepResult, Swept, sweep as run_sweep};
use engine_research::trials::FILE;
use replay_statistics::RETURNS_MIN;
use replay_statistics::significance::assessment::Deflation;
use replay_statistics::significance::path::PathFigures;

use super::arguments::{ConfigOrExample, GivenSettings, draws};
use super::interruption::ends_keeping;
use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use crate::signals;

mod heat_map;
mod words;

/// `engine sweep`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("settings").required(true))]
pub struct SweepArgs {
    /// The configuration to vary.
    #[command(flatten)]
    pub chosen: ConfigOrExample,
    /// A key and its values, as in strategy.fast=10,20,50; every combination of all keys is a run.
    #[arg(long, value_name = "KEY=A,B,C", required = true, value_parser = values)]
    pub set: Vec<Values>,
    /// Read no record before this moment: run.from.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Read no record at or after this moment: run.to.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// A dataset to read; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
    /// Directory in which every run is recorded as a trial, after those that are there.
    #[arg(long, value_name = "DIR", default_value = "sweep-run")]
    pub out: PathBuf,
    /// The figure that orders the table and colours the map.
    #[arg(long, value_enum, default_value_t = Figure::Sharpe)]
    pub by: Figure,
    /// Everything random in the intervals comes from here.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Resampled paths for each interval.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = draws)]
    pub draws: usize,
}

/// The values of one key.
#[derive(Debug, Clone)]
pub struct Values(Vec<Assignment>);

fn values(text: &str) -> Result<Values, GridError> {
    alternatives(text).map(Values)
}

/// What runs are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    /// Sharpe ratio by the year.
    Sharpe,
    /// Yearly growth.
    Cagr,
    /// Deepest fall of daily closes, the smallest first.
    Drawdown,
    /// Yearly growth over the deepest fall.
    Calmar,
    /// Closed trades.
    Trades,
}

impl Figure {
    /// Its value for a run, greater is better; `None` where the run is too short for it.
    fn of(self, swept: &Swept) -> Option<f64> {
        let figures = judged(swept);
        match self {
            Self::Sharpe => figures.map(|figures| figures.sharpe),
            Self::Cagr => figures.map(|figures| figures.cagr * 100.0),
            Self::Drawdown => figures.map(|figures| figures.max_drawdown * 100.0),
            Self::Calmar => figures.and_then(|figures| figures.calmar()),
            Self::Trades => Some(swept.ran.trades as f64),
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Sharpe => "Sharpe",
            Self::Cagr => "CAGR %",
            Self::Drawdown => "daily drawdown %",
            Self::Calmar => "Calmar",
            Self::Trades => "trades",
        }
    }
}

/// The figures of a run that lasted long enough for any.
fn judged(swept: &Swept) -> Option<PathFigures> {
    swept.ran.figures.filter(|_| swept.ran.returns.len() >= RETURNS_MIN)
}

/// Everything there is to say.
#[derive(Debug)]
struct Answer<'a> {
    args: &'a SweepArgs,
    result: SweepResult,
    deflation: Option<Deflation>,
}

/// What an interrupted sweep leaves.
fn kept(runs: usize, out: &str) -> String {
    format!(
        "{runs} runs are recorded as trials in {out}/{FILE}; the same sweep, repeated, does not count them again"
    )
}

/// Runs `engine sweep`.
///
/// # Errors
/// [`Failure`] when configuration, values or data cannot be used.
pub fn sweep(terminal: Terminal, args: &SweepArgs) -> Result<Verdict, Failure> {
    // The command line does not let this happen.
    let none = || Failure::request("name a configuration or an --example".to_owned());
    let config = args.chosen.read()?.ok_or_else(none)?;
    let (name, text) = (&config.name, &config.text);
    let keys: Vec<Vec<Assignment>> = args.set.iter().map(|values| values.0.clone()).collect();
    let combinations =
        combinations(&keys).map_err(|error| Failure::request(format!("sweep {name}: {error}")))?;
    let given = |set| GivenSettings { from: args.from.clone(), to: args.to.clone(), set };
    // What clashes for one combination clashes for all.
    given(combinations.first().cloned().unwrap_or_default()).assignments()?;
    let span = given(Vec::new()).assignments()?;
    let line = Line::runs(terminal);
    let request = SweepRequest {
        name,
        text,
        fixed: &span,
        combinations: &combinations,
        datasets: &args.dataset,
        out: &args.out,
    };
    let in_file = |error: ApplicationError| config.blame(error.into(), &span);
    let made = Arc::new(AtomicUsize::new(0));
    let (counted, out) = (Arc::clone(&made), args.out.display().to_string());
    ends_keeping(terminal, move || kept(counted.load(Ordering::Relaxed), &out))?;
    let done = |done: usize, all: usize| {
        made.fetch_max(done, Ordering::Relaxed);
        line.finished(done, all);
    };
    let result = run_sweep(&request, done).map_err(in_file)?;
    drop(line);
    signals::is_done();
    for reason in &result.left_out {
        terminal.note(&format!("left out {reason}"));
    }
    let deflation = result.deflation(&args.out)?;
    let answer = Answer { args, result, deflation };
    terminal.answer(&answer.document(), &answer.text())?;
    Ok(Verdict::Fine)
}
