//! Where every layer's activations, packed weights and gradient sums lie. Knows layers by how they work, not by what they do.
//!
//! A network is cut into **stages**: one layer that waits for the whole batch (or none, at the front), and the layers after it
//! that work image by image. A stage keeps one *record* of activations an image, so that all its layers run on one image while
//! it is in the cache, and so that an image's activations belong to one task; where computing costs less than fetching what was stored,
//! records are made anew instead.
//!
//! A residual block is laid out flat, with three marks: `Fork`, branch, `Turn`, shortcut, `Join`. Layers read where the one before
//! wrote, but after `Turn` where the block began; going back, the gradient that the other way needs is *held* meanwhile.

use super::layer::{InPlace, Normalise, PerBatch, PerImage};
use super::{Shape, Span};
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
    /// Whether it looks at the images before training.
    pub fn surveys(&self) -> bool {
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
