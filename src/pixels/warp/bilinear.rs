//! Four pixels, by distance. Knows no map.

use super::row::{BORDER, OUTSIDE, Row, SPAN, store};
use super::straight::{Columns, columns};
#[cfg(target_arch = "x86_64")]
use super::vbmi;
use super::{Source, border};
#[cfg(target_arch = "x86_64")]
use crate::pixels::bytes::has_vbmi;
use crate::pixels::rounded;
use std::ops::Range;

/// The pixels of one row that come from the places of `row`, as many as `out` holds; `T` is 0 without torchvision's rule at the
/// border, 1 with it, and 2 with it and the colour black.
pub(super) fn paint<const C: usize, const T: usize>(source: &Source, row: &mut Row, out: &mut [u8]) {
    let out = out.as_chunks_mut::<C>().0;
    if let Some(Columns { reached, inside }) = columns(source, row, out.len()) {
        weigh::<C>(source, row, reached.start / 16 * 16, reached.end.next_multiple_of(16));
        for at in (reached.start..inside.start).chain(inside.end..reached.end) {
            edge(source, row, at, &mut out[at]);
        }
        return squares::<C, T>(source, row, inside, out);
    }
    let used = out.len().next_multiple_of(64).min(SPAN);
    place::<C>(source, row, used);
    let mut done = 0;
    while done < out.len() {
        let run = row.next_run(done, out.len());
        while let Some(at) = row.next(done, run.start, |offset| offset == BORDER) {
            edge(source, row, at, &mut out[at]);
            done = at + 1;
        }
        done = run.end;
        squares::<C, T>(source, row, run, out);
    }
}

/// The pixels of a run, which all have offsets.
fn squares<const C: usize, const T: usize>(source: &Source, row: &mut Row, run: Range<usize>, out: &mut [[u8; C]]) {
    source.ask_for_row(row, run.clone());
    let colour = source.outside.colour().unwrap_or([0; 3]);
    #[cfg(target_arch = "x86_64")]
    if run.len() >= vbmi::LANES && has_vbmi() {
        // SAFETY: the processor has the instructions, as the line above says.
        return unsafe { vbmi::blend::<C, T>(source, row, run, colour, out) };
    }
    fetch::<C>(source, row, run.clone());
    let (start, end) = (run.start / 16 * 16, run.end.next_multiple_of(16));
    blend::<C, T>(row, start, end, colour);
    store(&row.mixed[run.clone()], &mut out[run]);
}

/// Where the square's left column or top row is, and what the other column or row weighs.
#[inline(always)]
fn part(x: f32, last: f32) -> (f32, f32) {
    let first = x.floor();
    let first = if first < last { first } else { last };
    (first, x - first)
}

wide! {
    /// Weights, and offsets of the top left pixels: [`BORDER`] where not all four lie inside, or could not be read with what
    /// follows them, and [`OUTSIDE`] where all four lie outside.
    fn place / place_plain<const C: usize>(source: &Source, row: &mut Row, used: usize) {
        let stride = (source.width * C) as i32;
        let (right, bottom) = (source.size.0 - 1.0, source.size.1 - 1.0);
        let weights = row.rights[..used].iter_mut().zip(&mut row.bottoms[..used]);
        let places = row.xs[..used].iter().zip(&row.ys[..used]);
        for (((&x, &y), (right_part, bottom_part)), offset) in places.zip(weights).zip(&mut row.offsets[..used]) {
            let (left, top);
            ((left, *right_part), (top, *bottom_part)) = (part(x, source.last.0), part(y, source.last.1));
            let inside = (left >= 0.0) & (left < right) & (top >= 0.0) & (top < bottom);
            let reached = (left >= -1.0) & (left <= right) & (top >= -1.0) & (top <= bottom);
            let (left, top) = (if inside { left } else { 0.0 }, if inside { top } else { 0.0 });
            // SAFETY: both are 0 or lie between 0 and a side of the image, so they fit.
            let (left, top): (i32, i32) = unsafe { (left.to_int_unchecked(), top.to_int_unchecked()) };
            let at = top.wrapping_mul(stride).wrapping_add(left.wrapping_mul(C as i32));
            let not_inside = if reached { BORDER } else { OUTSIDE };
            *offset = if inside & (at <= source.limit) { at } else { not_inside };
        }
    }
}

