//! Blocks of 8 × 8 samples → cosine coefficients, rounded to steps, and back. Knows no colour.
//!
//! The transforms are Loeffler, Ligtenberg and Moschytz, *Practical fast 1-D DCT algorithms with 11 multiplications*, 1989, in
//! 13-bit fixed point, rounded where libjpeg's accurate integer transforms round. Many blocks are handled side by side.

use std::num::Wrapping;

/// Blocks side by side.
pub(in super::super) const LANES: usize = 16;

/// Coefficient or sample i of each block.
pub(in super::super) type Blocks = [[i32; LANES]; 64];

/// Bits behind the point of the constants.
const BITS: u32 = 13;
/// Bits that values have more between the two passes.
const MORE: u32 = 2;

/// ITU-T T.81, table K.1.
const LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112,
    100, 103, 99,
];

/// ITU-T T.81, table K.2: its first four rows and columns; all others are 99.
const CHROMA: [[u8; 4]; 4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]];

/// Steps of luma and of chroma for a quality 1 to 100, scaled as libjpeg does.
pub(super) fn steps(quality: u8) -> ([i32; 64], [i32; 64]) {
    let quality = i32::from(quality);
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    let scaled = |step: u8| ((i32::from(step) * percent + 50) / 100).clamp(1, 255);
    let chroma = |place: usize| if place / 8 < 4 && place % 8 < 4 { CHROMA[place / 8][place % 8] } else { 99 };
    (LUMA.map(scaled), std::array::from_fn(|place| scaled(chroma(place))))
}

wide! {
    /// All samples, in rows of `stride`, after their coefficients were rounded to `steps`.
    pub(super) fn crush / crush_plain(samples: &mut [u8], stride: usize, steps: &[i32; 64]) {
        let count = stride / 8;
        let mut blocks = [[0; LANES]; 64];
        for strip in samples.chunks_exact_mut(8 * stride) {
            for first in (0..count).step_by(LANES) {
                load(strip, stride, first, &mut blocks);
                for row in blocks.as_chunks_mut::<8>().0 {
                    forward_line(row, true);
                }
                for column in 0..8 {
                    let mut line = take(&blocks, column);
                    forward_line(&mut line, false);
                    put(&mut blocks, column, &line);
                }
                round_to(&mut blocks, steps);
                inverse_all(&mut blocks);
                store(&blocks, strip, stride, first);
            }
        }
    }
}

/// Coefficients → samples less 128. Numbers beyond what pictures come to wrap around.
#[inline(always)]
pub(in super::super) fn inverse_all(blocks: &mut Blocks) {
    for column in 0..8 {
        let mut line = take(blocks, column);
        inverse_line(&mut line, true);
        put(blocks, column, &line);
    }
    for row in blocks.as_chunks_mut::<8>().0 {
        inverse_line(row, false);
    }
}

/// Takes [`LANES`] blocks from the block `first` on; those after the last of the strip are black.
#[inline(always)]
fn load(strip: &[u8], stride: usize, first: usize, blocks: &mut Blocks) {
    for (row, values) in strip.chunks_exact(stride).zip(blocks.as_chunks_mut::<8>().0) {
        // A row of a block is one number, from which samples are taken in wide registers.
        let mut words = [0; LANES];
        for (word, chunk) in words.iter_mut().zip(&row.as_chunks::<8>().0[first..]) {
            *word = u64::from_le_bytes(*chunk);
        }
        for (x, values) in values.iter_mut().enumerate() {
            for (value, word) in values.iter_mut().zip(words) {
                *value = (word >> (8 * x) & 255) as i32 - 128;
            }
        }
    }
}

