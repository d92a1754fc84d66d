//! Everything that a run has become, in one verified file. Knows nothing of how a step is made.
//!
//! The file is written whole beside its place, flushed, and renamed over the one before; whoever reads it after a crash finds
//! the old one or the new one. Reading holds every byte against the file's own checksum before anything is believed.

use super::container::{Content, Tensor, encode, read_file};
use super::progress::Progress;
use crate::error::{Error, Result};
use crate::report::write_atomic;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of the file's layout; a file of another one is refused.
const FORMAT: u32 = 2;

/// What whoever drives the trainer wants back with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Caller {
    /// Hash of everything in the pipeline file that a result depends on. A checkpoint of another one is refused.
    pub config_hash: String,
    /// The run's seed.
    pub seed: u64,
    /// Entries of the epoch's training pass that were consumed ([`crate::batch::Batch::consumed`]): where reading goes on.
    pub consumed: u64,
    /// BLAKE3 over the digests of all batches delivered so far, in hexadecimal.
    pub stream_blake3: String,
    /// Anything else. Numbers that are not finite cannot be kept.
    pub notes: serde_json::Value,
}

/// A run, stopped between two steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// The model's [`super::model_fingerprint`].
    pub model: String,
    /// The update rule's name.
    pub optimizer: String,
    /// What the driver put in.
    pub caller: Caller,
    /// How far it came.
    pub progress: Progress,
    /// All parameters, and the network's state behind them.
    pub params: Vec<f32>,
    /// What the update rule remembers, one row a slot.
    pub slots: Vec<(String, Vec<f32>)>,
    /// The sum of gradients that waits for more batches, if one does.
    pub gathered: Option<Vec<f32>>,
    /// The average of the parameters, where it is kept.
    pub average: Option<Vec<f32>>,
    /// The best epoch's parameters, where they are kept.
    pub best: Option<Vec<f32>>,
}

/// What a checkpoint must be to be taken up.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The model's fingerprint.
    pub model: String,
    /// Number of parameters and values of state.
    pub parameters: usize,
    /// Number of those that are trained.
    pub trained: usize,
    /// The update rule's name.
    pub optimizer: String,
    /// Names of the update rule's slots.
    pub slots: &'static [&'static str],
    /// Whether an average of the parameters is kept.
    pub average: bool,
    /// Hash of the pipeline file; none takes any.
    pub config_hash: Option<String>,
}

/// The part that every format has.
#[derive(Deserialize)]
struct Head {
    format: u32,
    program: String,
}

#[derive(Serialize, Deserialize)]
struct Text {
    format: u32,
    program: String,
    model: String,
    optimizer: String,
    caller: Caller,
    progress: Progress,
}

impl Checkpoint {
    /// The file's bytes; the same for the same state.
    ///
    /// # Errors
    /// [`Error::Numeric`] where a value is not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut tensors = vec![row("params".to_owned(), &self.params)];
        let optional = [("gathered", &self.gathered), ("average", &self.average), ("best", &self.best)];
        tensors.extend(optional.into_iter().filter_map(|(name, values)| Some(row(name.to_owned(), values.as_ref()?))));
        tensors.extend(self.slots.iter().map(|(name, values)| row(format!("optimizer.{name}"), values)));
        let text = Text {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            model: self.model.clone(),
            optimizer: self.optimizer.clone(),
            caller: self.caller.clone(),
            progress: self.progress.clone(),
        };
        let text = serde_json::to_string(&text).map_err(|error| Error::Numeric(format!("cannot store the progress: {error}")))?;
        encode(tensors, text, true)
    }

    /// Puts the checkpoint at `path`, in place of the one before.
    ///
    /// # Errors
    /// [`Error::Numeric`] where a value is not finite, [`Error::Io`] where it cannot be written; the one before is untouched.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_atomic(path, &self.to_bytes()?)
    }

    /// The checkpoint at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read; [`Error::Damaged`] where it is not, whole, what `expected` says;
    /// [`Error::Refused`] where it was made from another pipeline file.
    pub fn load(path: impl AsRef<Path>, expected: &Expected) -> Result<Self> {
        let path = path.as_ref();
        let rows = 4 + expected.slots.len() as u64;
        Self::from_bytes(path, &read_file(path, rows * expected.parameters as u64)?, expected)
    }

    /// The checkpoint that `bytes` hold; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`Checkpoint::load`].
    pub fn from_bytes(path: &Path, bytes: &[u8], expected: &Expected) -> Result<Self> {
        let damaged = |why: String| {
            let why = format!("this checkpoint cannot be used: {why}; run without --resume to start anew");
            Error::Damaged { path: path.to_owned(), why }
        };
        let content = Content::decode(bytes, true).map_err(damaged)?;
        let text = parse(&content.text).map_err(damaged)?;
        if text.model != expected.model || text.optimizer != expected.optimizer {
            return Err(damaged("it belongs to another model or optimizer than the pipeline file's".to_owned()));
        }
        let made_elsewhere = |hash: &String| *hash != text.caller.config_hash;
        if expected.config_hash.as_ref().is_some_and(made_elsewhere) {
            let message = format!("{} was made from another pipeline file", path.display());
            return Err(Error::refused(message, "resume with the file that the run was started with, or start without --resume"));
        }
        let row = |name: &str| content.values(name, &[expected.parameters]).map_err(damaged);
        let slot = |name: &str| content.values(&format!("optimizer.{name}"), &[expected.trained]).map_err(damaged);
        let slots = expected.slots.iter().map(|name| Ok((name.to_string(), slot(name)?)));
        let gradient = |name: &str| content.values(name, &[expected.trained]).map(Some).map_err(damaged);
        let row_if = |wanted: bool, name: &str| if wanted { row(name).map(Some) } else { Ok(None) };
        Ok(Self {
            params: row("params")?,
            slots: slots.collect::<Result<_>>()?,
            gathered: if text.progress.gathered > 0 { gradient("gathered")? } else { None },
            average: row_if(expected.average, "average")?,
            best: row_if(content.names().contains(&"best"), "best")?,
            model: text.model,
            optimizer: text.optimizer,
            caller: text.caller,
            progress: text.progress,
        })
    }
}

fn row(name: String, values: &[f32]) -> Tensor<'_> {
    Tensor { name, shape: vec![values.len()], values }
}

fn parse(text: &str) -> std::result::Result<Text, String> {
    let head: Head = serde_json::from_str(text).map_err(|error| format!("its progress is unreadable: {error}"))?;
    if head.format != FORMAT {
        let Head { format, program } = head;
        return Err(format!("it has format {format}, written by augpipe {program}; this program reads format {FORMAT}"));
    }
    serde_json::from_str(text).map_err(|error| format!("its progress is unreadable: {error}"))
}
