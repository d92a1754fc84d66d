//! Convolution of each channel by itself: forward, gradients of weights and of the image, for one image. Knows planes of floats and
//! weights in PyTorch's order `[out, 1, kernel height, kernel width]`.
//!
//! Chains of fused multiply-adds: an output is bias, then taps in order; an input's gradient runs over output channels, then taps;
//! a weight's gradient over runs of pixels in 16 sums that are added in order, then over images.

use super::conv::Geometry;
use super::per_isa::per_isa;
use super::planes::{Planes, Windows};
use super::reduce;
use super::scratch;

const SUMS: usize = 16;

/// A depthwise convolution, planned: output channels o·m to o·m + m − 1 see input channel o alone.
#[derive(Clone, Debug)]
pub struct Depthwise {
    geometry: Geometry,
    planes: Planes,
    windows: Windows,
}

per_isa! {
    /// runs += weight · plane, over all windows at one place.
    fn add_scaled(weight: f32, plane: &[f32], windows: &Windows, runs: &mut [f32]) {
        for (index, run) in runs.chunks_exact_mut(windows.run).enumerate() {
            for (sum, value) in run.iter_mut().zip(&plane[index * windows.step..]) {
                *sum = value.mul_add(weight, *sum);
            }
        }
    }
}

per_isa! {
    /// plane += weight · runs, over all windows at one place.
    fn scatter_scaled(weight: f32, runs: &[f32], windows: &Windows, plane: &mut [f32]) {
        for (index, run) in runs.chunks_exact(windows.run).enumerate() {
            for (sum, value) in plane[index * windows.step..].iter_mut().zip(run) {
                *sum = value.mul_add(weight, *sum);
            }
        }
    }
}

per_isa! {
    /// Σ plane · runs, over all windows at one place.
    fn dot(plane: &[f32], runs: &[f32], windows: &Windows) -> f32 {
        let mut sums = [0.0f32; SUMS];
        for (index, run) in runs.chunks_exact(windows.run).enumerate() {
            let values = &plane[index * windows.step..][..windows.run];
            let ((run, rest), (values, others)) = (run.as_chunks::<SUMS>(), values.as_chunks::<SUMS>());
            for (run, values) in run.iter().zip(values) {
                for lane in 0..SUMS {
                    sums[lane] = run[lane].mul_add(values[lane], sums[lane]);
                }
            }
            for (lane, (a, b)) in rest.iter().zip(others).enumerate() {
                sums[lane] = a.mul_add(*b, sums[lane]);
            }
        }
        sums.iter().sum()
    }
}

impl Depthwise {
    /// Plans a depthwise convolution.
    ///
    /// # Panics
    /// Where a size or stride is 0, or the output's channels are no multiple of the input's.
    pub fn new(geometry: Geometry) -> Self {
        let Geometry { input, output, kernel, stride, padding } = geometry;
        assert!(input.into_iter().chain(output).chain(kernel).chain(stride).all(|size| size > 0), "{geometry:?}");
        assert!(output[0].is_multiple_of(input[0]), "{geometry:?}");
        let size = [output[1], output[2]];
        let planes = Planes::new([1, input[1], input[2]], size, kernel, stride, padding.map(|sides| sides as isize));
        Self { geometry, windows: Windows::new(&planes, size, kernel, stride), planes }
    }

