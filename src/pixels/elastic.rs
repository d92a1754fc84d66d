//! Fields of small moves, smooth and random, by which a picture is bent. Knows no generator: the seed is drawn elsewhere.
//!
//! The noise is a counter-based pattern, so that the same seed gives the same field on any thread and any instruction set.

use super::noise::uniform_words;
use crate::sample::Size;

/// How far each pixel of an image is moved, in pixels.
#[derive(Clone, Debug)]
pub struct Displacement {
    width: usize,
    along: [Vec<f32>; 2],
}

impl Displacement {
    /// The field `seed` for an image of `size`, as torchvision's `ElasticTransform` makes one: noise even over −1 … 1 for each axis,
    /// smoothed by a Gaussian of `sigma` (x, y) pixels on int(8σ + 1) taps, one more where that is even, and mirrored at the borders;
    /// then times `alpha` (x, y) · width / (2 · height) along x and `alpha` · height / (2 · width) along y.
    ///
    /// A sigma of 0 does not smooth. Weights are made in `f64` and kept as `f32`.
    pub fn new(size: Size, alpha: [f32; 2], sigma: [f32; 2], seed: u64) -> Self {
        let (height, width) = (size.height as usize, size.width as usize);
        let mut along = [vec![0f32; height * width], vec![0f32; height * width]];
        let [xs, ys] = &mut along;
        uniform_words(seed, xs, ys);
        let ratio = f64::from(size.width) / f64::from(size.height);
        let factors = [0.5 * ratio, 0.5 / ratio].map(|factor| factor as f32);
        for ((field, sigma), factor) in along.iter_mut().zip(sigma).zip([alpha[0] * factors[0], alpha[1] * factors[1]]) {
            smooth(field, width, sigma, factor);
        }
        Self { width, along }
    }

    /// The moves of row `y` along x and along y.
    pub fn row(&self, y: usize) -> (&[f32], &[f32]) {
        let of = |axis: usize| self.along[axis].get(y * self.width..(y + 1) * self.width).unwrap_or(&[]);
        (of(0), of(1))
    }
}

/// Smooths `field`, rows of `width`, and multiplies it by `factor`.
fn smooth(field: &mut [f32], width: usize, sigma: f32, factor: f32) {
    let weights = gaussian(sigma);
    let half = weights.len() / 2;
    let columns: Vec<usize> = mirrored(half, width).collect();
    let mut padded = vec![0.0; columns.len()];
    for row in field.chunks_exact_mut(width) {
        padded[half..half + width].copy_from_slice(row);
        for at in (0..half).chain(half + width..columns.len()) {
            padded[at] = row[columns[at]];
        }
        sum_along(&padded, &weights, row);
    }
    let height = field.len() / width;
    let rows: Vec<usize> = mirrored(half, height).collect();
    let source = field.to_vec();
    let scaled: Vec<f32> = weights.iter().map(|weight| weight * factor).collect();
    for (row, from) in field.chunks_exact_mut(width).zip(rows.windows(weights.len())) {
        sum_across(&source, from, &scaled, row);
    }
}

/// Half of the taps before the first of `length` places, to half of them after the last, mirrored where there is none.
fn mirrored(half: usize, length: usize) -> impl Iterator<Item = usize> {
    let last = length as i64 - 1;
    (-(half as i64)..length as i64 + half as i64).map(move |place| {
        let place = place.rem_euclid((2 * last).max(1));
        place.min(2 * last - place).max(0) as usize
    })
}

/// The weights of int(8σ + 1) taps, one more where that is even; a single one for σ = 0.
fn gaussian(sigma: f32) -> Vec<f32> {
    let sigma = f64::from(sigma);
    let half = (8.0 * sigma + 1.0) as i64 / 2;
    let weights = (-half..=half).map(|t| if half == 0 { 1.0 } else { (-0.5 * (t as f64 / sigma).powi(2)).exp() });
    let weights: Vec<f64> = weights.collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

/// Numbers that are summed together, few enough to stay in registers.
const BLOCK: usize = 64;

wide! {
    /// Each number of `out` from as many neighbours as there are weights; pairs with the same weight are added first.
    fn sum_along / sum_along_plain(padded: &[f32], weights: &[f32], out: &mut [f32]) {
        let half = weights.len() / 2;
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let from = &padded[block * BLOCK..][..out.len() + 2 * half];
            let mut sums = [0f32; BLOCK];
            for (sum, value) in sums.iter_mut().zip(&from[half..]) {
                *sum = *value * weights[half];
            }
            for tap in 0..half {
                let (left, right) = (&from[tap..][..out.len()], &from[2 * half - tap..][..out.len()]);
                for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
                    *sum += (left + right) * weights[tap];
                }
            }
            out.copy_from_slice(&sums[..out.len()]);
        }
    }
}

