//! The default detector: a volatility axis and a direction axis, with hysteresis and a posterior.
//!
//! On each closed bar, r being log returns: `base` is the median of the last 730 deviations of 21 returns (180 at
//! least), `vr` the deviation of the last 13 returns over `base`, `z` their sum over `base·√13`, `ER` the net move
//! of 12 returns over the path they walked. The raw label is crisis where vr > 1.35 and z < −1, volatile where
//! vr > 1.35, trending where ER > 0.355·√(20/12), ranging otherwise. Deviations have the divisor n − 1; the bar
//! before the first counts as a return of zero.
//!
//! Every window is summed anew on each bar, so the measures have the same bits after a warm start on the last
//! 750 bars as after the whole history. Only the hysteresis and the run length remember more. What missing bars
//! cost stands in `two_axis/missing_bars.rs`.

use super::posterior::{PosteriorModel, one_hot};
use super::{Regime, RegimeDetector, RegimeReading};
use crate::indicator::usable_price::usable_price;
use crate::indicator::window::{mean_and_deviation, sum_of, weighted_squares};
use crate::indicator::{Candle, OrderStatistics, Window};
use crate::real::Real;

mod missing_bars;
mod proportion;

/// A deviation below this is rounding of the logarithm of a price that stood still.
const QUIET: f64 = 1e-12;
/// Where a ratio to a base of nothing ends.
const RATIO_MAX: f64 = 1e3;
const SHORT_BARS: usize = 6;
/// The fall of the weights of an exponential mean of span 10.
const DECAY: f64 = 9.0 / 11.0;
/// How far the exponential mean reaches; what lies beyond would weigh less than 0.01 %.
const EXPONENTIAL_BARS: usize = 48;
const EXPONENTIAL_WEIGHTS: [f64; EXPONENTIAL_BARS] = exponential_weights();

/// Thresholds at which a condition starts and ends, so that it does not flicker between the two.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Latch {
    /// It starts beyond this.
    pub on: f64,
    /// It ends on this side of this.
    pub off: f64,
}

impl Latch {
    const fn threshold(self, holds: bool) -> f64 {
        if holds { self.off } else { self.on }
    }
}

/// Windows and thresholds of [`TwoAxisDetector`]; the default is what was measured (accuracy 68.0 % on daily
/// Bitcoin from 2018, κ 0.43).
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct TwoAxisParameters {
    /// Returns in `vr` and `z`, and closes in `ER`; at least 3.
    pub window_bars: usize,
    /// Returns in each deviation that the base is the median of; at least 2.
    pub deviation_bars: usize,
    /// Deviations in the base.
    pub base_bars: usize,
    /// Deviations before the first reading; at least 1, at most `base_bars`.
    pub base_bars_min: usize,
    /// `vr` above this is high volatility.
    pub volatility_ratio: f64,
    /// `z` below this is falling.
    pub drift: f64,
    /// `ER` above this is a direction.
    pub efficiency: f64,
    /// Hysteresis of high volatility.
    pub volatility_latch: Latch,
    /// Hysteresis of falling.
    pub drift_latch: Latch,
    /// Hysteresis of a direction.
    pub efficiency_latch: Latch,
}

impl Default for TwoAxisParameters {
    fn default() -> Self {
        Self {
            window_bars: 13,
            deviation_bars: 21,
            base_bars: 730,
            base_bars_min: 180,
            volatility_ratio: 1.35,
            drift: -1.0,
            efficiency: 0.355 * (20.0_f64 / 12.0).sqrt(),
            volatility_latch: Latch { on: 1.35, off: 1.25 },
            drift_latch: Latch { on: -1.0, off: -0.7 },
            efficiency_latch: Latch { on: 0.48, off: 0.42 },
        }
    }
}

/// Why parameters make no detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A window is too short, or the base is read before it has a value.
    #[error(
        "windows are too short: a window needs 3 bars, a deviation 2, a base 1 and no fewer than its minimum"
    )]
    ShortWindow,
    /// A threshold is NaN or infinite, or a ratio's is not above zero.
    #[error("a threshold is not a finite number, or that of volatility or efficiency is not above zero")]
    Threshold,
    /// A latch ends beyond where it starts.
    #[error("a latch must end on the calm side of where it starts")]
    Latch,
}

impl TwoAxisParameters {
    /// Checks that these parameters make a detector.
    ///
    /// # Errors
    /// [`ParameterError`] naming the first rule broken.
    pub fn validated(self) -> Result<Self, ParameterError> {
        let base_sound = self.base_bars_min >= 1 && self.base_bars >= self.base_bars_min;
        if self.window_bars < 3 || self.deviation_bars < 2 || !base_sound {
            return Err(ParameterError::ShortWindow);
        }
        let latches = [self.volatility_latch, self.efficiency_latch, self.drift_latch];
        let edges = latches.iter().flat_map(|latch| [latch.on, latch.off]);
        let mut thresholds = edges.chain([self.volatility_ratio, self.drift, self.efficiency]);
        let ratios_sound = self.volatility_ratio > 0.0 && self.efficiency > 0.0;
        if !ratios_sound || !thresholds.all(f64::is_finite) {
            return Err(ParameterError::Threshold);
        }
        let [volatility, efficiency, drift] = latches;
        if volatility.off > volatility.on || efficiency.off > efficiency.on || drift.off < drift.on {
            return Err(ParameterError::Latch);
        }
        Ok(self)
    }

