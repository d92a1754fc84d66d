//! How well a share of a sample tells the share of the whole: score intervals. Knows counts only.

use crate::event::diagnosis::Accuracy;

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;
/// Accuracies are shown to a tenth of a per cent.
const SHOWN: f64 = 0.001;

/// The 95 % score interval of a share after Wilson (1927), without continuity correction: its ends lie in 0–1 whatever the
/// counts. 0 to 1 where there are no samples.
pub fn wilson(successes: u64, samples: u64) -> (f64, f64) {
    if samples == 0 {
        return (0.0, 1.0);
    }
    let share = successes as f64 / samples as f64;
    let (middle, half) = score(share, samples as f64);
    // Exact at the ends, where rounding would leave a trace.
    let low = if successes == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if successes == samples { 1.0 } else { (middle + half).min(1.0) };
    (low, high)
}

/// Middle and half width of the interval of `share` in `n` samples.
fn score(share: f64, n: f64) -> (f64, f64) {
    let square = Z * Z;
    let shrink = 1.0 / (1.0 + square / n);
    let middle = shrink * (share + square / (2.0 * n));
    let half = shrink * Z * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    (middle, half)
}

/// The fewest samples at which half of Wilson's interval of `share` is at most `half_width`, which is above 0.
pub fn samples_needed(share: f64, half_width: f64) -> u64 {
    let wide = |n: u64| score(share, n as f64).1 > half_width;
    let (mut few, mut many) = (0, 1);
    while wide(many) && many < 1 << 60 {
        (few, many) = (many, 2 * many);
    }
    while many - few > 1 {
        let n = few + (many - few) / 2;
        if wide(n) { few = n } else { many = n }
    }
    many
}

/// An accuracy with its interval, and whether that is narrow enough for the digits that are shown.
pub fn accuracy(correct: u64, samples: u64) -> Accuracy {
    let value = correct as f64 / samples.max(1) as f64;
    let (low, high) = wilson(correct, samples);
    let half_width = (high - low) / 2.0;
    let samples_needed = samples_needed(value, SHOWN);
    Accuracy { value, low, high, half_width, shown: SHOWN, enough: samples >= samples_needed, samples_needed }
}

/// A share of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Those that count.
    pub of: u64,
    /// All of them.
    pub samples: u64,
}

impl Share {
    /// Its value; 0 where there are no samples.
    pub fn value(self) -> f64 {
        self.of as f64 / self.samples.max(1) as f64
    }

    /// Lower end of the 95 % interval of `self` − `other`, two independent samples: Newcombe's (1998) method 10, made of the two
    /// Wilson intervals.
    pub fn surely_above(self, other: Share) -> f64 {
        let (low, high) = (wilson(self.of, self.samples).0, wilson(other.of, other.samples).1);
        let (down, up) = (self.value() - low, high - other.value());
        self.value() - other.value() - (down * down + up * up).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn intervals_are_those_that_newcombe_published() {
        // Statistics in Medicine 17 (1998), p. 861, table I, method 3, and p. 877, table II, method 10.
        let cases =
            [((81, 263), (0.2553, 0.3662)), ((15, 148), (0.0624, 0.1605)), ((0, 20), (0.0, 0.1611)), ((1, 29), (0.0061, 0.1718))];
        for ((of, samples), (low, high)) in cases {
            let found = wilson(of, samples);
            assert!((found.0 - low).abs() < 5e-5 && (found.1 - high).abs() < 5e-5, "{of}/{samples}: {found:?}");
        }
        let differences = [((56, 70), (48, 80), 0.0524), ((9, 10), (3, 10), 0.1705), ((5, 56), (0, 29), -0.0381)];
        for ((a, m), (b, n), low) in differences {
            let found = Share { of: a, samples: m }.surely_above(Share { of: b, samples: n });
            assert!((found - low).abs() < 5e-5, "{a}/{m} − {b}/{n}: {found}");
        }
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share_and_mirrors(samples in 1u64..5000, part in 0.0..=1.0f64) {
            let of = (part * samples as f64).round() as u64;
            let ((low, high), share) = (wilson(of, samples), of as f64 / samples as f64);
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            let (mirrored_low, mirrored_high) = wilson(samples - of, samples);
            prop_assert!((mirrored_low - (1.0 - high)).abs() < 1e-12 && (mirrored_high - (1.0 - low)).abs() < 1e-12);
            let (wider_low, wider_high) = wilson(of, samples);
            let (narrow_low, narrow_high) = wilson(4 * of, 4 * samples);
            prop_assert!(narrow_high - narrow_low < wider_high - wider_low);
        }

        #[test]
        fn so_many_samples_are_needed_and_no_fewer(share in 0.0..=1.0f64, half in 0.0005..0.2f64) {
            let n = samples_needed(share, half);
            prop_assert!(score(share, n as f64).1 <= half);
            prop_assert!(n == 1 || score(share, (n - 1) as f64).1 > half);
        }
    }

    #[test]
    fn nothing_is_known_of_no_samples_and_enough_is_what_is_needed() {
        assert_eq!(wilson(0, 0), (0.0, 1.0));
        let small = accuracy(384, 400);
        assert!(!small.enough && (small.half_width - 0.0194).abs() < 5e-4, "{small:?}");
        assert!((145_000..150_000).contains(&small.samples_needed), "{small:?}");
        let needed = samples_needed(0.5, SHOWN);
        assert!(accuracy(needed / 2, needed).enough && !accuracy(needed / 4, needed / 2).enough);
    }
}
