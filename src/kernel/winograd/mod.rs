//! Convolution with kernels of 3 or 5 by Winograd's minimal filtering: 4.0 or 2.8 times fewer multiplications than the definition,
//! and another rounding. Knows batches of images in planes and weights in PyTorch's order.
//!
//! Tiles of six by six inputs and the kernels are taken to 36 points; there a convolution is a product of matrices a point, over
//! channels forward and over tiles for the weights' gradient; sums of products are taken back to pixels. Source: Lavin and Gray,
//! "Fast Algorithms for Convolutional Neural Networks" (arXiv:1509.09308). A block of tiles goes the whole way while it is in
//! the cache.
//!
//! With 16 bits, points are rounded to them, and only sums at the points have 32.
//!
//! Chains: a product's sum runs over channels in order, in the weights' gradient over tiles: of up to [`GROUPS`] groups of images,
//! whose sums are added in a binary tree, or [where channels are many](deep) of all images in one chain. Neither the number of threads nor the vector width shows.

mod correlate;
mod deep;
mod field;
mod transform;
mod weights;

use super::bf16::Precision;
use super::conv::Geometry;
use super::gemm::COUNT_UP;
use super::reduce::add_tree;
use super::rows::{Rows, Then};
use super::scratch;
use super::tile::{self, HALF, PANEL, Tile};
use crate::isa::Isa;
use correlate::Correlate;
use deep::is_deep;
use field::{Field, Layout};
use rayon::prelude::*;
use std::ops::Range;
use transform::{AREA, SIZE};
pub use weights::Direction;
use weights::{Weights, padded};

/// Groups of images in which the weights' gradient is summed, at most.
const GROUPS: usize = 8;
/// Most tiles of a block.
const BLOCK: usize = 64;
static ZEROS: [f32; PANEL] = [0.0; PANEL];

/// Numbers in a float.
fn in_a_float(precision: Precision) -> usize {
    if precision == Precision::Bf16 { 2 } else { 1 }
}

/// Where the numbers of a block of tiles lie: as [`Layout`] says.
fn layout(precision: Precision, channels: usize, tiles: usize) -> Layout {
    // An odd number of cache lines from tile to tile and from point to point: others would share a few sets of the cache.
    let line = HALF * in_a_float(precision);
    let pitch = (channels.div_ceil(line) | 1) * line;
    // Room for one more tile where their number is odd.
    Layout { pitch, step: ((tiles.next_multiple_of(2) * pitch / line) | 1) * line }
}

/// Floats for all points of a block.
fn points_len(precision: Precision, layout: Layout) -> usize {
    (AREA * layout.step + layout.pitch) / in_a_float(precision)
}

/// A convolution by minimal filtering, planned.
#[derive(Clone, Debug)]
pub struct Winograd {
    geometry: Geometry,
    weights: Weights,
    /// Outputs of a tile in one direction.
    outputs: usize,
}

impl Winograd {
    /// Plans a convolution, if it is one of stride 1 with square kernels of 3 or 5, padded by less than their size.
    pub fn new(geometry: Geometry, precision: Precision) -> Option<Self> {
        let Geometry { input, output, kernel, stride, padding } = geometry;
        let size = kernel[0];
        let fits = stride == [1, 1] && kernel[1] == size && (size == 3 || size == 5) && padding.iter().all(|&p| p < size);
        // Where more follows below or to the right than is padded above, gradients would need another plan.
        let even =
            (0..2).all(|axis| output[axis + 1] + size == input[axis + 1] + 2 * padding[axis] + 1) && padding[0] == padding[1];
        let weights = Weights { out: output[0], channels: input[0], kernel: size, precision };
        (fits && even).then_some(Self { geometry, weights, outputs: SIZE + 1 - size })
    }

    /// Number of floats that [`Winograd::pack`] writes.
    pub fn packed_len(&self, direction: Direction) -> usize {
        self.weights.packed_len(direction)
    }

    /// Lays out weights for [`Winograd::apply`].
    pub fn pack(&self, direction: Direction, weights: &[f32], packed: &mut [f32]) {
        self.weights.pack(direction, weights, packed);
    }

    /// The planes that tiles read and write.
    fn fields(&self, direction: Direction) -> [Field; 2] {
        let Geometry { input, output, padding, .. } = self.geometry;
        let (from, to, before) = match direction {
            Direction::Forward => (input, output, padding[0]),
            Direction::Backward => (output, input, self.weights.kernel - 1 - padding[0]),
        };
        let grid = [to[1].div_ceil(self.outputs), to[2].div_ceil(self.outputs)];
        let field = |size, window, before| Field { size, grid, advance: self.outputs, window, before };
        [field(from, SIZE, before), field(to, self.outputs, 0)]
    }

