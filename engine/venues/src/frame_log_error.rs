//! Why frames cannot be recorded, or a recording not be read.

use std::path::Path;

/// What is wrong with a log of frames, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum FrameLogError {
    /// Another recorder writes into the directory.
    #[error("record into {dir}: another recorder writes there; end it, or name another directory")]
    Locked {
        /// The directory.
        dir: String,
    },
    /// The directory holds the frames of another venue.
    #[error("record frames of {asked} into {dir}: it holds frames of {venue}; name another directory")]
    OtherVenue {
        /// The directory.
        dir: String,
        /// Whose frames it holds.
        venue: String,
        /// Whose were to be added.
        asked: String,
    },
    /// A directory without a recording.
    #[error("{dir} holds no recorded frames (files named frames-NUMBER-DAY.jsonl.zst)")]
    NoLog {
        /// The directory.
        dir: String,
    },
    /// A file that is no recording, or one of another layout.
    #[error("{file}: it is no recording of frames: {reason}")]
    Foreign {
        /// The file.
        file: String,
        /// What it is instead.
        reason: String,
    },
    /// A file that was changed since it was written; a torn end is no such thing.
    #[error("{file}: damaged at byte {byte}: {reason}; fetch another copy, or leave the file out")]
    Damaged {
        /// The file.
        file: String,
        /// Where the block begins that cannot be read.
        byte: u64,
        /// What is wrong.
        reason: String,
    },
    /// A line that is no frame.
    #[error("{file}, line {line}: {reason}")]
    Line {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The operating system refused.
    #[error("{action} {path}: {source}{}", advice(source))]
    Io {
        /// What was tried, as in `write`.
        action: &'static str,
        /// On what.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// What to do about a full disk.
fn advice(error: &std::io::Error) -> &'static str {
    let is_full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    if is_full {
        "; what was recorded before is whole: free space and begin again, or name another directory"
    } else {
        ""
    }
}

impl FrameLogError {
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.display().to_string(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_what_is_left_and_what_to_do() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let words = FrameLogError::io("write", Path::new("f"), full).to_string();
        assert!(words.starts_with("write f: ") && words.contains("free space"), "{words}");
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert!(!FrameLogError::io("write", Path::new("f"), denied).to_string().contains("free space"));
    }
}
