//! From a bin to a magnitude: evenly spaced from nothing to the most, in `f32` as torch's `linspace` does it. Knows no pixels.

use super::Elementary::{self, *};
use crate::sample::Size;

/// The largest magnitudes of a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranges {
    /// Columns a row, or rows a column.
    pub shear: f64,
    /// How far images are moved.
    pub translate: Side,
    /// Degrees.
    pub rotate: f64,
    /// What is added to or taken from the factor 1 of brightness, color, contrast and sharpness.
    pub enhance: f64,
    /// Bits that posterize keeps at bin 0.
    pub bits: u8,
    /// Bits that it drops from there until the last bin.
    pub dropped: u8,
}

/// A length along the width or the height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// A part of the side.
    Share(f64),
    /// Pixels.
    Pixels(f64),
}

/// AutoAugment and RandAugment.
pub const STANDARD: Ranges =
    Ranges { shear: 0.3, translate: Side::Share(150.0 / 331.0), rotate: 30.0, enhance: 0.9, bits: 8, dropped: 4 };

/// TrivialAugmentWide.
pub const WIDE: Ranges = Ranges { shear: 0.99, translate: Side::Pixels(32.0), rotate: 135.0, enhance: 0.99, bits: 8, dropped: 6 };

/// AugMix.
pub const AUG_MIX: Ranges =
    Ranges { shear: 0.3, translate: Side::Share(1.0 / 3.0), rotate: 30.0, enhance: 0.9, bits: 4, dropped: 4 };

impl Ranges {
    /// The magnitude of `op` at `bin` of `bins` (from 0; 2 or more), for an image of `size`, without a sign; 0 where `op` has none.
    pub fn magnitude(&self, op: Elementary, bin: usize, bins: usize, size: Size) -> f32 {
        let even = |most: f64| linspace(0.0, most as f32, bin, bins);
        match op {
            ShearX | ShearY => even(self.shear),
            TranslateX => even(self.translate.along(size.width)),
            TranslateY => even(self.translate.along(size.height)),
            Rotate => even(self.rotate),
            Brightness | Color | Contrast | Sharpness => even(self.enhance),
            Posterize => {
                let bins_a_bit = (bins - 1) as f64 / f64::from(self.dropped);
                (f32::from(self.bits) - bin as f32 / bins_a_bit as f32).round_ties_even()
            }
            Solarize => linspace(1.0, 0.0, bin, bins),
            Identity | AutoContrast | Equalize | Invert => 0.0,
        }
    }
}

impl Side {
    fn along(self, side: u32) -> f64 {
        match self {
            Self::Share(share) => share * f64::from(side),
            Self::Pixels(pixels) => pixels,
        }
    }
}

/// Number `index` of `count` evenly spaced ones: counted from the nearer end, with one rounding, as torch has it where it does not
/// count in blocks of 8. So the middle bin of 32 pixels is a hair less than 16, of which 15 are moved.
fn linspace(start: f32, end: f32, index: usize, count: usize) -> f32 {
    let last = count.max(2) - 1;
    let step = (end - start) / last as f32;
    if index < count / 2 { step.mul_add(index as f32, start) } else { (-step).mul_add(last.saturating_sub(index) as f32, end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(48, 64);

    fn close(got: f32, expected: f32) {
        assert!((got - expected).abs() < 1e-5, "{got}, not {expected}");
    }

    #[test]
    fn bins_have_the_magnitudes_of_the_table() {
        for (op, expected) in [(ShearX, 0.09), (Rotate, 9.0), (Color, 0.27), (Posterize, 7.0), (Solarize, 0.7)] {
            close(STANDARD.magnitude(op, 9, 31, SIZE), expected);
        }
        close(STANDARD.magnitude(TranslateX, 9, 31, SIZE), 150.0 / 331.0 * 0.3 * 64.0);
        close(STANDARD.magnitude(TranslateY, 9, 31, SIZE), 150.0 / 331.0 * 0.3 * 48.0);
        assert_eq!(WIDE.magnitude(TranslateX, 30, 31, SIZE), 32.0);
        assert_eq!(WIDE.magnitude(Rotate, 15, 31, SIZE), 67.5);
        assert_eq!(AUG_MIX.magnitude(TranslateY, 9, 10, SIZE), 16.0);
    }

    #[test]
    fn posterize_keeps_the_bits_of_the_table() {
        let bits = |ranges: Ranges, bins: usize| {
            (0..bins).map(|bin| ranges.magnitude(Posterize, bin, bins, SIZE) as u8).collect::<Vec<_>>()
        };
        assert_eq!(bits(STANDARD, 10), [8, 8, 7, 7, 6, 6, 5, 5, 4, 4]);
        assert_eq!(bits(AUG_MIX, 10), [4, 4, 3, 3, 2, 2, 1, 1, 0, 0]);
        let runs = |bits: &[u8]| bits.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect::<Vec<_>>();
        assert_eq!(runs(&bits(STANDARD, 31)), [(8, 4), (7, 8), (6, 7), (5, 8), (4, 4)]);
        assert_eq!(runs(&bits(WIDE, 31)), [(8, 3), (7, 5), (6, 5), (5, 5), (4, 5), (3, 5), (2, 3)]);
    }
}
