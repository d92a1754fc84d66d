//! The load stage: reads and decodes what a ticket asks for, and of it only the part that the operations need, where the source can.
//! Unusually large pictures are also augmented here, so that they never
//! wait in a channel at their full size: memory stays bounded whatever the data holds.

use super::augment::Augment;
use super::{Content, Slot, Ticket};
use crate::batch::Part;
use crate::error::Error;
use crate::pixels::decode::Turn;
use crate::sample::{BadSample, Size};
use crate::source::{Read, Source};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Reads samples; shared by all workers of the stage.
pub struct Load<'a> {
    /// Training and validation samples.
    pub source: &'a dyn Source,
    /// Test samples, where they come from elsewhere.
    pub test: Option<&'a dyn Source>,
    /// What is done to the pictures afterwards.
    pub augment: &'a Augment<'a>,
    /// Pictures with more pixels are augmented at once.
    pub early_pixels: u64,
    /// Pictures with fewer pixels are decoded whole: to ask what is needed of them takes as long as decoding the rest.
    pub whole_pixels: u64,
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
        let (outcome, notes, _turn) = match self.read_part(ticket)? {
            Ok(Read { sample, notes, part_of, turn }) => {
                let large = sample.image.size().area() > self.early_pixels;
                let content = match part_of {
                    _ if large => self.augment.finish_part(sample, part_of, ticket.pass).map(Content::Finished),
                    Some(size) => Ok(Content::Part(sample, size)),
                    None => Ok(Content::Read(sample)),
                };
                (content, notes, turn)
            }
            Err(bad) => (Err(bad), Vec::new(), Turn::default()),
        };
        Ok(Slot { ticket, outcome, notes })
    }

    /// What the ticket asks for, as the source gives it.
    ///
    /// # Errors
    /// As [`Load::load`].
    pub fn read(&self, ticket: Ticket) -> Result<Result<Read, Arc<BadSample>>, Error> {
        let index = ticket.entry as usize;
        let read = match ticket.pass.part {
            Part::Train => self.source.read_at_epoch(index, ticket.pass.epoch),
            Part::Validation => self.source.read(index),
            Part::Test => self.test.unwrap_or(self.source).read(index),
        };
        self.watch(read.as_ref().err())?;
        Ok(read.map_err(Arc::new))
    }

    /// What the ticket asks for, or, where that is all that it takes and all that the augment stage needs, a part of it.
    fn read_part(&self, ticket: Ticket) -> Result<Result<Read, Arc<BadSample>>, Error> {
        let source = if ticket.pass.part == Part::Test { self.test.unwrap_or(self.source) } else { self.source };
        let Some(parts) = source.parts() else { return self.read(ticket) };
        let index = ticket.entry as usize;
        let identity = source.identity(index);
        let choose = |size: Size| match size.area() < self.whole_pixels {
            true => None,
            false => self.augment.part(&identity, ticket.pass, size, source.channels()),
        };
        let read = parts.read_part(index, &identity, &choose);
        self.watch(read.as_ref().err())?;
        Ok(read.map_err(Arc::new))
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
