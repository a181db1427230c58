//! The command line: every command and every flag.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use engine_core::time::Span;

use crate::importing::{ImportArgs, Kind};
use crate::legacy::Preset;
use crate::models::ModelsCommand;
use crate::regimes::RegimesCommand;
use crate::significance::SignificanceArgs;
use crate::study::StudyCommand;
use crate::walk_forward::WalkForwardArgs;

const EXIT_CODES: &str = "\
Exit codes: 0 fine; 1 a finding (a difference, damage, a violation); 2 the command could not run.
With --json one JSON document goes to standard output, also for errors; everything else goes to standard error.
`engine help CONFIG` explains every key of a configuration.";

/// An event-sourced engine for trading research: import history, backtest on it, replay it bit for bit.
#[derive(Debug, Parser)]
#[command(name = "engine", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub struct Cli {
    /// One JSON document on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import files of history, or a folder of Binance's public data, into a dataset. The same file imported twice
    /// changes nothing.
    Import(ImportArgs),
    /// Look after datasets.
    #[command(subcommand)]
    Data(DataCommand),
    /// Make a seeded synthetic market, labelled as such in everything made from it.
    Synth(SynthArgs),
    /// Run a strategy over history and record everything in a new run.
    Backtest(BacktestArgs),
    /// Decide a recorded run again and compare it, event by event.
    Replay(ReplayArgs),
    /// Show the folded state of a run at an event or moment.
    State(StateArgs),
    /// Find the first event at which two runs differ, with what led to it.
    Diff(DiffArgs),
    /// List the events of a run.
    Show(ShowArgs),
    /// List the closed trades of a run.
    Trades(TradesArgs),
    /// Say how much of a run is luck: intervals, deflated Sharpe, timing, stress.
    Significance(SignificanceArgs),
    /// Judge regime detectors and show what they say.
    #[command(subcommand)]
    Regimes(RegimesCommand),
    /// Choose settings on the past, judge them on what came after, and count every try.
    WalkForward(WalkForwardArgs),
    /// Studies over market data, each by one command.
    #[command(subcommand)]
    Study(StudyCommand),
    /// List the runs in a directory.
    Runs(RunsArgs),
    /// Check every page, link, digest and head of a dataset or run.
    Verify(VerifyArgs),
    /// Write a dataset or run as files that other programs read, or as pages that `rebuild` reads.
    Export(ExportArgs),
    /// Restore a damaged store from its page log or from exported pages.
    Rebuild(RebuildArgs),
    /// Look after models and measure them.
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Demonstrate everything: a market, a backtest, its replay, its proof and its report.
    Demo(DemoArgs),
    /// Train networks, judge them walking forward, and write them as ONNX files.
    #[cfg(feature = "training")]
    #[command(subcommand)]
    Train(crate::train::TrainCommand),
    /// Explain a command, or with CONFIG every key of a configuration.
    Help(HelpArgs),
    /// Check a store from a process of its own.
    #[command(hide = true)]
    ProbeStore(ProbeArgs),
}

/// What to do with a dataset.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Say how good the records of a dataset are: gaps, duplicates, impossible bars, absurd jumps.
    Check {
        /// The dataset.
        dir: PathBuf,
    },
}

/// `engine synth`.
#[derive(Debug, Args)]
pub struct SynthArgs {
    /// Directory of the dataset; made when there is none.
    #[arg(long, value_name = "DIR")]
    pub dataset: PathBuf,
    /// Everything random comes from here.
    #[arg(long)]
    pub seed: u64,
    /// Make this many trades.
    #[arg(long, value_name = "N", conflicts_with = "bars", required_unless_present = "bars")]
    pub ticks: Option<u64>,
    /// Make this many bars.
    #[arg(long, value_name = "N")]
    pub bars: Option<u64>,
    /// Length of a bar.
    #[arg(long, value_name = "I", default_value = "1h", requires = "bars")]
    pub interval: Span,
    /// Name of the venue.
    #[arg(long, default_value = "synthetic")]
    pub venue: String,
    /// Symbol of the instrument.
    #[arg(long, default_value = "SYNUSD")]
    pub instrument: String,
}

/// `engine backtest`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("settings").required(true))]
pub struct BacktestArgs {
    /// The configuration; `engine help CONFIG` explains every key.
    #[arg(value_name = "CONFIG.toml", group = "settings")]
    pub config: Option<PathBuf>,
    /// A built-in configuration instead, with its audit.
    #[arg(long, group = "settings")]
    pub preset: Option<Preset>,
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
}

/// `engine replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The run.
    pub run: PathBuf,
    /// Decide every input again and stop at the first output that differs.
    #[arg(long, required_unless_present = "reinfer")]
    pub check: bool,
    /// Ask the model every question again and report answers that differ.
    #[arg(long)]
    pub reinfer: bool,
    /// The model file to ask; found by the recorded hash in the registry when absent.
    #[arg(long, value_name = "FILE.onnx", requires = "reinfer")]
    pub model: Option<PathBuf>,
    /// Largest difference of any weight, scale or confidence that counts as the same answer.
    #[arg(long, value_name = "SHARE", default_value_t = 1e-6, requires = "reinfer")]
    pub tolerance: f64,
    /// Where its datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
}

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

/// `engine diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// One run.
    pub run_a: PathBuf,
    /// The other run.
    pub run_b: PathBuf,
}

/// `engine show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run.
    pub run: PathBuf,
    /// The first event.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub from: u64,
    /// The last event.
    #[arg(long, value_name = "SEQ")]
    pub to: Option<u64>,
    /// Only events of this kind, as in filled, order_submitted, order_refused.
    #[arg(long, value_name = "K")]
    pub kind: Option<String>,
}

/// `engine trades`.
#[derive(Debug, Args)]
pub struct TradesArgs {
    /// The run.
    pub run: PathBuf,
    /// Where its datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
}

/// `engine runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The directory that holds them.
    pub dir: PathBuf,
}

/// `engine verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The dataset or run.
    pub dir: PathBuf,
    /// A signed head it must still reach.
    #[arg(long, value_name = "CHECKPOINT")]
    pub against: Option<PathBuf>,
}

/// `engine export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The dataset or run.
    pub dir: PathBuf,
    /// What to write.
    #[arg(long)]
    pub format: ExportTo,
    /// Where to: a directory for the series of a dataset, a file for pages or the events of a run. When absent,
    /// lines of a run or of a single series go to standard output, everything else beside the journal.
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
}

/// `engine rebuild`.
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// The dataset or run.
    pub dir: PathBuf,
    /// Exported pages to restore from; the run's own page log when absent.
    #[arg(long, value_name = "FILE")]
    pub pages: Option<PathBuf>,
}

/// `engine demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Directory for everything the demo makes; replaced when an earlier demo made it.
    #[arg(long, value_name = "DIR", default_value = "demo-run")]
    pub out: PathBuf,
    /// Seed of the synthetic market.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Your own files instead of a synthetic market.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub data: Vec<PathBuf>,
    /// What your files hold; found from the columns when absent.
    #[arg(long, requires = "data")]
    pub kind: Option<Kind>,
    /// Symbol of your files.
    #[arg(long, value_name = "SYM", default_value = "DEMO")]
    pub instrument: String,
}

/// `engine help`.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// CONFIG, or the words of a command.
    pub topic: Vec<String>,
}

/// `engine probe-store`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Segment size of the store.
    pub segment_bytes: usize,
    /// The store.
    pub dir: PathBuf,
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportTo {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Apache Parquet, for datasets.
    Parquet,
    /// The pages themselves.
    Pages,
}
