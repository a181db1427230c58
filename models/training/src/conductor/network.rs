//! The conductor's network: fitted to rows, asked for predictions, and turned into the answer of the contract.
//!
//! From predicted performance `p̂` of each sleeve, volatility `v̂` (log, against what the book sizes by) and the
//! chance `q̂` that the trend families make money:
//!
//! ```text
//! weights    = softmax(p̂ / T)              T = 0.25
//! risk_scale = q̂ · min(1, exp(−v̂))         half on a coin toss, less before a storm, never more than 1
//! confidence = |2 q̂ − 1|                   nothing on a coin toss
//! ```

use burn::tensor::{Device, Tensor};
use models_inference::contract;

use crate::conductor::panel::Track;
use crate::conductor::target::Row;
use crate::dann::{Dropout, FeatureScale, Shape, matrix, numbers};
use crate::error::TrainError;
use crate::graph::{Function, Graph};
use crate::network::{Layer, Scale};
use crate::score::logistic;
use crate::training::{Examples, Progress, Recipe, Target, Trained, train};

/// Temperature of the weights, in units of performance.
pub const TEMPERATURE: f64 = 0.25;
/// Regimes the first adversary tells apart.
pub const REGIMES: usize = 4;

/// Which inputs go where.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Inputs {
    /// Number of features a question carries.
    pub width: usize,
    /// Those that reach the shared features.
    pub shared: Vec<usize>,
    /// Those that go straight to the prediction.
    pub context: Vec<usize>,
}

/// How a conductor is trained.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Method {
    /// Where λ ends; 0 for the twin.
    pub lambda_max: f64,
    /// Passes over the rows.
    pub epochs: usize,
    /// Everything random comes from here.
    pub seed: u64,
}

/// A network fitted to rows, with the scales its numbers are in.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The network.
    pub trained: Trained,
    inputs: Inputs,
    sleeves: usize,
    /// One per feature of the question.
    feature_scales: Vec<Scale>,
    /// One per sleeve, then volatility.
    target_scales: Vec<Scale>,
}

/// What a network predicts of one moment, in the units of the targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// Performance of each sleeve, then volatility, then the chance.
    pub numbers: Vec<f64>,
}

/// Layer sizes for `inputs` with `sleeves` sleeves and `assets` instruments.
#[must_use]
pub fn shape(inputs: &Inputs, sleeves: usize, assets: usize) -> Shape {
    Shape {
        inputs: inputs.shared.len(),
        context: inputs.context.len(),
        // Few features: wider ones keep traces of the domain in directions that no adversary attends to.
        trunk: vec![64, 64, 8],
        scale: FeatureScale::Unit,
        head: vec![32],
        context_hidden: vec![8],
        outputs: sleeves + 2,
        adversary: vec![64, 64],
        domains: vec![REGIMES, assets],
    }
}

/// The recipe of `method`: that of the original with its faults mended, a discrepancy between domains beside the
/// adversaries, whom the features outran alone, and weights kept small, because ten-bar targets of neighbouring bars
/// are nearly the same and soon learned by heart.
#[must_use]
pub fn recipe(method: &Method, sleeves: usize) -> Recipe {
    let mut targets = vec![Target::Value; sleeves + 1];
    targets.push(Target::Chance);
    Recipe {
        seed: method.seed,
        epochs: method.epochs,
        batch: 256,
        learning_rate: 1e-3,
        weight_decay: 0.03,
        dropout: 0.2,
        lambda_max: method.lambda_max,
        noise: 0.2,
        smoothing: 0.1,
        adversary_steps: 2,
        alignment: 3.0,
        targets,
    }
}

