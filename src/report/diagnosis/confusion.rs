//! Counts of labels against predicted classes, and what follows from them. Knows numbers of classes only.

use crate::event::diagnosis::{Averages, ClassScore};

/// With more classes, labels and predictions are counted apart and no longer as pairs: a matrix of so many takes 4 MiB.
pub const MOST_CLASSES: usize = 1024;

/// How often each class was taken for which. All labels and predictions are below the number of classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confusion {
    classes: usize,
    /// Rows are labels; empty where there are more than [`MOST_CLASSES`].
    pairs: Vec<u32>,
    support: Vec<u64>,
    predicted: Vec<u64>,
    correct: Vec<u64>,
}

impl Confusion {
    /// Nothing counted yet.
    pub fn new(classes: usize) -> Self {
        let pairs = if classes <= MOST_CLASSES { vec![0; classes * classes] } else { Vec::new() };
        let zeros = || vec![0; classes];
        Self { classes, pairs, support: zeros(), predicted: zeros(), correct: zeros() }
    }

    /// Counts a sample.
    ///
    /// # Panics
    /// Where a class is none: a bug in the caller.
    pub fn take(&mut self, label: u32, predicted: u32) {
        let (label, predicted) = (label as usize, predicted as usize);
        self.support[label] += 1;
        self.predicted[predicted] += 1;
        self.correct[label] += u64::from(label == predicted);
        if let Some(count) = self.pairs.get_mut(label * self.classes + predicted) {
            *count = count.saturating_add(1);
        }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Samples.
    pub fn samples(&self) -> u64 {
        self.support.iter().sum()
    }

    /// Samples whose predicted class is their label.
    pub fn correct(&self) -> u64 {
        self.correct.iter().sum()
    }

    /// Rows are labels, columns predicted classes; none where pairs are not counted.
    pub fn rows(&self) -> Option<Vec<Vec<u64>>> {
        let row = |row: &[u32]| row.iter().map(|&count| u64::from(count)).collect();
        (!self.pairs.is_empty()).then(|| self.pairs.chunks_exact(self.classes).map(row).collect())
    }

    /// The `most` commonest mistakes as (label, predicted, samples), most frequent first, equally frequent ones in the order of
    /// labels and predictions.
    pub fn mistakes(&self, most: usize) -> Vec<(usize, usize, u64)> {
        let places = self.pairs.iter().enumerate().filter(|(_, count)| **count > 0);
        let pair = |(place, &count): (usize, &u32)| (place / self.classes, place % self.classes, u64::from(count));
        let mut mistakes: Vec<_> = places.map(pair).filter(|(label, predicted, _)| label != predicted).collect();
        mistakes.sort_by_key(|&(label, predicted, count)| (std::cmp::Reverse(count), label, predicted));
        mistakes.truncate(most);
        mistakes
    }

    /// Precision, recall and F1 of every class, named by `names`.
    pub fn scores(&self, names: &[String]) -> Vec<ClassScore> {
        let ratio = |of: u64, all: u64| (all > 0).then(|| of as f64 / all as f64);
        let score = |class: usize| {
            let (support, predicted, correct) = (self.support[class], self.predicted[class], self.correct[class]);
            ClassScore {
                class: names.get(class).cloned().unwrap_or_else(|| class.to_string()),
                support,
                predicted,
                precision: ratio(correct, predicted),
                recall: ratio(correct, support),
                f1: ratio(2 * correct, support + predicted),
            }
        };
        (0..self.classes).map(score).collect()
    }
}

/// Unweighted means of `scores`, and means weighted by support, both over the classes that have samples.
pub fn averages(scores: &[ClassScore]) -> (Averages, Averages) {
    let of = |weight: &dyn Fn(&ClassScore) -> f64| {
        let all: f64 = scores.iter().map(weight).sum::<f64>().max(f64::MIN_POSITIVE);
        let mean = |value: &dyn Fn(&ClassScore) -> Option<f64>| {
            scores.iter().map(|score| weight(score) * value(score).unwrap_or(0.0)).sum::<f64>().max(0.0) / all
        };
        Averages { precision: mean(&|score| score.precision), recall: mean(&|score| score.recall), f1: mean(&|score| score.f1) }
    };
    (of(&|score| f64::from(u8::from(score.support > 0))), of(&|score| score.support as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(classes: usize, samples: &[(u32, u32)]) -> Confusion {
        let mut confusion = Confusion::new(classes);
        samples.iter().for_each(|&(label, predicted)| confusion.take(label, predicted));
        confusion
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("c{class}")).collect()
    }

    #[test]
    fn scores_are_those_of_a_hand_example() {
        // Of four cats, three are found and one is taken for a dog; of two dogs, one is taken for a cat; birds are never predicted.
        let confusion = of(4, &[(0, 0), (0, 0), (0, 0), (0, 1), (1, 1), (1, 0), (2, 0)]);
        let scores = confusion.scores(&names(4));
        assert_eq!((scores[0].precision, scores[0].recall, scores[0].f1), (Some(0.6), Some(0.75), Some(6.0 / 9.0)));
        assert_eq!((scores[1].precision, scores[1].recall, scores[1].f1), (Some(0.5), Some(0.5), Some(0.5)));
        assert_eq!((scores[2].precision, scores[2].recall, scores[2].f1), (None, Some(0.0), Some(0.0)));
        assert_eq!((scores[3].precision, scores[3].recall, scores[3].f1), (None, None, None));
        let (plain, weighted) = averages(&scores);
        assert!((plain.precision - 1.1 / 3.0).abs() < 1e-15 && (plain.recall - 1.25 / 3.0).abs() < 1e-15);
        assert!((weighted.recall - 4.0 / 7.0).abs() < 1e-15, "the weighted recall is the accuracy");
        assert!((weighted.f1 - (4.0 * 6.0 / 9.0 + 2.0 * 0.5) / 7.0).abs() < 1e-15);
        assert_eq!(confusion.mistakes(2), [(0, 1, 1), (1, 0, 1)]);
        assert_eq!(confusion.rows().unwrap()[0], [3, 1, 0, 0]);
        assert_eq!((confusion.samples(), confusion.correct()), (7, 4));
    }

    proptest! {
        #[test]
        fn rows_sum_to_support_columns_to_predictions_and_weighted_recall_is_accuracy(
            samples in proptest::collection::vec((0u32..6, 0u32..6), 0..200),
        ) {
            let confusion = of(6, &samples);
            let (rows, scores) = (confusion.rows().unwrap(), confusion.scores(&names(6)));
            for (class, (row, score)) in rows.iter().zip(&scores).enumerate() {
                prop_assert_eq!(row.iter().sum::<u64>(), score.support);
                prop_assert_eq!(rows.iter().map(|row| row[class]).sum::<u64>(), score.predicted);
                for value in [score.precision, score.recall, score.f1].into_iter().flatten() {
                    prop_assert!((0.0..=1.0).contains(&value));
                }
                if let (Some(precision), Some(recall), Some(f1)) = (score.precision, score.recall, score.f1) {
                    let harmonic = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
                    prop_assert!((f1 - harmonic).abs() < 1e-12);
                }
            }
            let accuracy = confusion.correct() as f64 / samples.len().max(1) as f64;
            prop_assert!((averages(&scores).1.recall - accuracy).abs() < 1e-12);
            let mistakes: u64 = confusion.mistakes(usize::MAX).iter().map(|mistake| mistake.2).sum();
            prop_assert_eq!(mistakes + confusion.correct(), confusion.samples());
        }
    }

    #[test]
    fn with_very_many_classes_all_but_pairs_is_still_counted() {
        let many = of(MOST_CLASSES + 1, &[(1024, 1024), (7, 1024)]);
        assert_eq!((many.rows(), many.mistakes(5).len(), many.correct(), many.samples()), (None, 0, 1, 2));
        assert_eq!(many.scores(&[])[1024].precision, Some(0.5));
    }
}
