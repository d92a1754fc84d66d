//! Convolution of a whole batch by minimal filtering. Gradients from an output's that is mostly zeros leave these out instead.

use super::{PerBatch, ToRows};
use crate::kernel::bf16::Precision;
use crate::kernel::conv::Geometry;
use crate::kernel::conv_sparse::SparseGradients;
use crate::kernel::reduce::add_tree;
use crate::kernel::rows::{Rows, Then};
use crate::kernel::scratch;
use crate::kernel::winograd::{Direction, Winograd};
use rayon::prelude::*;

/// Groups of images in which gradients of the weights are summed, at most, where zeros are left out.
const GROUPS: usize = 8;

/// A convolution that fits [`Winograd`]: weights, then biases where there are any.
pub(super) struct Filtering {
    pub plan: Winograd,
    /// The gradients, where the output's is mostly zeros.
    pub sparse: Option<SparseGradients>,
    pub geometry: Geometry,
    pub precision: Precision,
    /// Floats of the weights.
    pub weights: usize,
}

impl PerBatch for Filtering {
    fn takes_made_rows(&self) -> bool {
        self.plan.takes_whole_images()
    }

    fn forward(&self, parameters: &[f32], input: Rows<'_>, output: (&mut [f32], usize), then: &Then<'_>) {
        let (weights, bias) = parameters.split_at(self.weights);
        scratch::with(self.plan.packed_len(Direction::Forward), |packed| {
            self.plan.pack(Direction::Forward, weights, packed);
            let bias = Some(bias).filter(|bias| !bias.is_empty());
            self.plan.apply(Direction::Forward, (packed, bias), input, output, then);
        });
    }

    fn backward(
        &self,
        parameters: &[f32],
        input: Rows<'_>,
        output: Rows<'_>,
        to: Option<ToRows<'_>>,
        gradient: &mut [f32],
    ) -> bool {
        if let Some(sparse) = &self.sparse {
            without_zeros(sparse, &parameters[..self.weights], (input, output), to, gradient);
            return false;
        }
        let (weights, bias) = gradient.split_at_mut(self.weights);
        let bias = Some(bias).filter(|bias| !bias.is_empty());
        scratch::with(self.plan.sums_len(), |sums| {
            self.plan.weight_gradient(input, output, sums, (weights, bias));
        });
        let Some((to, then)) = to else { return false };
        let each = to.len() / output.count.max(1);
        scratch::with(self.plan.packed_len(Direction::Backward), |packed| {
            self.plan.pack(Direction::Backward, &parameters[..self.weights], packed);
            self.plan.apply(Direction::Backward, (packed, None), output, (to, each), then);
        });
        false
    }

    fn scratch_len(&self) -> usize {
        let packed = [Direction::Forward, Direction::Backward].map(|direction| self.plan.packed_len(direction));
        let sparse = self.sparse.as_ref().map_or(0, |sparse| sparse.packed_len() + GROUPS * sparse.sums_len());
        self.plan.sums_len().max(packed[0]).max(packed[1]).max(sparse)
    }

    /// Kernels of 3, of which filtering leaves a quarter of the multiplications, and factors of 16 bits gain nothing by it.
    fn expect_zeros(&mut self) {
        if self.geometry.kernel == [5, 5] && self.precision == Precision::F32 {
            self.sparse = SparseGradients::new(self.geometry);
        }
    }
}

/// Both gradients, image by image in groups whose sums are added in a binary tree.
fn without_zeros(
    plan: &SparseGradients,
    weights: &[f32],
    (input, output): (Rows<'_>, Rows<'_>),
    to: Option<ToRows<'_>>,
    gradient: &mut [f32],
) {
    let (group, sums_len) = (output.count.div_ceil(GROUPS).max(1), plan.sums_len());
    let groups = output.count.div_ceil(group);
    scratch::with(plan.packed_len() + groups * sums_len, |buffer| {
        let (packed, sums) = buffer.split_at_mut(plan.packed_len());
        plan.pack(weights, packed);
        let (packed, [input_len, output_len]) = (&*packed, plan.lens());
        let one = |number: usize, mut to: Option<&mut [f32]>, sums: &mut [f32]| {
            input.with(number, &mut |image| {
                output.with(number, &mut |gradient| {
                    plan.add(packed, (&image[..input_len], &gradient[..output_len]), to.as_deref_mut(), sums);
                });
            });
        };
        sums.fill(0.0);
        match to {
            Some((to, then)) => {
                let groups = to.par_chunks_mut(group * input_len).zip(sums.par_chunks_mut(sums_len)).enumerate();
                groups.for_each(|(number, (to, sums))| {
                    let images = to.chunks_exact_mut(input_len).enumerate();
                    images.for_each(|(image, to)| {
                        one(number * group + image, Some(&mut *to), sums);
                        then(number * group + image, to);
                    });
                });
            }
            None => sums.par_chunks_mut(sums_len).enumerate().for_each(|(number, sums)| {
                let images = number * group..output.count.min((number + 1) * group);
                images.for_each(|image| one(image, None, sums));
            }),
        }
        add_tree(sums, sums_len, groups);
        let (weights, bias) = gradient.split_at_mut(weights.len());
        plan.collect(&sums[..sums_len], weights, Some(bias).filter(|bias| !bias.is_empty()));
    });
}
