//! The ONNX file format, as far as we write it: the messages of `onnx.proto3` with their field numbers.
//!
//! Source: github.com/onnx/onnx, `onnx/onnx.proto3`. Fields we never use are left out; readers skip what they do
//! not know, and so do we.

use prost::Message;

/// The element type of 32-bit floats.
pub const FLOAT: i32 = 1;
/// The element type of 64-bit integers.
pub const INT64: i32 = 7;

/// A model: a graph with what is needed to read it.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the file format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// The program that wrote it.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Version of that program.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// A namespace of the model.
    #[prost(string, tag = "4")]
    pub domain: String,
    /// Version of the model itself.
    #[prost(int64, tag = "5")]
    pub model_version: i64,
    /// Anything to say about it.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// What it computes.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// The operators it uses.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Named texts.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// A named text.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct StringStringEntryProto {
    /// Its name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The text.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A set of operators.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OperatorSetIdProto {
    /// Its namespace; empty for the standard operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Its version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A graph of operators, in an order in which they can run.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// The operators.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Name of the graph.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Its constants: the weights.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// Anything to say about it.
    #[prost(string, tag = "10")]
    pub doc_string: String,
    /// What goes in.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// What comes out.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// What lies between, where it is described.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfoProto>,
}

/// One operator with the names of its inputs and outputs.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of its inputs.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of its outputs.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its own name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator, as in `Gemm`.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Its settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// Anything to say about it.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// Namespace of the operator; empty for the standard ones.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// One setting of an operator.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A float.
    #[prost(float, tag = "2")]
    pub f: f32,
    /// An integer.
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// A text.
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// A graph, as the branches of `If` are; ours has none.
    #[prost(message, optional, tag = "6")]
    pub g: Option<GraphProto>,
    /// Floats.
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    /// Integers.
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    /// Graphs.
    #[prost(message, repeated, tag = "11")]
    pub graphs: Vec<GraphProto>,
    /// Which of these it is: 1 float, 2 integer, 3 text, 4 tensor, 6 floats, 7 integers.
    #[prost(int32, tag = "20")]
    pub r#type: i32,
}

/// A constant tensor, rows first.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Its shape.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// Type of its elements: [`FLOAT`] or [`INT64`].
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Its elements, where a writer chose this way for floats; ours uses `raw_data`.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Its name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Its elements in little-endian order.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    /// 1 where the elements lie in another file; 0 in ours, always.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

/// An input or output.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ValueInfoProto {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

/// A type; we know tensors only.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TypeProto {
    /// A tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// Type of a tensor.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TensorTypeProto {
    /// Type of its elements: [`FLOAT`] or [`INT64`].
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Its shape.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// Shape of a tensor.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TensorShapeProto {
    /// Its dimensions, outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// One dimension of fixed size; all of ours are.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct DimensionProto {
    /// Its size.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
}

impl ModelProto {
    /// A model with one graph, for operators of the standard set at `opset`.
    #[must_use]
    pub fn new(graph: GraphProto, ir_version: i64, opset: i64) -> Self {
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: opset }];
        Self { ir_version, opset_import, graph: Some(graph), ..Self::default() }
    }

    /// The version of ONNX's own operators it names; 0 where it names none.
    #[must_use]
    pub fn opset(&self) -> i64 {
        self.opset_import.iter().find(|set| is_standard(&set.domain)).map_or(0, |set| set.version)
    }

    /// The bytes of the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// The model in `bytes`; `None` where they are no such message.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::decode(bytes).ok()
    }
}

/// Whether operators of `domain` are ONNX's own, of which it has two spellings.
#[must_use]
pub fn is_standard(domain: &str) -> bool {
    domain.is_empty() || domain == "ai.onnx"
}

impl GraphProto {
    /// The first operator that is not ONNX's own, in the graph or in a graph within it.
    #[must_use]
    pub fn foreign_operator(&self) -> Option<&NodeProto> {
        self.node.iter().find_map(|node| {
            let within = node.attribute.iter().flat_map(|setting| setting.g.iter().chain(&setting.graphs));
            let is_foreign = !is_standard(&node.domain);
            is_foreign.then_some(node).or_else(|| within.into_iter().find_map(Self::foreign_operator))
        })
    }
}

impl NodeProto {
    /// An operator of the standard set without settings, named after its first output.
    #[must_use]
    pub fn new(op_type: &str, input: &[&str], output: &[&str]) -> Self {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let name = output.first().copied().unwrap_or_default().to_owned();
        Self {
            input: names(input),
            output: names(output),
            name,
            op_type: op_type.to_owned(),
            ..Self::default()
        }
    }

