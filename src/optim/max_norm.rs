//! The max-norm constraint: no unit's weights are longer than a limit. Knows a matrix, not what it computes.

use super::PIECE;
use crate::kernel::reduce::sum_of_squares;
use rayon::prelude::*;

/// Shortens every row of a matrix of `units` rows whose Euclidean norm is more than `limit` to that norm (Srivastava et al. 2014:
/// the weights into one hidden unit; of a convolution, one filter). Runs on the current rayon pool; rows do not touch each other.
pub fn max_norm(params: &mut [f32], units: usize, limit: f64) {
    let width = params.len() / units.max(1);
    if width == 0 {
        return;
    }
    params.par_chunks_exact_mut(width).with_min_len(PIECE.div_ceil(width)).for_each(|unit| {
        let norm = sum_of_squares(unit).sqrt();
        if norm > limit {
            let factor = (limit / norm) as f32;
            unit.iter_mut().for_each(|w| *w *= factor);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_keep_their_direction_and_are_no_longer_than_the_limit(
            weights in proptest::collection::vec(-3.0f32..3.0, 1..60), units in 1usize..8, limit in 0.1..4.0f64,
        ) {
            let width = weights.len() / units;
            let mut after = weights[..units * width].to_vec();
            max_norm(&mut after, units, limit);
            for (before, after) in weights.chunks_exact(width.max(1)).zip(after.chunks_exact(width.max(1))) {
                let norm = |row: &[f32]| row.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
                prop_assert!(norm(after) <= limit * (1.0 + 1e-6));
                if norm(before) <= limit {
                    prop_assert_eq!(before, after);
                }
                for (b, a) in before.iter().zip(after) {
                    prop_assert!((f64::from(*b) * (limit / norm(before)).min(1.0) - f64::from(*a)).abs() < 1e-5);
                }
            }
        }
    }
}
