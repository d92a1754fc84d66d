//! Weighted sums of neighbouring pixels and of rows, with AVX-512 VBMI: the two passes of a resize. Knows no filter.
//!
//! Sixteen sums are made at a time, whatever pixels and channels they belong to. For two taps of each, their bytes are gathered
//! from one window of the row and multiplied and added in pairs of 16 bits. The sums are whole numbers, so they are those of any
//! other order.

use super::bytes::has_vbmi;
use super::taps::Axis;
use std::arch::x86_64::*;

/// Sums made at a time.
const SUMS: usize = 16;

/// Rows that are summed together.
const ROWS: usize = 4;

/// Bytes of a register.
const WINDOW: usize = 64;

/// Which bytes of a row make which sums, and with what weights.
pub(super) struct Plan {
    pairs: Vec<Pair>,
    /// For every sixteen sums the end of their pairs.
    ends: Vec<usize>,
    precision: u32,
    /// Whether windows are two registers long.
    far: bool,
}

/// Two taps of sixteen sums.
#[repr(align(64))]
struct Pair {
    /// Where in the window the bytes of both taps are, in the lower and in the upper half.
    places: [u32; SUMS],
    /// The weights of both taps.
    weights: [u32; SUMS],
    /// First byte of the window.
    start: usize,
}

impl Plan {
    /// For rows of `length` bytes with `channels` values a pixel. None where the processor cannot do it, rows are shorter than a
    /// window, or sixteen sums need bytes from further away.
    pub fn new(axis: &Axis, channels: usize, length: usize) -> Option<Self> {
        if !has_vbmi() {
            return None;
        }
        let taps: Vec<(usize, &[i32])> = axis.taps().collect();
        let reach = |lane: usize| (lane / channels).min(taps.len() - 1);
        let spread = |block: usize| taps[reach(block * SUMS + SUMS - 1)].0 - taps[reach(block * SUMS)].0;
        let blocks = (taps.len() * channels).div_ceil(SUMS);
        let bytes = ((0..blocks).map(spread).max()? + 3) * channels;
        let (far, window) = (bytes > WINDOW, if bytes > WINDOW { 2 * WINDOW } else { WINDOW });
        if bytes > window || length < window {
            return None;
        }
        let mut plan =
            Self { pairs: Vec::with_capacity(blocks * 3), ends: Vec::with_capacity(blocks), precision: axis.precision, far };
        for block in 0..blocks {
            let lanes = block * SUMS..((block + 1) * SUMS).min(taps.len() * channels);
            let most = taps[reach(lanes.start)..=reach(lanes.end - 1)].iter().map(|(_, weights)| weights.len()).max()?;
            for tap in (0..most).step_by(2) {
                plan.pairs.push(Pair::new(&taps, channels, lanes.clone(), tap, length - window));
            }
            plan.ends.push(plan.pairs.len());
        }
        Some(plan)
    }

    /// The sums of rows that begin `stride` apart in `pixels`, rounded to bytes; `out` has so many rows of `width` bytes.
    pub fn sum_along(&self, pixels: &[u8], stride: usize, width: usize, out: &mut [u8]) {
        let mut from = pixels;
        for out in out.chunks_mut(ROWS * width) {
            // SAFETY: there is a plan only where the processor has been asked.
            unsafe {
                match (out.len() == ROWS * width, self.far) {
                    (true, true) => along::<true, ROWS>(self, from, stride, out),
                    (true, false) => along::<false, ROWS>(self, from, stride, out),
                    (false, true) => out
                        .chunks_mut(width)
                        .enumerate()
                        .for_each(|(y, out)| along::<true, 1>(self, &from[y * stride..], stride, out)),
                    (false, false) => out
                        .chunks_mut(width)
                        .enumerate()
                        .for_each(|(y, out)| along::<false, 1>(self, &from[y * stride..], stride, out)),
                }
            }
            from = from.get(ROWS * stride..).unwrap_or_default();
        }
    }

    /// One row from as many `rows`, `out.len()` bytes apart, as there are weights.
    pub fn sum_across(rows: &[u8], weights: &[i32], precision: u32, out: &mut [u8]) {
        // SAFETY: there is a plan only where the processor has been asked.
        unsafe { across(rows, weights, precision, out) }
    }
}

impl Pair {
    /// The taps `tap` and `tap` + 1 of some sums; no window starts behind `last`.
    fn new(taps: &[(usize, &[i32])], channels: usize, lanes: std::ops::Range<usize>, tap: usize, last: usize) -> Self {
        let start = ((taps[lanes.start / channels].0 + tap) * channels).min(last);
        let mut pair = Self { start, places: [0; SUMS], weights: [0; SUMS] };
        for (index, lane) in lanes.enumerate() {
            let (first, weights) = taps[lane / channels];
            for (half, &weight) in weights.iter().skip(tap).take(2).enumerate() {
                let place = (first + tap + half) * channels + lane % channels - start;
                pair.places[index] |= (place as u32) << (16 * half);
                pair.weights[index] |= u32::from(weight as u16) << (16 * half);
            }
        }
        pair
    }
}