    /// The same operator with one setting more.
    #[must_use]
    pub fn with(mut self, attribute: AttributeProto) -> Self {
        self.attribute.push(attribute);
        self
    }
}

impl AttributeProto {
    /// A setting that is a float.
    #[must_use]
    pub fn float(name: &str, value: f32) -> Self {
        Self { name: name.to_owned(), f: value, r#type: 1, ..Self::default() }
    }

    /// A setting that is an integer.
    #[must_use]
    pub fn int(name: &str, value: i64) -> Self {
        Self { name: name.to_owned(), i: value, r#type: 2, ..Self::default() }
    }

    /// A setting that is a list of integers.
    #[must_use]
    pub fn ints(name: &str, values: &[i64]) -> Self {
        Self { name: name.to_owned(), ints: values.to_vec(), r#type: 7, ..Self::default() }
    }
}

impl TensorProto {
    /// A constant of floats.
    ///
    /// # Panics
    /// When `dims` do not hold exactly `values`.
    #[must_use]
    pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> Self {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, dims, values.len(), FLOAT, raw_data)
    }

    /// A constant of 64-bit integers.
    ///
    /// # Panics
    /// When `dims` do not hold exactly `values`.
    #[must_use]
    pub fn ints(name: &str, dims: &[i64], values: &[i64]) -> Self {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, dims, values.len(), INT64, raw_data)
    }

    fn raw(name: &str, dims: &[i64], count: usize, data_type: i32, raw_data: Vec<u8>) -> Self {
        let held = dims.iter().product::<i64>();
        assert_eq!(i64::try_from(count), Ok(held), "the shape of {name} holds another number of values");
        Self { dims: dims.to_vec(), data_type, name: name.to_owned(), raw_data, ..Self::default() }
    }
}

impl ValueInfoProto {
    /// An input or output that is a tensor of floats of fixed shape.
    #[must_use]
    pub fn floats(name: &str, dims: &[i64]) -> Self {
        let dim = dims.iter().map(|&size| DimensionProto { dim_value: Some(size) }).collect();
        let shape = Some(TensorShapeProto { dim });
        let tensor_type = Some(TensorTypeProto { elem_type: FLOAT, shape });
        Self { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_written_byte_for_byte_as_the_format_says() {
        let node = NodeProto::new("Relu", &["x"], &["y"]).with(AttributeProto::int("axis", 1));
        let graph = GraphProto {
            node: vec![node],
            initializer: vec![TensorProto::floats("w", &[1, 2], &[1.0, -0.5])],
            input: vec![ValueInfoProto::floats("x", &[1, 2])],
            ..GraphProto::default()
        };
        let bytes = ModelProto::new(graph, 8, 17).to_bytes();
        // Worked out by hand from onnx.proto3: tag byte = field number << 3 | wire type.
        let node =
            [&b"\x0a\x01x\x12\x01y\x1a\x01y\x22\x04Relu"[..], b"\x2a\x0b\x0a\x04axis\x18\x01\xa0\x01\x02"]
                .concat();
        let tensor = b"\x0a\x02\x01\x02\x10\x01\x42\x01w\x4a\x08\x00\x00\x80\x3f\x00\x00\x00\xbf".to_vec();
        let input = b"\x0a\x01x\x12\x0e\x0a\x0c\x08\x01\x12\x08\x0a\x02\x08\x01\x0a\x02\x08\x02".to_vec();
        let field = |tag: u8, body: &[u8]| [&[tag, u8::try_from(body.len()).unwrap()][..], body].concat();
        let graph = [field(0x0a, &node), field(0x2a, &tensor), field(0x5a, &input)].concat();
        let expected = [b"\x08\x08".to_vec(), field(0x3a, &graph), b"\x42\x02\x10\x11".to_vec()].concat();
        assert_eq!(bytes, expected);
        assert_eq!(ModelProto::from_bytes(&bytes).unwrap().to_bytes(), bytes);
        assert!(ModelProto::from_bytes(&bytes[..bytes.len() - 3]).is_none());
    }

    #[test]
    #[should_panic(expected = "the shape of w holds another number of values")]
    fn a_tensor_that_is_too_short_is_a_fault_of_the_caller() {
        let _ = TensorProto::floats("w", &[2, 2], &[1.0]);
    }
}
