//! x where it is not negative, a small share of it elsewhere.

use super::{Build, Built, Draw, InPlace, LayerSpec, Work};
use crate::config::Limits;
use crate::error::Problem;
use crate::kernel::activation::{leaky_relu, leaky_relu_gradient};
use crate::model::Shape;
use crate::onnx::{Attribute, Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "leaky_relu",
    about: "Multiplies negative values by a small slope",
    example: "layer = \"leaky_relu\"\nslope = 0.01",
    build: |fields| {
        let slope = fields.key("slope", "what negative values are multiplied by").number(Limits::UNIT).or(0.01);
        Box::new(LeakyRelu { slope: slope as f32 })
    },
};

/// max(x, 0) + slope · min(x, 0), as PyTorch's `LeakyReLU`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyRelu {
    /// 0 to 1.
    pub slope: f32,
}

impl LayerSpec for LeakyRelu {
    fn kind(&self) -> &'static str {
        "leaky_relu"
    }

    fn about(&self) -> String {
        format!("slope {}", self.slope)
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        Ok(Built::plain(input, Work::InPlace(Box::new(*self))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        graph.keeping("LeakyRelu", &input, &[], vec![Attribute::float("alpha", self.slope)])
    }
}

impl InPlace for LeakyRelu {
    fn forward(&self, values: &mut [f32], _: Option<Draw>) {
        leaky_relu(self.slope, values);
    }

    fn backward(&self, output: &[f32], gradient: &mut [f32], _: Draw) {
        leaky_relu_gradient(self.slope, output, gradient);
    }

    fn reads_output(&self) -> bool {
        true
    }
}
