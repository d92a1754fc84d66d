//! Both gradients of a convolution, one image at a time, from an output gradient that is mostly zeros, as max pooling leaves it.
//! Knows planes of floats and weights in PyTorch's order; asks nobody whether it pays.
//!
//! What is not zero is listed, output channel by output channel. Images lie pixel by pixel, channels beside each other, so that
//! all taps of a kernel's row are neighbours: a listed term times a stretch of the image is added to the sums of that channel's
//! weights, which stay in registers from term to term; a term times a row of the channel's weights is added to a stretch of the
//! image's gradient.
//!
//! Chains are those of [`super::conv`] without their zeros: the same bits, but for the sign of a zero and where a factor is not
//! finite.

use super::conv::Geometry;
use super::lanes::Lanes;
use super::scratch;
use super::sparse;
use super::tile::HALF;
use super::transpose::transpose;
use crate::isa::Isa;
use std::ops::Range;

/// Floats of an image that are worked on at once for the weights: what a first cache holds beside the rest.
const NEAR: usize = 6 << 10;
/// The most vectors of sums or weights that stay in registers.
const MOST: usize = 12;

/// The gradients of a convolution, planned.
#[derive(Clone, Debug)]
pub struct SparseGradients {
    geometry: Geometry,
    /// Floats of a pixel.
    beside: usize,
    /// Pixels of a row of the padded image.
    line: usize,
    /// Where each output pixel's first tap lies in the padded image.
    places: Vec<u32>,
    /// Output rows that are listed together.
    band: usize,
}

impl SparseGradients {
    /// Plans the gradients, if the stride is 1 and channels fill vectors well enough.
    pub fn new(geometry: Geometry) -> Option<Self> {
        let Geometry { input: [channels, ..], output: [_, height, width], kernel, stride, .. } = geometry;
        let beside = channels.next_multiple_of(HALF);
        if stride != [1, 1] || 2 * beside > 3 * channels {
            return None;
        }
        let line = width + kernel[1] - 1;
        let places = (0..height * width).map(|pixel| ((pixel / width * line + pixel % width) * beside) as u32).collect();
        let band = (NEAR / (line * beside)).saturating_sub(kernel[0] - 1).clamp(height.min(4), height);
        Some(Self { geometry, beside, line, places, band })
    }

    /// Rows of taps in a kernel, and floats of one.
    fn rows(&self) -> [usize; 2] {
        [self.geometry.kernel[0], self.geometry.kernel[1] * self.beside]
    }

    /// Floats of one output channel's weights.
    fn kernel_len(&self) -> usize {
        self.rows().iter().product()
    }

    /// Number of floats that [`SparseGradients::pack`] writes.
    pub fn packed_len(&self) -> usize {
        self.geometry.output[0] * self.kernel_len()
    }

    /// Number of floats in which [`SparseGradients::add`] sums.
    pub fn sums_len(&self) -> usize {
        self.packed_len() + self.geometry.output[0]
    }

    /// Floats of an image and of its output.
    pub fn lens(&self) -> [usize; 2] {
        [self.geometry.input, self.geometry.output].map(|sizes| sizes.iter().product())
    }

    /// Taps of a kernel.
    fn area(&self) -> usize {
        self.geometry.kernel[0] * self.geometry.kernel[1]
    }

    /// Lays out weights.
    ///
    /// # Panics
    /// Where a slice has another length than the geometry says, here and below.
    pub fn pack(&self, weights: &[f32], packed: &mut [f32]) {
        let (channels, area) = (self.geometry.input[0], self.area());
        assert_eq!(packed.len(), self.packed_len());
        packed.fill(0.0);
        for (from, to) in weights.chunks_exact(channels * area).zip(packed.chunks_exact_mut(self.kernel_len())) {
            transpose(from, area, channels, area, to, self.beside);
        }
    }

    /// Writes summed gradients in the order of the parameters: weights as `[out, in, height, width]`, and bias where wanted.
    pub fn collect(&self, sums: &[f32], weights: &mut [f32], bias: Option<&mut [f32]>) {
        let (channels, area) = (self.geometry.input[0], self.area());
        let (sums, sums_of_bias) = sums.split_at(self.packed_len());
        for (from, to) in sums.chunks_exact(self.kernel_len()).zip(weights.chunks_exact_mut(channels * area)) {
            transpose(from, self.beside, area, channels, to, area);
        }
        if let Some(bias) = bias {
            bias.copy_from_slice(sums_of_bias);
        }
    }

