//! Powers and cosines from additions and multiplications alone, so that they have the same bits on every platform; the
//! system's own differ in their last bits. Knows nothing of what they are for.

/// baseⁿ by squaring.
pub fn power(base: f64, exponent: u64) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            result *= square;
        }
        square *= square;
        rest >>= 1;
    }
    result
}

/// cos(π·x) for x in [0, 1], to about 10⁻¹⁶; x is clamped.
pub fn cos_pi(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    match x {
        _ if x > 0.5 => -cos_pi(1.0 - x),
        // The series converges fastest near 0: above π/4 the cosine is the sine of what is missing to π/2.
        _ if x > 0.25 => {
            let angle = std::f64::consts::PI * (0.5 - x);
            angle * series(angle * angle, 3.0)
        }
        _ => {
            let angle = std::f64::consts::PI * x;
            series(angle * angle, 2.0)
        }
    }
}

/// 1 − z/((f−1)f) · (1 − z/((f+1)(f+2)) · (…)): the cosine's series in z = angle² for f = 2, the sine's, divided by the angle,
/// for f = 3.
fn series(z: f64, first: f64) -> f64 {
    let terms = (0..10).rev().map(|term| first + 2.0 * f64::from(term));
    terms.fold(1.0, |inner, factor| 1.0 - z / ((factor - 1.0) * factor) * inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_agree_with_the_systems() {
        for step in 0..=1000 {
            let x = f64::from(step) / 1000.0;
            assert!((cos_pi(x) - (std::f64::consts::PI * x).cos()).abs() < 4e-16, "{x}");
        }
        assert_eq!([cos_pi(0.0), cos_pi(0.5), cos_pi(1.0), cos_pi(7.0)], [1.0, 0.0, -1.0, -1.0]);
    }

    #[test]
    fn powers_agree_with_repeated_multiplication() {
        let mut product = 1.0;
        for n in 0..200 {
            assert!((power(0.97, n) / product - 1.0).abs() < 1e-13, "{n}");
            product *= 0.97;
        }
        assert_eq!(power(0.9, u64::MAX), 0.0);
    }
}
