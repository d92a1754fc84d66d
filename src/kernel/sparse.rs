//! Products whose left factor is mostly zeros, as dropout and ReLU leave it: terms of exactly zero are left out. Knows panels and
//! pointers only.
//!
//! Adding zero changes no sum, so a product without these terms has the bits of the one with them (but for the sign of a zero, and
//! where a factor on the right is not finite). With three quarters of the terms gone, it takes about a third of the time.

use super::ahead::{Ahead, to_be_written};
use super::gemm::COUNT_UP;
use super::lanes::Lanes;
use super::per_isa::per_isa;
use crate::isa::Isa;
use std::ops::Range;

/// The widest panel of columns: wider ones make shorter stretches, whose sums are loaded and stored more often.
pub(super) const WIDEST: usize = 64;
/// The narrowest; columns of panels are multiples of it.
pub(super) const NARROWEST: usize = 16;
/// Floats of the right factor that a stretch works on: as many as a first cache of 32 KiB holds.
const NEAR: usize = 8 << 10;
/// Floats behind a list that writing it may overwrite.
pub(super) const SLACK: usize = 16;
/// The largest share of factors that are not zero, in eighths, of which leaving out the others pays.
const EIGHTHS: usize = 5;

/// Rows by which the product's floats are asked for before they are written.
const SOON: usize = 4;

/// Whether a left factor of `all` numbers should be taken without its zeros.
pub(super) fn pays(not_zero: usize, all: usize) -> bool {
    8 * not_zero <= EIGHTHS * all
}

per_isa! {
    /// How many are not zero.
    pub(super) fn not_zero(values: &[f32]) -> usize {
        values.iter().map(|&value| u32::from(value != 0.0)).sum::<u32>() as usize
    }
}

/// The width of panels for so many columns, a multiple of [`NARROWEST`]: few and wide, but at least two a thread.
pub(super) fn width(columns: usize) -> usize {
    let panels = columns.div_ceil(WIDEST).max(2 * rayon::current_num_threads());
    columns.div_ceil(panels).next_multiple_of(NARROWEST).min(WIDEST)
}

/// How the inner dimension is cut for panels of `width` columns.
#[derive(Clone, Copy)]
pub(super) struct Stretches {
    depth: usize,
    /// Terms of a stretch.
    len: usize,
    /// Floats from row to row of a panel's right factor.
    pub stride: usize,
}

impl Stretches {
    pub(super) fn new(depth: usize, width: usize) -> Self {
        Self { depth, len: (NEAR / width).min(depth.max(1)), stride: width }
    }

    pub(super) fn count(self) -> usize {
        self.depth.div_ceil(self.len)
    }

    /// The terms of a stretch; none behind the last.
    pub(super) fn range(self, stretch: usize) -> Range<usize> {
        (stretch * self.len).min(self.depth)..self.depth.min((stretch + 1) * self.len)
    }

    /// Floats of the right factor in a stretch.
    pub(super) fn floats(self) -> usize {
        self.len * self.stride
    }

    /// Floats that the terms of a row take.
    pub(super) fn floats_a_row(self) -> usize {
        // The number of terms of every stretch, a place of every term, a value of every term.
        self.count() + 2 * (self.depth + SLACK)
    }

    /// Writes what is not zero in `row` to `to`: for every stretch its number of terms, then for all terms where in its stretch the
    /// row of the right factor begins (an integer's bits), then all values. The terms of a stretch begin where they would without
    /// any zeros.
    pub(super) fn list(self, isa: Isa, row: &[f32], to: &mut [f32]) {
        let (counts, terms) = to.split_at_mut(self.count());
        let (places, values) = terms.split_at_mut(self.depth + SLACK);
        for (stretch, count) in counts.iter_mut().enumerate() {
            let range = self.range(stretch);
            let (places, values) = (&mut places[range.start..range.end + SLACK], &mut values[range.start..range.end + SLACK]);
            let listed = list(isa, &row[range], (&COUNT_UP, self.stride as u32), places, values);
            *count = f32::from_bits(listed as u32);
        }
    }

    /// Places and values of a stretch's terms in what [`Stretches::list`] wrote.
    fn terms(self, stretch: usize, listed: &[f32]) -> (&[f32], &[f32]) {
        let (counts, terms) = listed.split_at(self.count());
        let (places, values) = terms.split_at(self.depth + SLACK);
        let (from, count) = (self.range(stretch).start, counts[stretch].to_bits() as usize);
        (&places[from..][..count], &values[from..][..count])
    }
}

/// Writes what is not zero in `row`: where it belongs, which is what `table` says there times a factor (an integer's bits), and what
/// it is. Gives their number.
///
/// # Panics
/// Where the table is shorter than the row, or `places` or `values` are not longer by [`SLACK`].
pub(super) fn list(isa: Isa, row: &[f32], table: (&[u32], u32), places: &mut [f32], values: &mut [f32]) -> usize {
    assert!(table.0.len() >= row.len() && places.len().min(values.len()) >= row.len() + SLACK);
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has the instructions; the table has an entry for every number, and there is room for the slack.
        Isa::Avx512 => unsafe { list_avx512(row, table, places, values) },
        _ => list_plain(row, table, places, values),
    }
}

fn list_plain(row: &[f32], (table, factor): (&[u32], u32), places: &mut [f32], values: &mut [f32]) -> usize {
    let mut count = 0;
    for (&value, place) in row.iter().zip(table) {
        // Always written, kept where it counts: no branch to be guessed wrongly.
        places[count] = f32::from_bits(place * factor);
        values[count] = value;
        count += usize::from(value != 0.0);
    }
    count
}

