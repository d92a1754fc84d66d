//! Sixteen pixels, by Keys' cubic with a = −0.75. Knows no map.

use super::row::{BORDER, OUTSIDE, Row, SPAN};
use super::{Source, border};
use crate::pixels::rounded;

/// The pixels of one row that come from the places of `row`, as many as `out` holds.
pub(super) fn paint<const C: usize>(source: &Source, row: &mut Row, out: &mut [u8]) {
    let out = out.as_chunks_mut::<C>().0;
    let used = out.len().next_multiple_of(64).min(SPAN);
    place::<C>(source, row, used);
    let mut done = 0;
    while done < out.len() {
        let run = row.next_run(done, out.len());
        while let Some(at) = row.next(done, run.start, |offset| offset == BORDER) {
            edge(source, row, at, &mut out[at]);
            done = at + 1;
        }
        source.ask_for_row(row, run.clone());
        blend::<C>(source, row, run.start, &mut out[run.clone()]);
        done = run.end;
    }
}

/// Pixels whose weights are made together.
const BLOCK: usize = 32;

/// Bytes that are read at once from each of four rows.
const BYTES: usize = 16;

wide! {
    /// Weights, and offsets of the top left pixels: [`BORDER`] where not all sixteen lie inside, or could not be read with what
    /// follows them, and [`OUTSIDE`] where all lie outside.
    fn place / place_plain<const C: usize>(source: &Source, row: &mut Row, used: usize) {
        let stride = (source.width * C) as i32;
        let (width, height) = source.size;
        let weights = row.rights[..used].iter_mut().zip(&mut row.bottoms[..used]);
        let places = row.xs[..used].iter().zip(&row.ys[..used]);
        for (((&x, &y), (right_part, bottom_part)), offset) in places.zip(weights).zip(&mut row.offsets[..used]) {
            let (left, top) = (x.floor(), y.floor());
            (*right_part, *bottom_part) = (x - left, y - top);
            let inside = (left >= 1.0) & (left < width - 2.0) & (top >= 1.0) & (top < height - 2.0);
            let reached = (left >= -2.0) & (left <= width) & (top >= -2.0) & (top <= height);
            let (left, top) = (if inside { left } else { 1.0 }, if inside { top } else { 1.0 });
            // SAFETY: both are 1 or lie between 1 and a side of the image, so they fit.
            let (left, top): (i32, i32) = unsafe { (left.to_int_unchecked(), top.to_int_unchecked()) };
            let at = (top - 1).wrapping_mul(stride).wrapping_add((left - 1).wrapping_mul(C as i32));
            let not_inside = if reached { BORDER } else { OUTSIDE };
            *offset = if inside & (at <= source.sixteen) { at } else { not_inside };
        }
    }
}

wide! {
    /// The pixels of a run that begins at column `start`: sums down the columns first, of all bytes that are read.
    fn blend / blend_plain<const C: usize>(source: &Source, row: &Row, start: usize, out: &mut [[u8; C]]) {
        let stride = source.width * C;
        let (mut columns, mut rows) = ([[0f32; 4]; BLOCK], [[0f32; 4]; BLOCK]);
        for (index, pixel) in out.iter_mut().enumerate() {
            let at = start + index;
            let lane = index % BLOCK;
            if lane == 0 {
                let end = (at + BLOCK).min(SPAN);
                for (weights, &part) in columns.iter_mut().zip(&row.rights[at..end]) {
                    *weights = weights_at(part);
                }
                for (weights, &part) in rows.iter_mut().zip(&row.bottoms[at..end]) {
                    *weights = weights_at(part);
                }
            }
            let (columns, rows) = (&columns[lane], &rows[lane]);
            let offset = row.offsets[at] as u32 as usize;
            let mut sums = [0f32; BYTES];
            for (y, row_weight) in rows.iter().enumerate() {
                let bytes = &source.pixels[offset + y * stride..][..BYTES];
                for lane in 0..BYTES {
                    sums[lane] += f32::from(bytes[lane]) * row_weight;
                }
            }
            for c in 0..C {
                let mut sum = sums[c] * columns[0];
                for x in 1..4 {
                    sum += sums[x * C + c] * columns[x];
                }
                let sum = if sum > 0.0 { sum } else { 0.0 };
                pixel[c] = rounded(if sum < 255.0 { sum } else { 255.0 });
            }
        }
    }
}

/// What pixels weigh whose centres are 1 + t, t, 1 − t and 2 − t away.
#[inline(always)]
fn weights_at(t: f32) -> [f32; 4] {
    [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]
}

const A: f32 = -0.75;

/// Keys' cubic for t ≤ 1.
#[inline(always)]
fn near(t: f32) -> f32 {
    ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0
}

/// The same for 1 ≤ t ≤ 2.
#[inline(always)]
fn far(t: f32) -> f32 {
    ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A
}

/// One pixel where some of the sixteen may lie outside.
fn edge<const C: usize>(source: &Source, row: &Row, at: usize, pixel: &mut [u8; C]) {
    let first = (row.xs[at].floor() - 1.0, row.ys[at].floor() - 1.0);
    let sums = border::<C, 4>(source, first, weights_at(row.rights[at]), weights_at(row.bottoms[at]));
    for (byte, sum) in pixel.iter_mut().zip(sums) {
        *byte = rounded(sum.clamp(0.0, 255.0));
    }
}