impl Fitted {
    /// Fits a network to `rows`. Scales come from these rows only.
    ///
    /// # Errors
    /// [`TrainError::Diverged`].
    pub fn of(
        tracks: &[Track],
        rows: &[&Row],
        inputs: &Inputs,
        method: &Method,
        progress: &mut dyn Progress,
    ) -> Result<Self, TrainError> {
        let sleeves = rows.first().map_or(0, |row| row.targets.len().saturating_sub(2));
        let features: Vec<&[f64]> = rows.iter().filter_map(|row| observation(tracks, row)).collect();
        if features.is_empty() || features.len() != rows.len() {
            return Err(TrainError::TooLittle("there are no rows to learn from".to_owned()));
        }
        let scale = |of: &dyn Fn(usize) -> f64| Scale::of((0..rows.len()).map(of));
        let feature_scales =
            (0..inputs.width).map(|place| scale(&|row| features[row][place])).collect::<Vec<_>>();
        let target_scales =
            (0..=sleeves).map(|target| scale(&|row| rows[row].targets[target])).collect::<Vec<_>>();
        let mut fitted = Self {
            trained: Trained::untrained(&shape(inputs, sleeves, tracks.len()), method.seed),
            inputs: inputs.clone(),
            sleeves,
            feature_scales,
            target_scales,
        };
        let examples = fitted.examples(tracks, rows, &features);
        let shape = shape(inputs, sleeves, tracks.len());
        fitted.trained = train(&shape, &recipe(method, sleeves), &examples, progress);
        match fitted.trained.epochs.last() {
            Some(last) if !last.prediction_loss.is_finite() || !last.adversary_loss.is_finite() => {
                Err(TrainError::Diverged("the loss".to_owned()))
            }
            Some(_) | None => Ok(fitted),
        }
    }

    fn examples(&self, tracks: &[Track], rows: &[&Row], features: &[&[f64]]) -> Examples {
        let regime = |row: &&Row| {
            let observation = tracks[row.asset].moments[row.place].observation.as_ref();
            observation.map_or(0, |observation| observation.regime.index())
        };
        let target = |row: &Row, place: usize| match self.target_scales.get(place) {
            Some(scale) => scale.standard(row.targets[place]) as f32,
            None => row.targets[place] as f32,
        };
        let targets = rows.iter().flat_map(|row| (0..self.sleeves + 2).map(|place| target(row, place)));
        Examples {
            rows: rows.len(),
            inputs: self.chosen(features, &self.inputs.shared),
            context: self.chosen(features, &self.inputs.context),
            targets: targets.collect(),
            domains: vec![rows.iter().map(regime).collect(), rows.iter().map(|row| row.asset).collect()],
        }
    }

    fn chosen(&self, features: &[&[f64]], places: &[usize]) -> Vec<f32> {
        let standard = |row: &[f64], place: usize| self.feature_scales[place].standard(row[place]) as f32;
        features.iter().flat_map(|row| places.iter().map(|place| standard(row, *place))).collect()
    }

    /// The shared features of each question, row by row, and how many there are a row.
    #[must_use]
    pub fn shared_features(&self, questions: &[&[f64]]) -> (Vec<f32>, usize) {
        let inputs =
            matrix(self.chosen(questions, &self.inputs.shared), self.inputs.shared.len(), &Device::flex());
        let features = self.trained.predictor.features(inputs, &mut Dropout::none());
        let [_, width] = features.dims();
        (numbers(features), width)
    }

    /// What is predicted for each question.
    #[must_use]
    pub fn predict(&self, questions: &[&[f64]]) -> Vec<Prediction> {
        self.predict_from(questions, |features| features)
    }

    /// What is predicted for each question when the shared features say nothing: all at their mean.
    #[must_use]
    pub fn predict_without_shared(&self, questions: &[&[f64]]) -> Vec<Prediction> {
        self.predict_from(questions, |features| {
            let [rows, _] = features.dims();
            features.mean_dim(0).repeat_dim(0, rows)
        })
    }

    fn predict_from(&self, questions: &[&[f64]], seen: impl Fn(Tensor<2>) -> Tensor<2>) -> Vec<Prediction> {
        let device = Device::flex();
        let of = |places: &[usize]| matrix(self.chosen(questions, places), places.len(), &device);
        let features = self.trained.predictor.features(of(&self.inputs.shared), &mut Dropout::none());
        let features = seen(features);
        let context = (!self.inputs.context.is_empty()).then(|| of(&self.inputs.context));
        let said = numbers(self.trained.predictor.predict(features, context, &mut Dropout::none()));
        let in_units = |(place, value): (usize, &f32)| match self.target_scales.get(place) {
            Some(scale) => f64::from(*value).mul_add(scale.deviation, scale.mean),
            None => logistic(f64::from(*value)),
        };
        let rows = said.chunks_exact(self.sleeves + 2);
        rows.map(|row| Prediction { numbers: row.iter().enumerate().map(in_units).collect() }).collect()
    }

