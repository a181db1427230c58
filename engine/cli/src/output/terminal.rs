//! Where answers and notes go: answers to standard output, everything else to standard error.

use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

use super::escape::shown;
use super::failure::{Failure, Verdict};

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
    /// What standard output says when it cannot take it.
    pub fn answer(&self, document: &Value, text: &str) -> std::io::Result<()> {
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

    /// How a command ends whose answer says everything, or names the `failure` that broke it off.
    #[must_use]
    pub fn broken_off(&self, failure: Option<&Failure>) -> Verdict {
        let Some(failure) = failure else { return Verdict::Fine };
        self.note(&format!("engine: {}", failure.line()));
        Verdict::BrokenOff
    }

    /// Whether a person is watching standard error.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        std::io::stderr().is_terminal()
    }
}
