//! How long a run is where its last epoch may be a part of one. Knows counts only.

/// Batches of a run, epoch by epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Epochs that begin, at least 1.
    pub epochs: u32,
    /// Batches in each of them but the last, at least 1.
    pub per_epoch: u64,
    /// Batches in the last, 1 to `per_epoch`.
    pub last: u64,
}

/// Products such as 1.1 · 10 come out a little too large: what is so little of a batch is none.
const NO_BATCH: f64 = 1e-6;

impl Length {
    /// `epochs` (more than 0) of `per_epoch` batches, together rounded up to a whole batch.
    pub fn new(epochs: f64, per_epoch: u64) -> Self {
        let per_epoch = per_epoch.max(1);
        let all = ((epochs * per_epoch as f64 - NO_BATCH).ceil() as u64).max(1);
        let whole = (all - 1) / per_epoch;
        Self { epochs: (whole + 1).min(u32::MAX.into()) as u32, per_epoch, last: all - whole * per_epoch }
    }

    /// Batches of `epoch`, from 0.
    pub fn batches(self, epoch: u32) -> u64 {
        if epoch + 1 < self.epochs { self.per_epoch } else { self.last }
    }

    /// Steps of all epochs, where up to `accumulate` batches make one and none reaches over the end of an epoch.
    pub fn steps(self, accumulate: u64) -> u64 {
        let steps = |batches: u64| batches.div_ceil(accumulate.max(1));
        u64::from(self.epochs - 1) * steps(self.per_epoch) + steps(self.last)
    }

    /// Whether the last epoch is a part of one.
    pub fn ends_early(self) -> bool {
        self.last < self.per_epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fraction_is_rounded_up_to_a_whole_batch() {
        for (epochs, per_epoch, expected) in [
            (9.9, 48, (10, 44)),
            (9.9, 10, (10, 9)),
            (1.1, 10, (2, 1)),
            (0.1, 3, (1, 1)),
            (2.0, 7, (2, 7)),
            (1e-9, 7, (1, 1)),
            (3.0, 0, (3, 1)),
        ] {
            let length = Length::new(epochs, per_epoch);
            assert_eq!((length.epochs, length.last), expected, "{epochs} of {per_epoch}");
        }
        assert_eq!(Length::new(9.9, 48).steps(1), 476);
        assert_eq!(Length::new(2.5, 10).steps(4), 3 + 3 + 2);
    }

    proptest! {
        #[test]
        fn whole_epochs_are_whole(epochs in 1u32..1000, per_epoch in 1u64..100_000) {
            let length = Length::new(f64::from(epochs), per_epoch);
            prop_assert_eq!(length, Length { epochs, per_epoch, last: per_epoch });
            prop_assert_eq!(length.steps(1), u64::from(epochs) * per_epoch);
        }
    }
}
