//! Activations and their gradients, in place. Knows slices only.
//!
//! Every gradient is computed from the activation's *output*, so that the input need not be kept.

use super::per_isa::per_isa;
use crate::math::exp;

per_isa! {
    /// max(x, 0) in place. NaN stays NaN.
    pub fn relu(values: &mut [f32]) {
        for value in values {
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
    }
}

per_isa! {
    /// Gradient of [`relu`] in place: kept where the output is above 0, else 0.
    pub fn relu_gradient(output: &[f32], gradient: &mut [f32]) {
        for (value, gradient) in output.iter().zip(gradient) {
            *gradient = if *value > 0.0 { *gradient } else { 0.0 };
        }
    }
}

per_isa! {
    /// Hyperbolic tangent in place, computed in f64 and rounded.
    pub fn tanh(values: &mut [f32]) {
        for value in values {
            let x = f64::from(*value);
            *value = (1.0 - 2.0 / (exp(2.0 * x) + 1.0)) as f32;
        }
    }
}

per_isa! {
    /// Gradient of [`tanh`] in place: times 1 − y².
    pub fn tanh_gradient(output: &[f32], gradient: &mut [f32]) {
        for (y, gradient) in output.iter().zip(gradient) {
            *gradient *= 1.0 - y * y;
        }
    }
}

per_isa! {
    /// Logistic function 1 / (1 + e⁻ˣ) in place, computed in f64 and rounded.
    pub fn sigmoid(values: &mut [f32]) {
        for value in values {
            *value = (1.0 / (1.0 + exp(-f64::from(*value)))) as f32;
        }
    }
}

per_isa! {
    /// Gradient of [`sigmoid`] in place: times y (1 − y).
    pub fn sigmoid_gradient(output: &[f32], gradient: &mut [f32]) {
        for (y, gradient) in output.iter().zip(gradient) {
            *gradient *= y * (1.0 - y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::isa::only;

    fn grid() -> Vec<f32> {
        let numbers = (-4003..4003).map(|i| i as f32 * 0.01);
        numbers.chain([1e-30, -1e-20, 3e38, -3e38, f32::INFINITY, f32::NEG_INFINITY]).collect()
    }

    #[test]
    fn values_are_those_of_the_formulas() {
        let (mut tanhs, mut sigmoids, mut relus) = (grid(), grid(), grid());
        tanh(&mut tanhs);
        sigmoid(&mut sigmoids);
        relu(&mut relus);
        for (i, x) in grid().into_iter().enumerate() {
            let wide = f64::from(x);
            assert!((f64::from(tanhs[i]) - wide.tanh()).abs() <= 6e-8 * wide.tanh().abs() + 1e-16, "tanh {x}");
            assert!((f64::from(sigmoids[i]) - 1.0 / (1.0 + (-wide).exp())).abs() <= 6e-8, "sigmoid {x}");
            assert_eq!(relus[i], x.max(0.0));
        }
    }

    #[test]
    fn every_isa_gives_the_same_bits() {
        let all = |isa| {
            only(isa, || {
                [tanh, sigmoid, relu].map(|function: fn(&mut [f32])| {
                    let mut values = grid();
                    function(&mut values);
                    values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
                })
            })
        };
        assert!(Isa::available().into_iter().all(|isa| all(isa) == all(Isa::Plain)));
    }

    #[test]
    fn nan_passes_through() {
        for function in [relu as fn(&mut [f32]), tanh, sigmoid] {
            let mut values = [f32::NAN; 3];
            function(&mut values);
            assert!(values.iter().all(|value| value.is_nan()));
        }
    }
}
