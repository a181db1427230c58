//! Small models made by hand, and the library to run them, for tests of everything that uses a model.
//!
//! Nothing here is trained: the weights come from a seed, so a specimen's answers mean nothing and its card says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_core::real::Real;
use engine_core::time::Timestamp;

use crate::card::{CARD_FORMAT, FeatureSetName, ModelCard, TrainedFeature, TrainedSpan};
use crate::contract::{CONFIDENCE, FEATURES, RISK_SCALE, WEIGHTS};
use crate::library::{LIBRARY_VARIABLE, Library, vendored};
use crate::model_hash::ModelHash;
use crate::proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

/// Version of the file format of a specimen.
pub const IR_VERSION: i64 = 8;
/// Version of the operators of a specimen.
pub const OPSET: i64 = 17;

/// Where this variable is set, tests that need ONNX Runtime fail without it; elsewhere they pass over themselves.
pub const REQUIRED_VARIABLE: &str = "ENGINE_REQUIRES_ONNXRUNTIME";

/// ONNX Runtime for a test: the one named in the environment, or the one vendored in the folder `project`.
///
/// Where there is none, says so and answers `None`.
///
/// # Panics
/// When there is none and the environment requires one, or the one there is cannot be loaded.
#[must_use]
pub fn library(project: &Path) -> Option<Library> {
    let named = std::env::var_os(LIBRARY_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let Some(path) = named.or_else(|| vendored(project)) else {
        let required = std::env::var_os(REQUIRED_VARIABLE).is_some();
        assert!(
            !required,
            "{REQUIRED_VARIABLE} is set and there is no ONNX Runtime; run .ci/fetch-onnxruntime"
        );
        println!("skipped: ONNX Runtime not found; run .ci/fetch-onnxruntime");
        return None;
    };
    match Library::load(Some(&path)) {
        Ok(library) => Some(library),
        Err(error) => panic!("{error}"),
    }
}

/// The layers of a specimen: how many numbers go in, through its hidden layers, and come out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// Features read.
    pub features: usize,
    /// Width of each hidden layer.
    pub hidden: Vec<usize>,
    /// Specialists weighed.
    pub specialists: usize,
    /// Where the weights come from.
    pub seed: u64,
}

/// One affine layer: `y = x·w + b`, with `w` row by row.
#[derive(Debug, Clone, PartialEq)]
struct Affine {
    inputs: usize,
    weights: Vec<f32>,
    biases: Vec<f32>,
}

impl Layers {
    /// The affine layers: the hidden ones in order, then those of weights, risk scale and confidence.
    fn affine(&self) -> Vec<Affine> {
        let mut seed = self.seed;
        let mut inputs = self.features;
        let mut layers = Vec::new();
        let mut layer = |inputs: usize, outputs: usize| {
            let mut weights = |count| (0..count).map(|_| drawn(&mut seed, inputs)).collect();
            Affine { inputs, weights: weights(inputs * outputs), biases: weights(outputs) }
        };
        for &width in &self.hidden {
            layers.push(layer(inputs, width));
            inputs = width;
        }
        let heads = [self.specialists, 1, 1];
        layers.extend(heads.map(|outputs| layer(inputs, outputs)));
        layers
    }

    /// The network: hidden layers with ReLU, a softmax for the weights, a sigmoid for each scale.
    #[must_use]
    pub fn network(&self) -> ModelProto {
        let mut graph = GraphProto { name: "specimen".to_owned(), ..GraphProto::default() };
        let mut from = FEATURES.to_owned();
        for (index, layer) in self.affine().iter().enumerate() {
            let head = index.checked_sub(self.hidden.len());
            let (to, activation) = match head {
                None => (format!("hidden{index}"), "Relu"),
                Some(0) => (WEIGHTS.to_owned(), "Softmax"),
                Some(1) => (RISK_SCALE.to_owned(), "Sigmoid"),
                Some(_) => (CONFIDENCE.to_owned(), "Sigmoid"),
            };
            let [weights, biases, sums] = ["w", "b", "sum"].map(|part| format!("{to}.{part}"));
            let size = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            let (rows, columns) = (size(layer.inputs), size(layer.biases.len()));
            graph.initializer.push(TensorProto::floats(&weights, &[rows, columns], &layer.weights));
            graph.initializer.push(TensorProto::floats(&biases, &[columns], &layer.biases));
            graph.node.push(NodeProto::new("Gemm", &[&from, &weights, &biases], &[&sums]));
            graph.node.push(NodeProto::new(activation, &[&sums], &[&to]));
            match head {
                None => from = to,
                Some(_) => graph.output.push(ValueInfoProto::floats(&to, &[1, columns])),
            }
        }
        let features = i64::try_from(self.features).unwrap_or(i64::MAX);
        graph.input.push(ValueInfoProto::floats(FEATURES, &[1, features]));
        ModelProto::new(graph, IR_VERSION, OPSET)
    }

