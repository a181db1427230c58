//! Why what was asked for could not be done.

use std::path::Path;

use engine_runtime::ports::JournalError;
use engine_runtime::runner::RunError;
use engine_venues::market_venue::VenueError;
use journal_store::dataset::DatasetError;
use models_inference::model::ModelError;
use replay_export::ExportError;
use replay_history::import::ImportError;
use replay_replayer::ReplayError;
use replay_simulation::backtest::counts::RunCounts;
use replay_simulation::series_feed::DataError;
use strategies::settings::SettingError;

use super::halt::halt_words;
use crate::config::{Assignment, ConfigError, ResolveError};
use crate::moment::moment_text;

/// Why what was asked for could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Configuration and data do not fit together.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A dataset cannot be used.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Market data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A run cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A recorded run cannot be played again.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A run ended early; what it recorded stays and says that it is incomplete.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The operator ended a work early.
    #[error("interrupted: {kept}")]
    Interrupted {
        /// What of it is kept and how to go on.
        kept: String,
    },
    /// An amount of a run did not fit, so that its figures are no result.
    #[error("the run was halted at {at}: {what}; what it earned is not known: trade a smaller size")]
    AmountTooLarge {
        /// When.
        at: String,
        /// What did not fit.
        what: String,
    },
    /// A model or ONNX Runtime cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A venue cannot be used.
    #[error(transparent)]
    Venue(#[from] VenueError),
    /// Rows cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// An export stopped.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A recorded configuration cannot be read by this version.
    #[error("read the configuration in the manifest of {run}: {reason}; use the version that made it")]
    Manifest {
        /// The run.
        run: String,
        /// What is wrong.
        reason: String,
    },
    /// Something was asked for that cannot be.
    #[error("{0}")]
    Request(String),
    /// The operating system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried, as in `write`.
        action: &'static str,
        /// On what.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// What an error says, whose parts may stand on lines of their own, as one line.
#[must_use]
pub fn one_line(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

impl ApplicationError {
    /// The operating system refused `action` on `path`.
    #[must_use]
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.display().to_string(), source }
    }

    /// Nothing, or that an amount of a run did not fit.
    ///
    /// # Errors
    /// [`ApplicationError::AmountTooLarge`] for a run that was halted for one.
    pub fn unless_all_fits(counts: &RunCounts) -> Result<(), Self> {
        match counts.too_large() {
            None => Ok(()),
            Some((at, reason)) => {
                Err(Self::AmountTooLarge { at: moment_text(at), what: halt_words(&reason) })
            }
        }
    }

    /// The setting it is about, if it is about one.
    #[must_use]
    pub fn setting(&self) -> Option<&SettingError> {
        if let Self::Resolve(ResolveError::Setting(error)) = self {
            return Some(error);
        }
        let Self::Config(ConfigError::Setting { error, .. } | ConfigError::Assigned { error, .. }) = self
        else {
            return None;
        };
        Some(error)
    }

    /// Reads a recorded configuration: what cannot be read there is the manifest's fault. A file that it names is not.
    #[must_use]
    pub fn manifest(run: &Path, error: &SettingError) -> Self {
        if let SettingError::File { file, reason, .. } = error {
            let run = run.display();
            return Self::Request(format!("read {file}, which {run} was made from: {reason}"));
        }
        Self::Manifest { run: run.display().to_string(), reason: error.to_string() }
    }

    /// Names the assignment, or the line of the configuration `name` with this text, of a setting that does not suit the
    /// data.
    #[must_use]
    pub fn in_config(self, name: &str, text: &str, assignments: &[Assignment]) -> Self {
        if let Self::Resolve(ResolveError::Setting(error)) = self {
            return Self::Config(ConfigError::in_text(name, text, assignments, error));
        }
        self
    }

    /// Names the file and line of a setting that does not suit the data.
    #[must_use]
    pub fn in_config_file(self, config: &Path) -> Self {
        if let Self::Resolve(ResolveError::Setting(error)) = self {
            return Self::Config(ConfigError::in_file(config, error));
        }
        self
    }
}
