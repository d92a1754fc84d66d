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
    let (height, width, channels) = (image.height(), image.width(), image.channels());
    let mut out = Image::filled(Size::new(image.size().width, image.size().height), channels, 0);
    for top in (0..height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            for x in left..width.min(left + BLOCK) {
                for y in top..height.min(top + BLOCK) {
                    let (to, from) = ((x * height + y) * channels, (y * width + x) * channels);
                    out.pixels_mut()[to..to + channels].copy_from_slice(&image.pixels()[from..from + channels]);
                }
            }
        }
    }
    out
}
