//! Moves of bytes for which plain loops find no fast instructions: table look-ups, and RGB pixels apart and together.
//!
//! Each is a plain loop, and the same with the byte permutations of AVX-512 VBMI where the processor has them; look-ups with AVX2
//! as well.

#[cfg(target_arch = "x86_64")]
use crate::isa::Isa;

/// Replaces every value by its place in `table`.
pub(super) fn look_up(values: &mut [u8], table: &[u8; 256]) {
    #[cfg(target_arch = "x86_64")]
    if has_vbmi() {
        // SAFETY: the processor has the instructions, as the line above says.
        return unsafe { vbmi::look_up(values, table) };
    }
    #[cfg(target_arch = "x86_64")]
    if Isa::current() >= Isa::Avx2 {
        // SAFETY: a current Isa is one that the processor was found to have, and all from this one on include AVX2.
        return unsafe { look_up_by_rows(values, table) };
    }
    look_up_plain(values, table);
}

fn look_up_plain(values: &mut [u8], table: &[u8; 256]) {
    for value in values {
        *value = table[usize::from(*value)];
    }
}

/// Asks sixteen rows of 16 entries, of which one answers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn look_up_by_rows(values: &mut [u8], table: &[u8; 256]) {
    use std::arch::x86_64::*;
    let rows = table.as_chunks::<16>().0;
    // SAFETY: 16 bytes are read, as many as a row has.
    let load = |row: usize| _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(rows[row].as_ptr().cast()) });
    let rows: [__m256i; 16] = std::array::from_fn(load);
    let (blocks, rest) = values.as_chunks_mut::<32>();
    for block in blocks {
        // SAFETY: 32 bytes are read, as many as a block has.
        let index = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
        let mut found = _mm256_setzero_si256();
        for (row, &entries) in rows.iter().enumerate() {
            // Where the upper half byte is `row` it becomes 0; elsewhere the sum's top bit is set, for which a shuffle gives 0.
            let place = _mm256_xor_si256(index, _mm256_set1_epi8((row << 4) as i8));
            let place = _mm256_adds_epu8(place, _mm256_set1_epi8(0x70));
            found = _mm256_or_si256(found, _mm256_shuffle_epi8(entries, place));
        }
        // SAFETY: 32 bytes are written, as many as a block has.
        unsafe { _mm256_storeu_si256(block.as_mut_ptr().cast(), found) };
    }
    look_up_plain(rest, table);
}

/// Whether bytes can be permuted by AVX-512 VBMI, and shall be.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn has_vbmi() -> bool {
    Isa::current() == Isa::Avx512 && is_x86_feature_detected!("avx512vbmi")
}

/// The three channels of some pixels, a multiple of 64.
#[inline(always)]
pub(super) fn split<const N: usize>(pixels: &[[u8; 3]; N], planes: [&mut [u8; N]; 3]) {
    #[cfg(target_arch = "x86_64")]
    if has_vbmi() {
        // SAFETY: the processor has the instructions, as the line above says.
        return unsafe { vbmi::split(pixels, planes) };
    }
    let [reds, greens, blues] = planes;
    for (((red, green), blue), pixel) in reds.iter_mut().zip(greens).zip(blues).zip(pixels) {
        (*red, *green, *blue) = (pixel[0], pixel[1], pixel[2]);
    }
}

/// Some pixels, a multiple of 64, of three channels.
#[inline(always)]
pub(super) fn join<const N: usize>(planes: [&[u8; N]; 3], pixels: &mut [[u8; 3]; N]) {
    #[cfg(target_arch = "x86_64")]
    if has_vbmi() {
        // SAFETY: the processor has the instructions, as the line above says.
        return unsafe { vbmi::join(planes, pixels) };
    }
    let [reds, greens, blues] = planes;
    for (((pixel, &red), &green), &blue) in pixels.iter_mut().zip(reds).zip(greens).zip(blues) {
        *pixel = [red, green, blue];
    }
}

#[cfg(target_arch = "x86_64")]
mod vbmi {
    use std::arch::x86_64::*;

    /// Bytes in a register.
    const WIDE: usize = 64;

    /// For each place of a result, a place in two registers side by side.
    type Places = [u8; WIDE];

    /// For each channel of 64 pixels: places in the first two of their three registers, then in the result and the third.
    const APART: [[Places; 2]; 3] = {
        let mut places = [[[0; WIDE]; 2]; 3];
        let mut number = 0;
        while number < 3 * WIDE {
            let (channel, lane) = (number / WIDE, number % WIDE);
            let from = 3 * lane + channel;
            if from < 2 * WIDE {
                places[channel][0][lane] = from as u8;
                places[channel][1][lane] = lane as u8;
            } else {
                places[channel][1][lane] = (from - WIDE) as u8;
            }
            number += 1;
        }
        places
    };

