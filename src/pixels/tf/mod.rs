//! TensorFlow's image arithmetic in `f32`: what the VGG and Inception presets of TF-slim are made of. Knows no chance, and no mean or
//! range that a network expects.
//!
//! Pictures stay in numbers with a fraction from the first resize on; only [`shown`] makes bytes of them again, for people to look at.

pub mod colour;
pub mod crop;
mod places;
pub mod resize;

use crate::sample::{FloatImage, Image};

/// The picture in bytes: each number times `scale`, rounded to the nearest whole one (ties to even) and held within 0–255.
pub fn shown(image: &FloatImage, scale: f32) -> Image {
    let byte = |&value: &f32| super::rounded((value * scale).clamp(0.0, 255.0));
    Image::new(image.size(), image.channels(), image.values().iter().map(byte).collect())
}

/// Left becomes right.
pub fn flip_horizontal(image: &mut FloatImage) {
    let (row, channels) = (image.size().width as usize * image.channels(), image.channels());
    for row in image.values_mut().chunks_exact_mut(row) {
        match channels {
            1 => row.reverse(),
            _ => row.as_chunks_mut::<3>().0.reverse(),
        }
    }
}

/// (x − `shift`) · `scale` for every value x, with the shift of its channel; a gray picture takes the mean of the shifts.
pub fn shift_and_scale(image: &mut FloatImage, shift: [f32; 3], scale: f32) {
    match image.channels() {
        3 => {
            for pixel in image.values_mut().as_chunks_mut::<3>().0 {
                for (value, shift) in pixel.iter_mut().zip(shift) {
                    *value = (*value - shift) * scale;
                }
            }
        }
        _ => {
            let shift = (shift[0] + shift[1] + shift[2]) / 3.0;
            image.values_mut().iter_mut().for_each(|value| *value = (*value - shift) * scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn pictures_shown_are_held_within_bytes() {
        let floats = FloatImage::new(Size::new(1, 5), 1, vec![-1.0, 0.5, 1.0, 7.0, f32::NAN]);
        assert_eq!(shown(&floats, 255.0).pixels()[..4], [0, 128, 255, 255]);
        assert_eq!(shown(&floats, 1.0).pixels()[..4], [0, 0, 1, 7]);
    }

    #[test]
    fn gray_pictures_take_the_mean_of_the_shifts() {
        let mut gray = FloatImage::new(Size::new(1, 2), 1, vec![5.0, 6.0]);
        shift_and_scale(&mut gray, [1.0, 2.0, 3.0], 2.0);
        assert_eq!(gray.values(), [6.0, 8.0]);
        let mut pixel = FloatImage::new(Size::new(1, 1), 3, vec![5.0, 6.0, 7.0]);
        shift_and_scale(&mut pixel, [1.0, 2.0, 3.0], 0.5);
        assert_eq!(pixel.values(), [2.0, 2.0, 2.0]);
    }

    #[test]
    fn a_flip_turns_every_row_and_no_pixel() {
        let mut image = FloatImage::new(Size::new(2, 2), 3, (0..12u8).map(f32::from).collect());
        flip_horizontal(&mut image);
        assert_eq!(image.values(), [3.0, 4.0, 5.0, 0.0, 1.0, 2.0, 9.0, 10.0, 11.0, 6.0, 7.0, 8.0]);
    }
}
