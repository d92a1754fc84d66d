//! Convolution of one image: forward, gradient of the weights, gradient of the image. Knows planes of floats and weights in
//! PyTorch's order `[out, in, kernel height, kernel width]`.
//!
//! Nothing is unfolded into a matrix. The image is copied once into zero-padded planes; the register tile
//! then reads pixels through two tables of offsets, one for the output pixels and one for the kernel taps. Products are laid
//! out pixel by pixel, output channels beside each other, and transposed to planes at the end. Weights are packed once a step.
//! For a stride above 1, the image gradient is as many convolutions of stride 1 as there are pairs of remainders modulo it, each
//! with the part of the kernel that reaches its pixels.
//!
//! Chains: an output is bias, then taps in the order (channel, row, column); a weight's gradient runs over images, then pixels
//! row by row; an input's gradient over (output channel, row, column) of the flipped kernel. With factors of 16 bits, two channels,
//! or two pixels beside each other, make one step of a chain: a [pair](super::bf16).

use super::bf16::{Precision, pair_next, pair_planes};
use super::conv_products::{interleave, learn, multiply, padded, panels};
use super::planes::Planes;
use super::reduce::add_rows;
use super::scratch;
use super::sweep::{Backward, Sweep};
use super::transpose::transpose;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Channels, height, width of the input.
    pub input: [usize; 3],
    /// Channels, height, width of the output.
    pub output: [usize; 3],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Rows and columns from one output pixel to the next.
    pub stride: [usize; 2],
    /// Zeros above and to the left; as many as needed follow below and to the right.
    pub padding: [usize; 2],
}

/// A convolution, planned. Where factors are pairs, the planes and taps of both ways are those of pairs of channels.
#[derive(Clone, Debug)]
pub struct Conv {
    geometry: Geometry,
    precision: Precision,
    planes: Planes,
    forward: Sweep,
    backward: Backward,
    /// The weights' gradient: planes of single channels, all taps, and the pixels or pairs of pixels that it sums over.
    learning: (Planes, Sweep),
}

impl Conv {
    /// Plans a convolution with factors of `precision`.
    ///
    /// # Panics
    /// Where a size or stride is 0.
    pub fn new(geometry: Geometry, precision: Precision) -> Self {
        let Geometry { input, output, kernel, stride, padding } = geometry;
        assert!(input.into_iter().chain(output).chain(kernel).chain(stride).all(|size| size > 0), "{geometry:?}");
        let planes_of = |input| Planes::new(input, [output[1], output[2]], kernel, stride, padding.map(|p| p as isize));
        let each = |channels: usize| channels.div_ceil(precision.together());
        let (from, to) = ([each(input[0]), input[1], input[2]], [each(output[0]), output[1], output[2]]);
        let (planes, single) = (planes_of(from), planes_of(input));
        let mut learning = Sweep::forward(&single, geometry);
        learning.keep_every(precision.together());
        Self {
            geometry,
            precision,
            forward: Sweep::forward(&planes, Geometry { input: from, ..geometry }),
            planes,
            backward: Backward::new(Geometry { output: to, ..geometry }),
            learning: (single, learning),
        }
    }

    /// The sizes.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Number of floats that [`Conv::pack`] writes.
    pub fn packed_len(&self) -> usize {
        let out = padded(self.geometry.output[0]);
        out + self.forward.taps.len() * out
    }

    /// Number of floats that [`Conv::pack_flipped`] writes.
    pub fn flipped_len(&self) -> usize {
        self.backward.sweeps.iter().map(|sweep| sweep.taps.len()).sum::<usize>() * padded(self.geometry.input[0])
    }

    /// Number of floats in which [`Conv::weight_gradient`] sums.
    pub fn sums_len(&self) -> usize {
        let out = padded(self.geometry.output[0]);
        out + self.learning.1.taps.len() * out
    }

    /// Lets `use_` have `rows` of planes of `plane` floats as they are multiplied: as they are, or planes of each row in pairs.
    fn factors(&self, values: &[f32], (rows, plane): (usize, usize), use_: impl FnOnce(&[f32])) {
        if self.precision == Precision::F32 {
            return use_(values);
        }
        let each = values.len() / rows;
        let paired = (each / plane).div_ceil(2) * plane;
        scratch::with(rows * paired, |pairs| {
            for (row, pairs) in values.chunks_exact(each).zip(pairs.chunks_exact_mut(paired)) {
                pair_planes(row, plane, pairs);
            }
            use_(pairs);
        });
    }

