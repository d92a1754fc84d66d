//! A network as a graph of ONNX operators. Knows no operator: each layer knows its own.

use super::layer::LayerSpec;
use super::network::Network;
use super::{Shape, Span};
use crate::onnx::{Graph, Tensor, Wire};

/// What `network`, which was made of `layers`, computes in evaluation with the weights and the state in `arena`: from
/// `[batch, channels, height, width]` to one logit a class. Answers the graph, and the wire of the logits.
///
/// # Panics
/// Where `arena` is not the network's.
pub fn onnx_graph<'a>(network: &'a Network, layers: &[Box<dyn LayerSpec>], arena: &'a [f32]) -> (Graph<'a>, Wire) {
    assert_eq!(arena.len(), network.arena_len());
    let Shape { channels, height, width } = network.input();
    let tensor = |span: &'a Span| Tensor { name: &span.name, shape: &span.shape, values: &arena[span.range()] };
    let (mut graph, image) = Graph::new([channels, height, width], network.spans().iter().map(tensor));
    let logits = layers.iter().enumerate().fold(image, |wire, (index, layer)| {
        graph.enter(index.to_string());
        layer.onnx(&mut graph, wire)
    });
    (graph, logits)
}
