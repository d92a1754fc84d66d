//! What storing a picture as a JPEG does to it, without the file: the lossless half of the coding is left out.
//!
//! The steps are those of libjpeg and libjpeg-turbo with default settings (YCbCr, chroma of half the size both ways, the
//! accurate integer transforms, interpolating enlargement), in whole numbers only: the same bytes on every platform, and the
//! bytes that Pillow, OpenCV and torchvision get by writing and reading such a file. Knows no chance and no file.

pub(super) mod colour;
pub(super) mod transform;

use crate::sample::Image;
use colour::{convert, enlarge, halve, restore, stack};
use transform::{crush, steps};

/// Replaces `image` by what is left of it in a JPEG of `quality`, 1 to 100; other numbers are brought into that range.
pub fn jpeg_artifacts(image: &mut Image, quality: u8) {
    let quality = quality.clamp(1, 100);
    match image.channels() {
        3 => coloured(image, quality),
        _ => gray(image, quality),
    }
}

/// Samples of one component in whole blocks of 8 × 8.
struct Plane {
    /// Rows that hold picture.
    height: usize,
    stride: usize,
    samples: Vec<u8>,
}

impl Plane {
    fn new(height: usize, width: usize) -> Self {
        let stride = width.next_multiple_of(8);
        Self { height, stride, samples: vec![0; stride * height.next_multiple_of(8)] }
    }

    /// Row `y`, or the last that holds picture.
    fn row(&self, y: usize) -> &[u8] {
        &self.samples[y.min(self.height - 1) * self.stride..][..self.stride]
    }

    fn row_mut(&mut self, y: usize) -> &mut [u8] {
        &mut self.samples[y * self.stride..][..self.stride]
    }

    /// What is left of it after rounding to `steps`; below the picture its last row is repeated.
    fn crush(&mut self, steps: &[i32; 64]) {
        let last = self.row(self.height).to_vec();
        self.samples[self.height * self.stride..].chunks_exact_mut(self.stride).for_each(|row| row.copy_from_slice(&last));
        crush(&mut self.samples, self.stride, steps);
    }
}

/// Repeats the value before `width` to the end of the row.
fn extend(row: &mut [u8], width: usize) {
    let last = row[width - 1];
    row[width..].fill(last);
}

fn gray(image: &mut Image, quality: u8) {
    let width = image.width();
    let mut plane = Plane::new(image.height(), width);
    for y in 0..image.height() {
        plane.row_mut(y)[..width].copy_from_slice(image.row(y));
        extend(plane.row_mut(y), width);
    }
    plane.crush(&steps(quality).0);
    for (y, row) in image.pixels_mut().chunks_exact_mut(width).enumerate() {
        row.copy_from_slice(&plane.row(y)[..width]);
    }
}

fn coloured(image: &mut Image, quality: u8) {
    let [mut luma, mut blue, mut red] = components(image);
    let (luma_steps, chroma_steps) = steps(quality);
    luma.crush(&luma_steps);
    blue.crush(&chroma_steps);
    red.crush(&chroma_steps);
    let (width, narrow) = (image.width(), image.width().div_ceil(2));
    let mut sums = vec![0; narrow + 2];
    let (mut blues, mut reds) = (vec![0; 2 * narrow], vec![0; 2 * narrow]);
    for (y, row) in image.pixels_mut().chunks_exact_mut(3 * width).enumerate() {
        for (plane, wide) in [(&blue, &mut blues), (&red, &mut reds)] {
            let near = &plane.row(y / 2)[..narrow];
            if narrow > 2 {
                let far = if y % 2 == 0 { (y / 2).saturating_sub(1) } else { y / 2 + 1 };
                stack(near, &plane.row(far)[..narrow], &mut sums);
                enlarge(&sums, wide);
            } else {
                // So narrow a component is repeated.
                wide.iter_mut().enumerate().for_each(|(x, value)| *value = near[x / 2]);
            }
        }
        restore(&luma.row(y)[..width], &blues, &reds, row);
    }
}

/// Luma, and the two chroma components at half the size.
fn components(image: &Image) -> [Plane; 3] {
    let (height, width) = (image.height(), image.width());
    let mut luma = Plane::new(height, width);
    let [mut blue, mut red] = [(); 2].map(|()| Plane::new(height.div_ceil(2), width.div_ceil(2)));
    let long = 2 * blue.stride;
    let (mut blues, mut reds) = ([vec![0; long], vec![0; long]], [vec![0; long], vec![0; long]]);
    for y in 0..height.div_ceil(2) {
        for half in 0..2 {
            let from = (2 * y + half).min(height - 1);
            convert(image.row(from), luma.row_mut(from), &mut blues[half], &mut reds[half]);
            extend(luma.row_mut(from), width);
            extend(&mut blues[half], width);
            extend(&mut reds[half], width);
        }
        halve(&blues[0], &blues[1], blue.row_mut(y));
        halve(&reds[0], &reds[1], red.row_mut(y));
    }
    [luma, blue, red]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn the_best_quality_changes_gray_values_by_a_level_or_two_and_flat_pictures_not_at_all() {
        let image = Image::new(Size::new(21, 35), 1, (0..735u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect());
        let mut best = image.clone();
        jpeg_artifacts(&mut best, 100);
        assert!(best.pixels().iter().zip(image.pixels()).all(|(a, b)| a.abs_diff(*b) <= 2));
        for value in [0, 128, 255] {
            for (height, width) in [(1, 1), (1, 9), (8, 8), (17, 3), (2, 5)] {
                let flat = Image::filled(Size::new(height, width), 3, value);
                let mut stored = flat.clone();
                jpeg_artifacts(&mut stored, 100);
                assert_eq!(stored, flat);
            }
        }
    }

    #[test]
    fn the_worse_the_quality_the_larger_the_error() {
        let pixels = (0..3 * 96 * 128u32).map(|i| (128.0 + 90.0 * (f64::from(i / 3 % 128) * 0.2).sin() + f64::from(i % 7)) as u8);
        let image = Image::new(Size::new(96, 128), 3, pixels.collect());
        let error = |quality| {
            let mut stored = image.clone();
            jpeg_artifacts(&mut stored, quality);
            stored.pixels().iter().zip(image.pixels()).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum::<u64>()
        };
        let errors = [95, 75, 50, 25, 10, 3].map(error);
        assert!(errors.is_sorted(), "{errors:?}");
        assert_eq!((error(0), error(200)), (error(1), error(100)));
    }
}
