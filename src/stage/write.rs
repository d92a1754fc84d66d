//! The write stage: makes all variants of a sample, encodes and stores them. A variant's number is the epoch whose dice it is drawn
//! with, so variant k is what online augmentation shows at epoch k.

use super::augment::Augment;
use crate::batch::{Part, Pass};
use crate::error::Error;
use crate::pixels::encode::encode_png;
use crate::sample::{BadSample, Note, Sample};
use crate::source::Read;
use std::path::Path;
use std::sync::Arc;

/// What is written of every sample.
pub struct Write<'a> {
    /// The chains and the seed.
    pub augment: Augment<'a>,
    /// How many variants of each sample.
    pub variants: u32,
    /// The folder written to.
    pub out: &'a Path,
    /// Class names: sub folders.
    pub classes: &'a [String],
    /// Whether files that are there already are taken as they are: they are whole, because each is put in place by renaming.
    pub resume: bool,
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

/// The rows of one sample, or why there are none, and what was odd about its file.
pub type Answer = (Result<Vec<Row>, Arc<BadSample>>, Vec<Note>);

impl Write<'_> {
    /// Makes and stores everything of one sample.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be written. A sample that cannot be augmented is an answer, not an error.
    pub fn write(&self, read: Result<Read, Arc<BadSample>>) -> Result<Answer, Error> {
        let Read { sample, notes, turn: _turn, .. } = match read {
            Ok(read) => read,
            Err(bad) => return Ok((Err(bad), Vec::new())),
        };
        let passes = (0..self.variants).map(|epoch| Pass { part: Part::Train, epoch });
        let evaluate = Pass { part: Part::Validation, epoch: 0 };
        let mut rows = Vec::new();
        for pass in passes.chain([evaluate]) {
            match self.variant(&sample, pass)? {
                Ok(row) => rows.push(row),
                Err(bad) => {
                    self.take_back(&rows)?;
                    return Ok((Err(bad), notes));
                }
            }
        }
        Ok((Ok(rows), notes))
    }

    /// Removes what was stored of a sample that could not be made whole: the folder holds what the manifest names, no more.
    fn take_back(&self, rows: &[Row]) -> Result<(), Error> {
        rows.iter()
            .map(|row| self.out.join(&row.path))
            .try_for_each(|path| std::fs::remove_file(&path).map_err(Error::io("cannot remove", &path)))
    }

    fn variant(&self, sample: &Sample, pass: Pass) -> Result<Result<Row, Arc<BadSample>>, Error> {
        let variant = match pass.part {
            Part::Train => pass.epoch.to_string(),
            _ => "evaluate".to_owned(),
        };
        let label = self.classes.get(sample.label as usize).cloned().unwrap_or_default();
        let path = file_name(&label, &sample.identity.0, &variant);
        let (made, draws) = match self.augment.apply_traced(sample.clone(), pass) {
            Ok(made) => made,
            Err(bad) => return Ok(Err(Arc::new(bad))),
        };
        let target = self.out.join(&path);
        if !(self.resume && target.is_file()) {
            store(&made, &target)?;
        }
        Ok(Ok(Row { path, label, source: sample.identity.to_string(), variant, draws }))
    }
}

/// `class/name.v0.png`: unique for every (sample, variant), because the sample's whole path below its class is in it.
fn file_name(class: &str, identity: &str, variant: &str) -> String {
    let below = identity.strip_prefix(&format!("{class}/")).unwrap_or(identity);
    let mark = if variant == "evaluate" { "evaluate".to_owned() } else { format!("v{variant}") };
    format!("{}/{}.{mark}.png", escaped(class), escaped(below))
}

/// A name as a file's name: no slash, and nothing that a file system or a CSV reader could take amiss.
pub fn escaped(name: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    name.chars().map(|c| if safe(c) { c.to_string() } else { format!("%{:02X}", c as u32) }).collect()
}

fn store(sample: &Sample, target: &Path) -> Result<(), Error> {
    let refuse = |words: String| Error::io("cannot encode", target)(std::io::Error::other(words));
    let bytes = encode_png(&sample.image).map_err(refuse)?;
    crate::report::write_atomic(target, &bytes)
}
