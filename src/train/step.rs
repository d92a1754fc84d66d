//! One step: forward, backward, penalties, update; refused in the moment in which a number stops being finite. Knows no file.

use super::progress::Progress;
use super::trainer::Trainer;
use crate::batch::Targets;
use crate::error::{Error, Result};
use crate::kernel::reduce::all_finite;
use crate::model::{Noise, Tally};
use crate::optim::schedule::Place;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOutcome {
    /// Losses and hits of the batch, before the update, without penalties.
    pub tally: Tally,
    /// The step's rate.
    pub learning_rate: f64,
    /// Euclidean norm of the whole gradient, penalties included, before clipping.
    pub gradient_norm: f64,
}

impl Trainer {
    /// Learns from one batch: `images` of shape `[count, channels, height, width]` and as many targets, labels or shares of all
    /// classes. A batch of none changes nothing.
    ///
    /// # Errors
    /// [`Error::Numeric`] within the step in which a loss, a gradient or a weight stops being finite. For a loss or a gradient
    /// the step is not made; a weight shows after the update only, and such weights are never stored.
    pub fn step<'t>(&mut self, images: &[f32], targets: impl Into<Targets<'t>>) -> Result<StepOutcome> {
        let targets = targets.into();
        let learning_rate = self.learning_rate.at(self.place(), &self.progress.schedule);
        if targets.count(self.network.classes()) == 0 {
            return Ok(StepOutcome { tally: Tally { loss_sum: 0.0, correct: 0, count: 0 }, learning_rate, gradient_norm: 0.0 });
        }
        let Self { network, workspace, pool, descent, params, grads, state, progress, setup, .. } = self;
        let noise = Noise { seed: setup.seed, step: progress.step };
        let (tally, gradient_norm) = pool.install(|| {
            let tally = network.loss_and_gradient(workspace, params, images, targets, noise, grads);
            (tally, descent.complete(&mut params[..grads.len()], grads))
        });
        if !tally.loss_sum.is_finite() {
            return Err(self.failure("the loss", "the step was not made"));
        }
        if !gradient_norm.is_finite() {
            return Err(self.failure("the gradient", "the step was not made"));
        }
        let finite = pool.install(|| {
            network.remember(workspace, params);
            let (trained, rest) = params.split_at_mut(grads.len());
            descent.update(state, learning_rate, gradient_norm, trained, grads) && all_finite(rest)
        });
        if !finite {
            return Err(self.failure("a weight", "the step was too long"));
        }
        self.progress.note_step(tally.loss_sum / tally.count.max(1) as f64, learning_rate);
        self.progress.totals.add(&tally);
        Ok(StepOutcome { tally, learning_rate, gradient_norm })
    }

    fn place(&self) -> Place {
        let Progress { step, epoch, .. } = self.progress;
        Place { step, epoch, steps_per_epoch: self.setup.steps_per_epoch, epochs: self.epochs }
    }

    pub(super) fn failure(&self, what: &str, consequence: &str) -> Error {
        let Progress { step, epoch, recent_losses, .. } = &self.progress;
        let losses: Vec<_> = recent_losses.iter().map(|loss| format!("{loss:.6}")).collect();
        let losses = if losses.is_empty() { "none".to_owned() } else { losses.join(", ") };
        Error::Numeric(format!(
            "{what} is not a finite number at step {} (epoch {}): {consequence}; last losses: {losses}; try a smaller learning rate, \
             or clip_norm",
            step + 1,
            epoch + 1
        ))
    }
}
