//! The command line: one module for each command, named as the command is.

use std::path::PathBuf;

use clap::{ArgMatches, Parser, Subcommand};

use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

mod arguments;
mod interruption;
pub mod notes;
mod real_time;

pub mod archive;

pub mod balances;

pub mod backtest;

pub mod calibrate;

pub mod compare;

pub mod completions;

pub mod data;

pub mod demo;

pub mod diff;

pub mod doctor;

pub mod examples;

pub mod export;

pub mod heads;

pub mod help;

pub mod help_examples;

pub mod import;

pub mod init;

pub mod keys;

pub mod live;

pub mod models;

pub mod new;

pub mod orders;

pub mod fakex;

pub mod paper;

pub mod parity;

pub mod rebuild;

pub mod reconcile;

pub mod record;

pub mod status;

pub mod regimes;

pub mod replay;

pub mod runs;

pub mod show;

pub mod significance;

pub mod state;

pub mod strategies;

pub mod study;

pub mod sweep;

pub mod synth;

pub mod trades;

#[cfg(feature = "training")]
pub mod train;

pub mod verify;

pub mod walk_forward;

const EXIT_CODES: &str = "\
Exit codes: 0 fine; 1 a finding (a difference, damage, a violation); 2 the command could not run;
130 or 143 Ctrl-C or SIGTERM ended it.
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
    Import(import::ImportArgs),
    /// Look after datasets.
    #[command(subcommand)]
    Data(data::DataCommand),
    /// Make a seeded synthetic market, labelled as such in everything made from it.
    Synth(synth::SynthArgs),
    /// List the strategies, or every setting of one with meaning, bounds, default and an example.
    Strategies(strategies::StrategiesArgs),
    /// Write a commented configuration for a dataset and a strategy.
    Init(init::InitArgs),
    /// List the configurations that come with the program, or print one.
    Examples(examples::ExamplesArgs),
    /// Run a strategy over history and record everything in a new run.
    Backtest(backtest::BacktestArgs),
    /// Trade a configuration on live prices with a simulated venue, until Ctrl-C; a run that was killed is taken up.
    Paper(paper::PaperArgs),
    /// Trade a configuration on live prices with real orders, until Ctrl-C; a run that was killed is taken up.
    Live(live::LiveArgs),
    /// Say what the account of a run with real orders holds by our books, and where its venue says otherwise.
    Balances(balances::BalancesArgs),
    /// List the open orders of a run with real orders, under our names and the venue's.
    Orders(orders::OrdersArgs),
    /// Say where books and venue differ, what others did on the account, and which orders are in doubt; accept it as a person.
    Reconcile(reconcile::ReconcileArgs),
    /// Record what a venue says about the markets of a configuration, frame by frame, until Ctrl-C.
    Record(record::RecordArgs),
    /// Ask once for everything that a configuration needs on live prices: clock, rules, past, streams, disk, key, model.
    Doctor(doctor::DoctorArgs),
    /// Say where a run on real time stands, without touching it.
    Status(status::StatusArgs),
    /// Keep segments of a run compressed where they lie, or unpack them; every command reads them as before.
    Archive(archive::ArchiveArgs),
    /// Set a run on paper or with real orders beside the backtest over what it saw: order by order, each difference with its cause.
    Parity(parity::ParityArgs),
    /// Fit the settings of a backtest (latency, costs, limit fills) to what runs with real orders showed, each with an interval.
    ///
    /// Exit codes: 0 at least one setting was fitted; 1 none could be, from too few orders; 2 a run cannot be read, is none on
    /// real time, or the file is there already.
    Calibrate(calibrate::CalibrateArgs),
    /// Play an exchange on the loopback, with faults by plan, for `engine paper` and tests.
    Fakex(fakex::FakexArgs),
    /// Play a recorded run again, its venue included, and compare it event by event.
    Replay(replay::ReplayArgs),
    /// Show the folded state of a run at an event or moment.
    State(state::StateArgs),
    /// Find the first event at which two runs differ, with what led to it.
    Diff(diff::DiffArgs),
    /// List the events of a run.
    Show(show::ShowArgs),
    /// List the closed trades of a run.
    Trades(trades::TradesArgs),
    /// Say how much of a run is luck: intervals, deflated Sharpe, timing, stress.
    Significance(significance::SignificanceArgs),
    /// Judge regime detectors and show what they say.
    #[command(subcommand)]
    Regimes(regimes::RegimesCommand),
    /// Choose settings on the past, judge them on what came after, and count every try.
    WalkForward(walk_forward::WalkForwardArgs),
    /// Run a configuration with every combination of given values, on all cores, and count every try.
    Sweep(sweep::SweepArgs),
    /// Studies over market data, each by one command.
    #[command(subcommand)]
    Study(study::StudyCommand),
    /// Show runs side by side: their figures, and in which settings they differ.
    Compare(compare::CompareArgs),
    /// List the runs in a directory.
    Runs(runs::RunsArgs),
    /// Check every page, link, digest and head of a dataset or run, and say who signed it.
    Verify(verify::VerifyArgs),
    /// Show your signing key, and say whose signatures count.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Write the head of a run or dataset into an append-only log, or check such a log.
    Heads(heads::HeadsArgs),
    /// Write a dataset or run as files that other programs read, or as pages that `rebuild` reads.
    Export(export::ExportArgs),
    /// Restore a damaged store from what is whole in it, its page log and exported pages, and say what is lost.
    Rebuild(rebuild::RebuildArgs),
    /// Look after models and measure them.
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// Make a crate of your own: the engine with a strategy of yours, a test and a README.
    New(new::NewArgs),
    /// Demonstrate everything: a market, a backtest, its replay, its proof and its report.
    Demo(demo::DemoArgs),
    /// Train networks, judge them walking forward, and write them as ONNX files.
    #[cfg(feature = "training")]
    #[command(subcommand)]
    Train(train::TrainCommand),
    /// Write what a shell needs to complete commands and flags.
    Completions(completions::CompletionsArgs),
    /// Explain a command, or with CONFIG every key of a configuration.
    Help(help::HelpArgs),
}

