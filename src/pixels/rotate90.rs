//! Turns an image by quarters, exactly. Knows no chance.

#[cfg(target_arch = "x86_64")]
use super::bytes::has_vbmi;
use super::flip::{flip_horizontal, flip_vertical};
use super::fresh::written;
use super::near::ask;
use crate::isa::Isa;
use crate::sample::{Image, Size};
use std::mem::MaybeUninit;

/// `image` turned counter-clockwise by `turns` quarter turns.
pub fn rotate90(image: &mut Image, turns: u32) {
    match turns % 4 {
        1 => *image = quarter(image, false),
        2 => {
            flip_horizontal(image);
            flip_vertical(image);
        }
        3 => *image = quarter(image, true),
        _ => {}
    }
}

/// Rows and columns of the parts in which pixels are moved: what is read and what is written both stay in the nearest cache.
const PART: (usize, usize) = (48, 60);

/// A quarter turn, clockwise or not.
fn quarter(image: &Image, clockwise: bool) -> Image {
    let length = image.pixels().len();
    let turn = Turn { height: image.height(), width: image.width(), clockwise };
    let write = |to: &mut [MaybeUninit<u8>]| match image.channels() {
        1 => turn.move_all(image.pixels().as_chunks::<1>().0, to.as_chunks_mut().0, Turn::move_part),
        _ => turn.move_all(image.pixels().as_chunks::<3>().0, to.as_chunks_mut().0, Turn::move_colours),
    };
    // SAFETY: parts cover the image, and each writes the goals of all its pixels: every byte of the result.
    let pixels = unsafe { written(length, write) };
    Image::new(Size::new(image.size().width, image.size().height), image.channels(), pixels)
}

/// The sides of the image and which way it turns.
struct Turn {
    height: usize,
    width: usize,
    clockwise: bool,
}

/// Top and bottom row, left and right column of a part; bottom and right lie outside.
type Part = [usize; 4];

/// Pixels not yet written.
type Fresh<const C: usize> = [[MaybeUninit<u8>; C]];

impl Turn {
    fn move_all<const C: usize>(&self, from: &[[u8; C]], to: &mut Fresh<C>, work: impl Fn(&Self, &[[u8; C]], &mut Fresh<C>, Part)) {
        for top in (0..self.height).step_by(PART.0) {
            for left in (0..self.width).step_by(PART.1) {
                let (bottom, right) = (self.height.min(top + PART.0), self.width.min(left + PART.1));
                self.ask_for_next(from, [top, bottom, left, right]);
                work(self, from, to, [top, bottom, left, right]);
            }
        }
    }

    /// Asks for the part to the right, at the end for the first one further down.
    fn ask_for_next<const C: usize>(&self, from: &[[u8; C]], [top, bottom, _, right]: Part) {
        let (rows, column) = if right < self.width { (top..bottom, right) } else { (bottom..bottom + PART.0, 0) };
        for start in rows.map(|y| (y * self.width + column) * C) {
            (0..PART.1 * C).step_by(64).for_each(|by| ask(from.as_flattened(), (start + by) as isize));
        }
    }

    /// Where the pixel of row `y` and column `x` goes.
    fn goal(&self, y: usize, x: usize) -> usize {
        if self.clockwise { x * self.height + self.height - 1 - y } else { (self.width - 1 - x) * self.height + y }
    }

    fn move_part<const C: usize>(&self, from: &[[u8; C]], to: &mut Fresh<C>, [top, bottom, left, right]: Part) {
        for x in left..right {
            for y in top..bottom {
                to[self.goal(y, x)] = from[y * self.width + x].map(MaybeUninit::new);
            }
        }
    }

    fn move_colours(&self, from: &[[u8; 3]], to: &mut Fresh<3>, part: Part) {
        match Isa::current() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has been asked.
            Isa::Avx512 if has_vbmi() => unsafe { self.move_by_eighties(from, to, part) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: both sets of instructions include AVX2, and a current Isa is one that the processor was found to have.
            Isa::Avx512 | Isa::Avx2 => unsafe { self.move_by_sixteens(from, to, part) },
            _ => self.move_part(from, to, part),
        }
    }