    /// Adds one image's gradients of the parameters to `sums`; writes the gradient with respect to the image to `to`, if that is
    /// wanted, from weights that were packed.
    pub fn add(&self, packed: &[f32], (image, output_gradient): (&[f32], &[f32]), to: Option<&mut [f32]>, sums: &mut [f32]) {
        assert!([image.len(), output_gradient.len()] == self.lens());
        assert!(sums.len() == self.sums_len() && (to.is_none() || packed.len() == self.packed_len()));
        let padded_len = self.padded_rows() * self.line * self.beside;
        scratch::with(padded_len + self.listed_len(), |buffer| {
            let (padded, listed) = buffer.split_at_mut(padded_len);
            let (sums, bias) = sums.split_at_mut(self.packed_len());
            self.list(output_gradient, listed, bias);
            padded.fill(0.0);
            self.spread(image, padded);
            let pass = Pass { plan: self, listed, padded: padded.as_mut_ptr(), kernels: sums.as_mut_ptr() };
            // SAFETY: `padded` has every pixel's taps, `sums` all kernels; both are borrowed mutably.
            unsafe { pass.run::<false>() };
            let Some(to) = to else { return };
            padded.fill(0.0);
            let pass = Pass { padded: padded.as_mut_ptr(), kernels: packed.as_ptr().cast_mut(), ..pass };
            // SAFETY: as above; kernels are only read.
            unsafe { pass.run::<true>() };
            self.gather(padded, to);
        });
    }

    fn padded_rows(&self) -> usize {
        self.geometry.output[1] + self.geometry.kernel[0] - 1
    }

    /// The rows (axis 0) or columns (axis 1) of the image that the padded one has room for.
    fn inside(&self, axis: usize) -> Range<usize> {
        let room = [self.padded_rows(), self.line][axis];
        0..self.geometry.input[axis + 1].min(room.saturating_sub(self.geometry.padding[axis]))
    }

    /// Where the image's first column of a row lies in the padded one.
    fn row(&self, row: usize) -> usize {
        let [above, left] = self.geometry.padding;
        ((row + above) * self.line + left) * self.beside
    }

    /// Copies an image's planes pixel by pixel.
    fn spread(&self, image: &[f32], padded: &mut [f32]) {
        let [channels, height, width] = self.geometry.input;
        let columns = self.inside(1).len();
        for row in self.inside(0) {
            transpose(&image[row * width..], height * width, channels, columns, &mut padded[self.row(row)..], self.beside);
        }
    }

    /// Copies pixels to an image's planes; zeros where the padded image has no room.
    fn gather(&self, padded: &[f32], image: &mut [f32]) {
        let [channels, height, width] = self.geometry.input;
        let (rows, columns) = (self.inside(0), self.inside(1).len());
        if rows.len() < height || columns < width {
            image.fill(0.0);
        }
        for row in rows {
            transpose(&padded[self.row(row)..], self.beside, columns, channels, &mut image[row * width..], height * width);
        }
    }

    /// Pixels of the bands.
    fn bands(&self) -> impl Iterator<Item = Range<usize>> {
        let [_, height, width] = self.geometry.output;
        let band = self.band;
        (0..height).step_by(band).map(move |row| row * width..(row + band).min(height) * width)
    }

    /// Floats of the list of a band and an output channel: how many terms, their places, their values.
    fn list_len(&self) -> usize {
        1 + 2 * (self.band * self.geometry.output[2] + sparse::SLACK)
    }

    fn listed_len(&self) -> usize {
        self.bands().count() * self.geometry.output[0] * self.list_len()
    }

    /// Lists what is not zero, band by band and channel by channel, and adds it to the sums of the biases.
    fn list(&self, gradient: &[f32], listed: &mut [f32], bias: &mut [f32]) {
        let (isa, out, area) = (Isa::current(), bias.len(), self.places.len());
        let bands = listed.chunks_exact_mut(out * self.list_len());
        for (pixels, lists) in self.bands().zip(bands) {
            for (channel, list) in lists.chunks_exact_mut(self.list_len()).enumerate() {
                let values = &gradient[channel * area..][pixels.clone()];
                let (count, terms) = list.split_at_mut(1);
                let (places, to) = terms.split_at_mut(terms.len() / 2);
                let terms = sparse::list(isa, values, (&self.places[pixels.clone()], 1), places, to);
                count[0] = f32::from_bits(terms as u32);
                to[..terms].iter().for_each(|value| bias[channel] += value);
            }
        }
    }
}

/// One way over all listed terms. Kernels are sums that are added to, or weights that are read.
#[derive(Clone, Copy)]
struct Pass<'a> {
    plan: &'a SparseGradients,
    listed: &'a [f32],
    padded: *mut f32,
    kernels: *mut f32,
}

