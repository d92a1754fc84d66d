//! Max and average pooling of one image, channel by channel. Knows planes of floats.

use super::per_isa::per_isa;
use super::planes::{self, Planes};
use super::reduce;
use super::scratch;
use std::ops::Range;

/// Windows over planes. Images are `[channels, height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Planes.
    pub channels: usize,
    /// Rows of an input plane.
    pub height: usize,
    /// Columns of an input plane.
    pub width: usize,
    /// Rows of an output plane.
    pub out_height: usize,
    /// Columns of an output plane.
    pub out_width: usize,
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
    /// Rows and columns by which the first window begins outside.
    pub padding: [usize; 2],
}

impl Windows {
    fn is_halving(&self) -> bool {
        (self.kernel, self.stride, self.padding) == ([2, 2], [2, 2], [0, 0])
    }

    /// Whether the one window of a plane is all of it.
    fn is_whole(&self) -> bool {
        (self.kernel, self.padding) == ([self.height, self.width], [0, 0])
    }
}

/// Pooling, planned.
#[derive(Clone, Debug)]
pub struct Pool {
    sizes: Windows,
    planes: Planes,
    runs: planes::Windows,
}

impl Pool {
    /// Plans pooling.
    ///
    /// # Panics
    /// Where a size or stride is 0.
    pub fn new(sizes: Windows) -> Self {
        let output = [sizes.out_height, sizes.out_width];
        assert!(output.into_iter().chain(sizes.kernel).chain(sizes.stride).all(|size| size > 0), "{sizes:?}");
        let origin = sizes.padding.map(|sides| sides as isize);
        let planes = Planes::new([1, sizes.height, sizes.width], output, sizes.kernel, sizes.stride, origin);
        Self { runs: planes::Windows::new(&planes, output, sizes.kernel, sizes.stride), planes, sizes }
    }

    /// Calls `work` for every channel with its number and buffers for its padded plane and for two rows of runs.
    fn each(&self, mut work: impl FnMut(usize, &mut [f32], [&mut [f32]; 2])) {
        scratch::with(self.planes.len() + 2 * self.runs.len(), |buffer| {
            let (plane, runs) = buffer.split_at_mut(self.planes.len());
            for channel in 0..self.sizes.channels {
                let (first, second) = runs.split_at_mut(self.runs.len());
                work(channel, plane, [first, second]);
            }
        });
    }

    fn input<'s>(&self, values: &'s [f32], channel: usize) -> &'s [f32] {
        let area = self.sizes.height * self.sizes.width;
        &values[channel * area..][..area]
    }

    fn input_mut<'s>(&self, values: &'s mut [f32], channel: usize) -> &'s mut [f32] {
        let area = self.sizes.height * self.sizes.width;
        &mut values[channel * area..][..area]
    }

    fn output(&self, channel: usize) -> Range<usize> {
        let area = self.sizes.out_height * self.sizes.out_width;
        channel * area..(channel + 1) * area
    }

    /// Output = the greatest value in each window; padding never wins.
    pub fn max(&self, input: &[f32], output: &mut [f32]) {
        if self.sizes.is_halving() {
            return halve(self.sizes, input, output);
        }
        if self.sizes.is_whole() {
            return whole_max(self.sizes.height * self.sizes.width, input, output);
        }
        self.each(|channel, plane, [best, _]| {
            self.planes.fill(self.input(input, channel), plane, f32::NEG_INFINITY);
            max(&self.runs, plane, best);
            self.runs.gather(best, &mut output[self.output(channel)]);
        });
    }

    /// Gradient of [`Pool::max`] with respect to its input: each output's gradient goes to the first greatest value.
    pub fn max_gradient(&self, input: &[f32], output_gradient: &[f32], input_gradient: &mut [f32]) {
        let sizes = self.sizes;
        if sizes.is_halving() {
            return halve_gradient(sizes, input, output_gradient, input_gradient);
        }
        if sizes.is_whole() {
            return whole_max_gradient(sizes.height * sizes.width, input, output_gradient, input_gradient);
        }
        self.each(|channel, plane, [best, winner]| {
            self.planes.fill(self.input(input, channel), plane, f32::NEG_INFINITY);
            winners(&self.runs, plane, best, winner);
            // The values have been compared: their buffer takes the gradients.
            self.runs.spread(&output_gradient[self.output(channel)], best);
            plane.fill(0.0);
            scatter_to_winners(&self.runs, best, winner, plane);
            self.planes.take(plane, self.input_mut(input_gradient, channel));
        });
    }

    /// Output = the sum over each window divided by the window's full size: padding counts as zeros, as PyTorch's default.
    pub fn average(&self, input: &[f32], output: &mut [f32]) {
        let share = 1.0 / self.runs.taps.len() as f32;
        self.each(|channel, plane, [sums, _]| {
            self.planes.fill(self.input(input, channel), plane, 0.0);
            average(&self.runs, plane, share, sums);
            self.runs.gather(sums, &mut output[self.output(channel)]);
        });
    }

    /// Gradient of [`Pool::average`] with respect to its input.
    pub fn average_gradient(&self, output_gradient: &[f32], input_gradient: &mut [f32]) {
        let share = 1.0 / self.runs.taps.len() as f32;
        self.each(|channel, plane, [gradients, _]| {
            self.runs.spread(&output_gradient[self.output(channel)], gradients);
            plane.fill(0.0);
            spread_average(&self.runs, gradients, share, plane);
            self.planes.take(plane, self.input_mut(input_gradient, channel));
        });
    }
}

