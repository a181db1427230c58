//! Multinomial logistic regression with a quadratic penalty, solved to the end by Newton's method.

use engine_core::regime::Regime;
use engine_core::regime::posterior::PosteriorModel;

use super::linear_system::solved;

/// Features and the constant.
const WIDTH: usize = PosteriorModel::FEATURES + 1;
const REGIMES: usize = 4;
const WEIGHTS: usize = REGIMES * WIDTH;
const STEPS_MAX: usize = 100;
/// A step that changes no weight by more than this is the last.
const SETTLED: f64 = 1e-10;
/// Constants are not penalised and only their differences matter: this much curvature keeps a step along their
/// sum, which changes nothing, finite. The gradient has no such term, so the solution is not moved by it.
const RIDGE: f64 = 1e-6;

/// One bar: what was seen and what it was.
pub(super) type Example = ([f64; PosteriorModel::FEATURES], Regime);

/// The weights that minimise Σ −ln p(label) + ‖w‖² / (2 `c`), constants not penalised: scikit-learn's convention.
///
/// The problem is strictly convex in all differences of weights that matter, so there is one answer; it is found
/// with the same bits on every run. Of a regime that never occurs the constant falls until the steps run out.
pub(super) fn fitted(examples: &[Example], c: f64) -> PosteriorModel {
    let mut weights = [[0.0; WIDTH]; REGIMES];
    let mut loss = loss_of(&weights, examples, c);
    for _ in 0..STEPS_MAX {
        let Some(step) = newton_step(&weights, examples, c) else { break };
        let mut share = 1.0;
        let (mut tried, mut found) = stepped(&weights, &step, share, examples, c);
        while found > loss && share > 1e-6 {
            share /= 2.0;
            (tried, found) = stepped(&weights, &step, share, examples, c);
        }
        (weights, loss) = (tried, found);
        if step.iter().all(|change| change.abs() * share < SETTLED) {
            break;
        }
    }
    model_of(&weights)
}

type Weights = [[f64; WIDTH]; REGIMES];

fn model_of(weights: &Weights) -> PosteriorModel {
    let mut model = PosteriorModel {
        coefficients: [[0.0; PosteriorModel::FEATURES]; REGIMES],
        intercepts: [0.0; REGIMES],
    };
    let constant = |row: &[f64; WIDTH]| row.last().copied().unwrap_or_default();
    // Constants are stated with mean zero: only their differences were fitted.
    let mean = weights.iter().map(constant).sum::<f64>() / REGIMES as f64;
    let rows = model.coefficients.iter_mut().zip(&mut model.intercepts).zip(weights);
    for ((coefficients, intercept), row) in rows {
        for (coefficient, weight) in coefficients.iter_mut().zip(row) {
            *coefficient = *weight;
        }
        *intercept = constant(row) - mean;
    }
    model
}

fn penalty(weights: &Weights, c: f64) -> f64 {
    let penalised = weights.iter().flat_map(|row| row.iter().take(PosteriorModel::FEATURES));
    penalised.map(|weight| weight * weight).sum::<f64>() / (2.0 * c)
}

fn loss_of(weights: &Weights, examples: &[Example], c: f64) -> f64 {
    let model = model_of(weights);
    let losses = examples.iter().map(|(features, label)| {
        let chance = model.posterior(features).get(label.index()).copied().unwrap_or_default();
        -libm::log(chance.max(f64::MIN_POSITIVE))
    });
    losses.sum::<f64>() + penalty(weights, c)
}

fn stepped(weights: &Weights, step: &[f64], share: f64, examples: &[Example], c: f64) -> (Weights, f64) {
    let mut moved = *weights;
    for (weight, change) in moved.iter_mut().flatten().zip(step) {
        *weight -= share * change;
    }
    (moved, loss_of(&moved, examples, c))
}

