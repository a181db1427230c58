//! The twelve trend signals of one market, in the four families they are weighed by.
//!
//! Every signal is an exposure from 0 to 1. The parameters are conventional ones, not fitted; each family has
//! a fast, a middle and a slow member, and a family is the mean of its three.

use super::breakout::Breakout;
use crate::price_history::PriceHistory;

mod missing_bars;

use missing_bars::MissingBars;

/// How many families there are.
pub const FAMILIES: usize = 4;

/// Bars that the longest signal looks back.
pub const LONGEST_BARS: usize = 365;

/// Spans of the exponential averages of the log price; each is twice the one before.
const SPANS: [f64; 7] = [4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Pairs of exponential averages, as places in [`SPANS`]; each slow span is four times its fast one.
const PAIRS: [(usize, usize); 5] = [(0, 2), (1, 3), (2, 4), (3, 5), (4, 6)];

const BREAKOUTS: [usize; 8] = [5, 10, 20, 30, 60, 90, 150, 250];
const MOMENTA: [usize; 11] = [5, 10, 20, 30, 60, 90, 120, 180, 250, 270, 365];
const AVERAGES: [usize; 8] = [10, 20, 30, 50, 100, 150, 200, 250];

/// The members of a family, as places in the lists above.
const BREAKOUT_MEMBERS: [&[usize]; 3] = [&[0, 1, 2], &[1, 2, 3, 4, 5], &[4, 5, 6, 7]];
const MOMENTUM_MEMBERS: [&[usize]; 3] = [&[0, 1, 2, 3], &[2, 4, 6, 8], &[5, 7, 9, 10]];
const PAIR_MEMBERS: [&[usize]; 3] = [&[0, 1], &[1, 2, 3], &[3, 4]];
const AVERAGE_MEMBERS: [&[usize]; 3] = [&[0, 1, 2], &[1, 3, 4, 6], &[4, 5, 6, 7]];

/// Span of the volatility that a difference of averages is measured in.
const VOLATILITY_SPAN: f64 = 36.0;

/// A close must lie above an average by more than rounding to count as above it.
const ROUNDING: f64 = 1e-12;

/// Bars between two sums from scratch, so that rounding cannot pile up over millions of bars.
const RESUM_BARS: usize = 4_096;

/// An exponential average that weighs every value since the first (pandas `ewm(adjust=True)`).
#[derive(Debug, Clone, Copy)]
struct Decaying {
    keep: f64,
    sum: f64,
    weight: f64,
}

impl Decaying {
    fn new(span: f64) -> Self {
        Self { keep: 1.0 - 2.0 / (span + 1.0), sum: 0.0, weight: 0.0 }
    }

    #[inline]
    fn push(&mut self, value: f64) {
        self.sum = self.keep * self.sum + value;
        self.weight = self.keep * self.weight + 1.0;
    }

    #[inline]
    fn mean(&self) -> f64 {
        if self.weight > 0.0 { self.sum / self.weight } else { 0.0 }
    }

    fn clear(&mut self) {
        (self.sum, self.weight) = (0.0, 0.0);
    }
}

/// The twelve signals of one market.
#[derive(Debug, Clone)]
pub struct TrendFamilies {
    closes: PriceHistory,
    breakouts: [Breakout; BREAKOUTS.len()],
    sums: [f64; AVERAGES.len()],
    averages: [Decaying; SPANS.len()],
    variance: Decaying,
    last_log: Option<f64>,
    gap: MissingBars,
}

impl Default for TrendFamilies {
    fn default() -> Self {
        Self::new()
    }
}

impl TrendFamilies {
    /// Signals that have seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            closes: PriceHistory::new(LONGEST_BARS + 1),
            breakouts: BREAKOUTS.map(Breakout::new),
            sums: [0.0; AVERAGES.len()],
            averages: SPANS.map(Decaying::new),
            variance: Decaying::new(VOLATILITY_SPAN),
            last_log: None,
            gap: MissingBars::default(),
        }
    }

    /// Learns one close, a positive price, and answers the exposure of each family from 0 to 1:
    /// Donchian channels, time-series momentum, differences of exponential averages, simple averages.
    ///
    /// A signal whose window is not full yet is 0, or holds more missing bars than known ones.
    pub fn learn(&mut self, close: f64) -> [f64; FAMILIES] {
        let log = libm::log(close);
        self.closes.push(close);
        let mut breakouts = self.learn_breakouts(close);
        let mut momenta = self.momenta(close);
        let mut pairs = self.learn_pairs(log);
        let mut above = self.learn_averages(close);
        if self.gap.is_felt() {
            self.gap.learn();
            self.gap.silence(&mut breakouts, BREAKOUTS);
            self.gap.silence(&mut momenta, MOMENTA);
            self.gap.silence(&mut pairs, PAIRS.map(|(_, slow)| SPANS[slow] as usize));
            self.gap.silence(&mut above, AVERAGES);
        }
        [
            family(&breakouts, BREAKOUT_MEMBERS),
            family(&momenta, MOMENTUM_MEMBERS),
            family(&pairs, PAIR_MEMBERS),
            family(&above, AVERAGE_MEMBERS),
        ]
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.closes.clear();
        self.breakouts.iter_mut().for_each(Breakout::clear);
        self.sums = [0.0; AVERAGES.len()];
        self.averages.iter_mut().for_each(Decaying::clear);
        self.variance.clear();
        self.last_log = None;
        self.gap = MissingBars::default();
    }

    #[inline]
    fn learn_breakouts(&mut self, close: f64) -> [f64; BREAKOUTS.len()] {
        let mut signals = [0.0; BREAKOUTS.len()];
        for (signal, breakout) in signals.iter_mut().zip(&mut self.breakouts) {
            *signal = one_if(breakout.learn(close));
        }
        signals
    }

    /// 1 for each look-back that the close lies above (Moskowitz, Ooi and Pedersen 2012).
    #[inline]
    fn momenta(&self, close: f64) -> [f64; MOMENTA.len()] {
        MOMENTA.map(|bars| one_if(self.closes.ago(bars).is_some_and(|then| close > then)))
    }

    /// Twice the distance of two averages of the log price, in deviations over the slow span, clipped.
    #[inline]
    fn learn_pairs(&mut self, log: f64) -> [f64; PAIRS.len()] {
        if let Some(last) = self.last_log.replace(log) {
            self.variance.push((log - last) * (log - last));
        }
        for average in &mut self.averages {
            average.push(log);
        }
        let deviation = self.variance.mean().sqrt();
        let means = self.averages.map(|average| average.mean());
        PAIRS.map(|(fast, slow)| {
            let unit = deviation * SPANS[slow].sqrt();
            if unit > 0.0 { (2.0 * (means[fast] - means[slow]) / unit).clamp(0.0, 1.0) } else { 0.0 }
        })
    }

    /// 1 for each simple average that the close lies above.
    #[inline]
    fn learn_averages(&mut self, close: f64) -> [f64; AVERAGES.len()] {
        let again = self.closes.seen().is_multiple_of(RESUM_BARS);
        let mut signals = [0.0; AVERAGES.len()];
        for ((signal, sum), bars) in signals.iter_mut().zip(&mut self.sums).zip(AVERAGES) {
            *sum += close - self.closes.ago(bars).unwrap_or(0.0);
            if again {
                *sum = (0..bars).filter_map(|ago| self.closes.ago(ago)).sum();
            }
            let full = self.closes.seen() >= bars;
            *signal = one_if(full && close * bars as f64 > *sum * (1.0 + ROUNDING));
        }
        signals
    }
}

#[inline]
fn one_if(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// The mean of three means.
#[inline]
fn family(signals: &[f64], members: [&[usize]; 3]) -> f64 {
    let mean = |places: &[usize]| places.iter().map(|at| signals[*at]).sum::<f64>() / places.len() as f64;
    members.map(mean).iter().sum::<f64>() / 3.0
}

engine_core::learned!(Decaying { settings: [keep], values: [sum, weight] });
engine_core::learned!(TrendFamilies {
    values: [sums, last_log],
    parts: [closes, breakouts, averages, variance, gap]
});
