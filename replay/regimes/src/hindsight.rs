//! Hindsight labels: what each bar's regime was, told by the bars on both sides of it.
//!
//! They are the truth a detector is judged by, fixed before any detector is run. They look ahead by design and
//! must never reach a decision; anything fitted on them needs labels of data that ends where its training ends.

use std::ops::Range;

use engine_core::regime::Regime;
use engine_core::time::Span;
use serde::Serialize;

use super::series::BarSeries;
use super::sliding_median::sliding_medians;

/// What makes a bar trending, volatile or a crisis, with windows in bars.
///
/// With r the log returns of bars t−h to t+h: `sig` their standard deviation, `ref` the median of `sig` over
/// t ± `reference_bars`, `vr = sig / ref`, `z = Σr / (ref √(2h+1))` and
/// `ER = |ln C(t+h) − ln C(t−h)| / Σ|r|`. A bar is a crisis if vr is high and z below −`fall`, volatile if vr is
/// high, trending if ER is high, else ranging; then short stretches are removed where one change costs more than
/// the labels it mends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LabelRule {
    /// h: bars looked at on each side.
    pub half_window_bars: usize,
    /// Bars on each side from which the usual volatility is taken; half as many must be there.
    pub reference_bars: usize,
    /// vr above this is high volatility.
    pub volatility_ratio: f64,
    /// z below minus this is a fall.
    pub fall: f64,
    /// ER above this is a trend.
    pub efficiency: f64,
    /// Labels a change of regime must mend to be worth it.
    pub switch_cost: f64,
}

/// Bars of a move of which a straight line makes up this share count as a trend at h = 10.
const EFFICIENCY_AT_TEN: f64 = 0.355;

impl LabelRule {
    /// Daily bars: h 10, reference 365, switch cost 2.
    pub const DAILY: Self = Self {
        half_window_bars: 10,
        reference_bars: 365,
        volatility_ratio: 1.35,
        fall: 1.0,
        efficiency: EFFICIENCY_AT_TEN,
        switch_cost: 2.0,
    };

    /// The rule for bars of `interval`: that of days from 12 hours up, that of four hours (h 9, reference 1080)
    /// from 2 hours up, that of one hour (h 36, reference 1440, switch cost 4) below. The threshold of a trend
    /// is 0.355 √(20 / 2h), as a random walk's efficiency falls.
    #[must_use]
    pub fn of(interval: Span) -> Self {
        let hours = |count: i64| Span::from_nanos(count * Span::HOUR.nanos());
        match interval {
            long if long >= hours(12) => Self::DAILY,
            middle if middle >= hours(2) => Self::scaled(9, 1080, 2.0),
            _ => Self::scaled(36, 1440, 4.0),
        }
    }

    fn scaled(half_window_bars: usize, reference_bars: usize, switch_cost: f64) -> Self {
        let efficiency = EFFICIENCY_AT_TEN * (10.0 / half_window_bars as f64).sqrt();
        Self { half_window_bars, reference_bars, switch_cost, efficiency, ..Self::DAILY }
    }

    /// Bars after which the label of a bar can be known: those looked at and the bar after them.
    #[must_use]
    pub const fn delay_bars(&self) -> usize {
        self.half_window_bars + 1
    }

    /// The label of every bar of `series`; `None` near the ends of the series, near a hole of more than half of the
    /// 2h + 1 bars a label looks at, and where prices stand still. The move across a shorter hole is one return of a
    /// bar's size, as detectors take it.
    #[must_use]
    pub fn label(&self, series: &BarSeries) -> Vec<Option<Regime>> {
        let stretches = series.stretches(2 * self.half_window_bars + 1);
        let parts = stretches.into_iter().map(|stretch| {
            let bridged = Bridged::of(series, stretch);
            let labels = self.label_closes(&bridged.closes);
            let places = bridged.places.into_iter();
            places.map(|place| labels.get(place).copied().flatten()).collect::<Vec<_>>()
        });
        parts.flatten().collect()
    }

    /// The labels of closes without a gap between them, in O(n (h + log n)).
    #[must_use]
    pub fn label_closes(&self, closes: &[f64]) -> Vec<Option<Regime>> {
        let raw = self.raw_labels(closes);
        smoothed(&raw, self.switch_cost)
    }

    fn raw_labels(&self, closes: &[f64]) -> Vec<Option<Regime>> {
        let logs: Vec<f64> = closes.iter().map(|close| libm::log(*close)).collect();
        let returns: Vec<f64> =
            logs.iter().zip(logs.iter().skip(1)).map(|(before, log)| log - before).collect();
        let windows: Vec<Around> = returns.windows(2 * self.half_window_bars + 1).map(Around::look).collect();
        let deviations: Vec<f64> = windows.iter().map(|around| around.deviation).collect();
        let reach = |at: usize| {
            at.saturating_sub(self.reference_bars)..(at + self.reference_bars + 1).min(deviations.len())
        };
        let usual = sliding_medians(&deviations, (0..windows.len()).map(reach));
        let mut labels = vec![None; closes.len()];
        let named = labels.iter_mut().skip(self.half_window_bars + 1);
        for (at, ((label, around), usual)) in named.zip(&windows).zip(usual).enumerate() {
            let enough = reach(at).len() >= self.reference_bars / 2;
            *label = usual.filter(|usual| enough && *usual > 0.0).map(|usual| self.name(around, usual));
        }
        labels
    }

