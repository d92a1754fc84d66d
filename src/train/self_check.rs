//! Whether a model can learn at all, asked of a copy before the first step: the loss that it starts with, its gradient, and whether
//! it learns one small batch by heart. What may be computed is bounded by arithmetic, not by a clock, so that what is found does not
//! depend on the machine. Knows no file; the trainer stays as it is.

mod audit;
mod one_batch;

pub use audit::InputAudit;

use super::trainer::Trainer;
use crate::event::self_check::{Check, Level};
use crate::math::ln;
use crate::model::gradient_check::{Sampling, Slope, Trust, sampled};
use crate::model::{Network, Noise};

/// The most samples that are looked at.
pub const SAMPLES: usize = 16;
/// The fewest of a batch: layers that normalise by it need several.
const FEWEST: usize = 4;
/// Floating-point operations that learning one batch may take, and that the gradient check may: together about a second on two cores.
const LEARNING: f64 = 60e9;
const DIFFERENCES: f64 = 40e9;
/// Parameters of a tensor in whose directions the gradient is checked.
const PARAMETERS: usize = 24;
/// How far above ln K a loss may begin, as a share of it and in nats. Freshly drawn weights are no even guess: with weights after He,
/// logits have a variance of about 2, and where few samples are much alike, a loss of 2 nats above is nothing unusual.
const ABOVE: (f64, f64) = (0.5, 3.0);
/// How far below: nothing is known before the first step.
const BELOW: f64 = 0.5;

/// So many training samples take about as long to learn from as a self-check of `network` takes at most.
pub fn worth(network: &Network) -> f64 {
    let patient = Patient { network, weights: &[], seed: 0, smoothing: 0.0 };
    let tensors = network.spans().iter().filter(|span| span.trained).count();
    let most = 3.0 * (one_batch::STEPS.0 * SAMPLES) as f64 + (4 * tensors + 3) as f64 * FEWEST as f64;
    most.min((LEARNING + DIFFERENCES) / patient.cost()) / 3.0
}

/// Training samples as the model gets them without augmentation: at most [`SAMPLES`], one image each.
#[derive(Clone, Debug, Default)]
pub struct Few {
    /// Values, an image after the other.
    pub images: Vec<f32>,
    /// Class numbers.
    pub labels: Vec<u32>,
}

impl Trainer {
    /// Checks the network and its initial weights on `few` samples: `initial_loss`, `gradient` and `one_batch`. Works on copies; the
    /// same for any number of threads. `smoothing` is the share of targets that is spread over all classes.
    pub fn self_check(&self, few: &Few, smoothing: f64) -> Vec<Check> {
        let patient = Patient { network: &self.network, weights: &self.params, seed: self.setup.seed, smoothing };
        self.pool.install(|| patient.checks(few))
    }
}

/// What is checked.
struct Patient<'n> {
    network: &'n Network,
    /// The arena before the first step.
    weights: &'n [f32],
    seed: u64,
    smoothing: f64,
}

