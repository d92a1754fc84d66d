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
    /// The epoch under way, from 0; the number of epochs done.
    pub epoch: u32,
    /// Steps made in it.
    pub steps_of_epoch: u64,
    /// Losses and hits of the epoch so far, each sample's as it was learned from.
    pub totals: Totals,
    /// The rate of the latest step.
    pub learning_rate: f64,
    /// Mean losses of the latest three steps, oldest first.
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
    /// Notes a step that was made.
    pub(super) fn note_step(&mut self, loss: f64, learning_rate: f64) {
        self.step += 1;
        self.steps_of_epoch += 1;
        self.learning_rate = learning_rate;
        if self.recent_losses.len() == 3 {
            self.recent_losses.remove(0);
        }
        self.recent_losses.push(loss);
    }
}
