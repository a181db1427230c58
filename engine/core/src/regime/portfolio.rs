//! The regime of a whole portfolio: its index, how alike its assets move, and how many of them are in trouble.
//!
//! The index holds equal weights anew on every bar and is read by the two-axis rule. Beside it stand the average
//! correlation of all pairs (exponentially weighted returns of mean zero, span 60), the absorption ratio (share of
//! the variance in the first ⌈n/5⌉ eigenvectors of the covariance; Kritzman, Li, Page and Rigobon 2011) and the
//! shares of volatile and of falling assets. A portfolio is in a crisis where its index is, and where the index is
//! volatile while the assets move more alike than in nine tenths of the last 730 bars.

use super::eigenvalues::SymmetricMatrix;
use super::posterior::PosteriorModel;
use super::two_axis::{ParameterError, TwoAxisDetector, TwoAxisParameters};
use super::{Regime, RegimeDetector, RegimeReading};
use crate::indicator::missing_bars::breaks;
use crate::indicator::{Candle, LogReturn, OrderStatistics};
use crate::real::Real;

/// A variance below this is rounding.
const QUIET: f64 = 1e-24;
/// One eigenvector in so many, rounded up, counts in the absorption ratio.
const ASSETS_PER_EIGENVECTOR: usize = 5;

/// Windows and thresholds of [`PortfolioDetector`].
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct PortfolioParameters {
    /// How the index is read; its volatility and drift thresholds also count volatile and falling assets.
    pub index: TwoAxisParameters,
    /// Span of the exponentially weighted covariance.
    pub correlation_span: u32,
    /// Returns an asset needs before its correlations count.
    pub asset_bars_min: u32,
    /// Average correlations that the high one is judged by.
    pub history_bars: usize,
    /// How many of them there must be.
    pub history_bars_min: usize,
    /// The share of them that a high one exceeds.
    pub quantile: f64,
}

impl Default for PortfolioParameters {
    fn default() -> Self {
        Self {
            index: TwoAxisParameters::default(),
            correlation_span: 60,
            asset_bars_min: 60,
            history_bars: 730,
            history_bars_min: 180,
            quantile: 0.9,
        }
    }
}

/// One asset on one bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AssetBar {
    /// Its close.
    pub close: f64,
    /// What its own detector thinks, where it thinks already.
    pub reading: Option<RegimeReading>,
}

/// What the detector thinks of the portfolio after a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortfolioReading {
    /// The portfolio's regime, with the index's hysteresis.
    pub regime: Regime,
    /// The portfolio's regime by this bar alone.
    pub raw: Regime,
    /// The reading of the index.
    pub index: RegimeReading,
    /// Average correlation of all pairs, from −1 to 1; `None` with fewer than two assets of enough history.
    pub correlation: Option<Real>,
    /// The correlation that counts as high; `None` while its history is too short.
    pub correlation_high: Option<Real>,
    /// Share of the variance in the first eigenvectors, from 0 to 1; `None` as `correlation`.
    pub absorption: Option<Real>,
    /// Share of the assets with a reading whose volatility is high.
    pub volatile_share: Real,
    /// Share of the assets with a reading that fall.
    pub falling_share: Real,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Asset {
    returns: LogReturn,
    moved: f64,
    seen: u32,
    /// Bars missing up to now.
    missing: u32,
}

impl Asset {
    /// A bar of it is missing: it goes on behind a gap of up to half of `span_bars`, else it starts anew.
    fn miss(&mut self, missing: u32, span_bars: u32) {
        self.missing = self.missing.saturating_add(missing);
        self.moved = 0.0;
        if breaks(self.missing, span_bars as usize) {
            *self = Self::default();
        }
    }

