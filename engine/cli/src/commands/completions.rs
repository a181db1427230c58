//! `completions`: what a shell needs to complete commands and flags.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;

use super::Cli;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine completions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  engine completions bash > ~/.local/share/bash-completion/completions/engine"
)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: Shell,
}

/// Runs `engine completions`.
///
/// # Errors
/// [`Failure`] when standard output cannot take it.
pub fn completions(terminal: Terminal, args: &CompletionsArgs) -> Result<Verdict, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "engine", &mut script);
    let script = String::from_utf8_lossy(&script);
    terminal.answer(&json!({ "shell": args.shell.to_string(), "script": script }), &script)?;
    Ok(Verdict::Fine)
}