wide! {
    /// The same across rows of `source`, one for each weight.
    fn sum_across / sum_across_plain(source: &[f32], rows: &[usize], weights: &[f32], out: &mut [f32]) {
        let (width, half) = (out.len(), weights.len() / 2);
        for (block, out) in out.chunks_mut(BLOCK).enumerate() {
            let (start, count) = (block * BLOCK, out.len());
            let mut sums = [0f32; BLOCK];
            for (sum, value) in sums.iter_mut().zip(&source[rows[half] * width + start..][..count]) {
                *sum = *value * weights[half];
            }
            for tap in 0..half {
                let upper = &source[rows[tap] * width + start..][..count];
                let lower = &source[rows[2 * half - tap] * width + start..][..count];
                for ((sum, upper), lower) in sums.iter_mut().zip(upper).zip(lower) {
                    *sum += (upper + lower) * weights[tap];
                }
            }
            out.copy_from_slice(&sums[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(field: &[f32]) -> f64 {
        (field.iter().map(|&move_| f64::from(move_).powi(2)).sum::<f64>() / field.len() as f64).sqrt()
    }

    #[test]
    fn taps_follow_torchvisions_rule_and_weigh_one() {
        for (sigma, taps) in [(0.0, 1), (0.1, 1), (0.2, 3), (1.0, 9), (5.0, 41), (5.2, 43)] {
            let weights = gaussian(sigma);
            assert_eq!(weights.len(), taps, "{sigma}");
            assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn a_constant_field_stays_constant_whatever_its_size() {
        for (height, width) in [(1, 1), (1, 9), (9, 1), (3, 200)] {
            let mut field = vec![0.5; height * width];
            smooth(&mut field, width, 4.0, 3.0);
            assert!(field.iter().all(|value| (value - 1.5).abs() < 1e-4), "{height}x{width}");
        }
    }

    #[test]
    fn moves_have_the_spread_that_even_noise_smoothed_has() {
        let size = Size::new(300, 300);
        let raw = Displacement::new(size, [2.0, 6.0], [0.0, 0.0], 9);
        let thirds = 3f64.sqrt().recip();
        assert!((spread(&raw.along[0]) - thirds).abs() < 0.01 && (spread(&raw.along[1]) - 3.0 * thirds).abs() < 0.03);
        assert!(raw.along[0].iter().all(|x| (-1.0..1.0).contains(x)));
        // A Gaussian of σ averages over 4πσ² independent values.
        let field = Displacement::new(size, [50.0, 50.0], [3.0, 3.0], 9);
        let expected = 25.0 * thirds / (4.0 * std::f64::consts::PI * 9.0).sqrt();
        for axis in &field.along {
            assert!((spread(axis) / expected - 1.0).abs() < 0.1, "{} for {expected}", spread(axis));
        }
        let (wide, tall) = (Displacement::new(Size::new(100, 400), [8.0; 2], [0.0; 2], 1), 16.0);
        assert!(
            (spread(&wide.along[0]) / (tall * thirds) - 1.0).abs() < 0.02 && (spread(&wide.along[1]) / thirds - 1.0).abs() < 0.02
        );
    }

    #[test]
    fn the_axes_and_the_seeds_are_independent() {
        let size = Size::new(200, 200);
        let (one, two) = (Displacement::new(size, [2.0; 2], [0.0; 2], 1), Displacement::new(size, [2.0; 2], [0.0; 2], 2));
        let correlation = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a * b)).sum::<f64>() / a.len() as f64;
        assert!(correlation(&one.along[0], &one.along[1]).abs() < 0.01);
        assert!(correlation(&one.along[0], &two.along[0]).abs() < 0.01);
    }
}
