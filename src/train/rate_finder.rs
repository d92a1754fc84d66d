//! The learning-rate finder: the loss while the rate rises step by step, and which rate that suggests. Leaves the trainer as it
//! found it.

use super::checkpoint::{Caller, Checkpoint};
use super::trainer::Trainer;
use crate::batch::Targets;
use crate::math::{exp, ln};
use crate::optim::schedule::LearningRate;
use std::ops::ControlFlow;

/// Which rates are tried: `steps` of them, each a fixed factor above the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSweep {
    /// The first, more than 0.
    pub from: f64,
    /// The last.
    pub to: f64,
    /// How many, at least 2.
    pub steps: u32,
}

/// One rate that was tried.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct RatePoint {
    /// The rate.
    pub learning_rate: f64,
    /// Mean loss of the batches that were learned from with it, before its step.
    pub loss: f64,
    /// Exponentially weighted average of the losses so far, corrected for its start.
    pub smoothed: f64,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct RateCurve {
    /// Every rate that was tried, rising.
    pub points: Vec<RatePoint>,
    /// Whether the loss blew up, which ended the sweep.
    pub diverged: bool,
    /// The rate at which the smoothed loss falls fastest; none where the curve suggests nothing.
    pub suggestion: Option<f64>,
    /// Why nothing is suggested; none where something is.
    pub reason: Option<String>,
}

/// Share of the average that is kept at each step.
const SMOOTHING: f64 = 0.9;
/// The smoothed loss of the first steps is that of a few batches, and moves with each of them: no slope begins there.
const SETTLED: usize = 10;
/// A smoothed loss of so many times the lowest one has blown up.
const BLOWN_UP: f64 = 4.0;
/// Fewer points are no curve.
const FEWEST: usize = 10;
/// The share of the first loss by which the loss must fall for its fall to mean something.
const FALL: f64 = 0.02;
/// The standard deviations of a batch's loss by which it must fall, too: three of the difference between a mean of ten and the
/// smoothed loss.
const DEVIATIONS: f64 = 1.2;

/// A sweep under way. Once dropped, the trainer is what it was before.
pub struct RateFinder<'t> {
    trainer: &'t mut Trainer,
    before: Option<(Checkpoint, LearningRate)>,
    sweep: RateSweep,
    factor: f64,
    points: Vec<RatePoint>,
    average: f64,
    weight: f64,
    sum: [f64; 2],
    diverged: bool,
}

impl<'t> RateFinder<'t> {
    /// Begins to try rates on `trainer`.
    pub fn new(trainer: &'t mut Trainer, sweep: RateSweep) -> Self {
        let before = Some((trainer.checkpoint(Caller::default()), trainer.learning_rate.clone()));
        let factor = exp(ln(sweep.to / sweep.from) / f64::from(sweep.steps.max(2) - 1));
        trainer.learning_rate = LearningRate::constant(sweep.from);
        Self { trainer, before, sweep, factor, points: Vec::new(), average: 0.0, weight: 1.0, sum: [0.0; 2], diverged: false }
    }

    /// Learns from a batch; breaks when the sweep is over.
    pub fn take<'b>(&mut self, images: &[f32], targets: impl Into<Targets<'b>>) -> ControlFlow<()> {
        match self.trainer.step(images, targets) {
            Ok(outcome) => {
                self.sum = [self.sum[0] + outcome.tally.loss_sum, self.sum[1] + outcome.tally.count as f64];
                if outcome.gradient_norm.is_some() {
                    self.note();
                }
            }
            // The one thing that a step complains of: numbers that are not finite any more.
            Err(_) => self.diverged = true,
        }
        let over = self.diverged || self.points.len() >= self.sweep.steps as usize;
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Notes a step, and raises the rate.
    fn note(&mut self) {
        let [loss, count] = std::mem::take(&mut self.sum);
        let (loss, learning_rate) = (loss / count, self.trainer.learning_rate.peak);
        self.average = SMOOTHING * self.average + (1.0 - SMOOTHING) * loss;
        self.weight *= SMOOTHING;
        let smoothed = self.average / (1.0 - self.weight);
        self.points.push(RatePoint { learning_rate, loss, smoothed });
        self.diverged = smoothed > BLOWN_UP * lowest(&self.points).1;
        self.trainer.learning_rate = LearningRate::constant(learning_rate * self.factor);
    }

    /// What the rates tried so far show.
    pub fn finish(mut self) -> RateCurve {
        let points = std::mem::take(&mut self.points);
        let suggested = suggest(&points, self.diverged);
        let (suggestion, reason) = (suggested.as_ref().ok().copied(), suggested.err());
        RateCurve { points, diverged: self.diverged, suggestion, reason }
    }
}