/// The mean of all values.
pub fn mean(values: &[f32]) -> f32 {
    reduce::sum(values) / values.len() as f32
}

/// Gradient of [`mean`]: the same share for every value.
pub fn spread_mean(gradient: f32, values: &mut [f32]) {
    values.fill(gradient / values.len() as f32);
}

/// The greatest value of each whole plane of `area` values.
pub fn whole_max(area: usize, input: &[f32], output: &mut [f32]) {
    input.chunks_exact(area).zip(output).for_each(|(plane, output)| *output = plane[greatest(plane)]);
}

/// Gradient of [`whole_max`]: all of it for the first greatest value of a plane.
pub fn whole_max_gradient(area: usize, input: &[f32], output_gradient: &[f32], input_gradient: &mut [f32]) {
    input_gradient.fill(0.0);
    let planes = input.chunks_exact(area).zip(input_gradient.chunks_exact_mut(area));
    planes.zip(output_gradient).for_each(|((plane, to), gradient)| to[greatest(plane)] = *gradient);
}

/// Index of the greatest value, the first of equals; NaN counts as greatest, the last of several.
pub fn greatest(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, index| if exceeds(values[index], values[best]) { index } else { best })
}

per_isa! {
    /// The greatest value of each window, over the places in it in order.
    fn max(windows: &planes::Windows, plane: &[f32], best: &mut [f32]) {
        best.fill(f32::NEG_INFINITY);
        for &tap in &windows.taps {
            for (index, best) in best.chunks_exact_mut(windows.run).enumerate() {
                for (best, &value) in best.iter_mut().zip(&plane[tap + index * windows.step..]) {
                    *best = greater(*best, value);
                }
            }
        }
    }
}

per_isa! {
    /// The same with the number of the place that won.
    fn winners(windows: &planes::Windows, plane: &[f32], best: &mut [f32], winner: &mut [f32]) {
        best.fill(f32::NEG_INFINITY);
        winner.fill(-1.0);
        for (number, &tap) in windows.taps.iter().enumerate() {
            let runs = best.chunks_exact_mut(windows.run).zip(winner.chunks_exact_mut(windows.run));
            for (index, (best, winner)) in runs.enumerate() {
                let values = &plane[tap + index * windows.step..];
                for ((best, winner), &value) in best.iter_mut().zip(winner).zip(values) {
                    let wins = exceeds(value, *best);
                    *best = if wins { value } else { *best };
                    *winner = if wins { number as f32 } else { *winner };
                }
            }
        }
    }
}

per_isa! {
    /// Adds each window's gradient at the place that won.
    fn scatter_to_winners(windows: &planes::Windows, gradients: &[f32], winner: &[f32], plane: &mut [f32]) {
        for (number, &tap) in windows.taps.iter().enumerate() {
            let runs = gradients.chunks_exact(windows.run).zip(winner.chunks_exact(windows.run));
            for (index, (gradients, winner)) in runs.enumerate() {
                let sums = &mut plane[tap + index * windows.step..];
                for ((sum, &gradient), &winner) in sums.iter_mut().zip(gradients).zip(winner) {
                    *sum += if winner == number as f32 { gradient } else { 0.0 };
                }
            }
        }
    }
}

per_isa! {
    /// The sum of each window, over the places in it in order, times `share`.
    fn average(windows: &planes::Windows, plane: &[f32], share: f32, sums: &mut [f32]) {
        sums.fill(0.0);
        for &tap in &windows.taps {
            for (index, sums) in sums.chunks_exact_mut(windows.run).enumerate() {
                for (sum, value) in sums.iter_mut().zip(&plane[tap + index * windows.step..]) {
                    *sum += value;
                }
            }
        }
        sums.iter_mut().for_each(|sum| *sum *= share);
    }
}

