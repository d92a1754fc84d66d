//! RMSProp: every parameter at its own rate, by the recent size of its gradient.

use super::{BuildOptimizer, Moment, Optimizer, SLOTS};
use crate::config::{Fields, Limits};
use crate::registry::Entry;

/// See [`RmsProp`].
pub const ENTRY: Entry<BuildOptimizer> = Entry {
    name: "rmsprop",
    about: "Divides every gradient by a running root mean square of itself",
    example: "name = \"rmsprop\"\nalpha = 0.9",
    build,
};

/// s ← αs + (1−α)g²; w ← w − rate·g / (√s + ε), or with momentum b ← μb + g / (√s + ε); w ← w − rate·b (Hinton 2012;
/// PyTorch's convention, ε outside the root).
#[derive(Clone, Copy, Debug)]
struct RmsProp {
    alpha: f32,
    rest: f32,
    eps: f32,
    momentum: f32,
}

fn build(fields: &Fields) -> Box<dyn Optimizer> {
    let alpha = fields.key("alpha", "share of the mean square that is kept each step").number(Limits::below(0.0, 1.0)).or(0.99);
    let eps = fields.key("eps", "added to the root, so that nothing is divided by 0").number(Limits::above(0.0, 1.0)).or(1e-8);
    let momentum = fields.key("momentum", "share of the velocity that is kept").number(Limits::below(0.0, 1.0)).or(0.0);
    Box::new(RmsProp { alpha: alpha as f32, rest: (1.0 - alpha) as f32, eps: eps as f32, momentum: momentum as f32 })
}

impl Optimizer for RmsProp {
    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &["square_average"] } else { &["square_average", "velocity"] }
    }

    fn update(&self, at: Moment, params: &mut [f32], grads: &[f32], [square, velocity]: [&mut [f32]; SLOTS]) {
        let rate = at.learning_rate as f32;
        if self.momentum == 0.0 {
            for ((w, g), s) in params.iter_mut().zip(grads).zip(square) {
                *s = self.alpha * *s + self.rest * (g * g);
                *w -= rate * (g / (s.sqrt() + self.eps));
            }
            return;
        }
        for (((w, g), s), v) in params.iter_mut().zip(grads).zip(square).zip(velocity) {
            *s = self.alpha * *s + self.rest * (g * g);
            *v = self.momentum * *v + g / (s.sqrt() + self.eps);
            *w -= rate * *v;
        }
    }
}
