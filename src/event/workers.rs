//! How many threads the stages of a run have, and why. Knows no plan and no clock.

use serde::{Deserialize, Serialize};

/// Threads of the three stages that may have more than one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Threads {
    /// Threads that read and decode.
    pub load: usize,
    /// Threads that augment.
    pub augment: usize,
    /// Threads of the trainer.
    pub train: usize,
}

impl Threads {
    /// Of all stages together.
    pub fn sum(self) -> usize {
        self.load + self.augment + self.train
    }

    /// "load 1, augment 2, train 2".
    pub fn words(self) -> String {
        format!("load {}, augment {}, train {}", self.load, self.augment, self.train)
    }
}

/// Where the numbers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    /// Every stage was measured for a moment before the run began.
    Measured,
    /// They had been written down by `pipeline tune --lock`.
    Locked,
    /// Nothing was measured: one thread a core.
    #[default]
    Cores,
}

/// What one stage gave by itself, with so many threads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasuredRate {
    /// Its name.
    pub stage: String,
    /// Its threads then.
    pub threads: usize,
    /// Images a second.
    pub rate: f64,
}

/// The numbers that stand for "auto" in this run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerChoice {
    /// The numbers, those that the pipeline gives among them.
    pub threads: Threads,
    /// Where they come from.
    pub chosen_by: ChosenBy,
    /// Cores that the process may use: its affinity and its group's quota.
    pub cores: usize,
    /// Images a second that are expected; none where nothing was measured.
    pub predicted: Option<f64>,
    /// Seconds that measuring took.
    pub seconds: f64,
    /// Every stage by itself.
    pub rates: Vec<MeasuredRate>,
    /// Why these, in a sentence without its full stop.
    pub why: String,
}

impl WorkerChoice {
    /// "load 1, augment 1, train 2 (measured for 1.2 s: about 812 images/s, train limits)".
    pub fn words(&self) -> String {
        format!("{} ({})", self.threads.words(), self.why)
    }
}
