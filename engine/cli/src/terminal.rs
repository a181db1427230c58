//! Where answers and notes go: answers to standard output, everything else to standard error.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

use crate::failure::Failure;

/// The two streams of a command, and which language it answers in.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Whether the answer is one JSON document.
    pub json: bool,
    /// Whether nothing is written, for callers who only want the verdict.
    pub quiet: bool,
}

impl Terminal {
    /// Gives the answer, in the language that was asked for.
    ///
    /// # Errors
    /// [`Failure::Output`] when standard output cannot take it.
    pub fn answer(&self, document: &Value, text: &str) -> Result<(), Failure> {
        let mut out = self.stream();
        if self.json {
            serde_json::to_writer_pretty(&mut out, document).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else {
            write!(out, "{}", shown(text))?;
        }
        out.flush()?;
        Ok(())
    }

    /// Standard output, buffered, for answers of any length.
    #[must_use]
    pub fn stream(&self) -> std::io::BufWriter<Box<dyn std::io::Write + Send>> {
        let out: Box<dyn std::io::Write + Send> =
            if self.quiet { Box::new(std::io::sink()) } else { Box::new(std::io::stdout()) };
        std::io::BufWriter::with_capacity(1 << 16, out)
    }

    /// Says something beside the answer.
    pub fn note(&self, line: &str) {
        if self.quiet {
            return;
        }
        // Nobody may be listening; that must not end the command.
        let _ = writeln!(std::io::stderr(), "{}", shown(line));
    }

    /// Whether a person is watching standard error.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        std::io::stderr().is_terminal()
    }
}

/// Says, beside the answer, that a run is not complete, in the same words everywhere.
pub fn note_incomplete(terminal: Terminal, complete: bool) {
    if !complete {
        terminal.note("the run is incomplete: it was not closed as planned");
    }
}

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
fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n')
}

/// Text from data, a file name or another's words as part of a line: nothing in it ends the line or steers the
/// terminal.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// Lines in columns: each as wide as its widest cell, numbers to the right.
#[must_use]
pub fn columns(head: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| one_line(cell).into_owned()).collect()).collect();
    let width = |index: usize| {
        let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count());
        cells.chain(head.get(index).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    for row in std::iter::once(&head).chain(&rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let numeric = cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            if numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
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
        let table = columns(&["name"], &[vec!["a\nb".to_owned()]]);
        assert_eq!(table, "name\na\\nb\n");
    }

    #[test]
    fn cells_line_up() {
        let rows = [vec!["a".to_owned(), "-1.5".to_owned()], vec!["longer".to_owned(), "22".to_owned()]];
        assert_eq!(columns(&["name", "profit"], &rows), "name    profit\na         -1.5\nlonger      22\n");
    }
}