/// As [`list_plain`], sixteen numbers at a time.
///
/// # Safety
/// The processor has AVX-512; `table` is at least as long as `row`, `places` and `values` are longer by [`SLACK`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn list_avx512(row: &[f32], (table, factor): (&[u32], u32), places: &mut [f32], values: &mut [f32]) -> usize {
    use std::arch::x86_64::*;
    let (mut count, factor) = (0, _mm512_set1_epi32(factor as i32));
    for (sixteen, table) in row.chunks(SLACK).zip(table.chunks(SLACK)) {
        let there = u16::MAX >> (SLACK - sixteen.len());
        // SAFETY: lanes beyond the row, which the table reaches, are not read; `count` is at most the place reached in the row, so that sixteen more floats
        // fit.
        unsafe {
            let value = _mm512_maskz_loadu_ps(there, sixteen.as_ptr());
            let place = _mm512_mullo_epi32(_mm512_maskz_loadu_epi32(there, table.as_ptr().cast()), factor);
            let kept = _mm512_mask_cmp_ps_mask::<_CMP_NEQ_UQ>(there, value, _mm512_setzero_ps());
            _mm512_storeu_ps(values.as_mut_ptr().add(count), _mm512_maskz_compress_ps(kept, value));
            _mm512_storeu_si512(places.as_mut_ptr().add(count).cast(), _mm512_maskz_compress_epi32(kept, place));
            count += kept.count_ones() as usize;
        }
    }
    count
}

/// A stretch of a panel of the product, every row of it. Strides count floats.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    /// What [`Stretches::list`] wrote, row by row.
    pub terms: &'a [f32],
    pub stretches: Stretches,
    pub stretch: usize,
    pub rows: usize,
    /// The right factor's rows in this stretch.
    pub b: &'a [f32],
    pub width: usize,
    /// What the next stretch's rows will be copied from.
    pub ahead: Ahead<'a>,
    pub start: *const f32,
    pub start_stride: usize,
    pub c: *mut f32,
    pub c_stride: usize,
}

impl Panel<'_> {
    /// Computes it: every element one chain of fused multiply-adds in order of the terms, from `start` in the first stretch and
    /// from what the one before left in the others. Meanwhile asks for what lies ahead.
    ///
    /// # Safety
    /// `start` can be read and `c` written at `width` floats of every row; nobody else touches these of `c`. The processor has `isa`.
    pub(super) unsafe fn run(&self, isa: Isa) {
        let start = if self.stretch == 0 { (self.start, self.start_stride) } else { (self.c.cast_const(), self.c_stride) };
        // SAFETY: the caller's promise.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512(self, start),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2(self, start),
                _ => plain(self, start),
            }
        }
    }
}

type From = (*const f32, usize);

unsafe fn plain(panel: &Panel<'_>, start: From) {
    // SAFETY: the caller's promise; plain lanes need no instructions.
    unsafe { columns::<super::lanes::Plain>(panel, start) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(panel: &Panel<'_>, start: From) {
    // SAFETY: the caller's promise.
    unsafe { columns::<super::lanes::Avx2>(panel, start) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
unsafe fn avx512(panel: &Panel<'_>, start: From) {
    // SAFETY: the caller's promise.
    unsafe { columns::<super::lanes::Avx512>(panel, start) }
}

/// Eight vectors of columns at a time, the last ones by as many as there are.
#[inline(always)]
unsafe fn columns<V: Lanes>(panel: &Panel<'_>, start: From) {
    for column in (0..panel.width).step_by(8 * V::COUNT) {
        let vectors = ((panel.width - column) / V::COUNT).min(8);
        // SAFETY: the caller's promise; columns stay below `width`, of which every vector's length is a divisor.
        unsafe {
            match vectors {
                1 => rows::<V, 1>(panel, start, column),
                2 => rows::<V, 2>(panel, start, column),
                3 => rows::<V, 3>(panel, start, column),
                4 => rows::<V, 4>(panel, start, column),
                5 => rows::<V, 5>(panel, start, column),
                6 => rows::<V, 6>(panel, start, column),
                7 => rows::<V, 7>(panel, start, column),
                _ => rows::<V, 8>(panel, start, column),
            }
        }
    }
}

#[inline(always)]
unsafe fn rows<V: Lanes, const N: usize>(panel: &Panel<'_>, (start, start_stride): From, column: usize) {
    let Panel { stretches, stretch, .. } = *panel;
    assert!(panel.b.len() >= stretches.range(stretch).len() * stretches.stride && panel.width <= stretches.stride);
    let b = panel.b.as_ptr();
    for (row, listed) in panel.terms.chunks_exact(stretches.floats_a_row()).enumerate().take(panel.rows) {
        let (places, values) = stretches.terms(stretch, listed);
        // SAFETY: the caller's promise; places are those of rows in the stretch, as `list` wrote them.
        unsafe {
            let (start, c) = (start.add(row * start_stride + column), panel.c.add(row * panel.c_stride + column));
            to_be_written(c.wrapping_add(SOON * panel.c_stride), N * V::COUNT);
            if column == 0 {
                panel.ahead.fetch(row, panel.rows);
            }
            let mut sums: [V; N] = std::array::from_fn(|j| V::load(start.add(j * V::COUNT)));
            for (place, &value) in places.iter().zip(values) {
                let (b, left) = (b.add(place.to_bits() as usize + column), V::splat(value));
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = left.mul_add(V::load(b.add(j * V::COUNT)), *sum);
                }
            }
            for (j, sum) in sums.iter().enumerate() {
                sum.store(c.add(j * V::COUNT));
            }
        }
    }
}
