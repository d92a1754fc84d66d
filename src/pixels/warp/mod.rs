//! Resamples an image through a map of [`Places`]. Knows no angle.
//!
//! A row's coordinates are made first and its pixels then, in blocks. A block that lies wholly inside the image, or wholly outside,
//! asks for no border; in the others the pixels at the border are made one by one.

mod bicubic;
mod bilinear;
mod nearest;
mod outside;
mod places;
mod row;

pub use outside::Outside;
pub use places::Places;

use super::affine::Affine;
use crate::sample::{Image, Size};
use places::{Grid, fold};
use row::{Row, SPAN};
use std::ops::Range;

/// How a source pixel between others is made, from the coarsest to the finest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sampling {
    /// The pixel whose centre is nearest; ties go to the even one.
    Nearest,
    /// The four around it, by distance.
    Bilinear,
    /// The sixteen around it, by Keys' cubic with a = −0.75, as torch's `grid_sample` has it, clamped to 0–255.
    Bicubic,
}

/// `image` seen through `map` on a canvas of `size`; what lies outside the image is `fill` in every channel, by torchvision's rule
/// ([`Outside::Fill`]).
pub fn warp(image: &Image, map: &Affine, size: Size, sampling: Sampling, fill: u8) -> Image {
    resample(image, Places::Affine(map), size, sampling, Outside::Fill([fill; 3]))
}

/// `image` on a canvas of `size` whose pixels come from `places`; `outside` says what is seen beyond the image.
pub fn resample(image: &Image, places: Places, size: Size, sampling: Sampling, outside: Outside) -> Image {
    let mut out = Image::filled(size, image.channels(), 0);
    let channels = image.channels();
    paint(out.pixels_mut(), channels, outside.colour().unwrap_or([0; 3]));
    if let Some((x, y)) =
        places.whole_move(image.size(), size).filter(|_| sampling == Sampling::Nearest && outside.colour().is_some())
    {
        shift(image, (x, y), &mut out);
        return out;
    }
    let whole = 0..size.width as usize;
    resample_onto(&mut out, image, places, sampling, outside, |_| whole.clone());
    out
}

/// Copies `image` onto `out`, of the same size, `x` pixels to the right and `y` down, as far as it lies on it.
fn shift(image: &Image, (x, y): (i64, i64), out: &mut Image) {
    let channels = image.channels();
    // Where a move by `by` leaves pixels on an axis of `length`, and how many.
    let kept = |by: i64, length: usize| (by.max(0) as usize, length.saturating_sub(by.unsigned_abs() as usize));
    let ((left, columns), (top, rows)) = (kept(x, image.width()), kept(y, image.height()));
    let (from_left, from_top) = ((-x).max(0) as usize, (-y).max(0) as usize);
    let stride = image.width() * channels;
    if columns == 0 {
        return;
    }
    for row in 0..rows {
        let source = &image.row(from_top + row)[from_left * channels..][..columns * channels];
        out.pixels_mut()[(top + row) * stride + left * channels..][..columns * channels].copy_from_slice(source);
    }
}

/// Gives pixels of `channels` one colour.
pub(super) fn paint(pixels: &mut [u8], channels: usize, colour: [u8; 3]) {
    match channels {
        1 => pixels.fill(colour[0]),
        _ if colour[0] == colour[1] && colour[1] == colour[2] => pixels.fill(colour[0]),
        _ => pixels.as_chunks_mut::<3>().0.fill(colour),
    }
}

/// The same on a canvas that is there, in the columns that `columns` names for each row. Pixels that lie wholly outside, where that
/// is a colour, stay as they are.
pub(super) fn resample_onto(
    out: &mut Image,
    image: &Image,
    places: Places,
    sampling: Sampling,
    outside: Outside,
    columns: impl Fn(usize) -> Range<usize>,
) {
    let grid = Grid::new(places, image.size(), out.size());
    let source = Source::new(image, outside);
    let (width, channels) = (out.width(), out.channels());
    let mut part = Row::new();
    for (y, row) in out.pixels_mut().chunks_exact_mut(width * channels).enumerate() {
        let columns = columns(y);
        for (index, out) in row[columns.start * channels..columns.end * channels].chunks_mut(SPAN * channels).enumerate() {
            let used = (out.len() / channels).next_multiple_of(64).min(SPAN);
            let (xs, ys) = (&mut part.xs[..used], &mut part.ys[..used]);
            grid.row(y, columns.start + index * SPAN, xs, ys);
            if outside.colour().is_none() {
                fold(outside == Outside::Reflect, image.width(), xs);
                fold(outside == Outside::Reflect, image.height(), ys);
            }
            source.row(sampling, &mut part, out);
        }
    }
}

