//! How the values of one tensor are spread, as data. Knows no network.

use serde::Serialize;

/// Values counted in buckets of equal width.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Histogram {
    /// Name of the tensor: `0.weight`.
    pub name: String,
    /// Values that were counted: all that are finite.
    pub values: u64,
    /// The smallest of them; 0 where there are none.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_of_squares: f64,
    /// Upper ends of the buckets, in order; each begins where the one before ends, the first at `min`, and the last ends at `max`.
    pub limits: Vec<f64>,
    /// Values in each.
    pub counts: Vec<u64>,
}

/// Buckets of a histogram; one where all values are equal.
const BUCKETS: usize = 30;

impl Histogram {
    /// Counts `values`, in one walk for the ends and one for the buckets.
    pub fn of(name: &str, values: &[f32]) -> Self {
        let finite = || values.iter().filter(|value| value.is_finite()).map(|&value| f64::from(value));
        let mut found = Self { name: name.to_owned(), ..Self::default() };
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in finite() {
            (min, max) = (min.min(value), max.max(value));
            found.values += 1;
            found.sum += value;
            found.sum_of_squares += value * value;
        }
        if found.values == 0 {
            return found;
        }
        (found.min, found.max) = (min, max);
        let buckets = if min < max { BUCKETS } else { 1 };
        let width = (max - min) / buckets as f64;
        found.limits = (1..buckets).map(|bucket| min + width * bucket as f64).chain([max]).collect();
        found.counts = vec![0; buckets];
        // The last bucket holds its upper end, too. A width of 0 gives NaN, which is bucket 0.
        finite().for_each(|value| found.counts[(((value - min) / width) as usize).min(buckets - 1)] += 1);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_in_one_bucket() {
        let values: Vec<f32> = (0..1000).map(|n| (n as f32 * 0.37).sin() * 3.0).chain([f32::NAN, f32::INFINITY]).collect();
        let found = Histogram::of("w", &values);
        assert_eq!((found.values, found.counts.iter().sum::<u64>(), found.limits.len()), (1000, 1000, BUCKETS));
        assert_eq!(found.limits.last(), Some(&found.max));
        assert!(found.limits.is_sorted() && found.limits[0] > found.min);
        for (bucket, &limit) in found.limits.iter().enumerate().take(BUCKETS - 1) {
            let below = values.iter().filter(|&&value| f64::from(value) < limit - 1e-9).count() as u64;
            let counted: u64 = found.counts[..=bucket].iter().sum();
            assert!(counted >= below && counted <= below + 2, "{bucket}");
        }
        let mean = values.iter().filter(|value| value.is_finite()).map(|&value| f64::from(value)).sum::<f64>();
        assert_eq!(found.sum, mean);
    }

    #[test]
    fn equal_values_and_none_are_counted_too() {
        let equal = Histogram::of("b", &[2.0; 7]);
        assert_eq!((equal.min, equal.max, equal.limits, equal.counts), (2.0, 2.0, vec![2.0], vec![7]));
        assert_eq!(Histogram::of("none", &[f32::NAN]), Histogram { name: "none".into(), ..Histogram::default() });
        let widest = Histogram::of("w", &[f32::MIN, 0.0, f32::MAX]);
        assert_eq!(widest.counts.iter().sum::<u64>(), 3);
    }
}
