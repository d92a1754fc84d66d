//! Grey, brightness, contrast, saturation: blends of an image with another one. Knows no chance.
//!
//! All follow torchvision on `uint8` tensors: f·x is rounded to `f32`, (1 − f)·other is added with one fused multiply-add, and
//! the result is clamped to 0–255 and truncated.

use super::planes::{MANY, Planes};
use super::{bytes, truncated};
use crate::sample::Image;

/// The luminance of an RGB pixel, truncated: 0.2989 R + 0.587 G + 0.114 B.
#[inline(always)]
pub fn grey(red: u8, green: u8, blue: u8) -> u8 {
    let sum = f32::from(green).mul_add(0.587, f32::from(red) * 0.2989);
    // SAFETY: the weights sum to less than 1, so the sum lies in 0–255 and fits.
    unsafe { f32::from(blue).mul_add(0.114, sum).to_int_unchecked::<i32>() as u8 }
}

/// Multiplies every value by `factor`, at least 0.
pub fn brightness(image: &mut Image, factor: f64) {
    bytes::look_up(image.pixels_mut(), &brightness_table(factor));
}

/// What [`brightness`] makes of every value.
pub(super) fn brightness_table(factor: f64) -> [u8; 256] {
    table(|value| value * factor as f32)
}

/// Moves every value away from the mean grey of the image (`factor` above 1) or towards it (below 1).
pub fn contrast(image: &mut Image, factor: f64) {
    let mean = mean_grey(image);
    bytes::look_up(image.pixels_mut(), &contrast_table(factor, mean));
}

/// What [`contrast`] makes of every value where the image's mean grey is `mean`.
pub(super) fn contrast_table(factor: f64, mean: f32) -> [u8; 256] {
    let (factor, rest) = parts(factor);
    table(|value| rest.mul_add(mean, value * factor))
}

/// Moves every pixel away from its own grey (`factor` above 1) or towards it (below 1). A gray image stays as it is.
pub fn saturation(image: &mut Image, factor: f64) {
    if image.channels() == 3 {
        saturate(image.pixels_mut(), factor);
    }
}

/// Replaces every pixel by its grey, in all channels. A gray image stays as it is.
pub fn grayscale(image: &mut Image) {
    if image.channels() == 3 {
        make_grey(image.pixels_mut());
    }
}

/// f and 1 − f, each rounded once.
#[inline(always)]
pub(super) fn parts(factor: f64) -> (f32, f32) {
    (factor as f32, (1.0 - factor) as f32)
}

/// Replaces every value by the truncated `result` for it.
pub(super) fn look_up(image: &mut Image, result: impl Fn(f32) -> f32) {
    bytes::look_up(image.pixels_mut(), &table(result));
}

/// The truncated `result` for every value.
fn table(result: impl Fn(f32) -> f32) -> [u8; 256] {
    std::array::from_fn(|value| truncated(result(value as f32)))
}

/// The mean over all pixels of their truncated grey; the sum is exact.
pub(super) fn mean_grey(image: &Image) -> f32 {
    let mut sum = 0;
    match image.channels() {
        3 => sum_grey(image.pixels(), &mut sum),
        _ => sum = image.pixels().iter().map(|&value| u64::from(value)).sum(),
    }
    (sum as f64 / image.size().area() as f64) as f32
}

wide! {
    fn sum_grey / sum_grey_plain(pixels: &[u8], sum: &mut u64) {
        let mut planes = Planes::<MANY>::default();
        for block in pixels.as_chunks::<3>().0.chunks(MANY) {
            planes.take(block);
            *sum += planes.sum_grey(block.len());
        }
    }
}

wide! {
    fn saturate / saturate_plain(pixels: &mut [u8], factor: f64) {
        let (factor, rest) = parts(factor);
        let mut planes = Planes::<MANY>::default();
        for block in pixels.as_chunks_mut::<3>().0.chunks_mut(MANY) {
            planes.take(block);
            planes.saturate(factor, rest);
            planes.join(block);
        }
    }
}

