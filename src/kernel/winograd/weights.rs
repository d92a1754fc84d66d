//! A convolution's weights at the points, and their gradient back from there. Knows weights in PyTorch's order
//! `[out, in, kernel, kernel]`.

#![allow(clippy::needless_range_loop)] // lanes, points and places by their numbers

use super::transform::{AREA, BESIDE, SIZE, kernel_factor};
use crate::kernel::bf16::{Precision, pair};
use crate::kernel::per_isa::per_isa;
use crate::kernel::scratch;
use crate::kernel::tile::{HALF, PANEL};
use crate::kernel::transpose::transpose;
use rayon::prelude::*;

/// Sizes of a convolution's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    pub out: usize,
    pub channels: usize,
    /// Height and width of a kernel: 3 or 5.
    pub kernel: usize,
    /// How wide they are at the points.
    pub precision: Precision,
}

/// Which channels an image has that is filtered, and which it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From gradients of outputs to those of inputs: kernels turned by 180°.
    Backward,
}

/// The factors of all points and places: a matrix of [`SIZE`] rows.
const fn factors<const K: usize>() -> [[f32; K]; SIZE] {
    let mut factors = [[0.0; K]; SIZE];
    let mut at = 0;
    while at < SIZE * K {
        factors[at / K][at % K] = kernel_factor(at / K, at % K, K);
        at += 1;
    }
    factors
}

const OF_3: [[f32; 3]; SIZE] = factors();
const OF_5: [[f32; 5]; SIZE] = factors();

type Vector = [f32; BESIDE];

#[inline(always)]
fn mul_add(factor: f32, values: &Vector, sum: &mut Vector) {
    for lane in 0..BESIDE {
        sum[lane] = factor.mul_add(values[lane], sum[lane]);
    }
}

/// Kernels of [`BESIDE`] channels, `K·K` vectors, to all points: point p goes to `to[p · step ..]`.
#[inline(always)]
fn to_points<const K: usize>(kernels: &[Vector], factors: &[[f32; K]; SIZE], to: &mut [f32], step: usize) {
    for (row, down) in factors.iter().enumerate() {
        let mut columns = [[0.0; BESIDE]; K];
        for (column, sum) in columns.iter_mut().enumerate() {
            for place in 0..K {
                mul_add(down[place], &kernels[place * K + column], sum);
            }
        }
        for (column, across) in factors.iter().enumerate() {
            let mut value = [0.0; BESIDE];
            for place in 0..K {
                mul_add(across[place], &columns[place], &mut value);
            }
            to[(row * SIZE + column) * step..][..BESIDE].copy_from_slice(&value);
        }
    }
}

/// The transpose of [`to_points`]: sums at the points to kernels.
#[inline(always)]
fn from_points<const K: usize>(from: &[f32], step: usize, factors: &[[f32; K]; SIZE], kernels: &mut [Vector]) {
    let mut columns = [[[0.0; BESIDE]; SIZE]; K];
    for row in 0..SIZE {
        for column in 0..SIZE {
            let mut value = [0.0; BESIDE];
            value.copy_from_slice(&from[(row * SIZE + column) * step..][..BESIDE]);
            for place in 0..K {
                mul_add(factors[row][place], &value, &mut columns[place][column]);
            }
        }
    }
    for row in 0..K {
        for place in 0..K {
            let mut sum = [0.0; BESIDE];
            for column in 0..SIZE {
                mul_add(factors[column][place], &columns[row][column], &mut sum);
            }
            kernels[row * K + place] = sum;
        }
    }
}

per_isa! {
    fn kernels_to_points(kernels: &[Vector], size: usize, to: &mut [f32], step: usize) {
        match size {
            3 => to_points::<3>(kernels, &OF_3, to, step),
            _ => to_points::<5>(kernels, &OF_5, to, step),
        }
    }
}

per_isa! {
    fn points_to_kernels(from: &[f32], step: usize, size: usize, kernels: &mut [Vector]) {
        match size {
            3 => from_points::<3>(from, step, &OF_3, kernels),
            _ => from_points::<5>(from, step, &OF_5, kernels),
        }
    }
}

/// A vector at every point.
type Points = [Vector; AREA];

per_isa! {
    /// Two channels become pairs: those of point p go to `to[p · step ..]`.
    fn pair_points(even: &Points, odd: &Points, to: &mut [f32], step: usize) {
        for ((even, odd), to) in even.iter().zip(odd).zip(to.chunks_mut(step)) {
            for lane in 0..BESIDE {
                to[lane] = pair(even[lane], odd[lane]);
            }
        }
    }
}

/// `channels` rounded up to whole vectors.
pub fn padded(channels: usize) -> usize {
    channels.div_ceil(HALF) * HALF
}

