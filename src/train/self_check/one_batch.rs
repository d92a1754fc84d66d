//! Learns a few samples by heart, on a copy: a model that cannot, cannot learn anything. Knows its own update rule only: it asks
//! whether the model can learn, not how well the file's rule does.

use super::{FEWEST, Few, LEARNING, Patient, SAMPLES};
use crate::event::self_check::{Check, Level};
use crate::math::ln;
use crate::model::{Span, Workspace};

/// The most steps, and the fewest that say something.
pub(super) const STEPS: (usize, usize) = (60, 6);
/// What is left of the loss above its floor where a batch counts as learned, over [`WINDOW`] steps: the sign of a model that learns.
const LEARNED: f64 = 0.5;
/// And where nothing more needs to be shown.
const ENOUGH: f64 = 0.1;
/// Steps whose losses are averaged: dropout makes a single one noisy.
const WINDOW: usize = 3;
/// A step moves a weight by about this share of the tensor's weights, and these are at least so large.
const STRIDE: (f32, f32) = (0.05, 0.02);
/// Shares of Adam's averages that are kept each step, and what is added to the root.
const BETAS: (f32, f32) = (0.9, 0.99);
const EPS: f32 = 1e-12;

/// What came of it.
pub(super) struct Learned {
    pub check: Check,
    /// Tensors that had no gradient at all, at the first step and at the last.
    pub dead: Vec<String>,
}

/// Trains a copy of the patient's weights on its first few samples.
pub(super) fn learn(patient: &Patient<'_>, few: &Few) -> Learned {
    let step = 3.0 * patient.cost();
    let affordable = |count: usize| (LEARNING / (step * count as f64)) as usize;
    let most = few.labels.len();
    let count =
        [SAMPLES, SAMPLES / 2, FEWEST].into_iter().find(|&count| affordable(count) >= 2 * STEPS.1).unwrap_or(FEWEST).min(most);
    let steps = affordable(count).min(STEPS.0);
    if steps < STEPS.1 {
        let words = format!(
            "whether the model learns one batch was not tried, for a step with {count} images takes {:.1} GFLOP",
            step * count as f64 / 1e9
        );
        return Learned { check: Check::new("one_batch", Level::Skipped, words), dead: Vec::new() };
    }
    let images = &few.images[..count * patient.network.input().len()];
    let mut pupil = Pupil::new(patient, count);
    let mut losses: Vec<f64> = Vec::new();
    let floor = floor(patient.smoothing, patient.network.classes());
    let mut first_dead = Vec::new();
    for number in 0..steps {
        let loss = pupil.step(patient, images, &few.labels[..count], number as u64);
        if number == 0 {
            first_dead = pupil.dead();
        }
        losses.push(loss);
        if !loss.is_finite() || left(&losses, floor) <= ENOUGH {
            break;
        }
    }
    let last_dead = pupil.dead();
    let dead = first_dead.into_iter().filter(|name| last_dead.contains(name)).collect();
    Learned { check: judge(&losses, floor, count), dead }
}

/// The least loss that smoothed targets allow: their entropy.
fn floor(smoothing: f64, classes: usize) -> f64 {
    let entropy = |share: f64| if share > 0.0 { -share * ln(share) } else { 0.0 };
    let other = smoothing / classes.max(1) as f64;
    entropy(1.0 - smoothing + other) + (classes.saturating_sub(1)) as f64 * entropy(other)
}

/// The share of the first loss above `floor` that is left in the last few steps; 1 before there are so many.
fn left(losses: &[f64], floor: f64) -> f64 {
    if losses.len() <= WINDOW {
        return 1.0;
    }
    let recent = &losses[losses.len() - WINDOW..];
    (recent.iter().sum::<f64>() / WINDOW as f64 - floor) / (losses[0] - floor).max(f64::MIN_POSITIVE)
}

