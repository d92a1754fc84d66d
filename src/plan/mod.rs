//! Pipeline file → checked plan. Once a [`Plan`] exists, nothing about the configuration can fail any more: names, ranges, shapes
//! and files have been checked, and all problems were shown together. Runs nothing.

mod assemble;
mod census;
mod data;
mod end;
mod keys;
mod memory;
mod normalize;
mod preprocess;
mod resolved;
mod sections;
mod stored;
mod twice;
mod views;
mod workers;

pub use data::{Cache, Data};
pub use end::{End, TrainEnd, WriteEnd};
pub use keys::file_keys;
pub use memory::{MemoryBound, memory_bound};
pub use normalize::NormalizePlan;
use preprocess::Expanded;
pub use preprocess::Preprocess;
pub use resolved::{epochs_of, fingerprint, fingerprint_of, resolved_text};
pub use sections::SECTIONS;
pub use stored::{MODEL_FILE, StoredModel, tables_as_json};
pub use workers::{Automatic, Workers};

use crate::augment::Chain;
use crate::config::{Document, Fields, Limits, Problems};
use crate::error::{Error, Result, nearest};
use crate::event::workers::WorkerChoice;
use crate::mix::Mix;
use crate::sample::Size;
use crate::stage::batch::LastBatch;
use crate::stage::deal::Epochs;
use crate::train::Length;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything a run does, checked.
pub struct Plan {
    /// The pipeline's name: what its run folders are called.
    pub name: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// The one number from which all randomness of the run follows.
    pub seed: u64,
    /// The file it was read from.
    pub file: PathBuf,
    /// The file as it was understood: with every `--set` applied and its preset written out.
    pub document: Document,
    /// The preset that was written out, if there was one.
    pub preprocess: Option<Preprocess>,
    /// Samples, and which of them serve for what.
    pub data: Data,
    /// What is done to training samples.
    pub augment: Chain,
    /// What is done to all others.
    pub evaluate: Chain,
    /// Size of every picture after the chain; none where it varies (an offline set only).
    pub size: Option<Size>,
    /// Mean and standard deviation that values are normalised with.
    pub normalize: NormalizePlan,
    /// Samples a batch.
    pub batch_size: usize,
    /// What becomes of a last, smaller batch.
    pub last_batch: LastBatch,
    /// How the pictures of a training batch are mixed with each other.
    pub mix: Mix,
    /// Threads and memory.
    pub workers: Workers,
    /// Why the stages have as many threads as they have, once that has been decided; none where the file gives all numbers.
    pub worker_choice: Option<Arc<WorkerChoice>>,
    /// What the samples are for.
    pub end: End,
    /// Folder of run folders.
    pub runs: PathBuf,
    /// What is written for other programs.
    pub outputs: Outputs,
    /// The error that training error is held against, where the file gives one.
    pub reference_error: Option<f64>,
}

/// What a run writes for other programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Whether TensorBoard's event file.
    pub tensorboard: bool,
    /// The file of metrics, if there is to be one.
    pub openmetrics: Option<PathBuf>,
}

impl Plan {
    /// Reads `name` (a file, or `pipelines/NAME.toml`) with the overrides of `sets`.
    ///
    /// # Errors
    /// [`Error::Refused`] with every problem found.
    pub fn load(name: &str, sets: &[String]) -> Result<Self> {
        let file = find_file(name)?;
        let text = read_text(&file).map_err(|error| unreadable(&file, &error))?;
        let mut document = Document::parse(&file.display().to_string(), &text).map_err(Error::Refused)?;
        let problems = Problems::default();
        sets.iter().filter_map(|set| document.set(set).err()).for_each(|problem| problems.push(problem));
        Self::read_with(document, file, &problems)
    }

    /// Checks a parsed file whose relative paths are relative to `file`'s folder.
    ///
    /// # Errors
    /// [`Error::Refused`] with every problem found; [`Error::Io`] where data cannot be read at all.
    pub fn read(document: Document, file: PathBuf) -> Result<Self> {
        Self::read_with(document, file, &Problems::default())
    }

