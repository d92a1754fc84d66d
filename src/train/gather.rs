//! The sum of gradients that waits for a step. Knows rows of numbers only.

use crate::optim::{add_scaled, scale_into};

/// Σ count · gradient over batches, each gradient being the mean over its `count` samples.
#[derive(Debug)]
pub(super) struct Gathered {
    sum: Vec<f32>,
    samples: u64,
}

impl Gathered {
    /// Nothing yet, for so many parameters.
    pub fn new(parameters: usize) -> Self {
        Self { sum: vec![0.0; parameters], samples: 0 }
    }

    /// Goes on from a sum over `samples`.
    pub fn take_up(&mut self, sum: Vec<f32>, samples: u64) {
        (self.sum, self.samples) = (sum, samples);
    }

    /// Adds the mean gradient of `count` samples.
    pub fn add(&mut self, grads: &mut [f32], count: u64) {
        add_scaled(&mut self.sum, grads, count as f32, self.samples == 0);
        self.samples += count;
    }

    /// Writes the mean over all samples to `grads`.
    pub fn mean(&mut self, grads: &mut [f32]) {
        scale_into(&mut self.sum, (1.0 / self.samples.max(1) as f64) as f32, grads);
    }

    /// Begins anew: what was gathered has been used.
    pub fn clear(&mut self) {
        self.samples = 0;
    }

    /// What waits; none where nothing does.
    pub fn waiting(&self) -> Option<&[f32]> {
        (self.samples > 0).then_some(&self.sum)
    }
}
