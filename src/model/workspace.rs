//! The memory that a network works in, allocated once. Knows sizes only.

use super::plan::{Plan, TASKS};

/// Buffers for batches of up to a certain size. Steps allocate nothing once each thread has run one.
pub struct Workspace {
    /// Most images in a batch.
    pub(super) capacity: usize,
    /// Activations: a record an image, for every stage.
    pub(super) records: Vec<Vec<f32>>,
    /// Packed weights.
    pub(super) prepared: Vec<f32>,
    /// Gradient of the activations between two stages, and where the next one is written.
    pub(super) front: Vec<f32>,
    pub(super) back: Vec<f32>,
    /// Slots of gradient sums, used by one stage at a time.
    pub(super) sums: Vec<f32>,
    /// The last layer's outputs without gaps.
    pub(super) logits: Vec<f32>,
    /// Loss of each image, and whether it was recognised.
    pub(super) scores: Vec<(f64, bool)>,
    /// Key of each layer in this step.
    pub(super) keys: Vec<u64>,
}

/// Floats of each buffer.
pub(super) struct Sizes {
    records: Vec<usize>,
    prepared: usize,
    boundary: usize,
    sums: usize,
    logits: usize,
}

impl Sizes {
    pub fn of(plan: &Plan, capacity: usize) -> Self {
        let boundaries = plan.stages.iter().flat_map(|stage| [stage.nodes.start, stage.nodes.start + 1, stage.nodes.end]);
        let widest = boundaries.map(|node| plan.input_of(node).len()).max().unwrap_or(0);
        Self {
            records: plan.stages.iter().map(|stage| capacity * stage.record).collect(),
            prepared: plan.prepared,
            boundary: capacity * widest.max(plan.input.len()),
            sums: plan.stages.iter().map(|stage| stage.slots * stage.sums).max().unwrap_or(0).max(TASKS),
            logits: capacity * plan.output().len(),
        }
    }

    pub fn floats(&self) -> usize {
        self.records.iter().sum::<usize>() + self.prepared + 2 * self.boundary + self.sums + self.logits
    }
}

impl Workspace {
    pub(super) fn new(plan: &Plan, capacity: usize) -> Self {
        let sizes = Sizes::of(plan, capacity);
        let zeros = |len: usize| vec![0.0; len];
        Self {
            capacity,
            records: sizes.records.iter().copied().map(zeros).collect(),
            prepared: zeros(sizes.prepared),
            front: zeros(sizes.boundary),
            back: zeros(sizes.boundary),
            sums: zeros(sizes.sums),
            logits: zeros(sizes.logits),
            scores: vec![(0.0, false); capacity],
            keys: vec![0; plan.nodes.len()],
        }
    }

    /// Most images in a batch.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}
