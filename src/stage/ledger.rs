//! The account of every sample: read = used + set aside + left out, pass by pass, and when too many were set aside. Folded in data
//! order, so its decisions depend on the data alone.

use crate::batch::Batch;
use crate::error::Error;
use crate::sample::BadSample;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Chained BLAKE3 over the digests of all batches delivered; its 32 bytes are the whole state, so it can be resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream(pub [u8; 32]);

impl Stream {
    /// Appends one batch.
    pub fn add(&mut self, digest: &[u8; 32]) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(digest);
        self.0 = *hasher.finalize().as_bytes();
    }

    /// In hexadecimal.
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// From hexadecimal; none where the text is not 32 bytes of it.
    pub fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

/// Samples set aside so far, each once, and how many there may be.
#[derive(Clone, Debug)]
pub struct Ledger {
    bad: BTreeMap<String, Arc<BadSample>>,
    left_in_class: Vec<u64>,
    classes: Vec<String>,
    max_bad: f64,
    entries: u64,
    pass_used: u64,
    pass_bad: u64,
}

impl Ledger {
    /// An account over `entries` samples in all, `per_class` of them in each class; at most the share `max_bad` may be bad.
    pub fn new(entries: u64, per_class: Vec<u64>, classes: Vec<String>, max_bad: f64) -> Self {
        Self { bad: BTreeMap::new(), left_in_class: per_class, classes, max_bad, entries, pass_used: 0, pass_bad: 0 }
    }

    /// Takes note of one batch; gives the samples that are set aside for the first time.
    ///
    /// # Errors
    /// More bad samples than allowed, a class without a good one, or a pass that does not add up (a bug of ours).
    pub fn account(&mut self, batch: &Batch) -> Result<Vec<Arc<BadSample>>, Error> {
        self.pass_used += batch.count() as u64 + batch.left_out;
        self.pass_bad += batch.bad.len() as u64;
        let fresh = self.note(&batch.bad)?;
        if self.pass_used + self.pass_bad != batch.consumed {
            let why = format!(
                "{} entries read, but {} used and {} set aside: please report this",
                batch.consumed, self.pass_used, self.pass_bad
            );
            return Err(Error::Fault { stage: "batch".to_owned(), item: u64::from(batch.index), why });
        }
        if batch.last {
            (self.pass_used, self.pass_bad) = (0, 0);
        }
        Ok(fresh)
    }

    /// Takes note of samples set aside; gives those that are new.
    ///
    /// # Errors
    /// More bad samples than allowed, or a class without a good one.
    pub fn note(&mut self, bad: &[Arc<BadSample>]) -> Result<Vec<Arc<BadSample>>, Error> {
        let mut fresh = Vec::new();
        for sample in bad {
            if self.bad.insert(format!("{}\0{}", sample.path, sample.stage), sample.clone()).is_none() {
                fresh.push(sample.clone());
                self.check(sample)?;
            }
        }
        Ok(fresh)
    }

    fn check(&mut self, newest: &BadSample) -> Result<(), Error> {
        if let Some(class) = self.classes.iter().position(|name| *name == newest.class) {
            self.left_in_class[class] = self.left_in_class[class].saturating_sub(1);
            if self.left_in_class[class] == 0 {
                let message = format!("class \"{}\" has no good sample left; the last was {}", newest.class, describe(newest));
                return Err(Error::TooManyBad(message));
            }
        }
        let allowed = (self.max_bad * self.entries as f64).floor() as usize;
        if self.bad.len() > allowed {
            let message = format!(
                "{} of {} samples are bad, more than max_bad = {} allows ({allowed}); the last was {}; mend them (bad_samples.tsv \
                 lists all) or raise source.max_bad",
                self.bad.len(),
                self.entries,
                self.max_bad,
                describe(newest)
            );
            return Err(Error::TooManyBad(message));
        }
        Ok(())
    }

    /// Goes on in the middle of a pass, as a resumed run does.
    pub fn starting_at(mut self, consumed: u64, bad: Vec<Arc<BadSample>>) -> Self {
        self.pass_used = consumed;
        for sample in bad {
            if let Some(class) = self.classes.iter().position(|name| *name == sample.class) {
                self.left_in_class[class] = self.left_in_class[class].saturating_sub(1);
            }
            self.bad.insert(format!("{}\0{}", sample.path, sample.stage), sample);
        }
        self
    }

    /// Every sample set aside, sorted by path.
    pub fn bad(&self) -> Vec<Arc<BadSample>> {
        self.bad.values().cloned().collect()
    }
}

fn describe(bad: &BadSample) -> String {
    format!("{}: {} {}", bad.path.escape_debug(), bad.reason, bad.words)
}
