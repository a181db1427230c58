//! The posterior of the two-axis rule, fitted on labels and refitted each year.

use engine_core::regime::posterior::PosteriorModel;
use engine_core::regime::two_axis::{TwoAxisDetector, TwoAxisParameters};
use engine_core::regime::{Regime, RegimeDetector as _};

use super::hindsight::LabelRule;
use super::logistic::{Example, fitted};
use super::recogniser::{Recogniser, TrainingBars};

/// Weight of the data against the penalty, as models.md measured it.
const C: f64 = 0.1;

/// Fewer labelled bars than this make no fit.
const EXAMPLES_MIN: usize = 200;

/// The two-axis rule with windows in proportion to those of `rule`.
#[must_use]
pub fn scaled_two_axis(rule: &LabelRule) -> TwoAxisParameters {
    TwoAxisParameters::in_proportion(rule.half_window_bars, rule.reference_bars)
}

/// The posterior model of the two-axis rule with `parameters` fitted on `training`; `None` with fewer than 200
/// labelled bars the rule has read.
#[must_use]
pub fn fitted_posterior(training: &TrainingBars, parameters: TwoAxisParameters) -> Option<PosteriorModel> {
    let mut detector = TwoAxisDetector::new(parameters, PosteriorModel::DEFAULT).ok()?;
    let mut examples: Vec<Example> = Vec::new();
    for (at, (bar, label)) in training.series.bars().iter().zip(&training.labels).enumerate() {
        detector.bridge(training.series.missing_before(at), bar.open);
        let read = detector.learn(bar).is_some();
        let seen = detector.measures().filter(|_| read);
        let example = |label: Regime| Some((seen?.posterior_features(&parameters), label));
        examples.extend(label.and_then(example));
    }
    (examples.len() >= EXAMPLES_MIN).then(|| fitted(&examples, C))
}

/// The two-axis rule with its posterior fitted anew each year on what was known by then.
#[must_use]
pub fn two_axis_refitted(parameters: TwoAxisParameters) -> Recogniser {
    Recogniser::Yearly(Box::new(move |training| {
        let model = fitted_posterior(training, parameters)?;
        Some(Box::new(TwoAxisDetector::new(parameters, model).ok()?))
    }))
}

#[cfg(test)]
mod tests {
    use engine_core::time::Span;

    use super::*;

    #[test]
    fn the_rules_of_days_and_hours_are_those_a_run_can_name() {
        assert_eq!(scaled_two_axis(&LabelRule::DAILY), TwoAxisParameters::default());
        assert_eq!(scaled_two_axis(&LabelRule::of(Span::HOUR)), TwoAxisParameters::hourly());
    }
}