/// Curvature⁻¹ · gradient at `weights`.
fn newton_step(weights: &Weights, examples: &[Example], c: f64) -> Option<Vec<f64>> {
    let model = model_of(weights);
    let mut gradient = vec![0.0; WEIGHTS];
    let mut curvature = vec![0.0; WEIGHTS * WEIGHTS];
    let mut input = [1.0; WIDTH];
    for (features, label) in examples {
        for (value, feature) in input.iter_mut().zip(features) {
            *value = *feature;
        }
        let chances = model.posterior(features);
        for (regime, chance) in chances.iter().enumerate() {
            let error = chance - f64::from(u8::from(regime == label.index()));
            let row = gradient.get_mut(regime * WIDTH..(regime + 1) * WIDTH)?;
            for (slope, value) in row.iter_mut().zip(&input) {
                *slope += error * value;
            }
        }
        add_curvature(&mut curvature, &chances, &input);
    }
    for (place, weight) in weights.iter().flatten().enumerate() {
        let is_constant = place % WIDTH == PosteriorModel::FEATURES;
        *gradient.get_mut(place)? += if is_constant { 0.0 } else { weight / c };
        *curvature.get_mut(place * WEIGHTS + place)? += if is_constant { RIDGE } else { 1.0 / c };
    }
    solved(curvature, gradient)
}

/// Adds p_k (1[k = l] − p_l) · x xᵀ to each block (k, l).
fn add_curvature(curvature: &mut [f64], chances: &[f64; REGIMES], input: &[f64; WIDTH]) {
    for (place, row) in curvature.chunks_exact_mut(WEIGHTS).enumerate() {
        let (regime, feature) = (place / WIDTH, place % WIDTH);
        let (Some(chance), Some(value)) = (chances.get(regime), input.get(feature)) else { continue };
        for (other, (block, other_chance)) in row.chunks_exact_mut(WIDTH).zip(chances).enumerate() {
            let same = f64::from(u8::from(other == regime));
            let weight = chance * (same - other_chance) * value;
            for (cell, other_value) in block.iter_mut().zip(input) {
                *cell += weight * other_value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples whose features say something of the label, made without randomness.
    fn examples() -> Vec<Example> {
        let example = |number: usize| {
            let label = Regime::ALL[(number * number + number / 3) % 4];
            let mut features = [0.0; PosteriorModel::FEATURES];
            for (place, feature) in features.iter_mut().enumerate() {
                let noise = ((number * 31 + place * 17 + number * place) % 23) as f64 / 11.5 - 1.0;
                *feature = noise + if place == label.index() { 0.8 } else { 0.0 };
            }
            (features, label)
        };
        (0..600).map(example).collect()
    }

    fn slope(model: &PosteriorModel, examples: &[Example], c: f64, regime: usize, place: usize) -> f64 {
        let chances = examples.iter().map(|(features, label)| {
            let error = model.posterior(features)[regime] - f64::from(u8::from(regime == label.index()));
            error * features.get(place).copied().unwrap_or(1.0)
        });
        let weight = model.coefficients[regime].get(place).copied().unwrap_or_default();
        chances.sum::<f64>() + weight / c
    }

    #[test]
    fn at_the_answer_every_slope_is_zero() {
        let examples = examples();
        for c in [0.01, 0.1, 10.0] {
            let model = fitted(&examples, c);
            for regime in 0..REGIMES {
                for place in 0..WIDTH {
                    let slope = slope(&model, &examples, c, regime, place);
                    assert!(slope.abs() < 1e-6, "c {c} regime {regime} feature {place}: {slope}");
                }
            }
        }
    }

    #[test]
    fn a_regime_that_never_occurs_gets_next_to_no_chance() {
        let without: Vec<Example> =
            examples().into_iter().filter(|(_, label)| *label != Regime::Crisis).collect();
        let model = fitted(&without, 0.1);
        assert!(model.is_finite());
        assert!(without.iter().all(|(features, _)| model.posterior(features)[3] < 1e-4));
    }

    #[test]
    fn a_strong_penalty_leaves_the_shares() {
        let examples = examples();
        let model = fitted(&examples, 1e-9);
        let count = |regime: Regime| examples.iter().filter(|(_, label)| *label == regime).count() as f64;
        for (chance, regime) in model.posterior(&[0.3; PosteriorModel::FEATURES]).iter().zip(Regime::ALL) {
            assert!((chance - count(regime) / 600.0).abs() < 1e-4);
        }
    }
}
