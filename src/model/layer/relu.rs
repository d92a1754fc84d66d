//! max(x, 0).

use super::{Build, Built, Draw, InPlace, LayerSpec, Work};
use crate::error::Problem;
use crate::kernel::activation::{relu, relu_gradient};
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> =
    Entry { name: "relu", about: "Sets negative values to 0", example: "layer = \"relu\"", build: |_| Box::new(Relu) };

/// max(x, 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relu;

impl LayerSpec for Relu {
    fn kind(&self) -> &'static str {
        "relu"
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        Ok(Built::plain(input, Work::InPlace(Box::new(Relu))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        graph.keeping("Relu", &input, &[], Vec::new())
    }
}

impl InPlace for Relu {
    fn forward(&self, values: &mut [f32], _: Option<Draw>) {
        relu(values);
    }

    fn backward(&self, output: &[f32], gradient: &mut [f32], _: Draw) {
        relu_gradient(output, gradient);
    }

    fn reads_output(&self) -> bool {
        true
    }
}
