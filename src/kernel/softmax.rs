//! Softmax cross-entropy of rows of logits. Knows numbers and class numbers.

use crate::math::{exp, ln};

/// What one row of logits is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Cross-entropy −Σ tⱼ ln softmax(x)ⱼ in nats.
    pub loss: f64,
    /// Whether the label's logit is the greatest, the first of equals. Never where a logit is NaN.
    pub correct: bool,
}

/// Loss of one row against `label`, whose target is (1 − `smoothing`) on the label plus `smoothing` / classes everywhere.
///
/// Where `gradient` is given, it becomes `scale` · (softmax(x) − target). Computed in f64 with the maximum subtracted.
///
/// # Panics
/// Where `label` is no index of `logits`, or `gradient` has another length.
pub fn cross_entropy(logits: &[f32], label: usize, smoothing: f64, scale: f64, gradient: Option<&mut [f32]>) -> Score {
    let classes = logits.len() as f64;
    let (greatest, sum) = shifted_sum(logits);
    let log_sum = ln(sum) + greatest;
    let target = |j: usize| smoothing / classes + if j == label { 1.0 - smoothing } else { 0.0 };
    let uniform: f64 = if smoothing == 0.0 { 0.0 } else { logits.iter().map(|&x| log_sum - f64::from(x)).sum::<f64>() / classes };
    let loss = (1.0 - smoothing) * (log_sum - f64::from(logits[label])) + smoothing * uniform;
    if let Some(gradient) = gradient {
        assert_eq!(gradient.len(), logits.len());
        for (j, (gradient, &x)) in gradient.iter_mut().zip(logits).enumerate() {
            *gradient = (scale * (exp(f64::from(x) - greatest) / sum - target(j))) as f32;
        }
    }
    Score { loss, correct: is_first_greatest(logits, label) }
}

/// Loss of one row against `shares` of all classes, smoothed as in PyTorch: the target is (1 − `smoothing`) · share + `smoothing` /
/// classes. A row counts as correct where its greatest logit is the class of the greatest share, the first of equals.
///
/// Where `gradient` is given, it becomes `scale` · (Σ target · softmax(x) − target), whether or not shares add up to 1.
///
/// # Panics
/// Where `shares` or `gradient` is not as long as `logits`, or there is none.
pub fn soft_cross_entropy(logits: &[f32], shares: &[f32], smoothing: f64, scale: f64, gradient: Option<&mut [f32]>) -> Score {
    assert_eq!(shares.len(), logits.len());
    let (greatest, sum) = shifted_sum(logits);
    let log_sum = ln(sum) + greatest;
    let evenly = smoothing / logits.len() as f64;
    let target = |share: f32| (1.0 - smoothing) * f64::from(share) + evenly;
    let loss = logits.iter().zip(shares).map(|(&x, &share)| target(share) * (log_sum - f64::from(x))).sum();
    if let Some(gradient) = gradient {
        assert_eq!(gradient.len(), logits.len());
        let whole: f64 = shares.iter().map(|&share| target(share)).sum();
        for ((gradient, &x), &share) in gradient.iter_mut().zip(logits).zip(shares) {
            *gradient = (scale * (whole * (exp(f64::from(x) - greatest) / sum) - target(share))) as f32;
        }
    }
    let main = (1..shares.len()).fold(0, |main, class| if shares[class] > shares[main] { class } else { main });
    Score { loss, correct: is_first_greatest(logits, main) }
}

/// The greatest logit, and Σ exp(x − greatest).
fn shifted_sum(logits: &[f32]) -> (f64, f64) {
    let greatest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    (greatest, logits.iter().map(|&x| exp(f64::from(x) - greatest)).sum())
}

/// Whether no logit is greater than that of `class` and none before it is as great; false where one is NaN.
fn is_first_greatest(logits: &[f32], class: usize) -> bool {
    let chosen = logits[class];
    logits[..class].iter().all(|&x| x < chosen) && logits[class..].iter().all(|&x| x <= chosen)
}

/// Writes softmax(x) of one row of logits to `out`, in f64 with the maximum subtracted.
///
/// # Panics
/// Where `out` has another length.
pub fn softmax(logits: &[f32], out: &mut [f64]) {
    assert_eq!(out.len(), logits.len());
    let greatest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    for (out, &x) in out.iter_mut().zip(logits) {
        *out = exp(f64::from(x) - greatest);
    }
    let sum: f64 = out.iter().sum();
    out.iter_mut().for_each(|probability| *probability /= sum);
}