    /// The sizes.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn taps(&self) -> usize {
        self.windows.taps.len()
    }

    /// Number of floats in which [`Depthwise::weight_gradient`] sums: weights, then one bias an output channel.
    pub fn sums_len(&self) -> usize {
        self.geometry.output[0] * (self.taps() + 1)
    }

    /// Calls `visit` with an input channel and its output channels.
    fn channels(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let each = self.geometry.output[0] / self.geometry.input[0];
        (0..self.geometry.input[0]).map(move |channel| (channel, channel * each..(channel + 1) * each))
    }

    fn areas(&self) -> [usize; 2] {
        let Geometry { input, output, .. } = self.geometry;
        [input[1] * input[2], output[1] * output[2]]
    }

    /// Writes the output of one image.
    ///
    /// # Panics
    /// Where a slice has another length than the geometry says, here and below.
    pub fn forward(&self, weights: &[f32], bias: Option<&[f32]>, image: &[f32], output: &mut [f32]) {
        let [area, out_area] = self.areas();
        scratch::with(self.planes.len() + self.windows.len(), |buffer| {
            let (plane, runs) = buffer.split_at_mut(self.planes.len());
            for (channel, outs) in self.channels() {
                self.planes.fill(&image[channel * area..][..area], plane, 0.0);
                for out in outs {
                    runs.fill(bias.map_or(0.0, |bias| bias[out]));
                    for (&weight, &tap) in weights[out * self.taps()..].iter().zip(&self.windows.taps) {
                        add_scaled(weight, &plane[tap..], &self.windows, runs);
                    }
                    self.windows.gather(runs, &mut output[out * out_area..][..out_area]);
                }
            }
        });
    }

    /// Writes the gradient with respect to the image, from the output's.
    pub fn image_gradient(&self, weights: &[f32], output_gradient: &[f32], image_gradient: &mut [f32]) {
        let [area, out_area] = self.areas();
        scratch::with(self.planes.len() + self.windows.len(), |buffer| {
            let (plane, runs) = buffer.split_at_mut(self.planes.len());
            for (channel, outs) in self.channels() {
                plane.fill(0.0);
                for out in outs {
                    self.windows.spread(&output_gradient[out * out_area..][..out_area], runs);
                    for (&weight, &tap) in weights[out * self.taps()..].iter().zip(&self.windows.taps) {
                        scatter_scaled(weight, runs, &self.windows, &mut plane[tap..]);
                    }
                }
                self.planes.take(plane, &mut image_gradient[channel * area..][..area]);
            }
        });
    }

    /// Adds one image's share to the sums of gradients.
    pub fn weight_gradient(&self, image: &[f32], output_gradient: &[f32], sums: &mut [f32]) {
        let [area, out_area] = self.areas();
        let (weights, biases) = sums.split_at_mut(self.geometry.output[0] * self.taps());
        scratch::with(self.planes.len() + self.windows.len(), |buffer| {
            let (plane, runs) = buffer.split_at_mut(self.planes.len());
            for (channel, outs) in self.channels() {
                self.planes.fill(&image[channel * area..][..area], plane, 0.0);
                for out in outs {
                    let gradient = &output_gradient[out * out_area..][..out_area];
                    self.windows.spread(gradient, runs);
                    for (weight, &tap) in weights[out * self.taps()..].iter_mut().zip(&self.windows.taps) {
                        *weight += dot(&plane[tap..], runs, &self.windows);
                    }
                    biases[out] += reduce::sum(gradient);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};
    use crate::kernel::bf16::Precision;
    use crate::kernel::conv::Conv;
    use proptest::prelude::*;

    fn numbers(len: usize, salt: u32) -> Vec<f32> {
        let mix = |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)) >> 8) as f32;
        (0..len as u32).map(|i| mix(i) / (1 << 23) as f32 - 1.0).collect()
    }

    fn geometry() -> impl Strategy<Value = Geometry> {
        let sizes = (1usize..4, 1usize..3, 1usize..10, 1usize..22);
        (sizes, [1usize..5, 1usize..5], [1usize..4, 1usize..4], [0usize..4, 0usize..4]).prop_map(
            |((channels, each, h, w), kernel, stride, padding)| {
                let size = [h, w];
                let room = |axis: usize| (size[axis] + 2 * padding[axis]).saturating_sub(kernel[axis]) / stride[axis] + 1;
                Geometry { input: [channels, h, w], output: [channels * each, room(0), room(1)], kernel, stride, padding }
            },
        )
    }

    /// Output, image gradient, and sums over two images.
    fn all(g: Geometry) -> [Vec<f32>; 3] {
        let plan = Depthwise::new(g);
        let (weights, bias) = (numbers(g.output[0] * g.kernel[0] * g.kernel[1], 1), numbers(g.output[0], 2));
        let (image, gradient) = (numbers(g.input.iter().product(), 3), numbers(g.output.iter().product(), 4));
        let [mut output, mut back, mut sums] = [gradient.len(), image.len(), plan.sums_len()].map(|len| vec![9.0; len]);
        sums.fill(0.0);
        plan.forward(&weights, Some(&bias), &image, &mut output);
        plan.image_gradient(&weights, &gradient, &mut back);
        plan.weight_gradient(&image, &gradient, &mut sums);
        plan.weight_gradient(&image, &gradient, &mut sums);
        [output, back, sums]
    }

    /// The same from one convolution an input channel.
    fn apart(g: Geometry) -> [Vec<f32>; 3] {
        let each = g.output[0] / g.input[0];
        let plan = Conv::new(
            Geometry { input: [1, g.input[1], g.input[2]], output: [each, g.output[1], g.output[2]], ..g },
            Precision::F32,
        );
        let area = g.kernel[0] * g.kernel[1];
        let (weights, bias) = (numbers(g.output[0] * area, 1), numbers(g.output[0], 2));
        let (image, gradient) = (numbers(g.input.iter().product(), 3), numbers(g.output.iter().product(), 4));
        let [mut packed, mut flipped] = [plan.packed_len(), plan.flipped_len()].map(|len| vec![0.0; len]);
        let [mut output, mut back] = [gradient.len(), image.len()].map(|len| vec![0.0; len]);
        let (mut of_weights, mut of_bias) = (vec![0.0; weights.len()], vec![0.0; bias.len()]);
        for channel in 0..g.input[0] {
            let part = |len: usize| channel * len / g.input[0]..(channel + 1) * len / g.input[0];
            let (images, outputs) = (part(image.len()), part(gradient.len()));
            plan.pack(&weights[part(weights.len())], Some(&bias[part(bias.len())]), &mut packed);
            plan.pack_flipped(&weights[part(weights.len())], &mut flipped);
            plan.forward(&packed, &image[images.clone()], &mut output[outputs.clone()]);
            plan.image_gradient(&flipped, &gradient[outputs.clone()], &mut back[images.clone()]);
            let mut sums = vec![0.0; plan.sums_len()];
            (0..2).for_each(|_| plan.weight_gradient(&image[images.clone()], &gradient[outputs.clone()], &mut sums));
            plan.collect(&sums, &mut of_weights[part(weights.len())], Some(&mut of_bias[part(bias.len())]));
        }
        [output, back, [of_weights, of_bias].concat()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn each_channel_is_a_convolution_by_itself_with_the_same_bits_on_every_isa(g in geometry()) {
            let (found, expected) = (all(g), apart(g));
            for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
                prop_assert!((found - expected).abs() <= 2e-6 * expected.abs().max(8.0), "{found} {expected}");
            }
            let plain = only(Isa::Plain, || all(g));
            prop_assert!(Isa::available().into_iter().all(|isa| only(isa, || all(g)) == plain));
        }
    }
}
