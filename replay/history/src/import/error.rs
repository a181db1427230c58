//! What can go wrong with files from outside, named by what the operator does next.

use std::path::Path;

use journal_store::dataset::DatasetError;

/// Why an import stored nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// One row cannot be what it should be. Repair or remove it.
    #[error("{file}, row {row}: {reason}")]
    BadRow {
        /// File, and member of an archive.
        file: String,
        /// Line in the file counted from 1, the header included.
        row: u64,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A file as a whole cannot be used. Fetch it again or choose another.
    #[error("{file}: {reason}")]
    BadFile {
        /// File, and member of an archive.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The options do not fit together or do not fit the files. Change them.
    #[error("{reason}")]
    BadRequest {
        /// What is wrong and what to do.
        reason: String,
    },
    /// A strict import found something to complain about.
    #[error("strict import refused {}; repair the files or import without strict", .violations.join("; "))]
    NotClean {
        /// Every kind of violation with its count and first place.
        violations: Vec<String>,
    },
    /// The operating system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried, as in `open`.
        action: &'static str,
        /// On what.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The operator ended the import. Repeat it, and it goes on behind what is kept.
    #[error("{}", interrupted_words(series, *kept))]
    Interrupted {
        /// The series.
        series: String,
        /// Records that are kept for when it is repeated.
        kept: u64,
    },
    /// The dataset cannot be opened, read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

fn interrupted_words(series: &str, kept: u64) -> String {
    match kept {
        0 => format!(
            "interrupted: this import added nothing to {series}, and what was stored before is as it was"
        ),
        _ => format!(
            "interrupted: {kept} records of {series} are kept and nobody reads them yet; repeat the same import, and it \
             goes on behind them, or begins anew where the files are read otherwise than at first"
        ),
    }
}

impl ImportError {
    pub(crate) fn request(reason: impl Into<String>) -> Self {
        Self::BadRequest { reason: reason.into() }
    }

    pub(crate) fn file(file: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadFile { file: file.into(), reason: reason.into() }
    }

    pub(crate) fn row(file: impl Into<String>, row: u64, reason: impl Into<String>) -> Self {
        Self::BadRow { file: file.into(), row, reason: reason.into() }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.display().to_string(), source }
    }
}
