//! How much memory a plan can need at most, counted from its shapes.

use super::{End, Plan};
use crate::pixels::decode::GIANT_PIXELS;
use crate::sample::Size;
use crate::source::set::Layout;

/// Upper bound of a run's memory in bytes, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MemoryBound {
    /// Program, stacks, decoders' tables and the listing of the data.
    pub base: u64,
    /// What sources keep in memory.
    pub data: u64,
    /// Samples in flight between source and batcher.
    pub samples: u64,
    /// A giant picture: they are decoded and augmented one at a time.
    pub giants: u64,
    /// Batches in flight.
    pub batches: u64,
    /// Parameters, gradients, optimiser state, activations.
    pub model: u64,
}

impl MemoryBound {
    /// All parts together.
    pub fn total(&self) -> u64 {
        self.base + self.data + self.samples + self.giants + self.batches + self.model
    }
}

/// Fixed part: the program with its libraries and allocator's slack.
const PROGRAM: u64 = 48 << 20;
/// A thread's stack in use, its share of the allocator, and its scratch: decoder tables, rows of a resize.
const WORKER: u64 = 8 << 20;
/// What decoding takes for a pixel at most, and what is then held by an operation that makes a second picture.
const DECODING: u64 = 16;
const AUGMENTING: u64 = 3 * 3;

/// Counts every buffer that a run of `plan` can hold at once.
pub fn memory_bound(plan: &Plan) -> MemoryBound {
    let (workers, data) = (plan.workers, &plan.data);
    let (load, augment) = (workers.load as u64, workers.augment as u64);
    let (chunks, batches) = plan.in_flight();
    let channels = data.channels as u64;
    let most = data.most_pixels();
    let (usual, waiting) = (most.min(GIANT_PIXELS), most.min(data.early_pixels()));
    let views = plan.evaluate.output().views as u64;
    let out_pixels = plan.size.map_or(0, Size::area) * views;
    // Soft targets of every picture, and a spare picture.
    let classes = if plan.mix.is_empty() { 0 } else { data.source.classes().len() as u64 };
    let spare = if plan.mix.is_empty() { 0 } else { channels * out_pixels * 4 };
    // Of pictures in numbers there are two while colours change: the resized one and the one that is handed on.
    let (value, floats) = if plan.augment.output().floats || plan.evaluate.output().floats { (4, 2 * 4) } else { (1, 0) };
    // Unusually large pictures are augmented where they are decoded.
    let augmenting = AUGMENTING + plan.augment.scratch().max(plan.evaluate.scratch());
    let loading = DECODING.max(augmenting);
    let at_work = load * (usual * loading + data.largest_file())
        + augment * (waiting * augmenting + out_pixels * channels * floats)
        + load * out_pixels * channels * floats;
    MemoryBound {
        base: PROGRAM + (load + augment + workers.train as u64 + 3) * WORKER,
        data: data.held_bytes(),
        samples: (chunks * plan.chunk()) as u64 * waiting.max(out_pixels * value) * channels + at_work,
        giants: if most > GIANT_PIXELS { most * loading } else { 0 },
        batches: plan.batch_size as u64 * (channels * out_pixels + classes) * 4 * (batches as u64 + 1) + spare,
        model: match &plan.end {
            End::Train(end) => {
                end.memory(plan.batch_size)
                    + probabilities(plan.batch_size as u64, views, end.network.classes() as u64)
                    + looking(end, channels * out_pixels * 4)
            }
            End::Write(end) => writing(plan, end),
            End::Discard => 0,
        },
    }
}

/// Encoded renditions on their way to the disk, and buffers of open archives. A lossless picture takes little more than its pixels.
fn writing(plan: &Plan, end: &super::WriteEnd) -> u64 {
    let pixels = |chain: &crate::augment::Chain| chain.out_size(None).map_or(plan.data.early_pixels(), Size::area);
    let picture = pixels(&plan.augment).max(pixels(&plan.evaluate)) * plan.data.channels as u64;
    let encoded = picture + picture / 16 + (8 << 10);
    let renditions = u64::from(end.variants) + 1;
    match end.layout {
        Layout::ImageFolder => 2 * plan.write_workers() as u64 * encoded,
        Layout::Shards => (plan.written_in_flight(renditions as usize) as u64 * encoded + (16 << 10)) * renditions,
    }
}

/// What trying the model before the first step takes, and what predictions are kept in after the last. Copies of weights are not
/// counted: there is no checkpoint at either time.
fn looking(end: &super::TrainEnd, picture: u64) -> u64 {
    use crate::train::self_check::SAMPLES;
    const SHEETS: u64 = 24 << 20;
    let classes = end.network.classes() as u64;
    end.network.workspace_bytes(SAMPLES) + 3 * SAMPLES as u64 * picture + 3 * classes * (classes.min(1024) * 4 + 512) + SHEETS
}

/// What averaging over the views of a batch takes; nothing where there is one view.
fn probabilities(batch_size: u64, views: u64, classes: u64) -> u64 {
    if views > 1 { batch_size * views * classes * 8 } else { 0 }
}
