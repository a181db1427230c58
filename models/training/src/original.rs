//! The original system's network on the original system's data, to prove the plumbing and show what it is worth.
//!
//! Its 13 inputs hold two of its 12 targets, five constants and a duplicate; the other ten targets are
//! constants. So a small error says nothing, and the trivial answers stand beside it. Its claim of invariance
//! rested on an adversary that failed; fresh probes stand beside that.

use std::path::Path;

use burn::tensor::Device;

use crate::dann::{Dropout, FeatureScale, Shape, matrix, numbers};
use crate::error::TrainError;
use crate::graph::{Function, Graph};
use crate::probe::{self, ProbeScore, Sample, accuracies, largest};
use crate::score::{explained, logistic, squared_error};
use crate::training::{Examples, Progress, Recipe, Target, Trained, train};

/// Numbers that go in.
pub const INPUTS: usize = 13;
/// Numbers that come out.
pub const OUTPUTS: usize = 12;
/// Regimes: volatile, trending, ranging.
pub const REGIMES: usize = 3;
/// Targets that are not constant: mutation and crossover rate, which are inputs 4 and 5.
pub const LIVE_TARGETS: [(usize, usize); 2] = [(0, 4), (1, 5)];

/// One row of the data.
#[derive(Debug, serde::Deserialize)]
struct Row {
    features: Vec<f64>,
    parameters: Vec<f64>,
    regime: usize,
}

/// Training and validation rows.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginalData {
    /// To learn from.
    pub train: Examples,
    /// To be judged on; neighbours in time of the rows learned from, as the original split them.
    pub validation: Examples,
    /// BLAKE3 of both files, in hexadecimal digits.
    pub digest: String,
}

impl OriginalData {
    /// Reads `dann_train.json` and `dann_val.json` of `folder`.
    ///
    /// # Errors
    /// [`TrainError`] naming file and row of what cannot be used.
    pub fn read(folder: &Path) -> Result<Self, TrainError> {
        let mut hasher = blake3::Hasher::new();
        let train = read_rows(&folder.join("dann_train.json"), &mut hasher)?;
        let validation = read_rows(&folder.join("dann_val.json"), &mut hasher)?;
        Ok(Self { train, validation, digest: hasher.finalize().to_hex().to_string() })
    }
}

fn read_rows(path: &Path, hasher: &mut blake3::Hasher) -> Result<Examples, TrainError> {
    let bytes = std::fs::read(path).map_err(TrainError::io("read", path))?;
    hasher.update(&bytes);
    let bad = |reason: String| TrainError::BadInput { path: path.to_owned(), reason };
    let rows: Vec<Row> = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
    if rows.is_empty() {
        return Err(bad("it has no rows".to_owned()));
    }
    let mut examples = Examples { rows: rows.len(), domains: vec![Vec::new()], ..Examples::default() };
    for (number, row) in rows.iter().enumerate() {
        let sound = row.features.len() == INPUTS && row.parameters.len() == OUTPUTS && row.regime < REGIMES;
        let finite = row.features.iter().chain(&row.parameters).all(|value| value.is_finite());
        if !sound || !finite {
            let reason = format!(
                "row {number} has {} features, {} parameters and regime {}; expected {INPUTS} and {OUTPUTS} \
                 finite numbers and a regime below {REGIMES}",
                row.features.len(),
                row.parameters.len(),
                row.regime
            );
            return Err(bad(reason));
        }
        examples.inputs.extend(row.features.iter().map(|value| *value as f32));
        examples.targets.extend(row.parameters.iter().map(|value| *value as f32));
        examples.domains[0].push(row.regime);
    }
    Ok(examples)
}

/// A way to train the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The same network without adversary influence.
    Twin,
    /// Gradient reversal alone, λ up to one half, as the original meant it.
    Reversal,
    /// Reversal up to λ = 1 with noise, label smoothing, two adversary steps and features of unit size.
    Proper,
}

impl Method {
    /// Every method, the one that is exported last.
    pub const ALL: [Self; 3] = [Self::Twin, Self::Reversal, Self::Proper];

    fn shape(self) -> Shape {
        let scale = match self {
            Self::Twin | Self::Reversal => FeatureScale::Free,
            Self::Proper => FeatureScale::Unit,
        };
        Shape {
            inputs: INPUTS,
            context: 0,
            trunk: vec![128, 128, 64],
            scale,
            head: vec![128, 128],
            context_hidden: Vec::new(),
            outputs: OUTPUTS,
            adversary: vec![128, 128],
            domains: vec![REGIMES],
        }
    }

