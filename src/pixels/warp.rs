//! Resamples an image through an [`Affine`] map. Knows no angle.
//!
//! Coordinates follow torchvision's tensor path in `f32`, step by step, so that the same pixels are chosen at ties.

use super::affine::Affine;
use crate::sample::{Image, Size};

/// How a source pixel between four others is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// The pixel whose centre is nearest; ties go to the even one.
    Nearest,
    /// The four around it, by distance; those outside the image count as 0, and the result is blended with the fill value by
    /// how much of the weight lies inside.
    Bilinear,
}

/// `image` seen through `map` on a canvas of `size`; what lies outside the image is `fill` in every channel.
pub fn warp(image: &Image, map: &Affine, size: Size, sampling: Sampling, fill: u8) -> Image {
    let mut out = Image::filled(size, image.channels(), fill);
    let grid = Grid::new(map, image.size(), size);
    let source = Source { pixels: image.pixels(), width: image.width(), height: image.height() };
    let stride = out.width() * out.channels();
    let (mut xs, mut ys) = (vec![0f32; out.width()], vec![0f32; out.width()]);
    for (y, row) in out.pixels_mut().chunks_exact_mut(stride).enumerate() {
        match (sampling, image.channels()) {
            (Sampling::Nearest, 1) => nearest_row::<1>(&source, &grid, y, &mut xs, &mut ys, row),
            (Sampling::Nearest, _) => nearest_row::<3>(&source, &grid, y, &mut xs, &mut ys, row),
            (Sampling::Bilinear, 1) => bilinear_row::<1>(&source, &grid, y, &mut xs, &mut ys, fill, row),
            (Sampling::Bilinear, _) => bilinear_row::<3>(&source, &grid, y, &mut xs, &mut ys, fill, row),
        }
    }
    out
}

struct Source<'i> {
    pixels: &'i [u8],
    width: usize,
    height: usize,
}

/// The map in the normalised coordinates of torch's `grid_sample`.
struct Grid {
    rows: [f32; 6],
    middle: (f32, f32),
    source: (f32, f32),
}

impl Grid {
    fn new(map: &Affine, source: Size, out: Size) -> Self {
        let (width, height) = (source.width as f32, source.height as f32);
        let m = map.matrix.map(|value| value as f32);
        let (x, y) = (0.5 * width, 0.5 * height);
        let rows = [m[0] / x, m[1] / x, m[2] / x, m[3] / y, m[4] / y, m[5] / y];
        let middle = ((out.width as f32 - 1.0) * 0.5, (out.height as f32 - 1.0) * 0.5);
        Self { rows, middle, source: (width, height) }
    }

    /// Source coordinates, in pixels from the centre of the top left one, of every pixel of output row `y`.
    #[inline(always)]
    fn row(&self, y: usize, xs: &mut [f32], ys: &mut [f32]) {
        let [a, b, c, d, e, f] = self.rows;
        let y = y as f32 - self.middle.1;
        for (index, (source_x, source_y)) in xs.iter_mut().zip(ys).enumerate() {
            let x = index as i32 as f32 - self.middle.0;
            *source_x = ((x * a + y * b + c + 1.0) * self.source.0 - 1.0) * 0.5;
            *source_y = ((x * d + y * e + f + 1.0) * self.source.1 - 1.0) * 0.5;
        }
    }
}

twice! {
    fn nearest_row / nearest_row_plain<const C: usize>(
        source: &Source, grid: &Grid, y: usize, xs: &mut [f32], ys: &mut [f32], out: &mut [u8],
    ) {
        grid.row(y, xs, ys);
        let (width, height) = grid.source;
        for ((&x, &y), out) in xs.iter().zip(&*ys).zip(out.chunks_exact_mut(C)) {
            let (x, y) = (x.round_ties_even(), y.round_ties_even());
            if x >= 0.0 && x < width && y >= 0.0 && y < height {
                let at = (y as i32 as usize * source.width + x as i32 as usize) * C;
                out.copy_from_slice(&source.pixels[at..at + C]);
            }
        }
    }
}

twice! {
    fn bilinear_row / bilinear_row_plain<const C: usize>(
        source: &Source, grid: &Grid, y: usize, xs: &mut [f32], ys: &mut [f32], fill: u8, out: &mut [u8],
    ) {
        grid.row(y, xs, ys);
        let fill = f32::from(fill);
        for ((&x, &y), out) in xs.iter().zip(&*ys).zip(out.chunks_exact_mut(C)) {
            let (left, top) = (x.floor(), y.floor());
            let (right_weight, bottom_weight) = (x - left, y - top);
            let (left_weight, top_weight) = (1.0 - right_weight, 1.0 - bottom_weight);
            let weights = [
                left_weight * top_weight,
                right_weight * top_weight,
                left_weight * bottom_weight,
                right_weight * bottom_weight,
            ];
            let inside = left >= 0.0 && left + 1.0 < grid.source.0 && top >= 0.0 && top + 1.0 < grid.source.1;
            let (sum, coverage) = if inside {
                inner_taps::<C>(source, left as i32 as usize, top as i32 as usize, weights)
            } else {
                border_taps::<C>(source, left, top, weights)
            };
            for (out, sum) in out.iter_mut().zip(sum) {
                *out = ((sum - fill) * coverage + fill).round_ties_even() as u8;
            }
        }
    }
}

#[inline(always)]
fn inner_taps<const C: usize>(source: &Source, left: usize, top: usize, weights: [f32; 4]) -> ([f32; C], f32) {
    let at = (top * source.width + left) * C;
    let above = &source.pixels[at..at + 2 * C];
    let below = &source.pixels[at + source.width * C..][..2 * C];
    let [nw, ne, sw, se] = weights;
    let sum = std::array::from_fn(|c| {
        f32::from(above[c]) * nw + f32::from(above[C + c]) * ne + f32::from(below[c]) * sw + f32::from(below[C + c]) * se
    });
    (sum, nw + ne + sw + se)
}

/// The same where some taps lie outside: those count as 0, in the sum and in the coverage.
fn border_taps<const C: usize>(source: &Source, left: f32, top: f32, weights: [f32; 4]) -> ([f32; C], f32) {
    let (mut sum, mut coverage) = ([0f32; C], 0f32);
    for (weight, (x, y)) in weights.into_iter().zip([(left, top), (left + 1.0, top), (left, top + 1.0), (left + 1.0, top + 1.0)]) {
        if x >= 0.0 && x < source.width as f32 && y >= 0.0 && y < source.height as f32 {
            let at = (y as usize * source.width + x as usize) * C;
            for (sum, &value) in sum.iter_mut().zip(&source.pixels[at..at + C]) {
                *sum += f32::from(value) * weight;
            }
            coverage += weight;
        }
    }
    (sum, coverage)
}
