//! A stored model run over samples: batches through the stages, predictions out, in the samples' order. Knows no output.

use super::ensemble::Ensemble;
use super::run::signals::Signals;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::event::{Event, Listener};
use crate::plan::Plan;
use crate::source::Source;
use crate::stage::ledger::Ledger;
use crate::train::Predictions;
use std::ops::ControlFlow;
use std::time::Instant;

/// What is to be run over what.
pub struct Served<'a> {
    /// The model, and those that speak with it.
    pub ensemble: &'a Ensemble,
    /// The samples.
    pub source: &'a dyn Source,
    /// Which of them, in this order.
    pub entries: &'a [u32],
    /// Threads a stage.
    pub workers: usize,
    /// Who hears of it.
    pub listener: &'a dyn Listener,
    /// Who may stop it.
    pub signals: &'a Signals,
}

impl Served<'_> {
    /// Hands every batch and what the model says of it to `take`, until that breaks off. Samples are accounted for, those that are set
    /// aside too; answers the account.
    ///
    /// # Errors
    /// Those of `take`; [`Error::Numeric`] where the network's outputs are no numbers; an interruption, with the words `kept`.
    pub fn each(
        &self,
        max_bad: f64,
        kept: &str,
        mut take: impl FnMut(&Batch, &Predictions, &Ledger) -> Result<ControlFlow<()>>,
    ) -> Result<Ledger> {
        let began = Instant::now();
        let model = self.ensemble.first();
        let augment = model.augment_stage(self.source.classes());
        let load = model.load_stage(self.source, &augment);
        let mut predictors = self.ensemble.predictors(self.workers)?;
        let mut ledger = self.ledger(max_bad);
        let total = self.entries.len() as u64;
        let mut sink = |_, batch: Batch| {
            for fresh in ledger.account(&batch)? {
                self.listener.hear(&Event::Quarantined(fresh));
            }
            if !batch.notes.is_empty() {
                self.listener.hear(&Event::Odd(batch.notes));
            }
            let predictions = predictors.predict(&batch.images, batch.views);
            refuse_no_numbers(&batch, &predictions)?;
            let flow = take(&batch, &predictions, &ledger)?;
            self.listener.hear(&Event::Progress { part: batch.pass.part, epoch: 0, done: batch.consumed, total, loss: 0.0 });
            Ok::<_, Error>(flow)
        };
        let flow = model.batches(&load, model.tickets(self.entries.to_vec()), self.signals.stop(), self.workers);
        flow.sink("predict", Plan::batch_room(), &mut sink).run()?;
        self.listener.hear(&Event::Finished { meters: Vec::new(), wall: began.elapsed() });
        match self.signals.stop().is_requested() {
            true => Err(self.signals.interrupted(kept.to_owned())),
            false => Ok(ledger),
        }
    }

    fn ledger(&self, max_bad: f64) -> Ledger {
        let mut per_class = vec![0; self.source.classes().len()];
        self.entries.iter().for_each(|&entry| per_class[self.source.label(entry as usize) as usize] += 1);
        Ledger::new(self.entries.len() as u64, per_class, self.source.classes().to_vec(), max_bad)
    }
}

/// Weights are finite, but what comes of them and a picture need not be.
fn refuse_no_numbers(batch: &Batch, predictions: &Predictions) -> Result<()> {
    match (0..predictions.len()).find(|&sample| !predictions.is_finite(sample)) {
        None => Ok(()),
        Some(sample) => {
            let name = batch.identities.get(sample).map(ToString::to_string).unwrap_or_default();
            Err(Error::Numeric(format!("the network's outputs for {} are no numbers", name.escape_debug())))
        }
    }
}

/// Threads a stage where the user gives no number: one a core.
pub fn workers(given: Option<u16>) -> usize {
    given.map_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get), usize::from)
}

/// Refuses to write over a file, unless `force`.
///
/// # Errors
/// [`Error::Refused`].
pub fn refuse_to_overwrite(path: &std::path::Path, force: bool) -> Result<()> {
    let shown = path.display();
    match (path.is_dir(), path.exists() && !force) {
        (true, _) => Err(Error::refused(format!("{shown} is a folder"), "give the path of a file to --out")),
        (_, true) => Err(Error::refused(format!("{shown} is there already"), "--force writes over it; --out gives another path")),
        _ => Ok(()),
    }
}
