//! `compare`: runs side by side, and in which settings they differ.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use engine_application::wiring::halt::{halted_mark, halted_words};
use engine_application::wiring::recording::Recording;
use engine_application::wiring::run_figures::{RunFigures, run_figures};
use engine_core::halt::HaltReason;
use engine_core::time::Timestamp;
use engine_research::parallel::in_parallel;
use journal_store::chain::hex;
use replay_statistics::Statistics;
use replay_statistics::figures::FigureValue;
use serde_json::{Map, Value, json};

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;

/// The figures shown; `--json` gives all.
const SHOWN: [&str; 17] = [
    "start",
    "end",
    "daily_returns",
    "final_equity",
    "return_pct",
    "buy_and_hold_return_pct",
    "cagr_pct",
    "volatility_pct",
    "sharpe",
    "sharpe_low",
    "sharpe_high",
    "sortino",
    "calmar",
    "max_drawdown_pct",
    "trades",
    "win_rate_pct",
    "fees",
];

/// `engine compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The runs, two or more.
    #[arg(value_name = "RUN", num_args = 2.., required = true)]
    pub runs: Vec<PathBuf>,
    /// Where their datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
}

/// One run with its figures and its settings, these by their keys in dots.
struct Compared {
    recording: Recording,
    statistics: Statistics,
    halts: Vec<(Timestamp, HaltReason)>,
    settings: BTreeMap<String, Value>,
}

/// Runs `engine compare RUN RUN…`.
///
/// # Errors
/// [`Failure`] when a run or its datasets cannot be read.
pub fn compare(terminal: Terminal, args: &CompareArgs) -> Result<Verdict, Failure> {
    let read = |run: &PathBuf| -> Result<Compared, Failure> {
        let recording = Recording::open(run)?;
        let RunFigures { statistics, halts } = run_figures(&recording, &args.dataset)?;
        let settings = settings_of(&recording);
        Ok(Compared { recording, statistics, halts, settings })
    };
    let compared = in_parallel(&args.runs, read, |_| ())?;
    for one in &compared {
        note_run_state(terminal, &one.recording.reader);
    }
    terminal.answer(&document(&compared), &text(&compared))?;
    Ok(Verdict::Fine)
}

/// The recorded settings, and what the run was made from.
fn settings_of(recording: &Recording) -> BTreeMap<String, Value> {
    let manifest = &recording.manifest;
    let mut found = BTreeMap::new();
    let config: Value = serde_json::from_str(&manifest.config_json).unwrap_or_default();
    flatten("", &config, &mut found);
    found.insert("engine".to_owned(), Value::from(manifest.engine_version.clone()));
    for dataset in &manifest.datasets {
        found.insert(
            format!("records.{}", dataset.name),
            json!([dataset.first, dataset.last, hex(&dataset.digest)]),
        );
    }
    found
}

fn flatten(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(table) => {
            for (key, inner) in table {
                let inner_path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&inner_path, inner, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            found.insert(path.to_owned(), value.clone());
        }
    }
}

/// The settings that are not the same in every run, with the value in each; null where a run has none.
fn differences(compared: &[Compared]) -> BTreeMap<&str, Vec<Value>> {
    let keys = compared.iter().flat_map(|one| one.settings.keys().map(String::as_str));
    let mut differing = BTreeMap::new();
    for key in keys {
        let values: Vec<Value> =
            compared.iter().map(|one| one.settings.get(key).cloned().unwrap_or_default()).collect();
        if values.windows(2).any(|pair| pair.first() != pair.last()) {
            differing.insert(key, values);
        }
    }
    differing
}

fn document(compared: &[Compared]) -> Value {
    let run = |one: &Compared| {
        json!({
            "run": one.recording.dir.display().to_string(),
            "strategy": one.recording.manifest.strategy,
            "synthetic": one.recording.manifest.synthetic,
            "complete": one.recording.reader.is_complete(),
            "halted": halted_words(&one.halts),
            "head": hex(&one.recording.reader.head().digest),
            "statistics": statistics_document(&one.statistics),
        })
    };
    let differing: Map<String, Value> = differences(compared)
        .into_iter()
        .map(|(key, values)| (key.to_owned(), Value::Array(values)))
        .collect();
    json!({ "runs": compared.iter().map(run).collect::<Vec<_>>(), "differences": differing })
}

/// The figures without those of exposure and of single instruments, which a record gives only nearly.
fn statistics_document(statistics: &Statistics) -> Value {
    let mut document = serde_json::to_value(statistics).unwrap_or_default();
    if let Some(groups) = document.as_object_mut() {
        groups.remove("exposure");
        groups.remove("instruments");
    }
    document
}

fn text(compared: &[Compared]) -> String {
    let names: Vec<String> = compared.iter().map(|one| one.recording.dir.display().to_string()).collect();
    let head: Vec<&str> = std::iter::once("").chain(names.iter().map(String::as_str)).collect();
    let figures: Vec<Vec<FigureValue>> = compared.iter().map(|one| one.statistics.figures()).collect();
    let row = |key: &&str| {
        let of_run =
            |figures: &Vec<FigureValue>| figures.iter().find(|entry| entry.figure.key == *key).cloned();
        let entries: Vec<FigureValue> = figures.iter().filter_map(of_run).collect();
        let label = entries.first().map(|entry| entry.figure.label.to_owned()).unwrap_or_default();
        std::iter::once(label).chain(entries.iter().map(plain)).collect::<Vec<String>>()
    };
    let marks = compared.iter().map(|one| halted_mark(&one.halts));
    let halted = std::iter::once("halted".to_owned()).chain(marks).collect();
    let rows: Vec<Vec<String>> = SHOWN.iter().map(row).chain([halted]).collect();
    let mut text = String::new();
    if compared.iter().any(|one| one.recording.manifest.synthetic) {
        text.push_str("SYNTHETIC DATA: no market ever traded at these prices\n");
    }
    text.push_str(&columns(&head, &rows));
    let differing = differences(compared);
    if differing.is_empty() {
        text.push_str("\nthe same settings and records\n");
        return text;
    }
    let shown = |value: Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text,
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => value.to_string(),
    };
    let rows: Vec<Vec<String>> = differing
        .into_iter()
        .map(|(key, values)| std::iter::once(key.to_owned()).chain(values.into_iter().map(shown)).collect())
        .collect();
    let head: Vec<&str> = std::iter::once("differs in").chain(names.iter().map(String::as_str)).collect();
    text.push_str(&format!("\n{}", columns(&head, &rows)));
    text
}

fn plain(entry: &FigureValue) -> String {
    entry.text().replace('−', "-").replace('\u{202f}', " ")
}