    fn raw_label(&self, measures: &TwoAxisMeasures) -> Regime {
        label(
            measures.volatility_ratio > self.volatility_ratio,
            measures.drift < self.drift,
            measures.efficiency > self.efficiency,
        )
    }
}

/// What the detector measured on one bar; every number is finite.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
pub struct TwoAxisMeasures {
    /// `vr`: deviation of the window's returns over the usual one, at most 1000; 1 where neither moves.
    pub volatility_ratio: f64,
    /// `ER`: net move over the path walked, from 0 to 1; 0 where nothing moved.
    pub efficiency: f64,
    /// `z`: net move in units of its usual deviation, within ±1000.
    pub drift: f64,
    /// `vr₆`: deviation of the last 6 returns over the usual one, as `vr`.
    pub volatility_ratio_6: f64,
    /// `ew₁₀`: root of the exponentially weighted mean square return (span 10) over the usual deviation, as `vr`.
    pub exponential_ratio_10: f64,
    /// The usual deviation itself: log return a bar.
    pub base: f64,
    /// The label of these measures alone.
    pub raw: Regime,
}

impl TwoAxisMeasures {
    /// The vector a [`PosteriorModel`] reads; its order and limits stand at the head of `posterior.rs`.
    #[must_use]
    pub fn posterior_features(&self, parameters: &TwoAxisParameters) -> [f64; PosteriorModel::FEATURES] {
        let log_ratio = |ratio: f64| {
            let relative = (ratio / parameters.volatility_ratio).max(f64::MIN_POSITIVE);
            libm::log(relative).clamp(-5.0, 5.0)
        };
        let drift = self.drift.clamp(-10.0, 10.0);
        let [ranging, trending, volatile, crisis] = one_hot(self.raw);
        [
            log_ratio(self.volatility_ratio),
            self.efficiency / parameters.efficiency,
            drift,
            drift.abs(),
            log_ratio(self.volatility_ratio_6),
            log_ratio(self.exponential_ratio_10),
            ranging,
            trending,
            volatile,
            crisis,
        ]
    }
}

/// The conditions that hold, with hysteresis.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Conditions {
    volatile: bool,
    falling: bool,
    directed: bool,
}

impl Conditions {
    fn after(self, measures: &TwoAxisMeasures, parameters: &TwoAxisParameters) -> Self {
        Self {
            volatile: measures.volatility_ratio > parameters.volatility_latch.threshold(self.volatile),
            falling: measures.drift < parameters.drift_latch.threshold(self.falling),
            directed: measures.efficiency > parameters.efficiency_latch.threshold(self.directed),
        }
    }
}

/// The two-axis rule over the bars of one market.
///
/// The first reading comes with bar `deviation_bars + base_bars_min − 1` (the 200th by default). A bar whose close
/// is no price of a market (outside 10⁻⁵⁰ … 10⁵⁰) is passed over and gets no reading.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoAxisDetector {
    parameters: TwoAxisParameters,
    model: PosteriorModel,
    drift_scale: f64,
    log_close: Option<f64>,
    returns: Window,
    deviations: OrderStatistics,
    conditions: Conditions,
    measures: Option<TwoAxisMeasures>,
    regime: Option<Regime>,
    run_length_bars: u32,
}

impl TwoAxisDetector {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`ParameterError`] where the parameters make no detector.
    pub fn new(parameters: TwoAxisParameters, model: PosteriorModel) -> Result<Self, ParameterError> {
        Ok(Self::of(parameters.validated()?, model))
    }

    fn of(parameters: TwoAxisParameters, model: PosteriorModel) -> Self {
        let longest = parameters.window_bars.max(parameters.deviation_bars).max(EXPONENTIAL_BARS);
        Self {
            parameters,
            model,
            drift_scale: (parameters.window_bars as f64).sqrt(),
            log_close: None,
            returns: Window::new(longest),
            deviations: OrderStatistics::new(parameters.base_bars),
            conditions: Conditions::default(),
            measures: None,
            regime: None,
            run_length_bars: 0,
        }
    }

    /// Its parameters.
    #[must_use]
    pub const fn parameters(&self) -> &TwoAxisParameters {
        &self.parameters
    }

    /// What it measured on the last bar it read; `None` while there is too little history.
    #[must_use]
    pub const fn measures(&self) -> Option<&TwoAxisMeasures> {
        self.measures.as_ref()
    }

    fn measure(&mut self, close: f64) -> Option<TwoAxisMeasures> {
        let log_close = libm::log(close);
        let moved = self.log_close.map_or(0.0, |before| log_close - before);
        self.log_close = Some(log_close);
        self.observe(moved)?;
        if self.deviations.held() < self.parameters.base_bars_min {
            return None;
        }
        let base = self.deviations.median()?;
        let window = self.returns.last(self.parameters.window_bars)?;
        let (mean, deviation) = mean_and_deviation(window)?;
        let (_, short) = mean_and_deviation(self.returns.last(SHORT_BARS)?)?;
        let scale = base.max(QUIET) * self.drift_scale;
        let mut measures = TwoAxisMeasures {
            volatility_ratio: ratio(deviation, base),
            efficiency: efficiency(&window[1..]),
            drift: (mean * window.len() as f64 / scale).clamp(-RATIO_MAX, RATIO_MAX),
            volatility_ratio_6: ratio(short, base),
            exponential_ratio_10: ratio(exponential_deviation(self.returns.all()), base),
            base,
            raw: Regime::Ranging,
        };
        measures.raw = self.parameters.raw_label(&measures);
        Some(measures)
    }

    /// Takes one return in, and the deviation it completes; `None` while there are too few for one.
    #[inline]
    fn observe(&mut self, moved: f64) -> Option<()> {
        self.returns.push(moved);
        let (_, deviation) = mean_and_deviation(self.returns.last(self.parameters.deviation_bars)?)?;
        self.deviations.push(deviation);
        Some(())
    }
}

