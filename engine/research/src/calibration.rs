//! Settings of a backtest fitted to what real trading showed: how long orders and their reports travel, what taking costs, what
//! is charged, and whether a touched limit order fills.
//!
//! From the records of runs alone, which are read twice. Every figure has its 95 % interval
//! ([`replay_statistics::estimate`], formulas and sources in `STATISTICS.md`); one with too few observations has neither and
//! sets nothing. Times compare the clock of the venue with ours: where ours is behind, entry looks longer and response
//! shorter by the same amount, so that their sum is sound whatever the clocks say.

use std::path::PathBuf;

use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::recording::Recording;
use engine_core::envelope::Seq;
use replay_statistics::estimate::{Estimate, OBSERVATIONS_MIN};

mod figures;
mod observations;
mod order_lives;
mod resting;
mod settings_text;

#[cfg(test)]
mod tests;

use observations::Observations;

/// What a figure counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Nanos,
    /// A share, as of a price or of all cases.
    Share,
}

impl Unit {
    /// A value in the unit that people read it in.
    #[must_use]
    pub fn written(self, value: f64) -> String {
        match self {
            Self::Nanos => format!("{:.3} ms", value / 1e6),
            Self::Share => format!("{:.4} %", value * 100.0),
        }
    }
}

/// A number fitted to what was observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// A word for scripts.
    pub name: &'static str,
    /// What it is of.
    pub meaning: &'static str,
    /// What it counts in.
    pub unit: Unit,
    /// How it and its interval were found.
    pub method: &'static str,
    /// How many observations there are.
    pub count: usize,
    /// The number; none from fewer than [`OBSERVATIONS_MIN`].
    pub estimate: Option<Estimate>,
    /// The observations that a twentieth lies below and a twentieth above, where each is a number of this unit.
    pub spread: Option<[f64; 2]>,
    /// What it sets.
    pub setting: Option<Setting>,
}

impl Figure {
    /// Why there is no estimate.
    #[must_use]
    pub fn shortage(&self) -> Option<String> {
        self.estimate.is_none().then(|| too_few(self.count))
    }
}

fn too_few(count: usize) -> String {
    format!("observed {count} times, {OBSERVATIONS_MIN} are needed")
}

/// A setting of a configuration, and its value or why it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its table, as in `latency`.
    pub section: &'static str,
    /// Its key.
    pub key: &'static str,
    /// As it is written.
    pub value: Result<String, String>,
}

/// A run that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it lies.
    pub dir: PathBuf,
    /// `paper` or `live`.
    pub mode: String,
    /// Its orders that count.
    pub orders: usize,
}

/// All that could be fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The runs.
    pub sources: Vec<Source>,
    /// The figures, in the order of the settings.
    pub figures: Vec<Figure>,
    /// By how many nanoseconds the venue's clock may be ahead of ours, at least and at most: no order came before it was sent,
    /// and no report was known before it was made.
    pub clock_ahead: Option<[f64; 2]>,
    /// What a reader has to know, each a sentence.
    pub remarks: Vec<String>,
}

impl Calibration {
    /// The figure of this name.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    /// The settings that have a value.
    pub fn settings(&self) -> impl Iterator<Item = (&Setting, &str)> {
        let settings = self.figures.iter().filter_map(|figure| figure.setting.as_ref());
        settings.filter_map(|setting| setting.value.as_deref().ok().map(|value| (setting, value)))
    }

    /// Them as the sections of a configuration, with what is known of each and why others are left out.
    #[must_use]
    pub fn toml(&self) -> String {
        settings_text::toml(self)
    }
}

/// Fits the settings of a backtest to what `recordings` show, which ran on real time at one venue.
///
/// # Errors
/// [`ApplicationError::Request`] for a run that was no real time, or of another venue than the others; otherwise when one
/// cannot be read.
pub fn calibrate(recordings: &[Recording]) -> Result<Calibration, ApplicationError> {
    let mut observations = Observations::default();
    let mut sources = Vec::new();
    let mut venue: Option<&str> = None;
    for recording in recordings {
        let dir = recording.dir.display();
        if !recording.is_live() {
            return Err(ApplicationError::Request(format!(
                "calibrate by {dir}: it is a {} and shows nothing of a real venue; name runs of `engine live`, or of \
                 `engine paper` for the latency of the feed",
                recording.manifest.mode
            )));
        }
        for rules in &recording.manifest.instruments {
            let known = *venue.get_or_insert(&rules.venue);
            if known != rules.venue {
                return Err(ApplicationError::Request(format!(
                    "calibrate by {dir}: it traded at {}, and others at {known}; calibrate each venue by itself",
                    rules.venue
                )));
            }
        }
        let before = observations.orders;
        let read = || recording.reader.envelopes(Seq::FIRST);
        observations.add(&recording.manifest.instruments, recording.has_real_orders(), read)?;
        sources.push(Source {
            dir: recording.dir.clone(),
            mode: recording.manifest.mode.clone(),
            orders: observations.orders.saturating_sub(before),
        });
    }
    Ok(figures::fitted(observations, sources))
}
