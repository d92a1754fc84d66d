//! Adam: momentum and a rate for every parameter, both corrected for their start at 0.

use super::{BuildOptimizer, Moment, Optimizer, SLOTS, exact};
use crate::config::{Fields, Limits};
use crate::registry::Entry;

/// See [`Adam`].
pub const ENTRY: Entry<BuildOptimizer> = Entry {
    name: "adam",
    about: "Averages of gradients and of their squares, corrected for their start at 0",
    example: "name = \"adam\"\nbetas = [0.9, 0.999]",
    build: |fields| Box::new(Adam::read(fields)),
};

/// m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ← w − rate · m̂ / (√v̂ + ε) with m̂ = m / (1−β₁ᵗ), v̂ = v / (1−β₂ᵗ), t from 1
/// (Kingma & Ba 2015).
#[derive(Clone, Copy, Debug)]
pub(super) struct Adam {
    betas: [f64; 2],
    eps: f32,
}

impl Adam {
    pub(super) fn read(fields: &Fields) -> Self {
        let about = "shares of the averages of the gradient and of its square that are kept each step";
        let betas = fields.key("betas", about).numbers(Limits::below(0.0, 1.0), 2, 2).or_shown(vec![0.9, 0.999], "[0.9, 0.999]");
        let about = "added to the root, so that nothing is divided by 0";
        let eps = fields.key("eps", about).number(Limits::above(0.0, 1.0)).or(1e-8);
        Self { betas: [betas[0], betas[1]], eps: eps as f32 }
    }

    pub(super) fn step(&self, at: Moment, params: &mut [f32], grads: &[f32], [mean, square]: [&mut [f32]; SLOTS]) {
        let [beta1, beta2] = self.betas;
        let unbiased = self.betas.map(|beta| 1.0 - exact::power(beta, at.step));
        let rate = (at.learning_rate / unbiased[0]) as f32;
        let root = (1.0 / unbiased[1].sqrt()) as f32;
        let (keep1, rest1) = (beta1 as f32, (1.0 - beta1) as f32);
        let (keep2, rest2) = (beta2 as f32, (1.0 - beta2) as f32);
        for (((w, g), m), v) in params.iter_mut().zip(grads).zip(mean).zip(square) {
            *m = keep1 * *m + rest1 * g;
            *v = keep2 * *v + rest2 * (g * g);
            *w -= rate * (*m / (v.sqrt() * root + self.eps));
        }
    }
}

/// Slot names of the Adam family.
pub(super) const MOMENTS: &[&str] = &["mean", "square_average"];

impl Optimizer for Adam {
    fn slots(&self) -> &'static [&'static str] {
        MOMENTS
    }

    fn update(&self, at: Moment, params: &mut [f32], grads: &[f32], slots: [&mut [f32]; SLOTS]) {
        self.step(at, params, grads, slots);
    }
}