/// `R` rows together, so that places and weights are read once for all of them.
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512vbmi")]
fn along<const FAR: bool, const R: usize>(plan: &Plan, pixels: &[u8], stride: usize, out: &mut [u8]) {
    /// Bytes that become numbers of 16 bits, with a 0 above each.
    const LOWER: u64 = 0x5555_5555_5555_5555;
    let half = _mm512_set1_epi32(1 << plan.precision >> 1);
    let shift = _mm_cvtsi32_si128(plan.precision as i32);
    let width = out.len() / R;
    let mut begin = 0;
    for (block, &end) in plan.ends.iter().enumerate() {
        let mut sums = [half; R];
        for pair in &plan.pairs[begin..end] {
            // SAFETY: each load takes sixteen numbers of four bytes.
            let (places, weights) =
                unsafe { (_mm512_loadu_si512(pair.places.as_ptr().cast()), _mm512_loadu_si512(pair.weights.as_ptr().cast())) };
            for (row, sum) in sums.iter_mut().enumerate() {
                let window = &pixels[row * stride + pair.start..][..if FAR { 2 * WINDOW } else { WINDOW }];
                // SAFETY: the window has so many bytes.
                let near = unsafe { _mm512_loadu_si512(window.as_ptr().cast()) };
                let taken = if FAR {
                    // SAFETY: as above.
                    let rest = unsafe { _mm512_loadu_si512(window[WINDOW..].as_ptr().cast()) };
                    _mm512_maskz_permutex2var_epi8(LOWER, near, places, rest)
                } else {
                    _mm512_maskz_permutexvar_epi8(LOWER, places, near)
                };
                *sum = _mm512_add_epi32(*sum, _mm512_madd_epi16(taken, weights));
            }
        }
        begin = end;
        for (row, &sum) in sums.iter().enumerate() {
            let bytes = _mm512_cvtusepi32_epi8(_mm512_max_epi32(_mm512_sra_epi32(sum, shift), _mm512_setzero_si512()));
            let out = &mut out[row * width + block * SUMS..(row + 1) * width];
            let mask = u16::MAX >> (SUMS - out.len().min(SUMS));
            // SAFETY: as many bytes are stored as there are, at most sixteen.
            unsafe {
                match mask {
                    u16::MAX => _mm_storeu_si128(out.as_mut_ptr().cast(), bytes),
                    _ => _mm_mask_storeu_epi8(out.as_mut_ptr().cast(), mask, bytes),
                }
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn across(rows: &[u8], weights: &[i32], precision: u32, out: &mut [u8]) {
    let stride = out.len();
    let half = _mm512_set1_epi32(1 << precision >> 1);
    let shift = _mm_cvtsi32_si128(precision as i32);
    let none = _mm512_setzero_si512();
    for block in 0..stride.div_ceil(WINDOW) {
        // The last block starts earlier, so that it is a whole one, or is masked where a row is shorter than that.
        let start = (block * WINDOW).min(stride.saturating_sub(WINDOW));
        let mask = u64::MAX >> (WINDOW - (stride - start).min(WINDOW));
        let mut sums = [half; 4];
        for (index, pair) in weights.chunks(2).enumerate() {
            let upper = &rows[2 * index * stride..][..stride];
            let lower = if pair.len() == 2 { &rows[(2 * index + 1) * stride..][..stride] } else { upper };
            let both = u32::from(pair[0] as u16) | u32::from(pair.get(1).map_or(0, |&weight| weight as u16)) << 16;
            let both = _mm512_set1_epi32(both as i32);
            // SAFETY: the mask ends where the rows do.
            let (upper, lower) = unsafe {
                let load = |row: &[u8]| _mm512_maskz_loadu_epi8(mask, row[start..].as_ptr().cast());
                (load(upper), load(lower))
            };
            let (left, right) = (_mm512_unpacklo_epi8(upper, lower), _mm512_unpackhi_epi8(upper, lower));
            let parts = [
                _mm512_unpacklo_epi8(left, none),
                _mm512_unpackhi_epi8(left, none),
                _mm512_unpacklo_epi8(right, none),
                _mm512_unpackhi_epi8(right, none),
            ];
            for (sum, part) in sums.iter_mut().zip(parts) {
                *sum = _mm512_add_epi32(*sum, _mm512_madd_epi16(part, both));
            }
        }
        let [a, b, c, d] = sums.map(|sum| _mm512_sra_epi32(sum, shift));
        let bytes = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
        // SAFETY: the mask ends where the row does.
        unsafe { _mm512_mask_storeu_epi8(out[start..].as_mut_ptr().cast(), mask, bytes) };
    }
}