    /// Its log return to `close`, across a gap as one observation of a bar's size. As many of the returns before
    /// the gap as were missing count no longer among the first `bars_min`.
    fn learn(&mut self, close: f64, bars_min: u32) -> Option<f64> {
        self.moved = 0.0;
        let moved = self.returns.learn(close)?;
        let missing = core::mem::take(&mut self.missing);
        self.moved = if missing > 0 { moved / f64::from(missing.saturating_add(1)).sqrt() } else { moved };
        if missing > 0 {
            self.seen = self.seen.min(bars_min.saturating_mul(2)).saturating_sub(missing);
        }
        self.seen = self.seen.saturating_add(1);
        Some(self.moved)
    }
}

/// Names the regime of a portfolio with a fixed list of assets, bar by bar.
#[derive(Clone, Debug, PartialEq)]
pub struct PortfolioDetector {
    parameters: PortfolioParameters,
    level: f64,
    index: TwoAxisDetector,
    assets: Vec<Asset>,
    covariance: Vec<f64>,
    correlations: OrderStatistics,
}

impl PortfolioDetector {
    /// A detector of `assets` assets that has seen nothing.
    ///
    /// # Errors
    /// [`ParameterError`] where the parameters make no detector.
    pub fn new(assets: usize, parameters: PortfolioParameters) -> Result<Self, ParameterError> {
        let history_sound =
            parameters.history_bars_min >= 1 && parameters.history_bars >= parameters.history_bars_min;
        if parameters.correlation_span < 1 || !history_sound {
            return Err(ParameterError::ShortWindow);
        }
        if !(0.0..=1.0).contains(&parameters.quantile) {
            return Err(ParameterError::Threshold);
        }
        Ok(Self {
            parameters,
            level: 1.0,
            index: TwoAxisDetector::new(parameters.index, PosteriorModel::DEFAULT)?,
            assets: vec![Asset::default(); assets],
            covariance: vec![0.0; assets * assets],
            correlations: OrderStatistics::new(parameters.history_bars),
        })
    }

    /// Learns one bar of every asset, in the order of the portfolio; `None` stands for an asset without a bar,
    /// which goes on behind a gap of up to half of the span of correlations and starts anew behind a longer one.
    /// `None` while the index has too little history.
    pub fn learn(&mut self, bars: &[Option<AssetBar>]) -> Option<PortfolioReading> {
        let index_moved = self.learn_returns(bars);
        self.learn_covariance();
        self.level *= 1.0 + index_moved;
        let index = self.index.learn(&Candle::at(self.level));
        let known = self.known();
        let correlation = self.average_correlation(&known);
        if let Some(correlation) = correlation {
            self.correlations.push(correlation);
        }
        let index = index?;
        let enough = self.correlations.held() >= self.parameters.history_bars_min;
        let high = if enough { self.correlations.quantile(self.parameters.quantile) } else { None };
        let alike = correlation.zip(high).is_some_and(|(correlation, high)| correlation > high);
        let threshold = self.parameters.index.volatility_ratio;
        let contagious = alike && index.volatility_ratio.get() > threshold;
        let (volatile_share, falling_share) = self.breadth(bars);
        Some(PortfolioReading {
            regime: if contagious { Regime::Crisis } else { index.regime },
            raw: if contagious { Regime::Crisis } else { index.raw },
            index,
            correlation: correlation.map(Real::or_zero),
            correlation_high: high.map(Real::or_zero),
            absorption: self.absorption(&known).map(Real::or_zero),
            volatile_share,
            falling_share,
        })
    }

    /// `missing` bars of every asset are missing before the next ones.
    pub fn bridge(&mut self, missing: u32) {
        if missing as usize >= self.parameters.history_bars {
            self.forget();
            return;
        }
        self.index.pass_over(missing);
        let span_bars = self.parameters.correlation_span;
        self.assets.iter_mut().for_each(|asset| asset.miss(missing, span_bars));
        if self.correlations.held() > 0 {
            (0..missing).for_each(|_| self.correlations.push_missing());
        }
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        self.level = 1.0;
        self.index.forget();
        self.assets.fill(Asset::default());
        self.covariance.fill(0.0);
        self.correlations.clear();
    }

