//! The memory that a network works in, allocated once. Knows sizes only.

use super::layer_times::LayerMeter;
use super::plan::{Plan, TASKS};
use super::row_sums::RowSums;
use std::ops::Range;

/// Buffers for batches of up to a certain size. Steps allocate nothing once each thread has run one.
pub struct Workspace {
    /// Most images in a batch.
    pub(super) capacity: usize,
    /// Activations: a record an image, for every stage that keeps them.
    pub(super) records: Vec<Vec<f32>>,
    /// Packed weights.
    pub(super) prepared: Vec<f32>,
    /// What layers that normalise keep from the last pass.
    pub(super) saved: Vec<f32>,
    /// Their sums, image by image and over all.
    pub(super) image_sums: RowSums,
    pub(super) measured: Vec<f64>,
    /// A row an image of gradients that residual blocks hold.
    pub(super) held: Vec<f32>,
    /// Gradient of the activations between two stages, and where the next one is written.
    pub(super) front: Vec<f32>,
    pub(super) back: Vec<f32>,
    /// Slots of gradient sums, used by one stage at a time.
    pub(super) sums: Vec<f32>,
    /// The last layer's outputs without gaps.
    pub(super) logits: Vec<f32>,
    /// Loss of each image, and whether it was recognised.
    pub(super) scores: Vec<(f64, bool)>,
    /// Parameters whose gradients may be other than finite numbers, as far as is known without looking at them.
    pub(super) unproved: Vec<Range<usize>>,
    /// Where the parameters begin that are still learned.
    pub(super) learned_from: usize,
    /// Key of each layer in this step.
    pub(super) keys: Vec<u64>,
    /// What layers take, where that is measured.
    pub(super) meter: Option<LayerMeter>,
}

/// Floats of each buffer, and of what the layer that needs most takes beside.
pub(super) struct Sizes {
    records: Vec<usize>,
    prepared: usize,
    saved: usize,
    most_sums: usize,
    image_sums: usize,
    held: usize,
    boundary: usize,
    sums: usize,
    logits: usize,
    beside: usize,
}

impl Sizes {
    pub fn of(plan: &Plan, capacity: usize) -> Self {
        let ends = plan
            .stages
            .iter()
            .flat_map(|stage| plan.nodes[stage.nodes.clone()].first().into_iter().chain(plan.nodes[stage.nodes.clone()].last()));
        let widest = ends.map(|node| node.input.len().max(node.shape.len())).max().unwrap_or(0);
        Self {
            records: plan.stages.iter().map(|stage| if stage.kept { capacity * stage.record } else { 0 }).collect(),
            prepared: plan.prepared,
            saved: plan.saved,
            most_sums: plan.most_sums(),
            image_sums: capacity * plan.most_sums(),
            held: capacity * plan.held.max(1),
            boundary: capacity * widest.max(plan.input.len()),
            sums: plan.stages.iter().map(|stage| stage.slots * stage.sums).max().unwrap_or(0).max(TASKS),
            logits: capacity * plan.output().len(),
            beside: plan.most_beside(),
        }
    }

    /// Floats of all of them; a sum in f64 counts twice.
    pub fn floats(&self) -> usize {
        let Sizes { records, prepared, saved, most_sums, image_sums, held, boundary, sums, logits, beside } = self;
        let measured = image_sums + most_sums;
        records.iter().sum::<usize>() + prepared + saved + 2 * measured + held + 2 * boundary + sums + logits + beside
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
            saved: zeros(sizes.saved),
            image_sums: RowSums::new(capacity, sizes.most_sums),
            measured: vec![0.0; sizes.most_sums],
            held: zeros(sizes.held),
            front: zeros(sizes.boundary),
            back: zeros(sizes.boundary),
            sums: zeros(sizes.sums),
            logits: zeros(sizes.logits),
            scores: vec![(0.0, false); capacity],
            unproved: Vec::with_capacity(plan.nodes.len()),
            learned_from: 0,
            keys: vec![0; plan.nodes.len()],
            meter: None,
        }
    }

    /// Says that of the parameters, in the arena's order, only those from `place` on are still learned: gradients of those before
    /// are 0 from now on, and nothing is computed that only they need. A gradient goes through a residual block as a whole.
    pub fn learn_from(&mut self, place: usize) {
        self.learned_from = place;
    }

    /// Ranges of the last gradient in which there may be something that is not finite. Where linear layers have their inputs and their
    /// outputs' gradients so small that no sum of their products overflows, nobody needs to look at the products.
    pub fn unproved(&self) -> &[Range<usize>] {
        &self.unproved
    }

    /// Most images in a batch.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}
