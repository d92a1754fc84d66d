//! A graph of operators while it is built, and its file's bytes. Knows no layer.

use super::proto::{self, Dimension, TensorShape, TensorType, Type, ValueInfo};
use super::{Attribute, IR_VERSION, OPSET};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};

/// Name of a graph's input.
pub const INPUT: &str = "image";
/// Name of its output.
pub const OUTPUT: &str = "logits";
/// Name of the axis whose length is known only when the network runs.
const BATCH: &str = "batch";
/// Numbers of `TensorProto.DataType`.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
/// What a protocol buffer can hold at most.
const LARGEST: usize = i32::MAX as usize;

/// A tensor of the network, in row-major order.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    /// Layer and word: `3.branch.0.weight`.
    pub name: &'a str,
    /// Sizes.
    pub shape: &'a [usize],
    /// Values.
    pub values: &'a [f32],
}

/// What an operator gives and the next one takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    name: String,
    /// Channels, height and width of a sample; a vector has height and width 1.
    pub shape: [usize; 3],
    /// Whether the tensor is `[batch, channels]`, not `[batch, channels, height, width]`.
    flat: bool,
}

/// Operators in the order in which they run.
pub struct Graph<'a> {
    tensors: BTreeMap<&'a str, Tensor<'a>>,
    input: [usize; 3],
    layer: String,
    nodes: Vec<proto::Node>,
    initializers: Vec<proto::Tensor>,
    names: BTreeSet<String>,
    missing: Vec<String>,
}

impl<'a> Graph<'a> {
    /// A graph without operators, for images of `shape` (channels, height, width), that may use `tensors`; and the wire of its
    /// input.
    pub fn new(shape: [usize; 3], tensors: impl IntoIterator<Item = Tensor<'a>>) -> (Self, Wire) {
        let graph = Self {
            tensors: tensors.into_iter().map(|tensor| (tensor.name, tensor)).collect(),
            input: shape,
            layer: String::new(),
            nodes: Vec::new(),
            initializers: Vec::new(),
            names: BTreeSet::from([INPUT, OUTPUT].map(str::to_owned)),
            missing: Vec::new(),
        };
        (graph, Wire { name: INPUT.to_owned(), shape, flat: false })
    }

    /// What is added from here on belongs to `layer`, whose tensors are called by its name, a dot, and a word. Answers the layer
    /// before.
    pub fn enter(&mut self, layer: impl Into<String>) -> String {
        std::mem::replace(&mut self.layer, layer.into())
    }