impl Weights {
    /// Channels that are read and that are written.
    pub fn ways(&self, direction: Direction) -> [usize; 2] {
        match direction {
            Direction::Forward => [self.channels, self.out],
            Direction::Backward => [self.out, self.channels],
        }
    }

    fn area(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Number of floats that [`Weights::pack`] writes.
    pub fn packed_len(&self, direction: Direction) -> usize {
        let [from, to] = self.ways(direction);
        AREA * self.steps(from) * padded(to)
    }

    /// Steps of a sum over `channels`: with 16 bits, two channels a step.
    pub fn steps(&self, channels: usize) -> usize {
        if self.precision == Precision::Bf16 { channels.div_ceil(2) } else { channels }
    }

    /// Lays weights out at the points: a panel of channels that are written after the other, in it point by point, in a point one
    /// row of the panel's width a channel that is read, or a pair of channels. Runs on the current rayon pool.
    pub fn pack(&self, direction: Direction, weights: &[f32], packed: &mut [f32]) {
        assert!(weights.len() >= self.out * self.channels * self.area() && packed.len() == self.packed_len(direction));
        let [from, to] = self.ways(direction);
        packed.par_chunks_mut(AREA * self.steps(from) * PANEL).enumerate().for_each(|(number, panel)| {
            let first = number * PANEL;
            let width = padded((to - first).min(PANEL));
            for half in (0..width).step_by(HALF) {
                let count = to.saturating_sub(first + half).min(HALF);
                self.pack_half(direction, weights, (first + half, count), &mut panel[half..], width);
            }
        });
    }

    /// One vector of channels that are written.
    fn pack_half(&self, direction: Direction, weights: &[f32], (first, count): (usize, usize), panel: &mut [f32], width: usize) {
        let (area, [from, _]) = (self.area(), self.ways(direction));
        let blocks = match direction {
            Direction::Forward => HALF,
            Direction::Backward => 1,
        };
        let mut points = [[[0.0; BESIDE]; AREA]; 2];
        let mut kernels = [[0.0; BESIDE]; HALF * 25];
        for start in (0..from).step_by(blocks) {
            let here = (from - start).min(blocks);
            let kernels = &mut kernels[..here * area];
            let (at, stride) = match direction {
                Direction::Forward => ((first * self.channels + start) * area, self.channels * area),
                Direction::Backward => ((start * self.channels + first) * area, area),
            };
            transpose(&weights[at..], stride, count, here * area, kernels.as_flattened_mut(), BESIDE);
            if direction == Direction::Backward {
                kernels.reverse();
            }
            for (index, kernels) in kernels.chunks_exact(area).enumerate() {
                let channel = start + index;
                if self.precision == Precision::F32 {
                    kernels_to_points(kernels, self.kernel, &mut panel[channel * width..], from * width);
                    continue;
                }
                kernels_to_points(kernels, self.kernel, points[channel % 2].as_flattened_mut(), BESIDE);
                if channel % 2 == 1 || channel + 1 == from {
                    let [even, odd] = &mut points;
                    if channel % 2 == 0 {
                        odd.as_flattened_mut().fill(0.0);
                    }
                    pair_points(even, odd, &mut panel[channel / 2 * width..], self.steps(from) * width);
                }
            }
        }
    }

    /// Number of floats of sums at the points: point by point, in a point a row of [`padded`] outputs an input.
    pub fn sums_len(&self) -> usize {
        AREA * self.channels * padded(self.out)
    }

    /// Writes the gradient of the weights that sums at the points come to. Runs on the current rayon pool.
    pub fn collect(&self, sums: &[f32], gradient: &mut [f32]) {
        assert!(sums.len() == self.sums_len() && gradient.len() == self.out * self.channels * self.area());
        let row = self.channels * self.area();
        gradient.par_chunks_mut(BESIDE * row).enumerate().for_each(|(block, gradient)| {
            for start in (0..self.channels).step_by(BESIDE) {
                self.collect_block(&sums[block * BESIDE..], start, gradient);
            }
        });
    }

    /// A vector of outputs, and as many inputs from `start` on.
    fn collect_block(&self, sums: &[f32], start: usize, gradient: &mut [f32]) {
        let (area, out, here) = (self.area(), padded(self.out), (self.channels - start).min(BESIDE));
        let row = self.channels * area;
        scratch::with(here * area * BESIDE, |buffer| {
            let (kernels, _) = buffer.as_chunks_mut::<BESIDE>();
            for (index, kernels) in kernels.chunks_exact_mut(area).enumerate() {
                points_to_kernels(&sums[(start + index) * out..], self.channels * out, self.kernel, kernels);
            }
            let count = gradient.len() / row;
            transpose(kernels.as_flattened(), BESIDE, here * area, count, &mut gradient[start * area..], row);
        });
    }
}
