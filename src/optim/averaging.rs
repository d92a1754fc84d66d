//! The exponentially weighted average of the weights over the steps. Knows two rows of numbers.
//!
//! Running statistics are averaged as the weights are: the statistics of a network of averaged weights are close to the average of
//! the statistics, and what was fixed once, such as a whitening kernel, is its own average to the last bit.

use super::schedule::Place;
use super::{PIECE, exact};
use crate::config::{Fields, Limits};
use rayon::prelude::*;

/// average ← keep · average + (1 − keep) · weights, every `every` steps, from the initial weights on (Polyak & Juditsky 1992; the
/// form with `copy_back` is Lookahead, Zhang et al. 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Averaging {
    /// Share of the average that is kept, once it is at its full value.
    pub decay: f64,
    /// Steps from one addition to the next.
    pub every: u64,
    /// Whether less is kept at first: at most (1 + n) / (10 + n) at the n-th addition, so that the initial weights fade.
    pub warmup: bool,
    /// The share kept is decay · (step / steps)^ramp.
    pub ramp: u64,
    /// Whether training goes on from the average.
    pub copy_back: bool,
    /// Epochs before the first addition; until then, the average is the weights as they are.
    pub after_epochs: f64,
}

impl Averaging {
    /// Reads the table `ema`; unknown keys are problems.
    pub fn read(fields: &Fields) -> Self {
        let about = "share of the average that is kept at every addition";
        let decay = fields.key("decay", about).number(Limits::below(0.0, 1.0)).or(0.999);
        let every = fields.key("every", "steps from one addition to the next").integer(1, i64::MAX).or(1) as u64;
        let about = "whether at most (1 + n) / (10 + n) is kept at the n-th addition, so that the initial weights fade";
        let warmup = fields.key("warmup", about).flag().or(true);
        let about = "what is kept grows over the run as decay · (step / steps)^ramp";
        let ramp = fields.key("ramp", about).integer(0, 100).or(0) as u64;
        let about = "whether training goes on from the average after each addition, as Lookahead does";
        let copy_back = fields.key("copy_back", about).flag().or(false);
        let about = "epochs, parts of one too, before the first addition; until then, the average is the weights as they are";
        let after_epochs = fields.key("after_epochs", about).number(Limits::NOT_NEGATIVE).or(0.0);
        fields.finish();
        Self { decay, every, warmup, ramp, copy_back, after_epochs }
    }

    /// The share of the average that is kept after the step at `at`; none where nothing is added then.
    pub fn keep(&self, at: Place) -> Option<f32> {
        let (step, before) = (at.step + 1, (self.after_epochs * at.steps_per_epoch as f64).ceil() as u64);
        if step <= before {
            return Some(0.0);
        }
        if !step.is_multiple_of(self.every) {
            return None;
        }
        let addition = (step / self.every - before / self.every) as f64;
        let ramped = self.decay * exact::power((step as f64 / at.steps.max(1) as f64).min(1.0), self.ramp);
        Some(if self.warmup { ramped.min((1.0 + addition) / (10.0 + addition)) } else { ramped } as f32)
    }

    /// Adds `params` to `average`, element by element, on the current rayon pool.
    pub fn add(&self, keep: f32, average: &mut [f32], params: &mut [f32]) {
        average.par_chunks_mut(PIECE).zip(params.par_chunks_mut(PIECE)).for_each(|(average, params)| {
            average.iter_mut().zip(&*params).for_each(|(a, w)| *a = between(keep, *a, *w));
            if self.copy_back {
                params.copy_from_slice(average);
            }
        });
    }
}

/// keep · a + (1 − keep) · w, as one of the two moved towards the other: exactly both where they are equal.
fn between(keep: f32, a: f32, w: f32) -> f32 {
    if keep < 0.5 { w + keep * (a - w) } else { a + (1.0 - keep) * (w - a) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_change_is_its_own_average() {
        for keep in [0.0, 0.1, 0.3, 0.7, 0.999] {
            let mut params: Vec<f32> = (0..100).map(|place| (place as f32 - 40.0) / 3.0).collect();
            let mut average = params.clone();
            PLAIN.add(keep, &mut average, &mut params);
            assert_eq!(average, params, "{keep}");
        }
        let (mut average, mut params) = (vec![0.1; 5], vec![0.3; 5]);
        PLAIN.add(0.0, &mut average, &mut params);
        assert_eq!(average, params, "nothing is kept");
    }

    const PLAIN: Averaging = Averaging { decay: 0.9, every: 1, warmup: false, ramp: 0, copy_back: false, after_epochs: 0.0 };

    /// The `step`-th step (from 1) of so many, in epochs of 10.
    fn at(step: u64, steps: u64) -> Place {
        Place { step: step - 1, epoch: 0, steps_per_epoch: 10, steps }
    }

    #[test]
    fn it_is_the_weighted_sum_of_all_weights() {
        let (mut average, mut expected) = (vec![1.0f32], 1.0f64);
        for step in 1..=30u64 {
            let mut params = vec![step as f32];
            PLAIN.add(PLAIN.keep(at(step, 30)).unwrap(), &mut average, &mut params);
            expected = 0.9 * expected + 0.1 * step as f64;
            assert!((f64::from(average[0]) - expected).abs() < 1e-4 && params == [step as f32], "{step}");
        }
    }

    #[test]
    fn what_is_kept_warms_up_and_ramps_and_waits() {
        let warm = Averaging { warmup: true, ..PLAIN };
        assert_eq!(warm.keep(at(1, 9)), Some((2.0f64 / 11.0) as f32));
        assert_eq!(warm.keep(at(1000, 9)), Some(0.9));
        let rare = Averaging { every: 5, ramp: 3, ..PLAIN };
        assert_eq!([4, 5, 10].map(|step| rare.keep(at(step, 10))), [None, Some(0.1125), Some(0.9)]);
        let late = Averaging { every: 4, after_epochs: 1.5, warmup: true, ..PLAIN };
        let kept = [1, 14, 15, 16, 17, 20].map(|step| late.keep(at(step, 40)));
        assert_eq!(kept, [Some(0.0), Some(0.0), Some(0.0), Some((2.0f64 / 11.0) as f32), None, Some(0.25)]);
    }

    #[test]
    fn copied_back_the_weights_are_the_average() {
        let (mut average, mut params) = (vec![0.0; 3 * PIECE], vec![1.0; 3 * PIECE]);
        Averaging { copy_back: true, ..PLAIN }.add(0.75, &mut average, &mut params);
        assert!(params.iter().all(|&w| w == 0.25) && params == average);
    }
}
