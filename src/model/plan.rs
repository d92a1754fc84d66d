//! Where every layer's activations, packed weights and gradient sums lie. Knows layers by how they work, not by what they do.
//!
//! A network is cut into **stages**: one layer that waits for the whole batch (or none, at the front), and the layers after it
//! that work image by image. A stage keeps one *record* of activations an image, so that all its layers run on one image while
//! it is in the cache, and so that an image's activations belong to one task; where computing costs less than fetching what was stored,
//! records are made anew instead.
//!
//! A residual block is laid out flat, with three marks: `Fork`, branch, `Turn`, shortcut, `Join`. Layers read where the one before
//! wrote, but after `Turn` where the block began; going back, the gradient that the other way needs is *held* meanwhile.

use super::layer::{InPlace, LayerSpec, Normalise, Part, PerBatch, PerImage, Work};
use super::layout::cut;
use super::{Shape, Span, zeros};
use crate::error::Problem;
use std::ops::Range;

/// Images of a batch are spread over so many tasks, and gradients of layers that work image by image are summed in at most so
/// many slots. A constant: results depend on it, so that they need not depend on the number of threads.
pub(super) const TASKS: usize = 16;
/// What happens at a node.
pub(super) enum Step {
    View,
    InPlace(Box<dyn InPlace>),
    PerImage(Box<dyn PerImage>),
    Normalise(Box<dyn Normalise>),
    PerBatch(Box<dyn PerBatch>),
    /// A block begins. Going back, its held gradient is added.
    Fork(Block),
    /// The branch ends, and the shortcut begins where the block began.
    Turn(Block),
    /// The branch's output, at this place, is added to the shortcut's.
    Join(Block, Option<Place>),
}

impl Step {
    /// Whether the gradient of its input lies elsewhere than its output's.
    pub fn moves_gradient(&self) -> bool {
        match self {
            Self::PerImage(_) => true,
            Self::Turn(block) => block.projects,
            Self::View | Self::InPlace(_) | Self::Normalise(_) | Self::PerBatch(_) | Self::Fork(_) | Self::Join(..) => false,
        }
    }

    /// Whether it waits for all images.
    pub fn waits(&self) -> bool {
        matches!(self, Step::Normalise(_) | Step::PerBatch(_))
    }
}

/// A residual block.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// Where a gradient is held, in the held row of an image.
    pub held: usize,
    /// Floats of the block's input and output.
    pub lens: [usize; 2],
    /// Whether the shortcut has layers.
    pub projects: bool,
}

/// Where an image's activations begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub stage: usize,
    /// Place in that stage's record.
    pub at: usize,
}

/// A layer, or a mark, in its place.
pub(super) struct Node {
    pub name: String,
    /// What the catalogue calls it; none for a mark.
    pub kind: Option<&'static str>,
    pub about: String,
    /// Shapes of input and output.
    pub input: Shape,
    pub shape: Shape,
    pub multiply_adds: u64,
    pub step: Step,
    /// Its trained parameters in the arena.
    pub parameters: Range<usize>,
    /// Its state in the arena.
    pub state: Range<usize>,
    /// Its packed weights in the workspace.
    pub prepared: Range<usize>,
    /// Its saved numbers in the workspace.
    pub saved: Range<usize>,
    /// Its sums in a slot of its stage.
    pub sums: Range<usize>,
    /// Where its input lies; none where that is the image.
    pub from: Option<Place>,
    /// Where its output lies; likewise.
    pub place: Option<Place>,
    /// Whether what works in place has to copy its input first.
    pub copies: bool,
}

impl Node {
    fn surveys(&self) -> bool {
        matches!(&self.step, Step::PerImage(work) if work.survey().is_some())
    }

    pub fn normalise(&self) -> Option<&dyn Normalise> {
        match &self.step {
            Step::Normalise(work) => Some(work.as_ref()),
            _ => None,
        }
    }
}

