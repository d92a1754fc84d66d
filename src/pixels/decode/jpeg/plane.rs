//! The part of one component that is needed: which blocks, how their coefficients become samples, and rows of these. Knows no
//! colour and no bit.

use super::super::super::fresh::copy_short;
use super::super::super::jpeg::transform::{LANES, inverse_all, store};
use super::huffman::NATURAL;
use super::reduce::reduce;
use super::room::Room;
use super::sequence::Lanes;
use std::ops::Range;

/// Lanes that each of two components has where they share them.
pub(super) const HALF: usize = LANES / 2;

/// Samples of one component, as far as they are needed.
pub(super) struct Plane {
    /// Samples across and down of the whole component.
    size: (usize, usize),
    /// How often the eight samples of a block are halved, across and down.
    halvings: (usize, usize),
    /// Columns and rows of blocks that are kept.
    pub blocks: (Range<usize>, Range<usize>),
    stride: usize,
    samples: Room<u8>,
    /// Quantisation steps, in zigzag order.
    steps: [i16; 64],
}

/// The samples along one axis of `length` that are needed for the picture's `wanted` ones. Where the axis is `doubled`, the neighbours
/// play a part.
pub(super) fn needed(wanted: &Range<usize>, doubled: bool, length: usize) -> Range<usize> {
    if !doubled {
        return wanted.clone();
    }
    (wanted.start / 2).saturating_sub(1)..((wanted.end - 1) / 2 + 2).min(length)
}

impl Plane {
    /// Room for the blocks that hold the samples of columns `across` and rows `down`, of a component of `size` samples whose
    /// coefficients count in `steps`; sizes and samples are those that `halvings` of each block's leave.
    pub fn new(
        size: (usize, usize),
        (across, down): (&Range<usize>, &Range<usize>),
        steps: &[u16; 64],
        halvings: (usize, usize),
    ) -> Self {
        let (wide, high) = (8 >> halvings.0, 8 >> halvings.1);
        let blocks = |samples: &Range<usize>, each: usize| samples.start / each..samples.end.div_ceil(each);
        let blocks = (blocks(across, wide), blocks(down, high));
        let stride = wide * blocks.0.len();
        Self {
            size,
            halvings,
            stride,
            samples: Room::of(stride * high * blocks.1.len()),
            blocks,
            steps: NATURAL.map(|place| steps[usize::from(place)] as i16),
        }
    }

    /// How many rows of blocks the transform takes together, a power of two: where few blocks are side by side, those of several rows
    /// fill its lanes.
    pub fn together(&self) -> usize {
        match LANES / self.blocks.0.len().max(1) {
            rows @ 2.. if self.halvings == (0, 0) => 1 << rows.ilog2(),
            _ => 1,
        }
    }

    /// The samples of all kept blocks in the rows `rows` of blocks, of which `lanes` are the coefficients: those of row r begin in the
    /// lane ((r − `first`) mod `together`) · blocks side by side.
    pub fn transform_together(&mut self, rows: Range<usize>, first: usize, together: usize, lanes: &Lanes) {
        let mut strip = [0; 8 * 8 * LANES];
        inverse(std::slice::from_ref(lanes), &self.steps, &mut strip, 8 * LANES);
        self.put_together(rows, first, together, &strip);
    }

    /// The same for two components, each of which fills half of its lanes at most.
    pub fn transform_both(planes: [&mut Self; 2], rows: [Range<usize>; 2], together: [usize; 2], lanes: [&Lanes; 2]) {
        let mut strip = [0; 8 * 8 * LANES];
        inverse_both(lanes, [&planes[0].steps, &planes[1].steps], &mut strip);
        for (half, ((plane, rows), together)) in planes.into_iter().zip(rows).zip(together).enumerate() {
            plane.put_together(rows, 0, together, &strip[half * 8 * HALF..]);
        }
    }

    /// Copies rows of blocks from where the transform has left them.
    fn put_together(&mut self, rows: Range<usize>, first: usize, together: usize, strip: &[u8]) {
        let wide = 8 * self.blocks.0.len();
        for row in rows {
            let to = &mut self.samples[(row - self.blocks.1.start) * 8 * self.stride..];
            for (to, from) in to.chunks_exact_mut(self.stride).zip(strip.chunks(8 * LANES)) {
                copy_short(&from[(row - first) % together * wide..][..wide], to);
            }
        }
    }

    /// Samples of the whole component, across and down.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// The samples of the kept blocks in row `row` of blocks, which is kept, of which `lanes` are the coefficients.
    pub fn transform(&mut self, row: usize, lanes: &[Lanes]) {
        let length = (8 >> self.halvings.1) * self.stride;
        let strip = &mut self.samples[(row - self.blocks.1.start) * length..][..length];
        match self.halvings {
            (0, 0) => inverse(lanes, &self.steps, strip, self.stride),
            halvings => reduce(lanes, &self.steps, halvings, strip, self.stride),
        }
    }

    /// All samples of rows that lie side by side without a gap, in `count` rows from `y` on, if `columns` are all that is kept.
    pub fn rows(&self, y: usize, count: usize, columns: &Range<usize>) -> Option<&[u8]> {
        let kept = (8 >> self.halvings.1) * self.blocks.1.start;
        if columns.len() != self.stride || y < kept || y + count > self.size.1 {
            return None;
        }
        self.samples.get((y - kept) * self.stride..(y - kept + count) * self.stride)
    }

