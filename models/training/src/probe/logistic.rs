//! Multinomial logistic regression: what a straight line can tell.

use crate::probe::{Probe, Sample, largest};

/// Weight of the squared weights in the loss, per row.
const PENALTY: f64 = 1e-4;
/// Steps of gradient descent with momentum.
const STEPS: usize = 400;
const MOMENTUM: f64 = 0.9;
const RATE: f64 = 0.3;

/// Multinomial logistic regression, fitted by gradient descent with momentum over all rows.
#[derive(Debug, Clone, Copy)]
pub struct Logistic;

impl Probe for Logistic {
    fn name(&self) -> &'static str {
        "logistic"
    }

    fn name_domains(&self, train: &Sample, test: &Sample, _seed: u64) -> Vec<usize> {
        let model = fit(train);
        test.rows().map(|(row, _)| largest(scores(&model, row).into_iter())).collect()
    }
}

/// One row of weights per class, the constant last.
type Model = Vec<Vec<f64>>;

fn scores(model: &Model, row: &[f32]) -> Vec<f64> {
    let score = |weights: &Vec<f64>| {
        let products = weights.iter().zip(row).map(|(weight, value)| weight * f64::from(*value));
        products.sum::<f64>() + weights.last().copied().unwrap_or(0.0)
    };
    model.iter().map(score).collect()
}

fn fit(train: &Sample) -> Model {
    let rows = train.labels.len().max(1) as f64;
    let mut model = vec![vec![0.0; train.width + 1]; train.classes];
    let mut speed = model.clone();
    // A step is stable while it is below one over the curvature, which grows with the number of features.
    let rate = RATE * 4.0 / (train.width as f64 + 4.0);
    for _ in 0..STEPS {
        let slope = gradient(&model, train, rows);
        for ((weights, speeds), slopes) in model.iter_mut().zip(&mut speed).zip(&slope) {
            for ((weight, speed), slope) in weights.iter_mut().zip(speeds).zip(slopes) {
                *speed = MOMENTUM.mul_add(*speed, -rate * (slope + PENALTY * *weight));
                *weight += *speed;
            }
        }
    }
    model
}

fn gradient(model: &Model, train: &Sample, rows: f64) -> Model {
    let mut slope = vec![vec![0.0; train.width + 1]; train.classes];
    for (row, label) in train.rows() {
        let chances = softmax(&scores(model, row));
        for (class, (chance, slopes)) in chances.iter().zip(&mut slope).enumerate() {
            let error = (chance - if class == label { 1.0 } else { 0.0 }) / rows;
            for (slope, value) in slopes.iter_mut().zip(row) {
                *slope += error * f64::from(*value);
            }
            if let Some(constant) = slopes.last_mut() {
                *constant += error;
            }
        }
    }
    slope
}

/// The shares exp(x) over the sum of exp(x).
#[must_use]
pub fn softmax(scores: &[f64]) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raised: Vec<f64> = scores.iter().map(|score| libm::exp(score - top)).collect();
    let sum = raised.iter().sum::<f64>();
    raised.into_iter().map(|value| value / sum).collect()
}
