//! The train stage: feeds batches to the trainer in order, ends epochs, stores checkpoints, tells what happens. Knows no file.

use super::deal::Epochs;
use super::ledger::{Ledger, Stream};
use crate::batch::{Batch, Part};
use crate::error::{Error, Result};
use crate::event::{Event, Listener, Stopped};
use crate::flow::Stop;
use crate::sample::{BadSample, NoteCounts};
use crate::train::{Caller, Checkpoint, Totals, Trainer};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

/// Where checkpoints go.
pub trait Keep {
    /// Stores one, in place of the one before; `best` says that it stands at the end of the best epoch so far, whose checkpoint
    /// stays until there is a better one.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn keep(&mut self, checkpoint: Checkpoint, best: bool) -> Result<()>;
}

/// What a resumed run needs from its driver, as it stood at a step of the training pass.
#[derive(Clone, Debug)]
struct Standing {
    consumed: u64,
    stream: Stream,
    bad: Vec<Arc<BadSample>>,
    notes: NoteCounts,
}

/// The sink of a training run.
pub struct Train<'a> {
    /// The network being trained.
    pub trainer: &'a mut Trainer,
    listener: &'a dyn Listener,
    keep: &'a mut dyn Keep,
    stop: Stop,
    ledger: Ledger,
    stream: Stream,
    standing: Standing,
    caller: Caller,
    entries: [u64; 2],
    epochs: Epochs,
    checkpoint_steps: Option<u64>,
    tell_weights: bool,
    validation: Totals,
    epoch_began: Instant,
    stopped: Option<Stopped>,
}

/// What a driver gives a training run beside the trainer.
pub struct Driver<'a> {
    /// Who hears what happens.
    pub listener: &'a dyn Listener,
    /// Where checkpoints go.
    pub keep: &'a mut dyn Keep,
    /// Asked after every step.
    pub stop: Stop,
    /// The account of samples.
    pub ledger: Ledger,
    /// Digest of all batches delivered before.
    pub stream: Stream,
    /// What checkpoints repeat: fingerprint, seed, notes; `consumed` says where this run starts.
    pub caller: Caller,
    /// Entries of the training and validation parts.
    pub entries: [u64; 2],
    /// How much of the training part is read.
    pub epochs: Epochs,
    /// Steps from one checkpoint to the next within an epoch; none: only at its end.
    pub checkpoint_steps: Option<u64>,
    /// Whether the spread of the parameters is told at every epoch's end.
    pub tell_weights: bool,
}

impl<'a> Train<'a> {
    /// A sink that goes on where the driver's `caller` and `stream` say.
    pub fn new(trainer: &'a mut Trainer, driver: Driver<'a>) -> Self {
        let Driver { listener, keep, stop, ledger, stream, caller, entries, epochs, checkpoint_steps, tell_weights } = driver;
        let standing = Standing { consumed: caller.consumed, stream, bad: ledger.bad(), notes: ledger.notes() };
        let (validation, epoch_began, stopped) = (Totals::default(), Instant::now(), None);
        Self {
            trainer,
            listener,
            keep,
            stop,
            ledger,
            stream,
            standing,
            caller,
            entries,
            epochs,
            checkpoint_steps,
            tell_weights,
            validation,
            epoch_began,
            stopped,
        }
    }

