//! Mirrors an image in place. Knows no chance.

#[cfg(target_arch = "x86_64")]
use super::bytes::has_vbmi;
use super::fresh::{copy, written};
use crate::isa::Isa;
use crate::sample::Image;
use std::mem::MaybeUninit;

/// Left becomes right.
pub fn flip_horizontal(image: &mut Image) {
    let (width, channels) = (image.width(), image.channels());
    if channels == 1 {
        return image.pixels_mut().chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    let rows = image.pixels_mut().as_chunks_mut::<3>().0.chunks_exact_mut(width);
    match Isa::current() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has been asked.
        Isa::Avx512 if has_vbmi() => unsafe { vbmi::reverse_all(rows) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: both sets of instructions include AVX2, and a current Isa is one that the processor was found to have.
        Isa::Avx512 | Isa::Avx2 => rows.for_each(|row| unsafe { reverse_by_fives(row) }),
        _ => rows.for_each(<[[u8; 3]]>::reverse),
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

/// A picture of `image` with left and right exchanged.
pub fn flipped_horizontal(image: &Image) -> Image {
    let stride = image.width() * image.channels();
    let mirror = |to: &mut [MaybeUninit<u8>]| {
        let rows = image.pixels().chunks_exact(stride).zip(to.chunks_exact_mut(stride));
        match Isa::current() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has been asked.
            Isa::Avx512 if has_vbmi() && image.channels() == 3 => unsafe {
                rows.for_each(|(row, to)| vbmi::mirror(row.as_chunks().0, to.as_chunks_mut().0));
            },
            _ if image.channels() == 3 => rows.for_each(|(row, to)| mirror::<3>(row, to)),
            _ => rows.for_each(|(row, to)| mirror::<1>(row, to)),
        }
    };
    // SAFETY: every row is written, and all of it.
    let pixels = unsafe { written(image.pixels().len(), mirror) };
    Image::new(image.size(), image.channels(), pixels)
}

fn mirror<const C: usize>(row: &[u8], to: &mut [MaybeUninit<u8>]) {
    for (pixel, to) in row.as_chunks::<C>().0.iter().zip(to.as_chunks_mut::<C>().0.iter_mut().rev()) {
        *to = pixel.map(MaybeUninit::new);
    }
}

/// A picture of `image` with top and bottom exchanged.
pub fn flipped_vertical(image: &Image) -> Image {
    let stride = image.width() * image.channels();
    let turn = |to: &mut [MaybeUninit<u8>]| {
        let rows = image.pixels().chunks_exact(stride).zip(to.chunks_exact_mut(stride).rev());
        rows.for_each(|(row, to)| copy(row, to));
    };
    // SAFETY: every row is written, and all of it.
    let pixels = unsafe { written(image.pixels().len(), turn) };
    Image::new(image.size(), image.channels(), pixels)
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

/// The same with 21 pixels, 63 bytes of a register.
#[cfg(target_arch = "x86_64")]
mod vbmi {
    use std::arch::x86_64::*;
    use std::mem::MaybeUninit;
    use std::slice::ChunksExactMut;

    /// Pixels in a part.
    const PART: usize = 21;

    /// The bytes of a part, all but the last one of a register.
    const BYTES: u64 = u64::MAX >> 1;

    /// Byte j of a mirrored part comes from byte j mod 3 of pixel 20 − ⌊j/3⌋.
    const MIRRORED: [u8; 64] = {
        let (mut places, mut byte) = ([0; 64], 0);
        while byte < 3 * PART {
            places[byte] = (3 * (PART - 1 - byte / 3) + byte % 3) as u8;
            byte += 1;
        }
        places
    };

    /// Writes the pixels of `row` to as many places, the last one first.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn mirror(row: &[[u8; 3]], to: &mut [[MaybeUninit<u8>; 3]]) {
        // SAFETY: there are 64 places.
        let places = unsafe { _mm512_loadu_si512(MIRRORED.as_ptr().cast()) };
        let (parts, rest) = row.as_chunks::<PART>();
        for (part, to) in parts.iter().zip(to.as_rchunks_mut::<PART>().1.iter_mut().rev()) {
            let mirrored = _mm512_permutexvar_epi8(places, read(part, BYTES));
            // SAFETY: as many bytes are written as a part has.
            unsafe { _mm512_mask_storeu_epi8(to.as_mut_ptr().cast(), BYTES, mirrored) };
        }
        for (pixel, to) in rest.iter().zip(to[..rest.len()].iter_mut().rev()) {
            *to = pixel.map(MaybeUninit::new);
        }
    }

    /// Mirrors rows of one length.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn reverse_all(rows: ChunksExactMut<[u8; 3]>) {
        // SAFETY: there are 64 places.
        let places = unsafe { _mm512_loadu_si512(MIRRORED.as_ptr().cast()) };
        for row in rows {
            // Parts are swapped until no more than one is left between them; those swapped last may overlap.
            let swaps = row.len().saturating_sub(PART).div_ceil(2 * PART);
            if let Some(between) = row.len().checked_sub(2 * PART * swaps).filter(|&between| between > 0) {
                let middle = &mut row[PART * swaps..][..between];
                let mask = BYTES >> (3 * (PART - between));
                let nearer = _mm512_sub_epi8(places, _mm512_set1_epi8(3 * (PART - between) as i8));
                let mirrored = _mm512_permutexvar_epi8(nearer, read(middle, mask));
                write(middle, mirrored, mask);
            }
            let both = |row: &[[u8; 3]], swap: usize| {
                (read(&row[swap * PART..], BYTES), read(&row[row.len() - (swap + 1) * PART..], BYTES))
            };
            let mut next = if swaps > 0 { both(row, 0) } else { (places, places) };
            for swap in 0..swaps {
                let (left, right) = next;
                // As above; and what overlaps is read before it is written.
                next = both(row, (swap + 1).min(swaps - 1));
                let end = row.len() - (swap + 1) * PART;
                write(&mut row[swap * PART..], _mm512_permutexvar_epi8(places, right), BYTES);
                write(&mut row[end..], _mm512_permutexvar_epi8(places, left), BYTES);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn read(pixels: &[[u8; 3]], mask: u64) -> __m512i {
        debug_assert!(64 - mask.leading_zeros() as usize <= 3 * pixels.len());
        // SAFETY: no caller's mask goes beyond its pixels.
        unsafe { _mm512_maskz_loadu_epi8(mask, pixels.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn write(pixels: &mut [[u8; 3]], bytes: __m512i, mask: u64) {
        debug_assert!(64 - mask.leading_zeros() as usize <= 3 * pixels.len());
        // SAFETY: no caller's mask goes beyond its pixels.
        unsafe { _mm512_mask_storeu_epi8(pixels.as_mut_ptr().cast(), mask, bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::only;
    use crate::sample::Size;

    #[test]
    fn a_new_picture_shows_what_a_flip_in_place_leaves() {
        for ((height, width), channels) in [(1, 1), (2, 7), (5, 50), (6, 43)].into_iter().flat_map(|size| [(size, 1), (size, 3)]) {
            let pixels = (0..height * width * channels as u32).map(|i| (i * 37) as u8).collect();
            let image = Image::new(Size::new(height, width), channels, pixels);
            let (mut mirrored, mut turned) = (image.clone(), image.clone());
            flip_horizontal(&mut mirrored);
            flip_vertical(&mut turned);
            for isa in Isa::available() {
                assert_eq!(
                    only(isa, || (flipped_horizontal(&image), flipped_vertical(&image))),
                    (mirrored.clone(), turned.clone())
                );
            }
        }
    }

    #[test]
    fn every_instruction_set_mirrors_rows_of_every_width() {
        for width in 1..140u32 {
            let picture = Image::new(Size::new(2, width), 3, (0..width * 6).map(|i| (i * 37) as u8).collect());
            for isa in Isa::available() {
                let mut mirrored = picture.clone();
                only(isa, || flip_horizontal(&mut mirrored));
                assert_eq!(only(isa, || flipped_horizontal(&picture)), mirrored, "{isa:?}, {width} columns");
                for (y, x) in (0..2).flat_map(|y| (0..width as usize).map(move |x| (y, x))) {
                    assert_eq!(mirrored.pixel(y, x), picture.pixel(y, width as usize - 1 - x), "{isa:?}, {width} columns");
                }
            }
        }
    }
}
