//! Graphs written as ONNX files.
//!
//! One row a call: every dimension is fixed, because a batch of another size may give other bits. Names and texts
//! come from the arguments and nothing from a clock, so the same graph gives the same bytes.

use models_inference::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto, ValueInfoProto,
};

use crate::dann::UNIT_EPSILON;
use crate::graph::{Function, Graph, Step, Value};

/// Version of the file format; read by every ONNX Runtime since 1.10.
pub const IR_VERSION: i64 = 8;
/// Version of the operators.
pub const OPSET: i64 = 17;
/// Name of the only input.
pub const INPUT: &str = "features";
/// Who writes the files.
pub const PRODUCER: &str = "models-training";

/// The bytes of the ONNX file of `graph`, which says `metadata` about itself.
#[must_use]
pub fn to_bytes(graph: &Graph, name: &str, metadata: &[(&str, String)]) -> Vec<u8> {
    let names = names(graph);
    let mut constants = Vec::new();
    let mut nodes = Vec::new();
    for (place, step) in graph.steps.iter().enumerate() {
        nodes.push(node(step, place + 1, &names, graph, &mut constants));
    }
    let outputs = graph.outputs.iter();
    let graph_proto = GraphProto {
        node: nodes,
        name: name.to_owned(),
        initializer: constants,
        input: vec![ValueInfoProto::floats(INPUT, &[1, size(graph.inputs)])],
        output: outputs.map(|out| ValueInfoProto::floats(&out.name, &[1, size(out.width)])).collect(),
        ..GraphProto::default()
    };
    let mut model = ModelProto::new(graph_proto, IR_VERSION, OPSET);
    model.producer_name = PRODUCER.to_owned();
    model.producer_version = env!("CARGO_PKG_VERSION").to_owned();
    let entry = |(key, value): &(&str, String)| StringStringEntryProto {
        key: (*key).to_owned(),
        value: value.clone(),
    };
    model.metadata_props = metadata.iter().map(entry).collect();
    model.to_bytes()
}

