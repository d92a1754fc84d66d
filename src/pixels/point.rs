//! Changes that look at one value at a time: invert, posterize, solarize, gamma. Knows no neighbour and no chance.

use super::colour::look_up;
use super::fresh::written;
use super::series::{exp, ln};
use super::truncated;
use crate::sample::Image;
use std::mem::MaybeUninit;
use std::sync::LazyLock;

/// Replaces every value x by 255 − x.
pub fn invert(image: &mut Image) {
    flip_from(image.pixels_mut(), 0);
}

/// A picture with every value x of `image` replaced by 255 − x.
pub fn inverted(image: &Image) -> Image {
    changed(image, 0xFF, 0xFF)
}

/// Keeps the `bits` highest bits of every value: 0 leaves black, 8 or more the image as it is.
pub fn posterize(image: &mut Image, bits: u8) {
    keep_bits(image.pixels_mut(), highest(bits));
}

/// A picture with the `bits` highest bits of every value of `image`.
pub fn posterized(image: &Image, bits: u8) -> Image {
    changed(image, highest(bits), 0)
}

fn highest(bits: u8) -> u8 {
    !(0xFF_u16 >> bits.min(8)) as u8
}

/// A picture of some bits of `image`, some of them changed.
fn changed(image: &Image, kept: u8, flipped: u8) -> Image {
    // SAFETY: as many bytes are written as are read.
    let pixels = unsafe { written(image.pixels().len(), |to| change_bits(image.pixels(), to, kept, flipped)) };
    Image::new(image.size(), image.channels(), pixels)
}

/// Replaces every value x that is at least `threshold` by 255 − x. No value is at least NaN.
pub fn solarize(image: &mut Image, threshold: f32) {
    // A whole number is at least the threshold where it is at least the next whole number.
    let first = threshold.ceil();
    if first <= 255.0 {
        flip_from(image.pixels_mut(), first.max(0.0) as u8);
    }
}

/// Replaces every value x by 255·`gain`·(x/255)^`gamma`, clamped to 0–255; `gamma` and `gain` at least 0. As torchvision's
/// `adjust_gamma` does on `uint8`, the result is a number 0 to 1 times 255.999, truncated.
pub fn gamma(image: &mut Image, gamma: f32, gain: f32) {
    static LOGARITHMS: LazyLock<[f64; 256]> = LazyLock::new(|| std::array::from_fn(|value| ln(value as f64 / 255.0)));
    let (logarithms, exponent) = (&*LOGARITHMS, f64::from(gamma));
    look_up(image, |value| {
        let power = match value {
            0.0 if exponent > 0.0 => 0.0,
            _ => exp(exponent * logarithms[usize::from(truncated(value))]),
        };
        let bright = power as f32 * gain;
        (if bright < 1.0 { bright } else { 1.0 }) * 255.999
    });
}

wide! {
    fn flip_from / flip_from_plain(values: &mut [u8], first: u8) {
        for value in values {
            *value ^= if *value >= first { 0xFF } else { 0 };
        }
    }
}

wide! {
    fn change_bits / change_bits_plain(values: &[u8], to: &mut [MaybeUninit<u8>], kept: u8, flipped: u8) {
        for (value, to) in values.iter().zip(to) {
            to.write((value & kept) ^ flipped);
        }
    }
}

wide! {
    fn keep_bits / keep_bits_plain(values: &mut [u8], mask: u8) {
        for value in values {
            *value &= mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    fn every_value() -> Image {
        Image::new(Size::new(16, 16), 1, (0..=255).collect())
    }

    fn after(change: impl FnOnce(&mut Image)) -> Vec<u8> {
        let mut image = every_value();
        change(&mut image);
        image.into_pixels()
    }

    #[test]
    fn inverting_is_its_own_inverse_and_solarizes_everything() {
        let inverted: Vec<u8> = (0..=255).rev().collect();
        assert_eq!(after(invert), inverted);
        assert_eq!(after(|image| solarize(image, 0.0)), inverted);
        assert_eq!(after(|image| (0..2).for_each(|_| invert(image))), every_value().pixels());
    }

    #[test]
    fn posterizing_keeps_as_many_values_as_the_bits_can_tell() {
        for bits in 0..=9u8 {
            let values = after(|image| posterize(image, bits));
            assert!(
                values
                    .iter()
                    .zip(0..=255u8)
                    .all(|(&new, old)| new <= old && old - new < (1 << 8u8.saturating_sub(bits)) as u8 || bits == 0)
            );
            let distinct: std::collections::BTreeSet<u8> = values.into_iter().collect();
            assert_eq!(distinct.len(), 1 << bits.min(8), "{bits}");
        }
    }

    #[test]
    fn a_new_picture_shows_what_a_change_in_place_leaves() {
        let image = every_value();
        assert_eq!(inverted(&image).pixels(), after(invert));
        for bits in 0..=9 {
            assert_eq!(posterized(&image, bits).pixels(), after(|image| posterize(image, bits)));
        }
    }

    #[test]
    fn solarizing_compares_with_fractions() {
        for threshold in [-3.0f32, 0.0, 0.5, 99.999, 100.0, 100.001, 198.333_33, 254.5, 255.0, 255.5, 300.0, f32::NAN] {
            let expected: Vec<u8> = (0..=255u8).map(|x| if f32::from(x) >= threshold { 255 - x } else { x }).collect();
            assert_eq!(after(|image| solarize(image, threshold)), expected, "{threshold}");
        }
    }

    #[test]
    fn gamma_follows_the_power_and_survives_any_number() {
        assert_eq!(after(|image| gamma(image, 1.0, 1.0)), every_value().pixels());
        for exponent in [0.01f32, 0.4, 1.7, 2.2, 9.0] {
            for (value, x) in after(|image| gamma(image, exponent, 0.9)).into_iter().zip(0..=255u8) {
                let exact = (f64::from(x) / 255.0).powf(f64::from(exponent)) * 0.9 * 255.999;
                assert!((f64::from(value) - exact.floor()).abs() <= f64::from(u8::from((exact - exact.round()).abs() < 1e-3)));
            }
        }
        for odd in [0.0, f32::MAX, f32::INFINITY, f32::NAN, -1.0] {
            after(|image| gamma(image, odd, 1.0));
            after(|image| gamma(image, 1.0, odd));
        }
    }
}
