//! The one number that early stopping and plateaus look at.

use crate::config::Fields;
use crate::event::Score;

/// Which number of an epoch is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// Mean loss over the validation samples; smaller is better.
    ValidationLoss,
    /// Accuracy over the validation samples; larger is better.
    ValidationAccuracy,
    /// Mean loss over the training samples; smaller is better.
    TrainLoss,
}

const WORDS: [(&str, Monitor); 3] = [
    ("validation_loss", Monitor::ValidationLoss),
    ("validation_accuracy", Monitor::ValidationAccuracy),
    ("train_loss", Monitor::TrainLoss),
];

impl Monitor {
    /// Reads the key `monitor`.
    pub fn read(fields: &Fields) -> Self {
        fields.key("monitor", "which number of every epoch is watched").choice(&WORDS).or_shown(WORDS[0].1, WORDS[0].0)
    }

    /// The word for it in pipeline files.
    pub fn name(self) -> &'static str {
        WORDS.iter().find(|(_, monitor)| *monitor == self).map_or("", |(word, _)| word)
    }

    /// Whether it can only be watched where there are validation samples.
    pub fn needs_validation(self) -> bool {
        self != Monitor::TrainLoss
    }

    /// The watched number; none where it was not measured, or is not finite.
    pub fn value(self, train: &Score, validation: Option<&Score>) -> Option<f64> {
        let value = match self {
            Monitor::ValidationLoss => validation.map(|score| score.loss),
            Monitor::ValidationAccuracy => validation.map(|score| score.accuracy),
            Monitor::TrainLoss => Some(train.loss),
        };
        value.filter(|value| value.is_finite())
    }

    /// Whether `new` is better than `old` by more than `min_delta`; anything is better than nothing.
    pub fn better(self, new: f64, old: Option<f64>, min_delta: f64) -> bool {
        old.is_none_or(|old| match self {
            Monitor::ValidationAccuracy => new > old + min_delta,
            _ => new < old - min_delta,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_better_when_smaller_and_accuracies_when_larger() {
        assert!(Monitor::ValidationLoss.better(1.0, Some(2.0), 0.0) && !Monitor::ValidationLoss.better(2.0, Some(2.0), 0.0));
        assert!(
            Monitor::ValidationAccuracy.better(0.9, Some(0.8), 0.05) && !Monitor::ValidationAccuracy.better(0.9, Some(0.8), 0.2)
        );
        assert!(Monitor::TrainLoss.better(f64::MAX, None, 1.0));
    }

    #[test]
    fn what_is_no_number_was_not_measured() {
        let score = |loss| Score { loss, accuracy: 0.5, samples: 1 };
        assert_eq!(Monitor::TrainLoss.value(&score(f64::NAN), None), None);
        assert_eq!(Monitor::ValidationLoss.value(&score(1.0), None), None);
        assert_eq!(Monitor::ValidationAccuracy.value(&score(1.0), Some(&score(f64::NAN))), Some(0.5));
        for (word, monitor) in WORDS {
            assert_eq!(monitor.name(), word);
        }
    }
}