    /// Batches in an epoch whose samples are all good.
    pub fn batches_per_epoch(&self) -> usize {
        let samples = self.data.parts.train.len();
        match self.last_batch {
            LastBatch::Keep => samples.div_ceil(self.batch_size),
            LastBatch::Drop => samples / self.batch_size,
        }
    }

    /// How much of the training part a run of such a length reads.
    pub fn epochs(&self, length: Length) -> Epochs {
        let part = usize::try_from(length.last).unwrap_or(usize::MAX).saturating_mul(self.batch_size);
        Epochs { count: length.epochs, last: if length.ends_early() { part } else { usize::MAX } }
    }

    /// What a trainer of this plan must know beside the model and `[train]`.
    pub fn setup(&self) -> crate::train::Setup {
        let (seed, batch_size, threads) = (self.seed, self.batch_size, self.workers.train);
        crate::train::Setup { seed, batch_size, steps_per_epoch: self.batches_per_epoch() as u64, threads }
    }

    fn read_with(document: Document, file: PathBuf, problems: &Problems) -> Result<Self> {
        let Expanded { document, preset, broken } = preprocess::expand(&document, problems);
        let top = Fields::new(&document, problems);
        let plan = read_plan(&top, &document, preset, broken, file);
        let found = problems.take();
        match plan {
            _ if !found.is_empty() => Err(Error::Refused(found)),
            Some(plan) => Ok(plan),
            None => Err(Error::refused("the pipeline could not be read", "please report this: no problem was named")),
        }
    }
}

/// Reads every section, noting problems as it goes; none where too little is known to make a plan.
fn read_plan(top: &Fields, document: &Document, preprocess: Option<Preprocess>, broken: bool, file: PathBuf) -> Option<Plan> {
    let base = file.parent().unwrap_or(Path::new(".")).to_path_buf();
    let stem = file.file_stem().map_or_else(|| "pipeline".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let name = top.key("name", "what run folders are called").text().or(stem);
    if name.chars().any(|c| c == '/' || c == '\\' || c.is_control()) || name.starts_with('.') {
        top.complain("name", format!("`name` cannot be {name:?}"), "it becomes a folder's name: no slash, no dot in front");
    }
    let about = top.key("about", "what it shows, in a sentence").text().or(String::new());
    let seed = top.key("seed", "the number from which all randomness follows").integer(0, i64::MAX).or(0) as u64;
    let data = data::read(top, &base, seed);
    preprocess::read_key(top);
    let (augment, evaluate) = read_chains(top);
    let augment = augment.scaled(data.as_ref().is_some_and(|data| data.scaled));
    let (batch_size, last_batch, mix) = read_batches(top, data.as_ref());
    let workers = workers::read_table(top);
    let (runs, reference_error, (tensorboard, openmetrics)) =
        sections::read_report(&top.table_or_empty("report", "where results go, and what they are held against"));
    let runs = base.join(runs);
    let outputs = Outputs { tensorboard, openmetrics: openmetrics.map(|path| base.join(path)) };
    let channels = data.as_ref().map_or(3, |data| data.channels);
    if let Some(preset) = preprocess.as_ref().filter(|_| channels != 3) {
        preset.refuse_channels(top, channels);
        return None;
    }
    let normalize = normalize::read(&top.table_or_empty("normalize", "how values are brought to mean 0 and deviation 1"), channels);
    let normalize = views::normalize(normalize, &augment, channels);
    let size = data.as_ref().filter(|_| !broken).and_then(|data| data.common_size(top, &augment, &evaluate));
    let end = end::read(top, &base, data.as_ref(), size);
    views::refuse_use(top, &augment, &evaluate, end.as_ref());
    top.finish();
    let mut data = data?;
    data.scaling(top, &augment);
    let data = data.keeping(top, &runs);
    Some(Plan {
        name,
        about,
        seed,
        file,
        document: document.clone(),
        preprocess,
        data,
        augment,
        evaluate,
        size,
        normalize,
        batch_size,
        last_batch,
        mix,
        workers,
        worker_choice: None,
        end: end?,
        runs,
        outputs,
        reference_error,
    })
}

/// What is done to training samples, and to all others.
fn read_chains(top: &Fields) -> (Chain, Chain) {
    let fusing = "whether consecutive geometric operations are made in one resampling, so that pixels are interpolated once";
    let fuse = top.key("fuse_geometry", fusing).flag().or(false);
    let augment_tables = top.tables("augment", "op", "what is done to training samples, in this order");
    let augment = Chain::build(&augment_tables).fused(fuse);
    let evaluate_tables = top.tables("evaluate", "op", "what is done to validation and test samples, in this order");
    let evaluate = Chain::build(&evaluate_tables).fused(fuse);
    refuse_random(&evaluate, &evaluate_tables);
    views::refuse(top, (&augment, &augment_tables), (&evaluate, &evaluate_tables));
    (augment, evaluate)
}

fn read_batches(top: &Fields, data: Option<&Data>) -> (usize, LastBatch, Mix) {
    let (batch_size, last_batch, mix) = sections::read_batch(&top.table_or_empty("batch", "how samples are collected"));
    if let Some(data) = data.filter(|data| last_batch == LastBatch::Drop && data.parts.train.len() < batch_size) {
        let message =
            format!("{} training samples fill no batch of {batch_size}, and `last` drops what is smaller", data.parts.train.len());
        top.complain("batch", message, "lower `size`, or last = \"keep\"");
    }
    if top.has("write") && !mix.is_empty() {
        let help = "leave it out here, and give it in the file that trains from the set";
        top.complain("batch", "`mix` in [batch] mixes batches, and [write] stores single pictures", help);
    }
    (batch_size, last_batch, mix)
}

/// The file's text; of a file that is far too long, enough to be refused for it.
fn read_text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(16 << 20).read_to_string(&mut text)?;
    Ok(text)
}

