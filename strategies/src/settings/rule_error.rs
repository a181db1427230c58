//! Why a rule cannot be used, pointing into its text.

/// Why a rule cannot be used, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {reason}")]
pub struct RuleError {
    /// Where, in characters of the text, counted from 1.
    pub column: usize,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// At most this many characters of a text are shown on either side of the column.
const SHOWN_CHARS: usize = 60;

impl RuleError {
    /// A rule is wrong at `column`.
    pub(crate) fn at(column: usize, reason: impl Into<String>) -> Self {
        Self { column, reason: reason.into() }
    }

    /// The part of `text` around the column, and a line below it with a caret under the column.
    #[must_use]
    pub fn excerpt(&self, text: &str) -> String {
        let place = self.column.saturating_sub(1);
        let from = place.saturating_sub(SHOWN_CHARS);
        // What has no width or breaks the line is one blank, so that the caret stands below its character.
        let shown = text.chars().skip(from).take(2 * SHOWN_CHARS);
        let shown: String = shown.map(|char| if char.is_control() { ' ' } else { char }).collect();
        format!("  {}\n  {}^", shown.trim_end(), " ".repeat(place - from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_its_column() {
        let error = RuleError::at(5, "wrong");
        assert_eq!(error.to_string(), "column 5: wrong");
        assert_eq!(error.excerpt("ab\ncd ef"), "  ab cd ef\n      ^");
        let far = RuleError { column: 101, reason: String::new() };
        assert_eq!(far.excerpt(&"x".repeat(300)), format!("  {}\n  {}^", "x".repeat(120), " ".repeat(60)));
    }
}
