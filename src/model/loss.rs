//! What a batch comes to: logits, loss, gradient, evaluation. Knows no optimiser.

use super::Network;
use super::backward;
use super::pass::{self, Batch};
use super::workspace::Workspace;
use crate::batch::Targets;
use crate::kernel::softmax::{cross_entropy, mean_cross_entropy, soft_cross_entropy, softmax};
use crate::key::Key;
use rayon::prelude::*;
use std::time::Instant;

/// What keeps the random numbers of a training step apart from those of every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// The run's seed.
    pub seed: u64,
    /// Number of the step in the run, from 0.
    pub step: u64,
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Sum of the images' losses in nats, added in their order.
    pub loss_sum: f64,
    /// Images whose greatest logit was their label's, or that of the class with the greatest share in a soft target, as
    /// torchvision's training code counts.
    pub correct: u64,
    /// Images.
    pub count: u64,
}

impl Network {
    /// Writes the gradient of the mean loss of a batch with respect to the trained parameters to `gradient`, and says what the
    /// batch came to. `parameters` is the arena.
    ///
    /// `images` holds as many images as there are targets (labels, or shares of all classes), row after row. Runs on the current
    /// rayon pool; the result does not depend on it.
    ///
    /// # Panics
    /// Where slices do not fit the network or the workspace, or a label is no class.
    pub fn loss_and_gradient<'t>(
        &self,
        workspace: &mut Workspace,
        parameters: &[f32],
        images: &[f32],
        targets: impl Into<Targets<'t>>,
        noise: Noise,
        gradient: &mut [f32],
    ) -> Tally {
        assert_eq!(gradient.len(), self.parameter_count());
        let targets = targets.into();
        let batch = self.batch(workspace, parameters, images, targets.count(self.classes()), Some(noise));
        let began = Instant::now();
        pass::forward(&self.plan, workspace, batch);
        let forward = Instant::now();
        pass::gather_output(&self.plan, workspace, batch);
        let tally = self.score(workspace, targets, true);
        let scored = Instant::now();
        if batch.count == 0 {
            gradient.fill(0.0);
        } else {
            backward::backward(&self.plan, workspace, batch, gradient, false);
        }
        if let Some(meter) = workspace.meter.as_ref().filter(|meter| meter.on) {
            meter.note(began.elapsed(), scored - forward);
        }
        tally
    }

    /// What a batch comes to without dropout and without label smoothing.
    ///
    /// # Panics
    /// As [`Network::loss_and_gradient`].
    pub fn evaluate(&self, workspace: &mut Workspace, parameters: &[f32], images: &[f32], labels: &[u32]) -> Tally {
        self.logits(workspace, parameters, images, labels.len());
        self.score(workspace, Targets::Labels(labels), false)
    }

    /// The same for samples of several images each: `images` holds `labels.len()` · `views` of them, those of a sample one after
    /// the other, any number in all. A sample's probabilities are the mean of its images' softmax, added in their order.
    ///
    /// # Panics
    /// As [`Network::loss_and_gradient`].
    pub fn evaluate_views(
        &self,
        workspace: &mut Workspace,
        parameters: &[f32],
        images: &[f32],
        labels: &[u32],
        views: usize,
    ) -> Tally {
        let (classes, each) = (self.classes(), self.plan.input.len());
        let mut probabilities = vec![0.0; labels.len() * views * classes];
        let parts = images.chunks(workspace.capacity() * each).zip(probabilities.chunks_mut(workspace.capacity() * classes));
        for (images, probabilities) in parts {
            let logits = self.logits(workspace, parameters, images, images.len() / each);
            let rows = logits.par_chunks_exact(classes).zip(probabilities.par_chunks_exact_mut(classes));
            rows.with_min_len(64).for_each(|(logits, out)| softmax(logits, out));
        }
        let samples = probabilities.chunks_exact(views * classes).zip(labels);
        samples.fold(Tally::default(), |tally, (rows, &label)| {
            let score = mean_cross_entropy(rows, classes, label as usize);
            let (loss_sum, correct) = (tally.loss_sum + score.loss, tally.correct + u64::from(score.correct));
            Tally { loss_sum, correct, count: tally.count + 1 }
        })
    }

    /// Logits of `count` images without dropout, row after row.
    ///
    /// # Panics
    /// As [`Network::loss_and_gradient`].
    pub fn logits<'w>(&self, workspace: &'w mut Workspace, parameters: &[f32], images: &[f32], count: usize) -> &'w [f32] {
        let batch = self.batch(workspace, parameters, images, count, None);
        pass::forward(&self.plan, workspace, batch);
        pass::gather_output(&self.plan, workspace, batch);
        &workspace.logits[..count * self.plan.output().len()]
    }

    /// Outputs of a training pass, row after row.
    pub(super) fn training_outputs<'w>(
        &self,
        workspace: &'w mut Workspace,
        parameters: &[f32],
        images: &[f32],
        noise: Noise,
    ) -> &'w [f32] {
        let batch = self.batch(workspace, parameters, images, images.len() / self.plan.input.len(), Some(noise));
        pass::forward(&self.plan, workspace, batch);
        pass::gather_output(&self.plan, workspace, batch);
        &workspace.logits[..batch.count * self.plan.output().len()]
    }

    /// The loss of a training pass without its gradient.
    pub(super) fn training_loss(
        &self,
        workspace: &mut Workspace,
        parameters: &[f32],
        images: &[f32],
        labels: &[u32],
        noise: Noise,
    ) -> Tally {
        self.training_outputs(workspace, parameters, images, noise);
        self.score(workspace, Targets::Labels(labels), true)
    }

    /// After [`Network::training_outputs`] for the same batch: gradients of Σ `weights` · outputs with respect to parameters and
    /// images.
    pub(super) fn pull_back(
        &self,
        workspace: &mut Workspace,
        parameters: &[f32],
        images: &[f32],
        weights: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let batch = Batch { parameters, images, count: images.len() / self.plan.input.len(), training: true };
        workspace.front[..weights.len()].copy_from_slice(weights);
        let mut gradient = vec![0.0; self.parameter_count()];
        backward::backward(&self.plan, workspace, batch, &mut gradient, true);
        (gradient, workspace.front[..images.len()].to_vec())
    }

    fn batch<'a>(
        &self,
        workspace: &mut Workspace,
        parameters: &'a [f32],
        images: &'a [f32],
        count: usize,
        noise: Option<Noise>,
    ) -> Batch<'a> {
        assert!(count <= workspace.capacity, "{count} images in a workspace for {}", workspace.capacity);
        assert_eq!(images.len(), count * self.plan.input.len(), "floats of {count} images");
        assert_eq!(parameters.len(), self.arena_len());
        if let Some(Noise { seed, step }) = noise {
            for (key, &op) in workspace.keys.iter_mut().zip(&self.keys) {
                *key = Key { run: seed, epoch: 0, sample: step, op }.dice().bits();
            }
        }
        Batch { parameters, images, count, training: noise.is_some() }
    }

    /// Scores the workspace's logits; for training, leaves the gradient of the mean loss in its `front`.
    fn score(&self, workspace: &mut Workspace, targets: Targets<'_>, training: bool) -> Tally {
        let (classes, count) = (self.classes(), targets.count(self.classes()));
        let (smoothing, scale) = (if training { self.smoothing } else { 0.0 }, 1.0 / count.max(1) as f64);
        let rows = workspace.logits.par_chunks_exact(classes).zip(workspace.front.par_chunks_exact_mut(classes));
        let scored = rows.zip(&mut workspace.scores[..count]).enumerate().with_min_len(64);
        scored.for_each(|(row, ((logits, gradient), score))| {
            let gradient = training.then_some(gradient);
            let found = match targets {
                Targets::Labels(labels) => cross_entropy(logits, labels[row] as usize, smoothing, scale, gradient),
                Targets::Soft(shares) => {
                    soft_cross_entropy(logits, &shares[row * classes..][..classes], smoothing, scale, gradient)
                }
            };
            *score = (found.loss, found.correct);
        });
        let scores = &workspace.scores[..count];
        Tally {
            loss_sum: scores.iter().map(|(loss, _)| loss).sum(),
            correct: scores.iter().filter(|(_, correct)| *correct).count() as u64,
            count: count as u64,
        }
    }
}
