//! Where a training run's checkpoints go: the last one, and that of the best epoch. Knows no trainer's inside.

use crate::error::Result;
use crate::job::claim::ClaimedFolder;
use crate::stage::train::Keep;
use crate::train::{Checkpoint, Trainer};

/// The name of the last one.
const LAST: &str = "checkpoint";
/// The name under which the best epoch's stays.
const BEST: &str = "checkpoint-best";

/// The folder that checkpoints go to.
pub(super) struct CheckpointFiles<'c>(pub &'c ClaimedFolder);

impl CheckpointFiles<'_> {
    /// Stopped between the two, a run left the checkpoint of its best epoch under one name only: gives it the other one.
    pub fn mend(&self, trainer: &Trainer) -> Result<()> {
        if ends_in_the_best(trainer) { self.0.keep_as(LAST, BEST) } else { Ok(()) }
    }
}

impl Keep for CheckpointFiles<'_> {
    fn keep(&mut self, checkpoint: Checkpoint, best: bool) -> Result<()> {
        checkpoint.save(self.0.file(LAST))?;
        if best { self.0.keep_as(LAST, BEST) } else { Ok(()) }
    }
}

/// Whether a trainer stands right behind its best epoch.
fn ends_in_the_best(trainer: &Trainer) -> bool {
    let progress = trainer.progress();
    progress.batches_of_epoch == 0 && progress.history.last().is_some_and(|record| record.best)
}
