//! What a conductor model reads and answers, and when its answer is one.
//!
//! | tensor | type | shape | meaning |
//! |---|---|---|---|
//! | `features` | 32-bit float | [1, F] | the feature vector, in the order of the feature set |
//! | `weights` | 32-bit float | [1, K] | one weight per specialist, none negative, together at most 1 |
//! | `risk_scale` | 32-bit float | [1, 1] | what exposure is multiplied by, from 0 to 1 |
//! | `confidence` | 32-bit float | [1, 1] | how sure the model is, from 0 to 1 |
//!
//! The first dimension is the batch and always 1: some networks answer a row of a batch with other bits than the
//! row alone.

use engine_core::conductor::ConductorDecision;
use engine_core::num::Ratio;

/// Name of the one input.
pub const FEATURES: &str = "features";
/// Name of the output with one weight per specialist.
pub const WEIGHTS: &str = "weights";
/// Name of the output exposure is multiplied by.
pub const RISK_SCALE: &str = "risk_scale";
/// Name of the output that says how sure the model is.
pub const CONFIDENCE: &str = "confidence";

/// How far rounding in 32-bit floats may carry a softmax or sigmoid over its bounds. A number further out is no
/// rounding but a fault of the model.
pub const ROUNDING: f64 = 1e-5;

/// A tensor of a model: its name, and its shape where it holds 32-bit floats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its shape, −1 where it is open; `None` where it holds no 32-bit floats.
    pub shape: Option<Vec<i64>>,
}

impl core::fmt::Display for Port {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.shape {
            Some(shape) => write!(out, "{} {shape:?}", self.name),
            None => write!(out, "{} (no 32-bit floats)", self.name),
        }
    }
}

/// Checks the tensors of a conductor model for `features` features and `specialists` specialists.
///
/// # Errors
/// What differs, in words: the tensor, what it is, and what it should be.
pub fn check_ports(
    inputs: &[Port],
    outputs: &[Port],
    features: usize,
    specialists: usize,
) -> Result<(), String> {
    let row = |name: &str, size: usize| Port {
        name: name.to_owned(),
        shape: Some(vec![1, i64::try_from(size).unwrap_or(i64::MAX)]),
    };
    let wanted_inputs = [row(FEATURES, features)];
    let wanted_outputs = [row(WEIGHTS, specialists), row(RISK_SCALE, 1), row(CONFIDENCE, 1)];
    check_side("input", inputs, &wanted_inputs)?;
    check_side("output", outputs, &wanted_outputs)
}

fn check_side(side: &str, found: &[Port], wanted: &[Port]) -> Result<(), String> {
    for port in wanted {
        match found.iter().find(|found| found.name == port.name) {
            Some(found) if found == port => {}
            Some(found) => return Err(format!("its {side} is {found}, expected {port}")),
            None => return Err(format!("it has no {side} {port}")),
        }
    }
    match found.iter().find(|found| wanted.iter().all(|wanted| wanted.name != found.name)) {
        Some(found) => Err(format!("its {side} {found} is not expected")),
        None => Ok(()),
    }
}

/// What a model answered, as fixed-point numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// One weight per specialist, each from 0 to 1, together at most 1.
    pub weights: Vec<Ratio>,
    /// What exposure is multiplied by, from 0 to 1.
    pub risk_scale: Ratio,
    /// How sure the model is, from 0 to 1.
    pub confidence: Ratio,
}

impl Allocation {
    /// The answer in a model's outputs; `None` where they are no answer: NaN, infinite, negative, or more than
    /// one by more than [`ROUNDING`].
    ///
    /// Everything is rounded down to 10⁻⁹, so the weights never sum to more than 1 and rounding never adds risk.
    #[must_use]
    pub fn of(weights: &[f32], risk_scale: f32, confidence: f32) -> Option<Self> {
        let weights: Vec<Ratio> = weights.iter().map(|&weight| share(weight)).collect::<Option<_>>()?;
        let sum: i64 = weights.iter().map(|weight| weight.units()).sum();
        let one = Ratio::ONE.units();
        // In units of 10⁻⁹; the bound is far below 2⁵³, so the conversion is exact.
        if sum as f64 > one as f64 * (1.0 + ROUNDING) {
            return None;
        }
        let scaled = |weight: &Ratio| Ratio::from_units(weight.units() * one / sum);
        let weights = if sum > one { weights.iter().map(scaled).collect() } else { weights };
        Some(Self { weights, risk_scale: share(risk_scale)?, confidence: share(confidence)? })
    }
}

/// A number from 0 to 1, rounded down; what rounding carried out of this range is brought back.
fn share(value: f32) -> Option<Ratio> {
    let value = f64::from(value);
    // NaN is in no range.
    if !(-ROUNDING..=1.0 + ROUNDING).contains(&value) {
        return None;
    }
    let one = Ratio::ONE.units();
    let units = (value.clamp(0.0, 1.0) * one as f64).floor();
    Some(Ratio::from_units(units as i64))
}

/// The largest difference between two answers, over weights, risk scale and confidence; `None` where they weigh
/// different numbers of specialists.
#[must_use]
pub fn largest_difference(one: &ConductorDecision, other: &ConductorDecision) -> Option<Ratio> {
    if one.weights.len() != other.weights.len() {
        return None;
    }
    let scales = [(one.risk_scale, other.risk_scale), (one.confidence, other.confidence)];
    let weights = one.weights.iter().copied().zip(other.weights.iter().copied());
    let apart = |(one, other): (Ratio, Ratio)| one.units().abs_diff(other.units());
    let largest = weights.chain(scales).map(apart).max().unwrap_or(0);
    i64::try_from(largest).ok().map(Ratio::from_units)
}

