//! A fresh network: what the adversary could have told had it started anew.

use burn::tensor::Device;

use crate::dann::{Dropout, FeatureScale, Shape, matrix, numbers};
use crate::probe::{Probe, Sample, largest};
use crate::training::{Examples, Recipe, Target, Unwatched, train};

/// Steps of training, whatever the number of rows.
const STEPS: usize = 1_500;
const BATCH: usize = 64;

/// Two hidden layers of 64, one logistic output per domain.
#[derive(Debug, Clone, Copy)]
pub struct Perceptron;

impl Probe for Perceptron {
    fn name(&self) -> &'static str {
        "perceptron"
    }

    fn name_domains(&self, train_rows: &Sample, test: &Sample, seed: u64) -> Vec<usize> {
        let shape = Shape {
            inputs: train_rows.width,
            context: 0,
            trunk: vec![64, 64],
            scale: FeatureScale::Free,
            head: Vec::new(),
            context_hidden: Vec::new(),
            outputs: train_rows.classes,
            adversary: Vec::new(),
            domains: Vec::new(),
        };
        let rows = train_rows.labels.len();
        let recipe = Recipe {
            seed,
            epochs: (STEPS * BATCH).div_ceil(rows.max(1)),
            batch: BATCH,
            learning_rate: 1e-3,
            weight_decay: 1e-5,
            dropout: 0.0,
            lambda_max: 0.0,
            noise: 0.0,
            smoothing: 0.0,
            adversary_steps: 1,
            alignment: 0.0,
            targets: vec![Target::Chance; train_rows.classes],
        };
        let hot = train_rows.labels.iter().flat_map(|label| {
            (0..train_rows.classes).map(move |class| if class == *label { 1.0 } else { 0.0 })
        });
        let examples = Examples {
            rows,
            inputs: train_rows.features.clone(),
            targets: hot.collect(),
            ..Examples::default()
        };
        let learned = train(&shape, &recipe, &examples, &mut Unwatched).predictor;
        let asked = matrix(test.features.clone(), test.width, &Device::flex());
        let features = learned.features(asked, &mut Dropout::none());
        let said = numbers(learned.predict(features, None, &mut Dropout::none()));
        said.chunks_exact(test.classes.max(1)).map(|row| largest(row.iter())).collect()
    }
}
