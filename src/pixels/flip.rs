//! Mirrors an image in place. Knows no chance.

#[cfg(target_arch = "x86_64")]
use super::table::has_vbmi;
use crate::isa::Isa;
use crate::sample::Image;

/// Left becomes right.
pub fn flip_horizontal(image: &mut Image) {
    let (width, channels) = (image.width(), image.channels());
    for row in image.pixels_mut().chunks_exact_mut(width * channels) {
        match channels {
            1 => row.reverse(),
            _ => reverse(row.as_chunks_mut::<3>().0),
        }
    }
}

/// Top becomes bottom.
pub fn flip_vertical(image: &mut Image) {
    let (height, stride) = (image.height(), image.width() * image.channels());
    let (top, bottom) = image.pixels_mut().split_at_mut(height.div_ceil(2) * stride);
    for (upper, lower) in top.chunks_exact_mut(stride).zip(bottom.chunks_exact_mut(stride).rev()) {
        upper.swap_with_slice(lower);
    }
}

fn reverse(row: &mut [[u8; 3]]) {
    match Isa::current() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has been asked.
        Isa::Avx512 if has_vbmi() => unsafe { reverse_by_21(row) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: both sets of instructions include AVX2, and a current Isa is one that the processor was found to have.
        Isa::Avx512 | Isa::Avx2 => unsafe { reverse_by_fives(row) },
        _ => row.reverse(),
    }
}

/// Swaps five pixels from the left with five from the right, as long as parts of 16 bytes around them do not overlap.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn reverse_by_fives(row: &mut [[u8; 3]]) {
    use std::arch::x86_64::*;
    // Five pixels are 15 bytes of 16. On the left the last byte belongs to the next pixel and stays, on the right the first one.
    let from_right = _mm_setr_epi8(13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, -1);
    let from_left = _mm_setr_epi8(-1, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2);
    let last = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1);
    let first = _mm_setr_epi8(-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    let swaps = row.len().saturating_sub(1) / 10;
    let bytes = row.as_flattened_mut();
    let end = bytes.len();
    let load = |bytes: &[u8], swap: usize| {
        let (left, right) = (&bytes[swap * 15..][..16], &bytes[end - swap * 15 - 16..][..16]);
        // SAFETY: both parts have 16 bytes.
        unsafe { (_mm_loadu_si128(left.as_ptr().cast()), _mm_loadu_si128(right.as_ptr().cast())) }
    };
    if swaps == 0 {
        return row.reverse();
    }
    let mut next = load(bytes, 0);
    for swap in 0..swaps {
        let (a, b) = next;
        // What comes next is read before its neighbour is written: reading behind a write of which it needs one byte takes long.
        next = load(bytes, (swap + 1).min(swaps - 1));
        let to_left = _mm_or_si128(_mm_shuffle_epi8(b, from_right), _mm_and_si128(a, last));
        let to_right = _mm_or_si128(_mm_shuffle_epi8(a, from_left), _mm_and_si128(b, first));
        // SAFETY: both parts have 16 bytes.
        unsafe {
            _mm_storeu_si128(bytes[swap * 15..][..16].as_mut_ptr().cast(), to_left);
            _mm_storeu_si128(bytes[end - swap * 15 - 16..][..16].as_mut_ptr().cast(), to_right);
        }
    }
    let middle = swaps * 5;
    let inside = row.len() - middle;
    row[middle..inside].reverse();
}

/// Swaps 21 pixels from the left with 21 from the right, as long as parts of 64 bytes around them do not overlap; then fives.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vbmi")]
fn reverse_by_21(row: &mut [[u8; 3]]) {
    use std::arch::x86_64::*;
    /// For the left part: byte j comes from pixel 20 − ⌊j/3⌋ of the right one, whose first byte belongs to the pixel before.
    const FROM_RIGHT: [u8; 64] = {
        let (mut places, mut byte) = ([0; 64], 0);
        while byte < 63 {
            places[byte] = (1 + (20 - byte / 3) * 3 + byte % 3) as u8;
            byte += 1;
        }
        places
    };
    /// For the right part, whose byte 1 + j is as byte j on the left, but without that first byte there.
    const FROM_LEFT: [u8; 64] = {
        let (mut places, mut byte) = ([0; 64], 0);
        while byte < 63 {
            places[1 + byte] = FROM_RIGHT[byte] - 1;
            byte += 1;
        }
        places
    };
    let swaps = row.len().saturating_sub(1) / 42;
    if swaps == 0 {
        return reverse_by_fives(row);
    }
    let bytes = row.as_flattened_mut();
    let end = bytes.len();
    let load = |bytes: &[u8]| {
        let part = &bytes[..64];
        // SAFETY: the part has 64 bytes.
        unsafe { _mm512_loadu_si512(part.as_ptr().cast()) }
    };
    let both = |bytes: &[u8], swap: usize| (load(&bytes[swap * 63..]), load(&bytes[end - swap * 63 - 64..]));
    let (from_right, from_left) = (load(&FROM_RIGHT), load(&FROM_LEFT));
    let mut next = both(bytes, 0);
    for swap in 0..swaps {
        let (a, b) = next;
        // As in the swaps of five, and what stays is left out of the mask.
        next = both(bytes, (swap + 1).min(swaps - 1));
        let to_left = _mm512_mask_permutexvar_epi8(a, u64::MAX >> 1, from_right, b);
        let to_right = _mm512_mask_permutexvar_epi8(b, u64::MAX << 1, from_left, a);
        // SAFETY: both parts have 64 bytes.
        unsafe {
            _mm512_storeu_si512(bytes[swap * 63..][..64].as_mut_ptr().cast(), to_left);
            _mm512_storeu_si512(bytes[end - swap * 63 - 64..][..64].as_mut_ptr().cast(), to_right);
        }
    }
    let middle = swaps * 21;
    let inside = row.len() - middle;
    reverse_by_fives(&mut row[middle..inside]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::only;
    use crate::sample::Size;

    #[test]
    fn every_instruction_set_mirrors_rows_of_every_width() {
        for width in 1..140u32 {
            let picture = Image::new(Size::new(2, width), 3, (0..width * 6).map(|i| (i * 37) as u8).collect());
            for isa in Isa::available() {
                let mut mirrored = picture.clone();
                only(isa, || flip_horizontal(&mut mirrored));
                for (y, x) in (0..2).flat_map(|y| (0..width as usize).map(move |x| (y, x))) {
                    assert_eq!(mirrored.pixel(y, x), picture.pixel(y, width as usize - 1 - x), "{isa:?}, {width} columns");
                }
            }
        }
    }
}
