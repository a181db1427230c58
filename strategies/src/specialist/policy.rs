//! One specialist: when it enters, how much, and every reason for which it leaves.

use engine_core::regime::Regime;
use engine_core::time::{Span, Timestamp};

use super::measures::Measures;
use crate::genome::Genome;

/// A position of one specialist.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// The close it was entered at.
    pub entry: f64,
    /// When.
    pub entered_at: Timestamp,
    /// Share of equity, drifting with the price.
    pub exposure: f64,
    /// The close that the exposure was last valued at.
    pub mark: f64,
}

/// Why a position was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Exit {
    /// The close fell below the entry by the stop.
    Stop,
    /// The close rose above the entry by the target.
    Target,
    /// It was held as long as it may be.
    Hold,
    /// The signal turned against it.
    Reversal,
    /// The signal faded.
    Decay,
    /// The regime changed.
    Regime,
    /// A crisis began.
    Crisis,
    /// Bars are missing.
    Gap,
}

impl Exit {
    /// It in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Target => "target",
            Self::Hold => "held long enough",
            Self::Reversal => "signal reversed",
            Self::Decay => "signal faded",
            Self::Regime => "regime changed",
            Self::Crisis => "crisis",
            Self::Gap => "bars missing",
        }
    }
}

/// A policy for one regime.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Specialist {
    /// The regime it is made for.
    pub regime: Regime,
    /// Its genes.
    pub genome: Genome,
    /// Largest share of equity it may hold, from 0 to 1.
    pub cap: f64,
}

impl Specialist {
    /// Its signal from −1 to 1: its own measure and momentum, by the weight of the genome.
    ///
    /// The own measure is the distance to a mean when ranging, a cross of averages when trending, the place in a
    /// channel when volatile, and the move of three bars in a crisis.
    #[must_use]
    pub fn signal(&self, measures: &Measures) -> f64 {
        let own = match self.regime {
            Regime::Ranging => measures.reversion,
            Regime::Trending => measures.trend,
            Regime::Volatile => measures.breakout,
            Regime::Crisis => measures.bounce,
        };
        let weight = self.genome.momentum_weight();
        (1.0 - weight) * own + weight * measures.momentum
    }

    /// Whether its signal enters.
    #[must_use]
    pub fn wants_in(&self, measures: &Measures) -> bool {
        self.signal(measures) >= self.genome.entry_threshold()
    }

    /// The position it enters at `close`; its size is the genome's, scaled by usual over present volatility and
    /// capped.
    #[must_use]
    pub fn entered(&self, at: Timestamp, close: f64, measures: &Measures) -> Position {
        let scaled = libm::pow(measures.calm, self.genome.volatility_scaling());
        let exposure = (self.genome.position_size() * scaled).clamp(0.0, self.cap);
        Position { entry: close, entered_at: at, exposure, mark: close }
    }

    /// Why `position` is left at `close`, if it is: the first reason in the order of [`Exit`]. Without measures
    /// only price and time speak.
    #[must_use]
    pub fn exit(
        &self,
        position: &Position,
        at: Timestamp,
        close: f64,
        measures: Option<&Measures>,
    ) -> Option<Exit> {
        let gain = close / position.entry - 1.0;
        if gain <= -self.genome.stop_loss() {
            return Some(Exit::Stop);
        }
        if gain >= self.genome.take_profit() {
            return Some(Exit::Target);
        }
        let held_days = at.since(position.entered_at).nanos() as f64 / Span::DAY.nanos() as f64;
        if held_days >= self.genome.max_hold_days() {
            return Some(Exit::Hold);
        }
        let signal = self.signal(measures?);
        let level = self.genome.exit_level();
        match signal {
            signal if signal <= -level => Some(Exit::Reversal),
            signal if signal < level => Some(Exit::Decay),
            _ => None,
        }
    }
}

impl Position {
    /// Values it at `close` and answers the return of equity since it was last valued, as a share.
    pub fn drift(&mut self, close: f64) -> f64 {
        let moved = close / self.mark - 1.0;
        let gain = self.exposure * moved;
        self.exposure = self.exposure * (1.0 + moved) / (1.0 + gain);
        self.mark = close;
        gain
    }
}
