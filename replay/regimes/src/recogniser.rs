//! Who names regimes: a detector as it is, or one fitted anew each year on what was known by then.

use engine_core::regime::{Regime, RegimeDetector, RegimeReading};

use super::hindsight::LabelRule;
use super::series::BarSeries;

/// Makes a detector that has seen nothing.
pub type DetectorFactory = Box<dyn Fn() -> Box<dyn RegimeDetector> + Send + Sync>;

/// Makes a detector from what is known at one moment; `None` when that is too little.
pub type DetectorFit = Box<dyn Fn(&TrainingBars) -> Option<Box<dyn RegimeDetector>> + Send + Sync>;

/// What a fit may look at: bars up to one moment, and labels made of these bars alone.
#[derive(Debug, Clone)]
pub struct TrainingBars {
    /// The bars.
    pub series: BarSeries,
    /// Their labels, recomputed on these bars only; the last h + 1 have none.
    pub labels: Vec<Option<Regime>>,
}

impl TrainingBars {
    /// What is known of `series` after its first `bars` bars.
    ///
    /// Labels come from data that ends there and stop h + 1 bars before that end: no label has seen a bar that a
    /// detector fitted on it will be judged by.
    #[must_use]
    pub fn until(series: &BarSeries, bars: usize) -> Self {
        let rule = LabelRule::of(series.interval());
        let series = series.truncated(bars);
        let mut labels = rule.label(&series);
        let kept = series.len().saturating_sub(rule.delay_bars());
        for label in labels.iter_mut().skip(kept) {
            *label = None;
        }
        Self { series, labels }
    }

    /// How many bars have a label.
    #[must_use]
    pub fn labelled(&self) -> usize {
        self.labels.iter().flatten().count()
    }
}

/// Somebody who names the regime of each bar at its close.
pub enum Recogniser {
    /// A detector that needs no fit.
    Fixed(DetectorFactory),
    /// A detector fitted at the first bar that counts and again after each year, always on the bars before.
    Yearly(DetectorFit),
}

impl core::fmt::Debug for Recogniser {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(match self {
            Self::Fixed(_) => "Recogniser::Fixed",
            Self::Yearly(_) => "Recogniser::Yearly",
        })
    }
}

impl Recogniser {
    /// A detector that needs no fit.
    pub fn fixed<D: RegimeDetector + 'static>(make: impl Fn() -> D + Send + Sync + 'static) -> Self {
        Self::Fixed(Box::new(move || Box::new(make())))
    }

    /// What is said of each bar at its close. Fitted detectors say nothing before bar `from`, nor in a year in
    /// which too little was known.
    #[must_use]
    pub fn read(&self, series: &BarSeries, from: usize) -> Vec<Option<RegimeReading>> {
        match self {
            Self::Fixed(make) => read_all(make().as_mut(), series, 0, series.len()),
            Self::Yearly(fit) => {
                let year = (series.bars_yearly().round() as usize).max(1);
                let mut said = vec![None; from.min(series.len())];
                while said.len() < series.len() {
                    let (begin, end) = (said.len(), (said.len() + year).min(series.len()));
                    match fit(&TrainingBars::until(series, begin)) {
                        Some(mut detector) => said.extend(read_all(detector.as_mut(), series, begin, end)),
                        None => said.resize(end, None),
                    }
                }
                said
            }
        }
    }
}

/// Shows `detector` the bars before `end` and the holes between them, and keeps what it says from `begin` on.
fn read_all(
    detector: &mut dyn RegimeDetector,
    series: &BarSeries,
    begin: usize,
    end: usize,
) -> Vec<Option<RegimeReading>> {
    let mut said = Vec::with_capacity(end - begin);
    for (at, bar) in series.bars().iter().enumerate().take(end) {
        detector.bridge(series.missing_before(at), bar.open);
        let reading = detector.learn(bar);
        if at >= begin {
            said.push(reading);
        }
    }
    said
}
