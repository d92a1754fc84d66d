//! A trained model in one file: weights by name, and all that predicting needs. Readable by everything that reads safetensors.

use super::container::{Content, Tensor, encode, read_file};
use super::weights::weights_blake3;
use crate::error::{Error, Result};
use crate::model::Span;
use crate::report::write_atomic;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of the file's layout; a file of another one is refused.
const FORMAT: u32 = 2;
/// What to do about a file that is no model, or not any more.
const ADVICE: &str = "; give the model.safetensors of a run that is complete, or the run's folder";
/// More weights than any model that trains on ordinary CPUs has: 8 GiB of them.
const MOST_WEIGHTS: u64 = 1 << 31;

/// All that predicting needs beside the weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Name of the pipeline that it comes from.
    pub name: String,
    /// The table `[model]`, as TOML text: preset or layers.
    pub model: String,
    /// Channels, height, width of an input image.
    pub input: [usize; 3],
    /// Class names in the order of their numbers.
    pub classes: Vec<String>,
    /// What is subtracted from every channel of an image scaled to 0–1.
    pub mean: Vec<f32>,
    /// What it is then divided by.
    pub std: Vec<f32>,
    /// The chain of `[[evaluate]]`, as TOML text: how an image is brought to the input's size.
    pub evaluate: String,
    /// The run's seed.
    pub seed: u64,
    /// Epochs that were run.
    pub epochs: u32,
    /// Whether consecutive geometric operations of the chain are made in one resampling.
    pub fuse_geometry: bool,
    /// The keys of `[source]` by which files are decoded, as TOML text.
    pub decoding: String,
    /// Samples a batch: what sums of losses depend on.
    pub batch_size: usize,
    /// Everything of the pipeline that the weights depend on, one line a value.
    pub pipeline: String,
    /// Hash of the samples that it has learned from and of how they were split, in hexadecimal.
    pub data_blake3: String,
}

/// A model file's content.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// What belongs to the weights.
    pub card: ModelCard,
    /// All parameters, in the order of the spans.
    pub params: Vec<f32>,
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
    card: ModelCard,
    weights_blake3: String,
    /// Of this text, with nothing in this place.
    blake3: String,
}

impl ModelFile {
    /// The file's bytes; the same for the same model.
    ///
    /// # Errors
    /// [`Error::Numeric`] where a weight is not finite.
    pub fn to_bytes(&self, spans: &[Span]) -> Result<Vec<u8>> {
        let rows = spans.iter().map(|span| {
            let values = &self.params[span.start..span.start + span.len];
            Tensor { name: span.name.clone(), shape: span.shape.clone(), values }
        });
        let mut text = Text {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            card: self.card.clone(),
            weights_blake3: hexadecimal(weights_blake3(&self.params, spans)),
            blake3: String::new(),
        };
        text.blake3 = seal(&text);
        let text = serde_json::to_string(&text).map_err(|error| Error::Numeric(format!("cannot store the model: {error}")))?;
        encode(rows.collect(), text, false)
    }

    /// Puts the model at `path`, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Numeric`] where a weight is not finite, [`Error::Io`] where it cannot be written.
    pub fn save(&self, path: impl AsRef<Path>, spans: &[Span]) -> Result<()> {
        write_atomic(path, &self.to_bytes(spans)?)
    }

    /// The model at `path`. `spans_of` says which spans a card's model has; it may refuse the card.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read; [`Error::Damaged`] where it is not, whole, a model file; what `spans_of` refuses.
    pub fn load(path: impl AsRef<Path>, spans_of: impl FnOnce(&ModelCard) -> Result<Vec<Span>>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_bytes(path, &read_file(path, MOST_WEIGHTS)?, spans_of)
    }

    /// The model that `bytes` hold; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`ModelFile::load`].
    pub fn from_bytes(path: &Path, bytes: &[u8], spans_of: impl FnOnce(&ModelCard) -> Result<Vec<Span>>) -> Result<Self> {
        let damaged =
            |why: String| Error::Damaged { path: path.to_owned(), why: format!("this model cannot be used: {why}{ADVICE}") };
        let content = Content::decode(bytes, false).map_err(damaged)?;
        let text = parse(&content.text).map_err(damaged)?;
        let spans = spans_of(&text.card)?;
        if content.names().len() != spans.len() {
            return Err(damaged(format!("it has {} rows of weights, its layers {}", content.names().len(), spans.len())));
        }
        let length = spans.iter().map(|span| span.start + span.len).max().unwrap_or(0);
        if length > bytes.len() / 4 {
            return Err(damaged(format!("its layers have {length} weights, more than its {} bytes can hold", bytes.len())));
        }
        let mut params = vec![0.0; length];
        for span in &spans {
            let values = content.values(&span.name, &span.shape).map_err(damaged)?;
            params[span.start..span.start + span.len].copy_from_slice(&values);
        }
        if hexadecimal(weights_blake3(&params, &spans)) != text.weights_blake3 {
            return Err(damaged("its weights do not match their checksum".to_owned()));
        }
        Ok(Self { card: text.card, params })
    }
}

fn parse(text: &str) -> std::result::Result<Text, String> {
    let unreadable = |error| format!("its card is unreadable: {error}");
    let head: Head = serde_json::from_str(text).map_err(unreadable)?;
    if head.format != FORMAT {
        let Head { format, program } = head;
        let words = format!("it has format {format}, written by augpipe {program}; this program reads format {FORMAT}");
        return Err(format!("{words}: use that program, or train the model again"));
    }
    let mut text: Text = serde_json::from_str(text).map_err(unreadable)?;
    let blake3 = std::mem::take(&mut text.blake3);
    if seal(&text) != blake3 {
        return Err("damaged: its card does not match its checksum".to_owned());
    }
    Ok(text)
}

/// BLAKE3 of a text whose `blake3` is empty.
fn seal(text: &Text) -> String {
    // Text and numbers always have a JSON form; an empty one would only fail the comparison.
    hexadecimal(*blake3::hash(serde_json::to_string(text).unwrap_or_default().as_bytes()).as_bytes())
}

fn hexadecimal(hash: [u8; 32]) -> String {
    blake3::Hash::from_bytes(hash).to_hex().to_string()
}
