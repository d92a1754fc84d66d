//! Squares of an image's planes as vectors of channels: what tiles read and write. Knows sizes and places only.

use super::transform::{AREA, BESIDE, Way, read, read_back, write};
use crate::isa::Isa;
use crate::kernel::ahead::Ahead;
use crate::kernel::transpose::transpose;
use std::ops::Range;

/// Planes, cut into squares that are `advance` apart.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Channels, height, width.
    pub size: [usize; 3],
    /// Rows and columns of squares.
    pub grid: [usize; 2],
    /// Pixels from one square to the next.
    pub advance: usize,
    /// Height and width of a square.
    pub window: usize,
    /// Rows and columns of the first square that lie outside.
    pub before: usize,
}

/// Where tiles lie at the points: tile t of point p at `p · step + t · pitch`.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub pitch: usize,
    pub step: usize,
}

/// Tiles of one image.
#[derive(Clone, Debug)]
pub struct Part {
    pub image: usize,
    /// Numbers in the image.
    pub tiles: Range<usize>,
    /// Number of the first of them in the block.
    pub at: usize,
}

impl Field {
    /// Squares of an image.
    pub fn tiles(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// The parts of a block of tiles, which are numbered through all images.
    pub fn parts(&self, block: Range<usize>) -> impl Iterator<Item = Part> {
        let (each, mut next) = (self.tiles(), block.start);
        std::iter::from_fn(move || {
            let (first, image, at) = (next % each, next / each, next - block.start);
            let count = (each - first).min(block.end - next);
            next += count;
            (count > 0).then_some(Part { image, tiles: first..first + count, at })
        })
    }

    /// Rows that some tiles see, outside ones too, counted from the first that any tile sees.
    fn rows(&self, tiles: &Range<usize>) -> Range<usize> {
        let [first, last] = [tiles.start, tiles.end - 1].map(|tile| tile / self.grid[1] * self.advance);
        first..last + self.window
    }

    /// Columns that tiles see, outside ones too.
    fn columns(&self) -> usize {
        ((self.grid[1] - 1) * self.advance + self.window).max(self.size[2] + self.before)
    }

    /// Floats of the copy of [`Field::fetch`], for blocks of up to `tiles`.
    pub fn copy_len(&self, tiles: usize) -> usize {
        let grid = tiles.div_ceil(self.grid[1]).saturating_add(1).min(self.grid[0]);
        ((grid - 1) * self.advance + self.window) * self.columns() * BESIDE
    }

    /// Takes a part's tiles of an image to the points, where `M` is 0 for inputs and else the outputs of a tile: a vector of
    /// channels after the other. Points of 16 bits lie in the slice two in a float.
    pub fn fetch<const M: usize, const BF16: bool>(
        &self,
        isa: Isa,
        image: &[f32],
        part: &Part,
        copy: &mut [f32],
        points: &mut [f32],
        to: Layout,
    ) {
        let in_a_float = if BF16 { 2 } else { 1 };
        let (rows, pitch) = (self.rows(&part.tiles), self.columns() * BESIDE);
        let copy = &mut copy[..rows.len() * pitch];
        self.clear_outside(&rows, copy);
        for first in (0..self.size[0]).step_by(BESIDE) {
            self.copy_inside(image, first, &rows, copy);
            for (index, tile) in part.tiles.clone().enumerate() {
                let at = (part.at + index) * to.pitch + first;
                assert!(in_a_float * points.len() >= (AREA - 1) * to.step + at + BESIDE && at.is_multiple_of(in_a_float));
                let [top, left] = [tile / self.grid[1] * self.advance - rows.start, tile % self.grid[1] * self.advance];
                let from = &copy[top * pitch + left * BESIDE..];
                assert!(from.len() >= (self.window - 1) * pitch + self.window * BESIDE);
                let way = Way { pixels: from.as_ptr(), pitch, points: points[at / in_a_float..].as_mut_ptr(), step: to.step };
                // SAFETY: the assertions; `points` is borrowed mutably; a current Isa is one that the processor has.
                unsafe {
                    match M {
                        0 => read::<0, BF16>(isa, way),
                        2 => read_back::<2, BF16>(isa, way),
                        _ => read_back::<4, BF16>(isa, way),
                    }
                }
            }
        }
    }

    /// Zeros for all pixels of a copy of `rows` that lie outside.
    fn clear_outside(&self, rows: &Range<usize>, copy: &mut [f32]) {
        let inside = self.before..self.before + self.size[1];
        for (row, line) in rows.clone().zip(copy.chunks_exact_mut(self.columns() * BESIDE)) {
            if inside.contains(&row) {
                line[..self.before * BESIDE].fill(0.0);
                line[(self.before + self.size[2]) * BESIDE..].fill(0.0);
            } else {
                line.fill(0.0);
            }
        }
    }

    /// Copies `rows` of a vector of channels from `first` on, as far as they lie inside, and asks for those of the next meanwhile.
    fn copy_inside(&self, image: &[f32], first: usize, rows: &Range<usize>, copy: &mut [f32]) {
        let [channels, height, width] = self.size;
        let count = (channels - first).min(BESIDE);
        let next = self.ahead(image, first + BESIDE, rows.start.saturating_sub(self.before)..rows.end - self.before);
        for (row, line) in rows.clone().zip(copy.chunks_exact_mut(self.columns() * BESIDE)) {
            next.fetch(row - rows.start, rows.len());
            let Some(y) = row.checked_sub(self.before).filter(|&y| y < height) else { continue };
            let line = &mut line[self.before * BESIDE..][..width * BESIDE];
            if count < BESIDE {
                line.fill(0.0);
            }
            transpose(&image[(first * height + y) * width..], height * width, count, width, line, BESIDE);
        }
    }

    /// Hints for `rows` of a vector of channels from `first` on; behind the last of them lie those of the next image.
    fn ahead<'a>(&self, image: &'a [f32], first: usize, rows: Range<usize>) -> Ahead<'a> {
        let [_, height, width] = self.size;
        let (top, bottom) = (rows.start.min(height), rows.end.min(height));
        let data = image.get((first * height + top) * width..).unwrap_or_default();
        Ahead::new(data, BESIDE, (bottom - top) * width, height * width)
    }

    /// Asks for the place of a part's pixels of a vector of channels from `first` on: a share of a `step` of so many `steps`.
    pub fn ask(&self, part: &Part, first: usize, image: &[f32], (step, steps): (usize, usize)) {
        let rows = self.rows(&part.tiles);
        self.ahead(image, first, rows).fetch(step, steps);
    }

    /// Writes a part's tiles of up to two vectors of channels from `first` on to an image, from the points. `bias`, if any, is
    /// added to every pixel of its channel.
    pub fn store<const M: usize>(
        &self,
        isa: Isa,
        (points, from): (&mut [f32], Layout),
        part: &Part,
        (first, bias): (usize, Option<&[f32]>),
        strip: &mut [f32],
        image: &mut [f32],
    ) {
        let count = (self.size[0] - first).min(BESIDE);
        let mut start = [0.0; BESIDE];
        if let Some(bias) = bias {
            start[..count].copy_from_slice(&bias[first..first + count]);
        }
        let mut tile = part.tiles.start;
        while tile < part.tiles.end {
            let (row, column) = (tile / self.grid[1], tile % self.grid[1]);
            let columns = (self.grid[1] - column).min(part.tiles.end - tile);
            let pitch = columns * M * BESIDE;
            let strip = &mut strip[..M * pitch];
            for index in 0..columns {
                let at = (part.at + tile + index - part.tiles.start) * from.pitch;
                assert!(points.len() >= (AREA - 1) * from.step + at + BESIDE);
                let to = strip[index * M * BESIDE..].as_mut_ptr();
                let way = Way { pixels: to, pitch, points: points[at..].as_mut_ptr(), step: from.step };
                // SAFETY: the assertion, and the strip has M rows of `pitch`; both are borrowed mutably.
                unsafe { write::<M, false>(isa, way) };
            }
            if bias.is_some() {
                add(strip, &start);
            }
            self.spread::<M>(strip, [row * M, column * M], columns * M, (first, count), image);
            tile += columns;
        }
    }

    /// Copies a row of tiles' outputs to the planes, as far as they lie inside.
    fn spread<const M: usize>(
        &self,
        strip: &[f32],
        [top, left]: [usize; 2],
        pixels: usize,
        (first, count): (usize, usize),
        image: &mut [f32],
    ) {
        let [_, height, width] = self.size;
        let (rows, columns) = ((height - top).min(M), (width - left).min(pixels));
        let plane = |row: usize| (first * height + top + row) * width + left;
        if columns == pixels && columns == width {
            return transpose(strip, BESIDE, rows * width, count, &mut image[plane(0)..], height * width);
        }
        for row in 0..rows {
            let from = &strip[row * pixels * BESIDE..];
            transpose(from, BESIDE, columns, count, &mut image[plane(row)..], height * width);
        }
    }
}

fn add(strip: &mut [f32], start: &[f32; BESIDE]) {
    let (vectors, _) = strip.as_chunks_mut::<BESIDE>();
    for vector in vectors {
        vector.iter_mut().zip(start).for_each(|(value, start)| *value += start);
    }
}
