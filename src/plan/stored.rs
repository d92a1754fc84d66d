//! A trained model as it is used: read from its file and checked as a pipeline is. Once it stands, only pictures can be wrong.

use super::assemble;
use crate::augment::Chain;
use crate::batch::{Batch, Part, Pass};
use crate::config::{Document, Fields, Node, Problems, Value};
use crate::error::{Error, Problem, Result};
use crate::flow::{Flow, Stop};
use crate::model::{self, LayerSpec, Network, Shape};
use crate::pixels::decode::DecodeOptions;
use crate::pixels::normalize::Normalize;
use crate::sample::Size;
use crate::source::{Source, decoding};
use crate::stage::Ticket;
use crate::stage::augment::Augment;
use crate::stage::batch::{Batcher, LastBatch};
use crate::stage::deal::{self, Parts};
use crate::stage::load::Load;
use crate::train::{ModelCard, ModelFile, weights_blake3};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;

/// Name of the model in a run's folder.
pub const MODEL_FILE: &str = "model.safetensors";
/// Pictures with more pixels are prepared where they are decoded, instead of waiting at their full size.
const EARLY_PIXELS: u64 = 1 << 17;
/// Samples a chunk.
const CHUNK: usize = 8;
/// The most pixels and the longest side of an input.
const LARGEST: (usize, usize) = (1 << 26, 1 << 16);

/// A model with all that its use takes.
pub struct StoredModel {
    /// Its file.
    pub path: PathBuf,
    /// What the file says of it.
    pub card: ModelCard,
    /// What was learned.
    pub network: Network,
    /// The network's layers as they are written.
    pub layers: Vec<Box<dyn LayerSpec>>,
    /// Weights and state.
    pub params: Vec<f32>,
    /// What is done to every picture before it is normalised.
    pub evaluate: Chain,
    /// How files are decoded.
    pub decoding: DecodeOptions,
}

impl StoredModel {
    /// Reads a model: its file, or the folder of the run that made it.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is none, [`Error::Damaged`] where it cannot be used, each with what to do.
    pub fn open(path: &Path) -> Result<Self> {
        let path = find(path)?;
        let mut built = None;
        let file = ModelFile::load(&path, |card| {
            let (network, layers) = read_network(card).map_err(|why| unusable(&path, &why))?;
            let spans = network.spans().to_vec();
            built = Some((network, layers));
            Ok(spans)
        })?;
        let ModelFile { card, params } = file;
        let (network, layers) = built.ok_or_else(|| unusable(&path, "it describes no network"))?;
        let evaluate = read_chain(&card).map_err(|why| unusable(&path, &why))?;
        let decoding = read_decoding(&card).map_err(|why| unusable(&path, &why))?;
        refuse_normalisation(&card).map_err(|why| unusable(&path, &why))?;
        Ok(Self { path, card, network, layers, params, evaluate, decoding })
    }

    /// BLAKE3 of weights and state, in hexadecimal, as the run's report has it.
    pub fn weights_blake3(&self) -> String {
        blake3::Hash::from_bytes(weights_blake3(&self.params, self.network.spans())).to_hex().to_string()
    }

    /// Height and width of the network's input.
    pub fn size(&self) -> Size {
        let [_, height, width] = self.card.input;
        Size::new(height as u32, width as u32)
    }

    /// What the user should know about how pictures are prepared.
    pub fn warnings(&self) -> Vec<String> {
        let size = self.size();
        let fixed = self.evaluate.out_size(None) == Some(size);
        let words = || {
            format!(
                "the model does not bring pictures to its size: it was trained on pictures that had it, and takes those of {size} only; a resize in [[evaluate]] would let it take any"
            )
        };
        (!fixed).then(words).into_iter().collect()
    }

    /// Tickets for `entries` of a source, in their order.
    pub fn tickets(&self, entries: Vec<u32>) -> impl Iterator<Item = Ticket> + Send + use<> {
        let parts = Parts { validation: entries, ..Parts::default() };
        deal::pass(&parts, self.card.seed, Pass { part: Part::Validation, epoch: 0 }, 0)
    }

    /// The stage that prepares pictures; `classes` are the names of the source's.
    pub fn augment_stage<'p>(&'p self, classes: &'p [String]) -> Augment<'p> {
        Augment { seed: self.card.seed, train: &self.evaluate, evaluate: &self.evaluate, size: Some(self.size()), classes }
    }

    /// The stage that reads `source`.
    pub fn load_stage<'p>(&self, source: &'p dyn Source, augment: &'p Augment<'p>) -> Load<'p> {
        let (early_pixels, whole_pixels) = (EARLY_PIXELS, assemble::WHOLE_PIXELS);
        Load { source, test: None, augment, early_pixels, whole_pixels, failed_in_a_row: AtomicU32::new(0) }
    }

    /// Tickets in, batches out, as when the run was tested, with `workers` threads a stage.
    pub fn batches<'p, I>(&'p self, load: &'p Load<'p>, tickets: I, stop: Stop, workers: usize) -> Flow<'p, Batch>
    where
        I: Iterator<Item = Ticket> + Send + 'p,
    {
        let ModelCard { mean, std, input, batch_size, .. } = &self.card;
        let batcher = Batcher::new(*batch_size, LastBatch::Keep, Normalize::new(mean, std), input[0], self.size());
        let loaded = assemble::loaded(load, tickets, stop, (CHUNK, workers));
        assemble::batched(loaded, load.augment, workers, batcher)
    }
}

