//! How weights are learned: update rules, penalties and constraints on weights, clipping, averaging, learning-rate schedules.
//! Knows a flat row of parameters, a flat row of gradients, and which stretches of them are matrices ([`Part`]); refuses to know
//! which layer they belong to or what they compute.
//!
//! An update rule is a pure function over slices ([`Optimizer`]); everything that it remembers lies in a [`State`], and
//! everything that a schedule remembers in a [`schedule::Memory`], so a checkpoint holds data and nothing else.

mod adam;
mod adamw;
mod averaging;
mod clip;
mod descent;
mod exact;
mod max_norm;
mod monitor;
mod muon;
mod newton_schulz;
mod part;
mod penalties;
mod piece;
mod rmsprop;
pub mod schedule;
mod sgd;

pub use averaging::Averaging;
pub use clip::Clip;
pub use descent::{Descent, State, Updated};
pub use max_norm::max_norm;
pub use monitor::Monitor;
pub use part::{Part, PartKind};
pub use penalties::Penalties;
pub use piece::{PIECE, add_scaled, all_finite_of, scale_into};

use crate::config::Fields;
use crate::registry::Entry;

/// The most values that an update rule may keep for every parameter.
pub const SLOTS: usize = 2;

/// When an update happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Number of the step, from 1.
    pub step: u64,
    /// α of this step.
    pub learning_rate: f64,
}

/// A rule that turns gradients into new parameters, element by element: what becomes of one parameter depends on its own
/// value, gradient and slots alone, so any cut of the work gives the same bits.
pub trait Optimizer: Send + Sync + std::fmt::Debug {
    /// Names of the values kept for every parameter, all 0 before the first step; at most [`SLOTS`] of them.
    fn slots(&self) -> &'static [&'static str];

    /// Updates `params` by `grads` (equal lengths) and `slots`: as many as [`Optimizer::slots`] names, of the same length, the
    /// rest empty.
    fn update(&self, at: Moment, params: &mut [f32], grads: &[f32], slots: [&mut [f32]; SLOTS]);

    /// The half of the rule that looks at whole matrices, where it has one; [`Optimizer::update`] is then asked for the rest only.
    fn matrices(&self) -> Option<&dyn MatrixRule> {
        None
    }

    /// Whether weight decay shrinks the weights apart from the gradient (Loshchilov & Hutter 2019) instead of being added to
    /// it.
    fn decoupled_decay(&self) -> bool {
        false
    }

    /// What `weight_decay` is where the file does not say.
    fn default_weight_decay(&self) -> f64 {
        0.0
    }
}

/// How matrices are updated by a rule that looks at them as a whole.
pub trait MatrixRule {
    /// Whether `part` is updated as a matrix; what is not is updated element by element.
    fn takes(&self, part: &Part) -> bool;

    /// Takes note of gradients in `velocity`, the first slot, and replaces them by the direction to go: element by element.
    fn gather(&self, grads: &mut [f32], velocity: &mut [f32]);

    /// Floats of scratch that [`MatrixRule::update`] needs for `part`.
    fn scratch(&self, part: &Part) -> usize;

    /// Updates the matrix `params` by its `direction`, which may be overwritten. Answers whether all parameters are finite still.
    /// Runs on the current rayon pool; the result does not depend on it.
    fn update(&self, at: Moment, part: &Part, params: &mut [f32], direction: &mut [f32], scratch: &mut [f32]) -> bool;
}

/// Reads an update rule's keys.
pub type BuildOptimizer = fn(&Fields) -> Box<dyn Optimizer>;

/// Every update rule; an example is the table `optimizer` of `[train]`.
pub const OPTIMIZERS: &[Entry<BuildOptimizer>] = &[sgd::ENTRY, rmsprop::ENTRY, adam::ENTRY, adamw::ENTRY, muon::ENTRY];

/// The update rule that a table such as `{ name = "sgd", momentum = 0.9 }` asks for, with its name. Every problem, unknown keys
/// too, is noted with the table.
pub fn build_optimizer(fields: &Fields) -> (&'static str, Box<dyn Optimizer>) {
    let names: Vec<_> = OPTIMIZERS.iter().map(|entry| entry.name).collect();
    let name = fields.key("name", "which update rule").word(&names).required();
    let entry = OPTIMIZERS.iter().find(|entry| entry.name == name).unwrap_or(&OPTIMIZERS[0]);
    let optimizer = (entry.build)(fields);
    // The keys of a rule that could not be found cannot be judged.
    if fields.node("name").is_none_or(|node| node.value.inline() == format!("\"{name}\"")) {
        fields.finish();
    }
    (entry.name, optimizer)
}

#[cfg(test)]
mod tests;