/// Scores are to be compared: what is done to validation and test samples must not depend on dice.
fn refuse_random(chain: &Chain, tables: &[Fields]) {
    // Steps and tables go together only where every table made a step; where one did not, that is a problem of its own.
    for (step, table) in chain.steps().iter().zip(tables).filter(|_| chain.steps().len() == tables.len()) {
        if !step.is_fixed() {
            let help = "use it in [[augment]]; for a fixed change give it p = 1 and a single value, or use resize or center_crop";
            table.complain("op", format!("`{}` in [[evaluate]] is random", step.name()), help);
        }
    }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Error {
    Error::refused(format!("cannot read {}: {error}", file.display()), "pipeline files are UTF-8 text")
}

/// The file that `name` means.
fn find_file(name: &str) -> Result<PathBuf> {
    let as_path = PathBuf::from(name);
    if as_path.extension().is_some_and(|extension| extension == "toml") || name.contains('/') {
        return match as_path.is_file() {
            true => Ok(as_path),
            false => Err(Error::refused(
                format!("there is no file {}", as_path.display()),
                "give a NAME from `pipeline list`, or a path",
            )),
        };
    }
    let in_folder = Path::new("pipelines").join(format!("{name}.toml"));
    if in_folder.is_file() {
        return Ok(in_folder);
    }
    let names = pipeline_names(Path::new("pipelines"));
    let help = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "there is no folder `pipelines` here; give the path of a file".to_owned(),
        None => format!("there are: {}", names.join(", ")),
    };
    Err(Error::refused(format!("there is no pipeline `{name}`"), help))
}

/// Names of the pipeline files in `folder`, sorted; what `pipeline tune` has left beside them is none.
pub fn pipeline_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let stems = entries.filter_map(|entry| {
        let path = entry.path();
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        path.file_stem()
            .filter(|stem| is_toml && !stem.as_encoded_bytes().ends_with(b".tuned"))
            .map(|stem| stem.to_string_lossy().into_owned())
    });
    let mut names: Vec<String> = stems.collect();
    names.sort();
    names
}

/// The share of samples that may be bad before a run stops.
pub fn read_max_bad(source: &Fields) -> f64 {
    source.key("max_bad", "share of samples that may be set aside before the run stops").number(Limits::UNIT).or(0.01)
}
