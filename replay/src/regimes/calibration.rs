//! The posterior of the two-axis rule, fitted on labels and refitted each year.

use engine_core::regime::posterior::PosteriorModel;
use engine_core::regime::two_axis::{Latch, TwoAxisDetector, TwoAxisParameters};
use engine_core::regime::{Regime, RegimeDetector as _};

use super::hindsight::LabelRule;
use super::logistic::{Example, fitted};
use super::recogniser::{Lesson, Recogniser};

/// Weight of the data against the penalty, as models.md measured it.
const C: f64 = 0.1;

/// Fewer labelled bars than this make no fit.
const EXAMPLES_MIN: usize = 200;

/// The two-axis rule with windows in proportion to those of `rule`, as the default's are to the labels of daily bars:
/// a window of 0.6 (2h + 1), deviations of 2h + 1 returns, a base of twice the reference of the labels, and
/// thresholds of efficiency that fall as 1/√(window − 1). For daily labels these are the default parameters.
#[must_use]
pub fn scaled_two_axis(rule: &LabelRule) -> TwoAxisParameters {
    let daily = TwoAxisParameters::default();
    let span = 2 * rule.half_window_bars + 1;
    let window_bars = (6 * span).div_ceil(10).max(3);
    let base_bars = 2 * rule.reference_bars;
    let walk = |window_bars: usize| ((window_bars - 1) as f64).sqrt();
    let harder = walk(daily.window_bars) / walk(window_bars);
    let Latch { on, off } = daily.efficiency_latch;
    TwoAxisParameters {
        window_bars,
        deviation_bars: span,
        base_bars,
        base_bars_min: base_bars * daily.base_bars_min / daily.base_bars,
        efficiency: daily.efficiency * harder,
        efficiency_latch: Latch { on: on * harder, off: off * harder },
        ..daily
    }
}

/// The posterior model of the two-axis rule with `parameters` fitted on `lesson`; `None` with fewer than 200
/// labelled bars the rule has read.
#[must_use]
pub fn fitted_posterior(lesson: &Lesson, parameters: TwoAxisParameters) -> Option<PosteriorModel> {
    let mut detector = TwoAxisDetector::new(parameters, PosteriorModel::DEFAULT).ok()?;
    let mut examples: Vec<Example> = Vec::new();
    for segment in lesson.series.segments() {
        detector.forget();
        let bars = lesson.series.bars().get(segment.clone()).unwrap_or_default();
        let labels = lesson.labels.get(segment.clone()).unwrap_or_default();
        for (bar, label) in bars.iter().zip(labels) {
            let read = detector.learn(bar).is_some();
            let seen = detector.measures().filter(|_| read);
            let example = |label: Regime| Some((seen?.posterior_features(&parameters), label));
            examples.extend(label.and_then(example));
        }
    }
    (examples.len() >= EXAMPLES_MIN).then(|| fitted(&examples, C))
}

/// The two-axis rule with its posterior fitted anew each year on what was known by then.
#[must_use]
pub fn two_axis_refitted(parameters: TwoAxisParameters) -> Recogniser {
    Recogniser::Yearly(Box::new(move |lesson| {
        let model = fitted_posterior(lesson, parameters)?;
        Some(Box::new(TwoAxisDetector::new(parameters, model).ok()?))
    }))
}

#[cfg(test)]
mod tests {
    use engine_core::time::Span;

    use super::*;

    #[test]
    fn daily_labels_give_the_default_and_hourly_ones_a_sound_rule() {
        assert_eq!(scaled_two_axis(&LabelRule::DAILY), TwoAxisParameters::default());
        let hourly = scaled_two_axis(&LabelRule::of(Span::HOUR)).validated().unwrap();
        assert_eq!((hourly.window_bars, hourly.deviation_bars, hourly.base_bars), (44, 73, 2_880));
        assert!((hourly.efficiency - 0.355 * (20.0_f64 / 43.0).sqrt()).abs() < 1e-12);
    }
}
