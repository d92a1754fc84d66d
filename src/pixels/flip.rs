//! Mirrors an image in place. Knows no chance.

use crate::sample::Image;

/// Left becomes right.
pub fn flip_horizontal(image: &mut Image) {
    let (width, channels) = (image.width(), image.channels());
    for row in image.pixels_mut().chunks_exact_mut(width * channels) {
        match channels {
            1 => row.reverse(),
            _ => row.as_chunks_mut::<3>().0.reverse(),
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
