//! What happens, as it happens. Progress bars, reports and traces are folds over these; nothing else carries news upward.

pub mod census;
pub mod diagnosis;
pub mod gauges;
pub mod histogram;
pub mod picture;
pub mod self_check;
pub mod workers;

use crate::batch::Part;
use crate::sample::{BadSample, NoteCounts};
use census::Census;
use diagnosis::Diagnosis;
use gauges::Gauges;
use histogram::Histogram;
use picture::Picture;
use self_check::SelfCheck;
use std::sync::Arc;
use std::time::Duration;
use workers::WorkerChoice;

/// Loss, accuracy and count of one part in one epoch. Averages are weighted by sample count.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Score {
    /// Mean softmax cross-entropy in nats, without regularisation terms.
    pub loss: f64,
    /// Share of samples whose most probable class is their label, 0–1.
    pub accuracy: f64,
    /// Samples that count.
    pub samples: u64,
}

/// How one stage spent its time, summed over its workers.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Meter {
    /// Stage name.
    pub stage: String,
    /// Number of worker threads.
    pub workers: usize,
    /// Samples (or batches) that it passed on.
    pub items: u64,
    /// Time at work.
    pub busy: Duration,
    /// Time waiting for input.
    pub starved: Duration,
    /// Time waiting for room in its output.
    pub blocked: Duration,
    /// Mean number of chunks waiting in its input channel.
    pub queue_depth: f64,
    /// That channel's capacity.
    pub queue_capacity: usize,
}

/// What is known of a run before anything moves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Pipeline name.
    pub name: String,
    /// The run's seed.
    pub seed: u64,
    /// Class names in the order of their numbers.
    pub classes: Vec<String>,
    /// Numbers that are learned.
    pub parameters: u64,
    /// Samples of the training, validation and test parts, bad ones included.
    pub samples: [u64; 3],
    /// Files that a rule left out before anything was read.
    pub filtered: u64,
    /// The memory that the run keeps below, in bytes.
    pub memory_bound: Option<u64>,
    /// What there is of each class and kind of file; none where nobody looked.
    pub census: Option<Census>,
    /// BLAKE3 of the data itself, wherever it lies and however it is split; none where nobody looked.
    pub data_blake3: Option<String>,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// All epochs are done.
    Epochs,
    /// The monitored value did not get better for too long.
    EarlyStopping,
    /// A signal asked for it.
    Interrupted,
    /// Something failed.
    Failed,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A plan stands; nothing has moved yet.
    Planned(Arc<Facts>),
    /// The threads of stages that were left to us have been chosen.
    WorkersChosen(Arc<WorkerChoice>),
    /// Work begins: the run's name, epochs to run, training samples an epoch.
    Started {
        /// Pipeline name.
        name: String,
        /// First epoch, not 0 after a resume.
        first_epoch: u32,
        /// Epochs in all.
        epochs: u32,
        /// Samples an epoch.
        samples: u64,
    },
    /// Stages have begun to work; what they do can be looked at from now on.
    Flowing(Gauges),
    /// The part being walked has moved on.
    Progress {
        /// Which part.
        part: Part,
        /// Epoch, from 0.
        epoch: u32,
        /// Entries done.
        done: u64,
        /// Entries in all.
        total: u64,
        /// Mean loss so far in this pass.
        loss: f64,
    },
    /// The first training batch has been delivered, so long after the run was asked for.
    FirstBatch {
        /// Planning, measuring and everything else before it included.
        after: Duration,
    },
    /// A sample was set aside.
    Quarantined(Arc<BadSample>),
    /// So many more files were odd; each is told once.
    Odd(NoteCounts),
    /// How the parameters are spread at an epoch's end, told just before it where somebody asked for it.
    Weights {
        /// Epoch, from 0.
        epoch: u32,
        /// Of every tensor that is learned, as it is scored and stored, in order.
        tensors: Arc<Vec<Histogram>>,
    },
    /// An epoch is over.
    Epoch {
        /// From 0.
        epoch: u32,
        /// Score over the augmented training samples, measured as they were learned from.
        train: Score,
        /// Score over the validation samples, if there are any.
        validation: Option<Score>,
        /// The rate of the epoch's last step.
        learning_rate: f64,
        /// Time it took, validation included.
        wall: Duration,
        /// Whether it is the best so far.
        best: bool,
    },
    /// Training is over and the weights are chosen.
    Trained {
        /// Why it ended.
        stopped: Stopped,
        /// BLAKE3 of all parameters.
        weights: [u8; 32],
        /// BLAKE3 over the digests of all batches delivered, in order.
        stream: [u8; 32],
    },
    /// Model and data were looked at before the first step.
    SelfChecked(Arc<SelfCheck>),
    /// The test set's score with the chosen weights.
    Tested(Score),
    /// What the predictions of the chosen weights show.
    Diagnosed(Arc<Diagnosis>),
    /// A picture was made of the run.
    Pictured(Arc<Picture>),
    /// Something the user should know.
    Warning(String),
    /// The flow is over.
    Finished {
        /// How every stage spent its time, in order.
        meters: Vec<Meter>,
        /// Time from start to end.
        wall: Duration,
    },
}

/// Whoever wants to hear.
pub trait Listener: Send + Sync {
    /// Takes note of one event. Must not block for long: it is called from the stages.
    fn hear(&self, event: &Event);
}

impl<L: Listener + ?Sized> Listener for &L {
    fn hear(&self, event: &Event) {
        (**self).hear(event);
    }
}
