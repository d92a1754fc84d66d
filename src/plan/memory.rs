//! How much memory a plan can need at most, counted from its shapes.

use super::{End, Plan};
use crate::sample::Size;
use crate::stage::load::GIANT_PIXELS;

/// Upper bound of a run's memory in bytes, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MemoryBound {
    /// Program, stacks, decoders' tables and the listing of the data.
    pub base: u64,
    /// What sources keep in memory.
    pub data: u64,
    /// Samples in flight between source and batcher.
    pub samples: u64,
    /// Pictures larger than the usual, one for each load worker: they are augmented where they are decoded.
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
/// A worker's stack and scratch (decoder tables, resize rows).
const WORKER: u64 = 12 << 20;
/// A pixel in RGB; decoders hold a picture about twice, an operation makes one more.
const BYTES_PER_PIXEL: u64 = 3 * 3;

/// Counts every buffer that a run of `plan` can hold at once.
pub fn memory_bound(plan: &Plan) -> MemoryBound {
    let workers = plan.workers;
    let threads = (workers.load + workers.augment + workers.train + 3) as u64;
    let (chunks, batches) = plan.in_flight();
    let pixels = plan.data.most_pixels().min(GIANT_PIXELS);
    let channels = plan.data.channels as u64;
    let out_pixels = plan.size.map_or(pixels, Size::area);
    let at_work = (workers.load + workers.augment) as u64 * pixels * BYTES_PER_PIXEL;
    MemoryBound {
        base: PROGRAM + threads * WORKER,
        data: plan.data.held_bytes(),
        samples: (chunks * plan.chunk()) as u64 * pixels.max(out_pixels) * channels + at_work,
        giants: workers.load as u64 * plan.data.most_pixels().saturating_sub(pixels) * BYTES_PER_PIXEL,
        batches: plan.batch_size as u64 * channels * plan.size.map_or(0, Size::area) * 4 * (batches as u64 + 1),
        model: match &plan.end {
            End::Train(end) => end.memory(plan.batch_size),
            _ => 0,
        },
    }
}
