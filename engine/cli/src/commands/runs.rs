//! `runs`: the runs in a directory.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_core::time::Timestamp;
use engine_runtime::ports::JournalError;
use journal_store::chain::hex;
use journal_store::run::{RunReader, read_side};
use serde_json::{Value, json};

use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;
use engine_application::amount::money;
use engine_application::moment::moment_text;

/// `engine runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The directory that holds them.
    pub dir: PathBuf,
}

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
    let listed: Vec<Value> = places.iter().filter_map(|path| describe(path)).collect();
    let cell = |run: &Value, key: &str| match run.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".to_owned(),
        Some(other) => other.to_string(),
    };
    let keys = ["name", "strategy", "status", "state", "events", "created_at", "head"];
    let rows: Vec<Vec<String>> =
        listed.iter().map(|run| keys.iter().map(|key| cell(run, key)).collect()).collect();
    let text = if rows.is_empty() { "no runs\n".to_owned() } else { columns(&keys, &rows) };
    terminal.answer(&json!({ "dir": args.dir.display().to_string(), "runs": listed }), &text)?;
    Ok(Verdict::Fine)
}

/// One run in a few words; `None` for a journal that is no run.
fn describe(path: &Path) -> Option<Value> {
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
    Some(json!({
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
        "head": hex(&reader.head().digest),
    }))
}
