//! What needs no skill: answers that a detector must beat before it has recognised anything.

use engine_core::regime::Regime;
use serde::Serialize;

use super::trial::Trial;

/// A baseline that needs no detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// Always the most frequent regime of the bars judged, which is known only afterwards.
    Majority,
    /// The newest label that is final, h + 1 bars old.
    LastFinalLabel,
}

impl Baseline {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Majority, Self::LastFinalLabel];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Majority => "majority",
            Self::LastFinalLabel => "last-final-label",
        }
    }

    /// What it says of each bar of `trial`.
    #[must_use]
    pub fn said(self, trial: &Trial) -> Vec<Option<Regime>> {
        match self {
            Self::Majority => vec![Some(trial.majority()); trial.labels.len()],
            Self::LastFinalLabel => trial.labels_later(trial.rule.delay_bars()),
        }
    }
}