    /// Takes the next batch; breaks when training is over or was asked to stop.
    ///
    /// # Errors
    /// Too many bad samples, numbers that are not finite, or a checkpoint that cannot be stored.
    pub fn take(&mut self, batch: &Batch) -> Result<ControlFlow<()>> {
        self.stream.add(&batch.digest);
        for fresh in self.ledger.account(batch)? {
            self.listener.hear(&Event::Quarantined(fresh));
        }
        if !batch.notes.is_empty() {
            self.listener.hear(&Event::Odd(batch.notes));
        }
        self.ledger.verdict()?;
        match batch.pass.part {
            Part::Train => self.learn(batch)?,
            _ => self.validate(batch)?,
        }
        if self.ends_epoch(batch) {
            self.end_epoch(batch.pass.epoch)?;
        }
        if self.stopped.is_none() && self.stop.is_requested() {
            self.stopped = Some(Stopped::Interrupted);
            self.store(false)?;
        }
        Ok(if self.stopped.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn learn(&mut self, batch: &Batch) -> Result<()> {
        let steps = self.trainer.progress().step;
        self.trainer.step(&batch.images, batch.targets()).map_err(|error| with_names(error, batch))?;
        if batch.last {
            // Gradients that wait for more batches do not wait for the next epoch's.
            self.trainer.flush().map_err(|error| with_names(error, batch))?;
        }
        self.stand_at(batch.consumed);
        let step = self.trainer.progress().step;
        // The end of an epoch has a checkpoint of its own.
        if self.checkpoint_steps.is_some_and(|every| step > steps && step.is_multiple_of(every) && !batch.last) {
            self.store(false)?;
        }
        let entries = self.epochs.entries(batch.pass.epoch, self.entries[0] as usize) as u64;
        self.tell_progress(batch, entries, self.trainer.progress().totals.score().loss);
        Ok(())
    }

    fn stand_at(&mut self, consumed: u64) {
        self.standing = Standing { consumed, stream: self.stream, bad: self.ledger.bad(), notes: self.ledger.notes() };
    }

    fn validate(&mut self, batch: &Batch) -> Result<()> {
        let totals = self.trainer.evaluate_views(&batch.images, &batch.labels, batch.views);
        self.validation.join(&totals);
        self.tell_progress(batch, self.entries[1], self.validation.score().loss);
        Ok(())
    }

    fn tell_progress(&self, batch: &Batch, total: u64, loss: f64) {
        let pass = batch.pass;
        self.listener.hear(&Event::Progress { part: pass.part, epoch: pass.epoch, done: batch.consumed, total, loss });
    }

    /// An epoch ends with its validation pass, or with its training pass where nothing is held out.
    fn ends_epoch(&self, batch: &Batch) -> bool {
        batch.last && (batch.pass.part == Part::Validation || self.entries[1] == 0)
    }

    fn end_epoch(&mut self, epoch: u32) -> Result<()> {
        let totals = std::mem::take(&mut self.validation);
        let validation = (totals.count > 0).then(|| totals.score());
        let end = self.trainer.end_epoch(validation)?;
        self.stand_at(0);
        self.store(end.record.best)?;
        if self.tell_weights {
            self.listener.hear(&Event::Weights { epoch, tensors: Arc::new(self.trainer.histograms()) });
        }
        let record = &end.record;
        self.listener.hear(&Event::Epoch {
            epoch,
            train: record.train,
            validation: record.validation,
            learning_rate: record.learning_rate,
            wall: self.epoch_began.elapsed(),
            best: record.best,
        });
        self.epoch_began = Instant::now();
        if end.stop {
            self.stopped = Some(if self.trainer.progress().stopped { Stopped::EarlyStopping } else { Stopped::Epochs });
        }
        Ok(())
    }

    /// Stores the run as it stood after the last training step, or after the epoch's end.
    fn store(&mut self, best: bool) -> Result<()> {
        let Standing { consumed, stream, bad, notes } = &self.standing;
        let mut caller = self.caller.clone();
        caller.consumed = *consumed;
        caller.stream_blake3 = stream.hex();
        caller.notes["bad_samples"] = serde_json::to_value(bad.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap_or_default();
        caller.notes["odd_files"] = serde_json::to_value(notes).unwrap_or_default();
        self.keep.keep(self.trainer.checkpoint(caller), best)
    }

    /// Why training ended; none where the batches ran out first, as after an interruption.
    pub fn stopped(&self) -> Option<Stopped> {
        self.stopped
    }

    /// The account and the digest so far.
    pub fn into_books(self) -> (Ledger, Stream) {
        (self.ledger, self.stream)
    }
}

/// Names of samples that a message holds at most.
const NAMES: usize = 256;

/// Adds the names of a batch's samples to a numeric failure: one of them may be what is wrong.
fn with_names(error: Error, batch: &Batch) -> Error {
    let Error::Numeric(message) = error else { return error };
    let shown: Vec<String> = batch.identities.iter().take(NAMES).map(|name| name.to_string().escape_debug().to_string()).collect();
    let more = batch.count().saturating_sub(shown.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    Error::Numeric(format!("{message}; the batch holds {}{rest}", shown.join(", ")))
}