    /// The whole network, from raw features to the answer of the contract.
    #[must_use]
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::new(self.inputs.width);
        let input = graph.input();
        let raw = |layer: &Layer, places: &[usize]| {
            layer.reading_raw(places, &self.feature_scales, self.inputs.width)
        };
        let first =
            self.trained.predictor.trunk.stack().layers.first().map(|layer| raw(layer, &self.inputs.shared));
        let features = graph.features(input, &self.trained.predictor, first);
        let mut head = self.trained.predictor.head.stack().layers;
        let head_last = head.pop();
        let hidden = head.into_iter().fold(features, |value, layer| {
            let value = graph.dense(value, layer);
            graph.apply(Function::Relu, value)
        });
        let mut context =
            self.trained.predictor.context.as_ref().map_or(Vec::new(), |tower| tower.stack().layers);
        if let Some(first) = context.first_mut() {
            *first = raw(first, &self.inputs.context);
        }
        let context_last = context.pop();
        let beside = context.into_iter().fold(input, |value, layer| {
            let value = graph.dense(value, layer);
            graph.apply(Function::Relu, value)
        });
        // One layer over both instead of two that are added: every step of a graph costs a call its share.
        let both = (head_last.is_some() && context_last.is_some()).then(|| graph.join(hidden, beside));
        // Columns of the last layers, in the units of the targets and divided by what follows.
        let mut columns = |from: core::ops::Range<usize>, per: f64| {
            let layer = |layer: &Option<Layer>, shift: f64| {
                layer.as_ref().map(|layer| self.in_units(layer, from.clone(), per, shift))
            };
            match (both, layer(&head_last, 1.0), layer(&context_last, 0.0)) {
                (Some(both), Some(shared), Some(added)) => graph.dense(both, shared.beside(&added)),
                (_, Some(shared), _) => graph.dense(hidden, shared),
                (_, None, Some(added)) => graph.dense(beside, added),
                (_, None, None) => input,
            }
        };
        let performance = columns(0..self.sleeves, TEMPERATURE);
        let volatility = columns(self.sleeves..self.sleeves + 1, 1.0);
        let chance = columns(self.sleeves + 1..self.sleeves + 2, 1.0);
        let half_chance = columns(self.sleeves + 1..self.sleeves + 2, 2.0);
        let weights = graph.apply(Function::Softmax, performance);
        let storm = graph.apply(Function::Relu, volatility);
        let storm = graph.apply(Function::Negate, storm);
        let calm = graph.apply(Function::Exp, storm);
        let chance = graph.apply(Function::Sigmoid, chance);
        let scale = graph.multiply(chance, calm);
        // 2 / (1 + exp(−x)) − 1 = tanh(x / 2).
        let lean = graph.apply(Function::Tanh, half_chance);
        let confidence = graph.apply(Function::Absolute, lean);
        graph.output(contract::WEIGHTS, weights, self.sleeves);
        graph.output(contract::RISK_SCALE, scale, 1);
        graph.output(contract::CONFIDENCE, confidence, 1);
        graph
    }

    /// Columns of a last layer whose outputs are standardised, in the units of the targets over `per`; `shift` says
    /// whether the mean belongs to this layer.
    fn in_units(&self, layer: &Layer, columns: core::ops::Range<usize>, per: f64, shift: f64) -> Layer {
        let mut chosen = layer.columns(columns.clone(), 1.0);
        let usual = Scale { mean: 0.0, deviation: 1.0 };
        for (place, column) in columns.enumerate() {
            let scale = self.target_scales.get(column).copied().unwrap_or(usual);
            let factor = scale.deviation / per;
            let width = chosen.outputs;
            for weight in chosen.weights.iter_mut().skip(place).step_by(width) {
                *weight = (f64::from(*weight) * factor) as f32;
            }
            let bias = f64::from(chosen.biases[place]);
            chosen.biases[place] = bias.mul_add(factor, shift * scale.mean / per) as f32;
        }
        chosen
    }
}

/// The features known at a row.
#[must_use]
pub fn observation<'a>(tracks: &'a [Track], row: &Row) -> Option<&'a [f64]> {
    let moment = tracks.get(row.asset)?.moments.get(row.place)?;
    moment.observation.as_ref().map(|observation| observation.features.as_slice())
}

#[cfg(test)]
mod tests;
