//! Every value times a fixed factor: tempers logits.

use super::{Build, Built, Draw, InPlace, LayerSpec, Work};
use crate::config::Limits;
use crate::error::Problem;
use crate::kernel::blend::scale;
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "scale",
    about: "Multiplies every value by a fixed factor; behind the last layer it tempers the softmax",
    example: "layer = \"scale\"\nfactor = 0.125",
    build: |fields| {
        let factor = fields.key("factor", "what every value is multiplied by").number(Limits::above(0.0, 1e6)).required();
        Box::new(Scale { factor: factor as f32 })
    },
};

/// factor · x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// More than 0.
    pub factor: f32,
}

impl LayerSpec for Scale {
    fn kind(&self) -> &'static str {
        "scale"
    }

    fn about(&self) -> String {
        format!("by {}", self.factor)
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        Ok(Built::plain(input, Work::InPlace(Box::new(*self))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        let factor = graph.constant("factor", &[], &[self.factor]);
        graph.keeping("Mul", &input, &[&factor], Vec::new())
    }
}

impl InPlace for Scale {
    fn forward(&self, values: &mut [f32], _: Option<Draw>) {
        scale(values, self.factor);
    }

    fn backward(&self, _: &[f32], gradient: &mut [f32], _: Draw) {
        scale(gradient, self.factor);
    }

    fn reads_output(&self) -> bool {
        false
    }
}
