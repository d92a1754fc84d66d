//! The batch stage: collects samples, in order, into dense normalised batches. The gap that a set-aside sample leaves is filled by
//! the next one, so what a batch holds depends on the data alone.

use super::FinishedSlot;
use crate::batch::{Batch, Part, Pass};
use crate::pixels::normalize::{Normalize, write_planes};
use crate::sample::{BadSample, Finished, Identity, Size, View};
use std::sync::Arc;

/// What happens to the samples left over at the end of a pass when they fill no whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastBatch {
    /// They make a smaller batch.
    Keep,
    /// Training leaves them out of this epoch (the next one draws others); validation and test keep them always.
    Drop,
}

/// Collects; one a flow.
pub struct Batcher {
    batch_size: usize,
    last_batch: LastBatch,
    normalize: Normalize,
    shape: [usize; 3],
    index: u32,
    images: Vec<f32>,
    views: usize,
    labels: Vec<u32>,
    identities: Vec<Identity>,
    bad: Vec<Arc<BadSample>>,
}

impl Batcher {
    /// Makes batches of `batch_size` pictures of `size` with `channels`, each byte normalised; numbers are taken as they are.
    pub fn new(batch_size: usize, last_batch: LastBatch, normalize: Normalize, channels: usize, size: Size) -> Self {
        let shape = [channels, size.height as usize, size.width as usize];
        Self {
            batch_size,
            last_batch,
            normalize,
            shape,
            index: 0,
            images: Vec::new(),
            views: 1,
            labels: Vec::new(),
            identities: Vec::new(),
            bad: Vec::new(),
        }
    }

    /// Starts in the middle of a pass, as a resumed run does: `index` batches of it have been made.
    pub fn starting_at(mut self, index: u32) -> Self {
        self.index = index;
        self
    }

    /// Takes one slot; gives a batch when it is full or the pass ends with this slot.
    pub fn take(&mut self, slot: FinishedSlot) -> Option<Batch> {
        match slot.outcome {
            Ok(sample) => self.add(sample),
            Err(bad) => self.bad.push(bad),
        }
        let full = self.labels.len() == self.batch_size;
        (full || slot.ticket.last).then(|| self.emit(slot.ticket.pass, slot.ticket.position + 1, slot.ticket.last))
    }

    fn add(&mut self, sample: Finished) {
        let values = self.shape.iter().product::<usize>();
        self.views = sample.views.len();
        if self.images.capacity() == 0 {
            self.images.reserve_exact(values * self.views * self.batch_size);
        }
        for view in &sample.views {
            let start = self.images.len();
            self.images.resize(start + values, 0.0);
            match view {
                View::Bytes(image) => self.normalize.write(image, &mut self.images[start..]),
                View::Floats(image) => write_planes(image, &mut self.images[start..]),
            }
        }
        self.labels.push(sample.label);
        self.identities.push(sample.identity);
    }

    fn emit(&mut self, pass: Pass, consumed: u64, last: bool) -> Batch {
        let partial = self.labels.len() < self.batch_size;
        let mut left_out = 0;
        if partial && self.last_batch == LastBatch::Drop && pass.part == Part::Train {
            left_out = self.labels.len() as u64;
            self.images.clear();
            self.labels.clear();
            self.identities.clear();
        }
        let mut batch = Batch {
            pass,
            index: self.index,
            shape: self.shape,
            images: std::mem::take(&mut self.images),
            views: std::mem::replace(&mut self.views, 1),
            labels: std::mem::take(&mut self.labels),
            identities: std::mem::take(&mut self.identities),
            consumed,
            left_out,
            bad: std::mem::take(&mut self.bad),
            last,
            digest: [0; 32],
        };
        batch.digest = batch.compute_digest();
        self.index = if last { 0 } else { self.index + 1 };
        batch
    }
}
