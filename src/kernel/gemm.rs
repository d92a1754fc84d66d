//! Matrix products, cut into tiles that one task each owns. Knows matrices and the current rayon pool.
//!
//! The left matrix is copied once, rows contiguous at a stride that avoids cache conflicts; the right one is copied by the task
//! that needs it, in panels of 32 columns. Sums run over the whole inner dimension in order, so neither the number of threads
//! nor the vector width shows in the result. Where most of the left matrix is zeros, their terms are left out ([`super::sparse`]).

use super::bf16::Precision;
use super::matrix::Matrix;
use super::scratch;
use super::sparse::{self, Stretches};
use super::tile::{self, HALF, MAX_ROWS, PANEL, Tile};
use crate::isa::Isa;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the sums of a product start from.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Zero: `c = a·b`.
    Zero,
    /// One value a column, as a bias: `c[i][j] = row[j] + (a·b)[i][j]`.
    Row(&'a [f32]),
    /// What is there: `c += a·b`.
    Existing,
}

/// The longest stretch of the inner dimension that is copied at once.
const DEPTH: usize = 4096;
/// Floats of the left matrix that are worked with at once, or a few more: what a core's second-level cache holds, as all of them are
/// read for every panel of columns.
const BLOCK: usize = 1 << 18;
/// Multiply-adds below which a product stays on one thread.
const SMALL: usize = 1 << 16;

pub(super) static COUNT_UP: [u32; DEPTH] = {
    let mut table = [0; DEPTH];
    let mut k = 0;
    while k < DEPTH {
        table[k] = k as u32;
        k += 1;
    }
    table
};
static ZEROS: [f32; sparse::WIDEST] = [0.0; sparse::WIDEST];

/// Where the product goes: a pointer that tasks may share, since each writes only its own columns.
#[derive(Clone, Copy)]
struct Shared(*mut f32);
// SAFETY: tasks write disjoint columns, and nobody reads before they have ended.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// `c = start + a·b`, with rows of `c` at a distance of `stride` floats; other floats of `c` are left alone.
///
/// Every element is one chain of fused multiply-adds over the inner dimension in order, or with factors of 16 bits one of products of
/// pairs (see [`super::bf16`]). Runs on the current rayon pool.
///
/// # Panics
/// Where shapes do not fit each other or `c`.
pub fn gemm(precision: Precision, a: Matrix<'_>, b: Matrix<'_>, start: Start<'_>, c: &mut [f32], stride: usize) {
    let (rows, columns, inner) = (a.rows, b.columns, a.columns);
    assert_eq!(inner, b.rows, "inner dimensions of a product");
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(stride >= columns && c.len() >= (rows - 1) * stride + columns, "product {rows}×{columns}/{stride}");
    if let Start::Row(row) = start {
        assert!(row.len() >= columns, "one start value a column");
    }
    // Blocks of about one size, none much larger than it should be.
    let blocks = (rows * inner.min(DEPTH)).div_ceil(BLOCK + BLOCK / 4).min(rows).max(1);
    let block = rows.div_ceil(blocks).next_multiple_of(MAX_ROWS);
    for first in (0..rows).step_by(block) {
        let a = a.some_rows(first, block.min(rows - first));
        let mut from = 0;
        while from < inner || from == 0 {
            let depth = (inner - from).min(DEPTH);
            let start = if from == 0 { start } else { Start::Existing };
            slice(precision, (a, b), (from, depth), start, (Shared(c[first * stride..].as_mut_ptr()), stride));
            from += depth.max(1);
        }
    }
}