/// Nodes that run together.
pub(super) struct Stage {
    /// The first may wait for the whole batch, the others do not.
    pub nodes: Range<usize>,
    /// Floats of activations an image, at least 1.
    pub record: usize,
    /// Whether records stay. Those of a stage that only the head of the next one reads may be made anew whenever they are needed.
    pub kept: bool,
    /// Whether gradients keep their places in the layers that work image by image, of which none has parameters or belongs to a block.
    pub in_place: bool,
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
    /// Trained tensors, then state.
    pub spans: Vec<Span>,
    pub parameters: usize,
    pub arena: usize,
    pub prepared: usize,
    pub saved: usize,
    /// Floats of an image's held gradients.
    pub held: usize,
}

impl Plan {
    /// Gives every layer its shape and its places.
    pub fn new(specs: &[Box<dyn LayerSpec>], input: Shape, classes: usize) -> Result<Plan, Problem> {
        let mut parts = build(specs, input, classes)?;
        zeros::announce(&mut parts, false);
        let mut draft = Draft { shape: input, ..Draft::default() };
        parts.into_iter().enumerate().for_each(|(index, part)| draft.layer(index.to_string(), part));
        let plan = draft.finish(input);
        match plan.nodes.iter().find(|node| node.from.is_some() && node.surveys()) {
            None => Ok(plan),
            Some(node) => {
                let message = format!("layer {} ({}): it looks at the images themselves", node.name, node.kind.unwrap_or(""));
                Err(Problem::new(message, "put it in front of all other layers"))
            }
        }
    }

    /// Shape of what the last layer gives.
    pub fn output(&self) -> Shape {
        self.nodes.last().map_or(self.input, |node| node.shape)
    }

    /// The layer in front of a stage, if it is one that normalises.
    pub fn head(&self, stage: usize) -> Option<(&Node, &dyn Normalise)> {
        let node = &self.nodes.get(self.stages.get(stage)?.nodes.start)?;
        Some((node, node.normalise()?))
    }

    /// Most floats that a layer takes beside the workspace for a while.
    pub fn most_beside(&self) -> usize {
        let beside = |node: &Node| match &node.step {
            Step::PerBatch(work) => work.scratch_len(),
            _ => 0,
        };
        let anew = self.stages.iter().filter(|stage| !stage.kept).map(|stage| stage.record).max().unwrap_or(0);
        self.nodes.iter().map(beside).max().unwrap_or(0) + anew
    }

    /// Most sums that a layer which normalises has.
    pub fn most_sums(&self) -> usize {
        self.nodes.iter().filter_map(Node::normalise).map(Normalise::sums_len).max().unwrap_or(0)
    }
}

/// Fits the layers to each other.
fn build(specs: &[Box<dyn LayerSpec>], input: Shape, classes: usize) -> Result<Vec<Part>, Problem> {
    let (mut parts, mut shape) = (Vec::new(), input);
    for (index, spec) in specs.iter().enumerate() {
        let built = spec.build(shape, classes).map_err(|problem| {
            let message = format!("layer {index} ({}): {}", spec.kind(), problem.message);
            Problem { message, ..problem }
        })?;
        shape = built.shape;
        parts.push(Part { kind: spec.kind(), about: spec.about(), built });
    }
    Ok(parts)
}

/// A plan while layers are added.
#[derive(Default)]
struct Draft {
    shape: Shape,
    nodes: Vec<Node>,
    /// Trained tensors and state, each from 0 on.
    trained: Vec<Span>,
    state: Vec<Span>,
    prepared: usize,
    saved: usize,
    /// Held floats in use, and the most at once.
    held: [usize; 2],
}

fn end(spans: &[Span]) -> usize {
    spans.last().map_or(0, |span| span.start + span.len)
}

