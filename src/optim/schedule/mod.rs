//! How the learning rate changes over a run: a peak, a schedule's factor, a warm-up. Knows no parameter and no gradient.
//!
//! A schedule is a pure function of the place in the run; `plateau` alone also looks at a [`Memory`], which is data and lies in
//! the checkpoint.

mod constant;
mod cosine;
mod exponential;
mod inverse_time;
mod linear;
mod one_cycle;
mod plateau;
mod rate;
mod step;
mod triangle;

pub use rate::{LearningRate, Warmup};

use crate::config::Fields;
use crate::event::Score;
use crate::registry::Entry;

/// A step's place in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Steps made before it, over all epochs.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch: u32,
    /// Steps in an epoch, at least 1.
    pub steps_per_epoch: u64,
    /// Steps in the run, at least 1. The last epoch may have fewer than the others.
    pub steps: u64,
}

impl Place {
    /// Share of the run's steps that lie before this one, 0 to 1.
    pub fn share(self) -> f64 {
        (self.step as f64 / self.steps as f64).min(1.0)
    }
}

/// What a schedule remembers from epoch to epoch.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Memory {
    /// Best value watched so far.
    pub best: Option<f64>,
    /// Epochs in a row that were no better.
    pub waited: u32,
    /// How often the rate was cut.
    pub cuts: u32,
}

/// A rule that says which share of the peak rate holds when.
pub trait Schedule: Send + Sync + std::fmt::Debug {
    /// Share of the peak rate at `at`, 0 or more.
    fn factor(&self, at: Place, memory: &Memory) -> f64;

    /// Takes note of an epoch's scores.
    fn note_epoch(&self, _memory: &mut Memory, _train: &Score, _validation: Option<&Score>) {}

    /// Whether it works only where there are validation samples.
    fn needs_validation(&self) -> bool {
        false
    }
}

/// Reads a schedule's keys.
pub type BuildSchedule = fn(&Fields) -> Box<dyn Schedule>;

/// Every schedule; an example is the table `learning_rate` of `[train]`.
pub const SCHEDULES: &[Entry<BuildSchedule>] = &[
    constant::ENTRY,
    step::ENTRY,
    exponential::ENTRY,
    inverse_time::ENTRY,
    cosine::ENTRY,
    linear::ENTRY,
    one_cycle::ENTRY,
    plateau::ENTRY,
    triangle::ENTRY,
];

#[cfg(test)]
mod tests;
