//! The words of `pipeline data`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `pipeline data`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Draw a data set, reproducible byte for byte
    Synth {
        /// Which one
        what: Synthetic,
        /// The number from which it follows
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Folder to write to; must not hold anything else
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Download a public data set from its official place, checked against a pinned SHA-256
    Fetch {
        /// Which one
        what: Public,
        /// Folder to write to [default: data/mnist, data]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Another place that serves the same files
        #[arg(long, value_name = "URL")]
        base_url: Option<String>,
    },
    /// Look at every picture: formats, sizes, colours, damage, duplicates, label conflicts, leaks, class balance
    Census(CensusArgs),
    /// Measure mean and standard deviation of the channels, ready to be pasted into a pipeline file
    Stats(StatsArgs),
    /// List the BLAKE3 of every file, as b3sum does
    Hash(HashArgs),
    /// Name every file that differs from a list of hashes
    Verify(DataVerifyArgs),
    /// Write down who is trained on, validated with and tested with: lists that `format = "manifest"` reads
    Split(SplitArgs),
    /// Store a data set in another format: a folder of class folders, or shards
    Convert(ConvertArgs),
}

/// Which data, with which changes.
#[derive(Args, Debug)]
pub struct DataArgs {
    /// A folder of class folders (or with parts like train and test), IDX, CIFAR or .tar files, a .csv list, or a pipeline
    #[arg(value_name = "PATH|PIPELINE")]
    pub given: String,
    /// A key of the source (channels=1), or of the pipeline (source.channels=1); may be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `pipeline data census`.
#[derive(Args, Debug)]
pub struct CensusArgs {
    /// Which data.
    #[command(flatten)]
    pub data: DataArgs,
    /// Entries of every list that are shown; --json lists all
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
}

/// `pipeline data stats`.
#[derive(Args, Debug)]
pub struct StatsArgs {
    /// Which data.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `pipeline data hash`.
#[derive(Args, Debug)]
pub struct HashArgs {
    /// The folder
    pub path: PathBuf,
    /// File for the list instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Print one JSON document, with the bytes of every file
    #[arg(long)]
    pub json: bool,
}

/// `pipeline data verify`.
#[derive(Args, Debug)]
pub struct DataVerifyArgs {
    /// The folder
    pub path: PathBuf,
    /// The list that `pipeline data hash` or b3sum has written
    pub manifest: PathBuf,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `pipeline data split`.
#[derive(Args, Debug)]
pub struct SplitArgs {
    /// A folder of class folders, a .csv list, or a pipeline
    #[arg(value_name = "PATH|PIPELINE")]
    pub given: String,
    /// Folder for train.csv, validation.csv, test.csv and source.toml; must not hold anything else
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Share of samples to validate with, or auto [default: the pipeline's, 0.2 for a path]
    #[arg(long, value_name = "SHARE")]
    pub validation: Option<String>,
    /// Share of samples to test with, or auto [default: the pipeline's, 0.1 for a path]
    #[arg(long, value_name = "SHARE")]
    pub test: Option<String>,
    /// The number from which the split follows [default: the pipeline's, 0 for a path]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// Whether every class is split by the same shares [default: the pipeline's, true for a path]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub stratify: Option<bool>,
    /// A key of the source, or of the pipeline; may be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `pipeline data convert`.
#[derive(Args, Debug)]
pub struct ConvertArgs {
    /// A folder of class folders, IDX, CIFAR or .tar files, or a .csv list
    pub from: PathBuf,
    /// Folder for the new set
    pub to: PathBuf,
    /// What it becomes
    #[arg(long, value_name = "FORMAT")]
    pub format: StoredFormat,
    /// How pictures are stored; png and raw (shards only) lose nothing
    #[arg(long, value_name = "ENCODING", default_value = "png")]
    pub encoding: StoredEncoding,
    /// Quality of JPEG, 1 to 100 [default: 90]
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: Option<u8>,
    /// Bytes of a shard, like 256MiB
    #[arg(long, value_name = "BYTES")]
    pub shard_size: Option<String>,
    /// A key of the source, like part=test or max_bad=0.1; may be given many times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Complete a set that was interrupted
    #[arg(long)]
    pub resume: bool,
    /// Say nothing but warnings and errors
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
    /// Print JSON lines of what happens to standard output
    #[arg(long)]
    pub json: bool,
}

/// Formats that are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum StoredFormat {
    /// One file each, in a folder for each class
    ImageFolder,
    /// Tar archives as WebDataset reads them
    Shards,
}

/// How pictures are stored.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StoredEncoding {
    /// Lossless, smaller
    Png,
    /// Smaller still, not the same pixels
    Jpeg,
    /// Lossless, nothing to decode, shards only
    Raw,
}

/// Data sets that are drawn.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Synthetic {
    /// Cars of two brands, seen from one side only in training
    Brands,
}

/// Data sets that are fetched.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Public {
    /// Handwritten digits, 28x28 gray
    Mnist,
    /// Ten kinds of things, 32x32 RGB
    Cifar10,
}