    /// Whether it asks for an image once or twice in each pass, not for one piece after the other.
    pub fn takes_whole_images(&self) -> bool {
        self.fields(Direction::Forward)[0].tiles() <= BLOCK
    }

    /// Writes the images that come of filtering `images` with weights packed for `direction`: image i begins at `i · stride` of `to`,
    /// and as soon as it stands there, `then` takes up its row. `bias`, if any, is added to every pixel. Runs on the current rayon pool.
    ///
    /// # Panics
    /// Where a slice is too short.
    pub fn apply(
        &self,
        direction: Direction,
        (packed, bias): (&[f32], Option<&[f32]>),
        images: Rows<'_>,
        (to, stride): (&mut [f32], usize),
        then: &Then<'_>,
    ) {
        let [from, field] = self.fields(direction);
        assert!(packed.len() == self.packed_len(direction) && bias.is_none_or(|bias| bias.len() >= field.size[0]));
        let run = Apply { isa: Isa::current(), from, to: field, weights: self.weights, packed, bias, outputs: self.outputs };
        let each = from.tiles();
        let share = (images.count * each).div_ceil(4 * rayon::current_num_threads()).clamp(HALF, BLOCK);
        let group = (share / each).max(1);
        to[..images.count * stride].par_chunks_mut(group * stride).enumerate().for_each(|(number, to)| {
            let first = number * group;
            run.group(images, first..images.count.min(first + group), to, stride);
            to.chunks_exact_mut(stride).enumerate().for_each(|(offset, row)| then(first + offset, row));
        });
    }

    fn correlate<'a>(&self, images: Rows<'a>, gradients: Rows<'a>) -> Correlate<'a> {
        let ([from, to], precision) = (self.fields(Direction::Forward), self.weights.precision);
        Correlate { isa: Isa::current(), precision, from, to, images, gradients, outputs: self.outputs }
    }

    /// Number of floats in which [`Winograd::weight_gradient`] sums.
    pub fn sums_len(&self) -> usize {
        let (len, none) = (self.weights.sums_len(), Rows::kept(&[], 0, 0));
        if is_deep(len) { len + self.correlate(none, none).room() } else { GROUPS * len }
    }

    /// Writes the gradients of the weights and, where wanted, of the bias. `sums` is used up. Runs on the current rayon pool.
    ///
    /// # Panics
    /// Where a slice has another length than the geometry says.
    pub fn weight_gradient(
        &self,
        images: Rows<'_>,
        gradients: Rows<'_>,
        sums: &mut [f32],
        (weights, bias): (&mut [f32], Option<&mut [f32]>),
    ) {
        assert_eq!(sums.len(), self.sums_len());
        let (len, group) = (self.weights.sums_len(), images.count.div_ceil(GROUPS).max(1));
        let run = self.correlate(images, gradients);
        if is_deep(len) {
            let (sums, room) = sums.split_at_mut(len);
            run.all(sums, room);
        } else {
            sums.par_chunks_mut(len).enumerate().for_each(|(number, sums)| {
                let first = (number * group).min(images.count);
                run.group(first..(first + group).min(images.count), sums);
            });
            add_tree(sums, len, images.count.div_ceil(group));
        }
        self.weights.collect(&sums[..len], weights);
        if let Some(bias) = bias {
            self.bias_gradient(gradients, bias);
        }
    }

    fn bias_gradient(&self, gradients: Rows<'_>, bias: &mut [f32]) {
        let [_, height, width] = self.geometry.output;
        bias.par_iter_mut().enumerate().for_each(|(channel, sum)| {
            let plane = |image: usize| &gradients.data[image * gradients.stride + channel * height * width..][..height * width];
            *sum = (0..gradients.count).map(|image| super::reduce::sum(plane(image))).sum();
        });
    }
}

/// Blocks of tiles: ranges of numbers through all images of a group.
fn blocks(tiles: usize) -> impl Iterator<Item = Range<usize>> {
    let count = tiles.div_ceil(BLOCK).max(1);
    (0..count).map(move |block| block * tiles / count..(block + 1) * tiles / count)
}

/// One way through the points and back.
struct Apply<'a> {
    isa: Isa,
    from: Field,
    to: Field,
    weights: Weights,
    packed: &'a [f32],
    bias: Option<&'a [f32]>,
    outputs: usize,
}

