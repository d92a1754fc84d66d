//! Resamples an image through an [`Affine`] map. Knows no angle.
//!
//! Coordinates and sums follow torchvision's tensor path in `f32`, step by step and with its fused multiply-adds, so that the same
//! pixels are chosen and the same levels rounded to at ties.

use super::affine::Affine;
use super::planes::LANES;
use super::rounded;
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

/// What lies outside an image: a value for each channel, of which the first is taken for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Outside pixels count as 0, and the sum is then blended with the colour by how much of the weight lies inside: torchvision
    /// with a fill value.
    Fill([u8; 3]),
    /// Outside pixels have the colour; black is torchvision without a fill value.
    Exact([u8; 3]),
}

/// Where output pixels come from.
#[derive(Clone, Copy, Debug)]
pub enum Places<'m> {
    /// An affine map between the centres of both images.
    Affine(&'m Affine),
}

/// `image` seen through `map` on a canvas of `size`; what lies outside the image is `fill` in every channel, by torchvision's rule
/// ([`Outside::Fill`]).
pub fn warp(image: &Image, map: &Affine, size: Size, sampling: Sampling, fill: u8) -> Image {
    resample(image, Places::Affine(map), size, sampling, Outside::Fill([fill; 3]))
}

/// `image` on a canvas of `size` whose pixels come from `places`; `outside` says what is seen beyond the image.
pub fn resample(image: &Image, places: Places, size: Size, sampling: Sampling, outside: Outside) -> Image {
    let Places::Affine(map) = places;
    let (exact, fill) = match outside {
        Outside::Fill([fill, ..]) => (false, fill),
        Outside::Exact([fill, ..]) => (true, fill),
    };
    let mut out = Image::filled(size, image.channels(), fill);
    let source = Source { pixels: image.pixels(), width: image.width(), grid: Grid::new(map, image.size(), size), exact };
    let (width, channels) = (out.width(), out.channels());
    for (y, row) in out.pixels_mut().chunks_exact_mut(width * channels).enumerate() {
        for (block, out) in row.chunks_mut(LANES * channels).enumerate() {
            let from = (block * LANES, y);
            match (sampling, channels) {
                (Sampling::Nearest, 1) => nearest_block::<1>(&source, from, out),
                (Sampling::Nearest, _) => nearest_block::<3>(&source, from, out),
                (Sampling::Bilinear, 1) => bilinear_block::<1, 1>(&source, from, fill, out),
                (Sampling::Bilinear, _) => bilinear_block::<3, 4>(&source, from, fill, out),
            }
        }
    }
    out
}

struct Source<'i> {
    pixels: &'i [u8],
    width: usize,
    grid: Grid,
    exact: bool,
}

/// The map in the normalised coordinates of torch's `grid_sample`.
struct Grid {
    rows: [f32; 6],
    middle: (f32, f32),
    size: (f32, f32),
}

impl Grid {
    fn new(map: &Affine, source: Size, out: Size) -> Self {
        let (width, height) = (source.width as f32, source.height as f32);
        let m = map.matrix.map(|value| value as f32);
        let (x, y) = (0.5 * width, 0.5 * height);
        let rows = [m[0] / x, m[1] / x, m[2] / x, m[3] / y, m[4] / y, m[5] / y];
        let middle = ((out.width as f32 - 1.0) * 0.5, (out.height as f32 - 1.0) * 0.5);
        Self { rows, middle, size: (width, height) }
    }

    /// Where output pixel (x, y) comes from, in pixels from the centre of the top left one.
    #[inline(always)]
    fn place(&self, x: i32, y: i32) -> (f32, f32) {
        let [a, b, c, d, e, f] = self.rows;
        let (x, y) = (x as f32 - self.middle.0, y as f32 - self.middle.1);
        let source_x = (x * a + y * b + c + 1.0).mul_add(self.size.0 * 0.5, -0.5);
        let source_y = (x * d + y * e + f + 1.0).mul_add(self.size.1 * 0.5, -0.5);
        (source_x, source_y)
    }

    #[inline(always)]
    fn holds(&self, x: f32, y: f32) -> bool {
        (x >= 0.0) & (x < self.size.0) & (y >= 0.0) & (y < self.size.1)
    }
}

/// Column and row as whole numbers where `inside`; a column of −1 otherwise.
#[inline(always)]
fn whole(x: f32, y: f32, inside: bool) -> (i32, i32) {
    let (x, y) = (if inside { x } else { -1.0 }, if inside { y } else { 0.0 });
    // SAFETY: both are −1 or lie between 0 and a side of the image, so they fit.
    unsafe { (x.to_int_unchecked(), y.to_int_unchecked()) }
}

