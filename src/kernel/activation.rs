//! Activations and their gradients. Knows slices only.
//!
//! Where an output tells its input, the gradient is computed from the *output*, in place, so that the input need not be kept.
//! The others ([`Curve`]) need it.

use super::per_isa::per_isa;
use crate::math::{exp, normal};

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

per_isa! {
    /// x where it is not negative, `slope` · x elsewhere, in place; `slope` 0 or more.
    pub fn leaky_relu(slope: f32, values: &mut [f32]) {
        for value in values {
            *value = if *value < 0.0 { *value * slope } else { *value };
        }
    }
}

per_isa! {
    /// Gradient of [`leaky_relu`] in place: times `slope` where the output is not above 0.
    pub fn leaky_relu_gradient(slope: f32, output: &[f32], gradient: &mut [f32]) {
        for (value, gradient) in output.iter().zip(gradient) {
            *gradient = if *value > 0.0 { *gradient } else { *gradient * slope };
        }
    }
}

/// An activation that falls and rises, so that an output may come from two inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// x · Φ(x).
    Gelu,
    /// Its approximation by tanh: x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))).
    GeluTanh,
    /// x / (1 + e⁻ˣ).
    Silu,
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// √(2/π).
const SLOPE: f64 = 0.797_884_560_802_865_4;
const CUBE: f64 = 0.044_715;

per_isa! {
    // For x of 0 or more, x · Φ(x) is x − x · Φ(−x): what is taken off is small, and so are its errors.
    fn gelu(input: &[f32], output: &mut [f32]) {
        for (x, y) in input.iter().zip(output) {
            let (far, tail, _) = normal(*x);
            *y = far.mul_add(-tail, if *x > 0.0 { *x } else { 0.0 });
        }
    }
}

per_isa! {
    fn gelu_gradient(input: &[f32], gradient: &[f32], to: &mut [f32]) {
        for ((x, g), to) in input.iter().zip(gradient).zip(to) {
            let (far, tail, density) = normal(*x);
            let beyond = far.mul_add(density, -tail);
            *to = g * if *x > 0.0 { 1.0 + beyond } else { -beyond };
        }
    }
}

per_isa! {
    fn gelu_tanh(input: &[f32], output: &mut [f32]) {
        for (x, y) in input.iter().zip(output) {
            let x = f64::from(*x);
            // (1 + tanh u) / 2 is the logistic function of 2u.
            *y = (x * logistic(2.0 * SLOPE * (x + CUBE * x * x * x))) as f32;
        }
    }
}

per_isa! {
    fn gelu_tanh_gradient(input: &[f32], gradient: &[f32], to: &mut [f32]) {
        for ((x, g), to) in input.iter().zip(gradient).zip(to) {
            let x = f64::from(*x);
            let share = logistic(2.0 * SLOPE * (x + CUBE * x * x * x));
            let inner = 2.0 * SLOPE * (1.0 + 3.0 * CUBE * x * x);
            *to = (f64::from(*g) * (share + x * share * (1.0 - share) * inner)) as f32;
        }
    }
}

per_isa! {
    fn silu(input: &[f32], output: &mut [f32]) {
        for (x, y) in input.iter().zip(output) {
            let x = f64::from(*x);
            *y = (x * logistic(x)) as f32;
        }
    }
}

per_isa! {
    fn silu_gradient(input: &[f32], gradient: &[f32], to: &mut [f32]) {
        for ((x, g), to) in input.iter().zip(gradient).zip(to) {
            let x = f64::from(*x);
            let share = logistic(x);
            *to = (f64::from(*g) * (share * (1.0 + x * (1.0 - share)))) as f32;
        }
    }
}

impl Curve {
    /// Writes the outputs, computed in f64 and rounded; those of [`Curve::Gelu`] in f32, within 3·10⁻⁷.
    pub fn apply(self, input: &[f32], output: &mut [f32]) {
        match self {
            Curve::Gelu => gelu(input, output),
            Curve::GeluTanh => gelu_tanh(input, output),
            Curve::Silu => silu(input, output),
        }
    }