fn size(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The name of every value: the input's, an output's, or a number.
fn names(graph: &Graph) -> Vec<String> {
    let named = |place: usize| {
        let output = graph.outputs.iter().find(|output| output.value == Value(place));
        output.map_or_else(|| format!("step_{place}"), |output| output.name.clone())
    };
    let steps = (1..=graph.steps.len()).map(named);
    core::iter::once(INPUT.to_owned()).chain(steps).collect()
}

/// Number of numbers a row of `value` has.
fn width(graph: &Graph, value: Value) -> usize {
    let Some(step) = value.0.checked_sub(1).and_then(|place| graph.steps.get(place)) else {
        return graph.inputs;
    };
    match step {
        Step::Dense(_, layer) => layer.outputs,
        Step::Apply(_, from) | Step::Add(from, _) | Step::Multiply(from, _) => width(graph, *from),
        Step::Join(left, right) => width(graph, *left) + width(graph, *right),
    }
}

fn node(
    step: &Step,
    place: usize,
    names: &[String],
    graph: &Graph,
    constants: &mut Vec<TensorProto>,
) -> NodeProto {
    let of = |value: &Value| names[value.0].as_str();
    let result = names[place].as_str();
    match step {
        Step::Dense(from, layer) => {
            let (weights, biases) = (format!("weights_{place}"), format!("biases_{place}"));
            let shape = [size(layer.inputs), size(layer.outputs)];
            constants.push(TensorProto::floats(&weights, &shape, &layer.weights));
            constants.push(TensorProto::floats(&biases, &shape[1..], &layer.biases));
            NodeProto::new("Gemm", &[of(from), &weights, &biases], &[result])
        }
        Step::Add(left, right) => NodeProto::new("Add", &[of(left), of(right)], &[result]),
        Step::Multiply(left, right) => NodeProto::new("Mul", &[of(left), of(right)], &[result]),
        Step::Join(left, right) => {
            NodeProto::new("Concat", &[of(left), of(right)], &[result]).with(AttributeProto::int("axis", -1))
        }
        Step::Apply(Function::Softmax, from) => {
            NodeProto::new("Softmax", &[of(from)], &[result]).with(AttributeProto::int("axis", -1))
        }
        Step::Apply(Function::UnitRow, from) => {
            let (ones, zeros) = (format!("ones_{place}"), format!("zeros_{place}"));
            let width = width(graph, *from);
            constants.push(TensorProto::floats(&ones, &[size(width)], &vec![1.0; width]));
            constants.push(TensorProto::floats(&zeros, &[size(width)], &vec![0.0; width]));
            NodeProto::new("LayerNormalization", &[of(from), &ones, &zeros], &[result])
                .with(AttributeProto::int("axis", -1))
                .with(AttributeProto::float("epsilon", UNIT_EPSILON))
        }
        Step::Apply(function, from) => NodeProto::new(operator(*function), &[of(from)], &[result]),
    }
}

const fn operator(function: Function) -> &'static str {
    match function {
        Function::Relu => "Relu",
        Function::Sigmoid => "Sigmoid",
        Function::Tanh => "Tanh",
        Function::Exp => "Exp",
        Function::Negate => "Neg",
        Function::Absolute => "Abs",
        Function::Softmax => "Softmax",
        Function::UnitRow => "LayerNormalization",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use burn::tensor::Device;
    use std::path::Path;

    use models_inference::session::{OnnxSession, Provider};
    use models_inference::test_models;

    use super::*;
    use crate::dann::{FeatureScale, Predictor, Shape, matrix, numbers};
    use crate::random::Stream;

    /// Runs `graph` in burn and, out of its file, in ONNX Runtime on random inputs; answers the largest difference.
    /// `None`, with a note, where there is no ONNX Runtime and it is not required.
    pub(crate) fn largest_difference(graph: &Graph, rows: usize, spread: f32) -> Option<f32> {
        let library = test_models::library(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))?;
        let bytes = to_bytes(graph, "compared", &[]);
        let mut session = OnnxSession::open(&library, &bytes, Provider::Cpu).unwrap();
        let inputs = Stream::new(8, "inputs").normals(rows * graph.inputs, spread);
        let of_burn = graph.evaluate(matrix(inputs.clone(), graph.inputs, &Device::flex()));
        let of_burn: Vec<Vec<f32>> = of_burn.into_iter().map(numbers).collect();
        let mut largest = 0.0_f32;
        for (row, input) in inputs.chunks_exact(graph.inputs).enumerate() {
            let mut answers: Vec<(&str, Vec<f32>)> =
                graph.outputs.iter().map(|output| (output.name.as_str(), Vec::new())).collect();
            session.run(input.iter().copied(), &mut answers).unwrap();
            for ((_, answer), of_burn) in answers.iter().zip(&of_burn) {
                let same = &of_burn[row * answer.len()..(row + 1) * answer.len()];
                largest = answer.iter().zip(same).map(|(a, b)| (a - b).abs()).fold(largest, f32::max);
            }
        }
        Some(largest)
    }

    /// Every function a graph can have, on random weights.
    pub(crate) fn example() -> Graph {
        let shape = Shape {
            inputs: 5,
            context: 0,
            trunk: vec![16, 8],
            scale: FeatureScale::Unit,
            head: vec![],
            context_hidden: vec![],
            outputs: 3,
            adversary: vec![4],
            domains: vec![2],
        };
        let device = burn::tensor::Device::flex();
        let predictor = Predictor::random(&shape, 1, &device);
        let mut graph = Graph::new(5);
        let features = graph.features(graph.input(), &predictor, None);
        let raw = graph.stack(features, &predictor.head.stack());
        let weights = graph.apply(Function::Softmax, raw);
        let layer = crate::network::Layer::random(8, 3, &mut Stream::new(2, "second"));
        let second = graph.dense(features, layer);
        let sum = graph.add(raw, second);
        let (tanh, share) = (graph.apply(Function::Tanh, sum), graph.apply(Function::Sigmoid, raw));
        let product = graph.multiply(tanh, share);
        let size = graph.apply(Function::Absolute, product);
        let less = graph.apply(Function::Negate, size);
        let grown = graph.apply(Function::Exp, less);
        let both = graph.join(grown, features);
        let last = graph.dense(both, crate::network::Layer::random(11, 3, &mut Stream::new(3, "third")));
        graph.output("weights", weights, 3);
        graph.output("last", last, 3);
        graph
    }

    #[test]
    fn the_same_graph_gives_the_same_bytes_and_says_what_it_was_told() {
        let metadata = [("seed", "7".to_owned())];
        let bytes = to_bytes(&example(), "example", &metadata);
        assert_eq!(bytes, to_bytes(&example(), "example", &metadata));
        let model = ModelProto::from_bytes(&bytes).unwrap();
        assert_eq!((model.ir_version, model.opset_import[0].version), (8, 17));
        assert_eq!(
            (model.metadata_props[0].key.as_str(), model.metadata_props[0].value.as_str()),
            ("seed", "7")
        );
        let graph = model.graph.unwrap();
        assert_eq!(graph.output.iter().map(|out| out.name.as_str()).collect::<Vec<_>>(), ["weights", "last"]);
        let operators: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
        for expected in
            ["Gemm", "Relu", "LayerNormalization", "Softmax", "Mul", "Abs", "Neg", "Exp", "Concat"]
        {
            assert!(operators.contains(&expected), "{expected} is missing from {operators:?}");
        }
    }
    #[test]
    fn burn_and_onnx_runtime_answer_the_same() {
        if let Some(difference) = largest_difference(&example(), 300, 1.5) {
            println!("largest difference {difference:e}");
            assert!(difference <= 1e-6, "{difference:e}");
        }
    }
}
