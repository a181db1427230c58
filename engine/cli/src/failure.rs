//! How a command ends when it does not end well.

use std::path::Path;

use engine_runtime::ports::{EnvironmentError, JournalError};
use engine_runtime::runner::RunError;
use journal_store::dataset::DatasetError;
use models_inference::model::ModelError;
use replay_export::ExportError;
use replay_history::import::ImportError;
use replay_replayer::ReplayError;
use replay_simulation::backtest::counts::RunCounts;
use replay_simulation::series_feed::DataError;
use serde_json::{Value, json};
use strategies::settings::SettingError;

use crate::config::{ConfigError, ResolveError};
use crate::moment::moment_text;
use crate::render::halt_words;

/// What a command that ran has to say about what it looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to complain about; exit code 0.
    Fine,
    /// A difference, damage or a violation; exit code 1.
    Finding,
}

impl Verdict {
    /// A finding when `found`, else fine.
    #[must_use]
    pub const fn finding_if(found: bool) -> Self {
        if found { Self::Finding } else { Self::Fine }
    }
}

/// Why a command could not run; exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
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
    /// Files cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A recorded run cannot be played again.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A run ended early; what it recorded stays and says that it is incomplete.
    #[error(transparent)]
    Run(#[from] RunError),
    /// An amount of a run did not fit, so that its figures are no result.
    #[error("the run was halted at {at}: {what}; what it earned is not known: trade a smaller size")]
    AmountTooLarge {
        /// When.
        at: String,
        /// What did not fit.
        what: String,
    },
    /// An export stopped.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A model or ONNX Runtime cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A recorded configuration cannot be read by this version.
    #[error("read the configuration in the manifest of {run}: {reason}; use the version that made it")]
    Manifest {
        /// The run.
        run: String,
        /// What is wrong.
        reason: String,
    },
    /// A network cannot be trained.
    #[cfg(feature = "training")]
    #[error(transparent)]
    Train(#[from] models_training::error::TrainError),
    /// The command line asks for something that cannot be.
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
    /// The program itself failed; the line before says where.
    #[error(
        "this is a bug in the program, and nothing it says about the data can be relied on; please report it"
    )]
    Bug,
    /// Standard output was closed.
    #[error("write to standard output: {0}")]
    Output(#[from] std::io::Error),
}

impl Failure {
    /// The operating system refused `action` on `path`.
    #[must_use]
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.display().to_string(), source }
    }

    /// Nothing, or that an amount of a run did not fit.
    ///
    /// # Errors
    /// [`Failure::AmountTooLarge`] for a run that was halted for one.
    pub fn unless_all_fits(counts: &RunCounts) -> Result<(), Self> {
        match counts.too_large() {
            None => Ok(()),
            Some((at, reason)) => {
                Err(Self::AmountTooLarge { at: moment_text(at), what: halt_words(&reason) })
            }
        }
    }

    /// Reads a recorded configuration: what cannot be read there is the manifest's fault.
    #[must_use]
    pub fn manifest(run: &Path, error: &SettingError) -> Self {
        Self::Manifest { run: run.display().to_string(), reason: error.to_string() }
    }

    /// Whether the reader of standard output went away, which is no failure.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Output(error) | Self::Export(ExportError::Write(error)) => {
                error.kind() == std::io::ErrorKind::BrokenPipe
            }
            Self::Config(_)
            | Self::Resolve(_)
            | Self::Dataset(_)
            | Self::Data(_)
            | Self::Journal(_)
            | Self::Import(_)
            | Self::Replay(_)
            | Self::Run(_)
            | Self::AmountTooLarge { .. }
            | Self::Export(_)
            | Self::Model(_)
            | Self::Manifest { .. }
            | Self::Request(_)
            | Self::Bug
            | Self::Io { .. } => false,
            #[cfg(feature = "training")]
            Self::Train(_) => false,
        }
    }

    /// What, where and what to do, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let text = self.to_string();
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
    }

    /// The failure as a JSON document.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({ "error": { "kind": self.kind(), "message": self.line(), "exit_code": 2 } })
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Config(_) | Self::Resolve(_) => "configuration",
            Self::Dataset(DatasetError::Journal(error)) | Self::Journal(error) => journal_kind(error),
            Self::Dataset(_) | Self::Data(_) => "data",
            Self::Import(_) => "import",
            Self::Replay(_) => "replay",
            Self::Export(_) => "export",
            Self::Run(RunError::Journal(error)) => journal_kind(error),
            Self::Run(RunError::Environment(EnvironmentError::SourceBroken { .. })) => "data",
            Self::AmountTooLarge { .. } => "amount_too_large",
            Self::Model(_) => "model",
            Self::Manifest { .. } => "manifest",
            #[cfg(feature = "training")]
            Self::Train(_) => "training",
            Self::Request(_) => "request",
            Self::Bug => "bug",
            Self::Io { .. } | Self::Output(_) => "io",
        }
    }
}

const fn journal_kind(error: &JournalError) -> &'static str {
    match error {
        JournalError::Poisoned { .. } => "poisoned",
        JournalError::DiskFull => "disk_full",
        JournalError::Locked { .. } => "locked",
        JournalError::NotAJournal { .. } => "not_a_journal",
        JournalError::Exists { .. } => "exists",
        JournalError::Damaged { .. } => "damaged",
        JournalError::UnknownSchema { .. } => "unknown_schema",
        JournalError::Io { .. } => "io",
        JournalError::Store { .. } => "store",
    }
}