    /// Four by four pixels at a time, each in four bytes on the way.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn move_by_sixteens(&self, from: &[[u8; 3]], to: &mut Fresh<3>, [top, bottom, left, right]: Part) {
        // Sixteen bytes are read for twelve, and there must be so many.
        let safe = |y: usize, x: usize| y + 4 <= bottom && x + 4 <= right && (y + 3) * self.width + x + 6 <= from.len();
        for y in (top..bottom).step_by(4) {
            for x in (left..right).step_by(4) {
                if safe(y, x) {
                    self.move_sixteen(from, to, y, x);
                } else {
                    self.move_part(from, to, [y, bottom.min(y + 4), x, right.min(x + 4)]);
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2")]
    fn move_sixteen(&self, from: &[[u8; 3]], to: &mut Fresh<3>, y: usize, x: usize) {
        use std::arch::x86_64::*;
        let wider = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
        let closer = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
        let row = |index: usize| {
            let y = if self.clockwise { y + 3 - index } else { y + index };
            let bytes = from[y * self.width + x..][..6].as_flattened();
            // SAFETY: six pixels have 18 bytes, of which 16 are read.
            _mm_shuffle_epi8(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }, wider)
        };
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        let (ab, cd) = (_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
        let (ab_high, cd_high) = (_mm_unpackhi_epi32(a, b), _mm_unpackhi_epi32(c, d));
        let columns = [
            _mm_unpacklo_epi64(ab, cd),
            _mm_unpackhi_epi64(ab, cd),
            _mm_unpacklo_epi64(ab_high, cd_high),
            _mm_unpackhi_epi64(ab_high, cd_high),
        ];
        for (index, column) in columns.into_iter().enumerate() {
            let goal = self.goal(if self.clockwise { y + 3 } else { y }, x + index);
            let bytes = to[goal..][..4].as_flattened_mut();
            let column = _mm_shuffle_epi8(column, closer);
            // SAFETY: four pixels have twelve bytes, eight and four.
            unsafe {
                _mm_storel_epi64(bytes.as_mut_ptr().cast(), column);
                bytes.as_mut_ptr().add(8).cast::<i32>().write_unaligned(_mm_extract_epi32(column, 2));
            }
        }
    }
    /// Sixteen rows of five columns at a time, those at the ends of the part again where it does not divide.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512vbmi")]
    fn move_by_eighties(&self, from: &[[u8; 3]], to: &mut Fresh<3>, [top, bottom, left, right]: Part) {
        if bottom - top < vbmi::ROWS || right - left < vbmi::COLUMNS {
            return self.move_by_sixteens(from, to, [top, bottom, left, right]);
        }
        for y in (top..bottom).step_by(vbmi::ROWS).map(|y| y.min(bottom - vbmi::ROWS)) {
            let (first, step) =
                if self.clockwise { (y + vbmi::ROWS - 1, -(self.width as isize)) } else { (y, self.width as isize) };
            for x in (left..right).step_by(vbmi::COLUMNS).map(|x| x.min(right - vbmi::COLUMNS)) {
                let goals = std::array::from_fn(|column| self.goal(first, x + column));
                vbmi::turn(from, (first * self.width + x, step), to, goals);
            }
        }
    }
}

/// Sixteen rows of five columns with the byte permutations of AVX-512 VBMI.
#[cfg(target_arch = "x86_64")]
mod vbmi {
    use super::Fresh;
    use std::arch::x86_64::*;

    pub(super) const ROWS: usize = 16;
    pub(super) const COLUMNS: usize = 5;

    /// Bytes of five pixels.
    const FIVE: u16 = (1 << (3 * COLUMNS)) - 1;

    /// For each column, where its pixels stand in eight rows of sixteen bytes: for the first half of the bytes of sixteen pixels,
    /// and again for the second.
    const PLACES: [[u8; 64]; COLUMNS] = {
        let (mut places, mut number) = ([[0; 64]; COLUMNS], 0);
        while number < COLUMNS * 3 * ROWS {
            let (column, byte) = (number / (3 * ROWS), number % (3 * ROWS));
            places[column][byte] = (16 * (byte / 3 % 8) + 3 * column + byte % 3) as u8;
            number += 1;
        }
        places
    };

    /// The second half of the bytes of sixteen pixels.
    const SECOND: u64 = 0xFFFF_FF00_0000;

    /// Moves five pixels of each of sixteen rows, the first one at `start`, each `step` pixels after the one before: column i to the
    /// pixels from `goals[i]` on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512vbmi")]
    pub(super) fn turn(from: &[[u8; 3]], (start, step): (usize, isize), to: &mut Fresh<3>, goals: [usize; COLUMNS]) {
        let row = |index: usize| {
            let pixels = from[start.wrapping_add_signed(step * index as isize)..][..COLUMNS].as_flattened();
            // SAFETY: fifteen bytes are read, as many as five pixels have.
            unsafe { _mm_maskz_loadu_epi8(FIVE, pixels.as_ptr().cast()) }
        };
        let two = |index: usize| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(row(index)), row(index + 1));
        let four = |index: usize| _mm512_inserti64x4::<1>(_mm512_castsi256_si512(two(index)), two(index + 2));
        let rows = [four(0), four(4), four(8), four(12)];
        for (places, goal) in PLACES.iter().zip(goals) {
            // SAFETY: there are 64 places.
            let places = unsafe { _mm512_loadu_si512(places.as_ptr().cast()) };
            let first = _mm512_permutex2var_epi8(rows[0], places, rows[1]);
            let second = _mm512_permutex2var_epi8(rows[2], places, rows[3]);
            let column = _mm512_mask_blend_epi8(SECOND, first, second);
            let pixels = to[goal..][..ROWS].as_flattened_mut().as_mut_ptr();
            // SAFETY: 32 and 16 bytes are written, as many as sixteen pixels have.
            unsafe {
                _mm256_storeu_si256(pixels.cast(), _mm512_castsi512_si256(column));
                _mm_storeu_si128(pixels.add(32).cast(), _mm512_extracti32x4_epi32::<2>(column));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::only;
    use proptest::prelude::*;

    fn picture(height: u32, width: u32, channels: usize) -> Image {
        let pixels = (0..height * width * channels as u32).map(|i| (i * 37 % 251) as u8).collect();
        Image::new(Size::new(height, width), channels, pixels)
    }

    fn turned(image: &Image, turns: u32) -> Image {
        let mut image = image.clone();
        rotate90(&mut image, turns);
        image
    }

    proptest! {
        #[test]
        fn turns_add_up_and_four_are_none(
            height in 1u32..40, width in 1u32..40, channels in prop::sample::select(vec![1usize, 3]), a in 0u32..4, b in 0u32..4,
        ) {
            let image = picture(height, width, channels);
            prop_assert_eq!(turned(&turned(&image, a), b), turned(&image, a + b));
            prop_assert_eq!(turned(&image, 4), image);
        }

        #[test]
        fn two_flips_of_a_kind_are_none_and_one_of_each_is_a_half_turn(
            height in 1u32..40, width in 1u32..40, channels in prop::sample::select(vec![1usize, 3]),
        ) {
            let image = picture(height, width, channels);
            for flip in [flip_horizontal, flip_vertical] {
                let mut twice = image.clone();
                flip(&mut twice);
                flip(&mut twice);
                prop_assert_eq!(&twice, &image);
            }
            let mut both = image.clone();
            flip_horizontal(&mut both);
            flip_vertical(&mut both);
            prop_assert_eq!(both, turned(&image, 2));
        }
    }

    #[test]
    fn every_instruction_set_moves_every_pixel_to_its_place() {
        for (height, width) in [(1, 1), (4, 4), (4, 6), (5, 7), (16, 16), (17, 33), (37, 18), (3, 50)] {
            for channels in [1, 3] {
                let image = picture(height, width, channels);
                for isa in Isa::available() {
                    let (left, right) = only(isa, || (turned(&image, 1), turned(&image, 3)));
                    for (y, x) in (0..height as usize).flat_map(|y| (0..width as usize).map(move |x| (y, x))) {
                        assert_eq!(left.pixel(width as usize - 1 - x, y), image.pixel(y, x), "{isa:?}");
                        assert_eq!(right.pixel(x, height as usize - 1 - y), image.pixel(y, x), "{isa:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_turn_brings_the_right_column_to_the_top() {
        let image = Image::new(Size::new(2, 3), 1, vec![1, 2, 3, 4, 5, 6]);
        assert_eq!(turned(&image, 1).pixels(), [3, 6, 2, 5, 1, 4]);
    }
}
