//! Convolution of a whole batch by minimal filtering.

use super::{PerBatch, Rows};
use crate::kernel::scratch;
use crate::kernel::winograd::{Direction, Images, Winograd};

/// A convolution that fits [`Winograd`]: weights, then biases where there are any.
pub(super) struct Filtering {
    pub plan: Winograd,
    /// Floats of the weights.
    pub weights: usize,
}

fn images<'a>(rows: Rows<'a>) -> Images<'a> {
    Images { data: rows.data, stride: rows.stride, count: rows.count }
}

impl PerBatch for Filtering {
    fn forward(&self, parameters: &[f32], input: Rows<'_>, output: &mut [f32], stride: usize) {
        let (weights, bias) = parameters.split_at(self.weights);
        scratch::with(self.plan.packed_len(Direction::Forward), |packed| {
            self.plan.pack(Direction::Forward, weights, packed);
            let bias = Some(bias).filter(|bias| !bias.is_empty());
            self.plan.apply(Direction::Forward, (packed, bias), images(input), output, stride);
        });
    }

    fn backward(&self, parameters: &[f32], input: Rows<'_>, output: Rows<'_>, to: Option<&mut [f32]>, gradient: &mut [f32]) {
        let (weights, bias) = gradient.split_at_mut(self.weights);
        let bias = Some(bias).filter(|bias| !bias.is_empty());
        scratch::with(self.plan.sums_len(), |sums| {
            self.plan.weight_gradient(images(input), images(output), sums, (weights, bias));
        });
        let Some(to) = to else { return };
        let each = to.len() / output.count.max(1);
        scratch::with(self.plan.packed_len(Direction::Backward), |packed| {
            self.plan.pack(Direction::Backward, &parameters[..self.weights], packed);
            self.plan.apply(Direction::Backward, (packed, None), images(output), to, each);
        });
    }

    fn scratch_len(&self) -> usize {
        let packed = [Direction::Forward, Direction::Backward].map(|direction| self.plan.packed_len(direction));
        self.plan.sums_len().max(packed[0]).max(packed[1])
    }
}
