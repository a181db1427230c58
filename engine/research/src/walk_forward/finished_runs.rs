//! The finished runs of a walk-forward, kept as they end, so that one that was stopped goes on behind them.
//!
//! ```text
//! first line   what the runs are of: engine, settings and data, by their fingerprints
//! each more    one run: fold, part, trial and what it came to, with a seal over it and the first line
//! ```
//!
//! Daily returns are kept by their bits. What follows a line that is not whole is as if it had not been written: those runs
//! are made again. One process at a time has the file.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use engine_application::wiring::error::ApplicationError;
use engine_core::halt::HaltReason;
use engine_core::time::Timestamp;
use journal_store::disk;
use replay_statistics::significance::path::PathFigures;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::identity::WalkIdentity;
use crate::trial_runner::Ran;

/// The file beside the trials; it goes when the result has been written.
pub(super) const FILE: &str = "finished-runs.jsonl";

/// What part of a fold a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RunPart {
    /// A trial over the training span.
    Train,
    /// A trial over the test span.
    Test,
    /// Buying and holding over the test span; its trial is 0.
    Holding,
}

/// Which run of a walk-forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct RunPlace {
    /// The fold, counted from 1.
    pub(super) fold: usize,
    /// The part of it.
    pub(super) part: RunPart,
    /// The trial, counted from 1.
    pub(super) trial: usize,
}

/// A run as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct KeptRun {
    place: RunPlace,
    /// The bits of each daily return, sixteen hexadecimal digits a day.
    returns: String,
    trades: usize,
    head: String,
    /// As JSON text: amounts of 128 bits are read back from nothing else.
    halts: Box<RawValue>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    run: Box<RawValue>,
    seal: String,
}

/// The file of finished runs, and those of it that have not been taken.
#[derive(Debug)]
pub(super) struct FinishedRuns {
    path: PathBuf,
    first_line: String,
    known: BTreeMap<RunPlace, Ran>,
    /// None before the first run has ended.
    file: Mutex<Option<File>>,
}

impl FinishedRuns {
    /// The runs kept in `dir` by a walk-forward that is `identity`; none where there is no file. Nothing is made on disk.
    ///
    /// # Errors
    /// [`ApplicationError::Request`] when they are those of another walk-forward, or one is at work there.
    pub(super) fn open(dir: &Path, identity: &WalkIdentity) -> Result<Self, ApplicationError> {
        let path = dir.join(FILE);
        let failed = |error: std::io::Error| ApplicationError::io("read", &path, error);
        let first_line = serde_json::to_string(identity).map_err(|error| failed(error.into()))?;
        let mut found =
            Self { path: path.clone(), first_line, known: BTreeMap::new(), file: Mutex::new(None) };
        let file = match std::fs::OpenOptions::new().read(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(failed(error)),
        };
        locked(&file, dir)?;
        let sound = found.read(&file, dir, identity)?;
        file.set_len(sound).map_err(failed)?;
        if sound > 0 {
            found.file = Mutex::new(Some(file));
        }
        Ok(found)
    }

    /// Reads the lines that are whole; answers their bytes.
    fn read(&mut self, file: &File, dir: &Path, identity: &WalkIdentity) -> Result<u64, ApplicationError> {
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        let mut sound = 0_u64;
        loop {
            line.clear();
            let bytes = reader.read_until(b'\n', &mut line);
            let bytes = bytes.map_err(|error| ApplicationError::io("read", &self.path, error))?;
            let Some(text) = line.strip_suffix(b"\n").and_then(|text| str::from_utf8(text).ok()) else {
                return Ok(sound);
            };
            if sound == 0 {
                let Ok(kept) = serde_json::from_str::<WalkIdentity>(text) else { return Ok(0) };
                identity.require_same(&kept, dir)?;
            } else {
                let Some((place, ran)) = self.parsed(text) else { return Ok(sound) };
                self.known.insert(place, ran);
            }
            sound = sound.saturating_add(bytes as u64);
        }
    }

