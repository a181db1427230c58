//! `strategies`: every policy of the catalogue, and every setting of one.

use clap::Args;
use engine_application::config::toml_text;
use serde_json::{Value, json};
use strategies::catalogue::POLICIES;
use strategies::catalogue::parameters::{Parameter, example, parameters};

use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;

/// `engine strategies`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  engine strategies donchian")]
pub struct StrategiesArgs {
    /// One of them, with every setting; all of them when absent.
    pub name: Option<String>,
}

/// Runs `engine strategies`.
///
/// # Errors
/// [`Failure`] for a name that no strategy has.
pub fn strategies(terminal: Terminal, args: &StrategiesArgs) -> Result<Verdict, Failure> {
    let all =
        || POLICIES.iter().map(|(name, meaning)| described(name, meaning)).collect::<Result<Vec<_>, _>>();
    let (document, text) = match &args.name {
        None => (json!({ "strategies": all()? }), list()),
        Some(name) => {
            let known = POLICIES.iter().find(|(policy, _)| policy == name);
            let meaning = known.map(|(_, meaning)| *meaning).unwrap_or_default();
            (described(name, meaning)?, explained(name, meaning)?)
        }
    };
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

fn settings_of(name: &str) -> Result<Vec<Parameter>, Failure> {
    parameters(name).map_err(|error| {
        Failure::request(error.to_string().replacen("`strategy.name` =", "explain the strategy", 1))
    })
}

/// The commands that run a strategy with its defaults on the market of the demo.
fn commands(name: &str) -> [String; 2] {
    [
        format!("engine init {name}.toml --dataset demo-run/data --strategy {name}"),
        format!("engine backtest {name}.toml --dataset demo-run/data --run {name}-run"),
    ]
}

fn described(name: &str, meaning: &str) -> Result<Value, Failure> {
    Ok(json!({
        "name": name,
        "meaning": meaning,
        "parameters": settings_of(name)?,
        "configuration": example(name),
        "example": commands(name),
    }))
}

fn list() -> String {
    let rows: Vec<Vec<String>> =
        POLICIES.iter().map(|(name, meaning)| vec![(*name).to_owned(), (*meaning).to_owned()]).collect();
    format!("{}\nengine strategies NAME shows every setting of one\n", columns(&["strategy", "does"], &rows))
}

fn explained(name: &str, meaning: &str) -> Result<String, Failure> {
    let row = |parameter: Parameter| {
        let default = match (parameter.required, parameter.default.is_null()) {
            (true, _) => "required".to_owned(),
            (false, true) => String::new(),
            (false, false) => toml_text(&parameter.default),
        };
        vec![parameter.key, default, parameter.allowed, parameter.meaning]
    };
    let rows: Vec<Vec<String>> = settings_of(name)?.into_iter().map(row).collect();
    let table = columns(&["setting", "default", "allowed", "means"], &rows);
    let [init, run] = commands(name);
    Ok(format!("{name}: {meaning}\n\n{table}\nOn the market of `engine demo`:\n  {init}\n  {run}\n"))
}