/// The image that is looked at, in the numbers that loops need.
struct Source<'i> {
    pixels: &'i [u8],
    width: usize,
    /// Width and height.
    size: (f32, f32),
    /// The largest left column and top row that a square of pixels is taken from, where places were brought inside.
    last: (f32, f32),
    /// The largest offset at which a loop may read eight bytes there and eight in the next row; negative where none is.
    limit: i32,
    /// The largest offset at which a loop may read four bytes.
    four: i32,
    /// The largest offset at which a loop may read sixteen bytes there and in the three next rows.
    sixteen: i32,
    outside: Outside,
}

impl<'i> Source<'i> {
    fn new(image: &'i Image, outside: Outside) -> Self {
        let pixels = image.pixels();
        let stride = image.width() * image.channels();
        let limit = |reach| match i32::try_from(pixels.len()) {
            Ok(length) if pixels.len() >= reach => length - reach as i32,
            _ => -1,
        };
        let size = (image.width() as f32, image.height() as f32);
        let last = match outside {
            Outside::Fill(_) | Outside::Exact(_) => size,
            Outside::Edge | Outside::Reflect => (size.0 - 2.0, size.1 - 2.0),
        };
        Self {
            pixels,
            width: image.width(),
            size,
            last,
            limit: limit(stride + 8),
            four: limit(4),
            sixteen: limit(3 * stride + 16),
            outside,
        }
    }

    fn row(&self, sampling: Sampling, row: &mut Row, out: &mut [u8]) {
        let gray = self.pixels.len() == self.size.0 as usize * self.size.1 as usize;
        match (sampling, gray) {
            (Sampling::Nearest, true) => nearest::paint::<1>(self, row, out),
            (Sampling::Nearest, false) => nearest::paint::<3>(self, row, out),
            (Sampling::Bilinear, true) => self.bilinear::<1>(row, out),
            (Sampling::Bilinear, false) => self.bilinear::<3>(row, out),
            (Sampling::Bicubic, true) => bicubic::paint::<1>(self, row, out),
            (Sampling::Bicubic, false) => bicubic::paint::<3>(self, row, out),
        }
    }

    fn bilinear<const C: usize>(&self, row: &mut Row, out: &mut [u8]) {
        match self.outside {
            Outside::Fill([0, 0, 0]) => bilinear::paint::<C, 2>(self, row, out),
            Outside::Fill(_) => bilinear::paint::<C, 1>(self, row, out),
            _ => bilinear::paint::<C, 0>(self, row, out),
        }
    }

    #[inline(always)]
    fn holds(&self, x: f32, y: f32) -> bool {
        (x >= 0.0) & (x < self.size.0) & (y >= 0.0) & (y < self.size.1)
    }

    /// The pixel at whole numbers, if there is one.
    #[inline(always)]
    fn pixel<const C: usize>(&self, x: i64, y: i64) -> Option<[u8; C]> {
        let (x, y) = (self.outside.place(x, self.size.0 as usize)?, self.outside.place(y, self.size.1 as usize)?);
        self.pixels.as_chunks::<C>().0.get(y * self.width + x).copied()
    }
}

/// Sum and weight of the pixels of a square of `N` × `N`, from its top left one on, that are not a colour from outside.
#[inline(always)]
fn gathered<const C: usize, const N: usize>(
    source: &Source,
    (left, top): (f32, f32),
    columns: [f32; N],
    rows: [f32; N],
) -> ([f32; C], f32) {
    let (mut sums, mut coverage) = ([0f32; C], 0f32);
    for (y, row) in (top as i64..).zip(rows) {
        for (x, column) in (left as i64..).zip(columns) {
            let Some(pixel) = source.pixel::<C>(x, y) else { continue };
            let weight = column * row;
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum = f32::from(value).mul_add(weight, *sum);
            }
            coverage += weight;
        }
    }
    (sums, coverage)
}

/// One pixel where some of a square's pixels may lie outside.
#[inline(always)]
fn border<const C: usize, const N: usize>(source: &Source, from: (f32, f32), columns: [f32; N], rows: [f32; N]) -> [f32; C] {
    let (mut sums, coverage) = gathered::<C, N>(source, from, columns, rows);
    for (c, sum) in sums.iter_mut().enumerate() {
        match source.outside {
            Outside::Fill(colour) => *sum = (*sum - f32::from(colour[c])) * coverage + f32::from(colour[c]),
            Outside::Exact(colour) => *sum += (1.0 - coverage) * f32::from(colour[c]),
            Outside::Edge | Outside::Reflect => {}
        }
    }
    sums
}

#[cfg(test)]
mod tests;
