//! How a network learns: batches, losses, the two adversary steps, and what is remembered of it.

use burn::module::Module as _;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::{log_softmax, sigmoid, softplus};
use burn::tensor::{Device, Tensor};

use crate::alignment::discrepancy;
use crate::dann::{Adversaries, Dropout, Predictor, Shape, lambda_at, matrix, numbers, reverse_gradient};
use crate::random::Stream;

/// Rows to learn from or to be judged on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Examples {
    /// Number of rows.
    pub rows: usize,
    /// The inputs of the features, row by row.
    pub inputs: Vec<f32>,
    /// The inputs that go past the features, row by row; empty where the network has no context.
    pub context: Vec<f32>,
    /// What should be predicted, row by row.
    pub targets: Vec<f32>,
    /// For each adversary the domain of each row.
    pub domains: Vec<Vec<usize>>,
}

impl Examples {
    /// The rows `chosen`, in that order.
    #[must_use]
    pub fn pick(&self, chosen: &[usize]) -> Self {
        let rows_of = |numbers: &[f32]| {
            let width = numbers.len() / self.rows.max(1);
            chosen.iter().flat_map(|row| numbers[row * width..(row + 1) * width].iter().copied()).collect()
        };
        Self {
            rows: chosen.len(),
            inputs: rows_of(&self.inputs),
            context: rows_of(&self.context),
            targets: rows_of(&self.targets),
            domains: self.domains.iter().map(|of| chosen.iter().map(|row| of[*row]).collect()).collect(),
        }
    }
}

/// What a predicted number is, which decides the function it passes and its loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Any number: squared error.
    Value,
    /// A number from 0 to 1: logistic function, then squared error.
    Share,
    /// A probability: logistic function, then cross-entropy.
    Chance,
}

/// How to train.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Recipe {
    /// Everything random comes from here.
    pub seed: u64,
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows a step.
    pub batch: usize,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// Weight decay of the predictor.
    pub weight_decay: f32,
    /// Share of features dropped after each of the first two hidden layers of features, and the first of a head.
    pub dropout: f32,
    /// Where λ ends; 0 trains the twin without adversary influence.
    pub lambda_max: f64,
    /// Deviation of the noise on what an adversary sees.
    pub noise: f32,
    /// Share of an adversary's target spread over all domains.
    pub smoothing: f32,
    /// Steps of the adversaries for each step of the features.
    pub adversary_steps: usize,
    /// Weight of the discrepancy between domains, times λ; 0 leaves it to the adversaries.
    pub alignment: f64,
    /// What each predicted number is.
    pub targets: Vec<Target>,
}

/// What happened in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Epoch {
    /// Which, counted from 1.
    pub epoch: usize,
    /// Mean loss of the predictions.
    pub prediction_loss: f64,
    /// Mean cross-entropy of the adversaries, without noise or smoothing taken out.
    pub adversary_loss: f64,
    /// λ at its end.
    pub lambda: f64,
}

/// A network that has learned.
#[derive(Debug, Clone)]
pub struct Trained {
    /// What predicts.
    pub predictor: Predictor,
    /// What it learned against.
    pub adversaries: Adversaries,
    /// What happened.
    pub epochs: Vec<Epoch>,
}

impl Trained {
    /// The network before it has learned anything.
    #[must_use]
    pub fn untrained(shape: &Shape, seed: u64) -> Self {
        let device = Device::flex();
        let (predictor, adversaries) =
            (Predictor::random(shape, seed, &device), Adversaries::random(shape, seed, &device));
        Self { predictor, adversaries, epochs: Vec::new() }
    }
}

/// Where progress goes.
pub trait Progress {
    /// `done` of `total` steps are done.
    fn advanced(&mut self, done: u64, total: u64, what: &str);
}

/// Progress that nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn advanced(&mut self, _done: u64, _total: u64, _what: &str) {}
}

/// Trains a network of `shape` on `examples`. The same arguments give the same bits.
pub fn train(shape: &Shape, recipe: &Recipe, examples: &Examples, progress: &mut dyn Progress) -> Trained {
    let mut lesson = Lesson::new(shape, recipe, examples);
    let steps = lesson.steps_per_epoch() * recipe.epochs;
    let mut epochs = Vec::with_capacity(recipe.epochs);
    for epoch in 1..=recipe.epochs {
        epochs.push(lesson.epoch(epoch));
        let done = lesson.steps_per_epoch() * epoch;
        progress.advanced(done as u64, steps as u64, "training");
    }
    Trained { predictor: lesson.predictor.valid(), adversaries: lesson.adversaries.valid(), epochs }
}

/// A network while it learns.
struct Lesson<'a> {
    shape: &'a Shape,
    recipe: &'a Recipe,
    examples: &'a Examples,
    device: Device,
    predictor: Predictor,
    adversaries: Adversaries,
    predictor_steps: ModuleOptimizer,
    adversary_steps: ModuleOptimizer,
    order: Stream,
    drops: Stream,
    noise: Stream,
    /// For each adversary one factor per domain, so that every domain counts the same in its loss.
    balance: Vec<Vec<f32>>,
    steps_done: usize,
}