    /// Numbers in one kernel of one channel.
    fn area(&self) -> usize {
        self.geometry.kernel[0] * self.geometry.kernel[1]
    }

    /// Lays out bias (zeros where `None`) and weights for [`Conv::forward`].
    pub fn pack(&self, weights: &[f32], bias: Option<&[f32]>, packed: &mut [f32]) {
        let (out, taps) = (self.geometry.output[0], self.forward.taps.len());
        let (start, mut rest) = packed.split_at_mut(padded(out));
        start.fill(0.0);
        start[..bias.map_or(0, <[f32]>::len)].copy_from_slice(bias.unwrap_or(&[]));
        self.factors(weights, (out, self.area()), |weights| {
            for (first, width, count) in panels(out) {
                let (panel, next) = std::mem::take(&mut rest).split_at_mut(taps * width);
                panel.fill(0.0);
                transpose(&weights[first * taps..], taps, count, taps, panel, width);
                rest = next;
            }
        });
    }

    /// Lays out weights for [`Conv::image_gradient`]: input and output channels exchanged, kernels turned by 180°.
    pub fn pack_flipped(&self, weights: &[f32], packed: &mut [f32]) {
        let (channels, area) = (self.geometry.input[0], self.area());
        let mut rest = packed;
        self.factors(weights, (1, channels * area), |weights| {
            for sweep in &self.backward.sweeps {
                for (first, width, count) in panels(channels) {
                    let (panel, next) = std::mem::take(&mut rest).split_at_mut(sweep.taps.len() * width);
                    for (tap, row) in panel.chunks_exact_mut(width).enumerate() {
                        let (out, place) = (tap / sweep.places.len(), sweep.places[tap % sweep.places.len()]);
                        row[count..].fill(0.0);
                        for (index, value) in row[..count].iter_mut().enumerate() {
                            *value = weights[(out * channels + first + index) * area + place];
                        }
                    }
                    rest = next;
                }
            }
        });
    }

    /// Writes the output of one image.
    ///
    /// # Panics
    /// Where a slice has another length than the geometry says, here and below.
    pub fn forward(&self, packed: &[f32], image: &[f32], output: &mut [f32]) {
        let (channels, pixels) = (self.geometry.output[0], self.forward.pixels.len());
        assert!(image.len() == self.learning.0.source_len() && output.len() == pixels * channels);
        scratch::with(self.planes.len() + pixels * padded(channels), |buffer| {
            let (planes, product) = buffer.split_at_mut(self.planes.len());
            self.factors(image, (1, image.len() / self.geometry.input[0]), |image| self.planes.fill(image, planes, 0.0));
            multiply((&self.forward, self.precision), planes, packed.split_at(padded(channels)), channels, product);
            transpose(product, padded(channels), pixels, channels, output, pixels);
        });
    }

    /// Writes the gradient with respect to the image, from the output's.
    pub fn image_gradient(&self, flipped: &[f32], output_gradient: &[f32], image_gradient: &mut [f32]) {
        let Self { geometry: Geometry { input: [channels, height, width], output, stride, .. }, backward, .. } = self;
        let (area, beside) = (height * width, padded(*channels));
        assert_eq!([output_gradient.len(), image_gradient.len()], [output.iter().product(), channels * area]);
        assert_eq!(flipped.len(), self.flipped_len());
        let most = backward.sweeps[0].pixels.len();
        let lens = [backward.planes.len(), beside, most * beside, most * channels];
        scratch::with(lens.iter().sum(), |buffer| {
            let (planes, buffer) = buffer.split_at_mut(lens[0]);
            let (start, buffer) = buffer.split_at_mut(lens[1]);
            let (product, apart) = buffer.split_at_mut(lens[2]);
            self.factors(output_gradient, (1, output[1] * output[2]), |gradient| backward.planes.fill(gradient, planes, 0.0));
            start.fill(0.0);
            let mut weights = flipped;
            for sweep in &backward.sweeps {
                let (these, others) = weights.split_at(sweep.taps.len() * beside);
                weights = others;
                multiply((sweep, self.precision), planes, (start, these), *channels, product);
                let pixels = sweep.pixels.len();
                if *stride == [1, 1] {
                    transpose(product, beside, pixels, *channels, image_gradient, area);
                } else {
                    transpose(product, beside, pixels, *channels, apart, pixels);
                    interleave(sweep, apart, image_gradient, (*height, *width), *stride);
                }
            }
        });
    }