#[cfg(test)]
mod tests {
    use engine_core::conductor::{Answerer, QuestionId};
    use engine_core::instrument::InstrumentId;
    use proptest::prelude::*;

    use super::*;

    fn port(name: &str, shape: &[i64]) -> Port {
        Port { name: name.into(), shape: Some(shape.to_vec()) }
    }

    #[test]
    fn tensors_other_than_agreed_are_named_with_what_they_should_be() {
        let sound = [port("confidence", &[1, 1]), port("weights", &[1, 8]), port("risk_scale", &[1, 1])];
        let input = [port("features", &[1, 13])];
        assert_eq!(check_ports(&input, &sound, 13, 8), Ok(()));
        let wider = check_ports(&input, &sound, 12, 8).unwrap_err();
        assert_eq!(wider, "its input is features [1, 13], expected features [1, 12]");
        let fewer = check_ports(&input, &sound, 13, 4).unwrap_err();
        assert_eq!(fewer, "its output is weights [1, 8], expected weights [1, 4]");
        let open = check_ports(&[port("features", &[-1, 13])], &sound, 13, 8).unwrap_err();
        assert_eq!(open, "its input is features [-1, 13], expected features [1, 13]");
        let none = check_ports(&[port("x", &[1, 13])], &sound, 13, 8).unwrap_err();
        assert_eq!(none, "it has no input features [1, 13]");
        let integers = Port { name: "features".into(), shape: None };
        let integers = check_ports(&[integers], &sound, 13, 8).unwrap_err();
        assert_eq!(integers, "its input is features (no 32-bit floats), expected features [1, 13]");
        let more: Vec<Port> = sound.iter().cloned().chain([port("extra", &[1])]).collect();
        assert_eq!(check_ports(&input, &more, 13, 8).unwrap_err(), "its output extra [1] is not expected");
    }

    #[test]
    fn an_answer_is_rounded_down_to_a_billionth() {
        let answer = Allocation::of(&[0.25, 0.1, 0.0], 0.75, 1.0).unwrap();
        // The float nearest to 0.1 is 0.100000001490116…
        let units: Vec<i64> = answer.weights.iter().map(|weight| weight.units()).collect();
        assert_eq!(units, [250_000_000, 100_000_001, 0]);
        assert_eq!((answer.risk_scale.units(), answer.confidence), (750_000_000, Ratio::ONE));
    }

    #[test]
    fn what_rounding_carried_over_a_bound_is_brought_back_and_more_is_refused() {
        let answer = Allocation::of(&[-1e-6, 1.000_001], 1.000_001, -1e-6).unwrap();
        assert_eq!(answer.weights, [Ratio::ZERO, Ratio::ONE]);
        assert_eq!((answer.risk_scale, answer.confidence), (Ratio::ONE, Ratio::ZERO));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.001, 1.001] {
            assert_eq!(Allocation::of(&[bad, 0.0], 0.5, 0.5), None, "{bad}");
            assert_eq!(Allocation::of(&[0.5, 0.5], bad, 0.5), None, "{bad}");
            assert_eq!(Allocation::of(&[0.5, 0.5], 0.5, bad), None, "{bad}");
        }
        assert_eq!(Allocation::of(&[0.6, 0.6], 0.5, 0.5), None);
    }

    fn decision(weights: &[i64], risk_scale: i64) -> ConductorDecision {
        ConductorDecision {
            question: QuestionId(1),
            instrument: InstrumentId::new(1),
            weights: weights.iter().map(|&units| Ratio::from_units(units)).collect(),
            risk_scale: Ratio::from_units(risk_scale),
            confidence: Ratio::ONE,
            answered_by: Answerer::Rule,
        }
    }

    #[test]
    fn two_answers_differ_by_their_largest_difference() {
        let first = decision(&[5, 9], 100);
        assert_eq!(largest_difference(&first, &first), Some(Ratio::ZERO));
        assert_eq!(largest_difference(&first, &decision(&[5, 2], 104)), Some(Ratio::from_units(7)));
        assert_eq!(largest_difference(&first, &decision(&[5, 9], 0)), Some(Ratio::from_units(100)));
        assert_eq!(largest_difference(&first, &decision(&[5], 100)), None);
    }

    proptest! {
        #[test]
        fn accepted_weights_never_sum_to_more_than_one(
            raw in prop::collection::vec(0.0_f32..1.0, 1..12), slack in 0.999_99_f32..1.000_009,
        ) {
            let sum: f32 = raw.iter().sum();
            prop_assume!(sum > 0.001);
            let weights: Vec<f32> = raw.iter().map(|weight| weight / sum * slack).collect();
            if let Some(answer) = Allocation::of(&weights, 0.5, 0.5) {
                let total: i64 = answer.weights.iter().map(|weight| weight.units()).sum();
                prop_assert!(total <= Ratio::ONE.units());
                prop_assert!(answer.weights.iter().all(|weight| weight.units() >= 0));
            } else {
                let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
                prop_assert!(total > 1.0 + ROUNDING - 1e-7, "{total}");
            }
        }
    }
}
