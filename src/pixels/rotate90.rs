//! Turns an image by quarters, exactly. Knows no chance.

use super::flip::{flip_horizontal, flip_vertical};
use crate::isa::Isa;
use crate::sample::{Image, Size};

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

/// Side of the squares in which pixels are moved, so that rows read and rows written both stay in the nearest cache.
const BLOCK: usize = 16;

/// A quarter turn, clockwise or not.
fn quarter(image: &Image, clockwise: bool) -> Image {
    let mut out = Image::filled(Size::new(image.size().width, image.size().height), image.channels(), 0);
    let turn = Turn { height: image.height(), width: image.width(), clockwise };
    match image.channels() {
        1 => turn.by_squares(image.pixels(), out.pixels_mut(), |turn, from, to, place| turn.move_square(from, to, place)),
        _ => {
            let (from, to) = (image.pixels().as_chunks::<3>().0, out.pixels_mut().as_chunks_mut::<3>().0);
            match Isa::current() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: both sets of instructions include AVX2, and a current Isa is one that the processor was found to have.
                Isa::Avx512 | Isa::Avx2 => {
                    turn.by_squares(from, to, |turn, from, to, place| unsafe { turn.move_colours(from, to, place) })
                }
                _ => turn.by_squares(from, to, |turn, from, to, place| turn.move_square(from, to, place)),
            }
        }
    }
    out
}

/// The sides of the image and which way it turns.
struct Turn {
    height: usize,
    width: usize,
    clockwise: bool,
}

/// Top and bottom row, left and right column of a square; bottom and right lie outside.
type Square = [usize; 4];

impl Turn {
    fn by_squares<T>(&self, from: &[T], to: &mut [T], work: impl Fn(&Self, &[T], &mut [T], Square)) {
        for top in (0..self.height).step_by(BLOCK) {
            for left in (0..self.width).step_by(BLOCK) {
                work(self, from, to, [top, self.height.min(top + BLOCK), left, self.width.min(left + BLOCK)]);
            }
        }
    }

    /// Where the pixel of row `y` and column `x` goes.
    fn goal(&self, y: usize, x: usize) -> usize {
        if self.clockwise { x * self.height + self.height - 1 - y } else { (self.width - 1 - x) * self.height + y }
    }

    fn move_square<T: Copy>(&self, from: &[T], to: &mut [T], [top, bottom, left, right]: Square) {
        for x in left..right {
            for y in top..bottom {
                to[self.goal(y, x)] = from[y * self.width + x];
            }
        }
    }

    /// Four by four pixels at a time, each in four bytes on the way.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn move_colours(&self, from: &[[u8; 3]], to: &mut [[u8; 3]], [top, bottom, left, right]: Square) {
        // Sixteen bytes are read for twelve, and there must be so many.
        let safe = |y: usize, x: usize| y + 4 <= bottom && x + 4 <= right && (y + 3) * self.width + x + 6 <= from.len();
        for y in (top..bottom).step_by(4) {
            for x in (left..right).step_by(4) {
                if safe(y, x) {
                    self.move_sixteen(from, to, y, x);
                } else {
                    self.move_square(from, to, [y, bottom.min(y + 4), x, right.min(x + 4)]);
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2")]
    fn move_sixteen(&self, from: &[[u8; 3]], to: &mut [[u8; 3]], y: usize, x: usize) {
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