    /// For each register of 64 pixels: places in red and green, then in the result and blue.
    const TOGETHER: [[Places; 2]; 3] = {
        let mut places = [[[0; WIDE]; 2]; 3];
        let mut number = 0;
        while number < 3 * WIDE {
            let (register, lane) = (number / WIDE, number % WIDE);
            let (pixel, channel) = (number / 3, number % 3);
            if channel < 2 {
                places[register][0][lane] = (channel * WIDE + pixel) as u8;
                places[register][1][lane] = lane as u8;
            } else {
                places[register][1][lane] = (WIDE + pixel) as u8;
            }
            number += 1;
        }
        places
    };

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(bytes: &[u8; WIDE]) -> __m512i {
        // SAFETY: 64 bytes are read, as many as there are.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn store(register: __m512i, bytes: &mut [u8; WIDE]) {
        // SAFETY: 64 bytes are written, as many as there are.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), register) }
    }

    /// Two of three registers are mixed, and the result with the third.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vbmi")]
    fn mixed([a, b, c]: [__m512i; 3], [first, second]: &[Places; 2]) -> __m512i {
        _mm512_permutex2var_epi8(_mm512_permutex2var_epi8(a, load(first), b), load(second), c)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub(super) fn look_up(values: &mut [u8], table: &[u8; 256]) {
        let quarters = table.as_chunks::<WIDE>().0;
        let (a, b, c, d) = (load(&quarters[0]), load(&quarters[1]), load(&quarters[2]), load(&quarters[3]));
        let (blocks, rest) = values.as_chunks_mut::<WIDE>();
        for block in blocks {
            let places = load(block);
            let (dark, bright) = (_mm512_permutex2var_epi8(a, places, b), _mm512_permutex2var_epi8(c, places, d));
            store(_mm512_mask_blend_epi8(_mm512_movepi8_mask(places), dark, bright), block);
        }
        super::look_up_plain(rest, table);
    }

    #[target_feature(enable = "avx512f,avx512vbmi")]
    pub(super) fn split<const N: usize>(pixels: &[[u8; 3]; N], planes: [&mut [u8; N]; 3]) {
        let registers = pixels.as_flattened().as_chunks::<WIDE>().0;
        for (plane, places) in planes.into_iter().zip(&APART) {
            for (three, out) in registers.as_chunks::<3>().0.iter().zip(plane.as_chunks_mut::<WIDE>().0) {
                store(mixed([load(&three[0]), load(&three[1]), load(&three[2])], places), out);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512vbmi")]
    pub(super) fn join<const N: usize>([reds, greens, blues]: [&[u8; N]; 3], pixels: &mut [[u8; 3]; N]) {
        let registers = pixels.as_flattened_mut().as_chunks_mut::<WIDE>().0.as_chunks_mut::<3>().0;
        let (reds, greens, blues) = (reds.as_chunks::<WIDE>().0, greens.as_chunks::<WIDE>().0, blues.as_chunks::<WIDE>().0);
        for (((three, red), green), blue) in registers.iter_mut().zip(reds).zip(greens).zip(blues) {
            let planes = [load(red), load(green), load(blue)];
            for (out, places) in three.iter_mut().zip(&TOGETHER) {
                store(mixed(planes, places), out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};

    const LANES: usize = 192;

    #[test]
    fn pixels_come_apart_and_together_in_order_on_every_instruction_set() {
        let pixels: [[u8; 3]; LANES] = std::array::from_fn(|i| [i as u8, 64 + i as u8, (3 * i) as u8]);
        for isa in Isa::available() {
            let (mut red, mut green, mut blue) = ([0; LANES], [0; LANES], [0; LANES]);
            only(isa, || split(&pixels, [&mut red, &mut green, &mut blue]));
            for (i, pixel) in pixels.iter().enumerate() {
                assert_eq!([red[i], green[i], blue[i]], *pixel, "{isa:?}");
            }
            let mut joined = [[0; 3]; LANES];
            only(isa, || join([&red, &green, &blue], &mut joined));
            assert_eq!(joined, pixels, "{isa:?}");
        }
    }

    #[test]
    fn every_value_is_looked_up_on_every_instruction_set() {
        let table: [u8; 256] = std::array::from_fn(|i| (i * 37 + 11) as u8);
        for isa in Isa::available() {
            let mut values: Vec<u8> = (0..1001u32).map(|i| (i * 7) as u8).collect();
            only(isa, || look_up(&mut values, &table));
            assert!(values.iter().zip(0u32..).all(|(&value, i)| value == table[(i * 7) as usize % 256]), "{isa:?}");
        }
        #[cfg(target_arch = "x86_64")]
        if Isa::available().contains(&Isa::Avx2) {
            let (mut values, mut plain): (Vec<u8>, Vec<u8>) = (0..=255).map(|value| (value, value)).unzip();
            // SAFETY: the processor has the instructions, as the line above says.
            unsafe { look_up_by_rows(&mut values, &table) };
            look_up_plain(&mut plain, &table);
            assert_eq!(values, plain);
        }
    }
}
