//! The load stage: reads and decodes what a ticket asks for. Giant images are also augmented here, so that they never wait in a
//! channel at their full size: memory stays bounded whatever the data holds.

use super::augment::Augment;
use super::{Slot, Ticket};
use crate::batch::Part;
use crate::error::Error;
use crate::sample::BadSample;
use crate::source::Source;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Images above this many pixels are giants: one is in the works at a time.
pub const GIANT_PIXELS: u64 = 1 << 21;

/// Reads samples; shared by all workers of the stage.
pub struct Load<'a> {
    /// Training and validation samples.
    pub source: &'a dyn Source,
    /// Test samples, where they come from elsewhere.
    pub test: Option<&'a dyn Source>,
    /// What is done to the pictures afterwards.
    pub augment: &'a Augment<'a>,
    /// The most pixels that wait for the next stage; larger images are augmented where they are loaded.
    pub waiting_pixels: u64,
    /// Held by the worker that has a giant.
    pub gate: Mutex<()>,
    /// Reads that the system failed since the last one that it did not.
    pub failed_in_a_row: AtomicU32,
}

/// So many files that cannot be read, one after the other, are not bad files but a disk or a network that is gone.
const MOST_IN_A_ROW: u32 = 50;

impl Load<'_> {
    /// Answers one ticket.
    ///
    /// # Errors
    /// [`Error::Io`] where the system has failed too many reads in a row.
    pub fn load(&self, ticket: Ticket) -> Result<Slot, Error> {
        self.with(ticket, |slot| {
            let large = slot.outcome.as_ref().is_ok_and(|sample| sample.image.size().area() > self.waiting_pixels);
            if large { self.augment.apply(slot) } else { slot }
        })
    }

    /// Loads what a ticket asks for and hands it to `then`; no other giant is loaded before that has returned.
    ///
    /// # Errors
    /// [`Error::Io`] where the system has failed too many reads in a row.
    pub fn with<R>(&self, ticket: Ticket, then: impl FnOnce(Slot) -> R) -> Result<R, Error> {
        let index = ticket.entry as usize;
        let (source, epoch) = match ticket.pass.part {
            Part::Train => (self.source, Some(ticket.pass.epoch)),
            Part::Validation => (self.source, None),
            Part::Test => (self.test.unwrap_or(self.source), None),
        };
        let small = source.read_small(index, epoch, GIANT_PIXELS);
        // A panic elsewhere left nothing half done behind the gate.
        let alone = small.is_none().then(|| self.gate.lock().unwrap_or_else(PoisonError::into_inner));
        let read = small.unwrap_or_else(|| epoch.map_or_else(|| source.read(index), |epoch| source.read_at_epoch(index, epoch)));
        self.watch(read.as_ref().err())?;
        let slot = Slot { ticket, outcome: read.map(|read| read.sample).map_err(Arc::new), finished: false };
        let done = then(slot);
        drop(alone);
        Ok(done)
    }

    fn watch(&self, bad: Option<&BadSample>) -> Result<(), Error> {
        let Some(bad) = bad.filter(|bad| bad.stage == "read" && bad.reason == "cannot be read") else {
            self.failed_in_a_row.store(0, Ordering::Relaxed);
            return Ok(());
        };
        match self.failed_in_a_row.fetch_add(1, Ordering::Relaxed) {
            failed if failed < MOST_IN_A_ROW => Ok(()),
            failed => {
                let words = format!("{}; {failed} files in a row: is the disk or the network still there?", bad.words);
                Err(Error::io("cannot read", Path::new(&bad.path))(std::io::Error::other(words)))
            }
        }
    }
}