impl<const N: usize> Planes<N> {
    /// Blends every pixel of a block with its grey.
    #[inline(always)]
    pub(super) fn saturate(&mut self, factor: f32, rest: f32) {
        // Results of factors that anybody uses can be cut to whole numbers before they are clamped, which is faster.
        if factor.abs() < 1e6 && rest.abs() < 1e6 {
            // SAFETY: neither part of the sum is beyond 255 million.
            self.blend(factor, rest, |sum| unsafe { sum.to_int_unchecked::<i32>() }.clamp(0, 255) as u8);
        } else {
            self.blend(factor, rest, truncated);
        }
    }

    /// The sum of the first `count` greys.
    #[inline(always)]
    pub(super) fn sum_grey(&self, count: usize) -> u64 {
        let grey = |lane: usize| u32::from(grey(self.red[lane], self.green[lane], self.blue[lane]));
        let mut sum = 0;
        if count == N {
            // The common case once more, because a fixed number of rounds makes the better loop.
            for lane in 0..N {
                sum += grey(lane);
            }
        } else {
            for lane in 0..count {
                sum += grey(lane);
            }
        }
        u64::from(sum)
    }

    #[inline(always)]
    fn blend(&mut self, factor: f32, rest: f32, byte: impl Fn(f32) -> u8) {
        for lane in 0..N {
            let grey = f32::from(grey(self.red[lane], self.green[lane], self.blue[lane]));
            self.red[lane] = byte(rest.mul_add(grey, f32::from(self.red[lane]) * factor));
            self.green[lane] = byte(rest.mul_add(grey, f32::from(self.green[lane]) * factor));
            self.blue[lane] = byte(rest.mul_add(grey, f32::from(self.blue[lane]) * factor));
        }
    }
}

wide! {
    fn make_grey / make_grey_plain(pixels: &mut [u8]) {
        let mut planes = Planes::<MANY>::default();
        for block in pixels.as_chunks_mut::<3>().0.chunks_mut(MANY) {
            planes.take(block);
            for lane in 0..MANY {
                let grey = grey(planes.red[lane], planes.green[lane], planes.blue[lane]);
                (planes.red[lane], planes.green[lane], planes.blue[lane]) = (grey, grey, grey);
            }
            planes.join(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    fn every_kind_of_pixel() -> Vec<u8> {
        (0..90_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect()
    }

    #[test]
    fn wide_loops_give_the_bytes_of_the_plain_ones() {
        let pixels = every_kind_of_pixel();
        let (mut wide, mut plain) = (pixels.clone(), pixels.clone());
        saturate(&mut wide, 1.37);
        saturate_plain(&mut plain, 1.37);
        assert_eq!(wide, plain);
        make_grey(&mut wide);
        make_grey_plain(&mut plain);
        assert_eq!(wide, plain);
        let (mut wide, mut plain) = (0, 0);
        sum_grey(&pixels, &mut wide);
        sum_grey_plain(&pixels, &mut plain);
        assert_eq!(wide, plain);
    }

    #[test]
    fn factor_one_changes_nothing_and_factor_zero_leaves_black_or_grey() {
        let image = Image::new(Size::new(300, 100), 3, every_kind_of_pixel());
        for change in [brightness, contrast, saturation] {
            let mut same = image.clone();
            change(&mut same, 1.0);
            assert_eq!(same, image);
        }
        let (mut black, mut flat, mut grey) = (image.clone(), image.clone(), image.clone());
        brightness(&mut black, 0.0);
        contrast(&mut flat, 0.0);
        saturation(&mut grey, 0.0);
        assert!(black.pixels().iter().all(|&value| value == 0));
        assert!(flat.pixels().iter().all(|&value| value == flat.pixels()[0]));
        let mut expected = image.clone();
        grayscale(&mut expected);
        assert_eq!(grey, expected);
    }
}