    fn name(&self, around: &Around, usual: f64) -> Regime {
        let bars = (2 * self.half_window_bars + 1) as f64;
        let volatile = around.deviation / usual > self.volatility_ratio;
        let falling = around.sum / (usual * bars.sqrt()) < -self.fall;
        match (volatile, falling) {
            (true, true) => Regime::Crisis,
            (true, false) => Regime::Volatile,
            (false, _) if around.efficiency > self.efficiency => Regime::Trending,
            (false, _) => Regime::Ranging,
        }
    }
}

/// The closes of a stretch with one more for each hole in it, and the place of every bar among them.
struct Bridged {
    closes: Vec<f64>,
    places: Vec<usize>,
}

impl Bridged {
    fn of(series: &BarSeries, stretch: Range<usize>) -> Self {
        let bars = series.bars().get(stretch.clone()).unwrap_or_default();
        let mut bridged =
            Self { closes: Vec::with_capacity(bars.len()), places: Vec::with_capacity(bars.len()) };
        // Behind a hole prices are moved by what its move was shortened by; nothing but returns is looked at.
        let mut scale: Option<f64> = None;
        let mut before: Option<f64> = None;
        for (index, bar) in stretch.clone().zip(bars) {
            let missing = if index == stretch.start { 0 } else { series.missing_before(index) };
            if let Some(before) = before.filter(|_| missing > 0) {
                let crossed = libm::pow(bar.open / before, 1.0 / f64::from(missing).sqrt());
                bridged.closes.push(before * scale.unwrap_or(1.0) * crossed);
                scale = Some(before * scale.unwrap_or(1.0) * crossed / bar.open);
            }
            bridged.places.push(bridged.closes.len());
            bridged.closes.push(scale.map_or(bar.close, |scale| bar.close * scale));
            before = Some(bar.close);
        }
        bridged
    }
}

/// What the returns around one bar look like.
#[derive(Debug, Clone, Copy)]
struct Around {
    deviation: f64,
    sum: f64,
    efficiency: f64,
}

impl Around {
    /// Two passes over the window: exact enough that equal returns have no deviation.
    fn look(returns: &[f64]) -> Self {
        let bars = returns.len() as f64;
        let sum: f64 = returns.iter().sum();
        let mean = sum / bars;
        let squares: f64 = returns.iter().map(|r| (r - mean) * (r - mean)).sum();
        // The path begins at the close of the first bar: its own return lies before it.
        let within = returns.get(1..).unwrap_or_default();
        let path: f64 = within.iter().map(|r| r.abs()).sum();
        let net = within.iter().sum::<f64>().abs();
        let efficiency = if path > 0.0 { net / path } else { 0.0 };
        Self { deviation: (squares / (bars - 1.0)).sqrt(), sum, efficiency }
    }
}

/// The sequence that costs least when each label changed costs one and each switch `switch_cost` (Viterbi 1967).
/// Bars without a label cost nothing and keep none.
fn smoothed(raw: &[Option<Regime>], switch_cost: f64) -> Vec<Option<Regime>> {
    let mut costs = [0.0_f64; 4];
    let mut came_from: Vec<[usize; 4]> = Vec::with_capacity(raw.len());
    for (at, label) in raw.iter().enumerate() {
        let cheapest = cheapest(&costs);
        let switched = costs.get(cheapest).copied().unwrap_or_default() + switch_cost;
        let mut from = [0, 1, 2, 3];
        for (regime, (cost, from)) in costs.iter_mut().zip(&mut from).enumerate() {
            if at > 0 && *cost > switched {
                (*cost, *from) = (switched, cheapest);
            }
            let wrong = label.is_some_and(|label| label.index() != regime);
            *cost += f64::from(u8::from(wrong));
        }
        came_from.push(from);
    }
    let mut regime = cheapest(&costs);
    let mut labels: Vec<Option<Regime>> = Vec::with_capacity(raw.len());
    for (label, from) in raw.iter().zip(&came_from).rev() {
        labels.push(label.and_then(|_| Regime::ALL.get(regime).copied()));
        regime = from.get(regime).copied().unwrap_or(regime);
    }
    labels.reverse();
    labels
}

fn cheapest(costs: &[f64; 4]) -> usize {
    let least = costs.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
    least.map_or(0, |(index, _)| index)
}

/// The runs of equal labels within `segment`, each with whether its true beginning is known: a label or the
/// edge of what could be labelled stands before it.
pub(super) fn runs(labels: &[Option<Regime>], segment: Range<usize>) -> Vec<(Range<usize>, Regime, bool)> {
    let mut found = Vec::new();
    let mut at = segment.start;
    let mut before: Option<Regime> = None;
    for group in labels.get(segment).unwrap_or_default().chunk_by(|a, b| a == b) {
        let label = group.first().copied().flatten();
        if let Some(regime) = label {
            found.push((at..at + group.len(), regime, before.is_some()));
        }
        before = label;
        at += group.len();
    }
    found
}
