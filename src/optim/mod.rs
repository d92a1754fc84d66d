//! How weights are learned: update rules, penalties on weights, clipping, learning-rate schedules. Knows a flat row of
//! parameters and a flat row of gradients; refuses to know which layer they belong to or what they compute.
//!
//! An update rule is a pure function over slices ([`Optimizer`]); everything that it remembers lies in a [`State`], and
//! everything that a schedule remembers in a [`schedule::Memory`], so a checkpoint holds data and nothing else.

mod adam;
mod adamw;
mod clip;
mod descent;
mod exact;
mod monitor;
mod penalties;
mod piece;
mod rmsprop;
pub mod schedule;
mod sgd;

pub use clip::clip_factor;
pub use descent::{Descent, State};
pub use monitor::Monitor;
pub use penalties::Penalties;
pub use piece::PIECE;

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

/// Reads an update rule's keys.
pub type BuildOptimizer = fn(&Fields) -> Box<dyn Optimizer>;

/// Every update rule; an example is the table `optimizer` of `[train]`.
pub const OPTIMIZERS: &[Entry<BuildOptimizer>] = &[sgd::ENTRY, rmsprop::ENTRY, adam::ENTRY, adamw::ENTRY];

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
