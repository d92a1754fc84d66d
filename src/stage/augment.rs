//! The augment stage: applies the training chain to training samples and the evaluation chain to all others. A pure function of
//! (seed, epoch, sample identity): no worker and no order has a say.

use super::{Content, FinishedSlot, Slot};
use crate::augment::Chain;
use crate::batch::{Part, Pass};
use crate::key::Key;
use crate::pixels::decode::Choice;
use crate::sample::{BadSample, Finished, Identity, Image, Sample, Size};
use std::sync::Arc;

/// Why a sample is set aside that a chain does not take.
const REFUSED: &str = "refused by an operation";

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
    /// Applies the chain that the slot's pass calls for, where that has not been done yet.
    pub fn apply(&self, slot: Slot) -> FinishedSlot {
        let finish = |content| match content {
            Content::Read(sample) => self.finish(sample, slot.ticket.pass),
            Content::Part(sample, size) => self.finish_part(sample, Some(size), slot.ticket.pass),
            Content::Finished(finished) => Ok(finished),
        };
        FinishedSlot { ticket: slot.ticket, outcome: slot.outcome.and_then(finish), notes: slot.notes }
    }

    /// The part that the chain needs in `pass` of a sample's picture, of `size` with `channels` values a pixel; none for all of it.
    pub fn part(&self, identity: &Identity, pass: Pass, size: Size, channels: usize) -> Option<Choice> {
        let (chain, place) = self.chain_and_place(identity, pass);
        chain.part(place, size, channels)
    }

    /// A sample as the batcher takes it in `pass`.
    ///
    /// # Errors
    /// Why an operation refuses the sample, or that a view of it has not the size that batches are made of.
    pub fn finish(&self, sample: Sample, pass: Pass) -> Result<Finished, Arc<BadSample>> {
        self.finish_part(sample, None, pass)
    }

    /// The same, but where `part_of` is a size, the sample holds only [`Augment::part`] of a picture of that size.
    ///
    /// # Errors
    /// As [`Augment::finish`].
    pub fn finish_part(&self, sample: Sample, part_of: Option<Size>, pass: Pass) -> Result<Finished, Arc<BadSample>> {
        let (chain, place) = self.chain_and_place(&sample.identity, pass);
        let Sample { identity, label, image } = sample;
        let bad = |reason, words| Arc::new(self.bad(&identity, label, reason, words));
        let views = match part_of {
            Some(size) => chain.views_of_part(place, size, image),
            None => chain.views(place, image),
        };
        let views = views.map_err(|words| bad(REFUSED, words))?;
        match self.size.and_then(|size| views.iter().find(|view| view.size() != size).map(|view| (size, view.size()))) {
            Some((size, found)) => {
                let words = format!(
                    "it is {found} after the operations, the model takes {size}; end [[augment]] and [[evaluate]] with a resize"
                );
                Err(bad("wrong size", words))
            }
            None => Ok(Finished { identity, label, views }),
        }
    }

    /// A sample's picture as a person sees it after the operations of `pass`: of several views the one that stands for all, and
    /// numbers as bytes again.
    ///
    /// # Errors
    /// Why an operation refuses the sample.
    pub fn shown(&self, mut sample: Sample, pass: Pass) -> Result<Image, BadSample> {
        let (chain, place) = self.chain_and_place(&sample.identity, pass);
        match chain.apply(place, &mut sample.image) {
            Ok(()) => Ok(sample.image),
            Err(words) => Err(self.bad(&sample.identity, sample.label, REFUSED, words)),
        }
    }

    /// What the operations of `pass` draw for a sample, as JSON text: what a manifest keeps.
    ///
    /// # Errors
    /// Why an operation refuses the sample.
    pub fn apply_traced(&self, mut sample: Sample, pass: Pass) -> Result<(Sample, String), BadSample> {
        let (chain, place) = self.chain_and_place(&sample.identity, pass);
        match chain.apply_traced(place, &mut sample.image) {
            Ok(traces) => Ok((sample, serde_json::to_string(&traces).unwrap_or_default())),
            Err(words) => Err(self.bad(&sample.identity, sample.label, REFUSED, words)),
        }
    }

    fn chain_and_place(&self, identity: &Identity, pass: Pass) -> (&Chain, Key) {
        let (chain, epoch) = match pass.part {
            Part::Train => (self.train, u64::from(pass.epoch)),
            _ => (self.evaluate, 0),
        };
        (chain, Key { run: self.seed, epoch, sample: identity.number(), op: 0 })
    }

    fn bad(&self, identity: &Identity, label: u32, reason: &str, words: String) -> BadSample {
        let class = self.classes.get(label as usize).cloned().unwrap_or_default();
        BadSample { path: identity.to_string(), class, stage: "augment", reason: reason.to_owned(), words }
    }
}