    fn parsed(&self, text: &str) -> Option<(RunPlace, Ran)> {
        let line: Line = serde_json::from_str(text).ok()?;
        if line.seal != self.seal(line.run.get()) {
            return None;
        }
        let KeptRun { place, returns, trades, head, halts } = serde_json::from_str(line.run.get()).ok()?;
        let halts: Vec<(Timestamp, HaltReason)> = serde_json::from_str(halts.get()).ok()?;
        let returns = returns_of(&returns)?;
        let figures = PathFigures::of(returns.iter().copied());
        Some((place, Ran { returns, figures, trades, halts, head }))
    }

    /// Ties a line to the first one, so that no run of another walk-forward passes for one of this.
    fn seal(&self, run: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.first_line.as_bytes()).update(run.as_bytes());
        hasher.finalize().to_hex().chars().take(16).collect()
    }

    /// How many runs are known and not taken.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether a run of this walk-forward has ended before.
    pub(super) fn has_begun(&self) -> bool {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The first known run, by its place.
    pub(super) fn first(&self) -> Option<(RunPlace, &Ran)> {
        self.known.first_key_value().map(|(place, ran)| (*place, ran))
    }

    /// Whether the run at `place` is known.
    pub(super) fn knows(&self, place: RunPlace) -> bool {
        self.known.contains_key(&place)
    }

    /// Takes the run at `place`, if it is known.
    pub(super) fn take(&mut self, place: RunPlace) -> Option<Ran> {
        self.known.remove(&place)
    }

    /// Keeps a run that has ended. It lasts by the next [`FinishedRuns::sync`].
    pub(super) fn keep(&self, place: RunPlace, ran: &Ran) -> Result<(), ApplicationError> {
        let failed = |error: std::io::Error| ApplicationError::io("write", &self.path, error);
        let raw = |text: serde_json::Result<Box<RawValue>>| text.map_err(|error| failed(error.into()));
        let halts = raw(serde_json::value::to_raw_value(&ran.halts))?;
        let (returns, head) = (text_of(&ran.returns), ran.head.clone());
        let kept = KeptRun { place, returns, trades: ran.trades, head, halts };
        let run = raw(serde_json::value::to_raw_value(&kept))?;
        let line = Line { seal: self.seal(run.get()), run };
        let mut text = serde_json::to_string(&line).map_err(|error| failed(error.into()))?;
        text.push('\n');
        // The file stays sound whatever another thread did with it: it has whole lines.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *file {
            Some(file) => file,
            none => none.insert(self.begun()?),
        };
        file.write_all(text.as_bytes()).map_err(failed)
    }

    /// A new file with its first line, whose name lasts.
    fn begun(&self) -> Result<File, ApplicationError> {
        let failed = |error: std::io::Error| ApplicationError::io("write", &self.path, error);
        let dir = self.path.parent().unwrap_or_else(|| Path::new(""));
        disk::create_folders(dir)?;
        let file = std::fs::OpenOptions::new().read(true).append(true).create(true).open(&self.path);
        let mut file = file.map_err(failed)?;
        locked(&file, dir)?;
        file.set_len(0).map_err(failed)?;
        file.write_all(format!("{}\n", self.first_line).as_bytes()).map_err(failed)?;
        disk::sync_directory(dir)?;
        Ok(file)
    }

    /// Makes everything kept so far last.
    pub(super) fn sync(&self) -> Result<(), ApplicationError> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let synced = file.as_ref().map_or(Ok(()), File::sync_data);
        synced.map_err(|error| ApplicationError::io("sync", &self.path, error))
    }
}

/// Removes the runs kept in `dir`, if there are any.
pub(super) fn remove(dir: &Path) -> Result<(), ApplicationError> {
    let path = dir.join(FILE);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(ApplicationError::io("remove", &path, error))
        }
        _ => Ok(()),
    }
}

fn locked(file: &File, dir: &Path) -> Result<(), ApplicationError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(ApplicationError::Request(format!(
            "write to {}: another walk-forward is at work there; name another directory with --out DIR",
            dir.display()
        ))),
        Err(TryLockError::Error(error)) => Err(ApplicationError::io("lock", &dir.join(FILE), error)),
    }
}