    fn recipe(self, seed: u64, epochs: usize) -> Recipe {
        let (lambda_max, noise, smoothing, adversary_steps) = match self {
            Self::Twin => (0.0, 0.0, 0.0, 1),
            Self::Reversal => (0.5, 0.0, 0.0, 1),
            Self::Proper => (1.0, 0.2, 0.1, 2),
        };
        Recipe {
            seed,
            epochs,
            batch: 32,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            dropout: 0.2,
            lambda_max,
            noise,
            smoothing,
            adversary_steps,
            alignment: 0.0,
            targets: vec![Target::Share; OUTPUTS],
        }
    }
}

/// What one method came to on the validation rows.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MethodReport {
    /// The method.
    pub method: Method,
    /// Mean squared error over the 12 outputs.
    pub squared_error: f64,
    /// Explained variance of mutation and crossover rate.
    pub explained: [f64; 2],
    /// Share of rows whose regime the trained adversary names.
    pub adversary_accuracy: f64,
    /// What fresh probes name from the features.
    pub probes: Vec<ProbeScore>,
    /// Features that are the same for every row.
    pub dead_features: usize,
}

/// What everything came to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OriginalReport {
    /// Where everything random came from.
    pub seed: u64,
    /// Rows learned from, and rows judged on.
    pub rows: [usize; 2],
    /// Digest of the data.
    pub data: String,
    /// Mean squared error of always predicting the training mean.
    pub mean_error: f64,
    /// Mean squared error of copying inputs 4 and 5 and predicting the mean elsewhere.
    pub copy_error: f64,
    /// Share of the most frequent regime: what guessing scores.
    pub majority: f64,
    /// What fresh probes name from the raw inputs.
    pub raw_probes: Vec<ProbeScore>,
    /// What each method came to.
    pub methods: Vec<MethodReport>,
}

/// Trains the network by every method; answers the report and the network of the last.
///
/// # Errors
/// [`TrainError::Diverged`].
pub fn train_all(
    data: &OriginalData,
    seed: u64,
    epochs: usize,
    progress: &mut dyn Progress,
) -> Result<(OriginalReport, Trained), TrainError> {
    let mut report = baselines(data, seed);
    let mut last = None;
    for method in Method::ALL {
        let trained = train(&method.shape(), &method.recipe(seed, epochs), &data.train, progress);
        report.methods.push(judge(method, &trained, data, seed)?);
        last = Some(trained);
    }
    last.map(|trained| (report, trained))
        .ok_or_else(|| TrainError::TooLittle("no method was tried".to_owned()))
}

