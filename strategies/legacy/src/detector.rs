//! The original's regime detector: points for each regime, crisis first, the largest sum wins.

use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use std::collections::VecDeque;

use engine_core::indicator::Candle;
use engine_core::real::Real;
use engine_core::regime::{Regime, RegimeDetector, RegimeReading};

use crate::indicators::Indicators;

/// Bars the original looked at when it traded.
pub const WINDOW_BARS: usize = 60;

/// The 75th percentile of the volatility over all of the original's history: fitted on the future.
const VOLATILITY_HIGH: f64 = 62.2;
/// The 95th percentile of the same.
const VOLATILITY_EXTREME: f64 = 99.2;
/// The 75th percentile of the directional index over all of the original's history.
const ADX_TRENDING: f64 = 51.1;
/// The 25th percentile of the same.
const ADX_RANGING: f64 = 27.0;
/// An average true range this far above its mean counts for volatile.
const ATR_HIGH: f64 = 1.5;
/// A sum below this does not decide.
const SCORE_MIN: u32 = 40;

/// Points for each regime.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scores {
    /// Points for crisis, 0 to 100.
    pub crisis: u32,
    /// Points for volatile, 0 to 100.
    pub volatile: u32,
    /// Points for trending, 0 to 100.
    pub trending: u32,
    /// Points for ranging, 0 to 100.
    pub ranging: u32,
}

/// What a window came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// What was read.
    pub indicators: Indicators,
    /// What it was worth.
    pub scores: Scores,
    /// The regime that follows.
    pub regime: Regime,
}

impl Judgement {
    /// Judges the last bar of `window`, oldest bar first. A missing indicator earns no points.
    #[must_use]
    pub fn of(window: &[Candle]) -> Self {
        let indicators = Indicators::of(window);
        let scores = Scores::of(&indicators);
        Self { indicators, scores, regime: scores.regime(&indicators) }
    }
}

fn points(earned: bool, points: u32) -> u32 {
    if earned { points } else { 0 }
}

fn above(value: Option<f64>, limit: f64) -> bool {
    value.is_some_and(|value| value > limit)
}

fn below(value: Option<f64>, limit: f64) -> bool {
    value.is_some_and(|value| value < limit)
}

impl Scores {
    /// The points of `read`. Volatility above 40 or below 20 and a directional index above 30 are left over
    /// from a version for shares.
    #[must_use]
    pub fn of(read: &Indicators) -> Self {
        let (volatility, adx, atr_ratio) = (read.volatility, read.adx, read.atr_ratio);
        let high = above(volatility, VOLATILITY_HIGH) && below(volatility, VOLATILITY_EXTREME);
        Self {
            crisis: points(above(volatility, VOLATILITY_EXTREME), 50)
                + points(above(volatility, 40.0), 30)
                + points(atr_ratio > 2.0, 20),
            volatile: points(high, 40)
                + points(atr_ratio > ATR_HIGH, 30)
                + points(below(adx, ADX_RANGING), 20)
                + points(read.volume_spike > 1.5, 10),
            trending: points(above(adx, ADX_TRENDING), 50)
                + points(above(adx, 30.0), 20)
                + points(atr_ratio > 1.2 && atr_ratio < 1.8, 20)
                + points(below(volatility, VOLATILITY_HIGH), 10),
            ranging: points(below(adx, ADX_RANGING), 40)
                + points(below(volatility, 20.0), 30)
                + points(read.price_range > 0.3 && read.price_range < 0.7, 20)
                + points(atr_ratio < 1.0, 10),
        }
    }

    /// The regime these points of `read` decide for: crisis first, ties to volatile, then trending; where no sum
    /// reaches 40, by volatility, then by direction, else ranging.
    #[must_use]
    pub fn regime(&self, read: &Indicators) -> Regime {
        if self.crisis >= 50 || above(read.volatility, VOLATILITY_EXTREME) {
            return Regime::Crisis;
        }
        let largest = self.volatile.max(self.trending).max(self.ranging);
        let (volatile, trending) = match largest >= SCORE_MIN {
            true => (self.volatile == largest, self.trending == largest),
            false => (above(read.volatility, VOLATILITY_HIGH), above(read.adx, ADX_TRENDING)),
        };
        match (volatile, trending) {
            (true, _) => Regime::Volatile,
            (false, true) => Regime::Trending,
            (false, false) => Regime::Ranging,
        }
    }

    /// The share of each regime in all points, in the order of [`Regime::ALL`]; all of it for `regime` where
    /// there are no points. The original calls the winner's share its confidence; it is no probability.
    #[must_use]
    pub fn shares(&self, regime: Regime) -> [f64; 4] {
        let points = [self.ranging, self.trending, self.volatile, self.crisis].map(f64::from);
        let sum: f64 = points.iter().sum();
        if sum > 0.0 {
            return points.map(|points| points / sum);
        }
        Regime::ALL.map(|each| if each == regime { 1.0 } else { 0.0 })
    }
}

