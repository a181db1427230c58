//! Regimes of a made-up market and how one follows another.

use rand_chacha::ChaCha8Rng;
use rand_core::RngCore;
use serde::Serialize;

/// The mood of a made-up market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    /// Prices rise steadily.
    Rising,
    /// Prices fall steadily.
    Falling,
    /// Prices return to where the regime found them.
    Ranging,
    /// Prices swing without direction.
    Volatile,
    /// Prices fall fast and swing widely; rare and short.
    Crisis,
}

/// What a regime does to prices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behaviour {
    /// Expected change of the logarithm of the price in a year.
    pub(super) drift_yearly: f64,
    /// Standard deviation of that change in a year.
    pub(super) volatility_yearly: f64,
    /// Share of the way back to the anchor that prices go in a step.
    pub(super) pull: f64,
    /// Expected length of the regime as a share of the usual one.
    pub(super) length: f64,
    /// Chances of the regime that follows: rising, falling, ranging, volatile, crisis.
    next: [f64; 5],
}

const ORDER: [Regime; 5] =
    [Regime::Rising, Regime::Falling, Regime::Ranging, Regime::Volatile, Regime::Crisis];

impl Regime {
    pub(super) const fn behaviour(self) -> Behaviour {
        let (drift_yearly, volatility_yearly, pull, length, next) = match self {
            Self::Rising => (2.5, 0.5, 0.0, 1.0, [0.0, 0.25, 0.45, 0.27, 0.03]),
            Self::Falling => (-2.2, 0.6, 0.0, 0.9, [0.25, 0.0, 0.45, 0.22, 0.08]),
            Self::Ranging => (0.0, 0.35, 0.02, 1.3, [0.40, 0.30, 0.0, 0.27, 0.03]),
            Self::Volatile => (0.0, 1.1, 0.0, 0.7, [0.30, 0.27, 0.35, 0.0, 0.08]),
            Self::Crisis => (-12.0, 2.5, 0.0, 0.2, [0.25, 0.15, 0.10, 0.50, 0.0]),
        };
        Behaviour { drift_yearly, volatility_yearly, pull, length, next }
    }

    /// The regime after this one, chosen by `chance` in `[0, 1)`.
    pub(super) fn followed_by(self, chance: f64) -> Self {
        let mut sum = 0.0;
        for (regime, share) in ORDER.into_iter().zip(self.behaviour().next) {
            sum += share;
            if chance < sum {
                return regime;
            }
        }
        Self::Ranging
    }
}

/// Random numbers of a made-up market.
#[derive(Debug, Clone)]
pub struct RandomDraws {
    source: ChaCha8Rng,
    spare: Option<f64>,
}

impl RandomDraws {
    /// Draws that take their bits from `source`.
    #[must_use]
    pub const fn new(source: ChaCha8Rng) -> Self {
        Self { source, spare: None }
    }

    /// A number in `[0, 1)` with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn uniform(&mut self) -> f64 {
        (self.source.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// A number with standard normal distribution, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        let angle = core::f64::consts::TAU * self.uniform();
        self.spare = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }

    /// A waiting time with mean one.
    pub fn waiting(&mut self) -> f64 {
        -libm::log(1.0 - self.uniform())
    }
}
