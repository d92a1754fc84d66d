//! Sums over a channel's values, and the changes that follow from them. Knows rows of floats, not what is normalised over.
//!
//! Sums are taken in f64, in 16 running sums that are added in order: a value goes to the one of its place modulo 16.

use super::per_isa::per_isa;

const SUMS: usize = 16;

/// Each row's total. Not inlined: the compiler would go after the pairs that end up beside each other and add them one by one all along.
#[inline(never)]
fn totals(sums: &[f64; SUMS], others: &[f64; SUMS]) -> [f64; 2] {
    [sums.iter().sum(), others.iter().sum()]
}

#[inline(always)]
fn add(values: &[f64; SUMS], sums: &mut [f64; SUMS]) {
    for lane in 0..SUMS {
        sums[lane] += values[lane];
    }
}

per_isa! {
    /// Σ x and Σ x².
    pub fn moments(values: &[f32]) -> [f64; 2] {
        let (mut sums, mut squares) = ([0.0; SUMS], [0.0; SUMS]);
        let (whole, rest) = values.as_chunks::<SUMS>();
        for chunk in whole {
            let values = chunk.map(f64::from);
            add(&values, &mut sums);
            add(&values.map(|value| value * value), &mut squares);
        }
        for (lane, &value) in rest.iter().enumerate() {
            let value = f64::from(value);
            sums[lane] += value;
            squares[lane] += value * value;
        }
        totals(&sums, &squares)
    }
}

per_isa! {
    /// Σ g and Σ g·(x − mean), for values x and their gradients g.
    pub fn gradient_moments(values: &[f32], gradient: &[f32], mean: f32) -> [f64; 2] {
        let (mut sums, mut products) = ([0.0; SUMS], [0.0; SUMS]);
        let mean = f64::from(mean);
        let ((values, rest), (gradient, rest_of_gradient)) = (values.as_chunks::<SUMS>(), gradient.as_chunks::<SUMS>());
        for (values, gradient) in values.iter().zip(gradient) {
            let slopes = gradient.map(f64::from);
            let mut weighted = values.map(|value| f64::from(value) - mean);
            for lane in 0..SUMS {
                weighted[lane] *= slopes[lane];
            }
            add(&slopes, &mut sums);
            add(&weighted, &mut products);
        }
        for (lane, (&value, &slope)) in rest.iter().zip(rest_of_gradient).enumerate() {
            let slope = f64::from(slope);
            sums[lane] += slope;
            products[lane] += slope * (f64::from(value) - mean);
        }
        totals(&sums, &products)
    }
}

per_isa! {
    /// output = (x − mean) · scale + shift.
    pub fn centre_and_scale(values: &[f32], mean: f32, scale: f32, shift: f32, output: &mut [f32]) {
        for (value, output) in values.iter().zip(output) {
            *output = (value - mean) * scale + shift;
        }
    }
}

per_isa! {
    /// g ← of_gradient · g + of_value · (x − mean) + constant, for values x and their gradients g.
    pub fn combine(values: &[f32], mean: f32, factors: [f32; 3], gradient: &mut [f32]) {
        let [of_gradient, of_value, constant] = factors;
        for (value, slope) in values.iter().zip(gradient) {
            *slope = *slope * of_gradient + (value - mean) * of_value + constant;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};

    fn numbers(len: usize) -> Vec<f32> {
        (0..len).map(|i| (i * 7919 % 1009) as f32 / 100.0 - 3.0).collect()
    }

    #[test]
    fn sums_are_those_of_the_definition_and_the_same_on_every_isa() {
        for len in [0, 1, 15, 16, 17, 333] {
            let (values, gradient) = (numbers(len), numbers(len + 5)[5..].to_vec());
            let all = || (moments(&values), gradient_moments(&values, &gradient, 0.7));
            let plain = only(Isa::Plain, all);
            let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
                values.iter().zip(&gradient).map(|(&x, &g)| of(f64::from(x), f64::from(g))).sum()
            };
            let mean = f64::from(0.7f32);
            let expected = [sum(&|x, _| x), sum(&|x, _| x * x), sum(&|_, g| g), sum(&|x, g| g * (x - mean))];
            let found = [plain.0[0], plain.0[1], plain.1[0], plain.1[1]];
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-9 * e.abs().max(1.0)), "{len}");
            assert!(Isa::available().into_iter().all(|isa| only(isa, all) == plain));
        }
    }

    #[test]
    fn changes_have_the_same_bits_on_every_isa() {
        let all = |isa| {
            only(isa, || {
                let (values, mut gradient, mut output) = (numbers(333), numbers(333), vec![0.0; 333]);
                centre_and_scale(&values, 0.3, 1.7, -0.1, &mut output);
                combine(&output, 0.2, [0.3, 0.7, 0.01], &mut gradient);
                [output, gradient].concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
            })
        };
        assert!(Isa::available().into_iter().all(|isa| all(isa) == all(Isa::Plain)));
    }
}