fn text_of(returns: &[f64]) -> String {
    returns.iter().map(|value| format!("{:016x}", value.to_bits())).collect()
}

fn returns_of(text: &str) -> Option<Vec<f64>> {
    let bits = |digits: &[u8]| u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
    let (whole, rest) = text.as_bytes().as_chunks::<16>();
    rest.is_empty().then(|| whole.iter().map(|digits| bits(digits).map(f64::from_bits)).collect())?
}

#[cfg(test)]
mod tests {
    use engine_core::refusal::Breach;

    use super::*;

    fn identity(settings: &str) -> WalkIdentity {
        let [engine, settings, data] = ["0.1.0", settings, "data"].map(str::to_owned);
        WalkIdentity { engine, settings, data }
    }

    fn place(trial: usize) -> RunPlace {
        RunPlace { fold: 1, part: RunPart::Train, trial }
    }

    fn ran(trial: usize) -> Ran {
        let returns = vec![0.1 + 0.2, -0.0, f64::MIN_POSITIVE / 3.0, 1.0 / 3.0 + trial as f64];
        let breach = Breach { limit: i128::MAX, observed: i128::MIN };
        let halts = vec![(Timestamp::from_nanos(7), HaltReason::Drawdown(breach))];
        let figures = PathFigures::of(returns.iter().copied());
        Ran { returns, figures, trades: trial, halts, head: format!("{trial:064x}") }
    }

    #[test]
    fn runs_come_back_bit_for_bit_and_only_to_the_walk_they_are_of() {
        let dir = tempfile::tempdir().unwrap();
        let finished = FinishedRuns::open(dir.path(), &identity("a")).unwrap();
        assert!(!finished.has_begun() && std::fs::read_dir(dir.path()).unwrap().next().is_none());
        (1..=3).for_each(|trial| finished.keep(place(trial), &ran(trial)).unwrap());
        let busy = FinishedRuns::open(dir.path(), &identity("a")).unwrap_err().to_string();
        assert!(busy.contains("at work there"), "{busy}");
        drop(finished);
        let mut again = FinishedRuns::open(dir.path(), &identity("a")).unwrap();
        assert_eq!((again.len(), again.first().map(|(place, _)| place)), (3, Some(place(1))));
        for trial in 1..=3 {
            let back = again.take(place(trial)).unwrap();
            let bits = |ran: &Ran| ran.returns.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!((bits(&back), &back), (bits(&ran(trial)), &ran(trial)));
        }
        drop(again);
        let other = FinishedRuns::open(dir.path(), &identity("b")).unwrap_err().to_string();
        assert!(other.contains("another configuration") && other.contains("--out"), "{other}");
    }

    #[test]
    fn whatever_a_kill_or_a_damage_leaves_the_runs_before_it_are_known() {
        let dir = tempfile::tempdir().unwrap();
        let finished = FinishedRuns::open(dir.path(), &identity("a")).unwrap();
        (1..=3).for_each(|trial| finished.keep(place(trial), &ran(trial)).unwrap());
        drop(finished);
        let path = dir.path().join(FILE);
        let whole = std::fs::read(&path).unwrap();
        let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
        let before = |at: usize| ends.iter().filter(|end| **end < at).count().saturating_sub(1);
        for at in 0..whole.len() {
            std::fs::write(&path, &whole[..at]).unwrap();
            let cut = FinishedRuns::open(dir.path(), &identity("a")).unwrap();
            assert_eq!(cut.len(), before(at), "cut at {at}");
        }
        for at in ends[0] + 1..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            std::fs::write(&path, &damaged).unwrap();
            let found = FinishedRuns::open(dir.path(), &identity("a")).unwrap();
            assert_eq!(found.len(), before(at), "damaged at {at}");
            found.keep(place(9), &ran(9)).unwrap();
            drop(found);
            let mended = FinishedRuns::open(dir.path(), &identity("a")).unwrap();
            assert!(mended.knows(place(9)) && mended.len() == before(at) + 1, "mended at {at}");
        }
    }
}
