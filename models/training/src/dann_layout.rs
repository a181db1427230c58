//! The original system's network made of weights that were trained elsewhere.
//!
//! Layers are told by their shapes, whatever their names: weights are `[outputs, inputs]`, as frameworks of Python keep
//! them, called `PART.N.weight` and `PART.N.bias`, and the layers of a part follow each other by N. Whatever else is in the
//! file is refused, for a network without it may answer something else; only the adversary's tensors and counters of
//! training are passed over.
//!
//! ```text
//! 13 ─ 128 ─ 128 ─ 64 ─┬─ 128 ─ 128 ─ 12, sigmoid     max(0, x) between layers and behind the features
//!                      └─ 128 ─ 128 ─ 3, the adversary, which answers nothing and may be absent
//! ```

use std::collections::BTreeMap;

use crate::graph::{Function, Graph};
use crate::network::{Layer, Stack};
use crate::original::{INPUTS, OUTPUTS};
use crate::weights_file::NamedTensor;

/// Widths of the features, inputs first.
const FEATURES: [usize; 4] = [INPUTS, 128, 128, 64];
/// Widths of the prediction.
const PREDICTION: [usize; 4] = [64, 128, 128, OUTPUTS];
/// Widths of the adversary.
const ADVERSARY: [usize; 4] = [64, 128, 128, 3];
/// What a framework counts while it trains; no answer depends on it.
const COUNTER: &str = "num_batches_tracked";

/// What its inputs are called, in their order.
pub const INPUT_NAMES: [&str; INPUTS] = [
    "best",
    "average",
    "diversity",
    "generation",
    "mutation_rate",
    "crossover_rate",
    "gap",
    "gap_size",
    "regime_strength",
    "market_volatility",
    "trend_strength",
    "regime_stability",
    "signal_quality",
];

/// What its answers are called, in their order.
pub const OUTPUT_NAMES: [&str; OUTPUTS] = [
    "mutation_rate",
    "crossover_rate",
    "elite_size",
    "tournament_size",
    "mutation_strength",
    "crossover_alpha",
    "diversity_weight",
    "exploration_rate",
    "selection_pressure",
    "adaptation_rate",
    "novelty_bonus",
    "convergence_threshold",
];

/// What the network with these weights answers.
///
/// # Errors
/// What is missing, of another shape, there twice or not understood, in words, with what there is.
pub fn graph(tensors: &[NamedTensor]) -> Result<Graph, String> {
    let parts = parts(tensors)?;
    let part = |widths: &[usize; 4], what: &str| {
        let mut found = parts.iter().filter(|(_, layers)| shape(layers) == widths);
        let Some((name, layers)) = found.next() else {
            let there: Vec<String> =
                parts.iter().map(|(name, layers)| format!("{name} {:?}", shape(layers))).collect();
            return Err(format!(
                "no part has the layers {widths:?} of the {what}; there are {}",
                there.join(", ")
            ));
        };
        match found.next() {
            Some((other, _)) => Err(format!(
                "{name} and {other} both have the layers {widths:?} of the {what}; leave only one of them in the file"
            )),
            None => Ok((name.as_str(), Stack { layers: layers.clone() })),
        }
    };
    let (features_name, features) = part(&FEATURES, "features")?;
    let (prediction_name, prediction) = part(&PREDICTION, "prediction")?;
    let adversaries = parts.iter().filter(|(_, layers)| shape(layers) == ADVERSARY);
    let adversaries: Vec<&str> = adversaries.map(|(name, _)| name.as_str()).collect();
    let is_known = |tensor: &NamedTensor| {
        is_layer(tensor, tensors, &[features_name, prediction_name])
            || is_below(tensor, &adversaries)
            || is_counter(tensor)
    };
    if let Some(unknown) = tensors.iter().find(|tensor| !is_known(tensor)) {
        return Err(format!(
            "{} {:?} has no place in this layout, and without it the network may answer something else; take it out of the file if it changes no answer",
            unknown.name, unknown.shape
        ));
    }
    let mut graph = Graph::new(INPUTS);
    let value = graph.stack(graph.input(), &features);
    let value = graph.apply(Function::Relu, value);
    let raw = graph.stack(value, &prediction);
    let parameters = graph.apply(Function::Sigmoid, raw);
    graph.output("parameters", parameters, OUTPUTS);
    Ok(graph)
}

fn shape(layers: &[Layer]) -> Vec<usize> {
    let first = layers.first().map(|layer| layer.inputs);
    first.into_iter().chain(layers.iter().map(|layer| layer.outputs)).collect()
}

/// Whether `tensor` is the weights of a layer of one of `parts`, or its biases.
fn is_layer(tensor: &NamedTensor, tensors: &[NamedTensor], parts: &[&str]) -> bool {
    let weights = tensor.name.strip_suffix(".weight");
    let biases = tensor.name.strip_suffix(".bias").filter(|base| {
        tensors.iter().any(|other| other.name.strip_suffix(".weight").is_some_and(|other| other == *base))
    });
    let place = weights.or(biases).and_then(|base| base.rsplit_once('.'));
    place.is_some_and(|(part, _)| parts.contains(&part))
}

