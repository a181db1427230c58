//! `examples`: the configurations that come with the program.

use clap::Args;
use engine_application::examples::{EXAMPLES, Example};
use serde_json::json;

use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;

/// `engine examples`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  engine examples donchian-btc-1d > my.toml")]
pub struct ExamplesArgs {
    /// One of them, its file on standard output; a list when absent.
    pub name: Option<String>,
}

/// Runs `engine examples`.
///
/// # Errors
/// [`Failure`] for a name that no example has.
pub fn examples(terminal: Terminal, args: &ExamplesArgs) -> Result<Verdict, Failure> {
    let document = |example: &Example| json!({ "name": example.name, "data": example.data, "shows": example.shows, "configuration": example.text });
    if let Some(name) = &args.name {
        let example = example_named(name)?;
        terminal.answer(&document(&example), example.text)?;
        return Ok(Verdict::Fine);
    }
    let row = |example: &Example| [example.name, example.data, example.shows].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = EXAMPLES.iter().map(row).collect();
    let text = format!(
        "{}\nengine backtest --example NAME --dataset DATA --run RUN runs one; engine examples NAME prints it\n",
        columns(&["example", "data", "shows"], &rows)
    );
    terminal.answer(&json!({ "examples": EXAMPLES.iter().map(document).collect::<Vec<_>>() }), &text)?;
    Ok(Verdict::Fine)
}

/// The example of that name.
///
/// # Errors
/// [`Failure`] that names the nearest.
pub(in crate::commands) fn example_named(name: &str) -> Result<Example, Failure> {
    Example::named(name).map_err(|line| Failure::request(format!("find the example: {line}")))
}
