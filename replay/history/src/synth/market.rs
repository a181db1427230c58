//! Prices, trades and bars of a made-up market.

use engine_core::time::{Span, Timestamp};
use journal_store::record::{BarRecord, LAG_UNKNOWN, TradeRecord};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use super::regime::{RandomDraws, Regime};

/// Price at the start.
const START_PRICE: f64 = 20_000.0;
/// Units of a cent at eight decimals: prices move in cents.
const CENT: i64 = 1_000_000;
/// Units of a thousandth at eight decimals: quantities come in thousandths.
const MILLI: i64 = 100_000;
/// Mean time between trades in nanoseconds.
const TRADE_NANOS: f64 = 250_000_000.0;
/// Steps of the price within one bar.
const STEPS_PER_BAR: u32 = 16;
/// Expected length of a regime, in trades and in steps of bars.
const REGIME_TRADES: f64 = 20_000.0;
const REGIME_STEPS: f64 = 150.0 * STEPS_PER_BAR as f64;
/// How strongly the last move and the last variance carry on.
const CLUSTER_MOVE: f64 = 0.06;
const CLUSTER_VARIANCE: f64 = 0.92;
const YEAR_NANOS: f64 = 365.0 * 86_400.0 * 1e9;

/// The random walk of the price.
#[derive(Debug, Clone)]
struct Walk {
    draws: RandomDraws,
    regime: Regime,
    /// Logarithm of the price.
    level: f64,
    /// Where a ranging market returns to.
    anchor: f64,
    /// Variance of the next step, as a share of what the regime has in the long run.
    cluster: f64,
    regime_steps: f64,
}

impl Walk {
    fn new(seed: u64, regime_steps: f64) -> Self {
        let level = libm::log(START_PRICE);
        let draws = RandomDraws::new(ChaCha8Rng::seed_from_u64(seed));
        Self { draws, regime: Regime::Ranging, level, anchor: level, cluster: 1.0, regime_steps }
    }

    /// Moves the price on by a step of `nanos`; answers the move in standard deviations of the regime.
    fn step(&mut self, nanos: f64) -> f64 {
        let behaviour = self.regime.behaviour();
        if self.draws.uniform() < 1.0 / (self.regime_steps * behaviour.length) {
            let chance = self.draws.uniform();
            self.regime = self.regime.followed_by(chance);
            self.anchor = self.level;
        }
        let behaviour = self.regime.behaviour();
        let years = nanos / YEAR_NANOS;
        let deviation = behaviour.volatility_yearly * years.sqrt();
        let shock = self.cluster.sqrt() * self.draws.normal();
        let pull = behaviour.pull * (self.anchor - self.level);
        self.level += behaviour.drift_yearly * years + deviation * shock + pull;
        let rest = 1.0 - CLUSTER_MOVE - CLUSTER_VARIANCE;
        self.cluster = rest + CLUSTER_MOVE * shock * shock + CLUSTER_VARIANCE * self.cluster;
        shock
    }

    #[expect(clippy::cast_possible_truncation, reason = "the clamp keeps it far inside 64 bits")]
    fn price(&self) -> i64 {
        let cents = (libm::exp(self.level) * 100.0).clamp(1.0, 9e9);
        cents.round() as i64 * CENT
    }

    #[expect(clippy::cast_possible_truncation, reason = "the clamp keeps it far inside 64 bits")]
    fn qty(&mut self, mean: f64) -> i64 {
        let size = mean * libm::exp(self.draws.normal() - 0.5) * self.cluster;
        (size * 1_000.0).clamp(1.0, 9e9).round() as i64 * MILLI
    }
}

/// Made-up trades without end.
#[derive(Debug, Clone)]
pub struct SynthTrades {
    walk: Walk,
    at: i64,
}

impl SynthTrades {
    /// The trades of `seed` from `start` on.
    #[must_use]
    pub fn new(seed: u64, start: Timestamp) -> Self {
        Self { walk: Walk::new(seed, REGIME_TRADES), at: start.nanos() }
    }

    /// The next trade and the regime it happened in.
    #[expect(clippy::cast_possible_truncation, reason = "a waiting time is at most 37 means")]
    pub fn next_trade(&mut self) -> (TradeRecord, Regime) {
        let waited = self.walk.draws.waiting() * TRADE_NANOS;
        // Whole microseconds, as venues stamp them.
        self.at = self.at.saturating_add((waited as i64 / 1_000 + 1) * 1_000);
        let shock = self.walk.step(waited);
        let lean = if shock > 0.0 { 0.8 } else { 0.2 };
        let side = if self.walk.draws.uniform() < lean { 1 } else { 2 };
        let (price, qty) = (self.walk.price(), self.walk.qty(0.2));
        let record = TradeRecord { venue_at: self.at, price, qty, lag_us: LAG_UNKNOWN, side };
        (record, self.walk.regime)
    }
}

/// Made-up bars without end.
#[derive(Debug, Clone)]
pub struct SynthBars {
    walk: Walk,
    open_at: i64,
    interval: Span,
}

impl SynthBars {
    /// The bars of `seed`, each `interval` long, from `start` on.
    #[must_use]
    pub fn new(seed: u64, start: Timestamp, interval: Span) -> Self {
        Self { walk: Walk::new(seed, REGIME_STEPS), open_at: start.nanos(), interval }
    }

    /// The next bar and the regime it ended in.
    #[expect(
        clippy::cast_precision_loss,
        reason = "spans of bars are far below 2^53 nanoseconds or need no last bit"
    )]
    pub fn next_bar(&mut self) -> (BarRecord, Regime) {
        let nanos = self.interval.nanos() as f64 / f64::from(STEPS_PER_BAR);
        let open = self.walk.price();
        let mut bar = BarRecord {
            open_at: self.open_at,
            open,
            high: open,
            low: open,
            close: open,
            ..BarRecord::default()
        };
        for _ in 0..STEPS_PER_BAR {
            self.walk.step(nanos);
            bar.close = self.walk.price();
            bar.high = bar.high.max(bar.close);
            bar.low = bar.low.min(bar.close);
            bar.volume = bar.volume.saturating_add(self.walk.qty(5.0));
            bar.trades = bar.trades.saturating_add(1);
        }
        self.open_at = self.open_at.saturating_add(self.interval.nanos());
        (bar, self.walk.regime)
    }
}
