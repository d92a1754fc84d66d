//! When more training stops helping, and which epoch was the best. Knows no weights: the trainer keeps those.

use crate::config::{Fields, Limits};
use crate::event::Score;
use crate::optim::Monitor;

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStopping {
    /// What is watched.
    pub monitor: Monitor,
    /// Epochs in a row without an improvement after which training ends; none: it never ends early.
    pub patience: Option<u32>,
    /// An improvement must be larger than this to be worth waiting on.
    pub min_delta: f64,
    /// Whether the best epoch's weights are put back at the end.
    pub restore_best: bool,
}

/// What the rule remembers.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Watch {
    /// Best value so far.
    pub best: Option<f64>,
    /// Its epoch, from 0.
    pub best_epoch: Option<u32>,
    /// The value that an improvement is measured from.
    pub reference: Option<f64>,
    /// Epochs in a row without an improvement.
    pub waited: u32,
}

/// What an epoch's scores mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It is the best so far, by however little.
    pub best: bool,
    /// It is time to stop.
    pub stop: bool,
}

impl EarlyStopping {
    /// What holds where a file says nothing: the loss is watched to tell the best epoch, nothing stops, nothing is put back.
    pub fn silent(validated: bool) -> Self {
        let monitor = if validated { Monitor::ValidationLoss } else { Monitor::TrainLoss };
        Self { monitor, patience: None, min_delta: 0.0, restore_best: false }
    }

    /// Reads the table `early_stopping`; unknown keys are problems.
    pub fn read(fields: &Fields) -> Self {
        let about = "epochs in a row without an improvement after which training ends";
        let patience = fields.key("patience", about).integer(1, 1_000_000).or(5) as u32;
        let about = "an improvement must be larger than this to count";
        let min_delta = fields.key("min_delta", about).number(Limits::NOT_NEGATIVE).or(0.0);
        let about = "whether the best epoch's weights are put back at the end, whatever ended the run";
        let restore_best = fields.key("restore_best", about).flag().or(true);
        let rule = Self { monitor: Monitor::read(fields), patience: Some(patience), min_delta, restore_best };
        fields.finish();
        rule
    }

    /// Takes note of an epoch. What is not a number is never the best, and is waited on like anything that is no better.
    pub fn note(&self, watch: &mut Watch, epoch: u32, train: &Score, validation: Option<&Score>) -> Verdict {
        let value = self.monitor.value(train, validation);
        let best = value.is_some_and(|value| self.monitor.better(value, watch.best, 0.0));
        if best {
            (watch.best, watch.best_epoch) = (value, Some(epoch));
        }
        if value.is_some_and(|value| self.monitor.better(value, watch.reference, self.min_delta)) {
            (watch.reference, watch.waited) = (value, 0);
        } else {
            watch.waited = watch.waited.saturating_add(1);
        }
        Verdict { best, stop: self.patience.is_some_and(|patience| watch.waited >= patience) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn follow(rule: EarlyStopping, losses: &[f64]) -> (Watch, Vec<Verdict>) {
        let mut watch = Watch::default();
        let verdicts = losses.iter().enumerate().map(|(epoch, &loss)| {
            let score = Score { loss, accuracy: -loss, samples: 1 };
            rule.note(&mut watch, epoch as u32, &score, Some(&score))
        });
        let verdicts = verdicts.collect();
        (watch, verdicts)
    }

    fn patient(patience: u32, min_delta: f64) -> EarlyStopping {
        EarlyStopping { patience: Some(patience), min_delta, ..EarlyStopping::silent(true) }
    }

    #[test]
    fn training_stops_after_patience_epochs_without_an_improvement() {
        let (watch, verdicts) = follow(patient(2, 0.0), &[3.0, 2.0, 2.5, 1.0, 1.0, 1.5]);
        assert_eq!(verdicts.iter().map(|v| v.best).collect::<Vec<_>>(), [true, true, false, true, false, false]);
        assert_eq!(verdicts.iter().position(|v| v.stop), Some(5));
        assert_eq!((watch.best, watch.best_epoch), (Some(1.0), Some(3)));
    }

    #[test]
    fn what_improves_by_too_little_is_the_best_but_not_waited_on() {
        let (watch, verdicts) = follow(patient(3, 0.1), &[1.0, 0.95, 0.92, 0.91]);
        assert!(verdicts.iter().all(|v| v.best) && verdicts[3].stop);
        assert_eq!(watch.best_epoch, Some(3));
    }

    #[test]
    fn what_is_no_number_is_never_the_best() {
        let (watch, verdicts) = follow(patient(2, 0.0), &[f64::NAN, 1.0, f64::NAN, f64::NEG_INFINITY]);
        assert_eq!(verdicts.iter().map(|v| v.best).collect::<Vec<_>>(), [false, true, false, false]);
        assert!(verdicts[3].stop && watch.best == Some(1.0));
    }

    proptest! {
        #[test]
        fn the_best_epoch_is_the_first_of_the_least_losses(losses in proptest::collection::vec(0u8..20, 1..40)) {
            let losses: Vec<f64> = losses.into_iter().map(f64::from).collect();
            let (watch, verdicts) = follow(EarlyStopping::silent(true), &losses);
            let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert_eq!(watch.best, Some(least));
            prop_assert_eq!(watch.best_epoch, losses.iter().position(|&loss| loss == least).map(|epoch| epoch as u32));
            prop_assert!(verdicts.iter().all(|verdict| !verdict.stop));
        }
    }
}
