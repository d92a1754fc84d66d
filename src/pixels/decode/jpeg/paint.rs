//! Planes → pixels of a rectangle: chroma enlarged as libjpeg's "fancy upsampling" does, and colours converted. Knows no block.

use super::super::super::crop::Region;
use super::super::super::fresh::copy_short;
use super::super::super::jpeg::colour::{enlarge, enlarge_rows, restore, stack};
use super::super::super::planes::LANES;
use super::plane::{Plane, needed};
use super::room::Room;
use std::ops::Range;

/// Blocks of lanes that are filled with narrow rows at once.
const BAND: usize = 8;

/// The rectangle's columns and rows.
pub(super) fn span(region: Region) -> (Range<usize>, Range<usize>) {
    let range = |start: u32, length: u32| start as usize..(start + length) as usize;
    (range(region.left, region.width), range(region.top, region.height))
}

/// The pixels in `region`: gray for one plane, RGB for luma and two chroma. `doubled` says along which axes chroma has half the size.
pub(super) fn paint(planes: &[&Plane], doubled: (bool, bool), region: Region) -> Vec<u8> {
    let (across, down) = span(region);
    let [luma, chroma @ ..] = planes else { return Vec::new() };
    if chroma.is_empty() {
        return down.flat_map(|y| luma.row(y, &across)).copied().collect();
    }
    let mut enlarged: Vec<Enlarged> = chroma.iter().map(|plane| Enlarged::new(plane, doubled, &across)).collect();
    let mut pixels = vec![0; 3 * across.len() * down.len()];
    let [blue, red] = &mut enlarged[..] else { return pixels };
    let width = across.len();
    if 2 * width > LANES {
        for (y, row) in down.zip(pixels.chunks_exact_mut(3 * width)) {
            restore(luma.row(y, &across), blue.row(y), red.row(y), row);
        }
        return pixels;
    }
    // Narrow rows share the lanes in which colours are converted.
    let together = LANES / width * BAND;
    let mut held = [[0; LANES * BAND]; 3];
    for (first, rows) in down.step_by(together).zip(pixels.chunks_mut(3 * width * together)) {
        let count = rows.len() / 3;
        let side_by_side = luma.rows(first, count / width, &across);
        if side_by_side.is_none() {
            for (y, to) in (first..).zip(held[0][..count].chunks_exact_mut(width)) {
                copy_short(luma.row(y, &across), to);
            }
        }
        blue.write(first, &mut held[1][..count]);
        red.write(first, &mut held[2][..count]);
        restore(side_by_side.unwrap_or(&held[0][..count]), &held[1][..count], &held[2][..count], rows);
    }
    pixels
}

/// A chroma plane at the picture's size, row by row.
struct Enlarged<'p> {
    plane: &'p Plane,
    doubled: (bool, bool),
    /// Columns of the plane that are needed.
    columns: Range<usize>,
    /// How many enlarged columns come before the first that is wanted, and how many are.
    skipped: usize,
    width: usize,
    sums: Room<u16>,
    samples: Room<u8>,
}

impl<'p> Enlarged<'p> {
    fn new(plane: &'p Plane, doubled: (bool, bool), across: &Range<usize>) -> Self {
        let columns = needed(across, doubled.0, plane.size().0);
        let skipped = if doubled.0 { across.start - 2 * columns.start } else { 0 };
        let (sums, samples) = (Room::empty(), Room::of(2 * columns.len()));
        Self { plane, doubled, columns, skipped, width: across.len(), sums, samples }
    }

    /// Writes rows of the picture from `first` on, side by side.
    fn write(&mut self, first: usize, to: &mut [u8]) {
        let wide = self.samples.len();
        if self.doubled == (true, true)
            && wide == self.width
            && wide > 4
            && to.len().is_multiple_of(wide)
            && let Some(plane) = self.plane.rows(0, self.plane.size().1, &self.columns)
        {
            self.sums.resize((wide / 2 + 2) * (to.len() / wide), 0);
            return enlarge_rows(plane, wide / 2, first, &mut self.sums, to);
        }
        for (y, to) in (first..).zip(to.chunks_exact_mut(self.width)) {
            copy_short(self.row(y), to);
        }
    }

    /// The nearer and the farther row of the plane.
    fn near_and_far(&self, y: usize) -> (&'p [u8], &'p [u8]) {
        let near = self.plane.row(if self.doubled.1 { y / 2 } else { y }, &self.columns);
        let far = match (self.doubled.1, y % 2) {
            (false, _) => near,
            (true, 0) => self.plane.row((y / 2).saturating_sub(1), &self.columns),
            (true, _) => self.plane.row(y / 2 + 1, &self.columns),
        };
        (near, far)
    }

    /// Row `y` of the picture. So narrow a plane that it has no middle is repeated.
    fn row(&mut self, y: usize) -> &[u8] {
        let (near, far) = self.near_and_far(y);
        match self.doubled {
            (false, false) => return near,
            (false, true) => blend(near, far, 1 + (y % 2) as u16, &mut self.samples),
            (true, _) if self.plane.size().0 <= 2 => {
                self.samples.iter_mut().enumerate().for_each(|(x, sample)| *sample = near[x / 2]);
            }
            (true, false) => widen(near, &mut self.samples),
            (true, true) => {
                self.sums.resize(near.len() + 2, 0);
                stack(near, far, &mut self.sums);
                enlarge(&self.sums, &mut self.samples);
            }
        }
        &self.samples[self.skipped..self.skipped + self.width]
    }
}

wide! {
    /// Three parts of the nearer row and one of the farther; `half` is added before it is divided by 4.
    fn blend / blend_plain(near: &[u8], far: &[u8], half: u16, out: &mut [u8]) {
        for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
            *out = ((3 * u16::from(near) + u16::from(far) + half) >> 2) as u8;
        }
    }
}

wide! {
    /// Two samples for each: three parts of it and one of the neighbour on the sample's side, halves down on the left, up on the right.
    fn widen / widen_plain(near: &[u8], out: &mut [u8]) {
        let last = near.len() - 1;
        (out[0], out[2 * last + 1]) = (near[0], near[last]);
        let pairs = out[1..2 * last + 1].as_chunks_mut::<2>().0;
        for ((pair, &left), &right) in pairs.iter_mut().zip(near).zip(&near[1..]) {
            pair[0] = ((3 * u16::from(left) + u16::from(right) + 2) >> 2) as u8;
            pair[1] = ((3 * u16::from(right) + u16::from(left) + 1) >> 2) as u8;
        }
    }
}
