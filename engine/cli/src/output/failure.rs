//! How a command ends when it does not end well.

use std::path::Path;

use engine_runtime::ports::{EnvironmentError, JournalError};
use engine_runtime::runner::RunError;
use journal_store::dataset::DatasetError;
use models_inference::model::ModelError;
use replay_export::ExportError;
use replay_history::import::ImportError;
use replay_replayer::ReplayError;
use replay_simulation::series_feed::DataError;
use serde_json::{Value, json};
use strategies::settings::SettingError;

use crate::signals;
use engine_application::config::{ConfigError, ResolveError};
use engine_application::wiring::error::{ApplicationError, one_line};

/// What a command that ran has to say about what it looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to complain about; exit code 0.
    Fine,
    /// A difference, damage or a violation; exit code 1.
    Finding,
    /// The operator ended the work early, and what was done of it has been told; exit code 130 or 143.
    Interrupted,
    /// An answer of many rows could not be brought to its end, and has said why behind those it has; exit code 2.
    BrokenOff,
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
    /// What was asked for could not be done.
    #[error(transparent)]
    Application(#[from] ApplicationError),
    /// Files cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// An export stopped.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A network cannot be trained.
    #[cfg(feature = "training")]
    #[error(transparent)]
    Train(#[from] models_training::error::TrainError),
    /// The program itself failed; the line before says where.
    #[error(
        "this is a bug in the program, and nothing it says about the data can be relied on; please report it"
    )]
    Bug,
    /// Standard output was closed.
    #[error("write to standard output: {0}")]
    Output(#[from] std::io::Error),
}

macro_rules! from_application {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Application(error.into())
            }
        }
    )*};
}

from_application!(
    ConfigError,
    ResolveError,
    DatasetError,
    DataError,
    JournalError,
    ReplayError,
    RunError,
    ModelError
);

impl Failure {
    /// The command line asks for something that cannot be; `line` says what, where and what to do.
    #[must_use]
    pub const fn request(line: String) -> Self {
        Self::Application(ApplicationError::Request(line))
    }

    /// The operator ended the work; `kept` says what of it is kept and how to go on.
    #[must_use]
    pub const fn interrupted(kept: String) -> Self {
        Self::Application(ApplicationError::Interrupted { kept })
    }

    /// The operating system refused `action` on `path`.
    #[must_use]
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Application(ApplicationError::io(action, path, source))
    }

    /// Whether the operator ended the command early.
    #[must_use]
    const fn is_interruption(&self) -> bool {
        matches!(
            self,
            Self::Application(
                ApplicationError::Interrupted { .. }
                    | ApplicationError::Import(ImportError::Interrupted { .. })
            ) | Self::Import(ImportError::Interrupted { .. })
        )
    }

    /// What an answer that is being written ends with: nothing where all of it was `told`, else why not, which comes back as an
    /// error where nothing more can be written.
    ///
    /// # Errors
    /// The failure of standard output.
    pub fn behind_rows(told: Result<(), Self>) -> Result<Option<Self>, Self> {
        match told {
            Ok(()) => Ok(None),
            Err(failure @ Self::Output(_)) => Err(failure),
            Err(failure) => Ok(Some(failure)),
        }
    }

    /// Whether the reader of standard output went away, which is no failure.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Output(error)
            | Self::Export(ExportError::Write(error))
            | Self::Application(ApplicationError::Export(ExportError::Write(error))) => {
                error.kind() == std::io::ErrorKind::BrokenPipe
            }
            Self::Application(_) | Self::Import(_) | Self::Export(_) | Self::Bug => false,
            #[cfg(feature = "training")]
            Self::Train(_) => false,
        }
    }

    /// The exit code of the program: 2, or what the signal says that ended it early.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.is_interruption() { signals::exit_code() } else { 2 }
    }

    /// What, where and what to do, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        one_line(self)
    }

    /// The text that a setting is wrong in, with a caret below the place; `None` for other failures.
    #[must_use]
    pub fn excerpt(&self) -> Option<String> {
        let Self::Application(error) = self else { return None };
        error.setting().and_then(SettingError::excerpt)
    }

    /// The failure as a JSON document.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({ "error": { "kind": self.kind(), "message": self.line(), "exit_code": self.exit_code() } })
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Application(error) => application_kind(error),
            Self::Import(ImportError::Interrupted { .. }) => "interrupted",
            Self::Import(_) => "import",
            Self::Export(_) => "export",
            #[cfg(feature = "training")]
            Self::Train(_) => "training",
            Self::Bug => "bug",
            Self::Output(_) => "io",
        }
    }
}

const fn application_kind(error: &ApplicationError) -> &'static str {
    use ApplicationError as Error;
    match error {
        Error::Config(_) | Error::Resolve(_) => "configuration",
        Error::Dataset(DatasetError::Journal(error)) | Error::Journal(error) => journal_kind(error),
        Error::Dataset(_) | Error::Data(_) => "data",
        Error::Replay(_) => "replay",
        Error::Run(RunError::Journal(error)) => journal_kind(error),
        Error::Run(RunError::Environment(EnvironmentError::SourceBroken { .. })) => "data",
        Error::Run(RunError::Environment(EnvironmentError::AccountNotTaken { .. })) | Error::Venue(_) => {
            "venue"
        }
        Error::Interrupted { .. } | Error::Import(ImportError::Interrupted { .. }) => "interrupted",
        Error::Import(_) => "import",
        Error::AmountTooLarge { .. } => "amount_too_large",
        Error::Model(_) => "model",
        Error::Export(_) => "export",
        Error::Manifest { .. } => "manifest",
        Error::Request(_) => "request",
        Error::Io { .. } => "io",
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
        JournalError::Dropped { .. } => "dropped",
        JournalError::UnknownSchema { .. } => "unknown_schema",
        JournalError::Io { .. } => "io",
        JournalError::Store { .. } => "store",
    }
}
