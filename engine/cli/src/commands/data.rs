//! `data check`: how good the records of a dataset are.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use replay_history::quality::{SeriesQuality, check_dataset};
use serde_json::json;

use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// What to do with a dataset.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Say how good the records of a dataset are: gaps, duplicates, impossible bars, absurd jumps.
    Check {
        /// The dataset.
        dir: PathBuf,
    },
}

/// Runs `engine data`.
///
/// # Errors
/// [`Failure`] when the dataset cannot be read.
pub fn data(terminal: Terminal, command: &DataCommand) -> Result<Verdict, Failure> {
    match command {
        DataCommand::Check { dir } => check(terminal, dir),
    }
}

/// Says how good a dataset is.
fn check(terminal: Terminal, dir: &Path) -> Result<Verdict, Failure> {
    let checked = check_dataset(dir)?;
    let violations = |series: &SeriesQuality| {
        let unfinished = (!series.complete).then(|| "its last import did not come to its end".to_owned());
        series.quality.violations().into_iter().chain(unfinished).collect::<Vec<_>>()
    };
    let found: Vec<Vec<String>> = checked.iter().map(violations).collect();
    let clean = found.iter().all(Vec::is_empty);
    let series = checked.iter().zip(&found).map(|(series, found)| {
        json!({
            "series": series.series,
            "info": series.info,
            "complete": series.complete,
            "quality": series.quality,
            "violations": found,
        })
    });
    let document = json!({
        "dataset": dir.display().to_string(),
        "clean": clean,
        "series": series.collect::<Vec<_>>(),
    });
    let mut text = String::new();
    for (series, found) in checked.iter().zip(&found) {
        text.push_str(&format!("{}\n{}", series.series, series.quality));
        for violation in found {
            text.push_str(&format!("violation        {violation}\n"));
        }
    }
    text.push_str(if clean { "no violations\n" } else { "violations found\n" });
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!clean))
}