    /// What the network answers to `features`, computed plainly in 64-bit floats: the weights, then risk scale and
    /// confidence.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a yardstick for tests, compared with a tolerance")]
    pub fn forward(&self, features: &[f64]) -> Vec<f64> {
        let affine = self.affine();
        let (hidden, heads) = affine.split_at(self.hidden.len());
        let last = hidden.iter().fold(features.to_vec(), |row, layer| {
            layer.forward(&row).into_iter().map(|sum| sum.max(0.0)).collect()
        });
        let sums: Vec<Vec<f64>> = heads.iter().map(|head| head.forward(&last)).collect();
        let exponents: Vec<f64> = sums.iter().take(1).flatten().map(|sum| sum.exp()).collect();
        let total: f64 = exponents.iter().sum();
        let scales = sums.iter().skip(1).flatten().map(|sum| 1.0 / (1.0 + (-sum).exp()));
        exponents.iter().map(|exponent| exponent / total).chain(scales).collect()
    }
}

impl Affine {
    fn forward(&self, row: &[f64]) -> Vec<f64> {
        let columns = self.biases.len();
        let sum = |(column, bias): (usize, &f32)| {
            let weights = self.weights.iter().skip(column).step_by(columns);
            row.iter()
                .zip(weights)
                .fold(f64::from(*bias), |sum, (value, weight)| sum + value * f64::from(*weight))
        };
        self.biases.iter().enumerate().map(sum).collect()
    }
}

/// A number from −1/√n to 1/√n out of the generator splitmix64 (Steele, Lea and Flood, 2014).
fn drawn(seed: &mut u64, inputs: usize) -> f32 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *seed;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let unit = (bits >> 40) as f32 / (1_u32 << 24) as f32;
    (unit * 2.0 - 1.0) / (inputs.max(1) as f32).sqrt()
}

/// The card of a specimen that reads `feature_set`, each feature from −1 to 1 in its alleged training.
#[must_use]
pub fn card(model: &[u8], feature_set: FeatureSetName, features: &[&str], specialists: &[&str]) -> ModelCard {
    let (min, max) = (Real::or_zero(-1.0), Real::ONE);
    let feature = |name: &&str| TrainedFeature { name: (*name).to_owned(), min, max };
    ModelCard {
        format: CARD_FORMAT,
        name: "specimen".to_owned(),
        model: ModelHash::of(model),
        feature_set,
        features: features.iter().map(feature).collect(),
        specialists: specialists.iter().map(|&name| name.to_owned()).collect(),
        answers: Vec::new(),
        datasets: Vec::new(),
        trained: TrainedSpan { from: Timestamp::default(), to: Timestamp::default() },
        seed: 0,
        metrics: BTreeMap::new(),
        opset: OPSET,
        ir_version: IR_VERSION,
        producer: "specimen".to_owned(),
        note: "made by hand for a test; trained on nothing".to_owned(),
    }
}

/// Writes `model` and its card into `folder` and answers the path of the model.
///
/// # Panics
/// When they cannot be written: a test that cannot set up has failed.
#[must_use]
#[expect(clippy::expect_used, reason = "a test that cannot set up has failed")]
pub fn write(folder: &Path, name: &str, model: &[u8], card: &ModelCard) -> PathBuf {
    let path = folder.join(format!("{name}.onnx"));
    std::fs::write(&path, model).expect("write the model of a test");
    card.write(&ModelCard::path_beside(&path)).expect("write the card of a test");
    path
}
