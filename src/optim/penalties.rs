//! What is added to the loss, or to the update, so that weights stay small.

use super::Part;
use crate::kernel::descent::{add_scaled, sum_scaled};
use crate::kernel::reduce::sum_of_squares;

/// Penalties on weight matrices and kernels. Weight decay is apart: it stands with each [`Part`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalties {
    /// λ of λ/m · Σ|W|: adds (λ/m)·sign(W) to the gradient, where m is the batch size and sign(0) = 0.
    pub l1: f64,
    /// λ of λ/(2m) · ΣW²: adds (λ/m)·W to the gradient. For plain descent that multiplies W by 1 − αλ/m each step.
    pub l2: f64,
}

impl Penalties {
    /// What the penalties add to the loss, for batches of `batch_size`. Weight decay is no part of a loss and adds nothing.
    pub fn value(&self, batch_size: usize, params: &[f32], parts: &[Part]) -> f64 {
        let penalised = || parts.iter().filter(|part| part.is_penalised());
        let sum = |of: fn(&[f32]) -> f64| penalised().map(|part| of(&params[part.range.clone()])).sum::<f64>();
        let l1 = if self.l1 == 0.0 { 0.0 } else { self.l1 * sum(sum_of_sizes) };
        let l2 = if self.l2 == 0.0 { 0.0 } else { self.l2 / 2.0 * sum(sum_of_squares) };
        (l1 + l2) / batch_size as f64
    }

    /// The factors of sign(W) and of W that go into the gradient of `part`; `decoupled` decay goes into none.
    pub(super) fn slopes(&self, batch_size: usize, part: &Part, decoupled: bool) -> [f32; 2] {
        let decay = if decoupled { 0.0 } else { part.weight_decay };
        let [l1, l2] = if part.is_penalised() { [self.l1, self.l2] } else { [0.0; 2] };
        [(l1 / batch_size as f64) as f32, (l2 / batch_size as f64 + decay) as f32]
    }
}

fn sum_of_sizes(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value.abs())).sum()
}

/// Writes the gradients `grads` with what [`add`] adds to them to `to`.
pub(super) fn write(params: &[f32], grads: &[f32], slopes: [f32; 2], to: &mut [f32]) {
    match slopes {
        [0.0, slope] if slope != 0.0 => sum_scaled(grads, slope, params, to),
        _ => {
            to.copy_from_slice(grads);
            add(params, to, slopes);
        }
    }
}

/// Adds `sign_slope`·sign(W) + `slope`·W to the gradients.
pub(super) fn add(params: &[f32], grads: &mut [f32], [sign_slope, slope]: [f32; 2]) {
    match [sign_slope, slope] {
        [0.0, 0.0] => return,
        [0.0, _] => return add_scaled(slope, params, grads),
        _ => {}
    }
    for (g, &w) in grads.iter_mut().zip(params) {
        let sign = f32::from(u8::from(w > 0.0)) - f32::from(u8::from(w < 0.0));
        *g += sign_slope * sign + slope * w;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::PartKind;
    use proptest::prelude::*;

    fn weights_in(range: std::ops::Range<usize>) -> Part {
        Part::new(range, 1, PartKind::Matrix)
    }

    proptest! {
        #[test]
        fn the_gradient_is_the_slope_of_the_value(
            weights in proptest::collection::vec(prop_oneof![-2.0f32..-0.1, 0.1f32..2.0], 1..20),
            l1 in 0.0..3.0f64, l2 in 0.0..3.0f64, batch_size in 1usize..100,
        ) {
            let penalties = Penalties { l1, l2 };
            let all = [weights_in(0..weights.len())];
            let mut grads = vec![0.0; weights.len()];
            add(&weights, &mut grads, penalties.slopes(batch_size, &all[0], false));
            for place in 0..weights.len() {
                let value = |shift: f32| {
                    let mut moved = weights.clone();
                    moved[place] += shift;
                    (f64::from(moved[place]), penalties.value(batch_size, &moved, &all))
                };
                let ((from, low), (to, high)) = (value(-0.01), value(0.01));
                prop_assert!(((high - low) / (to - from) - f64::from(grads[place])).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn a_weight_of_zero_is_not_pushed_and_biases_cost_nothing() {
        let mut grads = [0.0; 2];
        add(&[0.0, -0.0], &mut grads, [1.0, 1.0]);
        assert_eq!(grads, [0.0; 2]);
        let penalties = Penalties { l1: 2.0, l2: 2.0 };
        let parts = [weights_in(0..1), Part { weight_decay: 9.0, ..Part::new(1..2, 1, PartKind::Other) }];
        assert_eq!(penalties.value(2, &[3.0, 100.0], &parts), 3.0 + 4.5);
        assert_eq!(penalties.slopes(2, &parts[1], false), [0.0, 9.0]);
        assert_eq!(penalties.slopes(2, &parts[1], true), [0.0; 2]);
    }
}
