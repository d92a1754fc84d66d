//! Draws from the gamma family: normal, gamma, beta, Dirichlet. Knows only the uniform draws of [`Dice`].
//!
//! Logarithms and exponentials are the crate's own, so the bits are the same on every platform. Gamma variables are kept as
//! logarithms: with a small shape they would round to 0, and quotients of them to nothing.

use super::Dice;
use crate::math::{exp, ln};

impl Dice {
    /// Normal with mean 0 and deviation 1 (Marsaglia's polar method; the second number of each pair is left).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0));
            let square = x * x + y * y;
            if square < 1.0 && square > 0.0 {
                return x * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }

    /// Beta(`a`, `b`), in [0, 1]: mean a/(a + b), variance ab/((a + b)²(a + b + 1)). Shapes are held within 0.001 to 10⁹.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.ln_gamma(a), self.ln_gamma(b));
        1.0 / (1.0 + exp(y - x))
    }

    /// Dirichlet(`shapes`): as many numbers in [0, 1] as there are shapes, with sum 1 but for rounding and means in the
    /// proportion of the shapes, which are held within 0.001 to 10⁹.
    pub fn dirichlet(&mut self, shapes: &[f64]) -> Vec<f64> {
        let logarithms: Vec<f64> = shapes.iter().map(|&shape| self.ln_gamma(shape)).collect();
        let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let parts: Vec<f64> = logarithms.iter().map(|logarithm| exp(logarithm - largest)).collect();
        let sum: f64 = parts.iter().sum();
        parts.iter().map(|part| part / sum).collect()
    }

    /// The logarithm of a gamma variable of scale 1 (Marsaglia and Tsang, *A simple method for generating gamma variables*,
    /// 2000; a shape below 1 is raised by 1 and paid for with U^(1/shape)).
    fn ln_gamma(&mut self, shape: f64) -> f64 {
        // So that NaN becomes the smallest, too.
        let shape = if shape > 1e-3 { shape.min(1e9) } else { 1e-3 };
        let raised = if shape < 1.0 { ln(1.0 - self.unit()) / shape } else { 0.0 };
        let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let (v, ln_v) = (root * root * root, 3.0 * ln(root));
            if ln(1.0 - self.unit()) < 0.5 * x * x + d - d * v + d * ln_v {
                return ln(d) + ln_v + raised;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Key;
    use super::*;

    fn dice(op: u64) -> Dice {
        Key { run: 1, epoch: 2, sample: 3, op }.dice()
    }

    /// Mean and variance.
    fn moments(numbers: &[f64]) -> (f64, f64) {
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        (mean, numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / numbers.len() as f64)
    }

    fn beta_variance(a: f64, b: f64) -> f64 {
        a * b / ((a + b).powi(2) * (a + b + 1.0))
    }

    #[test]
    fn normals_have_their_first_four_moments() {
        let mut dice = dice(1);
        let numbers: Vec<f64> = (0..40_000).map(|_| dice.normal()).collect();
        let (mean, variance) = moments(&numbers);
        let fourth = numbers.iter().map(|number| number.powi(4)).sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03 && (fourth - 3.0).abs() < 0.25, "{mean} {variance} {fourth}");
    }

    #[test]
    fn betas_have_their_mean_and_variance_for_small_and_large_shapes() {
        for (a, b) in [(0.2, 0.2), (0.4, 1.0), (1.0, 1.0), (2.0, 5.0), (30.0, 30.0), (0.05, 0.05)] {
            let mut dice = dice(2);
            let numbers: Vec<f64> = (0..20_000).map(|_| dice.beta(a, b)).collect();
            assert!(numbers.iter().all(|number| (0.0..=1.0).contains(number)));
            let (mean, variance) = moments(&numbers);
            let expected = beta_variance(a, b);
            assert!((mean - a / (a + b)).abs() < 5.0 * (expected / 20_000.0).sqrt(), "Beta({a}, {b}): mean {mean}");
            assert!((variance / expected - 1.0).abs() < 0.05, "Beta({a}, {b}): variance {variance}, not {expected}");
        }
    }

    #[test]
    fn beta_one_one_is_even() {
        let mut dice = dice(3);
        let mut tenths = [0u32; 10];
        (0..20_000).for_each(|_| tenths[((dice.beta(1.0, 1.0) * 10.0) as usize).min(9)] += 1);
        assert!(tenths.iter().all(|&count| count.abs_diff(2_000) < 225), "{tenths:?}");
    }

    #[test]
    fn a_dirichlet_sums_to_one_and_each_part_has_its_mean_and_variance() {
        let shapes = [1.0, 0.5, 3.0];
        let mut dice = dice(4);
        let rows: Vec<Vec<f64>> = (0..20_000).map(|_| dice.dirichlet(&shapes)).collect();
        assert!(rows.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
        for (part, shape) in shapes.into_iter().enumerate() {
            let (mean, variance) = moments(&rows.iter().map(|row| row[part]).collect::<Vec<_>>());
            let expected = beta_variance(shape, 4.5 - shape);
            assert!((mean - shape / 4.5).abs() < 5.0 * (expected / 20_000.0).sqrt(), "part {part}: mean {mean}");
            assert!((variance / expected - 1.0).abs() < 0.05, "part {part}: variance {variance}, not {expected}");
        }
    }

    #[test]
    fn the_bits_are_pinned_and_no_shape_hangs() {
        // Changed values here change every recorded run that mixes pictures.
        let mut dice = dice(5);
        let got = [dice.normal(), dice.beta(0.2, 0.2), dice.beta(3.0, 1.5)].map(f64::to_bits);
        assert_eq!(got, PINNED);
        for shape in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300, 1e300] {
            assert!((0.0..=1.0).contains(&dice.beta(shape, shape)), "{shape}");
        }
        assert!(dice.dirichlet(&[]).is_empty());
    }
    const PINNED: [u64; 3] = [13_831_295_818_544_044_171, 4_595_979_098_155_050_390, 4_606_324_795_769_156_725];
}
