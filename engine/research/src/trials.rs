//! The trials of a search, one JSON object a line: so that their number is a fact and not a memory.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use journal_store::disk;
use journal_store::small_file::{self, SMALL_BYTES_MAX};
use replay_statistics::deviation;
use replay_statistics::significance::deflated::Search;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use engine_application::wiring::error::ApplicationError;

/// The file that trials are written to.
pub const FILE: &str = "trials.jsonl";

/// What part of a fold a trial ran over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The span it could be chosen by: each of these is a trial of the search.
    Train,
    /// The span after it.
    Test,
    /// All tests in a row, not a run of its own.
    AllTests,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Fold, counted from 1; 0 for all of them.
    pub fold: usize,
    /// What part of it.
    pub part: Part,
    /// Number of the combination, counted from 1.
    pub trial: usize,
    /// The settings that were tried.
    pub strategy: Map<String, Value>,
    /// Begin of the span, RFC 3339 UTC.
    pub from: String,
    /// End of the span.
    pub to: String,
    /// Daily returns in it.
    pub days: usize,
    /// Yearly Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Yearly growth, per cent.
    pub cagr_pct: Option<f64>,
    /// Deepest fall of daily closes, per cent.
    pub max_drawdown_pct: Option<f64>,
    /// Closed trades.
    pub trades: Option<usize>,
    /// The fingerprint of its run.
    pub head: Option<String>,
}

/// A file of trials being written, made with the first of them.
#[derive(Debug)]
pub struct TrialBook {
    path: PathBuf,
    file: Option<std::fs::File>,
    /// What an earlier call of the same search has recorded, as far as this one has not come to it.
    recorded: Vec<u8>,
}

impl TrialBook {
    /// A new file in `dir`. Nothing is made on disk yet.
    ///
    /// # Errors
    /// [`ApplicationError::Request`] when trials lie there already: they are never overwritten.
    pub fn new(dir: &Path) -> Result<Self, ApplicationError> {
        let path = dir.join(FILE);
        if path.exists() {
            let path = path.display();
            let line = format!(
                "write {path}: trials of an earlier search lie there; name another directory with --out DIR"
            );
            return Err(ApplicationError::Request(line));
        }
        Ok(Self { path, file: None, recorded: Vec::new() })
    }

    /// The file in `dir` of a search that goes on: the trials that lie there come first again, and are not written again;
    /// made with the first trial when there is none.
    ///
    /// # Errors
    /// [`ApplicationError::Io`] when it cannot be opened.
    pub fn going_on(dir: &Path) -> Result<Self, ApplicationError> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Self::new(dir);
        }
        let mut book = Self::append(dir)?;
        book.recorded = small_file::read(&path, SMALL_BYTES_MAX)
            .map_err(|error| ApplicationError::io("read", &path, error))?;
        Ok(book)
    }

    /// The file in `dir`, to which later trainings of the same search add; made when there is none.
    ///
    /// # Errors
    /// [`ApplicationError::Io`] when it cannot be opened.
    ///
    /// A last line that was cut while it was written is taken away.
    pub fn append(dir: &Path) -> Result<Self, ApplicationError> {
        disk::create_folders(dir)?;
        let path = dir.join(FILE);
        let failed = |error| ApplicationError::io("open", &path, error);
        let file = std::fs::OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = file.map_err(failed)?;
        let text = small_file::read(&path, SMALL_BYTES_MAX).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        disk::sync_directory(dir)?;
        if whole < text.len() {
            file.set_len(whole as u64).map_err(failed)?;
        }
        Ok(Self { path, file: Some(file), recorded: Vec::new() })
    }

    /// Adds trials; they are on disk when this returns.
    ///
    /// # Errors
    /// [`ApplicationError::Io`] when they cannot be written, [`ApplicationError::Request`] when a search that goes on has
    /// recorded others in their place.
    pub fn add(&mut self, records: &[TrialRecord]) -> Result<(), ApplicationError> {
        let failed = |error| ApplicationError::io("write", &self.path, error);
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        let known = self.recorded.len().min(lines.len());
        let behind = lines.split_off(known);
        if !self.recorded.starts_with(&lines) {
            let path = self.path.display();
            return Err(ApplicationError::Request(format!(
                "write {path}: the trials that lie there are not those of this search; name another directory with \
                 --out DIR"
            )));
        }
        self.recorded.drain(..known);
        if behind.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(made(&self.path)?),
        };
        file.write_all(&behind).and_then(|()| file.sync_data()).map_err(failed)
    }
}

/// A new file, whose name lasts.
fn made(path: &Path) -> Result<std::fs::File, ApplicationError> {
    let dir = path.parent().unwrap_or_else(|| Path::new(""));
    disk::create_folders(dir)?;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let file = file.map_err(|error| ApplicationError::io("write", path, error))?;
    disk::sync_directory(dir)?;
    Ok(file)
}

/// The search recorded beside the run in `run`: in its directory, or in the one around it.
///
/// Every training run counts as a trial; the spread is that of the trials over all tests, or over all training runs
/// where there are no tests. `None` when nothing is recorded there.
///
/// # Errors
/// [`ApplicationError::Request`] for a file that cannot be read as trials.
pub fn search_beside(run: &Path) -> Result<Option<(Search, PathBuf)>, ApplicationError> {
    let around = std::fs::canonicalize(run).ok().and_then(|run| run.parent().map(Path::to_path_buf));
    let places = [Some(run.to_path_buf()), around];
    let found = places.into_iter().flatten().find(|dir| dir.join(FILE).is_file());
    found.map_or(Ok(None), |dir| search_recorded_in(&dir))
}

