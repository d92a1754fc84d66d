//! Means of a few numbers with 95 % intervals. Knows no run.

use serde::Serialize;

/// The 97.5 % quantiles of Student's t distribution for 1 to 30 degrees of freedom.
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101,
    2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];
/// The same of the normal distribution.
const Z: f64 = 1.959_964;

/// A mean, and how far it may be off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Half the width of its 95 % interval; none of a single number.
    pub half_width: Option<f64>,
    /// Numbers.
    pub count: usize,
}

/// Mean of `values` with the interval mean ± t · s / √n (Student 1908), for values that are independent and about normal; none
/// where there are none.
pub fn interval(values: &[f64]) -> Option<Interval> {
    let count = values.len();
    if count == 0 {
        return None;
    }
    let n = count as f64;
    let mean = values.iter().sum::<f64>() / n;
    let half_width = (count > 1).then(|| {
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        quantile(count - 1) * (variance / n).sqrt()
    });
    Some(Interval { mean, half_width, count })
}

/// Beyond the table by the first terms of the expansion about the normal quantile (Fisher and Cornish 1960).
fn quantile(freedom: usize) -> f64 {
    let v = freedom as f64;
    let beyond = || Z + (Z.powi(3) + Z) / (4.0 * v) + (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * v * v);
    T.get(freedom.saturating_sub(1)).copied().unwrap_or_else(beyond)
}

impl Interval {
    /// Whether zero lies outside, so that the sign is no accident of the seeds.
    pub fn is_certain(&self) -> bool {
        self.half_width.is_some_and(|half| self.mean.abs() > half)
    }

    /// In words: the mean times `scale`, and what it may be off by.
    pub fn words(&self, scale: f64, digits: usize, signed: bool) -> String {
        let mean = self.mean * scale;
        let mean = if signed { format!("{mean:+.digits$}") } else { format!("{mean:.digits$}") };
        self.half_width.map_or(mean.clone(), |half| format!("{mean} ± {:.digits$}", half * scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_textbook() {
        let found = interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(found.mean, 3.0);
        assert!((found.half_width.unwrap() - 2.776 * (2.5f64 / 5.0).sqrt()).abs() < 1e-12);
        assert!(found.is_certain() && !interval(&[-1.0, 1.5]).unwrap().is_certain());
        assert_eq!((interval(&[]), interval(&[2.0]).unwrap().half_width), (None, None));
        assert_eq!(found.words(10.0, 1, true), "+30.0 ± 19.6");
    }

    #[test]
    fn quantiles_fall_towards_the_normal_one() {
        let all: Vec<f64> = (1..200).map(quantile).collect();
        assert!(all.is_sorted_by(|a, b| a > b), "{all:?}");
        assert!((quantile(60) - 2.0003).abs() < 2e-4 && (quantile(100_000) - Z).abs() < 1e-4);
    }
}