/// Puts the blocks back, from the block `first` on, shifted by 128 and clamped; those after the last of the strip are left out.
#[inline(always)]
pub(in super::super) fn store(blocks: &Blocks, strip: &mut [u8], stride: usize, first: usize) {
    for (row, values) in strip.chunks_exact_mut(stride).zip(blocks.as_chunks::<8>().0) {
        // A row of a block is one number: put together in wide registers, where bytes would have to be moved one by one.
        let mut words = [0; LANES];
        for lane in 0..LANES {
            let sample = |x: usize| (values[x][lane] + 128).clamp(0, 255) as u32;
            let low = sample(0) | sample(1) << 8 | sample(2) << 16 | sample(3) << 24;
            let high = sample(4) | sample(5) << 8 | sample(6) << 16 | sample(7) << 24;
            words[lane] = (u64::from(low) | u64::from(high) << 32).to_le();
        }
        let chunks = &mut row.as_chunks_mut::<8>().0[first..];
        match chunks.first_chunk_mut::<LANES>() {
            Some(chunks) => *chunks = words.map(u64::to_ne_bytes),
            None => chunks.iter_mut().zip(words).for_each(|(chunk, word)| *chunk = word.to_ne_bytes()),
        }
    }
}

/// x / 2ⁿ, rounded, halves up.
#[inline(always)]
fn scaled_down(x: i32, n: u32) -> i32 {
    (x + (1 << (n - 1))) >> n
}

/// Eight values of each block.
type Line = [[i32; LANES]; 8];

/// Column `column` of each block.
#[inline(always)]
fn take(blocks: &Blocks, column: usize) -> Line {
    let mut line = [[0; LANES]; 8];
    for (values, row) in line.iter_mut().zip(blocks.as_chunks::<8>().0) {
        *values = row[column];
    }
    line
}

#[inline(always)]
fn put(blocks: &mut Blocks, column: usize, line: &Line) {
    for (values, row) in line.iter().zip(blocks.as_chunks_mut::<8>().0) {
        row[column] = *values;
    }
}

/// Eight values become their cosine coefficients, times √8 a pass.
#[inline(always)]
fn forward_line(line: &mut Line, is_first: bool) {
    let [mut d0, mut d1, mut d2, mut d3, mut d4, mut d5, mut d6, mut d7] = *line;
    for lane in 0..LANES {
        let old = [d0[lane], d1[lane], d2[lane], d3[lane], d4[lane], d5[lane], d6[lane], d7[lane]];
        [d0[lane], d1[lane], d2[lane], d3[lane], d4[lane], d5[lane], d6[lane], d7[lane]] = forward(old, is_first);
    }
    *line = [d0, d1, d2, d3, d4, d5, d6, d7];
}

/// The way back; the second pass also divides by 8.
#[inline(always)]
fn inverse_line(line: &mut Line, is_first: bool) {
    let [mut d0, mut d1, mut d2, mut d3, mut d4, mut d5, mut d6, mut d7] = *line;
    for lane in 0..LANES {
        let old = [d0[lane], d1[lane], d2[lane], d3[lane], d4[lane], d5[lane], d6[lane], d7[lane]];
        [d0[lane], d1[lane], d2[lane], d3[lane], d4[lane], d5[lane], d6[lane], d7[lane]] = inverse(old, is_first);
    }
    *line = [d0, d1, d2, d3, d4, d5, d6, d7];
}

#[inline(always)]
fn forward([d0, d1, d2, d3, d4, d5, d6, d7]: [i32; 8], is_first: bool) -> [i32; 8] {
    let (outer, inner, twist, turn) = (d0 + d7 + d3 + d4, d1 + d6 + d2 + d5, d1 + d6 - d2 - d5, d0 + d7 - d3 - d4);
    let odd = odd_part([d3 - d4, d2 - d5, d1 - d6, d0 - d7].map(Wrapping)).map(|value| value.0);
    let common = (twist + turn) * 4433;
    let even = [common + turn * 6270, common - twist * 15137];
    let (sum, difference) = (outer + inner, outer - inner);
    let shift = if is_first { BITS - MORE } else { BITS + MORE };
    let odd = odd.map(|value| scaled_down(value, shift));
    let even = even.map(|value| scaled_down(value, shift));
    let plain = [sum, difference].map(|value| if is_first { value << MORE } else { scaled_down(value, MORE) });
    [plain[0], odd[3], even[0], odd[2], plain[1], odd[1], even[1], odd[0]]
}