    /// Learns each asset's return and gives the simple return of the index: the mean over those that have one.
    fn learn_returns(&mut self, bars: &[Option<AssetBar>]) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        let absent = std::iter::repeat(&None);
        let PortfolioParameters { correlation_span, asset_bars_min, .. } = self.parameters;
        for (asset, bar) in self.assets.iter_mut().zip(bars.iter().chain(absent)) {
            let Some(bar) = bar else {
                asset.miss(1, correlation_span);
                continue;
            };
            let Some(moved) = asset.learn(bar.close, asset_bars_min) else { continue };
            sum += libm::expm1(moved);
            count += 1.0;
        }
        if count > 0.0 { sum / count } else { 0.0 }
    }

    fn learn_covariance(&mut self) {
        let alpha = 2.0 / (f64::from(self.parameters.correlation_span) + 1.0);
        let size = self.assets.len();
        for (row, left) in self.assets.iter().enumerate() {
            for (column, right) in self.assets[..=row].iter().enumerate() {
                let cell = &mut self.covariance[row * size + column];
                // What a missing bar would have moved is not known, and not nothing.
                if left.missing > 0 || right.missing > 0 {
                    continue;
                }
                let started = left.seen > 0 && right.seen > 0;
                *cell = if started { (1.0 - alpha) * *cell + alpha * left.moved * right.moved } else { 0.0 };
            }
        }
    }

    /// The places of the assets whose correlations count.
    fn known(&self) -> Vec<usize> {
        let places = 0..self.assets.len();
        let known = places.filter(|place| {
            let asset = &self.assets[*place];
            asset.seen >= self.parameters.asset_bars_min
                && asset.missing == 0
                && self.covariance_of(*place, *place) > QUIET
        });
        known.collect()
    }

    fn covariance_of(&self, left: usize, right: usize) -> f64 {
        self.covariance[left.max(right) * self.assets.len() + left.min(right)]
    }

    fn average_correlation(&self, known: &[usize]) -> Option<f64> {
        let (mut sum, mut pairs) = (0.0, 0.0);
        for (count, left) in known.iter().enumerate() {
            for right in &known[..count] {
                let scale = (self.covariance_of(*left, *left) * self.covariance_of(*right, *right)).sqrt();
                sum += (self.covariance_of(*left, *right) / scale).clamp(-1.0, 1.0);
                pairs += 1.0;
            }
        }
        (pairs > 0.0).then(|| sum / pairs)
    }

    fn absorption(&self, known: &[usize]) -> Option<f64> {
        if known.len() < 2 {
            return None;
        }
        let variance: f64 = known.iter().map(|place| self.covariance_of(*place, *place)).sum();
        let share = |row: usize, column: usize| self.covariance_of(known[row], known[column]) / variance;
        let values = SymmetricMatrix::of(known.len(), share).eigenvalues();
        let first = known.len().div_ceil(ASSETS_PER_EIGENVECTOR);
        Some(values.iter().take(first).sum::<f64>().clamp(0.0, 1.0))
    }

    /// The shares of volatile and of falling assets among those with a reading.
    fn breadth(&self, bars: &[Option<AssetBar>]) -> (Real, Real) {
        let parameters = &self.parameters.index;
        let (mut volatile, mut falling, mut count) = (0.0, 0.0, 0.0);
        for reading in bars.iter().flatten().filter_map(|bar| bar.reading) {
            volatile += f64::from(u8::from(reading.volatility_ratio.get() > parameters.volatility_ratio));
            falling += f64::from(u8::from(reading.drift.get() < parameters.drift));
            count += 1.0;
        }
        // Nothing over nothing is nothing here.
        (Real::or_zero(volatile / count), Real::or_zero(falling / count))
    }
}

#[cfg(test)]
mod tests;