/// The rows of one step, as tensors.
struct Batch {
    inputs: Tensor<2>,
    context: Option<Tensor<2>>,
    targets: Tensor<2>,
    /// For each adversary its smoothed and balanced targets.
    domains: Vec<Tensor<2>>,
    /// For each adversary the domain of each row.
    labels: Vec<Vec<usize>>,
}

/// What one step is to make smaller.
struct Losses {
    predicted: Tensor<1>,
    /// Cross-entropy of the adversaries, behind the reversal.
    told: Option<Tensor<1>>,
    /// Discrepancy between domains, weighted.
    apart: Option<Tensor<1>>,
}

impl<'a> Lesson<'a> {
    fn new(shape: &'a Shape, recipe: &'a Recipe, examples: &'a Examples) -> Self {
        let device = Device::flex().autodiff();
        let seed = recipe.seed;
        let decay = (recipe.weight_decay > 0.0)
            .then(|| burn::optim::decay::WeightDecayConfig::new(recipe.weight_decay));
        let domains = examples.domains.iter().zip(&shape.domains);
        Self {
            shape,
            recipe,
            examples,
            predictor: Predictor::random(shape, seed, &device),
            adversaries: Adversaries::random(shape, seed, &device),
            predictor_steps: AdamConfig::new().with_epsilon(1e-8).with_weight_decay(decay).init(),
            adversary_steps: AdamConfig::new().with_epsilon(1e-8).init(),
            order: Stream::new(seed, "order"),
            drops: Stream::new(seed, "dropout"),
            noise: Stream::new(seed, "noise"),
            balance: domains.map(|(of, count)| balance(of, *count)).collect(),
            steps_done: 0,
            device,
        }
    }

    fn steps_per_epoch(&self) -> usize {
        self.examples.rows.div_ceil(self.recipe.batch.max(1))
    }

    fn epoch(&mut self, epoch: usize) -> Epoch {
        let mut order: Vec<usize> = (0..self.examples.rows).collect();
        self.order.shuffle(&mut order);
        let (mut predicted, mut told, mut lambda) = (0.0, 0.0, 0.0);
        let steps_total = (self.steps_per_epoch() * self.recipe.epochs).max(1);
        for rows in order.chunks(self.recipe.batch.max(1)) {
            let batch = self.batch(rows);
            for _ in 1..self.recipe.adversary_steps {
                self.teach_adversaries(&batch);
            }
            lambda = lambda_at(self.steps_done as f64 / steps_total as f64, self.recipe.lambda_max);
            let (prediction_loss, adversary_loss) = self.teach_all(&batch, lambda);
            predicted += prediction_loss * rows.len() as f64;
            told += adversary_loss * rows.len() as f64;
            self.steps_done += 1;
        }
        let rows = self.examples.rows.max(1) as f64;
        Epoch { epoch, prediction_loss: predicted / rows, adversary_loss: told / rows, lambda }
    }

    fn batch(&self, rows: &[usize]) -> Batch {
        let picked = self.examples.pick(rows);
        let context =
            (self.shape.context > 0).then(|| matrix(picked.context, self.shape.context, &self.device));
        let smoothing = self.recipe.smoothing;
        let domains = picked.domains.iter().zip(&self.shape.domains).zip(&self.balance);
        let domains = domains.map(|((of, count), balance)| {
            let rest = smoothing / *count as f32;
            let aims = of.iter().flat_map(|domain| {
                let aim = move |place| if place == *domain { 1.0 - smoothing + rest } else { rest };
                (0..*count).map(move |place| aim(place) * balance[*domain])
            });
            matrix(aims.collect(), *count, &self.device)
        });
        let domains = domains.collect();
        Batch {
            inputs: matrix(picked.inputs, self.shape.inputs, &self.device),
            context,
            targets: matrix(picked.targets, self.shape.outputs, &self.device),
            domains,
            labels: picked.domains,
        }
    }

    /// One step of the adversaries alone, on features that do not move.
    fn teach_adversaries(&mut self, batch: &Batch) {
        if self.adversaries.heads.is_empty() {
            return;
        }
        let mut dropout = Dropout::of(&mut self.drops, self.recipe.dropout, 2);
        let features = self.predictor.features(batch.inputs.clone(), &mut dropout).detach();
        let loss = self.adversary_loss(features, batch);
        let mut gradients = loss.backward();
        let gradients = GradientsParams::from_module(&mut gradients, &self.adversaries);
        let adversaries = self.adversaries.clone();
        self.adversaries = self.adversary_steps.step(self.recipe.learning_rate, adversaries, gradients);
    }

