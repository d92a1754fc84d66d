//! Moves of bytes for which plain loops find no fast instructions: table look-ups, and RGB pixels apart and together.
//!
//! Each is a plain loop, and the same with the byte permutations of AVX-512 VBMI where the processor has them.

/// Pixels that are taken apart or put together at a time.
pub(super) const LANES: usize = 128;

/// Replaces every value by its place in `table`.
pub(super) fn look_up(values: &mut [u8], table: &[u8; 256]) {
    #[cfg(target_arch = "x86_64")]
    if vbmi::is_there() {
        // SAFETY: the processor has the instructions, as the line above says.
        return unsafe { vbmi::look_up(values, table) };
    }
    for value in values {
        *value = table[usize::from(*value)];
    }
}

/// The three channels of [`LANES`] pixels.
#[inline(always)]
pub(super) fn split(pixels: &[[u8; 3]; LANES], planes: [&mut [u8; LANES]; 3]) {
    #[cfg(target_arch = "x86_64")]
    if vbmi::is_there() {
        // SAFETY: the processor has the instructions, as the line above says.
        return unsafe { vbmi::split(pixels, planes) };
    }
    let [reds, greens, blues] = planes;
    for (((red, green), blue), pixel) in reds.iter_mut().zip(greens).zip(blues).zip(pixels) {
        (*red, *green, *blue) = (pixel[0], pixel[1], pixel[2]);
    }
}

/// [`LANES`] pixels of three channels.
#[inline(always)]
pub(super) fn join(planes: [&[u8; LANES]; 3], pixels: &mut [[u8; 3]; LANES]) {
    #[cfg(target_arch = "x86_64")]
    if vbmi::is_there() {
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
    use super::LANES;
    use crate::isa::Isa;
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

    /// Whether these functions may be called, and are wanted.
    #[inline(always)]
    pub(super) fn is_there() -> bool {
        Isa::current() == Isa::Avx512 && is_x86_feature_detected!("avx512vbmi")
    }

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
        for value in rest {
            *value = table[usize::from(*value)];
        }
    }

    #[target_feature(enable = "avx512f,avx512vbmi")]
    pub(super) fn split(pixels: &[[u8; 3]; LANES], planes: [&mut [u8; LANES]; 3]) {
        let registers = pixels.as_flattened().as_chunks::<WIDE>().0;
        for (plane, places) in planes.into_iter().zip(&APART) {
            for (three, out) in registers.as_chunks::<3>().0.iter().zip(plane.as_chunks_mut::<WIDE>().0) {
                store(mixed([load(&three[0]), load(&three[1]), load(&three[2])], places), out);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512vbmi")]
    pub(super) fn join([reds, greens, blues]: [&[u8; LANES]; 3], pixels: &mut [[u8; 3]; LANES]) {
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

    #[test]
    fn pixels_come_apart_and_together_in_order_on_every_instruction_set() {
        let pixels: [[u8; 3]; LANES] = std::array::from_fn(|i| [i as u8, 128 + i as u8, (3 * i) as u8]);
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
    }
}
