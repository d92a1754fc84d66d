//! The write stage: makes all renditions of a sample and encodes them. A variant's number is the epoch whose dice it is drawn with, so
//! variant k is what online augmentation shows at epoch k.

use super::augment::Augment;
use crate::batch::{Part, Pass};
use crate::error::Error;
use crate::sample::{BadSample, Note, Sample};
use crate::source::Read;
use crate::source::set::{Description, Layout, Meta};
use std::path::Path;
use std::sync::Arc;

/// What is written of every sample.
pub struct Write<'a> {
    /// The chains and the seed.
    pub augment: Augment<'a>,
    /// What the set is.
    pub set: &'a Description,
    /// Its folder.
    pub out: &'a Path,
}

/// One rendition, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The record of an archive; nothing where the picture is in a file of its own already.
    pub record: Vec<u8>,
    /// Bytes of record or file.
    pub length: u64,
    /// BLAKE3 of these bytes.
    pub blake3: [u8; 32],
    /// Its row of the manifest, where it is in a file of its own.
    pub row: Option<Row>,
}

/// One stored file: a row of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// Relative to the set's folder.
    pub path: String,
    /// Class name.
    pub label: String,
    /// Identity of the sample that it was made from.
    pub source: String,
    /// Number of the variant, or `evaluate` for the deterministic rendition.
    pub variant: String,
    /// What was drawn: JSON, one object an operation.
    pub draws: String,
}

/// The renditions of one sample, or why there are none, and what was odd about its file.
pub type Answer = (Result<Vec<Made>, Arc<BadSample>>, Vec<Note>);

impl Write<'_> {
    /// Makes everything of the sample at place `index` of its source, and stores what goes into files of their own.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be written. A sample that cannot be augmented is an answer, not an error.
    pub fn write(&self, index: u64, read: Result<Read, Arc<BadSample>>) -> Result<Answer, Error> {
        let Read { sample, notes, turn: _turn, .. } = match read {
            Ok(read) => read,
            Err(bad) => return Ok((Err(bad), Vec::new())),
        };
        let mut all = Vec::new();
        for rendition in 0..self.set.renditions() {
            match self.make(index, &sample, rendition) {
                Ok(bytes) => all.push(self.stored(&sample, rendition, bytes)?),
                Err(bad) => {
                    self.take_back(&sample, rendition)?;
                    return Ok((Err(bad), notes));
                }
            }
        }
        Ok((Ok(all), notes))
    }

    /// The bytes of one rendition, as record or file, and what was drawn for it.
    ///
    /// # Errors
    /// Why the sample is set aside.
    pub fn make(&self, index: u64, sample: &Sample, rendition: usize) -> Result<(Vec<u8>, String), Arc<BadSample>> {
        let pass = match rendition < self.set.variants as usize {
            true => Pass { part: Part::Train, epoch: rendition as u32 },
            false => Pass { part: Part::Validation, epoch: 0 },
        };
        let (made, draws) = self.augment.apply_traced(sample.clone(), pass).map_err(Arc::new)?;
        let picture = self.set.encoding.encode(&made.image).map_err(|words| Arc::new(self.refused(sample, words)))?;
        let bytes = match self.set.layout {
            Layout::ImageFolder => picture,
            Layout::Shards => self.set.record(rendition, index, &self.meta(sample, rendition, &draws), &picture),
        };
        Ok((bytes, draws))
    }

    fn meta(&self, sample: &Sample, rendition: usize, draws: &str) -> Meta {
        Meta {
            source: sample.identity.to_string(),
            label: sample.label,
            class: self.class(sample),
            variant: self.variant(rendition),
            draws: serde_json::from_str(draws).unwrap_or_default(),
        }
    }

    fn class(&self, sample: &Sample) -> String {
        self.set.classes.get(sample.label as usize).cloned().unwrap_or_default()
    }

    fn variant(&self, rendition: usize) -> String {
        if rendition < self.set.variants as usize { rendition.to_string() } else { "evaluate".to_owned() }
    }

    fn refused(&self, sample: &Sample, words: String) -> BadSample {
        let (path, class, reason) = (sample.identity.to_string(), self.class(sample), "cannot be encoded".to_owned());
        BadSample { path, class, stage: "augment", reason, words }
    }

    fn stored(&self, sample: &Sample, rendition: usize, (bytes, draws): (Vec<u8>, String)) -> Result<Made, Error> {
        let (length, blake3) = (bytes.len() as u64, *blake3::hash(&bytes).as_bytes());
        if self.set.layout == Layout::Shards {
            return Ok(Made { record: bytes, length, blake3, row: None });
        }
        let path = self.set.picture_name(rendition, sample.label, &sample.identity.0);
        crate::report::write_atomic(self.out.join(&path), &bytes)?;
        let (label, variant) = (self.class(sample), self.variant(rendition));
        let row = Row { path, label, source: sample.identity.to_string(), variant, draws };
        Ok(Made { record: Vec::new(), length, blake3, row: Some(row) })
    }

    /// Removes the first renditions of a sample that could not be made whole: the folder holds what the manifest names, no more.
    fn take_back(&self, sample: &Sample, renditions: usize) -> Result<(), Error> {
        if self.set.layout == Layout::Shards {
            return Ok(());
        }
        let path = |rendition| self.out.join(self.set.picture_name(rendition, sample.label, &sample.identity.0));
        (0..renditions).map(path).try_for_each(|path| std::fs::remove_file(&path).map_err(Error::io("cannot remove", &path)))
    }
}
