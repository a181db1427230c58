//! What a file without a model card is, as far as the file alone tells.

use crate::proto::{ModelProto, ValueInfoProto};

/// Element types of ONNX by their number, those that models of this field have.
const ELEMENT_TYPES: [(i32, &str); 5] = [(1, "f32"), (6, "i32"), (7, "i64"), (10, "f16"), (11, "f64")];

/// The first bytes that say a file is text: only these control characters stand in one.
const TEXT_CONTROLS: [u8; 3] = [b'\n', b'\r', b'\t'];

/// How the description of a sound model begins.
pub(crate) const SOUND: &str = "it is an ONNX model of ";

/// What `bytes` are, in words: an ONNX model with its inputs, outputs and weights, or what they are instead.
#[must_use]
pub(crate) fn described(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "it is empty".to_owned();
    }
    let is_text = |byte: &u8| !byte.is_ascii_control() || TEXT_CONTROLS.contains(byte);
    if bytes.iter().take(512).all(is_text) && std::str::from_utf8(bytes).is_ok() {
        return "it is text and no ONNX model".to_owned();
    }
    let Some(model) = ModelProto::from_bytes(bytes) else {
        return "it is no ONNX model, or one that was cut off".to_owned();
    };
    let Some(graph) = model.graph.filter(|graph| !graph.node.is_empty()) else {
        return "it is no ONNX model: it holds no graph".to_owned();
    };
    let ports = |ports: &[ValueInfoProto]| ports.iter().map(port).collect::<Vec<_>>().join(", ");
    // Inputs that are weights too are listed with the weights.
    let fed: Vec<_> = graph
        .input
        .iter()
        .filter(|input| graph.initializer.iter().all(|weights| weights.name != input.name))
        .cloned()
        .collect();
    let counted = graph.initializer.iter().try_fold(0_i64, |sum, weights| {
        let count = weights.dims.iter().try_fold(1_i64, |product, size| product.checked_mul(*size))?;
        sum.checked_add(count)
    });
    let Some(numbers) = counted.filter(|count| *count >= 0) else {
        return "it is no sound ONNX model: its weights have impossible shapes".to_owned();
    };
    format!(
        "{SOUND}{} nodes and {numbers} weights; inputs {}; outputs {}",
        graph.node.len(),
        ports(&fed),
        ports(&graph.output)
    )
}

/// A port with its element type and shape, as in `features f32[1, 12]`.
fn port(port: &ValueInfoProto) -> String {
    let tensor = port.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    // A foreign file may hold any characters.
    let name = port.name.escape_debug();
    let Some(tensor) = tensor else { return name.to_string() };
    let kind = ELEMENT_TYPES.iter().find(|(number, _)| *number == tensor.elem_type);
    let kind = kind.map_or_else(|| format!("type {}", tensor.elem_type), |(_, name)| (*name).to_owned());
    let dims = tensor.shape.iter().flat_map(|shape| &shape.dim);
    let dims: Vec<String> =
        dims.map(|dim| dim.dim_value.map_or_else(|| "any".to_owned(), |size| size.to_string())).collect();
    format!("{name} {kind}[{}]", dims.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::{GraphProto, NodeProto, TensorProto};

    fn model() -> Vec<u8> {
        let graph = GraphProto {
            node: vec![NodeProto::new("Gemm", &["features", "w"], &["weights"])],
            name: "net".to_owned(),
            initializer: vec![TensorProto::floats("w", &[12, 4], &[0.5; 48])],
            input: vec![ValueInfoProto::floats("features", &[1, 12])],
            output: vec![ValueInfoProto::floats("weights", &[1, 4])],
            ..GraphProto::default()
        };
        ModelProto::new(graph, 8, 17).to_bytes()
    }

    #[test]
    fn a_text_an_empty_a_cut_and_a_sound_file_are_told_apart() {
        assert_eq!(described(b""), "it is empty");
        assert_eq!(described(b"not a model\n"), "it is text and no ONNX model");
        let whole = model();
        assert_eq!(
            described(&whole),
            "it is an ONNX model of 1 nodes and 48 weights; inputs features f32[1, 12]; outputs weights f32[1, 4]"
        );
        assert_eq!(described(&whole[..whole.len() / 2]), "it is no ONNX model, or one that was cut off");
    }

    /// Whatever names a foreign file holds, nothing of it breaks the line it stands in.
    fn is_one_sentence(text: &str) -> bool {
        text.starts_with("it is ") && !text.chars().any(char::is_control)
    }

    proptest! {
        #[test]
        fn any_bytes_are_described(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..300, other in any::<u8>()) {
            prop_assert!(is_one_sentence(&described(&bytes)));
            let mut changed = model();
            let at = at % changed.len();
            changed[at] = other;
            prop_assert!(is_one_sentence(&described(&changed)));
        }
    }
}
