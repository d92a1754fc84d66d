//! Whether confidence can be believed: bins of confidence held against accuracy. Knows no class.

use crate::event::diagnosis::{Bin, Calibration};

/// Bins of equal width.
pub const BINS: usize = 15;

/// What the numbers mean, for whoever reads the report.
const DEFINITION: &str = "confidence = probability of the predicted class; 15 bins of equal width, above/to; expected_error = sum over bins of \
                          (samples in bin / samples) * |accuracy - mean confidence|, greatest_error = greatest |accuracy - mean \
                          confidence| of a bin that has samples (Guo et al. 2017)";

/// Adds up confidences, in the order in which they come.
#[derive(Clone, Debug, Default)]
pub struct Reliability {
    bins: [Sum; BINS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    samples: u64,
    correct: u64,
    confidence: f64,
}

impl Reliability {
    /// Takes a prediction; a confidence that is not a number counts as 0.
    pub fn take(&mut self, confidence: f64, correct: bool) {
        let confidence = if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) };
        // Bin b holds what is above b/15 and at most (b+1)/15.
        let place = (confidence * BINS as f64).ceil() as usize;
        let bin = &mut self.bins[place.saturating_sub(1).min(BINS - 1)];
        bin.samples += 1;
        bin.correct += u64::from(correct);
        bin.confidence += confidence;
    }

    /// The expected and the greatest calibration error with their bins; all 0 where nothing was taken.
    pub fn calibration(&self) -> Calibration {
        let samples = self.bins.iter().map(|bin| bin.samples).sum::<u64>().max(1) as f64;
        let gap = |bin: &Sum| (bin.correct as f64 - bin.confidence).abs();
        let filled = || self.bins.iter().filter(|bin| bin.samples > 0);
        let bin = |(place, sum): (usize, &Sum)| {
            let mean = |total: f64| (sum.samples > 0).then(|| total / sum.samples as f64);
            let end = |place: usize| place as f64 / BINS as f64;
            let (confidence, accuracy) = (mean(sum.confidence), mean(sum.correct as f64));
            Bin { above: end(place), to: end(place + 1), samples: sum.samples, confidence, accuracy }
        };
        Calibration {
            definition: DEFINITION.to_owned(),
            expected_error: filled().map(gap).sum::<f64>().max(0.0) / samples,
            greatest_error: filled().map(|bin| gap(bin) / bin.samples as f64).fold(0.0, f64::max),
            mean_confidence: self.bins.iter().map(|bin| bin.confidence).sum::<f64>().max(0.0) / samples,
            bins: self.bins.iter().enumerate().map(bin).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use proptest::prelude::*;

    fn of(predictions: &[(f64, bool)]) -> Calibration {
        let mut reliability = Reliability::default();
        predictions.iter().for_each(|&(confidence, correct)| reliability.take(confidence, correct));
        reliability.calibration()
    }

    #[test]
    fn errors_are_those_of_a_hand_example() {
        // Two bins: three at 0.9 of which two are right, one at 0.5 that is wrong.
        let found = of(&[(0.9, true), (0.9, true), (0.9, false), (0.5, false)]);
        assert!((found.expected_error - (3.0 * (0.9 - 2.0 / 3.0) + 0.5) / 4.0).abs() < 1e-12, "{found:?}");
        assert!((found.greatest_error - 0.5).abs() < 1e-12);
        assert!((found.mean_confidence - 0.8).abs() < 1e-12);
        assert_eq!(found.bins.iter().map(|bin| bin.samples).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0]);
        assert_eq!(found.bins[0].accuracy, None);
    }

    #[test]
    fn what_is_calibrated_has_no_error_but_chance() {
        let mut dice = Key::of_run(1, "calibration").dice();
        let draws = (0..200_000).map(|_| dice.uniform(0.3, 1.0)).collect::<Vec<_>>();
        let honest: Vec<_> = draws.iter().map(|&confidence| (confidence, dice.chance(confidence))).collect();
        // Each bin of about 19,000 is off by less than 0.5 / √19,000 on average.
        assert!(of(&honest).expected_error < 0.004, "{}", of(&honest).expected_error);
        let boasting: Vec<_> = honest.iter().map(|&(confidence, correct)| ((confidence + 0.2).min(1.0), correct)).collect();
        assert!(of(&boasting).expected_error > 0.1);
    }

    proptest! {
        #[test]
        fn every_sample_is_in_one_bin_and_errors_are_shares(
            predictions in proptest::collection::vec((0.0..=1.0f64, any::<bool>()), 0..200),
        ) {
            let found = of(&predictions);
            prop_assert_eq!(found.bins.iter().map(|bin| bin.samples).sum::<u64>(), predictions.len() as u64);
            prop_assert!((0.0..=1.0).contains(&found.expected_error) && found.expected_error <= found.greatest_error + 1e-12);
            for bin in found.bins.iter().filter(|bin| bin.samples > 0) {
                let confidence = bin.confidence.unwrap();
                prop_assert!(bin.above - 1e-12 <= confidence && confidence <= bin.to + 1e-12);
            }
        }
    }

    #[test]
    fn the_ends_and_what_is_no_number_have_a_bin() {
        let found = of(&[(0.0, false), (1.0, true), (f64::NAN, false), (1.0 / 15.0, false)]);
        assert_eq!((found.bins[0].samples, found.bins[14].samples), (3, 1));
    }
}