wide! {
    /// Pixels of one output row, from (column, row) on.
    fn nearest_block / nearest_block_plain<const C: usize>(source: &Source, from: (usize, usize), out: &mut [u8]) {
        // Adding this rounds to the nearest whole number, ties to even, below 2²²; what lies beyond stays far outside.
        const WHOLE: f32 = 12_582_912.0;
        let (mut columns, mut rows) = ([0; LANES], [0; LANES]);
        for lane in 0..LANES {
            let (x, y) = source.grid.place((from.0 + lane) as i32, from.1 as i32);
            let (x, y) = (x + WHOLE - WHOLE, y + WHOLE - WHOLE);
            (columns[lane], rows[lane]) = whole(x, y, source.grid.holds(x, y));
        }
        let pixels = source.pixels.as_chunks::<C>().0;
        for ((out, &x), &y) in out.as_chunks_mut::<C>().0.iter_mut().zip(&columns).zip(&rows) {
            if x >= 0 {
                *out = pixels[y as usize * source.width + x as usize];
            }
        }
    }
}

/// Four pixels for each output pixel of a block: where the top left one is and what each weighs.
struct Squares {
    columns: [i32; LANES],
    rows: [i32; LANES],
    weights: [[f32; LANES]; 4],
    coverage: [f32; LANES],
}

impl Squares {
    /// Columns are −1 where not all four pixels lie inside.
    #[inline(always)]
    fn new(grid: &Grid, from: (usize, usize)) -> Self {
        let mut squares = Self { columns: [0; LANES], rows: [0; LANES], weights: [[0.0; LANES]; 4], coverage: [0.0; LANES] };
        for lane in 0..LANES {
            let (x, y) = grid.place((from.0 + lane) as i32, from.1 as i32);
            let (left, top, weights) = square(x, y);
            let inside = grid.holds(left, top) & grid.holds(left + 1.0, top + 1.0);
            (squares.columns[lane], squares.rows[lane]) = whole(left, top, inside);
            let [nw, ne, sw, se] = weights;
            squares.coverage[lane] = nw + ne + sw + se;
            (squares.weights[0][lane], squares.weights[1][lane]) = (nw, ne);
            (squares.weights[2][lane], squares.weights[3][lane]) = (sw, se);
        }
        squares
    }
}

/// Left, top, and the weights of the top left, top right, bottom left and bottom right pixel.
#[inline(always)]
fn square(x: f32, y: f32) -> (f32, f32, [f32; 4]) {
    let (left, top) = (x.floor(), y.floor());
    let (right_part, bottom_part) = (x - left, y - top);
    let (left_part, top_part) = (1.0 - right_part, 1.0 - bottom_part);
    (left, top, [left_part * top_part, right_part * top_part, left_part * bottom_part, right_part * bottom_part])
}

wide! {
    /// Pixels of one output row, from (column, row) on. `P` numbers, a power of two, hold the `C` channels of a pixel.
    fn bilinear_block / bilinear_block_plain<const C: usize, const P: usize>(
        source: &Source, from: (usize, usize), fill: u8, out: &mut [u8],
    ) {
        let squares = Squares::new(&source.grid, from);
        let mut bytes = [[0; P]; LANES];
        let count = out.len() / C;
        let end = source.pixels.len();
        for (lane, bytes) in bytes[..count].iter_mut().enumerate() {
            let at = (squares.rows[lane] as usize * source.width + squares.columns[lane].max(0) as usize) * C;
            let below = at + source.width * C;
            // Eight bytes are read at once, which cannot be done at the image's very end.
            if squares.columns[lane] < 0 || below + 8 > end {
                border_pixel::<C, P>(source, (from.0 + lane, from.1), fill, bytes);
                continue;
            }
            let (above, below) = (&source.pixels[at..at + 8], &source.pixels[below..below + 8]);
            let [nw, ne, sw, se] = &squares.weights;
            let (nw, ne, sw, se) = (nw[lane], ne[lane], sw[lane], se[lane]);
            let fill = if source.exact { 0.0 } else { f32::from(fill) };
            let coverage = if source.exact { 1.0 } else { squares.coverage[lane] };
            for c in 0..P {
                let sum = f32::from(above[C + c]).mul_add(ne, f32::from(above[c]) * nw);
                let sum = f32::from(below[C + c]).mul_add(se, f32::from(below[c]).mul_add(sw, sum));
                bytes[c] = rounded((sum - fill) * coverage + fill);
            }
        }
        for (out, bytes) in out.as_chunks_mut::<C>().0.iter_mut().zip(&bytes) {
            out.copy_from_slice(&bytes[..C]);
        }
    }
}

