//! `runs`: the runs in a directory.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_application::wiring::halt::halted_words;
use engine_application::wiring::run_figures::run_figures;
use engine_core::time::Timestamp;
use engine_research::parallel::in_parallel;
use engine_runtime::ports::JournalError;
use journal_store::chain::hex;
use journal_store::run::{RunReader, read_side};
use replay_statistics::Statistics;
use serde_json::{Value, json};

use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::table::columns;
use crate::output::terminal::Terminal;
use engine_application::amount::money;
use engine_application::moment::moment_text;
use engine_application::wiring::recording::Recording;

/// `engine runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The directory that holds them.
    pub dir: PathBuf,
    /// Where their datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
}

/// What a table of runs shows, and under which key the answer has it.
const COLUMNS: [(&str, &str); 13] = [
    ("name", "name"),
    ("strategy", "strategy"),
    ("return %", "return_pct"),
    ("Sharpe", "sharpe"),
    ("95 % low", "sharpe_low"),
    ("95 % high", "sharpe_high"),
    ("drawdown %", "max_drawdown_pct"),
    ("trades", "trades"),
    ("halted", "halted_at"),
    ("state", "state"),
    ("events", "events"),
    ("made", "created_at"),
    ("head", "head_short"),
];

/// Runs `engine runs`.
///
/// # Errors
/// [`Failure`] when the directory cannot be listed.
pub fn runs(terminal: Terminal, args: &RunsArgs) -> Result<Verdict, Failure> {
    let failed = |error| Failure::io("list", &args.dir, error);
    let mut places = Vec::new();
    for entry in std::fs::read_dir(&args.dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // A name with a dot is that of a journal being made.
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.join("head.json").is_file() {
            places.push(path);
        }
    }
    places.sort();
    let line = Line::runs(terminal);
    let all = places.len();
    let described = |path: &PathBuf| Ok::<_, Failure>(describe(path, &args.dataset));
    let listed = in_parallel(&places, described, |done| line.finished(done, all))?;
    let listed: Vec<Value> = listed.into_iter().flatten().collect();
    drop(line);
    let cell = |run: &Value, key: &str| match run.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::Number(number)) if number.is_f64() => {
            format!("{:.2}", number.as_f64().unwrap_or(f64::NAN))
        }
        Some(other) => other.to_string(),
    };
    let rows: Vec<Vec<String>> =
        listed.iter().map(|run| COLUMNS.iter().map(|(_, key)| cell(run, key)).collect()).collect();
    let head = COLUMNS.map(|(name, _)| name);
    let text = if rows.is_empty() { "no runs\n".to_owned() } else { columns(&head, &rows) };
    for run in &listed {
        if let (Some(name), Some(reason)) = (run["name"].as_str(), run["figures_missing"].as_str()) {
            terminal.note(&format!("{name}: no figures: {reason}"));
        }
    }
    terminal.answer(&json!({ "dir": args.dir.display().to_string(), "runs": listed }), &text)?;
    Ok(Verdict::Fine)
}

/// One run in a few words; `None` for a journal that is no run.
fn describe(path: &Path, datasets: &[PathBuf]) -> Option<Value> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let reader = match RunReader::open(path) {
        Ok(reader) => reader,
        Err(JournalError::NotAJournal { .. }) => return None,
        Err(error) => {
            return Some(
                json!({ "name": name, "path": path.display().to_string(), "status": error.to_string() }),
            );
        }
    };
    let side = read_side(path).ok().flatten();
    let manifest = reader.manifest();
    let status = if reader.is_complete() { "complete" } else { "incomplete" };
    let figures = Recording::open(path).and_then(|recording| run_figures(&recording, datasets));
    let missing = figures.as_ref().err().map(|error| error.to_string());
    let figures = figures.ok();
    let figure =
        |of: fn(&Statistics) -> Option<f64>| figures.as_ref().and_then(|figures| of(&figures.statistics));
    let halts = figures.as_ref().map(|figures| figures.halts.as_slice()).unwrap_or_default();
    let digest = hex(&reader.head().digest);
    Some(json!({
        "return_pct": figure(|figures| figures.performance.return_pct),
        "sharpe": figure(|figures| figures.risk.sharpe),
        "sharpe_low": figure(|figures| figures.risk.sharpe_low),
        "sharpe_high": figure(|figures| figures.risk.sharpe_high),
        "max_drawdown_pct": figure(|figures| Some(figures.drawdown.max_drawdown_pct)),
        "trades": figures.as_ref().map(|figures| figures.statistics.trades.trades),
        "halted": halted_words(halts),
        "halted_at": halts.first().map(|(at, _)| moment_text(*at)),
        "figures_missing": missing,
        "head_short": digest.get(..16),
        "name": name,
        "path": path.display().to_string(),
        "strategy": manifest.map(|manifest| manifest.strategy.clone()),
        "mode": manifest.map(|manifest| manifest.mode.clone()),
        "synthetic": manifest.map(|manifest| manifest.synthetic),
        "capital": manifest.map(|manifest| money(manifest.capital)),
        "datasets": manifest.map(|manifest| {
            manifest.datasets.iter().map(|dataset| dataset.name.clone()).collect::<Vec<_>>()
        }),
        "status": status,
        "state": reader.state().word(),
        "events": reader.head().count,
        "created_at": side.map(|side| moment_text(Timestamp::from_nanos(side.created_at))),
        "head": digest,
    }))
}