    /// The layer that is being added.
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// Sizes of the layer's tensor `word`; empty where it has none.
    pub fn sizes(&self, word: &str) -> &'a [usize] {
        self.tensors.get(self.full(word).as_str()).map_or(&[], |tensor| tensor.shape)
    }

    /// The layer's tensor `word`, as an operator takes it.
    pub fn tensor(&mut self, word: &str) -> String {
        let name = self.full(word);
        match self.tensors.get(name.as_str()).cloned() {
            Some(Tensor { shape, values, .. }) => self.keep(name, shape, FLOAT, floats(values)),
            None => {
                self.missing.push(name.clone());
                name
            }
        }
    }

    /// Numbers that are no tensor of the network.
    pub fn constant(&mut self, word: &str, shape: &[usize], values: &[f32]) -> String {
        let name = self.full(word);
        self.keep(name, shape, FLOAT, floats(values))
    }

    /// Adds an operator on tensors by name, and answers its output's.
    pub fn operator(&mut self, kind: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        // Of its own: programs keep operators and tensors under one roof.
        let name = self.free(&format!("{}.{kind}", self.layer));
        let output = format!("{name}.output");
        self.nodes.push(proto::Node {
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.clone()],
            name,
            op_type: kind.to_owned(),
            attribute: attributes.into_iter().map(|Attribute(attribute)| attribute).collect(),
        });
        output
    }

    /// Adds an operator on a wire and further tensors, whose output has the shape `shape`.
    pub fn reshaping(&mut self, kind: &str, wire: &Wire, more: &[&str], attributes: Vec<Attribute>, shape: [usize; 3]) -> Wire {
        let inputs: Vec<&str> = std::iter::once(wire.name.as_str()).chain(more.iter().copied()).collect();
        Wire { name: self.operator(kind, &inputs, attributes), shape, flat: wire.flat }
    }

    /// Adds an operator that keeps a wire's shape.
    pub fn keeping(&mut self, kind: &str, wire: &Wire, more: &[&str], attributes: Vec<Attribute>) -> Wire {
        self.reshaping(kind, wire, more, attributes, wire.shape)
    }

    /// Adds an operator on two wires of the same shape.
    pub fn joining(&mut self, kind: &str, one: &Wire, other: &Wire) -> Wire {
        if one.flat == other.flat {
            return self.keeping(kind, one, &[&other.name], Vec::new());
        }
        let (one, other) = (self.vector(one), self.vector(other));
        self.keeping(kind, &one, &[&other.name], Vec::new())
    }

    /// The wire as `[batch, channels · height · width]`.
    pub fn vector(&mut self, wire: &Wire) -> Wire {
        if wire.flat {
            return wire.clone();
        }
        let name = self.operator("Flatten", &[&wire.name], vec![Attribute::int("axis", 1)]);
        Wire { name, shape: [wire.shape.iter().product(), 1, 1], flat: true }
    }

    /// The wire as `[batch, channels, height, width]`.
    pub fn image(&mut self, wire: &Wire) -> Wire {
        if !wire.flat {
            return wire.clone();
        }
        let name = self.full("shape");
        let sizes = std::iter::once(-1).chain(wire.shape.map(|size| size as i64));
        let sizes = self.keep(name, &[4], INT64, sizes.flat_map(i64::to_le_bytes).collect());
        Wire { name: self.operator("Reshape", &[&wire.name, &sizes], Vec::new()), shape: wire.shape, flat: false }
    }

    /// The file's bytes; the same for the same graph. `output` becomes [`OUTPUT`], of shape `[batch, numbers]`.
    ///
    /// # Errors
    /// A tensor that a layer asked for and the network does not have, which is a bug; or a file that is too large for its format.
    pub fn finish(mut self, output: &Wire, about: About) -> Result<Vec<u8>, String> {
        let output = self.vector(output);
        self.call_output(&output.name);
        if !self.missing.is_empty() {
            return Err(format!("the network has no {}", self.missing.join(", ")));
        }
        let [channels, height, width] = self.input;
        let graph = proto::Graph {
            node: self.nodes,
            // A graph without a name is refused by the checker.
            name: if about.name.is_empty() { "network" } else { about.name }.to_owned(),
            initializer: self.initializers,
            input: vec![value(INPUT, &[channels, height, width], about.input)],
            output: vec![value(OUTPUT, &[output.shape.iter().product()], about.output)],
        };
        let property = |(key, value): (&str, String)| proto::Property { key: key.to_owned(), value };
        let model = proto::Model {
            ir_version: IR_VERSION,
            producer_name: "augpipe".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            doc_string: about.text.to_owned(),
            graph: Some(graph),
            opset_import: vec![proto::OperatorSet { domain: String::new(), version: OPSET }],
            metadata_props: about.metadata.into_iter().map(property).collect(),
        };
        match model.encoded_len() {
            length if length > LARGEST => Err(format!("{length} bytes are more than the {LARGEST} that an ONNX file can have")),
            _ => Ok(model.encode_to_vec()),
        }
    }

    /// Gives the tensor `name` the name of the graph's output.
    fn call_output(&mut self, name: &str) {
        let ends = self.nodes.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
        ends.filter(|end| *end == name).for_each(|end| *end = OUTPUT.to_owned());
    }

    fn full(&self, word: &str) -> String {
        format!("{}.{word}", self.layer)
    }

    /// `name`, or that with a number where it is taken.
    fn free(&mut self, name: &str) -> String {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !self.names.contains(name));
        let free = free.unwrap_or_default();
        self.names.insert(free.clone());
        free
    }

    fn keep(&mut self, name: String, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> String {
        let name = self.free(&name);
        let dims = shape.iter().map(|&size| size as i64).collect();
        self.initializers.push(proto::Tensor { dims, data_type, name: name.clone(), raw_data });
        name
    }
}

