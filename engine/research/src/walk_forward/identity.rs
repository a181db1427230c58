//! What the runs of a walk-forward are made of: equal identities, equal runs.

use std::path::Path;

use engine_application::config::{Available, WalkForward, resolve};
use engine_application::wiring::error::ApplicationError;
use engine_core::event::DatasetRef;
use replay_simulation::backtest::ENGINE_VERSION;
use replay_statistics::walk_forward::fold::Fold;
use serde::{Deserialize, Serialize};

/// The engine, the settings of every run with its span, and the records they read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WalkIdentity {
    /// Version of the engine.
    pub(super) engine: String,
    /// BLAKE3 of the folds and of the settings of each trial and of holding.
    pub(super) settings: String,
    /// BLAKE3 of the names, counts and digests of the series.
    pub(super) data: String,
}

impl WalkIdentity {
    /// That of `walk` over `folds` of `data`.
    ///
    /// # Errors
    /// [`ApplicationError::Resolve`] when the settings of a trial and the data do not fit together.
    pub(super) fn of(
        walk: &WalkForward,
        folds: &[Fold],
        available: &[Available],
        data: &[DatasetRef],
    ) -> Result<Self, ApplicationError> {
        let mut settings = blake3::Hasher::new();
        let mut add = |text: &str| {
            settings.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        };
        for Fold { number, train, test } in folds {
            let moments = [train.from, train.to, test.from, test.to].map(|moment| moment.nanos().to_string());
            add(&format!("fold {number} {}", moments.join(" ")));
        }
        for trial in &walk.trials {
            let values = serde_json::to_string(&trial.values).unwrap_or_default();
            add(&values);
            add(&resolve(&trial.settings, available)?.config_json);
        }
        add(&resolve(&walk.holding, available)?.config_json);
        let settings = settings.finalize().to_hex().to_string();
        let mut records = blake3::Hasher::new();
        for DatasetRef { name, count, digest, first, last } in data {
            records.update(format!("{name} {count} {first} {last} ").as_bytes()).update(digest);
        }
        let data = records.finalize().to_hex().to_string();
        Ok(Self { engine: ENGINE_VERSION.to_owned(), settings, data })
    }

    /// Refuses runs that were `kept` in `dir` by another walk-forward, saying what is other about it.
    ///
    /// # Errors
    /// [`ApplicationError::Request`].
    pub(super) fn require_same(&self, kept: &Self, dir: &Path) -> Result<(), ApplicationError> {
        let other = if self.engine != kept.engine {
            "another version of the engine"
        } else if self.settings != kept.settings {
            "another configuration"
        } else if self.data != kept.data {
            "other data"
        } else {
            return Ok(());
        };
        Err(ApplicationError::Request(format!(
            "go on in {}: the runs that are kept there are of {other}; name another directory with --out DIR",
            dir.display()
        )))
    }
}