per_isa! {
    /// Adds each window's gradient times `share` at every place in it.
    fn spread_average(windows: &planes::Windows, gradients: &[f32], share: f32, plane: &mut [f32]) {
        for &tap in &windows.taps {
            for (index, gradients) in gradients.chunks_exact(windows.run).enumerate() {
                for (sum, gradient) in plane[tap + index * windows.step..].iter_mut().zip(gradients) {
                    *sum += gradient * share;
                }
            }
        }
    }
}

/// Whether `b`, the later of two, is the greater: not where they are equal, and always where it is NaN.
#[inline(always)]
fn exceeds(b: f32, a: f32) -> bool {
    (b > a) | b.is_nan()
}

#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if exceeds(b, a) { b } else { a }
}

per_isa! {
    /// Max over 2 × 2 windows without padding.
    fn halve(windows: Windows, input: &[f32], output: &mut [f32]) {
        let width = windows.width;
        for channel in 0..windows.channels {
            let plane = &input[channel * windows.height * width..][..windows.height * width];
            let out = &mut output[channel * windows.out_height * windows.out_width..][..windows.out_height * windows.out_width];
            for (rows, out) in plane.chunks_exact(2 * width).zip(out.chunks_exact_mut(windows.out_width)) {
                let (upper, lower) = rows.split_at(width);
                let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
                for ((a, b), out) in pairs.zip(out) {
                    *out = greater(greater(a[0], a[1]), greater(b[0], b[1]));
                }
            }
        }
    }
}

/// Gradient of [`halve`]; nothing reaches a last row or column that is in no window.
fn halve_gradient(windows: Windows, input: &[f32], output_gradient: &[f32], input_gradient: &mut [f32]) {
    let (width, area) = (windows.width, windows.height * windows.width);
    let gradients = output_gradient.chunks_exact(windows.out_height * windows.out_width);
    for ((plane, to), gradients) in input.chunks_exact(area).zip(input_gradient.chunks_exact_mut(area)).zip(gradients) {
        let mut to_rows = to.chunks_exact_mut(2 * width);
        for ((rows, to), gradients) in
            plane.chunks_exact(2 * width).zip(&mut to_rows).zip(gradients.chunks_exact(windows.out_width))
        {
            let ((upper, lower), (to_upper, to_lower)) = (rows.split_at(width), to.split_at_mut(width));
            halve_gradient_row(upper, lower, gradients, to_upper, to_lower);
            to_upper[2 * gradients.len()..].fill(0.0);
            to_lower[2 * gradients.len()..].fill(0.0);
        }
        to_rows.into_remainder().fill(0.0);
    }
}

