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
mod straight;
#[cfg(target_arch = "x86_64")]
mod vbmi;

pub use outside::Outside;
pub use places::Places;

use super::affine::Affine;
use super::near::ask;
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
    let channels = image.channels();
    let colour = outside.colour().unwrap_or([0; 3]);
    if let Some(moved) =
        places.whole_move(image.size(), size).filter(|_| sampling == Sampling::Nearest && outside.colour().is_some())
    {
        let mut out = Image::filled(size, channels, 0);
        paint(out.pixels_mut(), channels, colour);
        shift(image, moved, &mut out);
        return out;
    }
    let mut brush = Brush::new(image, places, size, sampling, outside);
    let blank = colour[..channels].repeat(size.width as usize);
    // A row is made while it is near: what is cleared all at once is far again when its turn comes.
    let mut pixels = Vec::with_capacity(blank.len() * size.height as usize);
    for y in 0..size.height as usize {
        pixels.extend_from_slice(&blank);
        let row = &mut pixels[y * blank.len()..];
        brush.row(y, 0..size.width as usize, row);
    }
    Image::new(size, channels, pixels)
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

/// The same as [`resample`] on a canvas that is there, in the columns that `columns` names for each row. Pixels that lie wholly
/// outside, where that is a colour, stay as they are.
pub(super) fn resample_onto(
    out: &mut Image,
    image: &Image,
    places: Places,
    sampling: Sampling,
    outside: Outside,
    columns: impl Fn(usize) -> Range<usize>,
) {
    let mut brush = Brush::new(image, places, out.size(), sampling, outside);
    let stride = out.width() * out.channels();
    for (y, row) in out.pixels_mut().chunks_exact_mut(stride).enumerate() {
        brush.row(y, columns(y), row);
    }
}

/// What makes rows of an image.
struct Brush<'m> {
    grid: Grid<'m>,
    source: Source<'m>,
    sampling: Sampling,
    part: Row,
}

impl<'m> Brush<'m> {
    fn new(image: &'m Image, places: Places<'m>, size: Size, sampling: Sampling, outside: Outside) -> Self {
        let straight = places.is_straight() && outside.colour().is_some();
        let source = Source { straight, ahead: ahead(places, image, size), ..Source::new(image, outside) };
        Self { grid: Grid::new(places, image.size(), size), source, sampling, part: Row::new() }
    }

    /// Makes some columns of row `y`, all of which is `row`. Pixels that lie wholly outside, where that is a colour, stay.
    fn row(&mut self, y: usize, columns: Range<usize>, row: &mut [u8]) {
        let Self { grid, source, part, .. } = self;
        let channels = source.channels;
        for (index, out) in row[columns.start * channels..columns.end * channels].chunks_mut(SPAN * channels).enumerate() {
            let used = (out.len() / channels).next_multiple_of(64).min(SPAN);
            let (xs, ys) = (&mut part.xs[..used], &mut part.ys[..used]);
            grid.row(y, columns.start + index * SPAN, xs, ys);
            if source.outside.colour().is_none() {
                fold(source.outside == Outside::Reflect, source.width, xs);
                fold(source.outside == Outside::Reflect, source.height, ys);
            }
            part.phase = y;
            source.row(self.sampling, part, out);
        }
    }
}

/// Rows between those that are made and those whose source pixels are asked for, to be near when their turn comes.
const AHEAD: f64 = 3.0;

/// How many bytes further the source pixels are that stand [`AHEAD`] rows further down, about.
fn ahead(places: Places, image: &Image, size: Size) -> isize {
    let (x, y) = places.step_down(size);
    let stride = (image.width() * image.channels()) as isize;
    let whole = |by: f64| (by * AHEAD).round() as isize;
    whole(y).wrapping_mul(stride).wrapping_add(whole(x).wrapping_mul(image.channels() as isize))
}

/// The image that is looked at, in the numbers that loops need.
struct Source<'i> {
    pixels: &'i [u8],
    width: usize,
    height: usize,
    channels: usize,
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
    /// Whether places lie on a line, and none was brought inside.
    straight: bool,
    /// How many bytes further those source pixels are, about, that are worth being asked for beforehand.
    ahead: isize,
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
            height: image.height(),
            channels: image.channels(),
            size,
            last,
            limit: limit(stride + 8),
            four: limit(4),
            sixteen: limit(3 * stride + 16),
            outside,
            straight: false,
            ahead: 0,
        }
    }

    /// Asks for bytes that will be wanted some rows later, at every eighth column of `run`: others in each row, so that none is
    /// passed over where rows are columns of the source.
    #[inline(never)]
    fn ask_for_row(&self, row: &Row, run: Range<usize>) {
        for offsets in row.offsets[run].as_chunks::<8>().0 {
            ask(self.pixels, (offsets[row.phase % 8] as isize).wrapping_add(self.ahead));
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