impl Apply<'_> {
    /// Some of the images, which are written from the beginning of `to` on.
    fn group(&self, images: Rows<'_>, range: Range<usize>, to: &mut [f32], stride: usize) {
        let tiles = range.len() * self.from.tiles();
        let (most, channels) = (BLOCK.min(tiles), self.from.size[0]);
        let precision = self.weights.precision;
        let (before, behind) = (layout(precision, channels, most), layout(Precision::F32, PANEL, most));
        let lens = [points_len(precision, before), points_len(Precision::F32, behind), self.from.copy_len(most)];
        let strip = self.to.grid[1] * self.outputs * self.outputs * HALF;
        scratch::with(lens.iter().sum::<usize>() + strip, |buffer| {
            let (points, rest) = buffer.split_at_mut(lens[0]);
            let (products, rest) = rest.split_at_mut(lens[1]);
            let (copy, strip) = rest.split_at_mut(lens[2]);
            for block in blocks(tiles) {
                for part in self.from.parts(block.clone()) {
                    images.with(range.start + part.image, &mut |image| match precision {
                        Precision::F32 => self.from.fetch::<0, false>(self.isa, image, &part, copy, points, before),
                        Precision::Bf16 => self.from.fetch::<0, true>(self.isa, image, &part, copy, points, before),
                    });
                }
                for first in (0..self.to.size[0]).step_by(PANEL) {
                    let ahead = |point: usize| self.ask(first, block.clone(), (to, stride), point);
                    self.multiply(first, block.len(), (points, before), (products, behind), &ahead);
                    for half in (first..self.to.size[0].min(first + PANEL)).step_by(HALF) {
                        for part in self.to.parts(block.clone()) {
                            let image = &mut to[part.image * stride..];
                            self.store((&mut products[half - first..], behind), &part, half, strip, image);
                        }
                    }
                }
            }
        });
    }

    fn store(&self, products: (&mut [f32], Layout), part: &field::Part, first: usize, strip: &mut [f32], image: &mut [f32]) {
        match self.outputs {
            2 => self.to.store::<2>(self.isa, products, part, (first, self.bias), strip, image),
            _ => self.to.store::<4>(self.isa, products, part, (first, self.bias), strip, image),
        }
    }

    /// Asks for the places of what a panel's products will become: a share for each point.
    fn ask(&self, first: usize, block: Range<usize>, (to, stride): (&[f32], usize), point: usize) {
        for half in (first..self.to.size[0].min(first + PANEL)).step_by(HALF) {
            for part in self.to.parts(block.clone()) {
                self.to.ask(&part, half, &to[part.image * stride..], (point, AREA));
            }
        }
    }

    /// Products at all points for a panel of channels; `ahead` is told each point before.
    fn multiply(
        &self,
        first: usize,
        tiles: usize,
        (points, before): (&[f32], Layout),
        (products, behind): (&mut [f32], Layout),
        ahead: &dyn Fn(usize),
    ) {
        let (channels, width) = (self.from.size[0], padded((self.to.size[0] - first).min(PANEL)));
        let (precision, depth) = (self.weights.precision, self.weights.steps(channels));
        let panel = &self.packed[AREA * depth * first..][..AREA * depth * width];
        let [pitch, step] = [before.pitch, before.step].map(|numbers| numbers / in_a_float(precision));
        let rows: [u32; BLOCK] = std::array::from_fn(|tile| (tile * pitch) as u32);
        assert!(tiles <= BLOCK && depth <= COUNT_UP.len() && depth <= pitch);
        assert!(points.len() >= AREA * step && products.len() >= AREA * behind.step);
        assert!(step >= tiles * pitch && behind.step >= tiles * behind.pitch && behind.pitch >= width);
        for point in 0..AREA {
            ahead(point);
            let tile = Tile {
                precision,
                a: points[point * step..].as_ptr(),
                rows: rows.as_ptr(),
                steps: COUNT_UP.as_ptr(),
                depth,
                b: panel[point * depth * width..].as_ptr(),
                b_stride: width,
                start: ZEROS.as_ptr(),
                start_stride: 0,
                c: products[point * behind.step..].as_mut_ptr(),
                c_stride: behind.pitch,
            };
            // SAFETY: the assertions; `products` is borrowed mutably.
            unsafe { tile::sweep(self.isa, &tile, tiles, width) };
        }
    }
}

#[cfg(test)]
mod tests;