impl Pass<'_> {
    /// # Safety
    /// The padded image can be read, and written where terms are `SCATTER`ed to it; kernels can be read, and written otherwise.
    unsafe fn run<const SCATTER: bool>(self) {
        // SAFETY: the caller's promise; the processor has its instructions.
        unsafe {
            match Isa::current() {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512::<SCATTER>(self),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2::<SCATTER>(self),
                _ => plain::<SCATTER>(self),
            }
        }
    }

    /// Places and values of a list's terms.
    fn terms(&self, list: usize) -> (&[f32], &[f32]) {
        let len = self.plan.list_len();
        let (count, terms) = self.listed[list * len..][..len].split_at(1);
        let (places, values) = terms.split_at(terms.len() / 2);
        let count = count[0].to_bits() as usize;
        (&places[..count], &values[..count])
    }
}

unsafe fn plain<const SCATTER: bool>(pass: Pass<'_>) {
    // SAFETY: the caller's promise; plain lanes need no instructions.
    unsafe { lists::<super::lanes::Plain, SCATTER>(pass) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const SCATTER: bool>(pass: Pass<'_>) {
    // SAFETY: the caller's promise.
    unsafe { lists::<super::lanes::Avx2, SCATTER>(pass) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
unsafe fn avx512<const SCATTER: bool>(pass: Pass<'_>) {
    // SAFETY: the caller's promise.
    unsafe { lists::<super::lanes::Avx512, SCATTER>(pass) }
}

/// All lists. A weight's sum runs over pixels: band after band, the part of the image in the first cache. An image's sum runs over
/// output channels first.
#[inline(always)]
unsafe fn lists<V: Lanes, const SCATTER: bool>(pass: Pass<'_>) {
    let (bands, out) = (pass.plan.bands().count(), pass.plan.geometry.output[0]);
    for number in 0..bands * out {
        let (band, channel) = if SCATTER { (number % bands, number / bands) } else { (number / out, number % out) };
        // SAFETY: the caller's promise.
        unsafe { kernel::<V, SCATTER>(pass, pass.terms(band * out + channel), channel) };
    }
}

/// Numbers below `count`: the last first where terms are scattered. An image's sum runs over output pixels from the first to the last,
/// which reach it by the kernel's last tap to the first.
#[inline(always)]
fn turned<const SCATTER: bool>(count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |number| if SCATTER { count - 1 - number } else { number })
}

/// A list's terms at all rows of a kernel, as many vectors at a time as stay in registers.
#[inline(always)]
unsafe fn kernel<V: Lanes, const SCATTER: bool>(pass: Pass<'_>, terms: (&[f32], &[f32]), channel: usize) {
    let ([rows, floats], plan) = (pass.plan.rows(), pass.plan);
    let vectors = floats / V::COUNT;
    let parts = vectors.div_ceil(MOST);
    for row in turned::<SCATTER>(rows) {
        for part in turned::<SCATTER>(parts) {
            let (first, end) = (part * vectors / parts, (part + 1) * vectors / parts);
            // SAFETY: the caller's promise; a row of taps is `floats` long in the padded image as in the kernel.
            unsafe {
                let padded = pass.padded.add(row * plan.line * plan.beside + first * V::COUNT);
                let kernel = pass.kernels.add((channel * rows + row) * floats + first * V::COUNT);
                match end - first {
                    1 => stretch::<V, 1, SCATTER>(terms, padded, kernel),
                    2 => stretch::<V, 2, SCATTER>(terms, padded, kernel),
                    3 => stretch::<V, 3, SCATTER>(terms, padded, kernel),
                    4 => stretch::<V, 4, SCATTER>(terms, padded, kernel),
                    5 => stretch::<V, 5, SCATTER>(terms, padded, kernel),
                    6 => stretch::<V, 6, SCATTER>(terms, padded, kernel),
                    7 => stretch::<V, 7, SCATTER>(terms, padded, kernel),
                    8 => stretch::<V, 8, SCATTER>(terms, padded, kernel),
                    9 => stretch::<V, 9, SCATTER>(terms, padded, kernel),
                    10 => stretch::<V, 10, SCATTER>(terms, padded, kernel),
                    11 => stretch::<V, 11, SCATTER>(terms, padded, kernel),
                    _ => stretch::<V, MOST, SCATTER>(terms, padded, kernel),
                }
            }
        }
    }
}

/// `kernel += Σ value · padded[place ..]`, or `padded[place ..] += value · kernel` for every term.
#[inline(always)]
unsafe fn stretch<V: Lanes, const N: usize, const SCATTER: bool>(terms: (&[f32], &[f32]), padded: *mut f32, kernel: *mut f32) {
    // SAFETY: the caller's promise; places are those of the plan.
    unsafe {
        let mut kept: [V; N] = std::array::from_fn(|j| V::load(kernel.add(j * V::COUNT)));
        for (place, &value) in terms.0.iter().zip(terms.1) {
            let (at, value) = (padded.add(place.to_bits() as usize), V::splat(value));
            for (j, kept) in kept.iter_mut().enumerate() {
                let there = V::load(at.add(j * V::COUNT));
                if SCATTER {
                    kept.mul_add(value, there).store(at.add(j * V::COUNT));
                } else {
                    *kept = there.mul_add(value, *kept);
                }
            }
        }
        if !SCATTER {
            kept.iter().enumerate().for_each(|(j, sum)| sum.store(kernel.add(j * V::COUNT)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::only;
    use crate::kernel::bf16::Precision;
    use crate::kernel::conv::Conv;
    use proptest::prelude::*;

    fn numbers(len: usize, salt: u32) -> Vec<f32> {
        let mix = |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)) >> 8) as f32;
        (0..len as u32).map(|i| mix(i) / (1 << 23) as f32 - 1.0).collect()
    }

    /// Numbers of which about a quarter are not zero.
    fn few(len: usize, salt: u32) -> Vec<f32> {
        numbers(len, salt).into_iter().map(|value| if value > 0.5 { value } else { 0.0 }).collect()
    }

    fn geometry() -> impl Strategy<Value = Geometry> {
        let sizes = (prop_oneof![Just(11usize), Just(16), Just(24), Just(40), Just(70)], 1usize..20, 1usize..20, 1usize..9);
        (sizes, [1usize..6, 1usize..6], [0usize..4, 0usize..4]).prop_map(|((c, h, w, o), kernel, padding)| {
            let (input, size) = ([c, h, w], [h, w]);
            let room = |axis: usize| (size[axis] + 2 * padding[axis]).saturating_sub(kernel[axis]) + 1;
            Geometry { input, output: [o, room(0), room(1)], kernel, stride: [1, 1], padding }
        })
    }

    /// Gradients of weights and bias over two images, and of the second image, from what is not zero alone.
    fn found(g: Geometry, isa: Isa) -> [Vec<f32>; 3] {
        let (plan, [image_len, out_len]) =
            (SparseGradients::new(g).unwrap(), [g.input.iter().product(), g.output.iter().product()]);
        let weights = numbers(g.output[0] * g.input[0] * g.kernel[0] * g.kernel[1], 1);
        let (mut packed, mut sums) = (vec![9.0; plan.packed_len()], vec![0.0; plan.sums_len()]);
        let [mut to, mut to_weights, mut to_bias] = [image_len, weights.len(), g.output[0]].map(|len| vec![9.0; len]);
        only(isa, || {
            plan.pack(&weights, &mut packed);
            plan.add(&[], (&numbers(image_len, 2), &few(out_len, 3)), None, &mut sums);
            plan.add(&packed, (&numbers(image_len, 4), &few(out_len, 5)), Some(&mut to), &mut sums);
            plan.collect(&sums, &mut to_weights, Some(&mut to_bias));
        });
        [to_weights, to_bias, to]
    }

    /// The same of all terms.
    fn of_all(g: Geometry) -> [Vec<f32>; 3] {
        let (plan, [image_len, out_len]) = (Conv::new(g, Precision::F32), [g.input.iter().product(), g.output.iter().product()]);
        let weights = numbers(g.output[0] * g.input[0] * g.kernel[0] * g.kernel[1], 1);
        let (mut flipped, mut sums) = (vec![9.0; plan.flipped_len()], vec![0.0; plan.sums_len()]);
        let [mut to, mut to_weights, mut to_bias] = [image_len, weights.len(), g.output[0]].map(|len| vec![9.0; len]);
        plan.pack_flipped(&weights, &mut flipped);
        plan.weight_gradient(&numbers(image_len, 2), &few(out_len, 3), &mut sums);
        plan.weight_gradient(&numbers(image_len, 4), &few(out_len, 5), &mut sums);
        plan.image_gradient(&flipped, &few(out_len, 5), &mut to);
        plan.collect(&sums, &mut to_weights, Some(&mut to_bias));
        [to_weights, to_bias, to]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn on_every_isa_it_has_the_bits_of_the_gradients_with_all_terms(g in geometry()) {
            let expected = of_all(g);
            for isa in Isa::available() {
                let found = found(g, isa);
                prop_assert!(found[0] == expected[0], "weight gradient, {:?}", isa);
                prop_assert!(found[1] == expected[1], "bias gradient, {:?}", isa);
                prop_assert!(found[2] == expected[2], "image gradient, {:?}", isa);
            }
        }
    }

    #[test]
    fn a_stride_or_few_channels_are_left_to_others() {
        let fits = Geometry { input: [16, 8, 8], output: [4, 8, 8], kernel: [3, 3], stride: [1, 1], padding: [1, 1] };
        assert!(SparseGradients::new(fits).is_some());
        assert!(SparseGradients::new(Geometry { input: [3, 8, 8], ..fits }).is_none());
        assert!(SparseGradients::new(Geometry { output: [4, 4, 4], stride: [2, 2], ..fits }).is_none());
    }
}
