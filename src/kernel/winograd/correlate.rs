//! Sums over tiles at the points: what becomes the weights' gradient. Knows images and their gradients.

use super::field::{Field, Images, Layout};
use super::weights::padded;
use super::{BLOCK, blocks, layout, points_len};
use crate::isa::Isa;
use crate::kernel::bf16::{Precision, pair_across};
use crate::kernel::gemm::COUNT_UP;
use crate::kernel::scratch;
use crate::kernel::tile::{self, PANEL, Tile};
use std::ops::Range;

/// What is summed.
pub struct Correlate<'a> {
    pub isa: Isa,
    pub precision: Precision,
    pub from: Field,
    pub to: Field,
    pub images: Images<'a>,
    pub gradients: Images<'a>,
    pub outputs: usize,
}

/// A block of tiles at the points.
type Block<'b> = (&'b mut [f32], Layout);

impl Correlate<'_> {
    /// Adds the products of a group of images to `sums`.
    pub fn group(&self, images: Range<usize>, sums: &mut [f32]) {
        let tiles = images.len() * self.from.tiles();
        if tiles == 0 {
            return;
        }
        let most = BLOCK.min(tiles);
        let layouts = [&self.from, &self.to].map(|field| layout(self.precision, field.size[0], most));
        let copies = self.from.copy_len(most).max(self.to.copy_len(most));
        let across = match self.precision {
            Precision::F32 => [0; 2],
            Precision::Bf16 => layouts.map(|layout| BLOCK / 2 * layout.pitch),
        };
        let [points, others] = layouts.map(|layout| points_len(self.precision, layout));
        scratch::with(points + others + copies + across[0] + across[1], |buffer| {
            let (points, rest) = buffer.split_at_mut(points);
            let (others, rest) = rest.split_at_mut(others);
            let (copy, rest) = rest.split_at_mut(copies);
            let across = rest.split_at_mut(across[0]);
            for block in blocks(tiles) {
                self.fetch(images.start, block.clone(), copy, (points, layouts[0]), (others, layouts[1]));
                match self.precision {
                    Precision::F32 => self.multiply(block.len(), (points, layouts[0]), (others, layouts[1]), sums),
                    Precision::Bf16 => {
                        let across = (&mut *across.0, &mut *across.1);
                        self.multiply_pairs(block.len(), (points, layouts[0]), (others, layouts[1]), across, sums);
                    }
                }
            }
        });
    }

    /// Takes a block of tiles to the points: those of inputs, and of gradients.
    fn fetch(&self, start: usize, block: Range<usize>, copy: &mut [f32], (points, from): Block<'_>, (others, to): Block<'_>) {
        for part in self.from.parts(block) {
            let image = &self.images.data[(start + part.image) * self.images.stride..];
            let gradient = &self.gradients.data[(start + part.image) * self.gradients.stride..];
            let isa = self.isa;
            match (self.precision, self.outputs) {
                (Precision::F32, 2) => {
                    self.from.fetch::<0, false>(isa, image, &part, copy, points, from);
                    self.to.fetch::<2, false>(isa, gradient, &part, copy, others, to);
                }
                (Precision::F32, _) => {
                    self.from.fetch::<0, false>(isa, image, &part, copy, points, from);
                    self.to.fetch::<4, false>(isa, gradient, &part, copy, others, to);
                }
                (Precision::Bf16, 2) => {
                    self.from.fetch::<0, true>(isa, image, &part, copy, points, from);
                    self.to.fetch::<2, true>(isa, gradient, &part, copy, others, to);
                }
                (Precision::Bf16, _) => {
                    self.from.fetch::<0, true>(isa, image, &part, copy, points, from);
                    self.to.fetch::<4, true>(isa, gradient, &part, copy, others, to);
                }
            }
        }
    }

    /// Adds a block's products at all points.
    fn multiply(&self, tiles: usize, (points, from): Block<'_>, (others, to): Block<'_>, sums: &mut [f32]) {
        assert!(from.step >= tiles * from.pitch && to.step >= tiles * to.pitch);
        let (channels, out) = (self.from.size[0], padded(self.to.size[0]));
        for (point, sums) in sums.chunks_exact_mut(channels * out).enumerate() {
            let (a, b) = (&points[point * from.step..], &others[point * to.step..]);
            self.add(tiles, (a, from.pitch), (b, to.pitch), sums);
        }
    }

    /// The same with numbers of 16 bits: neighbouring tiles become pairs, point by point.
    fn multiply_pairs(
        &self,
        tiles: usize,
        (points, from): Block<'_>,
        (others, to): Block<'_>,
        across: (&mut [f32], &mut [f32]),
        sums: &mut [f32],
    ) {
        let (channels, out) = (self.from.size[0], padded(self.to.size[0]));
        for (point, sums) in sums.chunks_exact_mut(channels * out).enumerate() {
            pair_tiles(&mut points[point * from.step / 2..][..from.step / 2], tiles, from.pitch / 2, across.0);
            pair_tiles(&mut others[point * to.step / 2..][..to.step / 2], tiles, to.pitch / 2, across.1);
            self.add(tiles.div_ceil(2), (across.0, from.pitch), (across.1, to.pitch), sums);
        }
    }

    /// Adds one point's products: row after row of `a` and `b`, at distances of their pitch, as many as `depth`.
    fn add(&self, depth: usize, (a, a_pitch): (&[f32], usize), (b, b_pitch): (&[f32], usize), sums: &mut [f32]) {
        let (channels, out) = (self.from.size[0], padded(self.to.size[0]));
        let steps: [u32; BLOCK] = std::array::from_fn(|step| (step * a_pitch) as u32);
        assert!(depth <= BLOCK && channels <= COUNT_UP.len() && sums.len() == channels * out);
        assert!(a.len() >= depth * a_pitch && b.len() >= depth * b_pitch && a_pitch >= channels && b_pitch >= out);
        for first in (0..out).step_by(PANEL) {
            let sums = sums[first..].as_mut_ptr();
            let tile = Tile {
                precision: self.precision,
                a: a.as_ptr(),
                rows: COUNT_UP.as_ptr(),
                steps: steps.as_ptr(),
                depth,
                b: b[first..].as_ptr(),
                b_stride: b_pitch,
                start: sums,
                start_stride: out,
                c: sums,
                c_stride: out,
            };
            // SAFETY: the assertions; `sums` is borrowed mutably.
            unsafe { tile::sweep(self.isa, &tile, channels, (out - first).min(PANEL)) };
        }
    }
}

/// The tiles of one point, `pitch` floats of two numbers each, as pairs of neighbouring tiles: `2 · pitch` floats a pair.
fn pair_tiles(tiles: &mut [f32], count: usize, pitch: usize, to: &mut [f32]) {
    if count % 2 == 1 {
        tiles[count * pitch..(count + 1) * pitch].fill(0.0);
    }
    for (pair, to) in tiles.chunks_exact(2 * pitch).zip(to.chunks_exact_mut(2 * pitch)).take(count.div_ceil(2)) {
        let (even, odd) = pair.split_at(pitch);
        pair_across(even, odd, to);
    }
}
