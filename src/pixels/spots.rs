//! Salt and pepper: single pixels turned white or black, as a fixed pattern. Knows no generator: the pattern is drawn elsewhere.

use super::noise::{self, GROUP, philox};
use super::planes::{self, Planes};
use crate::sample::Image;

/// Turns about the share `amount` of all pixels white or black, `salt` of them white; both 0 to 1. Which ones follows from the
/// words of the Philox pattern `seed`, one a pixel, on a scale of 2²⁴ steps.
pub fn salt_and_pepper(image: &mut Image, amount: f32, salt: f32, seed: u64) {
    const STEPS: f64 = (1 << 24) as f64;
    let amount = f64::from(amount).clamp(0.0, 1.0);
    let white = (amount * f64::from(salt).clamp(0.0, 1.0) * STEPS).round() as u32;
    let any = (amount * STEPS).round() as u32;
    match image.channels() {
        3 => sprinkle_rgb(image.pixels_mut(), white, any, seed),
        _ => sprinkle_gray(image.pixels_mut(), white, any, seed),
    }
}

/// The word's place among 2²⁴ says which bits of a value are kept, and which are set.
#[inline(always)]
fn masks(word: u32, white: u32, any: u32) -> (u8, u8) {
    let place = word >> 8;
    (if place < any { 0 } else { 0xFF }, if place < white { 0xFF } else { 0 })
}

wide! {
    fn sprinkle_rgb / sprinkle_rgb_plain(values: &mut [u8], white: u32, any: u32, seed: u64) {
        let mut words = [[0; noise::LANES]; 4];
        for (group, pixels) in values.as_chunks_mut::<3>().0.chunks_mut(GROUP).enumerate() {
            philox(seed, (group * noise::LANES) as u64, &mut words);
            for (block, words) in pixels.chunks_mut(planes::LANES).zip(words.as_flattened().as_chunks::<{ planes::LANES }>().0) {
                let mut planes = Planes::split(block);
                for (lane, &word) in words.iter().enumerate() {
                    let (keep, set) = masks(word, white, any);
                    planes.red[lane] = planes.red[lane] & keep | set;
                    planes.green[lane] = planes.green[lane] & keep | set;
                    planes.blue[lane] = planes.blue[lane] & keep | set;
                }
                planes.join(block);
            }
        }
    }
}

wide! {
    fn sprinkle_gray / sprinkle_gray_plain(values: &mut [u8], white: u32, any: u32, seed: u64) {
        let mut words = [[0; noise::LANES]; 4];
        for (group, values) in values.chunks_mut(GROUP).enumerate() {
            philox(seed, (group * noise::LANES) as u64, &mut words);
            for (value, &word) in values.iter_mut().zip(words.as_flattened()) {
                let (keep, set) = masks(word, white, any);
                *value = *value & keep | set;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn the_shares_of_white_and_black_pixels_are_those_asked_for() {
        for (amount, salt, channels) in [(0.06f32, 0.5f32, 3), (0.3, 0.2, 1), (1.0, 0.9, 3), (0.5, 1.0, 1), (0.2, 0.0, 3)] {
            let mut image = Image::filled(Size::new(300, 400), channels, 77);
            salt_and_pepper(&mut image, amount, salt, 5);
            let count =
                |value: u8| image.pixels().chunks(channels).filter(|pixel| pixel.iter().all(|&v| v == value)).count() as f64;
            let (white, black, same) = (count(255), count(0), count(77));
            assert_eq!(white + black + same, 120_000.0, "whole pixels change");
            // Four deviations of a binomial count.
            let near = |count: f64, share: f64| {
                (count - 120_000.0 * share).abs() <= 4.0 * (120_000.0 * share * (1.0 - share)).sqrt() + 0.5
            };
            let (amount, salt) = (f64::from(amount), f64::from(salt));
            assert!(near(white, amount * salt) && near(black, amount * (1.0 - salt)), "{white} {black} for {amount} {salt}");
        }
    }

    #[test]
    fn seeds_differ_and_nonsense_is_brought_into_range() {
        let after = |amount, salt, seed| {
            let mut image = Image::filled(Size::new(20, 30), 3, 77);
            salt_and_pepper(&mut image, amount, salt, seed);
            image.into_pixels()
        };
        assert_ne!(after(0.5, 0.5, 1), after(0.5, 0.5, 2));
        assert_eq!(after(9.0, 7.0, 1), vec![255; 1800]);
        assert_eq!(after(-1.0, 0.5, 1), vec![77; 1800]);
        after(f32::NAN, f32::NAN, 1);
    }
}
