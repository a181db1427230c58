//! What in a text could steer a terminal, shown and not obeyed.

use std::borrow::Cow;

/// Whether a character could steer a terminal or make text read otherwise than it is written: control characters,
/// those that turn the direction of writing, and those that are not seen.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

fn escaped(text: &str, spared: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| steers(c) && !spared(c)) {
        return Cow::Borrowed(text);
    }
    let parts = text
        .chars()
        .map(|c| if steers(c) && !spared(c) { c.escape_default().to_string() } else { c.to_string() });
    Cow::Owned(parts.collect())
}

/// Text of a whole answer, its own line ends spared.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n')
}

/// Text from data, a file name or another's words as part of a line: nothing in it ends the line or steers the
/// terminal.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_and_not_obeyed() {
        let name = "BTC\u{1b}[2J\u{202e}\r\nFINDING\u{9b}31m\u{7}";
        assert_eq!(one_line(name), "BTC\\u{1b}[2J\\u{202e}\\r\\nFINDING\\u{9b}31m\\u{7}");
        assert_eq!(shown("a\nb\u{1b}c\n"), "a\nb\\u{1b}c\n");
        assert_eq!(one_line("Zürich ₿ 東京"), "Zürich ₿ 東京");
    }
}