/// Column `column` of row-wise `numbers`.
fn column(numbers: &[f32], width: usize, column: usize) -> Vec<f64> {
    numbers.chunks_exact(width).map(|row| f64::from(row[column])).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn baselines(data: &OriginalData, seed: u64) -> OriginalReport {
    let (train, validation) = (&data.train, &data.validation);
    let (mut mean_error, mut copy_error) = (0.0, 0.0);
    for target in 0..OUTPUTS {
        let truth = column(&validation.targets, OUTPUTS, target);
        let usual = mean(&column(&train.targets, OUTPUTS, target));
        let error = squared_error(&vec![usual; truth.len()], &truth) / OUTPUTS as f64;
        let copied = LIVE_TARGETS.iter().find(|(live, _)| *live == target);
        let copied = copied.map(|(_, input)| column(&validation.inputs, INPUTS, *input));
        mean_error += error;
        copy_error += copied.map_or(error, |copy| squared_error(&copy, &truth) / OUTPUTS as f64);
    }
    let counts = (0..REGIMES).map(|regime| validation.domains[0].iter().filter(|of| **of == regime).count());
    let majority = counts.max().unwrap_or(0) as f64 / validation.rows.max(1) as f64;
    let sample = |examples: &Examples| Sample {
        width: INPUTS,
        features: examples.inputs.clone(),
        labels: examples.domains[0].clone(),
        classes: REGIMES,
    };
    let raw_probes = probe::judge(&probe::all(), &sample(train), &sample(validation), seed);
    OriginalReport {
        seed,
        rows: [train.rows, validation.rows],
        data: data.digest.clone(),
        mean_error,
        copy_error,
        majority,
        raw_probes,
        methods: Vec::new(),
    }
}

fn judge(
    method: Method,
    trained: &Trained,
    data: &OriginalData,
    seed: u64,
) -> Result<MethodReport, TrainError> {
    let device = Device::flex();
    let features_of = |examples: &Examples| {
        let inputs = matrix(examples.inputs.clone(), INPUTS, &device);
        trained.predictor.features(inputs, &mut Dropout::none())
    };
    let validation = &data.validation;
    let features = features_of(validation);
    let raw = numbers(trained.predictor.predict(features.clone(), None, &mut Dropout::none()));
    let said: Vec<f32> = raw.iter().map(|value| logistic(f64::from(*value)) as f32).collect();
    if said.iter().any(|value| !value.is_finite()) {
        return Err(TrainError::Diverged("a prediction".to_owned()));
    }
    let truth: Vec<f64> = validation.targets.iter().map(|value| f64::from(*value)).collect();
    let all_said: Vec<f64> = said.iter().map(|value| f64::from(*value)).collect();
    let explained = LIVE_TARGETS.map(|(target, _)| {
        let usual = mean(&column(&data.train.targets, OUTPUTS, target));
        let truth = column(&validation.targets, OUTPUTS, target);
        explained(&column(&said, OUTPUTS, target), &truth, usual)
    });
    let told = trained.adversaries.heads.first().map(|head| {
        let said = numbers(head.forward(features.clone(), &mut Dropout::none()));
        let named: Vec<usize> = said.chunks_exact(REGIMES).map(|row| largest(row.iter())).collect();
        accuracies(&named, &validation.domains[0], REGIMES).0
    });
    let sample = |examples: &Examples, features: Vec<f32>| Sample {
        width: features.len() / examples.rows.max(1),
        features,
        labels: examples.domains[0].clone(),
        classes: REGIMES,
    };
    let learned = sample(&data.train, numbers(features_of(&data.train)));
    let held_out = sample(validation, numbers(features));
    let dead = |place: &usize| {
        let mut values = learned.rows().map(|(row, _)| row[*place].to_bits());
        let first = values.next();
        values.all(|bits| Some(bits) == first)
    };
    Ok(MethodReport {
        method,
        squared_error: squared_error(&all_said, &truth),
        explained,
        adversary_accuracy: told.unwrap_or(0.0),
        dead_features: (0..learned.width).filter(dead).count(),
        probes: probe::judge(&probe::all(), &learned, &held_out, seed),
    })
}

/// The report in words.
#[must_use]
pub fn text(report: &OriginalReport) -> String {
    let [learned, judged] = report.rows;
    let mut text = format!(
        "the original network on {learned} rows, judged on {judged}; seed {}\n\n\
         mean squared error   always the mean {:.6}, two inputs copied {:.6}\n",
        report.seed, report.mean_error, report.copy_error
    );
    text.push_str("                     error     R² mutation  R² crossover  adversary  dead features\n");
    for method in &report.methods {
        let [mutation, crossover] = method.explained;
        text.push_str(&format!(
            "{:<20} {:.6}  {mutation:>11.3}  {crossover:>12.3}  {:>9.3}  {:>6} of 64\n",
            format!("{:?}", method.method).to_lowercase(),
            method.squared_error,
            method.adversary_accuracy,
            method.dead_features
        ));
    }
    text.push_str(&format!("\nregime named by fresh probes (guessing scores {:.3})\n", report.majority));
    let line = |name: &str, scores: &[ProbeScore]| {
        let scores = scores.iter().map(|score| format!("{} {:.3}", score.probe, score.balanced_accuracy));
        format!("{name:<20} {}\n", scores.collect::<Vec<_>>().join(", "))
    };
    text.push_str(&line("raw inputs", &report.raw_probes));
    for method in &report.methods {
        text.push_str(&line(&format!("{:?}", method.method).to_lowercase(), &method.probes));
    }
    text
}

/// The network as a graph: 13 inputs to the 12 parameters.
#[must_use]
pub fn graph(trained: &Trained) -> Graph {
    let mut graph = Graph::new(INPUTS);
    let features = graph.features(graph.input(), &trained.predictor, None);
    let raw = graph.stack(features, &trained.predictor.head.stack());
    let parameters = graph.apply(Function::Sigmoid, raw);
    graph.output("parameters", parameters, OUTPUTS);
    graph
}

#[cfg(test)]
mod tests;
