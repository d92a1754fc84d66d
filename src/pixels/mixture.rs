//! A weighted sum of images of one size. Knows no weights.

use super::truncated;
use crate::sample::Image;

/// A sum in `f32`, a product and an addition an image, in the order in which they are added.
pub struct Mixture {
    sums: Vec<f32>,
}

impl Mixture {
    /// `weight` times `image`.
    pub fn new(image: &Image, weight: f32) -> Self {
        let mut mixture = Self { sums: vec![0.0; image.pixels().len()] };
        mixture.add(image, weight);
        mixture
    }

    /// Adds `weight` times `image`, of the same size.
    pub fn add(&mut self, image: &Image, weight: f32) {
        add(&mut self.sums, image.pixels(), weight);
    }

    /// Writes the sum into an image of the same size, held within 0–255 and truncated.
    pub fn write(&self, image: &mut Image) {
        write(image.pixels_mut(), &self.sums);
    }
}

wide! {
    fn add / add_plain(sums: &mut [f32], pixels: &[u8], weight: f32) {
        for (sum, &value) in sums.iter_mut().zip(pixels) {
            *sum += weight * f32::from(value);
        }
    }
}

wide! {
    fn write / write_plain(pixels: &mut [u8], sums: &[f32]) {
        for (value, &sum) in pixels.iter_mut().zip(sums) {
            *value = truncated(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn a_mixture_is_the_weighted_sum_truncated_and_clamped() {
        let image = |values: [u8; 4]| Image::new(Size::new(2, 2), 1, values.to_vec());
        let mut out = image([0; 4]);
        let mut mixture = Mixture::new(&image([10, 20, 255, 7]), 0.5);
        mixture.add(&image([11, 0, 255, 8]), 0.5);
        mixture.write(&mut out);
        assert_eq!(out.pixels(), [10, 10, 255, 7]);
        mixture.add(&image([255; 4]), -1.0);
        mixture.add(&image([0, 0, 255, 0]), 3.0);
        mixture.write(&mut out);
        assert_eq!(out.pixels(), [0, 0, 255, 0]);
    }

    #[test]
    fn wide_loops_give_the_bytes_of_the_plain_ones() {
        let pixels: Vec<u8> = (0..997u32).map(|i| (i * i % 251) as u8).collect();
        let (mut wide, mut plain) = (vec![0.1; 997], vec![0.1; 997]);
        add(&mut wide, &pixels, 0.37);
        add_plain(&mut plain, &pixels, 0.37);
        assert_eq!(wide, plain);
        let (mut wide_bytes, mut plain_bytes) = (pixels.clone(), pixels);
        write(&mut wide_bytes, &wide);
        write_plain(&mut plain_bytes, &plain);
        assert_eq!(wide_bytes, plain_bytes);
    }
}
