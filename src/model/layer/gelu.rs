//! x · Φ(x) (Hendrycks & Gimpel 2016).

use super::curve::Fitted;
use super::{Build, Built, LayerSpec, Work};
use crate::error::Problem;
use crate::kernel::activation::Curve;
use crate::model::Shape;
use crate::onnx::{Attribute, Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "gelu",
    about: "Multiplies values by the share of a normal distribution that lies below them",
    example: "layer = \"gelu\"\napproximate = \"none\"",
    build: |fields| {
        let about = "\"none\" for the normal distribution itself, \"tanh\" for a quicker formula close to it";
        let tanh = fields.key("approximate", about).word(&["none", "tanh"]).or("none") == "tanh";
        Box::new(Gelu { tanh })
    },
};

/// As PyTorch's `GELU`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gelu {
    /// Whether Φ is approximated by tanh.
    pub tanh: bool,
}

impl LayerSpec for Gelu {
    fn kind(&self) -> &'static str {
        "gelu"
    }

    fn about(&self) -> String {
        if self.tanh { "by tanh".to_owned() } else { String::new() }
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        let curve = if self.tanh { Curve::GeluTanh } else { Curve::Gelu };
        Ok(Built::plain(input, Work::PerImage(Box::new(Fitted(curve)))))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        let formula = if self.tanh { "tanh" } else { "none" };
        graph.keeping("Gelu", &input, &[], vec![Attribute::word("approximate", formula)])
    }
}
