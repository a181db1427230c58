//! How far a long command has come, with the time it still needs; only where a person watches.

use engine_core::time::Timestamp;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use replay_history::import::{ImportProgress, Progress};
use replay_simulation::backtest::recorder;

use super::terminal::Terminal;
use engine_application::moment::moment_text;

const RECORDS: &str = "{wide_bar} {percent:>3}% {human_pos}/{human_len} records  {rate}/s  ETA {eta}  {msg}";
const STEPS: &str = "{wide_bar} {percent:>3}% {human_pos}/{human_len} steps  ETA {eta}  {msg}";
const RUNS: &str = "{wide_bar} {percent:>3}% {human_pos}/{human_len} runs  {rate}/s  ETA {eta}  {msg}";
const BYTES: &str = "{wide_bar} {percent:>3}% {bytes}/{total_bytes}  ETA {eta}  {msg}";

/// A line on standard error that grows.
#[derive(Debug)]
pub struct Line {
    bar: ProgressBar,
}

impl Line {
    /// A line that counts records.
    #[must_use]
    pub fn records(terminal: Terminal) -> Self {
        Self::new(terminal, RECORDS)
    }

    /// A line that counts bytes.
    #[must_use]
    pub fn bytes(terminal: Terminal) -> Self {
        Self::new(terminal, BYTES)
    }

    /// A line that counts steps of a training.
    #[must_use]
    pub fn steps(terminal: Terminal) -> Self {
        Self::new(terminal, STEPS)
    }

    /// A line that counts runs.
    #[must_use]
    pub fn runs(terminal: Terminal) -> Self {
        Self::new(terminal, RUNS)
    }

    /// `done` of `total` are finished.
    pub fn finished(&self, done: usize, total: usize) {
        self.show(done as u64, total as u64, String::new());
    }

    fn new(terminal: Terminal, template: &str) -> Self {
        let target =
            if terminal.is_watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A rate is for the eye: whole records.
            let _ = write!(out, "{:.0}", state.per_sec());
        };
        Self { bar: ProgressBar::with_draw_target(Some(0), target).with_style(style.with_key("rate", rate)) }
    }

    /// Says that `done` of `total` are done.
    pub fn counted(&self, done: u64, total: u64) {
        self.show(done, total, String::new());
    }

    /// Says that `done` of `total` are done, and what is being done.
    pub fn described(&self, done: u64, total: u64, what: &str) {
        self.show(done, total, what.to_owned());
    }

    fn show(&self, done: u64, total: u64, message: String) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.bar.set_message(message);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl recorder::Progress for Line {
    fn advanced(&mut self, done: u64, total: u64, at: Timestamp) {
        self.show(done, total, moment_text(at));
    }
}

impl ImportProgress for Line {
    fn advanced(&mut self, progress: Progress<'_>) {
        self.show(progress.bytes_read, progress.bytes_total, progress.file.to_owned());
    }
}
