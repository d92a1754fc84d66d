//! What predictions are worth against labels: accuracy, loss, and which class is taken for which. Knows no class by name.

use super::metrics::Totals;
use super::predictor::Predictions;
use crate::event::Score;
use std::collections::BTreeMap;

/// Scores of samples, added up in the order of their batches.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    totals: Totals,
    most: usize,
    among_most: u64,
    /// Samples by label and predicted class.
    confusion: BTreeMap<(u32, u32), u64>,
}

impl Evaluation {
    /// Before the first sample; counts, too, how often a label is among the `most` likeliest classes.
    pub fn new(most: usize) -> Self {
        Self { totals: Totals::default(), most, among_most: 0, confusion: BTreeMap::new() }
    }

    /// Adds a batch. Labels are numbers of the network's classes.
    pub fn add(&mut self, predictions: &Predictions, labels: &[u32]) {
        // Added up by batch, as a run does when it tests: sums of floating-point numbers depend on it.
        let loss_sum = labels.iter().enumerate().map(|(row, &label)| predictions.score(row, label as usize).loss).sum();
        let mut batch = Totals { loss_sum, ..Totals::default() };
        for (row, &label) in labels.iter().enumerate() {
            let rank = predictions.rank(row, label as usize);
            let predicted = predictions.ranked(row, 1).first().map_or(label, |&class| class as u32);
            batch.count += 1;
            batch.correct += u64::from(predicted == label);
            self.among_most += u64::from(rank < self.most);
            *self.confusion.entry((label, predicted)).or_default() += 1;
        }
        self.totals.join(&batch);
    }

    /// Mean loss and accuracy.
    pub fn score(&self) -> Score {
        self.totals.score()
    }

    /// Share of samples whose label is among the likeliest classes; 0 where there are none.
    pub fn top_accuracy(&self) -> f64 {
        self.among_most as f64 / self.totals.count.max(1) as f64
    }

    /// Samples of class `label` that were taken for class `predicted`.
    pub fn count(&self, label: u32, predicted: u32) -> u64 {
        self.confusion.get(&(label, predicted)).copied().unwrap_or(0)
    }

    /// The pairs of label and predicted class that there are, with their samples.
    pub fn pairs(&self) -> impl Iterator<Item = ((u32, u32), u64)> {
        self.confusion.iter().map(|(&pair, &count)| (pair, count))
    }

    /// Samples of a class.
    pub fn samples(&self, label: u32) -> u64 {
        self.row(label).map(|(_, count)| count).sum()
    }

    /// Share of a class's samples that were recognised; none where it has none.
    pub fn recall(&self, label: u32) -> Option<f64> {
        match self.samples(label) {
            0 => None,
            samples => Some(self.count(label, label) as f64 / samples as f64),
        }
    }

    /// The class for which samples of `label` are taken most often by mistake, and how often; the first of equals.
    pub fn most_confused(&self, label: u32) -> Option<(u32, u64)> {
        let wrong = self.row(label).filter(|&(predicted, _)| predicted != label);
        wrong.fold(None, |most, (class, count)| if most.is_none_or(|(_, most)| count > most) { Some((class, count)) } else { most })
    }

    fn row(&self, label: u32) -> impl Iterator<Item = (u32, u64)> {
        self.confusion.range((label, 0)..=(label, u32::MAX)).map(|(&(_, predicted), &count)| (predicted, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layer::{Flatten, LayerSpec};
    use crate::model::{Network, Shape};
    use crate::train::Predictor;

    /// Predictions whose logits are `images`.
    fn predicted(images: &[f32]) -> Predictions {
        let layers: Vec<Box<dyn LayerSpec>> = vec![Box::new(Flatten)];
        let network = Network::new(layers, Shape::new(3, 1, 1), 3).unwrap();
        Predictor::new(&network, &[], 4, 1).unwrap().predict(images, 1)
    }

    #[test]
    fn hits_and_mistakes_are_counted_by_class() {
        let mut evaluation = Evaluation::new(2);
        evaluation.add(&predicted(&[5.0, 1.0, 0.0, 4.0, 3.0, 2.0]), &[0, 1]);
        evaluation.add(&predicted(&[1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 0.0, 9.0, 0.0]), &[0, 1, 1]);
        assert_eq!((evaluation.score().accuracy, evaluation.score().samples), (0.4, 5));
        assert_eq!(evaluation.top_accuracy(), 0.8);
        assert_eq!([0, 1, 2].map(|class| evaluation.samples(class)), [2, 3, 0]);
        assert_eq!([0, 1, 2].map(|class| evaluation.recall(class)), [Some(0.5), Some(1.0 / 3.0), None]);
        assert_eq!([0, 1, 2].map(|class| evaluation.most_confused(class)), [Some((2, 1)), Some((0, 2)), None]);
        assert_eq!(evaluation.pairs().map(|(_, count)| count).sum::<u64>(), 5);
        assert_eq!(evaluation.count(1, 0), 2);
    }

    #[test]
    fn nothing_is_worth_nothing() {
        let evaluation = Evaluation::new(5);
        assert_eq!((evaluation.score(), evaluation.top_accuracy()), (Score::default(), 0.0));
    }
}
