//! The nearest pixel. Knows no map.

use super::Source;
use super::row::{BORDER, OUTSIDE, Row, SPAN};

/// The pixels of one row that come from the places of `row`, as many as `out` holds.
pub(super) fn paint<const C: usize>(source: &Source, row: &mut Row, out: &mut [u8]) {
    let out = out.as_chunks_mut::<C>().0;
    let used = out.len().next_multiple_of(64).min(SPAN);
    place::<C>(source, &row.xs[..used], &row.ys[..used], &mut row.offsets[..used]);
    let mut done = 0;
    while done < out.len() {
        let run = row.next_run(done, out.len());
        while let Some(at) = row.next(done, run.start, |offset| offset == BORDER) {
            edge(source, row, at, &mut out[at]);
            done = at + 1;
        }
        source.ask_for_row(row, run.clone());
        copy(source, &row.offsets[run.clone()], &mut out[run.clone()]);
        done = run.end;
    }
}

/// x rounded to the nearest whole number, ties to even, below 2²²; what lies beyond stays far outside.
#[inline(always)]
fn whole(x: f32) -> f32 {
    x + 12_582_912.0 - 12_582_912.0
}

wide! {
    /// Offsets of the pixels: [`OUTSIDE`] where there is none, [`BORDER`] where four bytes cannot be read.
    fn place / place_plain<const C: usize>(source: &Source, xs: &[f32], ys: &[f32], offsets: &mut [i32]) {
        let stride = (source.width * C) as i32;
        for ((&x, &y), offset) in xs.iter().zip(ys).zip(offsets) {
            let (x, y) = (whole(x), whole(y));
            let inside = source.holds(x, y);
            let (x, y) = (if inside { x } else { 0.0 }, if inside { y } else { 0.0 });
            // SAFETY: both are 0 or lie between 0 and a side of the image, so they fit.
            let (x, y): (i32, i32) = unsafe { (x.to_int_unchecked(), y.to_int_unchecked()) };
            let at = y.wrapping_mul(stride).wrapping_add(x.wrapping_mul(C as i32));
            let not_inside = if inside { BORDER } else { OUTSIDE };
            *offset = if inside & (at <= source.four) { at } else { not_inside };
        }
    }
}

/// The pixels at `offsets`. Compiled without wide registers: single loads are faster than what gathers them.
#[inline(never)]
fn copy<const C: usize>(source: &Source, offsets: &[i32], out: &mut [[u8; C]]) {
    let start = source.pixels.as_ptr();
    let count = offsets.len().min(out.len());
    let whole = if C == 3 { count.saturating_sub(1) } else { 0 };
    let to = out.as_mut_ptr().cast::<u8>();
    for (index, &offset) in offsets[..whole].iter().enumerate() {
        // SAFETY: in a run offsets are not negative and at most `four`, from where four bytes can be read; four bytes are written
        // from a pixel of three on that is not the last one, and the next pixel mends the fourth.
        unsafe {
            let word = start.add(offset as u32 as usize).cast::<u32>().read_unaligned();
            to.add(index * C).cast::<u32>().write_unaligned(word);
        }
    }
    for (pixel, &offset) in out.iter_mut().zip(offsets).skip(whole) {
        pixel.copy_from_slice(&source.pixels[offset as usize..][..C]);
    }
}

/// One pixel at the image's very end.
fn edge<const C: usize>(source: &Source, row: &Row, at: usize, pixel: &mut [u8; C]) {
    if let Some(found) = source.pixel::<C>(whole(row.xs[at]) as i64, whole(row.ys[at]) as i64) {
        *pixel = found;
    }
}