fn judge(losses: &[f64], floor: f64, count: usize) -> Check {
    let name = "one_batch";
    let (first, steps) = (losses.first().copied().unwrap_or(0.0), losses.len());
    let last = losses[steps.saturating_sub(WINDOW)..].iter().sum::<f64>() / WINDOW.min(steps).max(1) as f64;
    let wanted = floor + LEARNED * (first - floor);
    let fell = format!("{count} samples learned by heart: loss {first:.2} to {last:.2} in {steps} steps");
    if !losses.iter().all(|loss| loss.is_finite()) {
        let help = "it stops being a finite number: look at the normalisation of inputs and at the initial weights";
        return Check::new(name, Level::Warning, format!("{fell}; {help}"));
    }
    // What begins at the floor has nothing to learn.
    if left(losses, floor) <= LEARNED || first - floor < 0.01 {
        return Check::new(name, Level::Passed, fell);
    }
    let help = format!(
        "it should fall below {wanted:.2}: look at layers that let nothing through (no gradient, very strong dropout), at initial weights \
         that are all equal, at inputs that are all alike or not normalised"
    );
    Check::new(name, Level::Warning, format!("{fell}; {help}"))
}

/// The copy that learns.
struct Pupil<'n> {
    spans: &'n [Span],
    workspace: Workspace,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
    /// How far a step moves the weights of each trained tensor.
    strides: Vec<f32>,
}

impl<'n> Pupil<'n> {
    fn new(patient: &Patient<'n>, count: usize) -> Self {
        let (network, weights) = (patient.network, patient.weights.to_vec());
        let zeros = || vec![0.0; network.parameter_count()];
        let stride = |span: &Span| {
            let sum: f64 = weights[span.range()].iter().map(|&weight| f64::from(weight) * f64::from(weight)).sum();
            STRIDE.0 * ((sum / span.len.max(1) as f64).sqrt() as f32).max(STRIDE.1)
        };
        let strides = network.spans().iter().map(stride).collect();
        let (gradient, mean, square) = (zeros(), zeros(), zeros());
        Self { spans: network.spans(), workspace: network.workspace(count), weights, gradient, mean, square, strides }
    }

    /// One step of Adam, and the loss before it.
    fn step(&mut self, patient: &Patient<'_>, images: &[f32], labels: &[u32], number: u64) -> f64 {
        let Self { workspace, weights, gradient, .. } = self;
        let noise = patient.noise(number);
        let tally = patient.network.loss_and_gradient(workspace, weights, images, labels, noise, gradient);
        patient.network.remember(workspace, weights);
        self.update(number as i32 + 1);
        tally.loss_sum / tally.count.max(1) as f64
    }

    fn update(&mut self, number: i32) {
        let unbiased = |beta: f32| 1.0 - (1..=number).fold(1.0f32, |power, _| power * beta);
        let (of_mean, of_square) = (unbiased(BETAS.0), unbiased(BETAS.1));
        for (span, stride) in self.spans.iter().zip(&self.strides).filter(|(span, _)| span.trained) {
            for place in span.range() {
                let g = self.gradient[place];
                self.mean[place] = BETAS.0 * self.mean[place] + (1.0 - BETAS.0) * g;
                self.square[place] = BETAS.1 * self.square[place] + (1.0 - BETAS.1) * (g * g);
                let root = (self.square[place] / of_square).sqrt();
                self.weights[place] -= stride * (self.mean[place] / of_mean) / (root + EPS);
            }
        }
    }

    /// Names of the tensors of several weights whose last gradient is 0 throughout.
    fn dead(&self) -> Vec<String> {
        let trained = self.spans.iter().filter(|span| span.trained && span.len > 0);
        let still = trained.filter(|span| self.gradient[span.range()].iter().all(|&slope| slope == 0.0));
        still.map(|span| span.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothed_targets_leave_their_entropy() {
        assert_eq!(floor(0.0, 10), 0.0);
        assert!((floor(1.0, 10) - 10f64.ln()).abs() < 1e-12);
        let (main, other) = (0.8 + 0.05, 0.05f64);
        assert!((floor(0.2, 4) - -(main * f64::ln(main) + 3.0 * other * other.ln())).abs() < 1e-12);
    }

    #[test]
    fn a_fall_is_judged_by_what_is_left_above_the_floor() {
        let level = |losses: &[f64], floor| judge(losses, floor, 16).level;
        assert_eq!(level(&[2.3, 2.0, 1.5, 0.9, 0.8], 0.0), Level::Passed);
        assert_eq!(level(&[2.3, 2.3, 2.2, 2.3, 2.2], 0.0), Level::Warning);
        assert_eq!(level(&[2.3, 1.6, 1.5, 1.5, 1.5], 1.2), Level::Passed);
        assert_eq!(level(&[2.3, 2.0, f64::NAN], 0.0), Level::Warning);
        assert_eq!(level(&[0.0; 9], 0.0), Level::Passed, "nothing to learn");
    }
}
