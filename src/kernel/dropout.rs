//! Inverted dropout with a mask that is computed, not stored. Knows a key and slices.
//!
//! The random number of element i of row r under key k is a function of (k, r, i) alone: the row's key is SplitMix64's output
//! for k + r·golden ratio, and the element's 32 bits come from a two-round multiply-xorshift hash of i and that key. The same
//! call made on gradients therefore drops the same elements, and no generator has a state.

use super::per_isa::per_isa;

/// SplitMix64's output function (Steele, Lea, Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// 32 random bits of `element` under two halves of a key.
#[inline(always)]
fn bits(low: u32, high: u32, element: u32) -> u32 {
    let mut x = element.wrapping_mul(0x9E37_79B9).wrapping_add(low);
    x = (x ^ (x >> 16)).wrapping_mul(0x21F0_AAAD) ^ high;
    x = (x ^ (x >> 15)).wrapping_mul(0xD35A_2D97);
    x ^ (x >> 15)
}

per_isa! {
    fn scale(low: u32, high: u32, threshold: u32, factor: f32, values: &mut [f32]) {
        for (element, value) in values.iter_mut().enumerate() {
            let kept = bits(low, high, element as u32) >> 8 < threshold;
            *value = if kept { *value * factor } else { 0.0 };
        }
    }
}

/// Keeps each value with probability `keep`, a multiple of 2⁻²⁴, and divides the kept ones by it; drops the others to 0.
///
/// Applied to activations it is the forward pass, to gradients the backward pass. `keep` at 1 or above changes nothing.
pub fn drop_out(key: u64, row: u64, keep: f32, values: &mut [f32]) {
    if keep >= 1.0 {
        return;
    }
    let key = mix(key.wrapping_add(row.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let threshold = (f64::from(keep) * f64::from(1u32 << 24)).round().max(0.0) as u32;
    scale(key as u32, (key >> 32) as u32, threshold, 1.0 / keep, values);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::isa::only;

    fn mask(key: u64, row: u64, keep: f32, len: usize) -> Vec<bool> {
        let mut values = vec![1.0; len];
        drop_out(key, row, keep, &mut values);
        assert!(values.iter().all(|&value| value == 0.0 || value == 1.0 / keep));
        values.into_iter().map(|value| value > 0.0).collect()
    }

    #[test]
    fn the_expectation_is_kept() {
        for keep in [0.1f32, 0.5, 0.8] {
            let rows = 1000;
            let kept: usize = (0..rows).map(|row| mask(7, row, keep, 997).iter().filter(|&&kept| kept).count()).sum();
            let draws = rows as f64 * 997.0;
            let deviation = (kept as f64 - draws * f64::from(keep)) / (draws * f64::from(keep * (1.0 - keep))).sqrt();
            assert!(deviation.abs() < 4.0, "keep {keep}: {deviation} standard deviations");
        }
    }

    #[test]
    fn neighbours_in_every_direction_are_independent() {
        let agree = |one: &[bool], other: &[bool]| one.iter().zip(other).filter(|(a, b)| a == b).count() as f64;
        let pairs = |shift: &dyn Fn(u64) -> (Vec<bool>, Vec<bool>)| -> f64 {
            let agreements: f64 = (0..200)
                .map(|row| {
                    let (one, other) = shift(row);
                    agree(&one, &other)
                })
                .sum();
            (agreements - 100_000.0) / 50_000f64.sqrt()
        };
        let next_row = pairs(&|row| (mask(3, row, 0.5, 1000), mask(3, row + 1, 0.5, 1000)));
        let next_key = pairs(&|row| (mask(row, 5, 0.5, 1000), mask(row + 1, 5, 0.5, 1000)));
        let next_element = pairs(&|row| {
            let all = mask(9, row, 0.5, 1001);
            (all[1..].to_vec(), all[..1000].to_vec())
        });
        let next_line = pairs(&|row| {
            let all = mask(9, row, 0.5, 1032);
            (all[32..].to_vec(), all[..1000].to_vec())
        });
        for deviation in [next_row, next_key, next_element, next_line] {
            assert!(deviation.abs() < 4.5, "{deviation} standard deviations");
        }
    }

    #[test]
    fn every_isa_drops_the_same() {
        let masks = |isa| only(isa, || mask(1, 2, 0.7, 1001));
        assert!(Isa::available().into_iter().all(|isa| masks(isa) == masks(Isa::Plain)));
    }

    #[test]
    fn keeping_all_changes_nothing_and_keeping_none_leaves_none() {
        assert!(mask(1, 1, 1.0, 100).into_iter().all(|kept| kept));
        let mut values = [1.0; 50];
        drop_out(1, 1, 0.0, &mut values);
        assert_eq!(values, [0.0; 50]);
    }
}
