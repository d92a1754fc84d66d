//! Turns an image by quarters, exactly. Knows no chance.

use super::flip::{flip_horizontal, flip_vertical};
use crate::sample::{Image, Size};

/// `image` turned counter-clockwise by `turns` quarter turns.
pub fn rotate90(image: &mut Image, turns: u32) {
    match turns % 4 {
        1 => {
            flip_horizontal(image);
            *image = transposed(image);
        }
        2 => {
            flip_horizontal(image);
            flip_vertical(image);
        }
        3 => {
            *image = transposed(image);
            flip_horizontal(image);
        }
        _ => {}
    }
}

/// Side of the squares in which pixels are moved, so that rows read and rows written both stay in the nearest cache.
const BLOCK: usize = 16;

fn transposed(image: &Image) -> Image {
    let mut out = Image::filled(Size::new(image.size().width, image.size().height), image.channels(), 0);
    let (height, width) = (image.height(), image.width());
    match image.channels() {
        1 => transpose(image.pixels(), out.pixels_mut(), height, width),
        _ => transpose(image.pixels().as_chunks::<3>().0, out.pixels_mut().as_chunks_mut::<3>().0, height, width),
    }
    out
}

fn transpose<T: Copy>(from: &[T], to: &mut [T], height: usize, width: usize) {
    for top in (0..height).step_by(BLOCK) {
        let bottom = height.min(top + BLOCK);
        for left in (0..width).step_by(BLOCK) {
            for x in left..width.min(left + BLOCK) {
                let column = from[top * width + x..].iter().step_by(width);
                to[x * height + top..x * height + bottom].iter_mut().zip(column).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn one_turn_brings_the_right_column_to_the_top() {
        let image = Image::new(Size::new(2, 3), 1, vec![1, 2, 3, 4, 5, 6]);
        assert_eq!(turned(&image, 1).pixels(), [3, 6, 2, 5, 1, 4]);
    }
}