    /// Writes the gradients of the inputs from those of the outputs.
    pub fn gradient(self, input: &[f32], gradient: &[f32], to: &mut [f32]) {
        match self {
            Curve::Gelu => gelu_gradient(input, gradient, to),
            Curve::GeluTanh => gelu_tanh_gradient(input, gradient, to),
            Curve::Silu => silu_gradient(input, gradient, to),
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
                let in_place =
                    [tanh, sigmoid, relu, |values: &mut [f32]| leaky_relu(0.1, values)].map(|function: fn(&mut [f32])| {
                        let mut values = grid();
                        function(&mut values);
                        values
                    });
                let curves = CURVES.map(|curve| {
                    let [mut values, mut slopes] = [grid(), grid()];
                    curve.apply(&grid(), &mut values);
                    curve.gradient(&grid(), &grid(), &mut slopes);
                    [values, slopes].concat()
                });
                in_place.into_iter().chain(curves).flatten().map(f32::to_bits).collect::<Vec<_>>()
            })
        };
        assert!(Isa::available().into_iter().all(|isa| all(isa) == all(Isa::Plain)));
    }

    const CURVES: [Curve; 3] = [Curve::Gelu, Curve::GeluTanh, Curve::Silu];

    #[test]
    fn curves_have_the_values_that_pytorch_gives() {
        // x, then `gelu(x)`, `gelu(x, approximate="tanh")` and `silu(x)` in f64, from the formulas.
        let known = [
            (-3.0f32, [-0.004_049_694_094_890_3, -0.003_637_392_081_773, -0.142_277_619_532_7]),
            (-0.5, [-0.154_268_769_362_993_4, -0.154_285_990_174_856, -0.188_770_334_399_073]),
            (0.0, [0.0, 0.0, 0.0]),
            (1.0, [0.841_344_746_068_542_9, 0.841_191_990_608_277, 0.731_058_578_630_005]),
            (2.5, [2.484_475_836_685_56, 2.484_915_733_910, 2.310_354_549_5]),
        ];
        for (x, expected) in known {
            for (curve, expected) in CURVES.into_iter().zip(expected) {
                let mut found = [0.0];
                curve.apply(&[x], &mut found);
                assert!((f64::from(found[0]) - expected).abs() < 2e-7, "{curve:?} {x}: {}", found[0]);
            }
        }
    }

    /// The reference is the sum of Φ's series, which converges everywhere.
    #[test]
    fn gelu_and_its_slope_are_those_of_the_formula() {
        let share = |x: f64| {
            let (mut term, mut sum) = (x, x);
            for k in 1..200 {
                term *= x * x / f64::from(2 * k + 1);
                sum += term;
            }
            let density = 0.398_942_280_401_432_7 * (-0.5 * x * x).exp();
            (0.5 + density * sum, density)
        };
        let input: Vec<f32> = (-6000..=6000).map(|i| i as f32 * 1e-3).collect();
        let [mut values, mut slopes] = [input.clone(), input.clone()];
        Curve::Gelu.apply(&input, &mut values);
        Curve::Gelu.gradient(&input, &vec![1.0; input.len()], &mut slopes);
        for ((&x, y), slope) in input.iter().zip(values).zip(slopes) {
            let (share, density) = share(f64::from(x));
            assert!((f64::from(y) - f64::from(x) * share).abs() < 3e-7, "{x}: {y}");
            assert!((f64::from(slope) - share - f64::from(x) * density).abs() < 3e-7, "{x}: {slope}");
        }
        let ends = [f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30];
        let [mut values, mut slopes] = [[0.0; 4]; 2];
        Curve::Gelu.apply(&ends, &mut values);
        Curve::Gelu.gradient(&ends, &[1.0; 4], &mut slopes);
        assert!(values[..1] == ends[..1] && values[2] == 1e30 && values[1].abs() < 1e-30 && values[3].abs() < 1e-30, "{values:?}");
        assert!(slopes[0] == 1.0 && slopes[2] == 1.0 && slopes[1].abs() < 1e-30 && slopes[3].abs() < 1e-30, "{slopes:?}");
    }

    #[test]
    fn a_leaky_slope_is_that_below_zero_and_0_is_relu() {
        let (mut values, mut gradient) = ([-2.0, 0.0, 3.0], [1.0; 3]);
        leaky_relu(0.1, &mut values);
        leaky_relu_gradient(0.1, &values, &mut gradient);
        assert_eq!((values, gradient), ([-0.2, 0.0, 3.0], [0.1, 0.1, 1.0]));
    }

    #[test]
    fn nan_passes_through() {
        for curve in CURVES {
            let (mut output, mut to) = ([0.0; 2], [0.0; 2]);
            curve.apply(&[f32::NAN; 2], &mut output);
            curve.gradient(&[f32::NAN; 2], &[1.0; 2], &mut to);
            assert!(output.iter().chain(&to).all(|value| value.is_nan()), "{curve:?}");
        }
        for function in [relu as fn(&mut [f32]), tanh, sigmoid] {
            let mut values = [f32::NAN; 3];
            function(&mut values);
            assert!(values.iter().all(|value| value.is_nan()));
        }
    }
}
