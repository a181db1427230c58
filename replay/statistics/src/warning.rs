//! A reason to doubt a result.

/// One reason for doubt.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Warning {
    /// A name for programs, as in `few_trades`.
    pub code: &'static str,
    /// The doubt in words.
    pub message: String,
}
