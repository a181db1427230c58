//! Why a frame or an answer cannot be read.

use crate::decimal::NumberError;
use crate::venue_time::TimeError;

/// A frame that is not what the venue's documents say; it is counted, kept in the recording and passed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It is not JSON, or not of the documented shape.
    #[error("read a {message}: {reason}")]
    Json {
        /// What was being read.
        message: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
    /// A field that the meaning hangs on is absent or null.
    #[error("read a {message}: its field {field} is missing")]
    Missing {
        /// What was being read.
        message: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field holds no number we can use.
    #[error("read a {message}: its field {field}: {source}")]
    Number {
        /// What was being read.
        message: &'static str,
        /// The field.
        field: &'static str,
        /// What is wrong.
        source: NumberError,
    },
    /// A field holds no time.
    #[error("read a {message}: its field {field}: {source}")]
    Time {
        /// What was being read.
        message: &'static str,
        /// The field.
        field: &'static str,
        /// What is wrong.
        source: TimeError,
    },
    /// A field holds no number of a trade, an update or a count.
    #[error("read a {message}: its field {field}: {text:?} is not a whole number of 64 bits")]
    Whole {
        /// What was being read.
        message: &'static str,
        /// The field.
        field: &'static str,
        /// What it holds.
        text: String,
    },
    /// A field holds none of the words it may hold.
    #[error("read a {message}: its field {field} says {text:?}")]
    Word {
        /// What was being read.
        message: &'static str,
        /// The field.
        field: &'static str,
        /// What it holds.
        text: String,
    },
}
