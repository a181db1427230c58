//! The program: configuration, wiring and commands. Everything it can do lies in other crates.
//!
//! Reading order: [`args`] is the command line and [`failure`] how a command ends; [`config`] one file read into
//! checked settings; [`trade`] runs a backtest, [`legacy`] the original's published one with its audit; [`recording`] opens a recorded run for [`replaying`], [`inspect`]
//! and [`trades`]; [`data`] looks after datasets, [`custody`] after what was
//! recorded, with [`signing`], [`keys`] and [`heads`] for who vouches for it, [`models`] after models; [`significance`] judges a run and [`walk_forward`] a choice, with
//! [`rehearsal`]s whose [`trials`] are counted; [`study`] asks what the ensemble is worth; [`demo`] strings it all together. [`render`] says events in words.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

pub mod args;

pub mod failure;

pub mod terminal;

pub mod progress;

pub mod moment;

pub mod config;

pub mod render;

pub mod data;

pub mod trade;

pub mod paper;

pub mod legacy;

pub mod recording;

pub mod replaying;

pub mod reinfer;

pub mod seat;

pub mod inspect;

pub mod standing;

pub mod trades;

pub mod custody;

pub mod signing;

pub mod keys;

pub mod heads;

pub mod models;

pub mod demo;

pub mod parallel;

pub mod rehearsal;

pub mod workshop;

pub mod trials;

pub mod significance;

pub mod regimes;

pub mod walk_forward;

pub mod study;

#[cfg(feature = "training")]
pub mod train;

use args::{Cli, Command, DataCommand, HelpArgs, ProbeArgs};
use failure::{Failure, Verdict};
use terminal::Terminal;

/// Runs the program with `arguments`, its own name first.
///
/// Answers exit code 0 when all is fine, 1 for a finding, 2 when the command could not run.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refused(&error, &arguments),
    };
    if let Ok(program) = std::env::current_exe() {
        journal_store::probe::install(program, vec!["probe-store".into()]);
    }
    let terminal = Terminal { json: cli.json, quiet: false };
    // A last resort: what is not foreseen ends with a line and a code as everything else does.
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dispatch(terminal, cli.command)));
    match ended.unwrap_or(Err(Failure::Bug)) {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Finding) => ExitCode::from(1),
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => complain(terminal, &failure),
    }
}

fn complain(terminal: Terminal, failure: &Failure) -> ExitCode {
    if terminal.json {
        // When even this cannot be written, the exit code has to do.
        let _ = terminal.answer(&failure.document(), "");
    }
    terminal.note(&format!("engine: {}", failure.line()));
    ExitCode::from(2)
}

/// A command line that cannot be parsed, or that asked for help or the version.
fn refused(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        // Help and version go to standard output; a closed one is no failure.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let missing = clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let text = if error.kind() == missing { String::new() } else { error.render().to_string() };
    let said = text.lines().take_while(|line| !line.starts_with("Usage:"));
    let said: Vec<&str> = said.map(str::trim).filter(|line| !line.is_empty()).collect();
    let line = said.join("; ").trim_start_matches("error: ").to_owned();
    let line = if line.is_empty() { "give a command; `engine help` lists them".to_owned() } else { line };
    let terminal = Terminal { json: arguments.iter().any(|argument| argument == "--json"), quiet: false };
    complain(terminal, &Failure::Request(line))
}

fn dispatch(terminal: Terminal, command: Command) -> Result<Verdict, Failure> {
    match command {
        Command::Import(args) => data::import_files(terminal, args),
        Command::Data(DataCommand::Check { dir }) => data::check(terminal, &dir),
        Command::Synth(args) => data::synth(terminal, args),
        Command::Backtest(args) => trade::backtest(terminal, &args),
        Command::Replay(args) => replaying::replay(terminal, &args),
        Command::State(args) => inspect::state(terminal, &args),
        Command::Diff(args) => replaying::diff(terminal, &args),
        Command::Show(args) => inspect::show(terminal, &args),
        Command::Trades(args) => trades::trades(terminal, &args),
        Command::Runs(args) => inspect::runs(terminal, &args),
        Command::Regimes(command) => regimes::regimes(terminal, &command),
        Command::Significance(args) => significance::significance(terminal, &args),
        Command::Study(command) => study::study(terminal, &command),
        Command::WalkForward(args) => walk_forward::walk_forward(terminal, &args),
        Command::Verify(args) => custody::verify(terminal, &args),
        Command::Keys(command) => keys::keys(terminal, &command),
        Command::Heads(args) => heads::heads(terminal, &args),
        Command::Export(args) => custody::export(terminal, &args),
        Command::Rebuild(args) => custody::rebuild(terminal, &args),
        Command::Models(command) => models::models(terminal, &command),
        Command::Demo(args) => demo::demo(terminal, &args),
        #[cfg(feature = "training")]
        Command::Train(command) => train::train(terminal, &command),
        Command::Help(args) => help(terminal, &args),
        Command::ProbeStore(args) => Ok(probe(&args)),
    }
}

fn probe(args: &ProbeArgs) -> Verdict {
    Verdict::finding_if(journal_store::probe::child_main(args.segment_bytes, &args.dir) != 0)
}

fn help(terminal: Terminal, args: &HelpArgs) -> Result<Verdict, Failure> {
    if args.topic.iter().any(|topic| topic.eq_ignore_ascii_case("config")) {
        let text = config::explain();
        terminal.answer(&serde_json::json!({ "help": text }), &text)?;
        return Ok(Verdict::Fine);
    }
    let mut command = Cli::command();
    for topic in &args.topic {
        let Some(found) = command.find_subcommand(topic).cloned() else {
            let line = format!("explain {topic:?}: there is no such command; `engine help` lists them");
            return Err(Failure::Request(line));
        };
        command = found.bin_name(format!("engine {}", args.topic.join(" ")));
    }
    let text = command.render_long_help().to_string();
    terminal.answer(&serde_json::json!({ "help": text }), &text)?;
    Ok(Verdict::Fine)
}
