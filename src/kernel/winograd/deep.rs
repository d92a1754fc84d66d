//! Sums over tiles where channels are so many that the sums at all points do not stay in the cache: tiles of many images go to the
//! points first, then every point is summed by itself. Knows images and their gradients.

use super::correlate::Correlate;
use super::{BLOCK, points_len};
use crate::kernel::scratch;
use rayon::prelude::*;
use std::ops::Range;

/// Sums with more floats do not stay.
const MANY: usize = 1 << 18;
/// Blocks that are at the points at the same time.
const BLOCKS: usize = 8;
/// Fewest tiles that are worth a block of their own.
const FEWEST: usize = 32;

/// Whether `sums` floats at all points are too many.
pub fn is_deep(sums: usize) -> bool {
    sums > MANY
}

/// Block `index` of `count` of all tiles.
fn block(tiles: usize, index: usize, count: usize) -> Range<usize> {
    index * tiles / count..(index + 1) * tiles / count
}

impl Correlate<'_> {
    /// Floats for the blocks that are at the points.
    pub fn room(&self) -> usize {
        let each = self.layouts(BLOCK).map(|layout| points_len(self.precision, layout));
        BLOCKS * (each[0] + each[1])
    }

    /// Writes the products of all images, summed in the order of their tiles, to `sums`. Runs on the current rayon pool.
    pub fn all(&self, sums: &mut [f32], room: &mut [f32]) {
        let tiles = self.images.count * self.from.tiles();
        if tiles == 0 {
            return sums.fill(0.0);
        }
        let count = tiles.div_ceil(tiles.div_ceil(BLOCKS).clamp(FEWEST, BLOCK));
        for first in (0..count).step_by(BLOCKS) {
            let turn = first..count.min(first + BLOCKS);
            self.fetch_all(tiles, turn.clone(), count, room);
            self.multiply_all(tiles, turn, count, room, sums);
        }
    }

    fn fetch_all(&self, tiles: usize, turn: Range<usize>, count: usize, room: &mut [f32]) {
        let layouts = self.layouts(BLOCK);
        let [len, other] = layouts.map(|layout| points_len(self.precision, layout));
        let rooms = room.par_chunks_mut(len + other).zip(turn);
        rooms.for_each(|(room, index)| {
            let (points, others) = room.split_at_mut(len);
            scratch::with(self.copy_len(BLOCK), |copy| {
                self.fetch(0, block(tiles, index, count), copy, (points, layouts[0]), (others, layouts[1]));
            });
        });
    }

    fn multiply_all(&self, tiles: usize, turn: Range<usize>, count: usize, room: &[f32], sums: &mut [f32]) {
        let layouts = self.layouts(BLOCK);
        let [len, other] = layouts.map(|layout| points_len(self.precision, layout));
        sums.par_chunks_exact_mut(self.sums_len()).enumerate().for_each(|(point, sums)| {
            for (room, index) in room.chunks_exact(len + other).zip(turn.clone()) {
                let (points, others) = room.split_at(len);
                self.multiply(point, block(tiles, index, count), (points, layouts[0]), (others, layouts[1]), sums);
            }
        });
    }
}
