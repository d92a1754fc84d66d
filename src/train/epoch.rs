//! What happens around the steps of an epoch: evaluating, closing it, keeping the best weights. Knows no file.

use super::early_stopping::EarlyStopping;
use super::metrics::Totals;
use super::trainer::Trainer;
use crate::error::Result;
use crate::event::Score;
use crate::report::EpochRecord;

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEnd {
    /// Its scores, counted from 1.
    pub record: EpochRecord,
    /// Whether training is over: the last epoch, or early stopping.
    pub stop: bool,
}

impl Trainer {
    /// [`Trainer::evaluate`] for samples of `views` images each, one after the other in `images`: the probabilities of a sample are
    /// the mean of its views' softmax. One view scores exactly as [`Trainer::evaluate`].
    pub fn evaluate_views(&mut self, images: &[f32], labels: &[u32], views: usize) -> Totals {
        if views == 1 {
            return self.evaluate(images, labels);
        }
        let mut totals = Totals::default();
        let Self { network, workspace, pool, params, .. } = self;
        totals.add(&pool.install(|| network.evaluate_views(workspace, params, images, labels, views)));
        totals
    }

    /// Losses and hits of samples that are not learned from, with the weights as they are. Any number of them.
    pub fn evaluate(&mut self, images: &[f32], labels: &[u32]) -> Totals {
        let mut totals = Totals::default();
        let Self { network, workspace, pool, params, setup, .. } = self;
        let each = images.len() / labels.len().max(1);
        let batches = labels.chunks(setup.batch_size).zip(images.chunks((setup.batch_size * each).max(1)));
        batches.for_each(|(labels, images)| totals.add(&pool.install(|| network.evaluate(workspace, params, images, labels))));
        totals
    }

    /// Closes the epoch with the score of the validation samples, if there are any.
    ///
    /// # Errors
    /// [`Error::Numeric`] where that score is not finite.
    pub fn end_epoch(&mut self, validation: Option<Score>) -> Result<EpochEnd> {
        if validation.is_some_and(|score| !score.loss.is_finite()) {
            return Err(self.failure("the validation loss", "the weights have grown too large"));
        }
        let progress = &mut self.progress;
        let train = progress.totals.score();
        let rule = self.early_stopping.unwrap_or(EarlyStopping::silent(validation.is_some()));
        let verdict = rule.note(&mut progress.watch, progress.epoch, &train, validation.as_ref());
        if verdict.best && rule.restore_best {
            self.best.get_or_insert_default().clone_from(&self.params);
        }
        self.learning_rate.schedule.note_epoch(&mut progress.schedule, &train, validation.as_ref());
        progress.epoch += 1;
        let (epoch, learning_rate, best) = (progress.epoch, progress.learning_rate, verdict.best);
        let record = EpochRecord { epoch, train, validation, learning_rate, best };
        progress.history.push(record.clone());
        (progress.totals, progress.steps_of_epoch, progress.stopped) = (Totals::default(), 0, verdict.stop);
        Ok(EpochEnd { record, stop: self.done() })
    }

    /// Puts the best epoch's weights back, where the file asks for it and there is one, whatever ended the run. Comes last: a run
    /// goes on from a checkpoint made before.
    pub fn restore_best(&mut self) {
        if let Some(best) = &self.best {
            self.params.clone_from(best);
        }
    }

    /// Whether training is over: the last epoch, or early stopping.
    pub fn done(&self) -> bool {
        self.progress.stopped || self.progress.epoch >= self.epochs
    }
}