impl Draft {
    fn layer(&mut self, name: String, part: Part) {
        let Part { kind, about, built } = part;
        let starts = [end(&self.trained), end(&self.state)];
        for tensor in &built.tensors {
            let spans = if tensor.trained { &mut self.trained } else { &mut self.state };
            spans.push(Span {
                name: format!("{name}.{}", tensor.name),
                start: end(spans),
                len: tensor.len(),
                shape: tensor.shape.clone(),
                trained: tensor.trained,
                decay: tensor.decay,
                initial: tensor.initial,
                fan_in: tensor.fan_in,
                fan_out: tensor.fan_out,
            });
        }
        let step = match built.work {
            Work::View => Step::View,
            Work::InPlace(work) => Step::InPlace(work),
            Work::PerImage(work) => Step::PerImage(work),
            Work::Normalise(work) => Step::Normalise(work),
            Work::PerBatch(work) => Step::PerBatch(work),
            Work::Residual { branch, shortcut } => return self.block(name, (kind, about), (branch, shortcut), built.shape),
        };
        let node = self.node(name, step, built.shape);
        node.kind = Some(kind);
        node.about = about;
        node.multiply_adds = built.multiply_adds;
        (node.parameters.start, node.state.start) = (starts[0], starts[1]);
    }

    /// A row of layers and their marks.
    fn block(&mut self, name: String, (kind, about): (&'static str, String), parts: (Vec<Part>, Vec<Part>), shape: Shape) {
        let (branch, shortcut) = parts;
        let input = self.shape;
        let block = Block { held: self.held[0], lens: [input.len(), shape.len()], projects: !shortcut.is_empty() };
        self.held[0] += input.len().max(shape.len());
        self.held[1] = self.held[1].max(self.held[0]);
        self.node(name.clone(), Step::Fork(block), input);
        let row = |draft: &mut Draft, word: &str, parts: Vec<Part>| {
            parts.into_iter().enumerate().for_each(|(index, part)| draft.layer(format!("{name}.{word}.{index}"), part));
        };
        row(self, "branch", branch);
        self.node(name.clone(), Step::Turn(block), input);
        row(self, "shortcut", shortcut);
        let join = self.node(name.clone(), Step::Join(block, None), shape);
        (join.kind, join.about) = (Some(kind), about);
        self.held[0] = block.held;
    }

    /// Appends a node with the tensors that have been added, and lengths where places are not known yet.
    fn node(&mut self, name: String, step: Step, shape: Shape) -> &mut Node {
        let prepared = match &step {
            Step::PerImage(work) => work.prepared_len(),
            _ => 0,
        };
        let saved = match &step {
            Step::Normalise(work) => work.saved_len(),
            _ => 0,
        };
        let ends = [end(&self.trained), end(&self.state)];
        let node = Node {
            name,
            kind: None,
            about: String::new(),
            input: self.shape,
            shape,
            multiply_adds: 0,
            step,
            parameters: ends[0]..ends[0],
            state: ends[1]..ends[1],
            prepared: self.prepared..self.prepared + prepared,
            saved: self.saved..self.saved + saved,
            sums: 0..0,
            from: None,
            place: None,
            copies: false,
        };
        (self.prepared, self.saved, self.shape) = (node.prepared.end, node.saved.end, shape);
        let index = self.nodes.len();
        self.nodes.push(node);
        &mut self.nodes[index]
    }

    fn finish(mut self, input: Shape) -> Plan {
        let parameters = end(&self.trained);
        for span in &mut self.state {
            span.start += parameters;
        }
        for node in &mut self.nodes {
            node.state = node.state.start + parameters..node.state.end + parameters;
        }
        let stages = cut(&mut self.nodes);
        let mut spans = self.trained;
        spans.append(&mut self.state);
        let arena = end(&spans).max(parameters);
        let (prepared, saved, held) = (self.prepared, self.saved, self.held[1]);
        Plan { input, nodes: self.nodes, stages, spans, parameters, arena, prepared, saved, held }
    }
}
