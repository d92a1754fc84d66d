//! Stochastic gradient descent, with momentum and Nesterov's.

use super::{BuildOptimizer, Moment, Optimizer, SLOTS};
use crate::config::{Fields, Limits};
use crate::kernel::descent::descend;
use crate::registry::Entry;

/// See [`Sgd`].
pub const ENTRY: Entry<BuildOptimizer> = Entry {
    name: "sgd",
    about: "Gradient descent on mini-batches, with momentum and Nesterov's where asked",
    example: "name = \"sgd\"\nmomentum = 0.9\nnesterov = true",
    build,
};

/// v ← μv + g; w ← w − αv. Nesterov: w ← w − α(g + μv). PyTorch's convention.
///
/// The exponentially weighted average v ← βv + (1−β)g with w ← w − αv is the same walk with μ = β and a rate of α(1−β): to
/// move a recipe written that way here, multiply its rate by 1−β.
#[derive(Clone, Copy, Debug)]
struct Sgd {
    momentum: f32,
    nesterov: bool,
}

fn build(fields: &Fields) -> Box<dyn Optimizer> {
    let about = "share of the velocity that is kept each step; 0 turns momentum off";
    let momentum = fields.key("momentum", about).number(Limits::below(0.0, 1.0)).or(0.0);
    let nesterov = fields.key("nesterov", "whether to look ahead along the velocity").flag().or(false);
    if nesterov && momentum == 0.0 {
        fields.complain("nesterov", "`nesterov` does nothing without momentum", "add momentum = 0.9, or leave `nesterov` out");
    }
    Box::new(Sgd { momentum: momentum as f32, nesterov })
}

impl Optimizer for Sgd {
    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["velocity"] }
    }

    fn update(&self, at: Moment, params: &mut [f32], grads: &[f32], [velocity, _]: [&mut [f32]; SLOTS]) {
        let (rate, momentum) = (at.learning_rate as f32, self.momentum);
        if self.momentum == 0.0 {
            for (w, g) in params.iter_mut().zip(grads) {
                *w -= rate * g;
            }
            return;
        }
        let (of_gradient, of_velocity) = if self.nesterov { (rate, rate * momentum) } else { (0.0, rate) };
        descend(momentum, [of_gradient, of_velocity], params, grads, velocity);
    }
}
