//! The program: its command line, and how its answers reach a person or a script.
//!
//! Reading order: [`commands`] has one file for each command, named as the command is, with its arguments, its work and
//! its words; [`output`] writes tables, JSON, progress and failures; [`signals`] end a long command well. The work itself is done by the crates below:
//! `engine-application` makes runs of settings and datasets, `engine-research` judges many of them.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches as _};
use engine_application::config::{ImpactRegistration, register_impacts};
use engine_application::own_strategies::register;
use strategies::registration::Registration;

pub mod output;

pub mod signals;

pub mod commands;

use commands::notes::note_cut_imports;
use commands::{Cli, Command, help_examples, named_datasets};
use output::failure::{Failure, Verdict};
use output::terminal::Terminal;

/// Runs the program with strategies of its own beside those of the catalogue, each selectable by its name.
///
/// The whole `main` of a user's program: `engine_cli::run_with([Registration::of::<MySettings>()])`. Answers the exit code as
/// [`main`] does, and 2 when a strategy cannot be registered.
#[must_use]
pub fn run_with(own: impl IntoIterator<Item = Registration>) -> ExitCode {
    if let Err(error) = register(own.into_iter().collect()) {
        let terminal = Terminal { json: false, quiet: false };
        return complain(terminal, &Failure::request(error.to_string()));
    }
    main(std::env::args_os())
}

/// Runs the program with strategies and impact models of its own, each selectable by its name: the models as
/// `[costs.impact] model`.
///
/// Answers the exit code as [`main`] does, and 2 when one cannot be registered.
#[must_use]
pub fn run_with_models(
    own: impl IntoIterator<Item = Registration>,
    impacts: impl IntoIterator<Item = ImpactRegistration>,
) -> ExitCode {
    if let Err(error) = register_impacts(impacts.into_iter().collect()) {
        let terminal = Terminal { json: false, quiet: false };
        return complain(terminal, &Failure::request(error.to_string()));
    }
    run_with(own)
}

/// Runs the program with `arguments`, its own name first.
///
/// Answers exit code 0 when all is fine, 1 for a finding, 2 when the command could not run, 130 or 143 when Ctrl-C or
/// SIGTERM ended it.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = help_examples::command().try_get_matches_from(&arguments);
    let read = |matches: ArgMatches| Ok((Cli::from_arg_matches(&matches)?, named_datasets(&matches)));
    let (cli, datasets) = match matches.and_then(read) {
        Ok(read) => read,
        Err(error) => return refused(&error, &arguments),
    };
    let terminal = Terminal { json: cli.json, quiet: false };
    // An import may be the one that goes on with a cut one: what is left is said after it.
    let imports = matches!(cli.command, Command::Import(_));
    let note = |due: bool| datasets.iter().filter(|_| due).for_each(|dir| note_cut_imports(terminal, dir));
    note(!imports);
    // A last resort: what is not foreseen ends with a line and a code as everything else does.
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cli.command.run(terminal)));
    note(imports);
    match ended.unwrap_or(Err(Failure::Bug)) {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Finding) => ExitCode::from(1),
        Ok(Verdict::Interrupted) => ExitCode::from(signals::exit_code()),
        Ok(Verdict::BrokenOff) => ExitCode::from(2),
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
    if let Some(excerpt) = failure.excerpt() {
        terminal.note(&excerpt);
    }
    ExitCode::from(failure.exit_code())
}

/// Lines as one; what a line announces with a colon follows it.
fn one_line<'t>(lines: impl Iterator<Item = &'t str>) -> String {
    let mut said = String::new();
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        if !said.is_empty() {
            said.push_str(if said.ends_with(':') { " " } else { "; " });
        }
        said.push_str(line);
    }
    said
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
    let line = one_line(said).trim_start_matches("error: ").to_owned();
    let line = if line.is_empty() { "give a command; `engine help` lists them".to_owned() } else { line };
    let terminal = Terminal { json: arguments.iter().any(|argument| argument == "--json"), quiet: false };
    complain(terminal, &Failure::request(line))
}
