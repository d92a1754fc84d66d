//! The account of every sample: read = used + set aside + left out, pass by pass, and when too many were set aside. Folded in data
//! order, so its decisions depend on the data alone.

use crate::batch::Batch;
use crate::error::Error;
use crate::sample::{BadSample, NoteCounts};
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
    /// Odd files, each once.
    notes: NoteCounts,
    /// The sample set aside last.
    newest: Option<Arc<BadSample>>,
}

impl Ledger {
    /// An account over `entries` samples in all, `per_class` of them in each class; at most the share `max_bad` may be bad.
    pub fn new(entries: u64, per_class: Vec<u64>, classes: Vec<String>, max_bad: f64) -> Self {
        let (bad, notes) = (BTreeMap::new(), NoteCounts::default());
        Self { bad, left_in_class: per_class, classes, max_bad, entries, pass_used: 0, pass_bad: 0, notes, newest: None }
    }

    /// Takes note of one batch; gives the samples that are set aside for the first time. [`Ledger::verdict`] says whether to go on.
    ///
    /// # Errors
    /// A pass that does not add up: a bug of ours.
    pub fn account(&mut self, batch: &Batch) -> Result<Vec<Arc<BadSample>>, Error> {
        self.pass_used += batch.count() as u64 + batch.left_out;
        self.pass_bad += batch.bad.len() as u64;
        if self.pass_used + self.pass_bad != batch.consumed {
            let why = format!(
                "{} entries read, but {} used and {} set aside: please report this",
                batch.consumed, self.pass_used, self.pass_bad
            );
            return Err(Error::Fault { stage: "batch".to_owned(), item: u64::from(batch.index), why });
        }
        self.notes.join(&batch.notes);
        if batch.last {
            (self.pass_used, self.pass_bad) = (0, 0);
        }
        Ok(self.note(&batch.bad))
    }

    /// Takes note of samples set aside; gives those that are new.
    pub fn note(&mut self, bad: &[Arc<BadSample>]) -> Vec<Arc<BadSample>> {
        let mut fresh = Vec::new();
        for sample in bad {
            if self.bad.insert(sample.path.clone(), sample.clone()).is_none() {
                self.leave_class(sample);
                self.newest = Some(sample.clone());
                fresh.push(sample.clone());
            }
        }
        fresh
    }

    fn leave_class(&mut self, bad: &BadSample) {
        if let Some(class) = self.classes.iter().position(|name| *name == bad.class) {
            self.left_in_class[class] = self.left_in_class[class].saturating_sub(1);
        }
    }

    /// Whether what was set aside so far lets work go on.
    ///
    /// # Errors
    /// [`Error::TooManyBad`]: more bad samples than allowed, or a class without a good one.
    pub fn verdict(&self) -> Result<(), Error> {
        let Some(newest) = &self.newest else { return Ok(()) };
        if let Some(class) =
            self.left_in_class.iter().zip(&self.classes).position(|(left, name)| *left == 0 && *name == newest.class)
        {
            let class = self.classes[class].escape_debug();
            return Err(Error::TooManyBad(format!("class \"{class}\" has no good sample left; the last was {}", describe(newest))));
        }
        let allowed = (self.max_bad * self.entries as f64).floor() as usize;
        if self.bad.len() <= allowed {
            return Ok(());
        }
        Err(Error::TooManyBad(format!(
            "{} of {} samples are bad, more than max_bad = {} allows ({allowed}); the last was {}; mend them (bad_samples.tsv lists \
             all) or raise source.max_bad",
            self.bad.len(),
            self.entries,
            self.max_bad,
            describe(newest)
        )))
    }

    /// Goes on in the middle of a pass, as a resumed run does.
    pub fn starting_at(mut self, consumed: u64, bad: Vec<Arc<BadSample>>, notes: NoteCounts) -> Self {
        (self.pass_used, self.notes) = (consumed, notes);
        self.note(&bad);
        self.newest = None;
        self
    }

    /// How many files were odd, each counted once.
    pub fn notes(&self) -> NoteCounts {
        self.notes
    }

    /// Every sample set aside, sorted by path.
    pub fn bad(&self) -> Vec<Arc<BadSample>> {
        self.bad.values().cloned().collect()
    }
}

fn describe(bad: &BadSample) -> String {
    format!("{}: {} {}", bad.path.escape_debug(), bad.reason, bad.words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Part, Pass};

    fn bad(path: &str, class: &str) -> Arc<BadSample> {
        let (reason, words) = ("truncated".to_owned(), String::new());
        Arc::new(BadSample { path: path.to_owned(), class: class.to_owned(), stage: "decode", reason, words })
    }

    fn batch(consumed: u64, used: usize, bad: Vec<Arc<BadSample>>, last: bool) -> Batch {
        let pass = Pass { part: Part::Train, epoch: 0 };
        let identities = Vec::new();
        let (labels, images) = (vec![0; used], Vec::new());
        let (index, shape, views, left_out, digest, notes) = (0, [1, 1, 1], 1, 0, [0; 32], NoteCounts::default());
        let soft_targets = None;
        Batch {
            pass,
            index,
            shape,
            images: images.into(),
            views,
            labels,
            soft_targets,
            identities,
            consumed,
            left_out,
            bad,
            notes,
            last,
            digest,
        }
    }

    fn ledger(max_bad: f64) -> Ledger {
        Ledger::new(10, vec![8, 2], vec!["a".to_owned(), "b".to_owned()], max_bad)
    }

    #[test]
    fn a_sample_counts_once_however_often_it_is_met() {
        let mut ledger = ledger(0.1);
        for _ in 0..3 {
            assert!(ledger.account(&batch(10, 9, vec![bad("x", "a")], true)).is_ok());
            assert!(ledger.verdict().is_ok());
        }
        assert_eq!(ledger.bad().len(), 1);
        assert_eq!(ledger.note(&[bad("y", "a")]).len(), 1);
        assert!(ledger.verdict().unwrap_err().to_string().contains("max_bad = 0.1 allows (1)"));
    }

    #[test]
    fn a_class_without_a_good_sample_ends_the_run_whatever_is_allowed() {
        let mut ledger = ledger(1.0);
        ledger.note(&[bad("x", "b")]);
        assert!(ledger.verdict().is_ok());
        ledger.note(&[bad("y", "b")]);
        assert!(ledger.verdict().unwrap_err().to_string().contains("no good sample left"));
    }

    #[test]
    fn a_pass_that_does_not_add_up_is_a_fault() {
        assert!(ledger(1.0).account(&batch(4, 3, vec![], false)).is_err());
        let mut ledger = ledger(1.0);
        assert!(ledger.account(&batch(4, 3, vec![bad("x", "a")], false)).is_ok());
        assert!(ledger.account(&batch(8, 4, vec![], true)).is_ok());
        assert!(ledger.account(&batch(2, 2, vec![], false)).is_ok(), "a new pass counts from 0");
    }

    #[test]
    fn a_stream_is_resumed_from_its_hexadecimal_form() {
        let mut stream = Stream::default();
        stream.add(&[1; 32]);
        let mut resumed = Stream::from_hex(&stream.hex()).unwrap();
        stream.add(&[2; 32]);
        resumed.add(&[2; 32]);
        assert_eq!(stream, resumed);
        assert_eq!(Stream::from_hex("zz"), None);
    }
}
