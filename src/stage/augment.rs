//! The augment stage: applies the training chain to training samples and the evaluation chain to all others. A pure function of
//! (seed, epoch, sample identity): no worker and no order has a say.

use super::Slot;
use crate::augment::Chain;
use crate::batch::{Part, Pass};
use crate::key::Key;
use crate::sample::{BadSample, Sample, Size};
use std::sync::Arc;

/// What is done to every picture.
pub struct Augment<'a> {
    /// Run seed.
    pub seed: u64,
    /// Training samples, drawn anew each epoch.
    pub train: &'a Chain,
    /// Validation and test samples, deterministic.
    pub evaluate: &'a Chain,
    /// The size that every picture must have afterwards, where batches are made of them.
    pub size: Option<Size>,
    /// Class names, for the rows of set-aside samples.
    pub classes: &'a [String],
}

impl Augment<'_> {
    /// Applies the chain that the slot's pass calls for.
    pub fn apply(&self, slot: Slot) -> Slot {
        if slot.finished {
            return slot;
        }
        let (chain, epoch) = self.chain_of(slot.ticket.pass);
        let outcome = slot.outcome.and_then(|sample| self.through(chain, epoch, sample).map_err(Arc::new));
        Slot { outcome, finished: true, ..slot }
    }

    /// What the operations of `pass` draw for a sample, as JSON text: what a manifest keeps.
    ///
    /// # Errors
    /// Why an operation refuses the sample.
    pub fn apply_traced(&self, mut sample: Sample, pass: Pass) -> Result<(Sample, String), BadSample> {
        let (chain, epoch) = self.chain_of(pass);
        let place = Key { run: self.seed, epoch, sample: sample.identity.number(), op: 0 };
        match chain.apply_traced(place, &mut sample.image) {
            Ok(traces) => Ok((sample, serde_json::to_string(&traces).unwrap_or_default())),
            Err(words) => Err(self.bad(&sample, "refused by an operation", words)),
        }
    }

    fn chain_of(&self, pass: Pass) -> (&Chain, u64) {
        match pass.part {
            Part::Train => (self.train, u64::from(pass.epoch)),
            _ => (self.evaluate, 0),
        }
    }

    fn through(&self, chain: &Chain, epoch: u64, mut sample: Sample) -> Result<Sample, BadSample> {
        let place = Key { run: self.seed, epoch, sample: sample.identity.number(), op: 0 };
        let applied = chain.apply(place, &mut sample.image);
        applied.map_err(|words| self.bad(&sample, "refused by an operation", words))?;
        match self.size {
            Some(size) if sample.image.size() != size => {
                let words = format!(
                    "it is {} after the operations, the model takes {size}; end [[augment]] and [[evaluate]] with a resize",
                    sample.image.size()
                );
                Err(self.bad(&sample, "wrong size", words))
            }
            _ => Ok(sample),
        }
    }

    fn bad(&self, sample: &Sample, reason: &str, words: String) -> BadSample {
        let class = self.classes.get(sample.label as usize).cloned().unwrap_or_default();
        BadSample { path: sample.identity.to_string(), class, stage: "augment", reason: reason.to_owned(), words }
    }
}