impl TwoAxisDetector {
    /// The rule for bars of an hour. Its posterior is that of the default, which was fitted on daily bars.
    #[must_use]
    pub fn hourly() -> Self {
        Self::of(TwoAxisParameters::hourly(), PosteriorModel::DEFAULT)
    }
}

impl Default for TwoAxisDetector {
    fn default() -> Self {
        Self::of(TwoAxisParameters::default(), PosteriorModel::DEFAULT)
    }
}

impl RegimeDetector for TwoAxisDetector {
    crate::can_be_taken_up!();

    fn learn(&mut self, bar: &Candle) -> Option<RegimeReading> {
        let close = usable_price(bar.close)?;
        self.measures = self.measure(close);
        let measures = self.measures?;
        self.conditions = self.conditions.after(&measures, &self.parameters);
        let Conditions { volatile, falling, directed } = self.conditions;
        let regime = label(volatile, falling, directed);
        let lasted = if self.regime == Some(regime) { self.run_length_bars } else { 0 };
        self.run_length_bars = lasted.saturating_add(1);
        self.regime = Some(regime);
        let posterior = self.model.posterior(&measures.posterior_features(&self.parameters));
        Some(RegimeReading {
            regime,
            raw: measures.raw,
            posterior: posterior.map(Real::or_zero),
            run_length_bars: self.run_length_bars,
            volatility_ratio: Real::or_zero(measures.volatility_ratio),
            efficiency: Real::or_zero(measures.efficiency),
            drift: Real::or_zero(measures.drift),
        })
    }

    fn bridge(&mut self, missing: u32, open: f64) {
        self.bridge_gap(missing, open);
    }

    fn forget(&mut self) {
        *self = Self::of(self.parameters, self.model);
    }
}

const fn label(volatile: bool, falling: bool, directed: bool) -> Regime {
    match (volatile, falling, directed) {
        (true, true, _) => Regime::Crisis,
        (true, false, _) => Regime::Volatile,
        (false, _, true) => Regime::Trending,
        (false, _, false) => Regime::Ranging,
    }
}

/// `deviation / base`, with an answer where the market usually stands still.
fn ratio(deviation: f64, base: f64) -> f64 {
    if deviation < QUIET && base < QUIET {
        return 1.0;
    }
    (deviation / base.max(QUIET)).min(RATIO_MAX)
}

/// Net move over path of the returns that lead from one close to another; 0 where nothing moved.
fn efficiency(returns: &[f64]) -> f64 {
    let path = sum_of(returns, f64::abs);
    if path < QUIET {
        return 0.0;
    }
    (sum_of(returns, |moved| moved).abs() / path).min(1.0)
}

const fn exponential_weights() -> [f64; EXPONENTIAL_BARS] {
    let mut weights = [1.0; EXPONENTIAL_BARS];
    let mut index = EXPONENTIAL_BARS - 1;
    while index > 0 {
        weights[index - 1] = weights[index] * DECAY;
        index -= 1;
    }
    weights
}

/// Root of the exponentially weighted mean square of the last [`EXPONENTIAL_BARS`] of `returns`, oldest first.
fn exponential_deviation(returns: &[f64]) -> f64 {
    let recent = &returns[returns.len().saturating_sub(EXPONENTIAL_BARS)..];
    let weights = &EXPONENTIAL_WEIGHTS[EXPONENTIAL_BARS - recent.len()..];
    let total = sum_of(weights, |weight| weight);
    if total > 0.0 { (weighted_squares(recent, weights) / total).sqrt() } else { 0.0 }
}

crate::learned!(TwoAxisDetector {
    settings: [parameters, model],
    values: [log_close, conditions, measures, regime, run_length_bars],
    parts: [returns, deviations],
});

#[cfg(test)]
mod tests;
