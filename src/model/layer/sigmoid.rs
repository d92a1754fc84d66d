//! 1 / (1 + e⁻ˣ).

use super::{Build, Built, Draw, InPlace, LayerSpec, Work};
use crate::error::Problem;
use crate::kernel::activation::{sigmoid, sigmoid_gradient};
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "sigmoid",
    about: "Logistic function: squeezes values into (0, 1)",
    example: "layer = \"sigmoid\"",
    build: |_| Box::new(Sigmoid),
};

/// 1 / (1 + e⁻ˣ).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sigmoid;

impl LayerSpec for Sigmoid {
    fn kind(&self) -> &'static str {
        "sigmoid"
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        Ok(Built::plain(input, Work::InPlace(Box::new(Sigmoid))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        graph.keeping("Sigmoid", &input, &[], Vec::new())
    }
}

impl InPlace for Sigmoid {
    fn forward(&self, values: &mut [f32], _: Option<Draw>) {
        sigmoid(values);
    }

    fn backward(&self, output: &[f32], gradient: &mut [f32], _: Draw) {
        sigmoid_gradient(output, gradient);
    }

    fn reads_output(&self) -> bool {
        true
    }

    fn is_costly(&self) -> bool {
        true
    }
}