/// One pixel where some of the four lie outside: those count as 0, in the sum and in the coverage.
fn border_pixel<const C: usize, const P: usize>(source: &Source, (x, y): (usize, usize), fill: u8, bytes: &mut [u8; P]) {
    let (x, y) = source.grid.place(x as i32, y as i32);
    let (left, top, weights) = square(x, y);
    let (mut sums, mut coverage) = ([0f32; C], 0f32);
    for (weight, (x, y)) in weights.into_iter().zip([(left, top), (left + 1.0, top), (left, top + 1.0), (left + 1.0, top + 1.0)]) {
        if source.grid.holds(x, y) {
            let pixel = source.pixels.as_chunks::<C>().0[y as usize * source.width + x as usize];
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum = f32::from(value).mul_add(weight, *sum);
            }
            coverage += weight;
        }
    }
    let fill = f32::from(fill);
    for (byte, sum) in bytes.iter_mut().zip(sums) {
        *byte = rounded(if source.exact { sum + (1.0 - coverage) * fill } else { (sum - fill) * coverage + fill });
    }
}

#[cfg(test)]
mod tests {
    use super::super::rotate90::rotate90;
    use super::*;
    use proptest::prelude::*;

    fn picture(size: Size, channels: usize) -> Image {
        Image::new(size, channels, (0..size.area() as u32 * channels as u32).map(|i| (i * i % 251) as u8).collect())
    }

    #[test]
    fn wide_loops_give_the_bytes_of_the_plain_ones() {
        let size = Size::new(37, 53);
        let image = picture(size, 3);
        for degrees in [0.0, 17.0, 90.0, 134.9] {
            let grid = Grid::new(&Affine::new(degrees, (2.0, -3.0), 0.8, (11.0, 3.0)), size, size);
            let source = Source { pixels: image.pixels(), width: image.width(), grid, exact: false };
            for y in 0..37 {
                let (mut wide, mut plain) = (vec![9; 159], vec![9; 159]);
                nearest_block::<3>(&source, (0, y), &mut wide);
                nearest_block_plain::<3>(&source, (0, y), &mut plain);
                assert_eq!(wide, plain);
                bilinear_block::<3, 4>(&source, (0, y), 77, &mut wide);
                bilinear_block_plain::<3, 4>(&source, (0, y), 77, &mut plain);
                assert_eq!(wide, plain);
            }
        }
    }

    proptest! {
        #[test]
        fn the_identity_changes_nothing_and_quarter_turns_are_exact(
            side in 1u32..40, width in 1u32..70, channels in prop::sample::select(vec![1usize, 3]), turns in 0u32..4,
        ) {
            let identity = Affine::new(0.0, (0.0, 0.0), 1.0, (0.0, 0.0));
            for sampling in [Sampling::Nearest, Sampling::Bilinear] {
                let image = picture(Size::new(side, width), channels);
                prop_assert_eq!(&warp(&image, &identity, image.size(), sampling, 9), &image);
                let mut turned = picture(Size::new(side, side), channels);
                let warped = warp(&turned, &Affine::rotation(f64::from(turns) * 90.0), turned.size(), sampling, 0);
                rotate90(&mut turned, turns);
                // At the very border rounding may put a pixel outside by a hair, where torchvision's recipe darkens it.
                let far = |(a, b): (&u8, &u8)| a.abs_diff(*b) > 1;
                prop_assert!(!warped.pixels().iter().zip(turned.pixels()).any(far));
            }
        }

        #[test]
        fn whole_moves_are_exact(x in -9i32..9, y in -9i32..9, height in 1u32..20, width in 1u32..20) {
            let image = picture(Size::new(height, width), 3);
            let moved = warp(&image, &Affine::new(0.0, (x.into(), y.into()), 1.0, (0.0, 0.0)), image.size(), Sampling::Nearest, 7);
            for (row, column) in (0..height as i32).flat_map(|row| (0..width as i32).map(move |column| (row, column))) {
                let inside = (0..height as i32).contains(&(row - y)) && (0..width as i32).contains(&(column - x));
                let expected = if inside { image.pixel((row - y) as usize, (column - x) as usize) } else { &[7; 3] };
                prop_assert_eq!(moved.pixel(row as usize, column as usize), expected);
            }
        }
    }

    #[test]
    fn what_lies_far_outside_or_nowhere_is_no_panic() {
        let image = Image::filled(Size::new(5, 7), 1, 200);
        for far in [1e30, -1e30, 1e7, -1e7] {
            let map = Affine { matrix: [1.0, 0.0, far, 0.0, 1.0, 0.0] };
            for sampling in [Sampling::Nearest, Sampling::Bilinear] {
                let out = warp(&image, &map, image.size(), sampling, 13);
                assert!(out.pixels().iter().all(|&value| value == 13), "{far} {sampling:?}: {:?}", out.pixels());
                warp(&image, &Affine { matrix: [f64::NAN, 0.0, f64::INFINITY, 0.0, far, 0.0] }, image.size(), sampling, 13);
            }
        }
    }
}
