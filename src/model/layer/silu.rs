//! x / (1 + e⁻ˣ), also called swish.

use super::curve::Fitted;
use super::{Build, Built, LayerSpec, Work};
use crate::error::Problem;
use crate::kernel::activation::Curve;
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "silu",
    about: "Multiplies values by their logistic function (swish)",
    example: "layer = \"silu\"",
    build: |_| Box::new(Silu),
};

/// As PyTorch's `SiLU`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silu;

impl LayerSpec for Silu {
    fn kind(&self) -> &'static str {
        "silu"
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        Ok(Built::plain(input, Work::PerImage(Box::new(Fitted(Curve::Silu)))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        let share = graph.keeping("Sigmoid", &input, &[], Vec::new());
        graph.joining("Mul", &input, &share)
    }
}
