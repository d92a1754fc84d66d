//! Sums that become scores. Averages are weighted by sample count: a small last batch counts for what it is.

use crate::event::Score;
use crate::model::Tally;

/// Losses and hits of some samples, added up in the order of their batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Totals {
    /// Sum of the losses, in nats.
    pub loss_sum: f64,
    /// Samples whose most probable class is their label.
    pub correct: u64,
    /// Samples.
    pub count: u64,
}

impl Totals {
    /// Adds a batch.
    pub fn add(&mut self, tally: &Tally) {
        self.loss_sum += tally.loss_sum;
        self.correct += tally.correct;
        self.count += tally.count;
    }

    /// Adds what was added up elsewhere.
    pub fn join(&mut self, other: &Totals) {
        self.loss_sum += other.loss_sum;
        self.correct += other.correct;
        self.count += other.count;
    }

    /// Mean loss and accuracy; both 0 where there are no samples.
    pub fn score(&self) -> Score {
        let count = self.count.max(1) as f64;
        Score { loss: self.loss_sum / count, accuracy: self.correct as f64 / count, samples: self.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_weighted_by_sample_count() {
        let mut totals = Totals::default();
        assert_eq!(totals.score(), Score::default());
        totals.add(&Tally { loss_sum: 30.0, correct: 10, count: 30 });
        totals.add(&Tally { loss_sum: 2.0, correct: 1, count: 2 });
        assert_eq!(totals.score(), Score { loss: 1.0, accuracy: 11.0 / 32.0, samples: 32 });
    }
}