wide! {
    /// Weights and offsets from column `start` to `end`, where it is known which of them mean something.
    fn weigh / weigh_plain<const C: usize>(source: &Source, row: &mut Row, start: usize, end: usize) {
        let stride = (source.width * C) as i32;
        let weights = row.rights[start..end].iter_mut().zip(&mut row.bottoms[start..end]);
        let places = row.xs[start..end].iter().zip(&row.ys[start..end]);
        for (((&x, &y), (right_part, bottom_part)), offset) in places.zip(weights).zip(&mut row.offsets[start..end]) {
            let (left, top) = (x.floor(), y.floor());
            (*right_part, *bottom_part) = (x - left, y - top);
            // SAFETY: the places of a row that lies on a line are no further away than whole numbers reach.
            let (left, top): (i32, i32) = unsafe { (left.to_int_unchecked(), top.to_int_unchecked()) };
            *offset = top.wrapping_mul(stride).wrapping_add(left.wrapping_mul(C as i32));
        }
    }
}

/// Eight bytes from each offset of a run on, and eight one row later.
///
/// Compiled without wide registers: single loads are faster than what gathers them.
#[inline(never)]
fn fetch<const C: usize>(source: &Source, row: &mut Row, run: Range<usize>) {
    let start = source.pixels.as_ptr();
    let stride = source.width * C;
    let to = row.above[run.clone()].iter_mut().zip(&mut row.below[run.clone()]);
    for (&offset, (above, below)) in row.offsets[run].iter().zip(to) {
        let at = offset as u32 as usize;
        // SAFETY: in a run offsets are not negative and at most `limit`, from where eight bytes can be read there and a row later.
        unsafe {
            *above = u64::from_le(start.add(at).cast::<u64>().read_unaligned());
            *below = u64::from_le(start.add(at + stride).cast::<u64>().read_unaligned());
        }
    }
}

wide! {
    /// What bytes and weights make, from `start` to `end`. What stands outside of the run means nothing.
    ///
    /// Channel c is left where it is in its word, 2⁸ᶜ times too large, which changes no digit of any sum or product.
    fn blend / blend_plain<const C: usize, const T: usize>(
        row: &mut Row, start: usize, end: usize, colour: [u8; 3],
    ) {
        let parts = row.rights[start..end].iter().zip(&row.bottoms[start..end]);
        let bytes = row.above[start..end].iter().zip(&row.below[start..end]);
        for (((&right, &bottom), (&above, &below)), mixed) in parts.zip(bytes).zip(&mut row.mixed[start..end]) {
            let (left, top) = (1.0 - right, 1.0 - bottom);
            let (nw, ne, sw, se) = (left * top, right * top, left * bottom, right * bottom);
            let coverage = nw + ne + sw + se;
            let words = [above as u32, (above >> (8 * C)) as u32, below as u32, (below >> (8 * C)) as u32];
            let mut bits = 0;
            for (c, colour) in colour.iter().enumerate().take(C) {
                let unit = (1u32 << (8 * c)) as f32;
                let [above_left, above_right, below_left, below_right] = words.map(|word| (word & (255 << (8 * c))) as i32 as f32);
                let sum = below_right.mul_add(se, below_left.mul_add(sw, above_right.mul_add(ne, above_left * nw)));
                let fill = f32::from(*colour) * unit;
                let sum = match T {
                    0 => sum,
                    1 => (sum - fill) * coverage + fill,
                    _ => sum * coverage,
                };
                bits |= ((sum + 12_582_912.0 * unit).to_bits() & 255) << (8 * c);
            }
            *mixed = bits;
        }
    }
}

/// One pixel where some of the four may lie outside.
fn edge<const C: usize>(source: &Source, row: &Row, at: usize, pixel: &mut [u8; C]) {
    let (left, top) = (part(row.xs[at], source.last.0).0, part(row.ys[at], source.last.1).0);
    let (right_part, bottom_part) = (row.rights[at], row.bottoms[at]);
    let sums = border::<C, 2>(source, (left, top), [1.0 - right_part, right_part], [1.0 - bottom_part, bottom_part]);
    for (byte, sum) in pixel.iter_mut().zip(sums) {
        *byte = rounded(sum);
    }
}
