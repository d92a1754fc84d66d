//! tanh(x).

use super::{Build, Built, Draw, InPlace, LayerSpec, Work};
use crate::error::Problem;
use crate::kernel::activation::{tanh, tanh_gradient};
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "tanh",
    about: "Hyperbolic tangent: squeezes values into (−1, 1)",
    example: "layer = \"tanh\"",
    build: |_| Box::new(Tanh),
};

/// tanh(x).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tanh;

impl LayerSpec for Tanh {
    fn kind(&self) -> &'static str {
        "tanh"
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        Ok(Built::plain(input, Work::InPlace(Box::new(Tanh))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        graph.keeping("Tanh", &input, &[], Vec::new())
    }
}

impl InPlace for Tanh {
    fn forward(&self, values: &mut [f32], _: Option<Draw>) {
        tanh(values);
    }

    fn backward(&self, output: &[f32], gradient: &mut [f32], _: Draw) {
        tanh_gradient(output, gradient);
    }

    fn reads_output(&self) -> bool {
        true
    }

    fn is_costly(&self) -> bool {
        true
    }
}
