//! What a network makes of samples, one by one: probabilities, classes, losses. Knows no file and no report.

use super::loss::Tally;
use super::network::Network;
use super::workspace::Workspace;
use crate::kernel::softmax::{cross_entropy, mean_cross_entropy, softmax};

/// Guesses for a batch, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guesses {
    /// Number of classes.
    pub classes: usize,
    /// Probabilities, shape `[count, classes]`, each row of sum 1.
    pub probabilities: Vec<f64>,
    /// Most probable classes, of equals the first.
    pub predicted: Vec<u32>,
    /// Cross-entropy of each sample in nats.
    pub losses: Vec<f64>,
}

impl Guesses {
    /// The probabilities of sample `row`.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.probabilities[row * self.classes..][..self.classes]
    }

    /// What the batch comes to for `labels`: the same bits as [`Network::evaluate`] gives.
    pub fn tally(&self, labels: &[u32]) -> Tally {
        let correct = self.predicted.iter().zip(labels).filter(|(predicted, label)| predicted == label).count() as u64;
        Tally { loss_sum: self.losses.iter().sum(), correct, count: labels.len() as u64 }
    }
}

impl Network {
    /// Predicts samples of `views` images each, as [`Network::evaluate`] and [`Network::evaluate_views`] score them: without
    /// dropout and label smoothing, and with the mean of the softmax of a sample's images. Any number of samples.
    ///
    /// # Panics
    /// As [`Network::loss_and_gradient`].
    pub fn examine(&self, workspace: &mut Workspace, parameters: &[f32], images: &[f32], labels: &[u32], views: usize) -> Guesses {
        let (classes, each, views) = (self.classes(), self.input().len(), views.max(1));
        let mut found = Guesses { classes, ..Guesses::default() };
        let (mut sums, mut row) = (vec![0.0; views * classes], vec![0.0; classes]);
        let mut seen = 0;
        for images in images.chunks(workspace.capacity().max(1) * each) {
            let logits = self.logits(workspace, parameters, images, images.len() / each);
            for logits in logits.chunks_exact(classes) {
                let (sample, view) = (seen / views, seen % views);
                seen += 1;
                softmax(logits, &mut row);
                if views == 1 {
                    found.losses.push(cross_entropy(logits, labels[sample] as usize, 0.0, 1.0, None).loss);
                    found.predicted.push(first_greatest(logits));
                    found.probabilities.extend_from_slice(&row);
                    continue;
                }
                sums[view * classes..][..classes].copy_from_slice(&row);
                if view + 1 == views {
                    let mean = |class: usize| sums.chunks_exact(classes).map(|row| row[class]).sum::<f64>() / views as f64;
                    row.iter_mut().enumerate().for_each(|(class, value)| *value = mean(class));
                    found.losses.push(mean_cross_entropy(&sums, classes, labels[sample] as usize).loss);
                    found.predicted.push(first_greatest(&row));
                    found.probabilities.extend_from_slice(&row);
                }
            }
        }
        found
    }
}

fn first_greatest<T: PartialOrd + Copy>(values: &[T]) -> u32 {
    (1..values.len()).fold(0, |best, place| if values[place] > values[best] { place } else { best }) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::model::Shape;
    use crate::model::preset::Mlp;

    #[test]
    fn predictions_score_as_evaluation_does_bit_for_bit() {
        let preset = Mlp { hidden: vec![9], keep_input: 0.8, keep_hidden: 0.5 };
        let network = Network::new(preset.layers(), Shape::new(1, 4, 5), 6).unwrap().with_label_smoothing(0.2);
        let mut dice = Key::of_run(2, "images").dice();
        let images: Vec<f32> = (0..36 * 20).map(|_| dice.uniform(-2.0, 2.0) as f32).collect();
        let labels: Vec<u32> = (0..36).map(|_| dice.below(6) as u32).collect();
        let (parameters, mut workspace) = (network.initialise(3), network.workspace(36));
        let expected = network.evaluate(&mut workspace, &parameters, &images, &labels);
        let expected_views = network.evaluate_views(&mut workspace, &parameters, &images, &labels[..9], 4);
        // A workspace that holds fewer images, in the middle of a sample too, changes nothing.
        for capacity in [36, 7, 1] {
            let mut workspace = network.workspace(capacity);
            let found = network.examine(&mut workspace, &parameters, &images, &labels, 1);
            assert_eq!(found.tally(&labels), expected);
            let found = network.examine(&mut workspace, &parameters, &images, &labels[..9], 4);
            assert_eq!((found.tally(&labels[..9]), found.predicted.len()), (expected_views, 9));
            assert!((0..9).all(|row| (found.row(row).iter().sum::<f64>() - 1.0).abs() < 1e-12));
        }
    }
}
