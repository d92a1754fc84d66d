//! A residual block (He et al. 2016): what a row of layers makes of the input, added to the input or to a projection of it.

use super::{Build, Built, LayerSpec, Part, Work};
use crate::config::Fields;
use crate::error::Problem;
use crate::model::read::read_layer;
use crate::model::{Numerics, Shape};
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "residual",
    about: "Adds what a row of layers makes of the input to the input, or to what a second row makes of it",
    example: "layer = \"residual\"\nbranch = [{ layer = \"conv\", out = 3, kernel = 3, padding = 1 }, \"batch_norm\"]\n\
              shortcut = [{ layer = \"conv\", out = 3, kernel = 1 }]",
    build: |fields| Box::new(Residual::read(fields)),
};

/// How many blocks may lie in each other.
const DEPTH: usize = 8;

/// y = branch(x) + shortcut(x); the shortcut is x itself where it has no layers. Its tensors are called `branch.0.weight`,
/// `shortcut.0.weight` and so on.
#[derive(Debug)]
pub struct Residual {
    /// At least one layer.
    pub branch: Vec<Box<dyn LayerSpec>>,
    /// Any number of layers.
    pub shortcut: Vec<Box<dyn LayerSpec>>,
}

impl Residual {
    fn read(fields: &Fields) -> Self {
        if fields.depth() >= DEPTH {
            fields.complain("branch", format!("more than {DEPTH} blocks lie in each other"), "");
            return Self { branch: Vec::new(), shortcut: Vec::new() };
        }
        let read = |tables: Vec<Fields>| tables.iter().filter_map(read_layer).collect();
        let branch = fields.inside("branch", "layer", "the layers whose output is added");
        let about = "layers that bring the input to the branch's shape; the input itself where left out";
        let shortcut = fields.may_be_inside("shortcut", "layer", about);
        Self { branch: read(branch), shortcut: read(shortcut) }
    }
}

impl LayerSpec for Residual {
    fn kind(&self) -> &'static str {
        "residual"
    }

    fn about(&self) -> String {
        let shortcut = if self.shortcut.is_empty() { "the input" } else { "the shortcut" };
        format!("adds {shortcut} to the branch")
    }

    fn compute_by(&mut self, numerics: Numerics) {
        self.branch.iter_mut().chain(&mut self.shortcut).for_each(|layer| layer.compute_by(numerics));
    }

    fn rounds_factors(&self) -> bool {
        self.branch.iter().chain(&self.shortcut).any(|layer| layer.rounds_factors())
    }

    fn build(&self, input: Shape, classes: usize) -> Result<Built, Problem> {
        if self.branch.is_empty() {
            return Err(Problem::new("there is nothing in its branch", "give `branch` at least one layer"));
        }
        let (branch, shape) = Part::row("branch", &self.branch, input, classes)?;
        let (shortcut, short_shape) = Part::row("shortcut", &self.shortcut, input, classes)?;
        if shape != short_shape {
            let which = if shortcut.is_empty() { "its input has" } else { "its shortcut gives" };
            let message = format!("its branch gives {shape}, but {which} {short_shape}");
            let help = format!("shortcut = [{{ layer = \"conv\", out = {}, kernel = 1, … }}] can change the shape", shape.channels);
            return Err(Problem::new(message, help));
        }
        let multiply_adds = 0;
        Ok(Built { shape, tensors: Vec::new(), multiply_adds, work: Work::Residual { branch, shortcut } })
    }

    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire {
        let before = graph.layer().to_owned();
        let mut row = |word: &str, layers: &[Box<dyn LayerSpec>]| {
            layers.iter().enumerate().fold(input.clone(), |wire, (index, layer)| {
                graph.enter(format!("{before}.{word}.{index}"));
                layer.onnx(graph, wire)
            })
        };
        let (branch, shortcut) = (row("branch", &self.branch), row("shortcut", &self.shortcut));
        graph.enter(before);
        graph.joining("Add", &branch, &shortcut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layer::{BatchNorm, Conv, Padding, Relu, Window};

    fn conv(out: usize, stride: usize) -> Box<dyn LayerSpec> {
        Box::new(Conv {
            out,
            window: Window { kernel: 3, stride, padding: Padding::Sides(1) },
            groups: 1,
            bias: false,
            numerics: Numerics::default(),
        })
    }

    #[test]
    fn shapes_that_cannot_be_added_are_refused_with_the_way_out() {
        let block = Residual { branch: vec![conv(4, 2), Box::new(BatchNorm::default()), Box::new(Relu)], shortcut: Vec::new() };
        let problem = block.build(Shape::new(2, 8, 8), 2).err().unwrap();
        assert!(problem.message.contains("gives 4×4×4") && problem.message.contains("has 2×8×8"), "{problem:?}");
        let block = Residual { shortcut: vec![conv(4, 2)], ..block };
        assert_eq!(block.build(Shape::new(2, 8, 8), 2).unwrap().shape, Shape::new(4, 4, 4));
        assert!(Residual { branch: Vec::new(), shortcut: Vec::new() }.build(Shape::new(2, 8, 8), 2).is_err());
    }
}
