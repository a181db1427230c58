//! Why a training cannot be done.

use std::path::{Path, PathBuf};

/// Why a training cannot be done; named by what to do next.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file cannot be read as what it should be. Correct it or name another.
    #[error("read {path}: {reason}")]
    BadInput {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the place.
        reason: String,
    },
    /// There is not enough to learn from or to be judged on. Give more or longer datasets.
    #[error("train: {0}")]
    TooLittle(String),
    /// Training left the realm of numbers. Lower the learning rate.
    #[error("train: {0} is not finite; the training diverged")]
    Diverged(String),
    /// The operating system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried, as in `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The card of the model contradicts itself or cannot be written.
    #[error(transparent)]
    Card(#[from] models_inference::card::CardError),
}

impl TrainError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
