//! Where answers and notes go: answers to standard output, everything else to standard error.

use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

use crate::failure::Failure;

/// The two streams of a command, and which language it answers in.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// Whether the answer is one JSON document.
    pub json: bool,
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
            write!(out, "{text}")?;
        }
        out.flush()?;
        Ok(())
    }

    /// Standard output, buffered, for answers of any length.
    #[must_use]
    pub fn stream(&self) -> std::io::BufWriter<std::io::Stdout> {
        std::io::BufWriter::with_capacity(1 << 16, std::io::stdout())
    }

    /// Says something beside the answer.
    pub fn note(&self, line: &str) {
        // Nobody may be listening; that must not end the command.
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// Whether a person is watching standard error.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        std::io::stderr().is_terminal()
    }
}

/// Lines in columns: each as wide as its widest cell, numbers to the right.
#[must_use]
pub fn columns(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |index: usize| {
        let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count());
        cells.chain(head.get(index).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
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
    fn cells_line_up() {
        let rows = [vec!["a".to_owned(), "-1.5".to_owned()], vec!["longer".to_owned(), "22".to_owned()]];
        assert_eq!(columns(&["name", "profit"], &rows), "name    profit\na         -1.5\nlonger      22\n");
    }
}
