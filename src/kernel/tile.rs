//! The one inner loop behind every product: a tile of sums of products held in registers. Knows pointers and strides only.
//!
//! `c[i][j] = start[i][j] + Σ_k a[rows[i] + steps[k]] · b[k][j]`, each element one chain of fused multiply-adds in the order of
//! k. The two offset tables make it a dense product (rows are multiples of a stride, steps count up), a convolution (rows are
//! pixels, steps are kernel taps) and a convolution's weight gradient (rows are taps, steps are pixels) without copying any
//! image into matrix form.

use super::bf16::{self, Precision};
use super::lanes::Lanes;
use crate::isa::Isa;

/// Width of a full panel of columns, for every [`Isa`]. The last panel of a matrix may have [`HALF`].
pub(super) const PANEL: usize = 32;
/// Width of a half panel.
pub(super) const HALF: usize = 16;
/// The most rows in a tile, for any [`Isa`].
pub(super) const MAX_ROWS: usize = 10;

/// Where a tile reads and writes. Strides count floats.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// With 16 bits, `a` and `b` are pairs along the steps: see [`bf16`].
    pub precision: Precision,
    pub a: *const f32,
    pub rows: *const u32,
    pub steps: *const u32,
    pub depth: usize,
    pub b: *const f32,
    pub b_stride: usize,
    pub start: *const f32,
    pub start_stride: usize,
    pub c: *mut f32,
    pub c_stride: usize,
}

/// A tile's first row and first column among those that a [`Tile`] is about. They go beside it: a copy of it for each place would be
/// loaded in other pieces than it was stored in, and such a load waits for every store before it.
type Place = (usize, usize);
type Kernel = unsafe fn(&Tile, Place);

#[inline(always)]
unsafe fn body<V: Lanes, const M: usize, const N: usize, const PAIRS: bool>(tile: &Tile, (row, column): Place) {
    // SAFETY: `sweep`'s caller promises that every address formed here lies in its slices.
    unsafe {
        let rows: [*const f32; M] = std::array::from_fn(|i| tile.a.add(*tile.rows.add(row + i) as usize));
        let start = |i: usize, j: usize| V::load(tile.start.add((row + i) * tile.start_stride + column + j * V::COUNT));
        let mut sums: [[V; N]; M] = std::array::from_fn(|i| std::array::from_fn(|j| start(i, j)));
        let mut b = tile.b.add(column);
        for k in 0..tile.depth {
            let step = *tile.steps.add(k) as usize;
            let right: [V; N] = std::array::from_fn(|j| V::load(b.add(j * V::COUNT)));
            for i in 0..M {
                let left = V::splat(*rows[i].add(step));
                for j in 0..N {
                    sums[i][j] = if PAIRS { left.dot_pairs(right[j], sums[i][j]) } else { left.mul_add(right[j], sums[i][j]) };
                }
            }
            b = b.add(tile.b_stride);
        }
        for (i, sums) in sums.iter().enumerate() {
            for (j, sum) in sums.iter().enumerate() {
                sum.store(tile.c.add((row + i) * tile.c_stride + column + j * V::COUNT));
            }
        }
    }
}

unsafe fn plain<const M: usize, const N: usize, const PAIRS: bool>(tile: &Tile, place: Place) {
    // SAFETY: the caller's promise; plain lanes need no instructions.
    unsafe { body::<super::lanes::Plain, M, N, PAIRS>(tile, place) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const M: usize, const N: usize, const PAIRS: bool>(tile: &Tile, place: Place) {
    // SAFETY: the caller's promise.
    unsafe { body::<super::lanes::Avx2, M, N, PAIRS>(tile, place) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
unsafe fn avx512<const M: usize, const N: usize, const PAIRS: bool>(tile: &Tile, place: Place) {
    // SAFETY: the caller's promise.
    unsafe { body::<super::lanes::Avx512, M, N, PAIRS>(tile, place) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq,avx512bf16")]
unsafe fn bf16<const M: usize, const N: usize, const PAIRS: bool>(tile: &Tile, place: Place) {
    // SAFETY: the caller's promise.
    unsafe { body::<super::lanes::Avx512, M, N, PAIRS>(tile, place) }
}

/// The kernels of an [`Isa`]: for half and for full width in lanes, by number of rows − 1.
struct Kernels {
    lanes: usize,
    single: &'static [Kernel],
    double: &'static [Kernel],
}

macro_rules! kernels {
    ($name:ident, $pairs:literal, $lanes:literal, $($rows:literal)+) => {
        Kernels { lanes: $lanes, single: &[$($name::<$rows, 1, $pairs>),+], double: &[$($name::<$rows, 2, $pairs>),+] }
    };
}

static PLAIN: [Kernels; 2] = [kernels!(plain, false, 4, 1 2 3 4), kernels!(plain, true, 4, 1 2 3 4)];
#[cfg(target_arch = "x86_64")]
static AVX2: [Kernels; 2] = [kernels!(avx2, false, 8, 1 2 3 4 5 6), kernels!(avx2, true, 8, 1 2 3 4 5 6)];
#[cfg(target_arch = "x86_64")]
static AVX512: [Kernels; 2] = [kernels!(avx512, false, 16, 1 2 3 4 5 6 7 8 9 10), kernels!(bf16, true, 16, 1 2 3 4 5 6 7 8 9 10)];

/// The kernels for factors of `precision`; without an instruction for pairs, those of a slower set.
fn kernels(isa: Isa, precision: Precision) -> &'static Kernels {
    let pairs = precision == Precision::Bf16;
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if !pairs || bf16::has_instruction(isa) => &AVX512[usize::from(pairs)],
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 | Isa::Avx2 => &AVX2[usize::from(pairs)],
        _ => &PLAIN[usize::from(pairs)],
    }
}

/// The parts of `total` rows that tiles of `isa` take, as even as possible: (first row, number of rows).
pub(super) fn parts(isa: Isa, precision: Precision, total: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = total.div_ceil(kernels(isa, precision).double.len());
    (0..count).map(move |part| {
        let first = part * total / count;
        (first, (part + 1) * total / count - first)
    })
}

/// One tile from row `first` on, of up to a part's `rows` (see [`parts`]) and `width` columns, [`PANEL`] or [`HALF`].
///
/// # Safety
/// For i from `first` to below `first + rows`, k below `tile.depth` and j below `width`: `tile.rows[i]` and `tile.steps[k]` can be
/// read, and so can `a[rows[i] + steps[k]]`, `b[k·b_stride + j]` and `start[i·start_stride + j]`; `c[i·c_stride + j]` can be written
/// and is nobody else's meanwhile. `start` may be `c`; nothing else may overlap it. `isa` is one that the processor has.
pub(super) unsafe fn run(isa: Isa, tile: &Tile, (first, rows): (usize, usize), width: usize) {
    let kernels = kernels(isa, tile.precision);
    let wide = (2 * kernels.lanes).min(width);
    let table = if wide > kernels.lanes { kernels.double } else { kernels.single };
    let kernel = table[rows - 1];
    for column in (0..width).step_by(wide) {
        // SAFETY: the caller's promise; columns stay below `width`, a multiple of `wide`.
        unsafe { kernel(tile, (first, column)) };
    }
}

/// [`run`] over any number of rows: row i writes `c[i·c_stride ..]`.
///
/// # Safety
/// As [`run`], for all of `rows`.
pub(super) unsafe fn sweep(isa: Isa, tile: &Tile, rows: usize, width: usize) {
    for part in parts(isa, tile.precision, rows) {
        // SAFETY: the caller's promise, for a part of the rows.
        unsafe { run(isa, tile, part, width) };
    }
}
