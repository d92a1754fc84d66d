//! What the samples are for: `[train]` with `[model]`, `[write]`, or neither.

use super::Data;
use crate::config::{Fields, Node, Value};
use crate::error::Problem;
use crate::model::{self, Network, Shape};
use crate::sample::Size;
use crate::source::set::{Encoding, Layout};
use crate::train::TrainConfig;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where samples go.
pub enum End {
    /// Into a trainer.
    Train(Box<TrainEnd>),
    /// Into an offline set.
    Write(WriteEnd),
    /// Nowhere: to measure what delivers them.
    Discard,
}

/// A model and how it is learned.
pub struct TrainEnd {
    /// What is learned.
    pub network: Arc<Network>,
    /// How.
    pub config: TrainConfig,
}

/// An offline set to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteEnd {
    /// Its folder.
    pub path: PathBuf,
    /// Variants of each sample.
    pub variants: u32,
    /// How pictures lie in it.
    pub layout: Layout,
    /// How they are encoded.
    pub encoding: Encoding,
    /// Samples of a shard, where the file gives their number.
    pub shard_samples: Option<u64>,
    /// Bytes that an archive should have where it does not.
    pub shard_bytes: u64,
}

impl TrainEnd {
    /// Bytes for parameters, gradients, what update rule and checkpoint keep, and activations of a batch.
    pub fn memory(&self, batch_size: usize) -> u64 {
        // A checkpoint copies what it stores and encodes it once more.
        let (kept, stored) = self.config.floats(&self.network);
        4 * (kept + 2 * stored) + self.network.workspace_bytes(batch_size)
    }
}

/// Reads `[model]`, `[train]` and `[write]`; none where a problem keeps the model from being built.
pub fn read(top: &Fields, base: &Path, data: Option<&Data>, size: Option<Size>) -> Option<End> {
    let write = top.table("write", "where an offline set goes").map(|fields| read_write(&fields, base));
    let model = top.table("model", "what is learned").map(|fields| model::read(&fields));
    let train = top.table("train", "how it is learned").map(|fields| TrainConfig::read(&fields));
    if write.is_some() && (train.is_some() || model.is_some()) {
        let help = "an offline set is written by one file and learned from by another";
        top.complain("write", "`[write]` cannot stand beside `[train]` or `[model]`", help);
        return None;
    }
    match (write, model, train) {
        (Some(write), ..) => Some(End::Write(write)),
        (None, Some(model), Some(config)) => build(top, data?, size?, model, config),
        (None, None, None) => Some(End::Discard),
        (None, model, _) => {
            let (there, missing) = if model.is_some() { ("model", "train") } else { ("train", "model") };
            top.complain(
                there,
                format!("`[{there}]` needs `[{missing}]`"),
                "see `pipeline describe augment-train` for a whole file",
            );
            None
        }
    }
}

fn build(top: &Fields, data: &Data, size: Size, model: model::Model, config: TrainConfig) -> Option<End> {
    if let Some(key) = config.needs_validation().filter(|_| data.parts.validation.is_empty()) {
        let message = format!("`{key}` in [train] looks at validation samples, and there are none");
        top.complain("train", message, "give split.validation a share, or let it monitor train_loss");
    }
    let input = Shape::new(data.channels, size.height as usize, size.width as usize);
    if model.layers.is_empty() {
        return None;
    }
    match Network::new(model.layers, input, data.source.classes().len()) {
        Ok(network) => {
            crate::train::unused(&network, &config.groups).into_iter().for_each(|problem| top.problems().push(problem));
            let network = network.with_label_smoothing(config.label_smoothing).with_initialiser(model.initialiser);
            let end = TrainEnd { network: Arc::new(network), config };
            Some(End::Train(Box::new(end)))
        }
        Err(problems) => {
            problems.into_iter().for_each(|problem| top.problems().push(at_model(problem, top)));
            None
        }
    }
}

fn at_model(problem: Problem, top: &Fields) -> Problem {
    Problem { place: problem.place.or_else(|| top.place_of("model")), ..problem }
}

/// Reads `[write]`.
pub(super) fn read_write(fields: &Fields, base: &Path) -> WriteEnd {
    let layouts = [("image_folder", Layout::ImageFolder), ("shards", Layout::Shards)];
    let about = "files in a folder for each class, or shards: tar archives as WebDataset reads them";
    let layout = fields.key("format", about).choice(&layouts).or_shown(Layout::ImageFolder, "\"image_folder\"");
    let encoding = read_encoding(fields, layout);
    let path = base.join(fields.key("path", "the set's folder, relative to the file").text().required());
    let about = "variants of each sample: variant k is what online augmentation shows at epoch k";
    let variants = fields.key("variants", about).integer(1, 10_000).or(1) as u32;
    let about = "samples of a shard, which is what is completed, checked and shared between machines";
    let shard_samples = fields.key("shard_samples", about).integer(1, 1 << 40).optional().map(|samples| samples as u64);
    let about = "bytes that an archive should have, like \"256MiB\"; a look at a few samples says how many fit";
    let shard_bytes = fields.key("shard_size", about).read("text like \"256MiB\" or \"1GB\"".to_owned(), 1 << 28, bytes_of);
    let shard_bytes = shard_bytes.or_shown(1 << 28, "\"256MiB\"");
    if fields.has("shard_size") && (shard_samples.is_some() || layout == Layout::ImageFolder) {
        let help = "give `shard_samples` alone, or `shard_size` with format = \"shards\"";
        fields.complain("shard_size", "`shard_size` has no say here", help);
    }
    fields.finish();
    WriteEnd { path, variants, layout, encoding, shard_samples, shard_bytes }
}

fn bytes_of(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Text(text) => super::workers::parse_bytes(text),
        _ => None,
    }
}

fn read_encoding(fields: &Fields, layout: Layout) -> Encoding {
    let about =
        "png and raw are lossless, so that training sees the same bytes as online; raw (.npy) needs no decoding, shards only";
    let word = fields.key("encoding", about).word(&["png", "jpeg", "raw"]).or("png");
    let quality = fields.key("quality", "of JPEG: 100 is the best").integer(1, 100).optional();
    if word == "raw" && layout == Layout::ImageFolder {
        fields.complain(
            "encoding",
            "`raw` pictures are no files for an image folder",
            "format = \"shards\", or encoding = \"png\"",
        );
    }
    if quality.is_some() && word != "jpeg" {
        fields.complain(
            "quality",
            format!("`quality` is for JPEG, and encoding is \"{word}\""),
            "leave it out, or encoding = \"jpeg\"",
        );
    }
    match word {
        "jpeg" => Encoding::Jpeg(quality.unwrap_or(90) as u8),
        "raw" => Encoding::Raw,
        _ => Encoding::Png,
    }
}