/// What a file says of itself.
#[derive(Clone, Debug, Default)]
pub struct About<'t> {
    /// What the network is called.
    pub name: &'t str,
    /// A few sentences.
    pub text: &'t str,
    /// What the input is.
    pub input: &'t str,
    /// What the output is.
    pub output: &'t str,
    /// Further properties, by name.
    pub metadata: Vec<(&'t str, String)>,
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A tensor of f32 whose first axis is the batch.
fn value(name: &str, sizes: &[usize], about: &str) -> ValueInfo {
    let batch = Dimension { value: None, param: Some(BATCH.to_owned()) };
    let others = sizes.iter().map(|&size| Dimension { value: Some(size as i64), param: None });
    let shape = TensorShape { dim: std::iter::once(batch).chain(others).collect() };
    let kind = Type { tensor: Some(TensorType { elem_type: FLOAT, shape: Some(shape) }) };
    ValueInfo { name: name.to_owned(), kind: Some(kind), doc_string: about.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> proto::Model {
        proto::Model::decode(bytes).expect("a model")
    }

    #[test]
    fn a_graph_comes_back_as_it_was_built() {
        let weights = [1.0, -2.0];
        let tensor = Tensor { name: "0.weight", shape: &[1, 2], values: &weights };
        let (mut graph, image) = Graph::new([2, 1, 1], [tensor]);
        graph.enter("0");
        let (vector, weight) = (graph.vector(&image), graph.tensor("weight"));
        assert_eq!((graph.sizes("weight"), graph.sizes("bias")), (&[1, 2][..], &[][..]));
        let output = graph.reshaping("Gemm", &vector, &[&weight], vec![Attribute::int("transB", 1)], [1, 1, 1]);
        let about = About { name: "n", metadata: vec![("key", "value".to_owned())], ..About::default() };
        let model = decoded(&graph.finish(&output, about).unwrap());
        let graph = model.graph.unwrap();
        assert_eq!(graph.node.iter().map(|node| node.op_type.as_str()).collect::<Vec<_>>(), ["Flatten", "Gemm"]);
        assert_eq!(
            (graph.node[1].input.as_slice(), graph.node[1].output[0].as_str()),
            (&["0.Flatten.output".to_owned(), "0.weight".to_owned()][..], OUTPUT)
        );
        assert_eq!(
            (graph.initializer[0].dims.as_slice(), graph.initializer[0].raw_data.as_slice()),
            (&[1, 2][..], &[0, 0, 128, 63, 0, 0, 0, 192][..])
        );
        assert_eq!((model.metadata_props[0].key.as_str(), model.opset_import[0].version), ("key", OPSET));
    }

    #[test]
    fn a_zero_among_the_attributes_is_written() {
        let Attribute(zero) = Attribute::int("axis", 0);
        assert_eq!(proto::Attribute::decode(&zero.encode_to_vec()[..]).unwrap().i, Some(0));
    }

    #[test]
    fn wires_change_their_rank_where_an_operator_needs_it_and_nowhere_else() {
        let (mut graph, image) = Graph::new([2, 3, 4], []);
        assert_eq!(graph.image(&image), image);
        let vector = graph.vector(&image);
        assert_eq!((vector.shape, graph.vector(&vector) == vector), ([24, 1, 1], true));
        let back = graph.image(&vector);
        assert!(back.shape == [24, 1, 1] && !back.flat);
        let joined = graph.joining("Add", &back, &vector);
        assert!(joined.flat);
        let kinds: Vec<&str> = graph.nodes.iter().map(|node| node.op_type.as_str()).collect();
        assert_eq!(kinds, ["Flatten", "Reshape", "Flatten", "Add"]);
    }

    #[test]
    fn what_is_missing_is_named_and_a_graph_without_operators_has_an_output() {
        let (mut graph, image) = Graph::new([1, 1, 1], []);
        graph.enter("3.branch.0");
        graph.tensor("weight");
        assert!(graph.finish(&image, About::default()).unwrap_err().contains("3.branch.0.weight"));
        let (graph, image) = Graph::new([1, 1, 1], []);
        let model = decoded(&graph.finish(&image, About::default()).unwrap());
        assert_eq!(model.graph.unwrap().node.last().unwrap().output, [OUTPUT]);
    }
}
