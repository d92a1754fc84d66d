//! Sums over tiles at the points: what becomes the weights' gradient. Knows images and their gradients.

use super::field::{Field, Layout};
use super::transform::AREA;
use super::weights::padded;
use super::{BLOCK, ZEROS, blocks, layout, points_len};
use crate::isa::Isa;
use crate::kernel::bf16::{Precision, pair_across};
use crate::kernel::gemm::COUNT_UP;
use crate::kernel::rows::Rows;
use crate::kernel::scratch;
use crate::kernel::tile::{self, PANEL, Tile};
use std::ops::Range;

/// What is summed.
pub struct Correlate<'a> {
    pub isa: Isa,
    pub precision: Precision,
    pub from: Field,
    pub to: Field,
    pub images: Rows<'a>,
    pub gradients: Rows<'a>,
    pub outputs: usize,
}

/// A block of tiles at the points.
pub type Block<'b> = (&'b [f32], Layout);
/// Room for one.
pub type Room<'b> = (&'b mut [f32], Layout);

impl Correlate<'_> {
    /// Writes the products of a group of images, summed, to `sums`.
    pub fn group(&self, images: Range<usize>, sums: &mut [f32]) {
        let tiles = images.len() * self.from.tiles();
        if tiles == 0 {
            return sums.fill(0.0);
        }
        let layouts = self.layouts(tiles);
        let [points, others] = layouts.map(|layout| points_len(self.precision, layout));
        scratch::with(points + others + self.copy_len(tiles), |buffer| {
            let (points, rest) = buffer.split_at_mut(points);
            let (others, copy) = rest.split_at_mut(others);
            for block in blocks(tiles) {
                self.fetch(images.start, block.clone(), copy, (points, layouts[0]), (others, layouts[1]));
                let each = sums.chunks_exact_mut(self.sums_len()).enumerate();
                each.for_each(|(point, sums)| {
                    self.multiply(point, block.clone(), (points, layouts[0]), (others, layouts[1]), sums);
                });
            }
        });
    }

    /// Layouts of blocks of up to `tiles`: of inputs, and of gradients.
    pub fn layouts(&self, tiles: usize) -> [Layout; 2] {
        [&self.from, &self.to].map(|field| layout(self.precision, field.size[0], tiles.min(BLOCK)))
    }

    /// Floats that [`Correlate::fetch`] needs besides.
    pub fn copy_len(&self, tiles: usize) -> usize {
        let most = tiles.min(BLOCK);
        self.from.copy_len(most).max(self.to.copy_len(most))
    }

    /// Floats of a point's sums.
    pub fn sums_len(&self) -> usize {
        self.from.size[0] * padded(self.to.size[0])
    }

    /// Takes a block of tiles to the points: those of inputs, and of gradients.
    pub fn fetch(&self, start: usize, block: Range<usize>, copy: &mut [f32], (points, from): Room<'_>, (others, to): Room<'_>) {
        let isa = self.isa;
        for part in self.from.parts(block.clone()) {
            let number = start + part.image;
            self.images.with(number, &mut |image| match self.precision {
                Precision::F32 => self.from.fetch::<0, false>(isa, image, &part, copy, points, from),
                Precision::Bf16 => self.from.fetch::<0, true>(isa, image, &part, copy, points, from),
            });
            self.gradients.with(number, &mut |gradient| match (self.precision, self.outputs) {
                (Precision::F32, 2) => self.to.fetch::<2, false>(isa, gradient, &part, copy, others, to),
                (Precision::F32, _) => self.to.fetch::<4, false>(isa, gradient, &part, copy, others, to),
                (Precision::Bf16, 2) => self.to.fetch::<2, true>(isa, gradient, &part, copy, others, to),
                (Precision::Bf16, _) => self.to.fetch::<4, true>(isa, gradient, &part, copy, others, to),
            });
        }
        // A pair without a second tile.
        if self.precision == Precision::Bf16 && block.len() % 2 == 1 {
            for (points, Layout { pitch, step }) in [(points, from), (others, to)] {
                (0..AREA).for_each(|point| points[(point * step + block.len() * pitch) / 2..][..pitch / 2].fill(0.0));
            }
        }
    }

    /// Adds a block's products at a point to its sums, or with the first block begins them.
    pub fn multiply(
        &self,
        point: usize,
        block: Range<usize>,
        (points, from): Block<'_>,
        (others, to): Block<'_>,
        sums: &mut [f32],
    ) {
        assert!(from.step >= block.len() * from.pitch && to.step >= block.len() * to.pitch);
        let is_first = block.start == 0;
        if self.precision == Precision::F32 {
            let (a, b) = (&points[point * from.step..], &others[point * to.step..]);
            return self.add(block.len(), (a, from.pitch), (b, to.pitch), is_first, sums);
        }
        // Neighbouring tiles become pairs.
        scratch::with(BLOCK / 2 * (from.pitch + to.pitch), |buffer| {
            let across = buffer.split_at_mut(BLOCK / 2 * from.pitch);
            pair_tiles(&points[point * from.step / 2..][..from.step / 2], block.len(), from.pitch / 2, across.0);
            pair_tiles(&others[point * to.step / 2..][..to.step / 2], block.len(), to.pitch / 2, across.1);
            self.add(block.len().div_ceil(2), (across.0, from.pitch), (across.1, to.pitch), is_first, sums);
        });
    }

    /// Adds one point's products: row after row of `a` and `b`, at distances of their pitch, as many as `depth`.
    fn add(&self, depth: usize, (a, a_pitch): (&[f32], usize), (b, b_pitch): (&[f32], usize), is_first: bool, sums: &mut [f32]) {
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
                start: if is_first { ZEROS.as_ptr() } else { sums },
                start_stride: if is_first { 0 } else { out },
                c: sums,
                c_stride: out,
            };
            // SAFETY: the assertions; `sums` is borrowed mutably.
            unsafe { tile::sweep(self.isa, &tile, channels, (out - first).min(PANEL)) };
        }
    }
}

/// The tiles of one point, `pitch` floats of two numbers each, as pairs of neighbouring tiles: `2 · pitch` floats a pair.
fn pair_tiles(tiles: &[f32], count: usize, pitch: usize, to: &mut [f32]) {
    for (pair, to) in tiles.chunks_exact(2 * pitch).zip(to.chunks_exact_mut(2 * pitch)).take(count.div_ceil(2)) {
        let (even, odd) = pair.split_at(pitch);
        pair_across(even, odd, to);
    }
}
