//! The layout of `report.json`: `outcome`, identical between runs of the same file, apart from `timing`, which may differ.
//! Keys stand in the order of the fields below.

use super::machine::Machine;
use super::produced::{Delivered, WrittenSet};
use crate::event::census::Census;
use crate::event::diagnosis::Diagnosis;
use crate::event::self_check::SelfCheck;
use crate::event::workers::WorkerChoice;
use crate::event::{Event, Meter, Score, Stopped};
use crate::sample::NoteCounts;
use serde::{Deserialize, Serialize};

/// The whole of `report.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What came out: a function of pipeline file, data and seed alone.
    pub outcome: Outcome,
    /// What the look at model and data before the first step found; none where it was left out.
    #[serde(default)]
    pub self_check: Option<SelfCheck>,
    /// What the predictions of the chosen weights show; none before they are chosen. As reproducible as the outcome, and apart from it
    /// because its advice depends on how the same samples were made.
    #[serde(default)]
    pub diagnosis: Option<Diagnosis>,
    /// Files that were used although something was odd about them, by what it was. They are apart from the outcome because a
    /// prepared set, which gives the same outcome, has none.
    #[serde(default)]
    pub odd_files: NoteCounts,
    /// What there is of each class and kind of file; none in reports that did not count it.
    #[serde(default)]
    pub census: Option<Census>,
    /// BLAKE3 of the data itself: class names, samples by their paths below the data's folder, labels, stored sizes. The same wherever
    /// the data lies, however it is split, whatever the seed. Apart from the outcome, which a prepared set gives with other files.
    #[serde(default)]
    pub data_blake3: Option<String>,
    /// The set that was written; in reports of such runs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<WrittenSet>,
    /// What was delivered to be measured; in reports of such runs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Delivered>,
    /// Why the run did not come to its end, in words; none while it goes on, and where it did.
    #[serde(default)]
    pub failure: Option<String>,
    /// What it took.
    pub timing: Timing,
}

/// What came out of a run. Epochs are counted from 1 in everything that is written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Pipeline name.
    pub name: String,
    /// The run's seed.
    pub seed: u64,
    /// Class names in the order of their numbers.
    pub classes: Vec<String>,
    /// Numbers that were learned.
    pub parameters: u64,
    /// How many samples there are of each kind.
    pub samples: SampleCounts,
    /// One record an epoch, in order.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose weights were the best; none where nothing was validated.
    pub best_epoch: Option<u32>,
    /// Why training ended; none while it goes on.
    pub stopped: Option<Stopped>,
    /// Score over the test samples with the chosen weights.
    pub test: Option<Score>,
    /// BLAKE3 of all parameters, in hexadecimal.
    pub weights_blake3: Option<String>,
    /// BLAKE3 over the digests of all batches delivered, in hexadecimal.
    pub stream_blake3: Option<String>,
}

/// Samples a part, and those that were not used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SampleCounts {
    /// Of the training part, bad ones included.
    pub train: u64,
    /// Of the validation part, bad ones included.
    pub validation: u64,
    /// Of the test part, bad ones included.
    pub test: u64,
    /// Different samples set aside, over all parts.
    pub quarantined: u64,
    /// Files that a rule left out before anything was read.
    pub filtered: u64,
}

/// One epoch of [`Outcome`], one row of `metrics.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: u32,
    /// Over the augmented training samples, measured as they were learned from.
    pub train: Score,
    /// Over the validation samples, where there are any.
    pub validation: Option<Score>,
    /// The rate of the epoch's last step.
    pub learning_rate: f64,
    /// Whether it was the best up to then.
    pub best: bool,
}

/// What a run took; times in seconds, memory in bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Start to end of this process's part of the run.
    pub wall_seconds: f64,
    /// Processor time of all threads in this process's part of the run; none where the system does not tell.
    #[serde(default)]
    pub core_seconds: Option<f64>,
    /// From the start of the process's work to the first training batch delivered; none where there was none.
    #[serde(default)]
    pub first_batch_seconds: Option<f64>,
    /// Each epoch that this process ran, validation included.
    pub epoch_seconds: Vec<f64>,
    /// Every stage, in order.
    pub stages: Vec<StageRecord>,
    /// Which stage limits, in one sentence; empty until the flow has ended.
    pub limiting: String,
    /// The most memory that was resident, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// The bound that the plan computed.
    pub memory_bound_bytes: Option<u64>,
    /// How many threads stand for "auto", and why; none where the pipeline gives all numbers.
    #[serde(default)]
    pub workers: Option<WorkerChoice>,
    /// Where it ran.
    pub machine: Machine,
}

/// How one stage spent its time, summed over its workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its name.
    pub stage: String,
    /// Its threads.
    pub workers: usize,
    /// What it passed on.
    pub items: u64,
    /// The same, a second of wall time.
    pub items_per_second: f64,
    /// At work.
    pub busy_seconds: f64,
    /// Waiting for input.
    pub starved_seconds: f64,
    /// Waiting for room in its output.
    pub blocked_seconds: f64,
    /// Mean number of chunks waiting in its input channel.
    pub queue_depth: f64,
    /// That channel's capacity.
    pub queue_capacity: usize,
}

impl EpochRecord {
    /// The record of an [`Event::Epoch`]; none of any other event.
    pub fn of(event: &Event) -> Option<Self> {
        let Event::Epoch { epoch, train, validation, learning_rate, best, .. } = event else { return None };
        Some(Self { epoch: epoch + 1, train: *train, validation: *validation, learning_rate: *learning_rate, best: *best })
    }
}

impl StageRecord {
    /// The record of `meter` after `wall` seconds.
    pub fn new(meter: &Meter, wall: f64) -> Self {
        Self {
            stage: meter.stage.clone(),
            workers: meter.workers,
            items: meter.items,
            items_per_second: if wall > 0.0 { meter.items as f64 / wall } else { 0.0 },
            busy_seconds: meter.busy.as_secs_f64(),
            starved_seconds: meter.starved.as_secs_f64(),
            blocked_seconds: meter.blocked.as_secs_f64(),
            queue_depth: meter.queue_depth,
            queue_capacity: meter.queue_capacity,
        }
    }
}

impl Document {
    /// The text of `report.json`: indented, keys always in the same order, floats in the shortest form that reads back to the
    /// same bits; a value that is not finite is `null`.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("string keys and plain values always serialise");
        text.push('\n');
        text
    }
}
