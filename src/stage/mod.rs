//! Glue: one file a stage, each putting one lower module into the dataflow. Knows no pipeline file.

pub mod augment;
pub mod batch;
pub mod deal;
pub mod discard;
pub mod ledger;
pub mod load;
pub mod measure;
pub mod train;
pub mod write;

use crate::batch::Pass;
use crate::sample::{BadSample, Finished, Note, Sample, Size};
use std::sync::Arc;

/// A number dealt: which entry of the data is to be worked on, and where in its pass it stands. Every one is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The pass it belongs to.
    pub pass: Pass,
    /// Place in the pass, from 0.
    pub position: u64,
    /// Index into the source of that part.
    pub entry: u32,
    /// Whether the pass ends with it.
    pub last: bool,
}

/// A sample on its way to the batcher.
#[derive(Clone, Debug)]
pub enum Content {
    /// As it was read.
    Read(Sample),
    /// The part of a picture of that size that the chain needs.
    Part(Sample, Size),
    /// The op chain has been applied already, as it is to giant images right where they are decoded.
    Finished(Finished),
}

/// The answer to a [`Ticket`]: a sample, or why there is none.
#[derive(Clone, Debug)]
pub struct Slot {
    /// What was asked for.
    pub ticket: Ticket,
    /// What came of it.
    pub outcome: Result<Content, Arc<BadSample>>,
    /// What was odd about its file.
    pub notes: Vec<Note>,
}

/// A [`Slot`] after all operations.
#[derive(Clone, Debug)]
pub struct FinishedSlot {
    /// What was asked for.
    pub ticket: Ticket,
    /// What came of it.
    pub outcome: Result<Finished, Arc<BadSample>>,
    /// What was odd about its file.
    pub notes: Vec<Note>,
}