per_isa! {
    /// A row of windows. By itself, and without a branch, because the compiler makes vectors of it only so.
    fn halve_gradient_row(upper: &[f32], lower: &[f32], gradients: &[f32], to_upper: &mut [f32], to_lower: &mut [f32]) {
        let count = gradients.len();
        let (upper, lower) = (&upper.as_chunks::<2>().0[..count], &lower.as_chunks::<2>().0[..count]);
        let (to_upper, to_lower) = (&mut to_upper.as_chunks_mut::<2>().0[..count], &mut to_lower.as_chunks_mut::<2>().0[..count]);
        let keep = |value: f32, when: bool| if when { value } else { 0.0 };
        for index in 0..count {
            let ([a, b], [c, d]) = (upper[index], lower[index]);
            let low = exceeds(greater(c, d), greater(a, b));
            let (of_upper, of_lower) = (keep(gradients[index], !low), keep(gradients[index], low));
            let (right_above, right_below) = (exceeds(b, a), exceeds(d, c));
            to_upper[index] = [keep(of_upper, !right_above), keep(of_upper, right_above)];
            to_lower[index] = [keep(of_lower, !right_below), keep(of_lower, right_below)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};
    use proptest::prelude::*;

    /// The windows by definition: calls `visit` with (channel's offset in the input, output index, rows, columns).
    fn each(sizes: Windows, mut visit: impl FnMut(usize, usize, Range<usize>, Range<usize>)) {
        let inside = |axis: usize, index: usize, end: usize| {
            let first = index * sizes.stride[axis];
            let last = first + sizes.kernel[axis];
            first.saturating_sub(sizes.padding[axis]).min(end)..last.saturating_sub(sizes.padding[axis]).min(end)
        };
        for out in 0..sizes.channels * sizes.out_height * sizes.out_width {
            let (row, column) = (out / sizes.out_width % sizes.out_height, out % sizes.out_width);
            let plane = out / (sizes.out_width * sizes.out_height) * sizes.height * sizes.width;
            visit(plane, out, inside(0, row, sizes.height), inside(1, column, sizes.width));
        }
    }

    fn greatest_of(sizes: Windows, input: &[f32], plane: usize, rows: Range<usize>, columns: Range<usize>) -> usize {
        let places: Vec<usize> =
            rows.flat_map(|row| columns.clone().map(move |column| plane + row * sizes.width + column)).collect();
        let values: Vec<f32> = places.iter().map(|&place| input[place]).collect();
        places[greatest(&values)]
    }

    fn sizes() -> impl Strategy<Value = Windows> {
        let halves = (2usize..9, 2usize..41).prop_map(|(height, width)| (height, width, [2, 2], [2, 2], [0, 0]));
        let any = (1usize..9, 1usize..21, [1usize..6, 1usize..6], [1usize..4, 1usize..4], [0usize..3, 0usize..3]);
        let whole = (1usize..9, 1usize..21).prop_map(|(height, width)| (height, width, [height, width], [1, 1], [0, 0]));
        prop_oneof![halves, whole, any].prop_map(|(height, width, kernel, stride, padding)| {
            // At most half of the window lies outside, and one window fits.
            let kernel = [kernel[0].min(height), kernel[1].min(width)];
            let padding = [padding[0].min(kernel[0] / 2), padding[1].min(kernel[1] / 2)];
            let room = |axis: usize, size: usize| (size + 2 * padding[axis] - kernel[axis]) / stride[axis] + 1;
            let (out_height, out_width) = (room(0, height), room(1, width));
            Windows { channels: 2, height, width, out_height, out_width, kernel, stride, padding }
        })
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn pooling_is_that_of_the_definition_with_the_same_bits_on_every_isa(
            sizes in sizes(),
            values in prop::collection::vec(prop_oneof![Just(0.0f32), Just(1.0), Just(f32::NAN), -9.0..9.0f32], 2 * 8 * 40),
        ) {
            let (pool, values) = (Pool::new(sizes), &values[..2 * sizes.height * sizes.width]);
            let outputs = 2 * sizes.out_height * sizes.out_width;
            let gradient: Vec<f32> = (1..=outputs).map(|i| i as f32).collect();
            let finite: Vec<f32> = values.iter().map(|value| if value.is_nan() { 2.5 } else { *value }).collect();
            let all = || {
                let [mut best, mut mean] = [0, 1].map(|_| vec![7.0; outputs]);
                let [mut to_best, mut to_mean] = [0, 1].map(|_| vec![7.0; values.len()]);
                pool.max(values, &mut best);
                pool.max_gradient(values, &gradient, &mut to_best);
                pool.average(&finite, &mut mean);
                pool.average_gradient(&gradient, &mut to_mean);
                [best, to_best, mean, to_mean]
            };
            let [best, to_best, mean, to_mean] = all();
            let share = 1.0 / (sizes.kernel[0] * sizes.kernel[1]) as f32;
            let [mut expected_best, mut expected_mean] = [0, 1].map(|_| vec![0.0f32; values.len()]);
            each(sizes, |plane, out, rows, columns| {
                let at = greatest_of(sizes, values, plane, rows.clone(), columns.clone());
                assert_eq!(values[at].to_bits(), best[out].to_bits());
                expected_best[at] += gradient[out];
                let mut sum = 0.0;
                for place in rows.flat_map(|row| columns.clone().map(move |column| plane + row * sizes.width + column)) {
                    sum += finite[place];
                    expected_mean[place] += gradient[out] * share;
                }
                assert!((sum * share - mean[out]).abs() < 1e-5);
            });
            prop_assert_eq!(to_best, expected_best);
            prop_assert!(to_mean.iter().zip(expected_mean).all(|(found, expected)| (found - expected).abs() <= 1e-4 * expected.abs()));
            let plain = only(Isa::Plain, all).map(|values| bits(&values));
            prop_assert!(Isa::available().into_iter().all(|isa| only(isa, all).map(|values| bits(&values)) == plain));
        }
    }

    #[test]
    fn the_mean_of_a_plane_goes_back_in_equal_shares() {
        let values: Vec<f32> = (0..35).map(|i| i as f32).collect();
        assert_eq!(mean(&values), 17.0);
        let mut to = [0.0; 4];
        spread_mean(2.0, &mut to);
        assert_eq!((to, greatest(&[1.0, 3.0, 3.0])), ([0.5; 4], 1));
    }

    #[test]
    fn padding_never_wins_a_maximum_and_counts_as_zeros_in_an_average() {
        let windows = Windows {
            channels: 1,
            height: 2,
            width: 2,
            out_height: 2,
            out_width: 2,
            kernel: [2, 2],
            stride: [2, 2],
            padding: [1, 1],
        };
        let mut output = [0.0; 4];
        let windows = Pool::new(windows);
        windows.max(&[-1.0, -2.0, -3.0, -4.0], &mut output);
        assert_eq!(output, [-1.0, -2.0, -3.0, -4.0]);
        windows.average(&[-1.0, -2.0, -3.0, -4.0], &mut output);
        assert_eq!(output, [-0.25, -0.5, -0.75, -1.0]);
    }
}
