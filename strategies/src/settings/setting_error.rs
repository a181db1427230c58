//! Why a setting cannot be used.

use super::rule_error::RuleError;

/// A setting that cannot be used; `path` names it as in `strategy.fast`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No such key.
    #[error("unknown key `{path}`{}", hint(.nearest, .valid))]
    UnknownKey {
        /// The key as written.
        path: String,
        /// The valid key that was probably meant.
        nearest: Option<String>,
        /// Every valid key there.
        valid: Vec<&'static str>,
    },
    /// The key is needed and not there.
    #[error("missing key `{path}`: expected {expected}")]
    Missing {
        /// The key.
        path: String,
        /// What it should hold.
        expected: String,
    },
    /// The value has the wrong type or form.
    #[error("`{path}` = {found}: expected {expected}")]
    WrongType {
        /// The key.
        path: String,
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// The value is of the right kind but not allowed.
    #[error("`{path}` = {value}: allowed is {allowed}{}", meant(.nearest))]
    OutOfRange {
        /// The key.
        path: String,
        /// The value as written.
        value: String,
        /// What is allowed.
        allowed: String,
        /// The valid name that was probably meant, for names.
        nearest: Option<String>,
    },
    /// A rule cannot be read.
    #[error("`{path}` {error}")]
    Rule {
        /// The key.
        path: String,
        /// The rule as written.
        text: String,
        /// Where it is wrong, and what is.
        error: RuleError,
    },
    /// A file that the configuration names cannot be used.
    #[error("`{path}` = \"{file}\": {reason}")]
    File {
        /// The key.
        path: String,
        /// The file as named.
        file: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
}

fn hint(nearest: &Option<String>, valid: &[&'static str]) -> String {
    match nearest {
        Some(name) => format!("; did you mean `{name}`?"),
        None if valid.is_empty() => String::new(),
        None => format!("; valid keys are {}", valid.join(", ")),
    }
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

impl SettingError {
    /// The key it is about, as in `strategy.fast`.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::UnknownKey { path, .. }
            | Self::Missing { path, .. }
            | Self::WrongType { path, .. }
            | Self::OutOfRange { path, .. }
            | Self::Rule { path, .. }
            | Self::File { path, .. } => path,
        }
    }

    /// The text it is about with a caret below the place, in two lines; `None` for what has no place in a text.
    #[must_use]
    pub fn excerpt(&self) -> Option<String> {
        match self {
            Self::Rule { text, error, .. } => Some(error.excerpt(text)),
            Self::UnknownKey { .. }
            | Self::Missing { .. }
            | Self::WrongType { .. }
            | Self::OutOfRange { .. }
            | Self::File { .. } => None,
        }
    }
}
