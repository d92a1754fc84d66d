//! An image as a vector, in the order channel, row, column.

use super::{Build, Built, LayerSpec, Work};
use crate::error::Problem;
use crate::model::Shape;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "flatten",
    about: "Takes the image as a vector, in the order channel, row, column",
    example: "layer = \"flatten\"",
    build: |_| Box::new(Flatten),
};

/// Changes the shape only. `linear` would take an image as it is, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten;

impl LayerSpec for Flatten {
    fn kind(&self) -> &'static str {
        "flatten"
    }

    fn build(&self, input: Shape, _: usize) -> Result<Built, Problem> {
        Ok(Built::plain(Shape::vector(input.len()), Work::View))
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        graph.vector(&input)
    }
}