    /// Adds one image's share to the sums of gradients: bias first, then weights, in the layout of [`Conv::pack`] for single channels.
    pub fn weight_gradient(&self, image: &[f32], output_gradient: &[f32], sums: &mut [f32]) {
        let ((planes, sweep), [out, height, width]) = (&self.learning, self.geometry.output);
        let (pixels, beside) = (height * width, padded(out));
        assert!(sums.len() == self.sums_len() && output_gradient.len() == pixels * out);
        assert_eq!(image.len(), planes.source_len());
        let (bias, weights) = sums.split_at_mut(beside);
        let next = if self.precision == Precision::Bf16 { planes.len() } else { 0 };
        scratch::with(pixels * beside + planes.len() + next, |buffer| {
            let (gradient, buffer) = buffer.split_at_mut(pixels * beside);
            let (padded_image, next) = buffer.split_at_mut(planes.len());
            if out < beside {
                gradient.fill(0.0);
            }
            transpose(output_gradient, pixels, out, pixels, gradient, beside);
            planes.fill(image, padded_image, 0.0);
            add_rows(gradient, beside, pixels, bias);
            self.factors(gradient, (height, beside), |gradient| match self.precision {
                Precision::F32 => learn((sweep, self.precision), padded_image, gradient, out, weights),
                Precision::Bf16 => {
                    pair_next(padded_image, next);
                    learn((sweep, self.precision), next, gradient, out, weights);
                }
            });
        });
    }

    /// Writes summed gradients in the order of the parameters: weights as `[out, in, height, width]`, and bias where wanted.
    pub fn collect(&self, sums: &[f32], weights: &mut [f32], bias: Option<&mut [f32]>) {
        let (out, taps) = (self.geometry.output[0], self.learning.1.taps.len());
        let (sums_of_bias, sums) = sums.split_at(padded(out));
        if let Some(bias) = bias {
            bias.copy_from_slice(&sums_of_bias[..out]);
        }
        for (first, width, count) in panels(out) {
            transpose(&sums[first * taps..], width, taps, count, &mut weights[first * taps..], taps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bf16::rounded;
    use super::*;
    use crate::isa::{Isa, only};
    use proptest::prelude::*;

    fn numbers(len: usize, salt: u32) -> Vec<f32> {
        let mix = |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)) >> 8) as f32;
        (0..len as u32).map(|i| mix(i) / (1 << 23) as f32 - 1.0).collect()
    }

    /// Calls `visit` with (output index, weight index, input index) for every product, taps innermost.
    fn products(g: Geometry, mut visit: impl FnMut(usize, usize, usize)) {
        let [channels, height, width] = g.input;
        for out in 0..g.output.iter().product() {
            let (o, y, x) = (out / (g.output[1] * g.output[2]), out / g.output[2] % g.output[1], out % g.output[2]);
            for tap in 0..channels * g.kernel[0] * g.kernel[1] {
                let (c, ky, kx) = (tap / (g.kernel[0] * g.kernel[1]), tap / g.kernel[1] % g.kernel[0], tap % g.kernel[1]);
                let (row, column) = (y * g.stride[0] + ky, x * g.stride[1] + kx);
                let inside =
                    row >= g.padding[0] && row - g.padding[0] < height && column >= g.padding[1] && column - g.padding[1] < width;
                if inside {
                    let weight = o * channels * g.kernel[0] * g.kernel[1] + tap;
                    visit(out, weight, (c * height + row - g.padding[0]) * width + column - g.padding[1]);
                }
            }
        }
    }

    fn geometry() -> impl Strategy<Value = Geometry> {
        let sizes = (1usize..5, 1usize..12, 1usize..18, prop_oneof![1usize..9, Just(16), Just(33), Just(70)]);
        (sizes, [1usize..6, 1usize..6], [1usize..4, 1usize..4], [0usize..6, 0usize..6]).prop_map(
            |((c, h, w, o), kernel, stride, padding)| {
                let (input, size) = ([c, h, w], [h, w]);
                let room = |axis: usize| (size[axis] + 2 * padding[axis]).saturating_sub(kernel[axis]) / stride[axis] + 1;
                Geometry { input, output: [o, room(0), room(1)], kernel, stride, padding }
            },
        )
    }

