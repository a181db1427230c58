//! Trials: every configuration that was ever judged, one line each, so that their number is a fact.
//!
//! The best of many trials looks better than it is; how much better follows from how many there were (Bailey and
//! López de Prado 2014). So every training appends what it tried and what came of it, and nothing removes a line.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// Name of the file beside the models of a training.
pub const TRIALS_FILE: &str = "trials.jsonl";

/// One configuration that was judged out of sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The command, as in `train conductor`.
    pub command: String,
    /// What was tried, as in `adversarial` or `twin`.
    pub variant: String,
    /// Everything that decides the result: seed, recipe and shape.
    pub configuration: serde_json::Value,
    /// Digest of the data it was judged on, in hexadecimal digits.
    pub data: String,
    /// Out-of-sample mean over deviation of the returns per bar; `None` where no position was judged.
    pub sharpe_per_bar: Option<f64>,
    /// Number of these returns.
    pub bars: u64,
}

/// Appends `trials` to the file of `folder`.
///
/// # Errors
/// [`TrainError::Io`] when it cannot be written.
pub fn append(folder: &Path, trials: &[Trial]) -> Result<(), TrainError> {
    let path = folder.join(TRIALS_FILE);
    let mut text = String::new();
    for trial in trials {
        let line = serde_json::to_string(trial)
            .map_err(|error| TrainError::BadInput { path: path.clone(), reason: error.to_string() })?;
        text.push_str(&line);
        text.push('\n');
    }
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let mut file = file.map_err(TrainError::io("open", &path))?;
    file.write_all(text.as_bytes()).map_err(TrainError::io("write", &path))
}

/// Every trial recorded in `folder`, oldest first; none where there is no file.
///
/// # Errors
/// [`TrainError`] when the file cannot be read; its line is named.
pub fn read(folder: &Path) -> Result<Vec<Trial>, TrainError> {
    let path = folder.join(TRIALS_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(TrainError::io("read", &path)(error)),
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let trial = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| TrainError::BadInput {
            path: path.clone(),
            reason: format!("line {}: {error}", number + 1),
        })
    };
    lines.map(trial).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_are_added_and_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        let trial = |variant: &str| Trial {
            command: "train conductor".into(),
            variant: variant.into(),
            configuration: serde_json::json!({ "seed": 7 }),
            data: "ab".into(),
            sharpe_per_bar: Some(0.07),
            bars: 1_000,
        };
        append(folder.path(), &[trial("twin"), trial("adversarial")]).unwrap();
        append(folder.path(), &[trial("adversarial")]).unwrap();
        let read_back = read(folder.path()).unwrap();
        assert_eq!(read_back, [trial("twin"), trial("adversarial"), trial("adversarial")]);
        std::fs::write(folder.path().join(TRIALS_FILE), "{}\n").unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("line 1"));
    }
}