/// The original's detector over the trailing bars. It has no hysteresis: raw and driving regime are one.
///
/// The original never looks at times, so the caller says where bars are missing, by `forget`.
#[derive(Debug, Clone)]
pub struct LegacyDetector {
    bars: usize,
    window: VecDeque<Candle>,
    regime: Regime,
    run_length_bars: u32,
}

impl Default for LegacyDetector {
    fn default() -> Self {
        Self::new(WINDOW_BARS)
    }
}

impl LegacyDetector {
    /// A detector over the last `bars` bars that has seen nothing.
    ///
    /// # Panics
    /// When `bars` is zero.
    #[must_use]
    pub fn new(bars: usize) -> Self {
        assert!(bars > 0, "a window has at least one bar");
        Self { bars, window: VecDeque::with_capacity(bars), regime: Regime::default(), run_length_bars: 0 }
    }

    /// Learns one closed bar and judges the window, however few bars it has.
    pub fn judge(&mut self, bar: &Candle) -> Judgement {
        if self.window.len() == self.bars {
            self.window.pop_front();
        }
        self.window.push_back(*bar);
        let judgement = Judgement::of(self.window.make_contiguous());
        let same = judgement.regime == self.regime && self.run_length_bars > 0;
        self.run_length_bars = if same { self.run_length_bars.saturating_add(1) } else { 1 };
        self.regime = judgement.regime;
        judgement
    }

    /// The bars in the window, oldest first.
    #[must_use]
    pub fn window(&self) -> &VecDeque<Candle> {
        &self.window
    }
}

impl RegimeDetector for LegacyDetector {
    engine_core::can_be_taken_up!();

    /// The posterior is each regime's share of the points, `volatility_ratio` the ratio of true ranges; the
    /// other axes are missing. The first reading comes with the first full window.
    fn learn(&mut self, bar: &Candle) -> Option<RegimeReading> {
        let Judgement { indicators, scores, regime } = self.judge(bar);
        (self.window.len() == self.bars).then(|| RegimeReading {
            regime,
            raw: regime,
            posterior: scores.shares(regime).map(Real::or_zero),
            run_length_bars: self.run_length_bars,
            volatility_ratio: Real::or_zero(indicators.atr_ratio),
            efficiency: Real::ZERO,
            drift: Real::ZERO,
        })
    }

    /// The original knows no gaps: it begins anew.
    fn bridge(&mut self, missing: u32, _open: f64) {
        if missing > 0 {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.window.clear();
        self.run_length_bars = 0;
    }
}

impl Learned for LegacyDetector {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.bars);
        notes.value(&self.window);
        notes.value(&(self.regime, self.run_length_bars));
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.bars)?;
        let window: Vec<Candle> = notes.values(self.bars)?;
        self.window.clear();
        self.window.extend(window);
        (self.regime, self.run_length_bars) = notes.value()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(volatility: f64, adx: f64, atr_ratio: f64) -> Indicators {
        Indicators {
            volatility: Some(volatility),
            adx: Some(adx),
            atr_ratio,
            volume_spike: 1.0,
            price_range: 0.9,
        }
    }

    fn named(read: &Indicators) -> Regime {
        Scores::of(read).regime(read)
    }

    #[test]
    fn crisis_comes_first_then_ties_go_to_volatile() {
        assert_eq!(named(&read(120.0, 60.0, 1.0)), Regime::Crisis);
        assert_eq!(named(&read(41.0, 60.0, 2.1)), Regime::Crisis, "50 points without extreme volatility");
        let tie = Indicators { price_range: 0.5, ..read(70.0, 60.0, 1.6) };
        let scores = Scores::of(&tie);
        assert_eq!((scores.volatile, scores.trending), (70, 90));
        assert_eq!(named(&tie), Regime::Trending);
        let tie = read(70.0, 40.0, 1.1);
        assert_eq!((Scores::of(&tie).volatile, Scores::of(&tie).trending), (40, 20));
        assert_eq!(named(&tie), Regime::Volatile);
    }

    #[test]
    fn below_forty_points_the_thresholds_decide() {
        assert_eq!(named(&read(50.0, 40.0, 1.1)), Regime::Ranging);
        let blind = Indicators { volatility: None, adx: None, ..read(0.0, 0.0, 1.0) };
        assert_eq!(named(&blind), Regime::Ranging);
        assert_eq!(Scores::of(&blind), Scores::default());
        let shares = Scores::of(&blind).shares(Regime::Ranging);
        assert!((shares[0] - 1.0).abs() < 1e-15 && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_reading_needs_a_full_window_and_a_gap_empties_it() {
        let mut detector = LegacyDetector::default();
        let mut count = 0;
        for at in 0..WINDOW_BARS {
            count += usize::from(detector.learn(&Candle::at(100.0 + at as f64)).is_some());
        }
        assert_eq!(count, 1);
        let reading = detector.learn(&Candle::at(161.0)).unwrap();
        assert_eq!(reading.regime, reading.raw);
        let sum: f64 = reading.posterior.iter().map(|share| share.get()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
        detector.forget();
        assert_eq!(detector.learn(&Candle::at(162.0)), None);
        assert_eq!(detector.run_length_bars, 1);
    }
}
