//! Options of the commands that use a trained model.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `pipeline predict`.
#[derive(Args, Debug)]
pub struct PredictArgs {
    /// A model: model.safetensors of a run, or the run's folder
    pub model: PathBuf,
    /// Picture files, and folders of them at any depth; rows come in this order
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// A model whose probabilities are averaged with those of MODEL, of the same classes and prepared alike; may be given many times
    #[arg(long, value_name = "MODEL")]
    pub with: Vec<PathBuf>,
    /// How rows are written [default: by the name of --out; else a table on a terminal, csv otherwise]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<RowFormat>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Name the K likeliest classes
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// Give the probability of every class, too
    #[arg(long)]
    pub probabilities: bool,
    /// Write to this file, whole or not at all, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write over the file
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Share of pictures that may be bad, 0 to 1; with more, all rows are written and the exit code is 3
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub max_bad: f64,
    /// Threads of every stage; results do not depend on them [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Say nothing but warnings and errors beside the rows
    #[arg(long, short)]
    pub quiet: bool,
}

/// Forms of rows.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RowFormat {
    /// Aligned columns for people
    Table,
    /// Comma-separated, with a line of titles
    Csv,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
}

/// `pipeline evaluate`.
#[derive(Args, Debug)]
pub struct EvaluateArgs {
    /// A model: model.safetensors of a run, or the run's folder
    pub model: PathBuf,
    /// A folder of class folders, a folder or file of IDX or CIFAR data, a .csv with the columns path and label, a pipeline or the
    /// folder of a run [default: the test set of the model's own run]
    pub source: Option<String>,
    /// A model whose probabilities are averaged with those of MODEL, of the same classes and prepared alike; may be given many times
    #[arg(long, value_name = "MODEL")]
    pub with: Vec<PathBuf>,
    /// A key of the source as in [source] (part=train), or of the pipeline; may be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Which part of a pipeline's samples
    #[arg(long, value_name = "PART", default_value = "test")]
    pub part: EvaluatedPart,
    /// Leave out samples of classes that the model does not know, instead of refusing them
    #[arg(long)]
    pub skip_unknown: bool,
    /// Count, too, how often the right class is among the K likeliest
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// Threads of every stage; results do not depend on them [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Say nothing but warnings, errors and the result
    #[arg(long, short)]
    pub quiet: bool,
    /// Print one JSON document, with the confusion counts
    #[arg(long)]
    pub json: bool,
}

/// Parts of a pipeline's samples.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum EvaluatedPart {
    /// Those that are scored at the end of a run
    Test,
    /// Those that are scored after every epoch
    Validation,
    /// Those that are learned from, without augmentation
    Train,
}

/// `pipeline export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// A model: model.safetensors of a run, or the run's folder
    pub model: PathBuf,
    /// Which form: onnx (opset 20; input `image`, output `logits`), or safetensors (PyTorch's names)
    #[arg(long, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// The file [default: NAME.onnx or NAME.safetensors, here]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write over the file
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Forms of models.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportFormat {
    /// A graph of operators with weights
    Onnx,
    /// Weights alone
    Safetensors,
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a number from 0 to 1".to_owned()),
    }
}