/// The search recorded in `dir` itself, with the file that holds it.
///
/// # Errors
/// As [`search_beside`].
pub fn search_recorded_in(dir: &Path) -> Result<Option<(Search, PathBuf)>, ApplicationError> {
    let path = dir.join(FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let records = records_in(&path)?;
    // A file that was begun and never filled says nothing of a search.
    let has_trials = records.iter().any(|record| record.part == Part::Train);
    Ok(has_trials.then(|| (search_of(&records), path)))
}

/// The fingerprints of the runs that could be chosen from and were recorded in `dir`.
///
/// # Errors
/// As [`search_beside`].
pub fn heads_in(dir: &Path) -> Result<BTreeSet<String>, ApplicationError> {
    let path = dir.join(FILE);
    let records = if path.is_file() { records_in(&path)? } else { Vec::new() };
    let chosen_from = records.into_iter().filter(|record| record.part == Part::Train);
    Ok(chosen_from.filter_map(|record| record.head).collect())
}

/// The records in the file at `path`. A last line without an end was cut while it was written and is none.
fn records_in(path: &Path) -> Result<Vec<TrialRecord>, ApplicationError> {
    let text = small_file::read_text(path, SMALL_BYTES_MAX)
        .map_err(|error| ApplicationError::io("read", path, error))?;
    let whole = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let mut records: Vec<TrialRecord> = Vec::new();
    for (number, line) in whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let record = serde_json::from_str(line).map_err(|error| {
            let (path, line) = (path.display(), number + 1);
            ApplicationError::Request(format!(
                "read {path} line {line}: not a trial: {error}; repeat the walk-forward"
            ))
        })?;
        records.push(record);
    }
    Ok(records)
}

fn search_of(records: &[TrialRecord]) -> Search {
    let ratios = |part: Part| {
        let of_part = records.iter().filter(move |record| record.part == part);
        let ratios = of_part.map(|record| record.sharpe.unwrap_or(0.0) / 365.0_f64.sqrt());
        let mut ratios: Vec<f64> = ratios.collect();
        // Trials are recorded as they end: their order must not reach the last bit of a sum.
        ratios.sort_by(f64::total_cmp);
        ratios
    };
    let (trained, tested) = (ratios(Part::Train), ratios(Part::AllTests));
    let spread = deviation(if tested.len() >= 2 { &tested } else { &trained });
    let trials = u64::try_from(trained.len()).unwrap_or(u64::MAX);
    Search { trials, sharpe_sd: spread.unwrap_or(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(part: Part, trial: usize, sharpe: f64) -> TrialRecord {
        TrialRecord {
            fold: 1,
            part,
            trial,
            strategy: Map::new(),
            from: "2018-01-01T00:00:00Z".to_owned(),
            to: "2019-01-01T00:00:00Z".to_owned(),
            days: 365,
            sharpe: Some(sharpe),
            cagr_pct: None,
            max_drawdown_pct: None,
            trades: None,
            head: None,
        }
    }

    #[test]
    fn what_is_written_is_counted_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let mut book = TrialBook::new(dir.path()).unwrap();
        let year = 365.0_f64.sqrt();
        book.add(&[record(Part::Train, 1, 2.0), record(Part::Train, 2, 1.0), record(Part::Train, 3, 1.0)])
            .unwrap();
        book.add(&[record(Part::AllTests, 1, 1.0 * year), record(Part::AllTests, 2, 3.0 * year)]).unwrap();
        let (search, path) = search_beside(dir.path()).unwrap().unwrap();
        assert_eq!((search.trials, path), (3, dir.path().join(FILE)));
        assert!((search.sharpe_sd - 2.0_f64.sqrt()).abs() < 1e-12);
        let run = dir.path().join("run");
        std::fs::create_dir(&run).unwrap();
        assert_eq!(search_beside(&run).unwrap().unwrap().0, search, "a run finds the trials around it");
        assert!(TrialBook::new(dir.path()).unwrap_err().to_string().contains("--out"));
    }

    #[test]
    fn a_search_that_goes_on_meets_its_trials_again_and_writes_only_what_is_new() {
        let dir = tempfile::tempdir().unwrap();
        let trials = [1.5, 0.1 + 0.2, -0.0].map(|sharpe| record(Part::Train, 1, sharpe));
        let path = dir.path().join(FILE);
        let mut book = TrialBook::going_on(dir.path()).unwrap();
        book.add(&trials).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut book = TrialBook::going_on(dir.path()).unwrap();
            book.add(&trials[..1]).unwrap();
            book.add(&trials[1..]).unwrap();
            assert!(std::fs::read(&path).unwrap() == whole, "cut at {cut}");
        }
        let mut other = TrialBook::going_on(dir.path()).unwrap();
        let refused = other.add(&[record(Part::Train, 1, 1.25)]).unwrap_err().to_string();
        assert!(refused.contains("not those of this search") && refused.contains("--out"), "{refused}");
        assert!(std::fs::read(&path).unwrap() == whole, "and nothing was written");
    }

    #[test]
    fn what_is_no_trial_is_named_by_its_line() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(search_beside(dir.path()).unwrap(), None);
        std::fs::write(dir.path().join(FILE), "\n{\"fold\": 1}\n").unwrap();
        let error = search_beside(dir.path()).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.lines().count() == 1, "{error}");
    }
}