/// The product over one stretch of the inner dimension, even where it is not the last.
fn slice(precision: Precision, (a, b): (Matrix<'_>, Matrix<'_>), inner: (usize, usize), start: Start<'_>, c: (Shared, usize)) {
    let isa = Isa::current();
    let (rows, columns) = (a.rows, b.columns);
    let depth = if precision == Precision::Bf16 { inner.1.div_ceil(2) } else { inner.1 };
    // An odd number of cache lines: rows at a power of two would share a few sets of the cache.
    let a_stride = (depth.div_ceil(16) | 1) * 16;
    let panels = columns.div_ceil(PANEL);
    scratch::with(rows * a_stride, |left| {
        let small = rows * columns * inner.1.max(1) < SMALL;
        let band = if small { rows } else { 2 * MAX_ROWS };
        let not_zero = AtomicUsize::new(0);
        left.par_chunks_mut(band * a_stride).enumerate().for_each(|(index, to)| {
            let rows = (index * band, to.len() / a_stride);
            match precision {
                Precision::F32 => a.copy(rows, inner, to, a_stride),
                Precision::Bf16 => a.transposed().copy_pairs(inner, rows, to, a_stride),
            }
            if !small && precision == Precision::F32 {
                let count = to.chunks(a_stride).map(|row| sparse::not_zero(&row[..depth])).sum();
                not_zero.fetch_add(count, Ordering::Relaxed);
            }
        });
        let product = Product { isa, precision, rows, a: left, a_stride, inner, depth, start, c };
        if small {
            (0..panels).for_each(|panel| product.panel(b, panel * PANEL));
        } else if precision == Precision::F32 && columns >= PANEL && sparse::pays(not_zero.into_inner(), rows * depth) {
            product.without_zeros(b);
        } else {
            (0..panels).into_par_iter().for_each(|panel| product.panel(b, panel * PANEL));
        }
    });
}

/// A product whose left factor is copied; a task computes a panel of its columns.
struct Product<'a> {
    isa: Isa,
    precision: Precision,
    rows: usize,
    a: &'a [f32],
    a_stride: usize,
    inner: (usize, usize),
    /// Steps of a sum: numbers or pairs of the inner dimension.
    depth: usize,
    start: Start<'a>,
    c: (Shared, usize),
}

