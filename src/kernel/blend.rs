//! Two rows of numbers become one. Knows numbers only.

use super::per_isa::per_isa;

per_isa! {
    /// values ← `keep` · values + `take` · others, each product rounded before the sum, as far as both reach.
    pub fn blend(values: &mut [f32], keep: f32, others: &[f32], take: f32) {
        for (value, &other) in values.iter_mut().zip(others) {
            *value = *value * keep + other * take;
        }
    }
}

per_isa! {
    /// values ← values + others, as far as both reach.
    pub fn add(values: &mut [f32], others: &[f32]) {
        for (value, other) in values.iter_mut().zip(others) {
            *value += other;
        }
    }
}

per_isa! {
    /// values ← factor · values.
    pub fn scale(values: &mut [f32], factor: f32) {
        for value in values {
            *value *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};

    #[test]
    fn every_isa_gives_the_bits_of_the_formula() {
        let others: Vec<f32> = (0..1003).map(|place| (place * 7919 % 1009) as f32 / 300.0 - 1.5).collect();
        let values: Vec<f32> = others.iter().rev().map(|value| value * 0.7).collect();
        let expected: Vec<u32> = values.iter().zip(&others).map(|(&v, &o)| (v * 0.3f32 + o * 0.7f32).to_bits()).collect();
        for isa in Isa::available() {
            let mut mixed = values.clone();
            only(isa, || blend(&mut mixed, 0.3, &others, 0.7));
            assert_eq!(mixed.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), expected, "{isa:?}");
        }
    }
}
