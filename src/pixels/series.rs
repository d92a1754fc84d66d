//! exp and ln in `f64` from sums, products and quotients alone, so that they are the same number on every platform,
//! which the platforms' own functions are not. For parameters and tables, not for pixels. Knows no image.

use std::f64::consts::{LN_2, LOG2_E, SQRT_2};

/// 1/n! from n = 0 on.
const EXP: [f64; 15] = {
    let (mut factors, mut n) = ([1.0; 15], 1);
    while n < 15 {
        factors[n] = factors[n - 1] / n as f64;
        n += 1;
    }
    factors
};

/// eˣ to about 15 digits: 2ᵏ times the Taylor series of the rest, which is at most ln 2 / 2. 0 below −700, e⁷⁰⁰ above 700, NaN for NaN.
pub(super) fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    let x = if x > 700.0 { 700.0 } else { x };
    let whole = (x * LOG2_E + if x < 0.0 { -0.5 } else { 0.5 }) as i64 as f64;
    let rest = x - whole * LN_2;
    let series = EXP.iter().rev().fold(0.0, |sum, factor| sum * rest + factor);
    series * power_of_two(whole as i64)
}

/// The natural logarithm of x > 0 to about 15 digits: 2·artanh((m − 1)/(m + 1)) for the mantissa m around 1, plus k·ln 2.
pub(super) fn ln(x: f64) -> f64 {
    // Numbers too small for an exponent of their own are brought into reach.
    let (x, lift) = if x < f64::MIN_POSITIVE { (x * (1u64 << 54) as f64, 54) } else { (x, 0) };
    let exponent = ((x.to_bits() >> 52) & 0x7FF) as i64 - 1023;
    let mantissa = x * power_of_two(-exponent);
    let (mantissa, exponent) = if mantissa > SQRT_2 { (mantissa / 2.0, exponent + 1) } else { (mantissa, exponent) };
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let series = (0..=10).rev().fold(0.0, |sum, n| sum * t * t + 1.0 / f64::from(2 * n + 1));
    2.0 * t * series + (exponent - lift) as f64 * LN_2
}

/// 2 to the power of `exponent`, which is brought within −1022 … 1023.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent.clamp(-1022, 1023) + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_those_of_the_standard_library_to_fourteen_digits() {
        for step in -14_000..14_000 {
            let x = f64::from(step) / 20.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 3e-13, "exp {x}");
            let y = (x / 2.0).exp();
            assert!((ln(y) - y.ln()).abs() <= 1e-14 * (1.0 + y.ln().abs()), "ln {y}");
        }
        assert_eq!((exp(0.0), ln(1.0)), (1.0, 0.0));
        assert!((ln(5e-324) - 5e-324f64.ln()).abs() < 1e-12);
        assert!(exp(f64::NAN).is_nan() && exp(f64::INFINITY) > 1e300 && exp(f64::NEG_INFINITY) == 0.0);
    }
}
