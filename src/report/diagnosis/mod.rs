//! What predictions show: mistakes, calibration, the hardest samples, bias and variance. Pure functions of what is handed in;
//! knows no model, no picture's file and no pipeline.

mod calibration;
mod confusion;
mod confusion_picture;
mod doctor;
mod interval;
mod reliability_picture;
mod top_losses;
mod words;

pub use confusion::Confusion;
pub use confusion_picture::confusion_picture;
pub use doctor::{Circumstances, Parts, diagnose};
pub use interval::{accuracy, samples_needed, wilson};
pub use reliability_picture::reliability_picture;
pub use top_losses::{Hard, KEPT};
pub use words::{brief, diagnosis_lines, self_check_lines};

use crate::event::diagnosis::{Confused, Loss, PartDiagnosis, TopK};
use calibration::Reliability;
use top_losses::TopLosses;

/// A report holds the matrix of so many classes and no more.
const MATRIX: usize = 100;
/// The most mistakes that are named.
const MISTAKES: usize = 20;

/// What was made of a sample.
#[derive(Clone, Copy, Debug)]
pub struct Prediction<'p> {
    /// Its identity.
    pub path: &'p str,
    /// Its class number.
    pub label: u32,
    /// The most probable class, the first of equals.
    pub predicted: u32,
    /// Of all classes, sum 1.
    pub probabilities: &'p [f64],
    /// Cross-entropy in nats.
    pub loss: f64,
}

impl Prediction<'_> {
    /// The probability of the predicted class.
    pub fn confidence(&self) -> f64 {
        self.probabilities[self.predicted as usize]
    }

    /// Whether the label is among the `k` most probable classes, of equals the first.
    fn among(&self, k: usize) -> bool {
        let label = self.label as usize;
        let chosen = self.probabilities[label];
        let ahead = |(class, &other): (usize, &f64)| other > chosen || (other == chosen && class < label) || other.is_nan();
        self.probabilities.iter().enumerate().filter(|&(class, other)| class != label && ahead((class, other))).count() < k
    }
}

/// Folds the predictions for one part of the data, in their order, in memory that does not grow with them.
#[derive(Debug)]
pub struct Examiner {
    confusion: Confusion,
    reliability: Reliability,
    hardest: TopLosses,
    k: usize,
    among: u64,
    loss: f64,
}

impl Examiner {
    /// Nothing seen yet of a problem with so many classes.
    pub fn new(classes: usize) -> Self {
        Self {
            confusion: Confusion::new(classes),
            reliability: Reliability::default(),
            hardest: TopLosses::default(),
            k: 5.min(classes.saturating_sub(1)),
            among: 0,
            loss: 0.0,
        }
    }

    /// Takes note of a prediction.
    ///
    /// # Panics
    /// Where its classes are not those of [`Examiner::new`]: a bug in the caller.
    pub fn take(&mut self, prediction: &Prediction<'_>) {
        let Prediction { label, predicted, loss, .. } = *prediction;
        self.confusion.take(label, predicted);
        self.reliability.take(prediction.confidence(), label == predicted);
        self.among += u64::from(prediction.among(self.k));
        self.loss += loss;
        let confidence = prediction.confidence();
        self.hardest.take(loss, || Hard { path: prediction.path.to_owned(), label, predicted, confidence, loss });
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.confusion.samples() == 0
    }

    /// What was seen, with classes called by `names`.
    pub fn finish(self, names: &[String]) -> Examined {
        let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
        let (samples, correct) = (self.confusion.samples(), self.confusion.correct());
        let count = samples.max(1) as f64;
        let classes = self.confusion.scores(names);
        let (macro_average, weighted_average) = confusion::averages(&classes);
        let confused = |(label, predicted, samples)| Confused { label: name(label), predicted: name(predicted), samples };
        let hardest = self.hardest.into_sorted();
        let loss = |hard: &Hard| {
            let Hard { path, label, predicted, confidence, loss } = hard.clone();
            Loss { path, label: name(label as usize), predicted: name(predicted as usize), confidence, loss }
        };
        let diagnosis = PartDiagnosis {
            samples,
            correct,
            error: (samples - correct) as f64 / count,
            loss: self.loss / count,
            accuracy: accuracy(correct, samples),
            top_k: (self.k > 1).then(|| TopK { k: self.k, accuracy: self.among as f64 / count }),
            calibration: self.reliability.calibration(),
            macro_average,
            weighted_average,
            classes,
            confusion: self.confusion.rows().filter(|rows| rows.len() <= MATRIX),
            confused: self.confusion.mistakes(MISTAKES).into_iter().map(confused).collect(),
            top_losses: hardest.iter().map(loss).collect(),
        };
        Examined { diagnosis, confusion: self.confusion, hardest }
    }
}

/// What a part came to, and what pictures are made of.
#[derive(Clone, Debug)]
pub struct Examined {
    /// For the report.
    pub diagnosis: PartDiagnosis,
    /// All counts.
    pub confusion: Confusion,
    /// The hardest samples, greatest loss first.
    pub hardest: Vec<Hard>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn first_greatest(row: &[f64]) -> u32 {
        (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best }) as u32
    }

    fn examined(classes: usize, rows: &[(Vec<f64>, u32)]) -> PartDiagnosis {
        let mut examiner = Examiner::new(classes);
        for (number, (probabilities, label)) in rows.iter().enumerate() {
            let (path, predicted) = (number.to_string(), first_greatest(probabilities));
            let loss = -probabilities[*label as usize].ln();
            examiner.take(&Prediction { path: &path, label: *label, predicted, probabilities, loss });
        }
        examiner.finish(&[]).diagnosis
    }

    #[test]
    fn the_label_is_looked_for_among_several_classes() {
        let row = |label| (vec![0.1, 0.3, 0.3, 0.25, 0.05], label);
        let part = examined(5, &[row(1), row(2), row(3), row(0), row(4)]);
        assert_eq!((part.correct, part.error), (1, 0.8));
        assert_eq!(part.top_k, Some(TopK { k: 4, accuracy: 0.8 }));
        assert_eq!(examined(2, &[(vec![0.4, 0.6], 1)]).top_k, None);
        assert_eq!(examined(50, &[(vec![0.02; 50], 4), (vec![0.02; 50], 5)]).top_k, Some(TopK { k: 5, accuracy: 0.5 }));
    }

    proptest! {
        #[test]
        fn a_part_adds_up(rows in proptest::collection::vec((proptest::collection::vec(0.01..1.0f64, 4), 0u32..4), 1..80)) {
            let rows: Vec<_> = rows.into_iter().map(|(row, label)| {
                let sum: f64 = row.iter().sum();
                (row.into_iter().map(|share| share / sum).collect::<Vec<_>>(), label)
            }).collect();
            let part = examined(4, &rows);
            prop_assert_eq!(part.samples, rows.len() as u64);
            prop_assert!((part.error + part.accuracy.value - 1.0).abs() < 1e-12);
            prop_assert!(part.top_k.unwrap().accuracy >= part.accuracy.value);
            prop_assert_eq!(part.calibration.bins.iter().map(|bin| bin.samples).sum::<u64>(), part.samples);
            prop_assert_eq!(part.top_losses.len(), rows.len().min(KEPT));
            prop_assert!(part.top_losses.windows(2).all(|pair| pair[0].loss >= pair[1].loss));
            let mistakes: u64 = part.confused.iter().map(|confused| confused.samples).sum();
            prop_assert_eq!(mistakes, part.samples - part.correct);
        }
    }
}
