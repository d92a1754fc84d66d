//! AdamW: Adam, with weight decay apart from the gradient.

use super::adam::{Adam, MOMENTS};
use super::{BuildOptimizer, Moment, Optimizer, SLOTS};
use crate::registry::Entry;

/// See [`AdamW`].
pub const ENTRY: Entry<BuildOptimizer> = Entry {
    name: "adamw",
    about: "Adam, where `weight_decay` (0.01 if not given) shrinks the weights directly instead of bending the gradient",
    example: "name = \"adamw\"\nbetas = [0.9, 0.999]",
    build: |fields| Box::new(AdamW(Adam::read(fields))),
};

/// w ← w · (1 − rate·weight_decay) on weights that decay, then Adam's step (Loshchilov & Hutter 2019, as PyTorch scales it).
#[derive(Clone, Copy, Debug)]
struct AdamW(Adam);

impl Optimizer for AdamW {
    fn slots(&self) -> &'static [&'static str] {
        MOMENTS
    }

    fn update(&self, at: Moment, params: &mut [f32], grads: &[f32], slots: [&mut [f32]; SLOTS]) {
        self.0.step(at, params, grads, slots);
    }

    fn decoupled_decay(&self) -> bool {
        true
    }

    fn default_weight_decay(&self) -> f64 {
        0.01
    }
}
