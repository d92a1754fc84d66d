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
    /// A giant picture: there is one at a time, and it is augmented where it is decoded.
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
/// A pixel while it is decoded, or drawn on: coefficients, planes and pixels of the worst kind of file, see [`crate::pixels::decode::Limits::peak_bytes`];
/// operations need less.
const BYTES_PER_PIXEL: u64 = 16;
/// A loader holds a file twice, as it is read and as it is taken apart; small files have at most 8 bytes a pixel.
const COPIES_OF_FILE: u64 = 2;

/// Counts every buffer that a run of `plan` can hold at once.
pub fn memory_bound(plan: &Plan) -> MemoryBound {
    let workers = plan.workers;
    let threads = (workers.load + workers.augment + workers.train + 3) as u64;
    let (most, file) = (plan.data.most_pixels(), plan.data.largest_file());
    let (small, channels) = (most.min(GIANT_PIXELS), plan.data.channels as u64);
    let waiting = most.min(plan.waiting_pixels()).max(plan.size.map_or(0, Size::area));
    let (chunks, batches) = plan.in_flight();
    let loaders = match plan.end {
        End::Write(_) => plan.write_workers(),
        _ => workers.load,
    };
    let loading = loaders as u64 * (small * BYTES_PER_PIXEL + file.min(small * 8) * COPIES_OF_FILE);
    let in_flight = (chunks * plan.chunk()) as u64 * waiting * channels + workers.augment as u64 * waiting * BYTES_PER_PIXEL;
    MemoryBound {
        base: PROGRAM + threads * WORKER,
        data: plan.data.held_bytes(),
        samples: loading + if matches!(plan.end, End::Write(_)) { 0 } else { in_flight },
        giants: if most > small { most * BYTES_PER_PIXEL + file * COPIES_OF_FILE } else { 0 },
        batches: plan.batch_size as u64 * channels * plan.size.map_or(0, Size::area) * 4 * (batches as u64 + 1),
        model: match &plan.end {
            End::Train(end) => end.memory(plan.batch_size),
            _ => 0,
        },
    }
}
