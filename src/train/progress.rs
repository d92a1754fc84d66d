//! How far a run has come, as data: what a checkpoint holds beside the weights.

use super::early_stopping::Watch;
use super::metrics::Totals;
use crate::optim::schedule::Memory;
use crate::report::EpochRecord;

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Progress {
    /// Steps made, over all epochs.
    pub step: u64,
    /// Batches learned from, over all epochs: as many as steps where gradients are not accumulated.
    pub batches: u64,
    /// Samples whose gradients wait for the next step.
    pub gathered: u64,
    /// Batches that they came in.
    pub gathered_batches: u64,
    /// The epoch under way, from 0; the number of epochs done.
    pub epoch: u32,
    /// Batches learned from in it.
    pub batches_of_epoch: u64,
    /// Losses and hits of the epoch so far, each sample's as it was learned from.
    pub totals: Totals,
    /// The rate of the latest step.
    pub learning_rate: f64,
    /// Mean losses of the latest three batches, oldest first.
    pub recent_losses: Vec<f64>,
    /// What the schedule remembers.
    pub schedule: Memory,
    /// What early stopping remembers.
    pub watch: Watch,
    /// Whether early stopping has ended the run.
    pub stopped: bool,
    /// Every epoch done.
    pub history: Vec<EpochRecord>,
}

impl Progress {
    /// Notes a batch of `count` samples that was learned from; its gradient waits for a step.
    pub(super) fn note_batch(&mut self, loss: f64, count: u64) {
        self.batches += 1;
        self.batches_of_epoch += 1;
        self.gathered += count;
        self.gathered_batches += 1;
        if self.recent_losses.len() == 3 {
            self.recent_losses.remove(0);
        }
        self.recent_losses.push(loss);
    }

    /// Notes a step that was made from all that was gathered.
    pub(super) fn note_step(&mut self, learning_rate: f64) {
        self.step += 1;
        self.learning_rate = learning_rate;
        (self.gathered, self.gathered_batches) = (0, 0);
    }
}