/// Loss of the mean of several rows of probabilities, one after the other in `rows`, against `label`: −ln of the label's mean.
///
/// Each class is added up in the order of the rows. Correct as [`Score::correct`] says, of the means.
///
/// # Panics
/// Where `label` is no index of a row of `classes`.
pub fn mean_cross_entropy(rows: &[f64], classes: usize, label: usize) -> Score {
    let views = (rows.len() / classes) as f64;
    let mean = |class: usize| rows.chunks_exact(classes).map(|row| row[class]).sum::<f64>() / views;
    let chosen = mean(label);
    let correct = (0..label).all(|class| mean(class) < chosen) && (label..classes).all(|class| mean(class) <= chosen);
    // Below it the logarithm is not defined; NaN stays what it is.
    let held = if chosen < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { chosen };
    Score { loss: -ln(held), correct }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_logits_cost_the_logarithm_of_the_number_of_classes() {
        let score = cross_entropy(&[3.0; 10], 4, 0.0, 1.0, None);
        assert!((score.loss - 10f64.ln()).abs() < 1e-14 && !score.correct);
    }

    #[test]
    fn the_mean_of_one_row_scores_as_the_row() {
        let logits = [0.3f32, -2.0, 1.5, 1.5];
        let mut row = [0.0; 4];
        softmax(&logits, &mut row);
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        for label in 0..4 {
            let (one, mean) = (cross_entropy(&logits, label, 0.0, 1.0, None), mean_cross_entropy(&row, 4, label));
            assert!((one.loss - mean.loss).abs() < 1e-14 && one.correct == mean.correct, "{label}: {one:?}, {mean:?}");
        }
    }

    #[test]
    fn probabilities_are_averaged_and_not_logits_or_losses() {
        let rows = [0.9, 0.1, 0.2, 0.8, 0.7, 0.3];
        let score = mean_cross_entropy(&rows, 2, 0);
        assert!((score.loss + 0.6f64.ln()).abs() < 1e-15 && score.correct);
        assert!(!mean_cross_entropy(&rows, 2, 1).correct);
        assert!(mean_cross_entropy(&[0.0, 1.0], 2, 0).loss > 700.0);
        let unknown = mean_cross_entropy(&[f64::NAN, f64::NAN], 2, 0);
        assert!(unknown.loss.is_nan() && !unknown.correct);
    }

    #[test]
    fn huge_logits_and_nan_do_no_harm() {
        assert!(cross_entropy(&[1e30, -1e30], 0, 0.1, 1.0, None).loss.is_finite());
        let score = cross_entropy(&[0.0, f32::NAN], 0, 0.0, 1.0, None);
        assert!(score.loss.is_nan() && !score.correct);
        assert!(!cross_entropy(&[f32::NAN, 0.0], 0, 0.0, 1.0, None).correct);
        assert!(soft_cross_entropy(&[1e30, -1e30], &[0.5, 0.5], 0.1, 1.0, None).loss.is_finite());
        let score = soft_cross_entropy(&[0.0, f32::NAN], &[0.9, 0.1], 0.0, 1.0, None);
        assert!(score.loss.is_nan() && !score.correct);
    }

    #[test]
    fn soft_loss_is_that_of_the_formula() {
        // softmax(0, ln 3) = (1/4, 3/4); targets (1/4, 3/4) smoothed by 1/5 are (0.3, 0.7).
        let logits = [0.0, 3f32.ln()];
        let (quarter, rest) = (4f64.ln(), (4.0f64 / 3.0).ln());
        let mut gradient = [0.0; 2];
        let plain = soft_cross_entropy(&logits, &[0.25, 0.75], 0.0, 2.0, Some(&mut gradient));
        assert!((plain.loss - 0.25 * quarter - 0.75 * rest).abs() < 1e-7 && plain.correct);
        assert!(gradient.iter().all(|value| value.abs() < 1e-7), "{gradient:?}");
        let smoothed = soft_cross_entropy(&logits, &[0.25, 0.75], 0.2, 2.0, Some(&mut gradient));
        assert!((smoothed.loss - 0.3 * quarter - 0.7 * rest).abs() < 1e-7);
        assert!((gradient[0] + 0.1).abs() < 1e-7 && (gradient[1] - 0.1).abs() < 1e-7, "{gradient:?}");
    }

    #[test]
    fn a_soft_row_is_correct_where_the_class_of_the_greatest_share_wins() {
        let correct = |shares: &[f32]| soft_cross_entropy(&[1.0, 3.0, 2.0], shares, 0.0, 1.0, None).correct;
        assert!(correct(&[0.3, 0.7, 0.0]) && !correct(&[0.7, 0.3, 0.0]) && !correct(&[0.0, 0.4, 0.6]));
        assert!(!correct(&[0.5, 0.5, 0.0]) && correct(&[0.0, 0.5, 0.5]), "the first of equals");
    }

    proptest! {
        #[test]
        fn the_gradient_is_that_of_the_loss(logits in prop::collection::vec(-4.0..4.0f32, 2..7), smoothing in 0.0..0.5f64, pick in 0usize..7) {
            let label = pick % logits.len();
            let mut gradient = vec![0.0; logits.len()];
            cross_entropy(&logits, label, smoothing, 1.0, Some(&mut gradient));
            for j in 0..logits.len() {
                let h = 1.0 / 64.0;
                let at = |by: f32| {
                    let mut moved = logits.clone();
                    moved[j] += by;
                    (cross_entropy(&moved, label, smoothing, 1.0, None).loss, f64::from(moved[j]))
                };
                let ((above, to), (below, from)) = (at(h), at(-h));
                prop_assert!(((above - below) / (to - from) - f64::from(gradient[j])).abs() < 1e-4);
            }
            prop_assert!(gradient.iter().sum::<f32>().abs() < 1e-6);
        }

        #[test]
        fn the_soft_gradient_is_that_of_the_soft_loss(
            rows in prop::collection::vec((-4.0..4.0f32, 0.0..1.0f32), 2..7), smoothing in 0.0..0.5f64,
        ) {
            let (logits, shares): (Vec<f32>, Vec<f32>) = rows.into_iter().unzip();
            let mut gradient = vec![0.0; logits.len()];
            soft_cross_entropy(&logits, &shares, smoothing, 1.0, Some(&mut gradient));
            for j in 0..logits.len() {
                let h = 1.0 / 64.0;
                let at = |by: f32| {
                    let mut moved = logits.clone();
                    moved[j] += by;
                    (soft_cross_entropy(&moved, &shares, smoothing, 1.0, None).loss, f64::from(moved[j]))
                };
                let ((above, to), (below, from)) = (at(h), at(-h));
                prop_assert!(((above - below) / (to - from) - f64::from(gradient[j])).abs() < 4e-4);
            }
        }

        #[test]
        fn soft_loss_and_gradient_are_the_mean_of_those_of_the_labels(
            logits in prop::collection::vec(-9.0..9.0f32, 2..7), smoothing in 0.0..0.5f64, picks in (0usize..7, 0usize..7), eighths in 0u8..=8,
        ) {
            let (one, other) = (picks.0 % logits.len(), picks.1 % logits.len());
            let share = f32::from(eighths) / 8.0;
            let mut shares = vec![0.0; logits.len()];
            shares[one] += share;
            shares[other] += 1.0 - share;
            let [mut soft, mut first, mut second] = [0, 1, 2].map(|_| vec![0.0; logits.len()]);
            let mixed = soft_cross_entropy(&logits, &shares, smoothing, 1.0, Some(&mut soft)).loss;
            let by_one = cross_entropy(&logits, one, smoothing, 1.0, Some(&mut first)).loss;
            let by_other = cross_entropy(&logits, other, smoothing, 1.0, Some(&mut second)).loss;
            let mean = |a: f64, b: f64| f64::from(share) * a + (1.0 - f64::from(share)) * b;
            prop_assert!((mixed - mean(by_one, by_other)).abs() < 1e-12 * (1.0 + mixed));
            for ((soft, first), second) in soft.into_iter().zip(first).zip(second) {
                prop_assert!((f64::from(soft) - mean(first.into(), second.into())).abs() < 2e-7);
            }
        }
    }
}