impl Drop for RateFinder<'_> {
    fn drop(&mut self) {
        if let Some((checkpoint, learning_rate)) = self.before.take() {
            self.trainer.resume(checkpoint);
            self.trainer.learning_rate = learning_rate;
        }
    }
}

/// Place and value of the lowest smoothed loss.
fn lowest(points: &[RatePoint]) -> (usize, f64) {
    let numbered = points.iter().map(|point| point.smoothed).enumerate();
    numbered.fold((0, f64::INFINITY), |lowest, (place, loss)| if loss < lowest.1 { (place, loss) } else { lowest })
}

/// Standard deviation of the losses between batches, from differences of neighbours, which a trend leaves alone.
fn deviation(points: &[RatePoint]) -> f64 {
    let squares = points.windows(2).map(|pair| (pair[1].loss - pair[0].loss) * (pair[1].loss - pair[0].loss));
    (squares.sum::<f64>() / (2 * (points.len() - 1).max(1)) as f64).sqrt()
}

/// The rate at which the smoothed loss falls fastest, before its lowest place.
fn suggest(points: &[RatePoint], diverged: bool) -> Result<f64, String> {
    if points.len() < FEWEST {
        let why = if diverged { "the loss blew up almost at once: begin with a lower rate" } else { "the samples give no more" };
        return Err(format!("only {} rates could be tried, and {FEWEST} are needed: {why}", points.len()));
    }
    let (place, lowest) = lowest(points);
    let first = points[..FEWEST].iter().map(|point| point.loss).sum::<f64>() / FEWEST as f64;
    let least = (FALL * first).max(DEVIATIONS * deviation(&points[..=place.max(FEWEST - 1)]));
    if first - lowest < least {
        let fall = 100.0 * (first - lowest) / first;
        let why = "the rates are too low, there are too few steps, or there is nothing that this model can learn";
        return Err(format!("the loss fell by {fall:.1} % at most, no more than it differs between batches: {why}"));
    }
    // Differences over a window: a single step of a noisy curve says little.
    let window = (points.len() / 10).max(3);
    let fall = |place: usize| {
        let (before, after) = (place.saturating_sub(window), (place + window).min(points.len() - 1));
        (points[before].smoothed - points[after].smoothed) / (after - before) as f64
    };
    let steepest = ((SETTLED + window).min(place)..=place)
        .fold((0, f64::MIN), |best, place| if fall(place) > best.1 { (place, fall(place)) } else { best });
    Ok(points[steepest.0].learning_rate)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{samples, trainer};
    use super::*;
    use crate::train::Setup;

    const SETUP: Setup = Setup { seed: 7, batch_size: 8, steps_per_epoch: 10, threads: 2 };

    fn sweep(trainer: &mut Trainer, sweep: RateSweep, spoilt: Option<usize>) -> RateCurve {
        let mut finder = RateFinder::new(trainer, sweep);
        for batch in 0.. {
            let (mut images, labels) = samples(&format!("batch {batch}"), 8);
            if Some(batch) == spoilt {
                images[3] = f32::NAN;
            }
            if finder.take(&images, &labels).is_break() {
                break;
            }
        }
        finder.finish()
    }

    #[test]
    fn a_curve_is_found_and_the_trainer_is_left_as_it_was() {
        for text in ["optimizer = { name = 'sgd', momentum = 0.9 }", "optimizer = 'adam'\nema = {}\naccumulate = 2"] {
            let mut trainer = trainer(&format!("epochs = 1\nlearning_rate = 0.1\n{text}"), SETUP);
            let (images, labels) = samples("first", 8);
            trainer.step(&images, &labels).unwrap();
            let before = trainer.checkpoint(Caller::default());
            let curve = sweep(&mut trainer, RateSweep { from: 1e-5, to: 100.0, steps: 120 }, None);
            let suggestion = curve.suggestion.unwrap();
            assert!((1e-4..3.0).contains(&suggestion), "{suggestion}");
            assert!(curve.diverged && curve.reason.is_none() && curve.points.len() < 120);
            assert!(curve.points.windows(2).all(|pair| pair[0].learning_rate < pair[1].learning_rate));
            assert!(trainer.checkpoint(Caller::default()) == before, "{text}");
            let outcome = trainer.step(&images, &labels).unwrap();
            assert_eq!(outcome.learning_rate, 0.1);
        }
    }

    #[test]
    fn where_nothing_can_be_suggested_the_reason_is_told() {
        let mut trainer = trainer("epochs = 1\nlearning_rate = 0.1", SETUP);
        let mut reason = |range: RateSweep, spoilt| {
            let curve = sweep(&mut trainer, range, spoilt);
            assert_eq!(curve.suggestion, None);
            curve.reason.unwrap()
        };
        let low = reason(RateSweep { from: 1e-12, to: 1e-9, steps: 30 }, None);
        assert!(low.contains("the rates are too low"), "{low}");
        assert!(reason(RateSweep { from: 1e-3, to: 1.0, steps: 5 }, None).contains("only 5 rates"));
        assert!(reason(RateSweep { from: 1e-3, to: 1.0, steps: 50 }, Some(4)).contains("lower rate"));
    }

    /// Points of one loss a rate, smoothed as in a sweep.
    fn curve(losses: impl IntoIterator<Item = f64>) -> Vec<RatePoint> {
        let (mut average, mut weight, mut learning_rate) = (0.0, 1.0, 1e-6);
        let mut point = |loss| {
            (average, weight) = (SMOOTHING * average + (1.0 - SMOOTHING) * loss, weight * SMOOTHING);
            learning_rate *= 1.2;
            RatePoint { learning_rate, loss, smoothed: average / (1.0 - weight) }
        };
        losses.into_iter().map(&mut point).collect()
    }

    #[test]
    fn first_batches_that_happen_to_differ_are_no_fall() {
        let noise = |place: usize| if place.is_multiple_of(2) { 0.15 } else { -0.15 };
        let fall = |place: usize| 1.7 - 1.2 * (place.saturating_sub(35) as f64 / 30.0).min(1.0);
        let after_hard_batches = |hard: usize| {
            let harder = |place: usize| if place < hard { 1.0 } else { 0.0 };
            suggest(&curve((0..75).map(|place| fall(place) + noise(place) + harder(place))), true).unwrap()
        };
        let (begins, ends) = (1e-6 * 1.2f64.powi(36), 1e-6 * 1.2f64.powi(66));
        for hard in 0..4 {
            assert!((begins..ends).contains(&after_hard_batches(hard)), "{hard}: {}", after_hard_batches(hard));
        }
    }

    #[test]
    fn the_same_sweep_gives_the_same_curve_on_other_threads() {
        let of = |threads| {
            let mut trainer = trainer("epochs = 1\nlearning_rate = 0.1", Setup { threads, ..SETUP });
            sweep(&mut trainer, RateSweep { from: 1e-4, to: 10.0, steps: 40 }, None)
        };
        assert_eq!(of(1), of(3));
    }
}