/// The datasets, or directories that may be some, which a command line names.
#[must_use]
pub fn named_datasets(matches: &ArgMatches) -> Vec<PathBuf> {
    let of_id = |id: &str| match matches.try_get_many::<PathBuf>(id) {
        Ok(Some(paths)) => paths.cloned().collect(),
        Ok(None) | Err(_) => Vec::new(),
    };
    let mut named: Vec<PathBuf> = ["dataset", "dir"].into_iter().flat_map(of_id).collect();
    if let Some((_, below)) = matches.subcommand() {
        named.extend(named_datasets(below));
    }
    named
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// [`Failure`] when it could not run.
    pub fn run(self, terminal: Terminal) -> Result<Verdict, Failure> {
        match self {
            Self::Import(args) => import::import_files(terminal, args),
            Self::Data(command) => data::data(terminal, &command),
            Self::Synth(args) => synth::synth(terminal, args),
            Self::Backtest(args) => backtest::backtest(terminal, &args),
            Self::Strategies(args) => strategies::strategies(terminal, &args),
            Self::Init(args) => init::init(terminal, &args),
            Self::Examples(args) => examples::examples(terminal, &args),
            Self::Completions(args) => completions::completions(terminal, &args),
            Self::Paper(args) => paper::paper(terminal, &args),
            Self::Live(args) => live::live(terminal, &args),
            Self::Balances(args) => balances::balances(terminal, &args),
            Self::Reconcile(args) => reconcile::reconcile(terminal, &args),
            Self::Orders(args) => orders::orders(terminal, &args),
            Self::Record(args) => record::record(terminal, &args),
            Self::Doctor(args) => doctor::doctor(terminal, &args),
            Self::Status(args) => status::status(terminal, &args),
            Self::Archive(args) => archive::archive(terminal, &args),
            Self::Parity(args) => parity::parity(terminal, &args),
            Self::Calibrate(args) => calibrate::calibrate(terminal, &args),
            Self::Fakex(args) => fakex::fakex(terminal, &args),
            Self::Replay(args) => replay::replay(terminal, &args),
            Self::State(args) => state::state(terminal, &args),
            Self::Diff(args) => diff::diff(terminal, &args),
            Self::Show(args) => show::show(terminal, &args),
            Self::Trades(args) => trades::trades(terminal, &args),
            Self::Compare(args) => compare::compare(terminal, &args),
            Self::Runs(args) => runs::runs(terminal, &args),
            Self::Regimes(command) => regimes::regimes(terminal, &command),
            Self::Significance(args) => significance::significance(terminal, &args),
            Self::Study(command) => study::study(terminal, &command),
            Self::Sweep(args) => sweep::sweep(terminal, &args),
            Self::WalkForward(args) => walk_forward::walk_forward(terminal, &args),
            Self::Verify(args) => verify::verify(terminal, &args),
            Self::Keys(command) => keys::keys(terminal, &command),
            Self::Heads(args) => heads::heads(terminal, &args),
            Self::Export(args) => export::export(terminal, &args),
            Self::Rebuild(args) => rebuild::rebuild(terminal, &args),
            Self::Models(command) => models::models(terminal, &command),
            Self::New(args) => new::new(terminal, &args),
            Self::Demo(args) => demo::demo(terminal, &args),
            #[cfg(feature = "training")]
            Self::Train(command) => train::train(terminal, &command),
            Self::Help(args) => help::help(terminal, &args),
        }
    }
}