/// Whether `tensor` belongs to anything numbered in one of `parts`.
fn is_below(tensor: &NamedTensor, parts: &[&str]) -> bool {
    let number = |part: &&str| tensor.name.strip_prefix(part)?.strip_prefix('.')?.split('.').next();
    parts.iter().filter_map(number).any(|number| number.parse::<usize>().is_ok())
}

fn is_counter(tensor: &NamedTensor) -> bool {
    tensor.values.len() == 1 && tensor.name.rsplit('.').next() == Some(COUNTER)
}

/// The layers of each part, in their order.
fn parts(tensors: &[NamedTensor]) -> Result<BTreeMap<String, Vec<Layer>>, String> {
    let mut parts: BTreeMap<String, BTreeMap<usize, Layer>> = BTreeMap::new();
    for tensor in tensors {
        let Some(base) = tensor.name.strip_suffix(".weight") else { continue };
        let place = base.rsplit_once('.').and_then(|(part, number)| Some((part, number.parse().ok()?)));
        let Some((part, number)) = place else {
            return Err(format!("{} is not called PART.N.weight", tensor.name));
        };
        let name = format!("{base}.bias");
        let biases = tensors.iter().find(|other| other.name == name);
        let biases = biases.ok_or_else(|| format!("{} has no {name}", tensor.name))?;
        let [outputs, inputs] = tensor.shape.as_slice() else {
            return Err(format!(
                "{} has the shape {:?}, expected [outputs, inputs]",
                tensor.name, tensor.shape
            ));
        };
        if biases.values.len() != *outputs {
            return Err(format!("{name} holds {} numbers, expected {outputs}", biases.values.len()));
        }
        // A layer of ours keeps a row for each input.
        let rows: Vec<&[f32]> = tensor.values.chunks_exact((*inputs).max(1)).collect();
        let weights = (0..*inputs).flat_map(|input| rows.iter().map(move |row| row[input])).collect();
        let layer = Layer { inputs: *inputs, outputs: *outputs, weights, biases: biases.values.clone() };
        if parts.entry(part.to_owned()).or_default().insert(number, layer).is_some() {
            return Err(format!("{} is another layer {number} of {part}", tensor.name));
        }
    }
    let ordered = parts.into_iter().map(|(part, layers)| (part, layers.into_values().collect()));
    Ok(ordered.collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use models_inference::session::{OnnxSession, Provider};
    use models_inference::test_models;
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    use super::*;
    use crate::onnx::to_bytes;
    use crate::random::Stream;
    use crate::weights_file;

    /// Weights of the original's layout, named as its framework names the layers of a sequence with dropout.
    pub(crate) fn weights() -> Vec<NamedTensor> {
        let mut stream = Stream::new(4, "weights");
        let mut tensors = Vec::new();
        let widths = [("features", FEATURES), ("head", PREDICTION), ("adversary", ADVERSARY)];
        for (part, widths) in widths {
            for (number, pair) in [0, 3, 6].into_iter().zip(widths.windows(2)) {
                let [inputs, outputs] = [pair[0], pair[1]];
                let mut add = |what: &str, shape: Vec<usize>| {
                    let values = stream.normals(shape.iter().product(), 0.15);
                    tensors.push(NamedTensor { name: format!("{part}.{number}.{what}"), shape, values });
                };
                add("weight", vec![outputs, inputs]);
                add("bias", vec![outputs]);
            }
        }
        tensors
    }

    fn json(tensors: &[NamedTensor]) -> String {
        let rows = |tensor: &NamedTensor| match tensor.shape.as_slice() {
            [_, wide] => serde_json::json!(tensor.values.chunks(*wide).collect::<Vec<_>>()),
            _ => serde_json::json!(tensor.values),
        };
        let table: serde_json::Map<String, serde_json::Value> =
            tensors.iter().map(|tensor| (tensor.name.clone(), rows(tensor))).collect();
        serde_json::Value::Object(table).to_string()
    }

    /// The network as its formula says, in plain 64-bit numbers.
    fn forward(tensors: &[NamedTensor], input: &[f32]) -> Vec<f64> {
        let of = |name: String| tensors.iter().find(|tensor| tensor.name == name).unwrap();
        let mut row: Vec<f64> = input.iter().map(|value| f64::from(*value)).collect();
        for (part, number) in
            [("features", 0), ("features", 3), ("features", 6), ("head", 0), ("head", 3), ("head", 6)]
        {
            let (weight, bias) = (of(format!("{part}.{number}.weight")), of(format!("{part}.{number}.bias")));
            let dot = |(weights, bias): (&[f32], &f32)| {
                let sum: f64 = weights.iter().zip(&row).map(|(one, other)| f64::from(*one) * other).sum();
                sum + f64::from(*bias)
            };
            let next: Vec<f64> = weight.values.chunks(weight.shape[1]).zip(&bias.values).map(dot).collect();
            let is_last = (part, number) == ("head", 6);
            let bent = |value: f64| if is_last { 1.0 / (1.0 + libm::exp(-value)) } else { value.max(0.0) };
            row = next.into_iter().map(bent).collect();
        }
        row
    }

    #[test]
    fn imported_weights_answer_as_a_plain_forward_pass_does() {
        let Some(library) = test_models::library(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))
        else {
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let tensors = weights();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("dann.json"), json(&tensors)).unwrap();
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
            (tensor.name.clone(), TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).unwrap())
        });
        std::fs::write(at("dann.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
        let mut largest = 0.0_f64;
        for name in ["dann.json", "dann.safetensors"] {
            let read = weights_file::read(&at(name)).unwrap();
            let onnx = to_bytes(&graph(&read).unwrap(), "dann", &[]);
            let mut session = OnnxSession::open(&library, &onnx, Provider::Cpu).unwrap();
            let inputs = Stream::new(8, "inputs").normals(300 * INPUTS, 1.0);
            for input in inputs.chunks_exact(INPUTS) {
                let mut answers = [("parameters", Vec::new())];
                session.run(input.iter().copied(), &mut answers).unwrap();
                for (answer, plain) in answers[0].1.iter().zip(forward(&tensors, input)) {
                    largest = largest.max((f64::from(*answer) - plain).abs());
                }
            }
        }
        println!("largest difference {largest:e}");
        assert!(largest <= 1e-6, "{largest:e}");
    }

    /// What is said to the original's layout with the tensors `more` beside it, each as long as its shape says.
    fn said_to(more: &[(&str, &[usize])]) -> Result<Graph, String> {
        let mut tensors = weights();
        for (name, shape) in more {
            let values = vec![0.5; shape.iter().product()];
            tensors.push(NamedTensor { name: (*name).to_owned(), shape: shape.to_vec(), values });
        }
        graph(&tensors)
    }

    #[test]
    fn two_parts_of_one_shape_are_both_named() {
        let mut tensors = weights();
        let twins = weights().into_iter().filter(|tensor| tensor.name.starts_with("features."));
        tensors.extend(twins.map(|twin| NamedTensor { name: format!("ema.{}", twin.name), ..twin }));
        let said = graph(&tensors).unwrap_err();
        assert!(said.starts_with("ema.features and features both have the layers"), "{said}");
        assert!(said.contains("of the features; leave only one"), "{said}");
        let said = said_to(&[("features.00.weight", &[128, 13]), ("features.00.bias", &[128])]).unwrap_err();
        assert!(said.contains("another layer 0 of features"), "{said}");
    }

    #[test]
    fn what_has_no_place_in_the_layout_is_named_and_not_passed_over() {
        for (name, shape) in [
            ("features.1.running_mean", &[128_usize][..]),
            ("features.1.running_var", &[128]),
            ("features.9.bias", &[64]),
            ("scale", &[1]),
            ("adversary.head.running_mean", &[128]),
            ("num_batches_tracked", &[2]),
        ] {
            let said = said_to(&[(name, shape)]).map(|_| ()).unwrap_err();
            assert!(said.starts_with(&format!("{name} {shape:?} has no place")), "{said}");
        }
        let said = said_to(&[("extra.0.weight", &[7, 64]), ("extra.0.bias", &[7])]).unwrap_err();
        assert!(said.starts_with("extra.0.weight [7, 64] has no place"), "{said}");
        for (name, shape) in
            [("features.1.num_batches_tracked", &[][..]), ("adversary.1.running_mean", &[128_usize])]
        {
            assert!(said_to(&[(name, shape)]).is_ok(), "{name}");
        }
    }

    #[test]
    fn weights_of_another_layout_are_named() {
        let without = |name: &str| {
            let tensors: Vec<NamedTensor> =
                weights().into_iter().filter(|tensor| !tensor.name.starts_with(name)).collect();
            graph(&tensors)
        };
        assert!(without("adversary").is_ok());
        let said = without("head").unwrap_err();
        assert!(
            said.contains("[64, 128, 128, 12] of the prediction") && said.contains("adversary [64"),
            "{said}"
        );
        assert!(without("features.3.bias").unwrap_err().contains("has no features.3.bias"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        for (text, expected) in [
            ("{}", "no tensors"),
            ("{\"a\": [[1, 2], [3]]}", "not of one length"),
            ("{\"a\": [1, \"x\"]}", "nested arrays"),
            ("{\"a\": {\"shape\": [3], \"data\": [1]}}", "shape [3]"),
            ("{\"a\": [1e39]}", "not finite"),
            ("plain text", "neither JSON nor safetensors"),
        ] {
            std::fs::write(&path, text).unwrap();
            let said = weights_file::read(&path).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
