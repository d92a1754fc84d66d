//! Shot noise: what a sensor sees that counts few photons. Knows no generator: the pattern is drawn elsewhere.

use super::noise::{LANES, philox};
use super::series::exp;
use crate::sample::Image;

/// Fewest photons that stand for white.
pub const FEWEST_PHOTONS: f32 = 0.01;
/// Most photons that stand for white: at 700 the probability of none is still a normal `f64`.
pub const MOST_PHOTONS: f32 = 700.0;

/// 2³², the certain event.
const WHOLE: u64 = 1 << 32;
/// The part of it that each of 256 columns holds.
const COLUMN: u32 = 1 << 24;

/// Replaces every value x by 255·n/`photons`, rounded and at most 255, where n is Poisson distributed with mean
/// `photons`·x/255; `photons` is brought within its bounds. n follows from the words of the Philox pattern `seed`, one a value.
pub fn shot_noise(image: &mut Image, photons: f32, seed: u64) {
    let photons = if photons > FEWEST_PHOTONS { photons.min(MOST_PHOTONS) } else { FEWEST_PHOTONS };
    let mut used = [false; 256];
    image.pixels().iter().for_each(|&value| used[usize::from(value)] = true);
    let mut tables = vec![[0; 256]; 256];
    for (value, table) in tables.iter_mut().enumerate().filter(|(value, _)| used[*value]) {
        *table = alias(outcomes(value as u8, f64::from(photons)));
    }
    count(image.pixels_mut(), &tables, seed);
}

wide! {
    fn count / count_plain(values: &mut [u8], tables: &[[u32; 256]], seed: u64) {
        let mut words = [[0; LANES]; 4];
        for (group, values) in values.chunks_mut(4 * LANES).enumerate() {
            philox(seed, (group * LANES) as u64, &mut words);
            for (value, &word) in values.iter_mut().zip(words.as_flattened()) {
                let cell = tables[usize::from(*value)][(word >> 24) as usize];
                *value = if (word << 8) < (cell & !0xFF) { (word >> 24) as u8 } else { cell as u8 };
            }
        }
    }
}

/// How much of [`WHOLE`] each result has for an old `value`.
fn outcomes(value: u8, photons: f64) -> [u64; 256] {
    let mean = photons * f64::from(value) / 255.0;
    let mut parts = [0.0; 256];
    let (mut probability, mut n) = (exp(-mean), 0.0);
    // Beyond eight deviations nothing of 2³² is left.
    let last = mean + 8.0 * mean.sqrt() + 20.0;
    while n <= last {
        parts[(255.0 * n / photons).round_ties_even().min(255.0) as usize] += probability;
        n += 1.0;
        probability *= mean / n;
    }
    let mut shares = parts.map(|part| (part * WHOLE as f64).round() as u64);
    let most = (0..256).max_by_key(|&place| shares[place]).unwrap_or(0);
    let others: u64 = shares.iter().sum::<u64>() - shares[most];
    shares[most] = WHOLE - others;
    shares
}

/// Walker's alias table (Vose, *A linear algorithm for generating random numbers with a given distribution*, 1991), in whole
/// numbers: column c gives c where a 24-bit number is below the upper 24 bits of its cell, or else the lower 8 bits.
fn alias(mut shares: [u64; 256]) -> [u32; 256] {
    let column = u64::from(COLUMN);
    let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..256).partition(|&place| shares[place] < column);
    // A column that is full is its own alias.
    let mut cells: [u32; 256] = std::array::from_fn(|place| place as u32);
    while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
        cells[poor] = (shares[poor] as u32) << 8 | rich as u32;
        shares[rich] -= column - shares[poor];
        if shares[rich] < column {
            large.pop();
            small.push(rich);
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Size;

    #[test]
    fn alias_tables_hold_exactly_the_shares() {
        for (value, photons) in [(0, 30.0), (1, 0.01), (77, 5.5), (200, 60.0), (255, 700.0), (128, 700.0)] {
            let shares = outcomes(value, photons);
            assert_eq!(shares.iter().sum::<u64>(), WHOLE);
            let mut held = [0u64; 256];
            for (column, cell) in alias(shares).into_iter().enumerate() {
                held[column] += u64::from(cell >> 8);
                held[(cell & 0xFF) as usize] += u64::from(COLUMN - (cell >> 8));
            }
            assert_eq!(held, shares, "{value} {photons}");
        }
    }

    #[test]
    fn shares_are_the_probabilities_of_poisson() {
        // With 255 photons, results are counts, so that mean and variance of a value are the value.
        for value in [1u8, 10, 60, 130] {
            let shares = outcomes(value, 255.0).map(|share| share as f64 / WHOLE as f64);
            let mean: f64 = shares.iter().enumerate().map(|(n, share)| n as f64 * share).sum();
            let variance: f64 = shares.iter().enumerate().map(|(n, share)| (n as f64 - mean).powi(2) * share).sum();
            assert!((mean - f64::from(value)).abs() < 1e-4 && (variance - f64::from(value)).abs() < 1e-3, "{mean} {variance}");
            let none = (-f64::from(value)).exp();
            assert!((shares[0] - none).abs() < 1e-9, "{} {none}", shares[0]);
        }
    }

    #[test]
    fn mean_and_variance_of_noisy_images_are_those_of_poisson() {
        for (value, photons) in [(128u8, 30.0f32), (40, 12.0), (100, 200.0)] {
            let mut image = Image::filled(Size::new(300, 400), 1, value);
            shot_noise(&mut image, photons, 3);
            let count = image.pixels().len() as f64;
            let mean = image.pixels().iter().map(|&v| f64::from(v)).sum::<f64>() / count;
            let variance = image.pixels().iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
            let expected = f64::from(value) * 255.0 / f64::from(photons);
            assert!((mean - f64::from(value)).abs() < 4.0 * (expected / count).sqrt() + 0.05, "{mean} for {value}");
            assert!((variance / expected - 1.0).abs() < 0.02, "{variance} for {expected}");
        }
    }

    #[test]
    fn black_stays_black_and_nonsense_is_brought_into_range() {
        let mut image = Image::filled(Size::new(20, 20), 3, 0);
        shot_noise(&mut image, 3.0, 1);
        assert!(image.pixels().iter().all(|&value| value == 0));
        for photons in [0.0, -1.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE] {
            shot_noise(&mut Image::filled(Size::new(9, 9), 3, 200), photons, 1);
        }
    }
}
