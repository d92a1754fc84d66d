//! Products whose left factor is mostly zeros, as dropout and ReLU leave it: terms of exactly zero are left out. Knows panels and
//! pointers only.
//!
//! Adding zero changes no sum, so a product without these terms has the bits of the one with them (but for the sign of a zero, and
//! where a factor on the right is not finite). With three quarters of the terms gone, it takes about a third of the time.

use super::lanes::Lanes;
use super::per_isa::per_isa;
use crate::isa::Isa;
use std::ops::Range;

/// The widest panel of columns.
pub(super) const WIDEST: usize = 128;
/// The narrowest; columns of panels are multiples of it.
pub(super) const NARROWEST: usize = 16;
/// Floats of the right factor that a stretch works on: they stay in the first cache, with room for what passes by.
const NEAR: usize = 6 << 10;
/// The largest share of factors that are not zero, in eighths, of which leaving out the others pays.
const EIGHTHS: usize = 5;

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
}

impl Stretches {
    pub(super) fn new(depth: usize, width: usize) -> Self {
        Self { depth, len: (NEAR / width).min(depth.max(1)) }
    }

    fn count(self) -> usize {
        self.depth.div_ceil(self.len)
    }

    fn range(self, stretch: usize) -> Range<usize> {
        stretch * self.len..self.depth.min((stretch + 1) * self.len)
    }

    /// Floats that the terms of a row take.
    pub(super) fn floats_a_row(self) -> usize {
        // A place and a value for every term, and the number of terms of every stretch.
        2 * self.depth + self.count()
    }

    /// Writes what is not zero in `row` to `to`: for every stretch its number of terms, then all terms, each the place in its
    /// stretch (an integer's bits) and the value. The terms of a stretch begin where they would without any zeros.
    pub(super) fn list(self, row: &[f32], to: &mut [f32]) {
        let (counts, terms) = to.split_at_mut(self.count());
        for (stretch, count) in counts.iter_mut().enumerate() {
            let range = self.range(stretch);
            let listed = list(&row[range.clone()], &mut terms[2 * range.start..2 * range.end]);
            *count = f32::from_bits(listed as u32);
        }
    }
}

/// Lists the terms of a stretch; gives their number.
fn list(row: &[f32], to: &mut [f32]) -> usize {
    let mut count = 0;
    for (place, &value) in row.iter().enumerate() {
        // Always written, kept where it counts: no branch to be guessed wrongly.
        to[2 * count] = f32::from_bits(place as u32);
        to[2 * count + 1] = value;
        count += usize::from(value != 0.0);
    }
    count
}

/// A panel of the product, every row of it. Strides count floats.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    /// What [`Stretches::list`] wrote, row by row.
    pub terms: &'a [f32],
    pub stretches: Stretches,
    pub rows: usize,
    /// The right factor: `depth` rows of `width` floats.
    pub b: &'a [f32],
    pub width: usize,
    pub start: *const f32,
    pub start_stride: usize,
    pub c: *mut f32,
    pub c_stride: usize,
}

impl Panel<'_> {
    /// Computes it: every element one chain of fused multiply-adds in order of the terms.
    ///
    /// # Safety
    /// `start` can be read and `c` written at `width` floats of every row; nobody else touches these of `c`. The processor has `isa`.
    pub(super) unsafe fn run(&self, isa: Isa) {
        for stretch in 0..self.stretches.count() {
            let start = if stretch == 0 { (self.start, self.start_stride) } else { (self.c.cast_const(), self.c_stride) };
            // SAFETY: the caller's promise.
            unsafe {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 => avx512(self, stretch, start),
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => avx2(self, stretch, start),
                    _ => plain(self, stretch, start),
                }
            }
        }
    }
}

type From = (*const f32, usize);

unsafe fn plain(panel: &Panel<'_>, stretch: usize, start: From) {
    // SAFETY: the caller's promise; plain lanes need no instructions.
    unsafe { columns::<super::lanes::Plain>(panel, stretch, start) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(panel: &Panel<'_>, stretch: usize, start: From) {
    // SAFETY: the caller's promise.
    unsafe { columns::<super::lanes::Avx2>(panel, stretch, start) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
unsafe fn avx512(panel: &Panel<'_>, stretch: usize, start: From) {
    // SAFETY: the caller's promise.
    unsafe { columns::<super::lanes::Avx512>(panel, stretch, start) }
}

/// Eight vectors of columns at a time, the last ones by as many as there are.
#[inline(always)]
unsafe fn columns<V: Lanes>(panel: &Panel<'_>, stretch: usize, start: From) {
    for column in (0..panel.width).step_by(8 * V::COUNT) {
        let vectors = ((panel.width - column) / V::COUNT).min(8);
        // SAFETY: the caller's promise; columns stay below `width`, of which every vector's length is a divisor.
        unsafe {
            match vectors {
                1 => rows::<V, 1>(panel, stretch, start, column),
                2 => rows::<V, 2>(panel, stretch, start, column),
                3 => rows::<V, 3>(panel, stretch, start, column),
                4 => rows::<V, 4>(panel, stretch, start, column),
                5 => rows::<V, 5>(panel, stretch, start, column),
                6 => rows::<V, 6>(panel, stretch, start, column),
                7 => rows::<V, 7>(panel, stretch, start, column),
                _ => rows::<V, 8>(panel, stretch, start, column),
            }
        }
    }
}

#[inline(always)]
unsafe fn rows<V: Lanes, const N: usize>(panel: &Panel<'_>, stretch: usize, (start, start_stride): From, column: usize) {
    let range = panel.stretches.range(stretch);
    let b = panel.b[range.start * panel.width..range.end * panel.width].as_ptr();
    for (row, terms) in panel.terms.chunks_exact(panel.stretches.floats_a_row()).enumerate().take(panel.rows) {
        let (counts, terms) = terms.split_at(panel.stretches.count());
        let terms = &terms[2 * range.start..][..2 * counts[stretch].to_bits() as usize];
        // SAFETY: the caller's promise; places of terms are below the stretch's length, as `list` wrote them.
        unsafe {
            let (start, c) = (start.add(row * start_stride + column), panel.c.add(row * panel.c_stride + column));
            let mut sums: [V; N] = std::array::from_fn(|j| V::load(start.add(j * V::COUNT)));
            for term in terms.as_chunks::<2>().0 {
                let (b, left) = (b.add(term[0].to_bits() as usize * panel.width + column), V::splat(term[1]));
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
