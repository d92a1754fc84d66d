//! Cosine coefficients of 8 × 8 blocks → samples of 8, 4, 2 or 1 along each axis: each the mean of the full transform's samples in its
//! place, taken before they are rounded. Knows no colour.

use super::super::super::jpeg::transform::LANES;
use super::huffman::NATURAL;
use super::sequence::Lanes;

/// cos(iπ/16) for i = 0 … 8.
const QUARTER: [f32; 9] =
    [1.0, 0.980_785_25, 0.923_879_5, 0.831_469_6, 0.707_106_77, 0.555_570_24, 0.382_683_43, 0.195_090_32, 0.0];

/// cos(iπ/16) for any i.
const fn cosine(i: usize) -> f32 {
    let i = i % 32;
    let i = if i > 16 { 32 - i } else { i };
    if i > 8 { -QUARTER[16 - i] } else { QUARTER[i] }
}

/// For every halving, sample and coefficient the weight of the one in the other: the basis of T.81, A.3.3, averaged over samples. What
/// high coefficients leave in the means is kept, which a shorter transform of the low ones alone would lose.
const BASIS: [[[f32; 8]; 8]; 4] = {
    let mut basis = [[[0.0; 8]; 8]; 4];
    let mut halvings = 0;
    while halvings < 4 {
        let mut n = 0;
        while n < 8 {
            let mut k = 0;
            while k < 8 {
                let value = if k == 0 { QUARTER[4] / 2.0 } else { cosine((2 * n + 1) * k) / 2.0 };
                basis[halvings][n >> halvings][k] += value / (1 << halvings) as f32;
                k += 1;
            }
            n += 1;
        }
        halvings += 1;
    }
    basis
};

/// Eight values of each lane.
type Line = [[f32; LANES]; 8];

/// Sums of the values of each lane, each with its weight, from the first on.
#[inline(always)]
fn weighted(values: &Line, weights: &[f32; 8]) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for k in 0..8 {
        for lane in 0..LANES {
            sums[lane] += values[k][lane] * weights[k];
        }
    }
    sums
}

/// One row of `W` samples of each lane, lane after lane, as far as `out` goes.
#[inline(always)]
fn put_row<const W: usize>(columns: &Line, basis: &[[f32; 8]; 8], out: &mut [u8]) {
    let mut samples = [[0; LANES]; W];
    for x in 0..W {
        let sums = weighted(columns, &basis[x]);
        for lane in 0..LANES {
            samples[x][lane] = (sums[lane] + 128.5).clamp(0.0, 255.0) as i32 as u8;
        }
    }
    let mut row = [[0; W]; LANES];
    for lane in 0..LANES {
        for x in 0..W {
            row[lane][x] = samples[x][lane];
        }
    }
    let count = out.len().min(W * LANES);
    out[..count].copy_from_slice(&row.as_flattened()[..count]);
}

wide! {
    /// As many rows of samples, each of `stride`, as halvings down leave of eight, out of coefficients that count in `steps`; the halvings
    /// are given across and down.
    pub(super) fn reduce / reduce_plain(groups: &[Lanes], steps: &[i16; 64], halvings: (usize, usize), strip: &mut [u8], stride: usize) {
        let (wide, high) = (8 >> halvings.0, 8 >> halvings.1);
        let (down, across) = (&BASIS[halvings.1 % 4], &BASIS[halvings.0 % 4]);
        let (mut values, mut columns) = ([[0.0; LANES]; 64], [[0.0; LANES]; 8]);
        for (index, group) in groups.iter().enumerate() {
            // Column after column, so that eight values that are summed lie side by side.
            for k in 0..64 {
                let place = usize::from(NATURAL[k]);
                for lane in 0..LANES {
                    values[place % 8 * 8 + place / 8][lane] = f32::from(group[k][lane].wrapping_mul(steps[k]));
                }
            }
            for (row, weights) in strip.chunks_exact_mut(stride).zip(&down[..high]) {
                for (column, values) in columns.iter_mut().zip(values.as_chunks::<8>().0) {
                    *column = weighted(values, weights);
                }
                let out = &mut row[(index * LANES * wide).min(stride)..];
                match wide {
                    8 => put_row::<8>(&columns, across, out),
                    4 => put_row::<4>(&columns, across, out),
                    2 => put_row::<2>(&columns, across, out),
                    _ => put_row::<1>(&columns, across, out),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};

    const STEPS: [i16; 64] = [3; 64];

    /// All lanes hold the block, of which each is turned a little further.
    fn lanes(block: &[i16; 64]) -> Lanes {
        let turned = |k: usize, lane: usize| block[k].wrapping_add((lane * k % 5) as i16);
        NATURAL.map(|k| std::array::from_fn(|lane| turned(k.into(), lane)))
    }

    fn samples(group: &Lanes, halvings: (usize, usize)) -> Vec<u8> {
        let stride = LANES * (8 >> halvings.0);
        let mut strip = vec![0; stride * (8 >> halvings.1)];
        reduce(&[*group], &STEPS, halvings, &mut strip, stride);
        strip
    }

    #[test]
    fn samples_are_means_of_the_defining_double_sum_in_every_lane() {
        let group = lanes(&std::array::from_fn(|i| ((i * 37 % 23) as i16 - 11) * i16::from(i % 3 == 0)));
        let scale = |k: usize| if k == 0 { 0.5f64.sqrt() } else { 1.0 };
        let cosine = |n: usize, k: usize| ((2 * n + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos();
        let zigzag = |i: usize| NATURAL.iter().position(|&place| usize::from(place) == i).unwrap();
        let exact = |lane: usize, y: usize, x: usize| {
            let term = |i: usize| {
                scale(i % 8) * scale(i / 8) / 4.0 * f64::from(group[zigzag(i)][lane]) * 3.0 * cosine(x, i % 8) * cosine(y, i / 8)
            };
            (0..64).map(term).sum::<f64>()
        };
        for halvings in (0..16).map(|both| (both / 4, both % 4)) {
            let got = samples(&group, halvings);
            let (wide, high) = (1 << halvings.0, 1 << halvings.1);
            for lane in [0, 1, 7, 15] {
                for place in 0..64 / (wide * high) {
                    let (y, x) = (place / (8 / wide), place % (8 / wide));
                    let all = (0..wide * high).map(|i| exact(lane, y * high + i / wide, x * wide + i % wide));
                    let mean = (all.sum::<f64>() / (wide * high) as f64 + 128.0).clamp(0.0, 255.0);
                    let got = f64::from(got[y * LANES * 8 / wide + lane * 8 / wide + x]);
                    assert!((got - mean).abs() < 0.501, "{halvings:?} {lane} {place}: {got} for {mean}");
                }
            }
        }
    }

    #[test]
    fn absurd_coefficients_panic_nowhere_and_are_the_same_everywhere() {
        let group = lanes(&std::array::from_fn(|i| if i % 2 == 0 { i16::MIN } else { i16::MAX }));
        for halvings in [(1, 1), (0, 1), (2, 3), (3, 3)] {
            let plain = only(Isa::Plain, || samples(&group, halvings));
            Isa::available().into_iter().for_each(|isa| assert_eq!(only(isa, || samples(&group, halvings)), plain));
        }
    }
}