    /// One step of everything; answers the losses of prediction and adversaries.
    fn teach_all(&mut self, batch: &Batch, lambda: f64) -> (f64, f64) {
        let Losses { predicted, told, apart } = self.losses(batch, lambda);
        let parts = [told.clone(), apart].into_iter().flatten();
        let mut gradients = parts.fold(predicted.clone(), |sum, part| sum + part).backward();
        let of_predictor = GradientsParams::from_module(&mut gradients, &self.predictor);
        let of_adversaries = GradientsParams::from_module(&mut gradients, &self.adversaries);
        let rate = self.recipe.learning_rate;
        self.predictor = self.predictor_steps.step(rate, self.predictor.clone(), of_predictor);
        self.adversaries = self.adversary_steps.step(rate, self.adversaries.clone(), of_adversaries);
        let value = |loss: Tensor<1>| numbers(loss).first().copied().map_or(0.0, f64::from);
        (value(predicted), told.map_or(0.0, value))
    }

    fn losses(&mut self, batch: &Batch, lambda: f64) -> Losses {
        let mut dropout = Dropout::of(&mut self.drops, self.recipe.dropout, 2);
        let features = self.predictor.features(batch.inputs.clone(), &mut dropout);
        let mut dropout = Dropout::of(&mut self.drops, self.recipe.dropout, 1);
        let predictions = self.predictor.predict(features.clone(), batch.context.clone(), &mut dropout);
        let prediction_loss = prediction_loss(predictions, batch.targets.clone(), &self.recipe.targets);
        let apart = self.apart(&features, batch, lambda);
        let told = (!self.adversaries.heads.is_empty())
            .then(|| self.adversary_loss(reverse_gradient(features, lambda), batch));
        Losses { predicted: prediction_loss, told, apart }
    }

    /// The discrepancy between the domains' features, of every partition into domains, as it counts in the loss.
    fn apart(&self, features: &Tensor<2>, batch: &Batch, lambda: f64) -> Option<Tensor<1>> {
        let weight = self.recipe.alignment * lambda;
        if weight <= 0.0 {
            return None;
        }
        let partitions = batch.labels.iter().zip(&self.shape.domains);
        let apart = partitions.map(|(labels, count)| discrepancy(features, labels, *count, &self.device));
        apart.reduce(|sum, one| sum + one).map(|sum| sum.mul_scalar(weight))
    }

    /// Cross-entropy of every adversary on noisy `features`, added up.
    fn adversary_loss(&mut self, features: Tensor<2>, batch: &Batch) -> Tensor<1> {
        let [rows, width] = features.dims();
        let mut total = None;
        for (head, aims) in self.adversaries.heads.iter().zip(&batch.domains) {
            let noise = matrix(self.noise.normals(rows * width, self.recipe.noise), width, &self.device);
            let mut dropout = Dropout::of(&mut self.drops, self.recipe.dropout, 1);
            let said = log_softmax(head.forward(features.clone() + noise, &mut dropout), 1);
            let loss = (said * aims.clone()).sum().mul_scalar(-1.0 / rows as f64);
            total = Some(match total {
                Some(before) => before + loss,
                None => loss,
            });
        }
        total.unwrap_or_else(|| Tensor::zeros([1], &self.device))
    }
}

/// One factor per domain, inverse to its share of the rows: every domain weighs the same, and a network that
/// always names the largest gains nothing.
fn balance(domains: &[usize], count: usize) -> Vec<f32> {
    let mut seen = vec![0_usize; count];
    for domain in domains {
        seen[*domain] += 1;
    }
    let present = seen.iter().filter(|rows| **rows > 0).count().max(1);
    let even = domains.len() as f32 / present as f32;
    seen.iter().map(|rows| if *rows == 0 { 0.0 } else { even / *rows as f32 }).collect()
}

/// Mean over rows and predicted numbers of the loss that belongs to each.
fn prediction_loss(raw: Tensor<2>, targets: Tensor<2>, kinds: &[Target]) -> Tensor<1> {
    let device = raw.device();
    let mask = |kind: Target| {
        kinds.contains(&kind).then(|| {
            let marks = kinds.iter().map(|of| if *of == kind { 1.0_f32 } else { 0.0 }).collect();
            matrix(marks, kinds.len(), &device)
        })
    };
    let mut parts = Vec::new();
    if let Some(mask) = mask(Target::Value) {
        parts.push((raw.clone() - targets.clone()).square() * mask);
    }
    if let Some(mask) = mask(Target::Share) {
        parts.push((sigmoid(raw.clone()) - targets.clone()).square() * mask);
    }
    if let Some(mask) = mask(Target::Chance) {
        parts.push((softplus(raw.clone(), 1.0) - raw.clone() * targets) * mask);
    }
    parts.into_iter().map(Tensor::mean).reduce(|sum, part| sum + part).unwrap_or_else(|| raw.mean())
}

#[cfg(test)]
mod tests;
