//! The load stage: reads and decodes what a ticket asks for. Giant images are also augmented here, so that they never wait in a
//! channel at their full size: memory stays bounded whatever the data holds.

use super::augment::Augment;
use super::{Slot, Ticket};
use crate::batch::Part;
use crate::source::Source;
use std::sync::Arc;

/// Images above this many pixels are giants.
pub const GIANT_PIXELS: u64 = 1 << 21;

/// Reads samples; shared by all workers of the stage.
pub struct Load<'a> {
    /// Training and validation samples.
    pub source: &'a dyn Source,
    /// Test samples, where they come from elsewhere.
    pub test: Option<&'a dyn Source>,
    /// What is done to the pictures afterwards.
    pub augment: &'a Augment<'a>,
}

impl Load<'_> {
    /// Answers one ticket.
    pub fn load(&self, ticket: Ticket) -> Slot {
        let index = ticket.entry as usize;
        let read = match ticket.pass.part {
            Part::Train => self.source.read_at_epoch(index, ticket.pass.epoch),
            Part::Validation => self.source.read(index),
            Part::Test => self.test.unwrap_or(self.source).read(index),
        };
        let giant = read.as_ref().is_ok_and(|read| read.sample.image.size().area() > GIANT_PIXELS);
        let slot = Slot { ticket, outcome: read.map(|read| read.sample).map_err(Arc::new), finished: false };
        if giant { self.augment.apply(slot) } else { slot }
    }
}
