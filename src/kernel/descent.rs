//! The loops of plain descent over rows of numbers. Knows rows and factors only.

use super::per_isa::per_isa;

per_isa! {
    /// v ← momentum·v + g; w ← w − (of_gradient·g + of_velocity·v), where these are the `factors`, for every place of the three rows.
    pub fn descend(momentum: f32, factors: [f32; 2], params: &mut [f32], grads: &[f32], velocity: &mut [f32]) {
        let [of_gradient, of_velocity] = factors;
        for ((w, g), v) in params.iter_mut().zip(grads).zip(velocity) {
            *v = momentum * *v + g;
            *w -= of_gradient * g + of_velocity * *v;
        }
    }
}

per_isa! {
    /// to ← to + scale·from.
    pub fn add_scaled(scale: f32, from: &[f32], to: &mut [f32]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to += scale * from;
        }
    }
}

per_isa! {
    /// to ← values + scale·from.
    pub fn sum_scaled(values: &[f32], scale: f32, from: &[f32], to: &mut [f32]) {
        for ((to, value), from) in to.iter_mut().zip(values).zip(from) {
            *to = value + scale * from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};

    #[test]
    fn every_isa_gives_the_bits_of_the_formula() {
        let numbers = |salt: f32| -> Vec<f32> { (0..77).map(|i| (i as f32 * salt).sin()).collect() };
        for isa in Isa::available() {
            let (mut w, g, mut v) = (numbers(0.3), numbers(0.7), numbers(1.1));
            only(isa, || descend(0.9, [0.01, 0.02], &mut w, &g, &mut v));
            let (mut sums, mut others) = (g.clone(), vec![9.0; g.len()]);
            only(isa, || add_scaled(0.5, &w, &mut sums));
            only(isa, || sum_scaled(&g, 0.5, &w, &mut others));
            assert_eq!(sums, others);
            for i in 0..w.len() {
                let velocity = 0.9 * numbers(1.1)[i] + g[i];
                assert_eq!(v[i], velocity);
                assert_eq!(w[i], numbers(0.3)[i] - (0.01 * g[i] + 0.02 * velocity));
                assert_eq!(sums[i], g[i] + 0.5 * w[i]);
            }
        }
    }
}
