//! `backtest`: settings and datasets in, a new run and its figures out.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_core::time::Timestamp;
use engine_runtime::ports::Head;
use serde_json::Value;

use super::arguments::{ConfigOrExample, GivenSettings, moment};
use super::interruption::listen;
use super::notes::{note_datasets, note_unsigned};
use crate::output::failure::{Failure, Verdict};
use crate::output::file::check_report;
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use engine_application::config::RunSettings;
use engine_application::wiring::backtest::{BacktestRequest, PreparedBacktest};

mod report;
mod seed_3d;
mod summary;

pub use seed_3d::Preset;

use summary::Summary;

/// `engine backtest`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("settings").required(true))]
pub struct BacktestArgs {
    /// The configuration to run.
    #[command(flatten)]
    pub chosen: ConfigOrExample,
    /// A published run with its audit instead.
    #[arg(long, group = "settings", conflicts_with_all = ["from", "to", "set"])]
    pub preset: Option<Preset>,
    /// Settings that take the place of the configuration's.
    #[command(flatten)]
    pub given: GivenSettings,
    /// Directory of the new run.
    #[arg(long, value_name = "DIR")]
    pub run: PathBuf,
    /// A dataset to read; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
    /// Write a self-contained HTML report.
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Sign the head with this key, made when there is none; the key of the user when absent.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Figures of everything from this day on too, with what was learned and held before it; may be given several times.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub since: Vec<Timestamp>,
}

/// What to run and where to put it.
#[derive(Debug)]
pub struct BacktestOrder<'a> {
    /// The settings.
    pub settings: &'a RunSettings,
    /// The datasets to read from.
    pub datasets: Vec<PathBuf>,
    /// The directory of the new run.
    pub run: &'a Path,
    /// Where the report goes, if anywhere.
    pub report: Option<&'a Path>,
    /// The key to sign with; the user's own when absent.
    pub key: Option<&'a Path>,
    /// The line that repeats this run, for the report.
    pub command: String,
    /// What a reader must know about the settings themselves, beside what they assume.
    pub caution: Option<&'static str>,
    /// Days from which on the figures are wanted too.
    pub since: &'a [Timestamp],
}

/// A finished run, as JSON and as text.
#[derive(Debug)]
pub struct BacktestAnswer {
    /// Everything about it, as JSON.
    pub document: Value,
    /// The same for people.
    pub text: String,
    /// Its fingerprint.
    pub head: Head,
    /// How the command ends: fine, or interrupted.
    pub verdict: Verdict,
}

/// Runs `engine backtest`.
///
/// # Errors
/// [`Failure`] when settings, data or journal cannot be used; what was recorded stays and says it is incomplete.
pub fn backtest(terminal: Terminal, args: &BacktestArgs) -> Result<Verdict, Failure> {
    let assignments = args.given.assignments()?;
    let config = args.chosen.read()?;
    let (settings, named) = match (&config, args.preset) {
        (Some(config), _) => {
            let settings = RunSettings::read_toml_with(&config.name, &config.text, &assignments)?;
            (settings, config.words.clone())
        }
        (None, Some(preset)) => (preset.settings()?, format!("--preset {}", preset.name())),
        // The command line does not let this happen.
        (None, None) => {
            return Err(Failure::request("name a configuration, an --example or a --preset".to_owned()));
        }
    };
    let mut command = format!("engine backtest {named} --run {}{}", args.run.display(), args.given.words());
    for dataset in &args.dataset {
        command.push_str(&format!(" --dataset {}", dataset.display()));
    }
    note_datasets(terminal, &settings, &args.dataset);
    let order = BacktestOrder {
        settings: &settings,
        datasets: args.dataset.clone(),
        run: &args.run,
        report: args.report.as_deref(),
        key: args.key.as_deref(),
        command,
        caution: args.preset.map(Preset::caution),
        since: &args.since,
    };
    let done = match args.preset {
        Some(Preset::Seed3d) => seed_3d::run_audited(terminal, &order)?,
        None => run_backtest(terminal, &order).map_err(|failure| match &config {
            Some(config) => config.blame(failure, &assignments),
            None => failure,
        })?,
    };
    terminal.answer(&done.document, &done.text)?;
    Ok(done.verdict)
}

/// Runs a backtest and leaves its run, and report, on disk.
///
/// # Errors
/// As [`backtest`].
pub fn run_backtest(terminal: Terminal, order: &BacktestOrder<'_>) -> Result<BacktestAnswer, Failure> {
    order.report.map_or(Ok(()), check_report)?;
    let BacktestOrder { settings, datasets, run, key, .. } = order;
    let interruption = listen()?;
    let request = BacktestRequest { settings, datasets, run, key: *key, interruption: &interruption };
    let prepared = PreparedBacktest::new(&request)?;
    note_unsigned(terminal, prepared.signing());
    let mut result = prepared.play(&mut Line::records(terminal))?;
    let candles = if order.report.is_some() { result.candles()? } else { Vec::new() };
    let summary = Summary { order, result: &result };
    if let Some(line) = summary.halted() {
        terminal.note(&format!("warning: {line}"));
    }
    if let Some(path) = order.report {
        report::write(path, &summary, &candles)?;
    }
    let (mut document, head) = (summary.document(), result.head);
    let verdict = match summary.interrupted() {
        None => Verdict::Fine,
        Some(line) => {
            let failure = Failure::interrupted(line);
            terminal.note(&format!("engine: {}", failure.line()));
            document["error"] = failure.document()["error"].take();
            Verdict::Interrupted
        }
    };
    Ok(BacktestAnswer { document, text: summary.text(), head, verdict })
}
