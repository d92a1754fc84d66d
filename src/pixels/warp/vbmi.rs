//! Four pixels by distance, sixteen times at once, with the byte permutations of AVX-512 VBMI. Knows no map.

use super::Source;
use super::row::Row;
use std::arch::x86_64::*;
use std::ops::Range;

/// Pixels made together.
pub(super) const LANES: usize = 16;

/// For each lane, the places of the bytes of its word from `first` on, of sixteen words of eight bytes in two registers.
const fn parts(first: usize) -> [u8; 64] {
    let (mut places, mut byte) = ([0; 64], 0);
    while byte < 64 {
        places[byte] = (8 * (byte / 4) + first + byte % 4) as u8;
        byte += 1;
    }
    places
}

/// The four bytes of words that begin with the left pixel, and with the right one, of one or of three bytes.
const LEFT: [u8; 64] = parts(0);
const RIGHT: [[u8; 64]; 2] = [parts(1), parts(3)];

/// For sixteen pixels of three bytes, from the lowest bytes of lanes: places in red and green, then in the result and blue.
const TOGETHER: [[u8; 64]; 2] = {
    let (mut places, mut lane) = ([[0; 64]; 2], 0);
    while lane < LANES {
        let (from, to) = (4 * lane as u8, 3 * lane);
        (places[0][to], places[0][to + 1]) = (from, 64 + from);
        (places[1][to], places[1][to + 1], places[1][to + 2]) = (to as u8, to as u8 + 1, 64 + from);
        lane += 1;
    }
    places
};

/// What [`super::bilinear`] makes of the bytes at the offsets of `run`, at least [`LANES`] columns; `T` as there.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn blend<const C: usize, const T: usize>(
    source: &Source,
    row: &Row,
    run: Range<usize>,
    colour: [u8; 3],
    out: &mut [[u8; C]],
) {
    let out = &mut out[run.clone()];
    let last = run.len() - LANES;
    for step in 0..run.len().div_ceil(LANES) {
        // The last ones may be made twice.
        let first = (step * LANES).min(last);
        let at = run.start + first;
        let lanes = |numbers: &[f32]| -> __m512 {
            let numbers = &numbers[at..][..LANES];
            // SAFETY: sixteen numbers are read, as many as there are.
            unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
        };
        let offsets = row.offsets[at..].first_chunk().expect("a run has offsets");
        let sums = mixed::<C, T>(source, offsets, lanes(&row.rights), lanes(&row.bottoms), colour);
        store(sums, out[first..].first_chunk_mut().expect("a run has pixels"));
    }
}

/// Sums of the channels, in the lowest byte of each lane.
///
/// Channel c is left where it is in its word, 2⁸ᶜ times too large, which changes no digit of any sum or product.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
fn mixed<const C: usize, const T: usize>(
    source: &Source,
    offsets: &[i32; LANES],
    right: __m512,
    bottom: __m512,
    colour: [u8; 3],
) -> [__m512i; C] {
    let [above_left, above_right] = sides::<C>(words(source.pixels, offsets, 0));
    let [below_left, below_right] = sides::<C>(words(source.pixels, offsets, source.width * C));
    let one = _mm512_set1_ps(1.0);
    let (left, top) = (_mm512_sub_ps(one, right), _mm512_sub_ps(one, bottom));
    let (nw, ne) = (_mm512_mul_ps(left, top), _mm512_mul_ps(right, top));
    let (sw, se) = (_mm512_mul_ps(left, bottom), _mm512_mul_ps(right, bottom));
    let coverage = _mm512_add_ps(_mm512_add_ps(_mm512_add_ps(nw, ne), sw), se);
    std::array::from_fn(|c| {
        let value = |words| _mm512_cvtepi32_ps(_mm512_and_si512(words, _mm512_set1_epi32(255 << (8 * c))));
        let sum = _mm512_mul_ps(value(above_left), nw);
        let sum = _mm512_fmadd_ps(value(above_right), ne, sum);
        let sum = _mm512_fmadd_ps(value(below_left), sw, sum);
        let sum = _mm512_fmadd_ps(value(below_right), se, sum);
        let unit = (1 << (8 * c)) as f32;
        let fill = _mm512_set1_ps(f32::from(colour[c]) * unit);
        let sum = match T {
            0 => sum,
            1 => _mm512_add_ps(_mm512_mul_ps(_mm512_sub_ps(sum, fill), coverage), fill),
            _ => _mm512_mul_ps(sum, coverage),
        };
        _mm512_castps_si512(_mm512_add_ps(sum, _mm512_set1_ps(12_582_912.0 * unit)))
    })
}

/// Of words that begin with two pixels, each as the lowest bytes of lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn sides<const C: usize>(words: [__m512i; 2]) -> [__m512i; 2] {
    // SAFETY: 64 bytes are read, as many as there are places.
    let side =
        |places: &[u8; 64]| unsafe { _mm512_permutex2var_epi8(words[0], _mm512_loadu_si512(places.as_ptr().cast()), words[1]) };
    [side(&LEFT), side(&RIGHT[C / 2])]
}

/// Eight bytes from each offset on, and `by` further.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn words(pixels: &[u8], offsets: &[i32; LANES], by: usize) -> [__m512i; 2] {
    let start = pixels.as_ptr();
    // SAFETY: in a run offsets are not negative and at most `limit`, from where eight bytes can be read there and a row later.
    let word = |lane: usize| unsafe { start.add(offsets[lane] as u32 as usize + by) };
    let pair = |lane: usize| {
        // SAFETY: as above.
        unsafe { _mm_castpd_si128(_mm_loadh_pd(_mm_castsi128_pd(_mm_loadl_epi64(word(lane).cast())), word(lane + 1).cast())) }
    };
    let four = |lane: usize| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(pair(lane)), pair(lane + 2));
    let eight = |lane: usize| _mm512_inserti64x4::<1>(_mm512_castsi256_si512(four(lane)), four(lane + 4));
    [eight(0), eight(8)]
}

/// Writes the lowest bytes of lanes as pixels.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn store<const C: usize>(sums: [__m512i; C], out: &mut [[u8; C]; LANES]) {
    let to = out.as_mut_ptr().cast::<u8>();
    if C == 1 {
        // SAFETY: sixteen pixels of one byte are written.
        return unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(sums[0])) };
    }
    // SAFETY: 64 bytes are read, as many as there are places.
    let places = TOGETHER.map(|places| unsafe { _mm512_loadu_si512(places.as_ptr().cast()) });
    let two = _mm512_permutex2var_epi8(sums[0], places[0], sums[1]);
    let three = _mm512_permutex2var_epi8(two, places[1], sums[C - 1]);
    // SAFETY: 32 and 16 bytes are written, as many as sixteen pixels of three have.
    unsafe {
        _mm256_storeu_si256(to.cast(), _mm512_castsi512_si256(three));
        _mm_storeu_si128(to.add(32).cast(), _mm512_extracti32x4_epi32::<2>(three));
    }
}
