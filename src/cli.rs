//! Commands and options. Knows words only: what they do stands in `job`.

mod compare;
mod data;
mod model;
mod ship;

pub use compare::{AblateArgs, CompareArgs, ReportArgs, Sort};
pub use data::{
    ConvertArgs, DataArgs, DataCommand, DataVerifyArgs, HashArgs, Public, SplitArgs, StoredEncoding, StoredFormat, Synthetic,
};
pub use model::{EvaluateArgs, EvaluatedPart, ExportArgs, ExportFormat, PredictArgs, RowFormat};
pub use ship::{completions, man};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Folders of labelled images in, trained classifiers and augmented data sets out, on ordinary CPUs.
#[derive(Debug, Parser)]
#[command(name = "pipeline", version, about, arg_required_else_help = true, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What a user can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a pipeline: train a classifier, or write an augmented data set
    Run(RunArgs),
    /// Try learning rates on a copy of the model, draw the curve of losses, and suggest one
    FindLr(FindLrArgs),
    /// Show the checked plan: stages, shapes, parameters, memory; runs nothing
    Check(CheckArgs),
    /// Say what a trained model takes pictures for
    Predict(PredictArgs),
    /// Score a trained model on labelled pictures
    Evaluate(EvaluateArgs),
    /// Write a trained model for other programs: ONNX or safetensors
    Export(ExportArgs),
    /// Measure where the time of a pipeline goes: stages or layers, what limits, and what would help
    Profile(ProfileArgs),
    /// Find the numbers of threads that make a pipeline fastest on this machine, and write them down
    Tune(TuneArgs),
    /// Write the page of a run again, from its folder
    Report(ReportArgs),
    /// Show runs side by side: what differs, scores, time; equal runs with different seeds as means with intervals
    Compare(CompareArgs),
    /// Train with and without each part of a pipeline, over several seeds, and show what each is worth
    Ablate(AblateArgs),
    /// Show what happens to samples, step by step: a contact sheet and a page
    Preview(PreviewArgs),
    /// List pipelines, operations, layers and everything else that can be named
    List(ListArgs),
    /// Explain one of them: every key with its range, default and an example
    Describe(DescribeArgs),
    /// Recompute the table of reference checksums on this machine and say what holds
    Verify(VerifyArgs),
    /// Print what makes a shell complete commands, options and names of pipelines
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for every command
    Man {
        /// Folder for the pages; without it, the first is printed
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Print the JSON Schema of pipeline files, by which editors complete and check them
    Schema {
        /// Write it to a file instead
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make or fetch data; count, measure, hash, verify, split and convert it
    #[command(subcommand)]
    Data(DataCommand),
}

/// Which pipeline, with which changes.
#[derive(Args, Debug)]
pub struct PipelineArgs {
    /// A pipeline of `pipelines/`, or the path of a file
    #[arg(value_name = "NAME|FILE")]
    pub name: String,
    /// Override a key of the file; may be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Threads of every stage (the same as --set workers.load=N, augment and train)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
}

impl PipelineArgs {
    /// All overrides, `--workers` among them.
    pub fn overrides(&self) -> Vec<String> {
        let threads = self.workers.iter().flat_map(|n| ["load", "augment", "train"].map(|stage| format!("workers.{stage}={n}")));
        threads.chain(self.sets.iter().cloned()).collect()
    }
}

/// `pipeline run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Which pipeline.
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    /// Folder for the results instead of a new one below the pipeline's report.path
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Finish within this time: 10m, 1h30m, 90s. Epochs are lowered to what fits (the same as --set train.budget=TIME)
    #[arg(long, value_name = "TIME")]
    pub budget: Option<String>,
    /// Go on with the run in --out, or with the newest unfinished run of this pipeline
    #[arg(long)]
    pub resume: bool,
    /// Write the I-th of N shares of an offline set (I from 1): machines need not know of each other, put together they are the whole
    #[arg(long, value_name = "I/N", value_parser = augpipe::job::run::Share::parse)]
    pub shard: Option<augpipe::job::run::Share>,
    /// Do not try model and data before the first step (labels, inputs, first loss, gradient, one batch learned by heart)
    #[arg(long)]
    pub no_self_check: bool,
    /// Write a JSON line for every event to this file; --resume adds to it
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Keep a file of numbers for Prometheus up to date (in place of the pipeline's report.openmetrics)
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// Write the page of a run that writes a set or only measures to this file (a run that trains has one in its folder)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Say nothing but warnings and errors
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
    /// Print the same lines to standard output, without those of progress, the report last
    #[arg(long)]
    pub json: bool,
    /// Show the run on the whole screen: stages and their queues, curves, what limits; q asks it to stop
    #[arg(long, conflicts_with_all = ["quiet", "json"])]
    pub tui: bool,
}

/// `pipeline find-lr`.
#[derive(Args, Debug)]
pub struct FindLrArgs {
    /// Which pipeline.
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    /// The first rate
    #[arg(long, value_name = "RATE", default_value_t = 1e-6)]
    pub from: f64,
    /// The last rate
    #[arg(long, value_name = "RATE", default_value_t = 10.0)]
    pub to: f64,
    /// How many are tried, one step each
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub steps: u32,
    /// Folder for the curve instead of a new one below the pipeline's report.path
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print the curve as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `pipeline check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Which pipeline.
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `pipeline profile`.
#[derive(Args, Debug)]
pub struct ProfileArgs {
    /// Which pipeline.
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    /// Measure the layers of the network instead: milliseconds, GFLOP/s, share of what the processor can do
    #[arg(long)]
    pub layers: bool,
    /// Time one stage only: load, augment, batch or train; of a pipeline with [write]: write or store
    #[arg(long, value_name = "NAME", conflicts_with_all = ["layers", "verify", "html", "trace"])]
    pub stage: Option<String>,
    /// Follow the advice, measure again, and show what was predicted beside it
    #[arg(long, conflicts_with = "layers")]
    pub verify: bool,
    /// How long all stages together are measured, in seconds; each stage by itself a tenth of it for every number of workers
    #[arg(long, value_name = "S", default_value_t = 3.0, value_parser = seconds)]
    pub seconds: f64,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Write a page with the flow drawn
    #[arg(long, value_name = "FILE", conflicts_with = "layers")]
    pub html: Option<PathBuf>,
    /// Write a trace of all stages together for Chrome's or Perfetto's viewer, a span a chunk and stage
    #[arg(long, value_name = "FILE", conflicts_with = "layers")]
    pub trace: Option<PathBuf>,
}

/// `pipeline tune`.
#[derive(Args, Debug)]
pub struct TuneArgs {
    /// Which pipeline.
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    /// How long stages are measured by themselves, in seconds; each setting with all stages at work a third of it
    #[arg(long, value_name = "S", default_value_t = 3.0, value_parser = seconds)]
    pub seconds: f64,
    /// Measure the five settings that promise most with all stages at work
    #[arg(long)]
    pub verify: bool,
    /// Measure every setting with all stages at work
    #[arg(long, conflicts_with = "verify")]
    pub exhaustive: bool,
    /// Write the best setting to NAME.tuned.toml beside the pipeline: later runs on this machine use it
    #[arg(long)]
    pub lock: bool,
    /// Remove that file
    #[arg(long, conflicts_with_all = ["lock", "verify", "exhaustive", "json"])]
    pub unlock: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.1..=3600.0).contains(&number) { Ok(number) } else { Err("0.1 to 3600".to_owned()) }
}

/// `pipeline preview`.
#[derive(Args, Debug)]
pub struct PreviewArgs {
    /// A pipeline of `pipelines/`, the path of a file, or the folder of a run
    #[arg(value_name = "NAME|FILE|RUN")]
    pub name: String,
    /// Override a key of the file; may be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// The epoch whose draws are shown, from 0
    #[arg(long, value_name = "E", default_value_t = 0)]
    pub epoch: u32,
    /// Show this sample: its path below the data's folder, or FILE/NUMBER of a record; may be given many times
    #[arg(long = "sample", value_name = "ID")]
    pub samples: Vec<String>,
    /// How many samples of the epoch's pass are shown where none is named
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub count: u16,
    /// Folder for preview.png and preview.html [default: preview, beside or in the run folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Make the batches of the epoch again, as the run does, and show the rows that the trainer saw
    #[arg(long)]
    pub replay: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `pipeline list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `pipeline describe`.
#[derive(Args, Debug)]
pub struct DescribeArgs {
    /// An operation, layer, source, optimizer, schedule, preset …, a pipeline, or the path of a model or of its run
    pub name: String,
    /// Draw an operation's range as a strip of pictures instead
    #[arg(long)]
    pub picture: bool,
    /// The picture's file [default: NAME.png]
    #[arg(long, value_name = "FILE", requires = "picture")]
    pub out: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `pipeline verify`.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Shells that can complete.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shell {
    /// source <(pipeline completions bash), or a file of its output below ~/.local/share/bash-completion/completions/pipeline
    Bash,
    /// a file `_pipeline` of its output in a folder of $fpath
    Zsh,
    /// a file ~/.config/fish/completions/pipeline.fish of its output
    Fish,
}
