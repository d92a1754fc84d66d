//! Exponential, logarithm and the normal distribution from plain additions and multiplications, so that every platform gives the same bits.
//! Scalar functions that loops over slices may inline and vectorise. Knows nothing else.

/// log₂ e.
const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2 in two parts, the first short enough for its products with small integers to be exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// 1.5 · 2⁵²: adding it rounds to an integer, which then stands in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// eˣ, within 2 units in the last place for |x| ≤ 700, and held at e^±700 beyond. NaN gives NaN.
///
/// Range reduction to |r| ≤ ln 2 / 2, the Taylor series to r¹³, and the power of two put into the exponent bits.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let x = if x > 700.0 { 700.0 } else { x };
    let x = if x < -700.0 { -700.0 } else { x };
    let shifted = x * LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut sum = 1.0 / 6_227_020_800.0;
    let factorials =
        [479_001_600.0, 39_916_800.0, 3_628_800.0, 362_880.0, 40_320.0, 5_040.0, 720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0];
    for factorial in factorials {
        sum = sum * r + 1.0 / factorial;
    }
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0f64.to_bits()));
    sum * power
}

/// ln x for finite x > 0 that is not subnormal, within 2 units in the last place; NaN for anything else but +∞, which gives +∞.
///
/// x = 2ᵉ·m with m in [√½, √2), and ln m = 2 artanh((m−1)/(m+1)) as a series.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    if x == f64::INFINITY {
        return x;
    }
    if x.is_nan() || x < f64::MIN_POSITIVE {
        return f64::NAN;
    }
    let offset = x.to_bits().wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits());
    let exponent = (offset as i64 >> 52) as f64;
    let m = f64::from_bits(x.to_bits().wrapping_sub(offset & 0xFFF0_0000_0000_0000));
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut sum = 1.0 / 23.0;
    for odd in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        sum = sum * square + 1.0 / odd;
    }
    let log_m = 2.0 * s + 2.0 * s * (square * sum);
    exponent * LN2_HIGH + (exponent * LN2_LOW + log_m)
}

/// e^t²·erfc t for 0 ≤ t ≤ 6.5 as a polynomial in (t − 3) / (t + 3), highest power first, within 8·10⁻⁹ of its value: fitted for the
/// smallest greatest error, relative.
const SCALED_ERFC: [f32; 10] = [
    -0.000_123_411_46,
    -0.000_715_964_24,
    0.000_719_663_05,
    0.004_308_181,
    -0.024_387_14,
    0.071_661_68,
    -0.150_116_55,
    0.245_603_96,
    -0.326_233_54,
    0.179_001_15,
];

/// e^−x for x of 0 or more, within 2·10⁻⁷ of its value and held at e^−87 beyond: as [`exp`], but in f32, by fused multiply-adds and up
/// to r⁶.
#[inline(always)]
fn exp_minus(x: f32) -> f32 {
    /// 1.5 · 2²³, which rounds to an integer as [`ROUNDER`] does.
    const ROUNDER: f32 = 12_582_912.0;
    /// ln 2 as the difference of a short number and a small one.
    const LN2: [f32; 2] = [0.693_359_4, 2.121_944_4e-4];
    let x = if x > 87.0 { -87.0 } else { -x };
    let shifted = x.mul_add(LOG2_E as f32, ROUNDER);
    let n = shifted - ROUNDER;
    let r = n.mul_add(LN2[1], n.mul_add(-LN2[0], x));
    let mut sum = 1.0 / 720.0;
    for factorial in [120.0, 24.0, 6.0, 2.0, 1.0, 1.0] {
        sum = r.mul_add(sum, 1.0 / factorial);
    }
    sum * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()))
}

/// Of the normal distribution, in f32: |x|, or 6.5·√2 where that is less, Φ(−|x|), the share beyond, and φ(x), the density. Both lie
/// within 10⁻⁶ of their values where |x| ≤ 5, and the density is held at e^−87 far out.
#[inline(always)]
pub fn normal(x: f32) -> (f32, f32, f32) {
    const FARTHEST: f32 = 6.5 * std::f32::consts::SQRT_2;
    let bell = exp_minus(0.5 * x * x);
    let far = x.abs();
    let far = if far > FARTHEST { FARTHEST } else { far };
    let t = far * std::f32::consts::FRAC_1_SQRT_2;
    let u = (t - 3.0) / (t + 3.0);
    let mut sum = 0.0;
    for factor in SCALED_ERFC {
        sum = u.mul_add(sum, factor);
    }
    (far, 0.5 * bell * sum, bell * 0.398_942_3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exp_is_that_of_the_platform_within_rounding(x in -700.0..700.0f64) {
            prop_assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15 * 4.0);
        }

        #[test]
        fn ln_is_that_of_the_platform_within_rounding(x in prop_oneof![1e-300..1e300f64, 1e-9..1e9f64, 0.5..2.0f64]) {
            prop_assert!((ln(x) - x.ln()).abs() <= 4e-16 * x.ln().abs().max(1e-3));
        }
    }

    #[test]
    fn the_normal_distribution_is_the_known_one() {
        let known = [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_07),
            (-1.0, 0.158_655_253_931_457_07),
            (-2.5, 0.006_209_665_325_776_132),
            (4.0, 3.167_124_183_311_986e-5),
            (-6.0, 9.865_876_450_376_946e-10),
            (-9.0, 1.128_588_405_953_84e-19),
        ];
        for (x, expected) in known {
            let (far, tail, _) = normal(x);
            assert!((f64::from(tail) / expected - 1.0).abs() < 2e-6 && far == x.abs(), "{x}: {tail}");
        }
        for place in -5000..=5000 {
            let x = place as f32 * 1e-3;
            let density = exp(-0.5 * f64::from(x) * f64::from(x)) * 0.398_942_280_401_432_7;
            assert!((f64::from(normal(x).2) / density - 1.0).abs() < 1e-6, "{x}");
            // The density is the slope of the share, to the error of a difference over a thousandth.
            let slope = (f64::from(normal(x - 5e-3).1) - f64::from(normal(x + 5e-3).1)) * 100.0;
            assert!((slope.abs() - density).abs() < 4e-5 || x.abs() < 6e-3, "{x}: {slope} {density}");
        }
        assert!(normal(f32::NAN).1.is_nan() && normal(f32::NAN).0.is_nan());
        assert!(normal(f32::INFINITY).1 < 1e-37 && normal(f32::NEG_INFINITY).0 < 9.3);
    }

    #[test]
    fn corners() {
        assert_eq!((exp(0.0), ln(1.0)), (1.0, 0.0));
        assert!(exp(f64::NAN).is_nan() && ln(f64::NAN).is_nan() && ln(-1.0).is_nan() && ln(0.0).is_nan());
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
        assert!(exp(f64::NEG_INFINITY) < 1e-300 && exp(f64::INFINITY) > 1e300);
    }
}