impl Patient<'_> {
    fn checks(&self, few: &Few) -> Vec<Check> {
        if few.labels.is_empty() {
            let words = "no training sample could be read to try the model on";
            return ["initial_loss", "gradient", "one_batch"].map(|name| Check::new(name, Level::Skipped, words)).into();
        }
        let learned = one_batch::learn(self, few);
        vec![self.initial_loss(few), self.gradient(few, &learned.dead), learned.check]
    }

    /// Floating-point operations of one forward pass of one sample, values that layers only touch included.
    fn cost(&self) -> f64 {
        let layers = self.network.summary();
        layers.iter().map(|layer| layer.flops_per_sample as f64 + 8.0 * layer.out_shape.len() as f64).sum::<f64>().max(1.0)
    }

    /// Noise of step `step`, apart from every training step's.
    fn noise(&self, step: u64) -> Noise {
        Noise { seed: self.seed ^ 0x5E1F, step }
    }

    /// The lesser of two losses: in training mode, where dropout stretches what comes out, and in evaluation, where nothing is
    /// normalised yet by statistics of the data.
    fn initial_loss(&self, few: &Few) -> Check {
        let Few { images, labels } = few;
        let mut workspace = self.network.workspace(labels.len());
        let mut gradient = vec![0.0; self.network.parameter_count()];
        let trained = self.network.loss_and_gradient(&mut workspace, self.weights, images, labels, self.noise(0), &mut gradient);
        let evaluated = self.network.evaluate(&mut workspace, self.weights, images, labels);
        judge_initial_loss(trained.loss_sum.min(evaluated.loss_sum) / labels.len() as f64, self.network.classes())
    }

    fn gradient(&self, few: &Few, dead: &[String]) -> Check {
        let name = "gradient";
        let count = few.labels.len().min(FEWEST);
        let pass = self.cost() * count as f64;
        // Forward and backward once, then four forward passes a tensor.
        let tensors = ((DIFFERENCES / pass - 3.0) / 4.0).max(0.0) as usize;
        if tensors == 0 {
            let words = format!("the gradient was not checked, for one pass of {count} images takes {:.1} GFLOP", pass / 1e9);
            return Check::new(name, Level::Skipped, words);
        }
        let images = &few.images[..count * self.network.input().len()];
        let at = Sampling { seed: self.seed, tensors, parameters: PARAMETERS };
        // Rounded to 16 bits, weights stand on a grid that is coarser than the steps of differences.
        let network = self.network.in_f32();
        let slopes = sampled(network, &mut network.workspace(count), self.weights, images, &few.labels[..count], at);
        judge_gradient(&slopes, dead)
    }
}

/// Freshly initialised, a model should not know and not pretend to know: the loss of an even guess is ln K.
fn judge_initial_loss(loss: f64, classes: usize) -> Check {
    let (even, name) = (ln(classes.max(1) as f64), "initial_loss");
    let words = format!("initial loss {loss:.2} (ln {classes} = {even:.2})");
    let (share, nats) = ABOVE;
    let help = if !loss.is_finite() {
        "it is not a finite number: look at the normalisation of inputs and at the initial weights"
    } else if loss > even * (1.0 + share) + nats {
        "far above that of an even guess: look at the normalisation of inputs and at the initial weights of the last layer, which may be \
         too large"
    } else if loss < even * BELOW {
        "far below that of an even guess: does something in the pictures give the label away, or is one class nearly all there is?"
    } else {
        return Check::new(name, Level::Passed, words);
    };
    Check::new(name, Level::Warning, format!("{words}; {help}"))
}

fn judge_gradient(slopes: &[Slope], dead: &[String]) -> Check {
    let name = "gradient";
    let of = |trust: Trust| slopes.iter().filter(move |slope| slope.trust() == trust);
    let told = slopes.len() - of(Trust::Unknown).count();
    let words = format!("gradient right in {} of {} tensors", of(Trust::Right).count(), slopes.len());
    let compared = |slope: &Slope| format!("{}: claimed {:.3e}, measured {:.3e}", slope.name, slope.claimed, slope.measured);
    let listed = |trust| of(trust).take(4).map(compared).collect::<Vec<_>>().join("; ");
    if of(Trust::Wrong).next().is_some() {
        let last = of(Trust::Wrong).next_back().map_or("", |slope| slope.name.as_str());
        let help = format!("the backward pass is wrong in the layer of {last} or in one behind it: please report this");
        return Check::new(name, Level::Failed, format!("{words}; {}; {help}", listed(Trust::Wrong)));
    }
    if of(Trust::Off).next().is_some() {
        let help = "more than rounding explains; look at layers with sharp kinks, and at inputs that are not normalised";
        return Check::new(name, Level::Warning, format!("{words}; {}; {help}", listed(Trust::Off)));
    }
    if !dead.is_empty() {
        let help = "units that never fire, or weights that all begin at 0: look at the initial weights and at the layers behind";
        let shown = dead.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
        return Check::new(name, Level::Warning, format!("{words}; no gradient reaches {shown}; {help}"));
    }
    if told == 0 {
        return Check::new(name, Level::Skipped, "the gradient could not be told from rounding in any tensor");
    }
    Check::new(name, Level::Passed, words)
}

#[cfg(test)]
mod tests;