impl Product<'_> {
    /// All columns, by the terms that are not zero; the few that fill no vector, with all terms.
    fn without_zeros(&self, b: Matrix<'_>) {
        let whole = b.columns / sparse::NARROWEST * sparse::NARROWEST;
        let width = sparse::width(whole);
        let stretches = Stretches::new(self.depth, width);
        scratch::with(self.rows * stretches.floats_a_row(), |terms| {
            let lists = terms.par_chunks_mut(stretches.floats_a_row()).zip(self.a.par_chunks(self.a_stride)).with_min_len(MAX_ROWS);
            lists.for_each(|(to, row)| stretches.list(self.isa, &row[..self.depth], to));
            let panels = whole.div_ceil(width);
            (0..panels + usize::from(whole < b.columns)).into_par_iter().for_each(|panel| match panel < panels {
                true => self.sparse_panel(b, panel * width..whole.min((panel + 1) * width), (terms, stretches)),
                false => self.panel(b, whole),
            });
        });
    }

    /// Stretch after stretch, so that the rows of the right factor that it needs are copied to the first cache and stay there.
    fn sparse_panel(&self, b: Matrix<'_>, columns: Range<usize>, (terms, stretches): (&[f32], Stretches)) {
        let (rows, width, c_stride) = (self.rows, columns.len(), self.c.1);
        scratch::with(stretches.floats(), |right| {
            for stretch in 0..stretches.count() {
                let range = stretches.range(stretch);
                b.copy((self.inner.0 + range.start, range.len()), (columns.start, width), right, stretches.stride);
                let next = stretches.range(stretch + 1);
                let ahead = b.ahead((self.inner.0 + next.start, next.len()), (columns.start, width));
                // SAFETY: as in `tile`; a panel's columns are its own.
                unsafe {
                    let c = self.c.0.0.add(columns.start);
                    let (start, start_stride) = match self.start {
                        Start::Existing => (c.cast_const(), c_stride),
                        Start::Zero => (ZEROS.as_ptr(), 0),
                        Start::Row(row) => (row.as_ptr().add(columns.start), 0),
                    };
                    let b = &*right;
                    sparse::Panel { terms, stretches, stretch, rows, b, width, ahead, start, start_stride, c, c_stride }
                        .run(self.isa);
                }
            }
        });
    }

    fn panel(&self, b: Matrix<'_>, column: usize) {
        let columns = (b.columns - column).min(PANEL);
        let width = if columns <= HALF { HALF } else { PANEL };
        scratch::with(self.depth * width, |right| {
            if columns < width {
                right.fill(0.0);
            }
            match self.precision {
                Precision::F32 => b.copy(self.inner, (column, columns), right, width),
                Precision::Bf16 => b.copy_pairs_beside(self.inner, (column, columns), right, width),
            }
            for (first, count) in tile::parts(self.isa, self.precision, self.rows) {
                self.tile((first, count), (column, columns), right, width);
            }
        });
    }

    fn tile(&self, (first, count): (usize, usize), (column, columns): (usize, usize), right: &[f32], width: usize) {
        let rows: [u32; MAX_ROWS] = std::array::from_fn(|i| (i * self.a_stride) as u32);
        let mut edge = [0.0f32; MAX_ROWS * PANEL];
        // SAFETY: `gemm` asserted that c has every row below `rows` and every column below `b.columns`; a tile that would reach
        // beyond its columns works on `edge` instead. `a` holds `rows` rows of `a_stride` ≥ inner floats, `right` inner rows of
        // `width`. Panels are disjoint columns of c, so nobody else touches this tile.
        unsafe {
            let c = self.c.0.0.add(first * self.c.1 + column);
            let (c_to, c_stride) = if columns == width { (c, self.c.1) } else { (edge.as_mut_ptr(), width) };
            let (start, start_stride) = match self.start {
                Start::Existing => (c.cast_const(), self.c.1),
                Start::Zero => (ZEROS.as_ptr(), 0),
                Start::Row(row) => (row.as_ptr().add(column), 0),
            };
            let (start, start_stride) = if columns == width || matches!(self.start, Start::Zero) {
                (start, start_stride)
            } else {
                for i in 0..count {
                    std::ptr::copy_nonoverlapping(start.add(i * start_stride), edge.as_mut_ptr().add(i * width), columns);
                }
                (c_to.cast_const(), width)
            };
            let a = self.a.as_ptr().add(first * self.a_stride);
            let (steps, depth) = (COUNT_UP.as_ptr(), self.depth);
            let tile = Tile {
                precision: self.precision,
                a,
                rows: rows.as_ptr(),
                steps,
                depth,
                b: right.as_ptr(),
                b_stride: width,
                start,
                start_stride,
                c: c_to,
                c_stride,
            };
            tile::run(self.isa, &tile, (0, count), width);
            if columns != width {
                for i in 0..count {
                    std::ptr::copy_nonoverlapping(edge.as_ptr().add(i * width), c.add(i * self.c.1), columns);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::only;

    fn numbers(len: usize, salt: u32) -> Vec<f32> {
        let mix = |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)) >> 8) as f32;
        (0..len as u32).map(|i| mix(i) / (1 << 23) as f32 - 1.0).collect()
    }

    /// What a product means: one chain of fused multiply-adds an element.
    fn meaning(a: Matrix<'_>, b: Matrix<'_>, start: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let element = |i, j| (0..a.columns).fold(start(i, j), |sum, k| a.at(i, k).mul_add(b.at(k, j), sum));
        (0..a.rows).flat_map(|i| (0..b.columns).map(move |j| (i, j))).map(|(i, j)| element(i, j)).collect()
    }

    #[test]
    fn every_isa_gives_the_bits_of_the_plain_meaning() {
        const { assert!(700 * 500 > BLOCK + BLOCK / 4, "rows are cut into blocks, too") };
        for (m, n, k) in
            [(1, 1, 1), (3, 5, 7), (13, 33, 65), (29, 47, 100), (6, 16, 0), (2, 40, 4100), (60, 70, 64), (700, 17, 500)]
        {
            for (a_turned, b_turned) in [(false, false), (true, false), (false, true), (true, true)] {
                let (a_data, b_data, row, old) = (numbers(m * k + 64, 1), numbers(k * n + 64, 2), numbers(n, 3), numbers(m * n, 4));
                let a = if a_turned { Matrix::new(&a_data, k, m, m).transposed() } else { Matrix::new(&a_data, m, k, k) };
                let b = if b_turned { Matrix::new(&b_data, n, k, k).transposed() } else { Matrix::new(&b_data, k, n, n) };
                for isa in Isa::available() {
                    let product = |start| {
                        let mut c = old.clone();
                        only(isa, || gemm(Precision::F32, a, b, start, &mut c, n));
                        c
                    };
                    assert_eq!(product(Start::Zero), meaning(a, b, |_, _| 0.0), "{m} {n} {k} {isa:?}");
                    assert_eq!(product(Start::Row(&row)), meaning(a, b, |_, j| row[j]), "{m} {n} {k} {isa:?}");
                    assert_eq!(product(Start::Existing), meaning(a, b, |i, j| old[i * n + j]), "{m} {n} {k} {isa:?}");
                }
            }
        }
    }

    #[test]
    fn leaving_out_zeros_changes_no_bits_on_any_isa() {
        for (m, n, k) in
            [(70, 33, 40), (64, 48, 31), (29, 784, 100), (20, 130, 4100), (128, 304, 200), (64, 1024, 64), (690, 32, 480)]
        {
            for (a_turned, b_turned) in [(false, false), (true, false), (false, true), (true, true)] {
                let (mut a_data, b_data, row, old) = (numbers(m * k, 1), numbers(k * n, 2), numbers(n, 3), numbers(m * n, 4));
                a_data.iter_mut().filter(|value| value.abs() < 0.7).for_each(|value| *value = 0.0);
                assert!(sparse::pays(sparse::not_zero(&a_data), a_data.len()));
                let a = if a_turned { Matrix::new(&a_data, k, m, m).transposed() } else { Matrix::new(&a_data, m, k, k) };
                let b = if b_turned { Matrix::new(&b_data, n, k, k).transposed() } else { Matrix::new(&b_data, k, n, n) };
                for isa in Isa::available() {
                    let product = |start| {
                        let mut c = old.clone();
                        only(isa, || gemm(Precision::F32, a, b, start, &mut c, n));
                        c
                    };
                    assert_eq!(product(Start::Zero), meaning(a, b, |_, _| 0.0), "{m} {n} {k} {isa:?}");
                    assert_eq!(product(Start::Row(&row)), meaning(a, b, |_, j| row[j]), "{m} {n} {k} {isa:?}");
                    assert_eq!(product(Start::Existing), meaning(a, b, |i, j| old[i * n + j]), "{m} {n} {k} {isa:?}");
                }
            }
        }
    }

    #[test]
    fn pairs_of_sixteen_bits_give_the_bits_of_their_meaning_on_every_isa() {
        use crate::kernel::bf16::{dot_pair, rounded};
        for (m, n, k) in
            [(1, 1, 1), (3, 5, 7), (13, 33, 65), (29, 47, 100), (6, 16, 0), (2, 40, 4101), (60, 70, 64), (700, 17, 501)]
        {
            for (a_turned, b_turned) in [(false, false), (true, false), (false, true), (true, true)] {
                let (a_data, b_data, row) = (numbers(m * k + 64, 1), numbers(k * n + 64, 2), numbers(n, 3));
                let at = |data: &[f32], turned: bool, i: usize, j: usize, [rows, columns]: [usize; 2]| match j < columns && i < rows
                {
                    true => rounded(if turned { data[j * rows + i] } else { data[i * columns + j] }),
                    false => 0,
                };
                let element = |i: usize, j: usize| {
                    (0..k.div_ceil(2)).fold(row[j], |sum, p| {
                        let a = [0, 1].map(|odd| at(&a_data, a_turned, i, 2 * p + odd, [m, k]));
                        let b = [0, 1].map(|odd| at(&b_data, b_turned, 2 * p + odd, j, [k, n]));
                        let pair = |[even, odd]: [u32; 2]| f32::from_bits(even | odd << 16);
                        dot_pair(pair(a), pair(b), sum)
                    })
                };
                let a = if a_turned { Matrix::new(&a_data, k, m, m).transposed() } else { Matrix::new(&a_data, m, k, k) };
                let b = if b_turned { Matrix::new(&b_data, n, k, k).transposed() } else { Matrix::new(&b_data, k, n, n) };
                let meaning: Vec<f32> = (0..m * n).map(|at| element(at / n, at % n)).collect();
                for isa in Isa::available() {
                    let mut c = vec![7.0; m * n];
                    only(isa, || gemm(Precision::Bf16, a, b, Start::Row(&row), &mut c, n));
                    assert_eq!(c, meaning, "{m} {n} {k} {a_turned} {b_turned} {isa:?}");
                }
            }
        }
    }

    #[test]
    fn floats_between_rows_are_left_alone() {
        let (a, b) = (numbers(6, 1), numbers(6, 2));
        let mut c = vec![9.0; 3 * 5];
        gemm(Precision::F32, Matrix::new(&a, 3, 2, 2), Matrix::new(&b, 2, 3, 3), Start::Zero, &mut c, 5);
        assert!(c.chunks(5).all(|row| row[3..] == [9.0, 9.0] && row[0] != 9.0));
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let (a, b) = (numbers(70 * 90, 1), numbers(90 * 130, 2));
        let product = |threads: usize| {
            let mut c = vec![0.0; 70 * 130];
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                gemm(Precision::F32, Matrix::new(&a, 70, 90, 90), Matrix::new(&b, 90, 130, 130), Start::Zero, &mut c, 130)
            });
            c
        };
        assert!([2, 3, 8].iter().all(|&threads| product(threads) == product(1)));
    }
}
