//! One step: forward, backward, penalties, update; refused in the moment in which a number stops being finite. Knows no file.

use super::gather::Gathered;
use super::progress::Progress;
use super::trainer::Trainer;
use crate::batch::Targets;
use crate::error::{Error, Result};
use crate::kernel::reduce::all_finite;
use crate::kernel::scratch;
use crate::model::{Network, Noise, Tally, Workspace};
use crate::optim::schedule::Place;
use crate::optim::{Averaging, Descent, State, all_finite_of};
use std::ops::Range;

/// What learning from a batch did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepOutcome {
    /// Losses and hits of the batch, before the update, without penalties.
    pub tally: Tally,
    /// The rate of the step that the batch belongs to.
    pub learning_rate: f64,
    /// Euclidean norm of the gradient of all that learns, penalties included, before clipping; none where the gradient waits for more
    /// batches.
    pub gradient_norm: Option<f64>,
}

/// What stopped being finite.
#[derive(Clone, Copy)]
enum Fault {
    Loss,
    Gradient,
    Weight,
}

type Attempt<T> = std::result::Result<T, Fault>;

/// Everything that one update of the weights changes.
struct Update<'t> {
    descent: &'t Descent,
    state: &'t mut State,
    params: &'t mut [f32],
    grads: &'t mut [f32],
    /// Where these may be other than finite.
    unproved: &'t [Range<usize>],
    average: Option<(Averaging, &'t mut [f32])>,
    learning_rate: f64,
    place: Place,
}

impl Update<'_> {
    /// Makes a step with the gradient in `grads`, on the current rayon pool, and answers its norm. `remember` moves the network's
    /// state, once nothing speaks against the step any more.
    fn make(self, remember: impl FnOnce(&mut [f32]) -> Attempt<()>) -> Attempt<f64> {
        let Self { descent, state, params, grads, unproved, average, learning_rate, place } = self;
        let scale = descent.prepare(state.step + 1, &mut params[..grads.len()], grads, unproved).ok_or(Fault::Gradient)?;
        remember(params)?;
        let updated = descent.update(state, learning_rate, scale, &mut params[..grads.len()], grads);
        if !updated.finite {
            return Err(Fault::Weight);
        }
        if let Some((averaging, average)) = average
            && let Some(keep) = averaging.keep(place)
        {
            for part in descent.parts.iter().filter(|part| !part.learns(state.step)) {
                // What does not learn has no average to be moved to.
                average[part.range.clone()].copy_from_slice(&params[part.range.clone()]);
            }
            averaging.add(keep, average, params);
        }
        Ok(updated.norm)
    }
}

impl Trainer {
    /// Learns from one batch: `images` of shape `[count, channels, height, width]` and as many targets, labels or shares of all
    /// classes. A batch of none changes nothing. With accumulated gradients, every so manieth batch makes the step;
    /// [`Trainer::flush`] makes it earlier.
    ///
    /// # Errors
    /// [`Error::Numeric`] within the step in which a loss, a gradient or a weight stops being finite. For a loss or a gradient
    /// the step is not made; a weight shows after the update only, and such weights are never stored.
    pub fn step<'t>(&mut self, images: &[f32], targets: impl Into<Targets<'t>>) -> Result<StepOutcome> {
        let targets = targets.into();
        let learning_rate = self.next_learning_rate();
        let count = targets.count(self.network.classes()) as u64;
        if count == 0 {
            return Ok(StepOutcome { tally: Tally::default(), learning_rate, gradient_norm: None });
        }
        let noise = Noise { seed: self.setup.seed, step: self.progress.batches };
        let complete = self.progress.gathered_batches + 1 == self.accumulate;
        let place = self.place();
        let Self { network, workspace, pool, descent, params, grads, state, average, averaging, gathered, .. } = self;
        workspace.learn_from(descent.learned_from(state.step + 1));
        let result = pool.install(|| {
            let tally = network.loss_and_gradient(workspace, params, images, targets, noise, grads);
            if !tally.loss_sum.is_finite() {
                return Err(Fault::Loss);
            }
            if let Some(gathered) = gathered {
                gather(gathered, grads, count)?;
                if !complete {
                    return remember(network, workspace, params).map(|()| (tally, None));
                }
                gathered.mean(grads);
            }
            let average = averaging.zip(average.as_deref_mut());
            let all = 0..grads.len();
            let unproved = if gathered.is_some() { std::slice::from_ref(&all) } else { workspace.unproved() };
            let update = Update { descent, state, params, grads, unproved, average, learning_rate, place };
            let norm = update.make(|params| remember(network, workspace, params))?;
            Ok((tally, Some(norm)))
        });
        let (tally, gradient_norm) = result.map_err(|fault| self.fault(fault))?;
        self.progress.note_batch(tally.loss_sum / count as f64, count);
        self.progress.totals.add(&tally);
        if gradient_norm.is_some() {
            self.note_step(learning_rate);
        }
        Ok(StepOutcome { tally, learning_rate, gradient_norm })
    }

    /// Makes a step from the gradients that wait for more batches, if some do: an epoch ends with its last step, as with batches
    /// as large as all that make a step.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn flush(&mut self) -> Result<()> {
        if self.progress.gathered == 0 {
            return Ok(());
        }
        let (learning_rate, place) = (self.next_learning_rate(), self.place());
        let Self { pool, descent, params, grads, state, average, averaging, gathered, .. } = self;
        let result = pool.install(|| {
            if let Some(gathered) = gathered {
                gathered.mean(grads);
            }
            let (average, all) = (averaging.zip(average.as_deref_mut()), 0..grads.len());
            Update { descent, state, params, grads, unproved: std::slice::from_ref(&all), average, learning_rate, place }
                .make(|_| Ok(()))
        });
        result.map_err(|fault| self.fault(fault))?;
        self.note_step(learning_rate);
        Ok(())
    }

    fn note_step(&mut self, learning_rate: f64) {
        self.progress.note_step(learning_rate);
        if let Some(gathered) = &mut self.gathered {
            gathered.clear();
        }
        if !std::mem::replace(&mut self.prepared, true) {
            // From here on, no step allocates.
            self.pool.install(|| rayon::broadcast(|_| scratch::prepare()));
        }
    }

    fn next_learning_rate(&self) -> f64 {
        self.learning_rate.at(self.place(), &self.progress.schedule)
    }

    fn place(&self) -> Place {
        let Progress { step, epoch, .. } = self.progress;
        let steps_per_epoch = self.setup.steps_per_epoch.div_ceil(self.accumulate);
        Place { step, epoch, steps_per_epoch, steps: self.length.steps(self.accumulate) }
    }

    fn fault(&self, fault: Fault) -> Error {
        match fault {
            Fault::Loss => self.failure("the loss", "the step was not made"),
            Fault::Gradient => self.failure("the gradient", "the step was not made"),
            Fault::Weight => self.failure("a weight", "the step was too long"),
        }
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

/// Adds a gradient to those that wait, if it is finite: what is not must not wait for a later step to be seen.
fn gather(gathered: &mut Gathered, grads: &mut [f32], count: u64) -> Attempt<()> {
    if !all_finite_of(grads) {
        return Err(Fault::Gradient);
    }
    gathered.add(grads, count);
    Ok(())
}

/// Moves the network's state by what the last batch was.
fn remember(network: &Network, workspace: &Workspace, params: &mut [f32]) -> Attempt<()> {
    network.remember(workspace, params);
    if all_finite(&params[network.parameter_count()..]) { Ok(()) } else { Err(Fault::Weight) }
}
