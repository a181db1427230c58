//! `help`: a command explained, or every key of a configuration.

use clap::Args;

use super::help_examples;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;
use engine_application::config::explain;

/// `engine help`.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// CONFIG, or the words of a command.
    pub topic: Vec<String>,
}

/// Runs `engine help`.
///
/// # Errors
/// [`Failure`] when there is no such command.
pub fn help(terminal: Terminal, args: &HelpArgs) -> Result<Verdict, Failure> {
    if args.topic.iter().any(|topic| topic.eq_ignore_ascii_case("config")) {
        let text = explain();
        terminal.answer(&serde_json::json!({ "help": text }), &text)?;
        return Ok(Verdict::Fine);
    }
    let mut command = help_examples::command();
    for topic in &args.topic {
        let Some(found) = command.find_subcommand(topic).cloned() else {
            let line = format!("explain {topic:?}: there is no such command; `engine help` lists them");
            return Err(Failure::request(line));
        };
        command = found.bin_name(format!("engine {}", args.topic.join(" ")));
    }
    let text = command.render_long_help().to_string();
    terminal.answer(&serde_json::json!({ "help": text }), &text)?;
    Ok(Verdict::Fine)
}
