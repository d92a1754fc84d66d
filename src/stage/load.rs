//! The load stage: reads and decodes what a ticket asks for. Giant images are also augmented here, one at a time, so that
//! memory stays bounded whatever the data holds.

use super::augment::Augment;
use super::{Slot, Ticket};
use crate::batch::Part;
use crate::sample::{Identity, Sample};
use crate::source::{Source, View};
use std::sync::{Arc, Mutex};

/// Images above this many pixels are giants.
pub const GIANT_PIXELS: u64 = 4 << 20;

/// Reads samples; shared by all workers of the stage.
pub struct Load<'a> {
    /// Training and validation samples.
    pub source: &'a dyn Source,
    /// Test samples, where they come from elsewhere.
    pub test: Option<&'a dyn Source>,
    /// What is done to the pictures afterwards.
    pub augment: &'a Augment<'a>,
    /// Held while a giant is decoded and augmented.
    pub giant: Mutex<()>,
}

impl Load<'_> {
    /// Answers one ticket.
    pub fn load(&self, ticket: Ticket) -> Slot {
        let source = match ticket.pass.part {
            Part::Test => self.test.unwrap_or(self.source),
            _ => self.source,
        };
        let view = match ticket.pass.part {
            Part::Train => View::Epoch(ticket.pass.epoch),
            _ => View::Plain,
        };
        let index = ticket.entry as usize;
        let giant = source.pixels_hint(index).is_some_and(|pixels| pixels > GIANT_PIXELS);
        let _one_at_a_time = giant.then(|| self.giant.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let slot = Slot { ticket, outcome: read(source, index, view), finished: false };
        if giant { self.augment.apply(slot) } else { slot }
    }
}

fn read(source: &dyn Source, index: usize, view: View) -> Result<Sample, Arc<crate::sample::BadSample>> {
    let entry = source.entry(index);
    let identity = Identity(entry.identity.into());
    source.read(index, view).map(|image| Sample { identity, label: entry.label, image }).map_err(Arc::new)
}