    /// Output, summed gradients of weights and bias over two images, and image gradient.
    fn all(g: Geometry, precision: Precision, isa: Isa) -> [Vec<f32>; 4] {
        let conv = Conv::new(g, precision);
        let [image_len, out_len] = [g.input.iter().product(), g.output.iter().product()];
        let weights = numbers(g.output[0] * g.input[0] * g.kernel[0] * g.kernel[1], 1);
        let (bias, image, gradient) = (numbers(g.output[0], 2), numbers(image_len, 3), numbers(out_len, 4));
        let (mut packed, mut flipped) = (vec![9.0; conv.packed_len()], vec![9.0; conv.flipped_len()]);
        let (mut output, mut image_gradient) = (vec![9.0; out_len], vec![9.0; image_len]);
        let (mut sums, mut to, mut to_bias) = (vec![0.0; conv.sums_len()], vec![9.0; weights.len()], vec![9.0; bias.len()]);
        only(isa, || {
            conv.pack(&weights, Some(&bias), &mut packed);
            conv.pack_flipped(&weights, &mut flipped);
            conv.forward(&packed, &image, &mut output);
            conv.image_gradient(&flipped, &gradient, &mut image_gradient);
            conv.weight_gradient(&image, &gradient, &mut sums);
            conv.weight_gradient(&image, &gradient, &mut sums);
            conv.collect(&sums, &mut to, Some(&mut to_bias));
        });
        [output, to, to_bias, image_gradient]
    }

    fn near(found: &[f32], expected: &[f64]) -> bool {
        let scale = expected.iter().fold(1.0f64, |scale, value| scale.max(value.abs()));
        found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| (f64::from(*f) - e).abs() < 2e-6 * scale)
    }

    /// The numbers as factors of `precision` are.
    fn factors(values: Vec<f32>, precision: Precision) -> Vec<f32> {
        match precision {
            Precision::F32 => values,
            Precision::Bf16 => values.into_iter().map(|value| f32::from_bits(rounded(value) << 16)).collect(),
        }
    }

    fn precision() -> impl Strategy<Value = Precision> {
        prop_oneof![Just(Precision::F32), Just(Precision::Bf16)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn all_three_products_are_those_of_the_definition(g in geometry(), precision in precision()) {
            let [output, weight_gradient, bias_gradient, image_gradient] = all(g, precision, Isa::best());
            let area = g.output[1] * g.output[2];
            // Biases and their gradients have 32 bits in either case.
            let whole = numbers(output.len(), 4);
            let [weights, image, gradient] =
                [numbers(weight_gradient.len(), 1), numbers(image_gradient.len(), 3), whole.clone()].map(|of| factors(of, precision));
            let bias = numbers(g.output[0], 2);
            let mut expected = [
                (0..output.len()).map(|i| f64::from(bias[i / area])).collect::<Vec<f64>>(),
                vec![0.0; weights.len()],
                whole.chunks(area).map(|plane| 2.0 * plane.iter().map(|&v| f64::from(v)).sum::<f64>()).collect(),
                vec![0.0; image.len()],
            ];
            products(g, |out, weight, input| {
                expected[0][out] += f64::from(weights[weight]) * f64::from(image[input]);
                expected[1][weight] += 2.0 * f64::from(gradient[out]) * f64::from(image[input]);
                expected[3][input] += f64::from(gradient[out]) * f64::from(weights[weight]);
            });
            prop_assert!(near(&output, &expected[0]), "output");
            prop_assert!(near(&weight_gradient, &expected[1]), "weight gradient");
            prop_assert!(near(&bias_gradient, &expected[2]), "bias gradient");
            prop_assert!(near(&image_gradient, &expected[3]), "image gradient");
        }

        #[test]
        fn every_isa_gives_the_same_bits(g in geometry(), precision in precision()) {
            let plain = all(g, precision, Isa::Plain);
            prop_assert!(Isa::available().into_iter().all(|isa| all(g, precision, isa) == plain));
        }
    }
}
