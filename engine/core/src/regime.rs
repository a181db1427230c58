//! Market regimes: what a detector answers, and what a detector is.
//!
//! A detector reads closed bars of one market, one at a time, and never looks ahead. It is part of the pure
//! core: the same bars give the same readings on every run.

pub mod eigenvalues;

pub mod portfolio;

pub mod posterior;

pub mod two_axis;

pub mod hmm;

pub mod jump;

pub mod change_point;

pub mod usual_move;

mod regime_age;

use crate::indicator::Candle;
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use crate::real::Real;

/// The state a market is in.
#[derive(
    serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    /// Usual volatility, no direction.
    #[default]
    Ranging,
    /// Usual volatility, a direction.
    Trending,
    /// High volatility.
    Volatile,
    /// High volatility and falling.
    Crisis,
}

impl Regime {
    /// Every regime, in the order of its index.
    pub const ALL: [Self; 4] = [Self::Ranging, Self::Trending, Self::Volatile, Self::Crisis];

    /// Its place in [`ALL`](Self::ALL) and in a posterior.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Ranging => 0,
            Self::Trending => 1,
            Self::Volatile => 2,
            Self::Crisis => 3,
        }
    }

    /// Its name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ranging => "ranging",
            Self::Trending => "trending",
            Self::Volatile => "volatile",
            Self::Crisis => "crisis",
        }
    }
}

/// What a detector thinks of one market after a bar.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegimeReading {
    /// The regime that drives orders; slow to change where the detector has hysteresis.
    pub regime: Regime,
    /// The regime by this bar alone, without hysteresis.
    pub raw: Regime,
    /// Probability of each regime, in the order of [`Regime::ALL`]; sums to one.
    pub posterior: [Real; 4],
    /// Bars since `regime` last changed, this one included.
    pub run_length_bars: u32,
    /// Short volatility over usual volatility; zero where the detector has no such axis.
    pub volatility_ratio: Real,
    /// Net move over the path walked, from 0 to 1; zero where the detector has no such axis.
    pub efficiency: Real,
    /// Net move in units of its usual deviation; zero where the detector has no such axis.
    pub drift: Real,
}

impl RegimeReading {
    /// The probability the posterior gives to the regime that drives orders.
    #[must_use]
    pub fn confidence(&self) -> Real {
        let [ranging, trending, volatile, crisis] = self.posterior;
        match self.regime {
            Regime::Ranging => ranging,
            Regime::Trending => trending,
            Regime::Volatile => volatile,
            Regime::Crisis => crisis,
        }
    }
}

/// A detector that a run can be configured with.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum DetectorKind {
    /// Volatility and efficiency against thresholds, with hysteresis; windows for daily bars.
    #[default]
    TwoAxis,
    /// The same with windows for bars of an hour.
    TwoAxisHourly,
    /// Bayesian online change-point detection, its current run named by the thresholds of the two-axis rule.
    ChangePoint,
}

impl DetectorKind {
    /// A detector that has seen nothing.
    #[must_use]
    pub fn build(self) -> Box<dyn RegimeDetector> {
        match self {
            Self::TwoAxis => Box::new(two_axis::TwoAxisDetector::default()),
            Self::TwoAxisHourly => Box::new(two_axis::TwoAxisDetector::hourly()),
            Self::ChangePoint => Box::new(change_point::ChangePointDetector::default()),
        }
    }
}

/// Names the regime of one market, bar by bar.
pub trait RegimeDetector: Send {
    /// Learns one closed bar; `None` while there is too little history for a reading.
    fn learn(&mut self, bar: &Candle) -> Option<RegimeReading>;

    /// `missing` bars are missing before the next one, which opens at `open`.
    ///
    /// The move across the gap counts as one observation, divided by √missing so that it has the size of one
    /// bar's; the other missing bars are observations nobody made. A window of which the gap is more than half
    /// begins anew, and a longer one goes on: a reading is `None` only while the short ones fill again.
    fn bridge(&mut self, missing: u32, open: f64);

    /// Forgets everything.
    fn forget(&mut self);

    /// What it has learned, for as long as it can be written down; without it a run is taken up from its beginning.
    fn learned(&self) -> Option<&dyn Learned> {
        None
    }

    /// What it has learned, to be taken back; there whenever [`learned`](Self::learned) is.
    fn learned_mut(&mut self) -> Option<&mut dyn Learned> {
        None
    }
}

impl Learned for Box<dyn RegimeDetector> {
    fn note(&self, notes: &mut NoteWriter) {
        notes.part_of(self.learned());
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.part_of(self.learned_mut())
    }
}
