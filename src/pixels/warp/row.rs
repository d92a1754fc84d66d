//! What is known of a row while it is made. Knows no map and no rule.

use std::ops::Range;

/// Columns that are made together: few enough for all that is known of them to stay in the nearest cache.
pub(super) const SPAN: usize = 512;

/// Columns whose offsets are looked at together.
const STEP: usize = 32;

/// In place of an offset: some of the source pixels lie outside, or at the image's very end.
pub(super) const BORDER: i32 = -1;

/// In place of an offset: all source pixels lie outside.
pub(super) const OUTSIDE: i32 = -2;

/// A part of a row, at most [`SPAN`] pixels.
#[repr(C, align(64))]
pub(super) struct Row {
    /// Where each pixel comes from.
    pub xs: [f32; SPAN],
    pub ys: [f32; SPAN],
    /// What the right column and the lower row of its source pixels weigh.
    pub rights: [f32; SPAN],
    pub bottoms: [f32; SPAN],
    /// Where the first of its source pixels begins in the image, or [`BORDER`], or [`OUTSIDE`].
    pub offsets: [i32; SPAN],
    /// Bytes from there on, and a row later.
    pub above: [u64; SPAN],
    /// Pixels afterwards, the first channel in the lowest byte.
    pub mixed: [u32; SPAN],
    pub below: [u64; SPAN],
    /// A number that differs from that of the rows around.
    pub phase: usize,
}

impl Row {
    pub fn new() -> Self {
        let (numbers, bytes) = ([0.0; SPAN], [0; SPAN]);
        let (xs, ys, rights, bottoms) = (numbers, numbers, numbers, numbers);
        Self { xs, ys, rights, bottoms, offsets: [OUTSIDE; SPAN], above: bytes, below: bytes, mixed: [0; SPAN], phase: 0 }
    }

    /// The next columns within `from` … `end` that have offsets; none at `end` where there are no more.
    pub fn next_run(&self, from: usize, end: usize) -> Range<usize> {
        let start = self.next(from, end, |offset| offset >= 0).unwrap_or(end);
        start..self.next(start, end, |offset| offset < 0).unwrap_or(end)
    }

    /// The next column within `from` … `end` whose offset is `wanted`.
    #[inline(always)]
    pub fn next(&self, from: usize, end: usize, wanted: impl Fn(i32) -> bool) -> Option<usize> {
        let mut at = from;
        while at < end {
            let step = (at + STEP).min(end);
            if self.offsets[at..step].iter().fold(false, |any, &offset| any | wanted(offset)) {
                return self.offsets[at..step].iter().position(|&offset| wanted(offset)).map(|index| at + index);
            }
            at = step;
        }
        None
    }
}

/// Writes pixels that stand in words.
#[inline(never)]
pub(super) fn store<const C: usize>(words: &[u32], out: &mut [[u8; C]]) {
    let mut done = 0;
    if C == 3 {
        let pairs = words.len().min(out.len()).saturating_sub(1) / 2;
        let to = out.as_mut_ptr().cast::<u8>();
        for (index, &[first, second]) in words.as_chunks::<2>().0[..pairs].iter().enumerate() {
            let both = u64::from(first) | u64::from(second) << 24;
            // SAFETY: six bytes and two of the next pixel, which there is, and which then writes its own.
            unsafe { to.add(index * 6).cast::<u64>().write_unaligned(both.to_le()) };
        }
        done = 2 * pairs;
    }
    for (pixel, word) in out.iter_mut().zip(words).skip(done) {
        pixel.copy_from_slice(&word.to_le_bytes()[..C]);
    }
}