/// The model's file.
fn find(path: &Path) -> Result<PathBuf> {
    let inside = path.join(MODEL_FILE);
    let shown = path.display();
    match (path.is_dir(), inside.is_file(), path.exists()) {
        (true, true, _) => Ok(inside),
        (true, false, _) => Err(Error::refused(
            format!("there is no {MODEL_FILE} in {shown}"),
            "a run writes its model when it is complete: `pipeline run … --resume` goes on with one that is not",
        )),
        (false, _, true) => Ok(path.to_path_buf()),
        (false, _, false) => {
            Err(Error::refused(format!("there is no {shown}"), "give the model.safetensors of a run, or the run's folder"))
        }
    }
}

fn unusable(path: &Path, why: &str) -> Error {
    let words = "use the program that wrote it, or train the model again";
    Error::Damaged { path: path.to_owned(), why: format!("this model cannot be used: {why}; {words}") }
}

/// Reads a text of the card, and says everything that is wrong with it.
fn read_text<T>(what: &str, text: &str, read: impl FnOnce(&Fields) -> T) -> std::result::Result<T, String> {
    let told = |problems: Vec<Problem>| {
        let words: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        format!("its {what} cannot be read: {}", words.join("; "))
    };
    let document = Document::parse(what, text).map_err(told)?;
    let problems = Problems::default();
    let found = read(&Fields::new(&document, &problems));
    match problems.take() {
        problems if problems.is_empty() => Ok(found),
        problems => Err(told(problems)),
    }
}

/// The network that a card describes, and its layers.
fn read_network(card: &ModelCard) -> std::result::Result<(Network, Vec<Box<dyn LayerSpec>>), String> {
    let [channels, height, width] = card.input;
    let sane = [1, 3].contains(&channels) && height.max(width) <= LARGEST.1 && (1..=LARGEST.0).contains(&(height * width));
    if !sane {
        return Err(format!("it takes {channels} channels of {height}x{width}"));
    }
    let read = || {
        let layers = read_text("network", &card.model, |top| {
            let model = top.table("model", "").map(|fields| model::read(&fields).layers);
            top.finish();
            model.unwrap_or_default()
        });
        layers.and_then(|layers| if layers.is_empty() { Err("its network has no layers".to_owned()) } else { Ok(layers) })
    };
    let network = Network::new(read()?, Shape::new(channels, height, width), card.classes.len());
    let told = |problems: Vec<Problem>| problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ");
    Ok((network.map_err(told)?, read()?))
}

fn read_chain(card: &ModelCard) -> std::result::Result<Chain, String> {
    let chain = read_text("preparation", &card.evaluate, |top| {
        let chain = Chain::build(&top.tables("evaluate", "op", ""));
        top.finish();
        chain.fused(card.fuse_geometry)
    })?;
    match chain.steps().iter().find(|step| !step.is_fixed()) {
        None => Ok(chain),
        Some(step) => Err(format!("`{}` in its preparation is random", step.name())),
    }
}

fn read_decoding(card: &ModelCard) -> std::result::Result<DecodeOptions, String> {
    let options = read_text("decoding", &card.decoding, |fields| {
        let options = decoding(fields);
        fields.finish();
        options
    })?;
    Ok(DecodeOptions { channels: card.input[0], ..options })
}

fn refuse_normalisation(card: &ModelCard) -> std::result::Result<(), String> {
    let [channels, ..] = card.input;
    let finite = card.mean.iter().chain(&card.std).all(|value| value.is_finite());
    let sane = card.mean.len() == channels && card.std.len() == channels && finite && card.std.iter().all(|&std| std > 0.0);
    match (sane, (1..=1 << 20).contains(&card.batch_size)) {
        (true, true) => Ok(()),
        (false, _) => Err(format!("it normalises {channels} channels with {:?} and {:?}", card.mean, card.std)),
        (_, false) => Err(format!("its batches have {} samples", card.batch_size)),
    }
}

/// The TOML tables of a text as JSON, for programs that read no TOML; nothing where it is no TOML.
pub fn tables_as_json(text: &str) -> serde_json::Value {
    let parsed = Document::parse("tables", text).map(|document| as_json(&document.root));
    parsed.unwrap_or(serde_json::Value::Null)
}

fn as_json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Flag(flag) => (*flag).into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => text.clone().into(),
        Value::List(items) => items.iter().map(as_json).collect(),
        Value::Table(entries) => entries.iter().map(|(key, _, node)| (key.clone(), as_json(node))).collect(),
    }
}