#[inline(always)]
fn inverse(values: [i32; 8], is_first: bool) -> [i32; 8] {
    let [v0, v1, v2, v3, v4, v5, v6, v7] = values.map(Wrapping);
    let common = (v2 + v6) * Wrapping(4433);
    let (low, high) = (common - v6 * Wrapping(15137), common + v2 * Wrapping(6270));
    let (sum, difference) = ((v0 + v4) << BITS as usize, (v0 - v4) << BITS as usize);
    let [a, b, c, d] = [sum + high, difference + low, difference - low, sum - high];
    let [e, f, g, h] = odd_part([v7, v5, v3, v1]);
    let shift = if is_first { BITS - MORE } else { BITS + MORE + 3 };
    let half = Wrapping(1 << (shift - 1));
    [a + h, b + g, c + f, d + e, d - e, c - f, b - g, a - h].map(|value| (value + half).0 >> shift)
}

/// The rotations that both directions share.
#[inline(always)]
fn odd_part([a, b, c, d]: [Wrapping<i32>; 4]) -> [Wrapping<i32>; 4] {
    let all = (a + b + c + d) * Wrapping(9633);
    let (ad, bc) = ((a + d) * Wrapping(-7373), (b + c) * Wrapping(-20995));
    let (ac, bd) = ((a + c) * Wrapping(-16069) + all, (b + d) * Wrapping(-3196) + all);
    let (a, b, c, d) = (a * Wrapping(2446), b * Wrapping(16819), c * Wrapping(25172), d * Wrapping(12299));
    [a + ad + ac, b + bc + bd, c + bc + ac, d + ad + bd]
}

/// Every coefficient, held eightfold, becomes the nearest multiple of its step, halves away from 0, held once.
#[inline(always)]
fn round_to(blocks: &mut Blocks, steps: &[i32; 64]) {
    for (values, &step) in blocks.iter_mut().zip(steps) {
        // Half a unit more than the numerator keeps exact quotients from falling below; others are further from a whole number.
        let (more, inverse) = ((4 * step) as f32 + 0.5, 1.0 / (8 * step) as f32);
        for value in values {
            let quotient = (value.abs() as f32 + more) * inverse;
            // SAFETY: at most (2¹⁵ + 2¹¹) / 8 and no NaN, because coefficients of samples −128 to 127 are below 2¹⁵.
            let multiple = unsafe { quotient.to_int_unchecked::<i32>() } * step;
            *value = if *value < 0 { -multiple } else { multiple };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_whole_number_division() {
        for step in 1..=255i32 {
            for start in (-16_400..16_400).step_by(64) {
                let mut blocks = [[0; LANES]; 64];
                blocks.as_flattened_mut().iter_mut().take(64).enumerate().for_each(|(i, value)| *value = start + i as i32);
                let old = blocks;
                round_to(&mut blocks, &[step; 64]);
                for (new, old) in blocks.as_flattened().iter().zip(old.as_flattened()).take(64) {
                    assert_eq!(*new, old.signum() * ((old.abs() + 4 * step) / (8 * step)) * step, "{old} by {step}");
                }
            }
        }
    }

    #[test]
    fn steps_follow_the_quality() {
        assert_eq!(steps(100), ([1; 64], [1; 64]));
        assert_eq!(steps(50).0.map(|step| step as u8), LUMA);
        assert_eq!((steps(75).0[0], steps(75).1[63], steps(1).0[0]), (8, 50, 255));
    }

    #[test]
    fn without_rounding_the_way_back_leads_back() {
        let samples: Vec<u8> = (0..8 * 24 * 8u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut after = samples.clone();
        crush(&mut after, 24 * 8, &[1; 64]);
        assert!(after.iter().zip(&samples).all(|(a, b)| a.abs_diff(*b) <= 2));
        let mut plain = samples;
        crush_plain(&mut plain, 24 * 8, &[1; 64]);
        assert_eq!(after, plain);
    }
}
