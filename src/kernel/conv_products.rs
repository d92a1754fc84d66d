//! The products behind a convolution: sweeps of the register tile over padded planes, for an output or an image's gradient, and for the
//! weights'. Knows tables of places, and no image.

use super::bf16::Precision;
use super::sweep::Sweep;
use super::tile::{self, HALF, PANEL, Tile};
use crate::isa::Isa;

/// `channels` rounded up to a half panel: how many floats a pixel takes where channels lie beside each other.
pub(super) fn padded(channels: usize) -> usize {
    channels.div_ceil(HALF) * HALF
}

/// The panels of `channels`: (first channel, padded width, channels in it).
pub(super) fn panels(channels: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..channels).step_by(PANEL).map(move |first| {
        let count = (channels - first).min(PANEL);
        (first, padded(count), count)
    })
}

/// Writes what a sweep comes to: for each of its pixels `start` and the sums of products with `weights` for all `channels`, side by
/// side.
pub(super) fn multiply(
    (sweep, precision): (&Sweep, Precision),
    planes: &[f32],
    (start, weights): (&[f32], &[f32]),
    channels: usize,
    product: &mut [f32],
) {
    let (isa, pixels, taps, beside) = (Isa::current(), sweep.pixels.len(), sweep.taps.len(), padded(channels));
    assert!(start.len() == beside && weights.len() == taps * beside && product.len() >= pixels * beside);
    for (first, width, _) in panels(channels) {
        let tile = Tile {
            precision,
            a: planes.as_ptr(),
            rows: sweep.pixels.as_ptr(),
            steps: sweep.taps.as_ptr(),
            depth: taps,
            b: weights[first * taps..].as_ptr(),
            b_stride: width,
            start: start[first..].as_ptr(),
            start_stride: 0,
            c: product[first..].as_mut_ptr(),
            c_stride: beside,
        };
        // SAFETY: `Sweep::checked` found that the largest offsets address a float of the planes together; weights, start and
        // product have room for every panel by the assertion; `product` is borrowed mutably.
        unsafe { tile::sweep(isa, &tile, pixels, width) };
    }
}

/// Adds to `sums`, for each tap of a sweep and all of `out` channels, the products of what its pixels have there with their gradients.
pub(super) fn learn((sweep, precision): (&Sweep, Precision), planes: &[f32], gradient: &[f32], out: usize, sums: &mut [f32]) {
    let (isa, pixels, taps, beside) = (Isa::current(), sweep.pixels.len(), sweep.taps.len(), padded(out));
    assert!(gradient.len() == pixels * beside && sums.len() == taps * beside);
    for (first, width, _) in panels(out) {
        let sums = sums[first * taps..].as_mut_ptr();
        let tile = Tile {
            precision,
            a: planes.as_ptr(),
            rows: sweep.taps.as_ptr(),
            steps: sweep.pixels.as_ptr(),
            depth: pixels,
            b: gradient[first..].as_ptr(),
            b_stride: beside,
            start: sums,
            start_stride: width,
            c: sums,
            c_stride: width,
        };
        // SAFETY: as in `multiply`, with pixels and taps exchanged; `sums` is borrowed mutably.
        unsafe { tile::sweep(isa, &tile, taps, width) };
    }
}

/// Puts a sweep's planes of neighbouring pixels where they belong.
pub(super) fn interleave(sweep: &Sweep, planes: &[f32], image: &mut [f32], (height, width): (usize, usize), stride: [usize; 2]) {
    let [rows, columns] = sweep.size;
    let planes = planes.chunks_exact(rows * columns).zip(image.chunks_exact_mut(height * width));
    for (plane, image) in planes {
        for (row, line) in plane.chunks_exact(columns).enumerate() {
            let to = &mut image[(sweep.first[0] + row * stride[0]) * width + sweep.first[1]..];
            to.iter_mut().step_by(stride[1]).zip(line).for_each(|(to, value)| *to = *value);
        }
    }
}
