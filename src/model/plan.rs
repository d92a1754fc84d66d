//! Where every layer's activations, packed weights and gradient sums lie. Knows layers by how they work, not by what they do.
//!
//! A network is cut into **stages**: one layer that needs the whole batch (or none, at the front), and the layers after it that
//! work image by image. A stage keeps one *record* of activations an image, so that all its layers run on one image while it
//! is in the cache, and so that an image's activations belong to one task.

use super::layer::{Built, LayerSpec, Work};
use super::{Shape, Span};
use crate::error::Problem;
use std::ops::Range;

/// Images of a batch are spread over so many tasks, and gradients of layers that work image by image are summed in at most so
/// many slots. A constant: results depend on it, so that they need not depend on the number of threads.
pub(super) const TASKS: usize = 16;
/// Floats that the slots of one stage may take together before there are fewer of them.
const SLOT_FLOATS: usize = 1 << 24;

/// A layer in its place.
pub(super) struct Node {
    pub kind: &'static str,
    pub about: String,
    pub shape: Shape,
    pub multiply_adds: u64,
    pub work: Work,
    /// Its parameters in the arena.
    pub parameters: Range<usize>,
    /// Its packed weights in the workspace.
    pub prepared: Range<usize>,
    /// Its sums in a slot of its stage.
    pub sums: Range<usize>,
    /// Where its output begins in the stage's record; none where that is the stage's input, unchanged.
    pub place: Option<usize>,
    /// Whether a layer that works in place has to copy its input first.
    pub copies: bool,
}

/// Layers that run together.
pub(super) struct Stage {
    /// The first may need the whole batch, the others do not.
    pub nodes: Range<usize>,
    /// Floats of activations an image.
    pub record: usize,
    /// Floats in a slot of sums.
    pub sums: usize,
    /// Number of slots.
    pub slots: usize,
}

/// Layers that fit each other.
pub(super) struct Plan {
    pub input: Shape,
    pub nodes: Vec<Node>,
    pub stages: Vec<Stage>,
    pub spans: Vec<Span>,
    pub parameters: usize,
    pub prepared: usize,
}

impl Plan {
    /// Gives every layer its shape and its places.
    pub fn new(specs: &[Box<dyn LayerSpec>], input: Shape, classes: usize) -> Result<Plan, Problem> {
        let mut plan = Plan { input, nodes: Vec::new(), stages: Vec::new(), spans: Vec::new(), parameters: 0, prepared: 0 };
        let mut shape = input;
        for spec in specs {
            let built = spec.build(shape, classes).map_err(|problem| {
                let message = format!("layer {} ({}): {}", plan.nodes.len(), spec.kind(), problem.message);
                Problem { message, ..problem }
            })?;
            shape = built.shape;
            plan.push(spec.as_ref(), built);
        }
        plan.cut();
        Ok(plan)
    }

    /// Shape of the last layer's output.
    pub fn output(&self) -> Shape {
        self.nodes.last().map_or(self.input, |node| node.shape)
    }

    /// Shape of the input of a layer.
    pub fn input_of(&self, node: usize) -> Shape {
        if node == 0 { self.input } else { self.nodes[node - 1].shape }
    }

    fn push(&mut self, spec: &dyn LayerSpec, built: Built) {
        let first = self.parameters;
        for tensor in &built.tensors {
            self.spans.push(Span {
                name: format!("{}.{}", self.nodes.len(), tensor.name),
                start: self.parameters,
                len: tensor.len(),
                shape: tensor.shape.clone(),
                decay: tensor.name == "weight",
                fan_in: tensor.fan_in,
                fan_out: tensor.fan_out,
            });
            self.parameters += tensor.len();
        }
        let prepared = match &built.work {
            Work::PerImage(work) => work.prepared_len(),
            _ => 0,
        };
        self.nodes.push(Node {
            kind: spec.kind(),
            about: spec.about(),
            shape: built.shape,
            multiply_adds: built.multiply_adds,
            work: built.work,
            parameters: first..self.parameters,
            prepared: self.prepared..self.prepared + prepared,
            sums: 0..0,
            place: None,
            copies: false,
        });
        self.prepared += prepared;
    }

    fn cut(&mut self) {
        let needs_batch = |node: &Node| matches!(node.work, Work::PerBatch(_));
        let starts = (0..self.nodes.len()).filter(|&index| index == 0 || needs_batch(&self.nodes[index]));
        let starts: Vec<usize> = starts.chain([self.nodes.len()]).collect();
        for pair in starts.windows(2) {
            let (record, sums) = lay_out(&mut self.nodes[pair[0]..pair[1]]);
            let slots = (SLOT_FLOATS / sums.max(1)).clamp(1, TASKS);
            self.stages.push(Stage { nodes: pair[0]..pair[1], record, sums, slots });
        }
    }
}

/// Places the outputs of a stage's layers in its record. A layer that works in place does so wherever the layer before does not
/// need its own output later.
fn lay_out(nodes: &mut [Node]) -> (usize, usize) {
    let (mut record, mut sums, mut at, mut free) = (0, 0, None, false);
    for node in nodes {
        let len = node.shape.len();
        let in_place = matches!(node.work, Work::InPlace(_));
        node.copies = in_place && !(at.is_some() && free);
        let moves = node.copies || matches!(node.work, Work::PerImage(_) | Work::PerBatch(_));
        if moves {
            at = Some(record);
            record += len;
        }
        free = match &node.work {
            Work::View => free,
            Work::InPlace(work) => !work.reads_output(),
            Work::PerImage(_) | Work::PerBatch(_) => true,
        };
        if let Work::PerImage(work) = &node.work {
            node.sums = sums..sums + work.sums_len();
            sums += work.sums_len();
        }
        node.place = at;
    }
    (record, sums)
}
