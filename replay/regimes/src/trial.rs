//! What is compared: the labels of a series and what somebody said of each bar at its close.

use engine_core::regime::{Regime, RegimeReading};

use super::hindsight::LabelRule;
use super::series::BarSeries;

/// A series with its labels, judged from one bar on.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The bars.
    pub series: BarSeries,
    /// How they were labelled.
    pub rule: LabelRule,
    /// The label of each bar.
    pub labels: Vec<Option<Regime>>,
    /// Number of the first bar that counts; bars before it are for warming up and fitting.
    pub from: usize,
}

impl Trial {
    /// Labels `series` by the rule for its length of bars.
    #[must_use]
    pub fn new(series: BarSeries, from: usize) -> Self {
        let rule = LabelRule::of(series.interval());
        let labels = rule.label(&series);
        Self { series, rule, labels, from }
    }

    /// Numbers and labels of the bars that count.
    pub(super) fn judged(&self) -> impl Iterator<Item = (usize, Regime)> + '_ {
        let labelled = self.labels.iter().enumerate().skip(self.from);
        labelled.filter_map(|(at, label)| Some((at, (*label)?)))
    }

    /// How many bars count.
    #[must_use]
    pub fn bars(&self) -> usize {
        self.judged().count()
    }

    /// The share of each regime among the bars that count.
    #[must_use]
    pub fn shares(&self) -> [f64; 4] {
        let mut counts = [0_usize; 4];
        for (_, label) in self.judged() {
            if let Some(count) = counts.get_mut(label.index()) {
                *count += 1;
            }
        }
        let all = counts.iter().sum::<usize>().max(1) as f64;
        counts.map(|count| count as f64 / all)
    }

    /// The most frequent regime among the bars that count.
    #[must_use]
    pub fn majority(&self) -> Regime {
        let shares = self.shares();
        let most = Regime::ALL.iter().zip(shares).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(a.0)));
        most.map(|(regime, _)| *regime).unwrap_or_default()
    }

    /// The labels moved `bars` bars of time later: what is known of the past `bars` bars on.
    #[must_use]
    pub fn labels_later(&self, bars: usize) -> Vec<Option<Regime>> {
        let earlier = |at: usize| self.labels.get(self.series.earlier(at, bars)?).copied().flatten();
        (0..self.labels.len()).map(earlier).collect()
    }
}

/// The regime of each reading without hysteresis: what the bar alone says.
#[must_use]
pub fn raw_regimes(readings: &[Option<RegimeReading>]) -> Vec<Option<Regime>> {
    readings.iter().map(|reading| Some((*reading)?.raw)).collect()
}

/// The regime of each reading that drives orders.
#[must_use]
pub fn steady_regimes(readings: &[Option<RegimeReading>]) -> Vec<Option<Regime>> {
    readings.iter().map(|reading| Some((*reading)?.regime)).collect()
}
