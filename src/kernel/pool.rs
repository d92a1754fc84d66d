//! Max and average pooling of one image, channel by channel. Knows planes of floats.

use super::per_isa::per_isa;
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

    /// The part of the window of output (row, column) that lies inside: rows and columns.
    fn window(&self, row: usize, column: usize) -> (Range<usize>, Range<usize>) {
        let range = |axis: usize, index: usize, end: usize| {
            let first = index * self.stride[axis];
            first.saturating_sub(self.padding[axis])..(first + self.kernel[axis]).saturating_sub(self.padding[axis]).min(end)
        };
        (range(0, row, self.height), range(1, column, self.width))
    }

    /// Calls `visit` with (channel's offset in the input, output index, rows, columns) for every output.
    fn each(&self, mut visit: impl FnMut(usize, usize, Range<usize>, Range<usize>)) {
        for channel in 0..self.channels {
            for row in 0..self.out_height {
                for column in 0..self.out_width {
                    let (rows, columns) = self.window(row, column);
                    let out = (channel * self.out_height + row) * self.out_width + column;
                    visit(channel * self.height * self.width, out, rows, columns);
                }
            }
        }
    }

    /// Index in `input` of the greatest value, the first of equals; NaN counts as greatest, the last of several.
    fn greatest(&self, input: &[f32], plane: usize, rows: Range<usize>, columns: Range<usize>) -> usize {
        let mut best = plane + rows.start * self.width + columns.start;
        for row in rows {
            for column in columns.clone() {
                let at = plane + row * self.width + column;
                if exceeds(input[at], input[best]) {
                    best = at;
                }
            }
        }
        best
    }

    /// Output = the greatest value in each window; padding never wins.
    pub fn max(&self, input: &[f32], output: &mut [f32]) {
        if self.is_halving() {
            return halve(*self, input, output);
        }
        self.each(|plane, out, rows, columns| output[out] = input[self.greatest(input, plane, rows, columns)]);
    }

    /// Gradient of [`Windows::max`] with respect to its input: each output's gradient goes to the first greatest value.
    pub fn max_gradient(&self, input: &[f32], output_gradient: &[f32], input_gradient: &mut [f32]) {
        if self.is_halving() && self.height.is_multiple_of(2) && self.width.is_multiple_of(2) {
            return halve_gradient(*self, input, output_gradient, input_gradient);
        }
        input_gradient.fill(0.0);
        self.each(|plane, out, rows, columns| {
            input_gradient[self.greatest(input, plane, rows, columns)] += output_gradient[out];
        });
    }

    /// Output = the sum over each window divided by the window's full size: padding counts as zeros, as PyTorch's default.
    pub fn average(&self, input: &[f32], output: &mut [f32]) {
        let share = 1.0 / (self.kernel[0] * self.kernel[1]) as f32;
        self.each(|plane, out, rows, columns| {
            let mut sum = 0.0;
            for row in rows {
                let line = plane + row * self.width;
                input[line + columns.start..line + columns.end].iter().for_each(|value| sum += value);
            }
            output[out] = sum * share;
        });
    }

    /// Gradient of [`Windows::average`] with respect to its input.
    pub fn average_gradient(&self, output_gradient: &[f32], input_gradient: &mut [f32]) {
        let share = 1.0 / (self.kernel[0] * self.kernel[1]) as f32;
        input_gradient.fill(0.0);
        self.each(|plane, out, rows, columns| {
            let gradient = output_gradient[out] * share;
            for row in rows {
                let line = plane + row * self.width;
                input_gradient[line + columns.start..line + columns.end].iter_mut().for_each(|value| *value += gradient);
            }
        });
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

per_isa! {
    /// Gradient of [`halve`] for even height and width.
    fn halve_gradient(windows: Windows, input: &[f32], output_gradient: &[f32], input_gradient: &mut [f32]) {
        let width = windows.width;
        let rows = input.chunks_exact(2 * width).zip(input_gradient.chunks_exact_mut(2 * width));
        for ((rows, to), gradients) in rows.zip(output_gradient.chunks_exact(windows.out_width)) {
            let ((upper, lower), (to_upper, to_lower)) = (rows.split_at(width), to.split_at_mut(width));
            let from = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            let to = to_upper.as_chunks_mut::<2>().0.iter_mut().zip(to_lower.as_chunks_mut::<2>().0);
            for (((a, b), (to_a, to_b)), &gradient) in from.zip(to).zip(gradients) {
                let low = exceeds(greater(b[0], b[1]), greater(a[0], a[1]));
                let (right_a, right_b) = (exceeds(a[1], a[0]), exceeds(b[1], b[0]));
                let pick = |here: bool| if here { gradient } else { 0.0 };
                *to_a = [pick(!low & !right_a), pick(!low & right_a)];
                *to_b = [pick(low & !right_b), pick(low & right_b)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn halving(channels: usize, height: usize, width: usize) -> Windows {
        let (kernel, stride, padding) = ([2, 2], [2, 2], [0, 0]);
        Windows { channels, height, width, out_height: height / 2, out_width: width / 2, kernel, stride, padding }
    }

    proptest! {
        #[test]
        fn the_quick_way_for_2_by_2_windows_is_the_general_way(
            (height, width) in (2usize..8, 2usize..40),
            values in prop::collection::vec(prop_oneof![Just(0.0f32), Just(1.0), Just(f32::NAN), -9.0..9.0f32], 2 * 7 * 40),
        ) {
            let (quick, values) = (halving(2, height, width), &values[..2 * height * width]);
            let mut output = vec![0.0; 2 * (height / 2) * (width / 2)];
            let gradient: Vec<f32> = (1..=output.len()).map(|i| i as f32).collect();
            let (mut to, mut expected) = (vec![7.0; values.len()], vec![0.0; values.len()]);
            quick.max(values, &mut output);
            quick.max_gradient(values, &gradient, &mut to);
            quick.each(|plane, out, rows, columns| {
                let at = quick.greatest(values, plane, rows, columns);
                assert_eq!(values[at].to_bits(), output[out].to_bits());
                expected[at] += gradient[out];
            });
            prop_assert_eq!(to, expected);
        }
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
        windows.max(&[-1.0, -2.0, -3.0, -4.0], &mut output);
        assert_eq!(output, [-1.0, -2.0, -3.0, -4.0]);
        windows.average(&[-1.0, -2.0, -3.0, -4.0], &mut output);
        assert_eq!(output, [-0.25, -0.5, -0.75, -1.0]);
    }
}
