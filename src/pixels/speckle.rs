//! Multiplicative noise: factors for channels, pixels or values. Knows no generator: patterns are drawn elsewhere.

use super::noise::{self, GROUP, philox};
use super::planes::{self, Planes};
use super::rounded;
use crate::sample::Image;

/// Values handled together: a whole number of pixels with 1 or 3 channels.
const BLOCK: usize = 192;

/// Multiplies the values of channel c by the factor c of `factors`, going round where there are fewer, and rounds the result
/// to the nearest, ties to even, within 0–255. Without a factor the image stays as it is.
pub fn multiply_channels(image: &mut Image, factors: &[f32]) {
    if factors.is_empty() {
        return;
    }
    let channels = image.channels();
    let factors: [f32; BLOCK] = std::array::from_fn(|index| factors[index % channels % factors.len()]);
    by_channel(image.pixels_mut(), &factors);
}

/// Multiplies every value (`per_channel`), or all values of a pixel together, by its own factor, uniform from `low` to `high`,
/// and rounds as [`multiply_channels`]. Factors follow from the words of the Philox pattern `seed`, one each.
pub fn multiply_elements(image: &mut Image, (low, high): (f32, f32), per_channel: bool, seed: u64) {
    if per_channel || image.channels() == 1 {
        by_value(image.pixels_mut(), low, high - low, seed);
    } else {
        by_pixel(image.pixels_mut(), low, high - low, seed);
    }
}

#[inline(always)]
fn multiplied(value: u8, factor: f32) -> u8 {
    let product = f32::from(value) * factor;
    let product = if product > 0.0 { product } else { 0.0 };
    rounded(if product < 255.0 { product } else { 255.0 })
}

#[inline(always)]
fn factor(word: u32, low: f32, span: f32) -> f32 {
    (word >> 8) as i32 as f32 * (1.0 / (1 << 24) as f32) * span + low
}

wide! {
    fn by_channel / by_channel_plain(values: &mut [u8], factors: &[f32; BLOCK]) {
        for block in values.chunks_mut(BLOCK) {
            for (value, &factor) in block.iter_mut().zip(factors) {
                *value = multiplied(*value, factor);
            }
        }
    }
}

wide! {
    fn by_value / by_value_plain(values: &mut [u8], low: f32, span: f32, seed: u64) {
        let mut words = [[0; noise::LANES]; 4];
        for (group, values) in values.chunks_mut(GROUP).enumerate() {
            philox(seed, (group * noise::LANES) as u64, &mut words);
            for (value, &word) in values.iter_mut().zip(words.as_flattened()) {
                *value = multiplied(*value, factor(word, low, span));
            }
        }
    }
}

wide! {
    fn by_pixel / by_pixel_plain(values: &mut [u8], low: f32, span: f32, seed: u64) {
        let mut words = [[0; noise::LANES]; 4];
        for (group, pixels) in values.as_chunks_mut::<3>().0.chunks_mut(GROUP).enumerate() {
            philox(seed, (group * noise::LANES) as u64, &mut words);
            for (block, words) in pixels.chunks_mut(planes::LANES).zip(words.as_flattened().as_chunks::<{ planes::LANES }>().0) {
                let mut planes = Planes::split(block);
                for (lane, &word) in words.iter().enumerate() {
                    let factor = factor(word, low, span);
                    planes.red[lane] = multiplied(planes.red[lane], factor);
                    planes.green[lane] = multiplied(planes.green[lane], factor);
                    planes.blue[lane] = multiplied(planes.blue[lane], factor);
                }
                planes.join(block);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        (mean, values.map(|value| (value - mean).powi(2)).sum::<f64>() / count)
    }

    #[test]
    fn factors_of_elements_are_uniform_and_shared_as_asked() {
        for (per_channel, channels) in [(false, 3), (true, 3), (false, 1)] {
            let mut image = Image::filled(Size::new(200, 300), channels, 200);
            multiply_elements(&mut image, (0.7, 1.2), per_channel, 9);
            let (mean, variance) = moments(image.pixels().iter().map(|&value| f64::from(value)));
            // Uniform over 140 … 240, and rounding.
            assert!((mean - 190.0).abs() < 0.6 && (variance - 10_000.0 / 12.0).abs() < 15.0, "{mean} {variance}");
            let grey = image.pixels().chunks(channels).filter(|pixel| pixel.iter().all(|&v| v == pixel[0])).count();
            assert_eq!(grey == 60_000, !(per_channel && channels == 3));
        }
    }

    #[test]
    fn channels_get_their_own_factors_and_results_are_rounded() {
        let mut image = Image::new(Size::new(1, 2), 3, vec![10, 10, 10, 201, 201, 201]);
        multiply_channels(&mut image, &[0.26, 1.0, 1.5]);
        assert_eq!(image.pixels(), [3, 10, 15, 52, 201, 255]);
        for factors in [&[][..], &[f32::NAN], &[f32::MAX, -1.0]] {
            multiply_channels(&mut image, factors);
        }
        multiply_elements(&mut image, (f32::NAN, f32::INFINITY), true, 1);
    }
}