    /// Samples of `columns` in row `y`, or in the last row that holds picture.
    pub fn row(&self, y: usize, columns: &Range<usize>) -> &[u8] {
        let start = (y.min(self.size.1 - 1) - (8 >> self.halvings.1) * self.blocks.1.start) * self.stride;
        let left = (8 >> self.halvings.0) * self.blocks.0.start;
        &self.samples[start + columns.start - left..start + columns.end - left]
    }
}

wide! {
    /// Eight rows of samples, each of `stride`, out of coefficients that count in `steps`.
    fn inverse / inverse_plain(groups: &[Lanes], steps: &[i16; 64], strip: &mut [u8], stride: usize) {
        let mut blocks = [[0; LANES]; 64];
        for (index, group) in groups.iter().enumerate() {
            for ((coefficients, &step), &place) in group.iter().zip(steps).zip(&NATURAL) {
                multiply(coefficients, &[step; LANES], &mut blocks[usize::from(place) % 64]);
            }
            inverse_all(&mut blocks);
            store(&blocks, strip, stride, index * LANES);
        }
    }
}

wide! {
    /// The same for the first half of the lanes of two components, side by side.
    fn inverse_both / inverse_both_plain(lanes: [&Lanes; 2], steps: [&[i16; 64]; 2], strip: &mut [u8]) {
        let mut blocks = [[0; LANES]; 64];
        for (k, &place) in NATURAL.iter().enumerate() {
            let (mut both, mut both_steps) = ([0; LANES], [0; LANES]);
            for lane in 0..HALF {
                (both[lane], both[HALF + lane]) = (lanes[0][k][lane], lanes[1][k][lane]);
                (both_steps[lane], both_steps[HALF + lane]) = (steps[0][k], steps[1][k]);
            }
            multiply(&both, &both_steps, &mut blocks[usize::from(place) % 64]);
        }
        inverse_all(&mut blocks);
        store(&blocks, strip, 8 * LANES, 0);
    }
}

/// In 16 bits, as in other decoders: what does not fit is in no picture.
#[inline(always)]
fn multiply(coefficients: &[i16; LANES], steps: &[i16; LANES], values: &mut [i32; LANES]) {
    for lane in 0..LANES {
        values[lane] = i32::from(coefficients[lane].wrapping_mul(steps[lane]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};

    /// The samples of one block in lane `lane`.
    fn samples(coefficients: &[i16; 64], steps: &[u16; 64], lane: usize) -> Vec<u8> {
        let mut lanes = [[0; LANES]; 64];
        lanes.iter_mut().zip(NATURAL).for_each(|(lanes, place)| lanes[lane] = coefficients[usize::from(place)]);
        let across = 8 * lane..8 * lane + 8;
        let mut plane = Plane::new((8 * LANES, 8), (&(0..8 * LANES), &(0..8)), steps, (0, 0));
        plane.transform(0, &[lanes]);
        (0..8).flat_map(|y| plane.row(y, &across).to_vec()).collect()
    }

    #[test]
    fn the_transform_is_the_defining_double_sum_in_every_lane() {
        let block: [i16; 64] = std::array::from_fn(|i| ((i * 37 % 23) as i16 - 11) * i16::from(i % 3 == 0));
        let scale = |k: usize| if k == 0 { 0.5f64.sqrt() } else { 1.0 };
        let cosine = |n: usize, k: usize| ((2 * n + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos();
        let exact = |y: usize, x: usize| {
            let terms = (0..64).map(|i| {
                let (v, u) = (i / 8, i % 8);
                scale(u) * scale(v) / 4.0 * f64::from(block[i]) * 3.0 * cosine(x, u) * cosine(y, v)
            });
            (terms.sum::<f64>() + 128.0).clamp(0.0, 255.0)
        };
        for lane in [0, 1, 7, 8, 15] {
            for (place, &got) in samples(&block, &[3; 64], lane).iter().enumerate() {
                let exact = exact(place / 8, place % 8);
                assert!((f64::from(got) - exact).abs() < 0.6, "{place}: {got} for {exact}");
            }
        }
    }

    #[test]
    fn absurd_coefficients_panic_nowhere_and_are_the_same_everywhere() {
        let block = std::array::from_fn(|i| if i % 2 == 0 { i16::MIN } else { i16::MAX });
        let steps = std::array::from_fn(|i| 65_535 - i as u16);
        let plain = only(Isa::Plain, || samples(&block, &steps, 3));
        for isa in Isa::available() {
            assert_eq!(only(isa, || samples(&block, &steps, 3)), plain);
        }
    }

    #[test]
    fn doubled_axes_need_a_neighbour_on_each_side_where_there_is_one() {
        assert_eq!(needed(&(5..9), false, 20), 5..9);
        assert_eq!(needed(&(4..8), true, 20), 1..5);
        assert_eq!(needed(&(0..3), true, 2), 0..2);
        assert_eq!(needed(&(39..40), true, 20), 18..20);
    }
}
