//! The end that does nothing: measures what delivers to it.

/// Counts batches and samples, and chains their digests, so that even a measurement proves what was delivered.
#[derive(Debug, Default)]
pub struct Discard {
    /// Samples delivered.
    pub samples: u64,
    /// Chained digest of all batches.
    pub stream: super::ledger::Stream,
}

impl Discard {
    /// Takes one batch.
    pub fn take(&mut self, batch: &crate::batch::Batch) {
        self.samples += batch.count() as u64;
        self.stream.add(&batch.digest);
    }
}
