//! A network of layers with all parameters in one arena: loss, gradient, evaluation. Knows no optimiser.

use super::initialise::{He, Initialiser};
use super::layer::LayerSpec;
use super::pass::{self, Batch};
use super::plan::Plan;
use super::survey::Survey;
use super::workspace::{Sizes, Workspace};
use super::{Numerics, Shape, Span};
use crate::batch::Targets;
use crate::error::Problem;
use crate::kernel::softmax::{cross_entropy, mean_cross_entropy, soft_cross_entropy, softmax};
use crate::key::{Key, hash_name};
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

/// A layer as `pipeline check` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSummary {
    /// Its number, from 0, and for a layer inside another the way there: `3.branch.0`. The first part of its parameters' names.
    pub name: String,
    /// Its name in the catalogue.
    pub kind: &'static str,
    /// What it is in a few words; may be empty.
    pub about: String,
    /// Shape of its output.
    pub out_shape: Shape,
    /// Number of its trained parameters.
    pub parameters: usize,
    /// Floating-point operations of its forward pass for one image; a multiply-add is two.
    pub flops_per_sample: u64,
}

/// Layers that fit each other and end in one logit a class.
pub struct Network {
    pub(super) plan: Plan,
    keys: Vec<u64>,
    smoothing: f64,
    initialiser: Box<dyn Initialiser>,
    /// The same with all factors in 32 bits, where some are rounded to fewer.
    in_f32: Option<Box<Network>>,
}

impl Network {
    /// Fits `layers` to images of shape `input` and to `classes`.
    ///
    /// # Errors
    /// The first layer that cannot take its input, or a last layer that does not give one number a class.
    pub fn new(mut layers: Vec<Box<dyn LayerSpec>>, input: Shape, classes: usize) -> Result<Network, Vec<Problem>> {
        let mut network = Self::of_any_output(&layers, input, classes).map_err(|problem| vec![problem])?;
        if layers.iter().any(|layer| layer.rounds_factors()) {
            layers.iter_mut().for_each(|layer| layer.compute_by(Numerics::default()));
            network.in_f32 = Self::of_any_output(&layers, input, classes).ok().map(Box::new);
        }
        let output = network.plan.output();
        if output.len() == classes && classes > 0 {
            return Ok(network);
        }
        let message = format!("the last layer gives {output} numbers an image, but there are {classes} classes");
        Err(vec![Problem::new(message, "end with `{ layer = \"linear\" }`: left out, `out` is the number of classes")])
    }

    /// A network whose outputs need not be logits.
    pub(super) fn of_any_output(layers: &[Box<dyn LayerSpec>], input: Shape, classes: usize) -> Result<Network, Problem> {
        if input.is_empty() {
            return Err(Problem::new(format!("images of shape {input} have no pixels"), ""));
        }
        let plan = Plan::new(layers, input, classes)?;
        let keys = plan.nodes.iter().map(|node| hash_name(&format!("layer:{}", node.name))).collect();
        Ok(Network { plan, keys, smoothing: 0.0, initialiser: Box::new(He::NORMAL), in_f32: None })
    }

    /// The same with targets of (1 − `smoothing`) on the label and `smoothing` / classes everywhere, in training only.
    pub fn with_label_smoothing(mut self, smoothing: f64) -> Self {
        self.smoothing = smoothing;
        self.in_f32 = self.in_f32.map(|network| Box::new(network.with_label_smoothing(smoothing)));
        self
    }

    /// The same function computed with factors of 32 bits and by the definition: what differences of losses can be taken of. Itself
    /// where no factor is rounded to fewer bits.
    pub fn in_f32(&self) -> &Network {
        self.in_f32.as_deref().unwrap_or(self)
    }

    /// The same with weights that start as `initialiser` says.
    pub fn with_initialiser(mut self, initialiser: Box<dyn Initialiser>) -> Self {
        self.initialiser = initialiser;
        self
    }

    /// Shape of the images that it takes.
    pub fn input(&self) -> Shape {
        self.plan.input
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.plan.output().len()
    }

    /// Every tensor in the order of the arena, without gaps: those that are trained, then state such as running statistics.
    pub fn spans(&self) -> &[Span] {
        &self.plan.spans
    }

    /// Trained parameters: the arena's first floats, and all of a gradient.
    pub fn parameter_count(&self) -> usize {
        self.plan.parameters
    }

    /// Floats in the arena.
    pub fn arena_len(&self) -> usize {
        self.plan.arena
    }

    /// Every layer with its shape and cost.
    pub fn summary(&self) -> Vec<LayerSummary> {
        let summary = |node: &super::plan::Node| {
            Some(LayerSummary {
                name: node.name.clone(),
                kind: node.kind?,
                about: node.about.clone(),
                out_shape: node.shape,
                parameters: node.parameters.len(),
                flops_per_sample: 2 * node.multiply_adds,
            })
        };
        self.plan.nodes.iter().filter_map(summary).collect()
    }

    /// A fresh arena: weights as the initialiser says, keyed by seed and name; biases 0, and what normalises as if it did nothing.
    pub fn initialise(&self, seed: u64) -> Vec<f32> {
        let mut parameters = vec![0.0; self.arena_len()];
        for span in self.spans() {
            let values = &mut parameters[span.range()];
            match span.initial {
                Some(initial) => values.fill(initial),
                None => {
                    let mut dice = Key::of_run(seed, &format!("init:{}", span.name)).dice();
                    self.initialiser.fill(span, &mut dice, values);
                }
            }
        }
        parameters
    }

    /// Moves the running statistics in the arena by what the last batch of [`Network::loss_and_gradient`] was. Apart from that
    /// call, so that a step which is refused leaves no trace.
    ///
    /// # Panics
    /// Where the slice does not fit the network.
    pub fn remember(&self, workspace: &Workspace, parameters: &mut [f32]) {
        assert_eq!(parameters.len(), self.arena_len());
        for node in &self.plan.nodes {
            if let Some(work) = node.normalise() {
                work.remember(&workspace.saved[node.saved.clone()], &mut parameters[node.state.clone()]);
            }
        }
    }

    /// What has to be looked at before the first step; none for most networks.
    pub fn survey(&self) -> Option<Survey<'_>> {
        Survey::new(&self.plan.nodes, self.plan.input.len())
    }

    /// Memory for batches of up to `max_batch` images.
    pub fn workspace(&self, max_batch: usize) -> Workspace {
        Workspace::new(&self.plan, max_batch)
    }

    /// Bytes of [`Network::workspace`].
    pub fn workspace_bytes(&self, max_batch: usize) -> u64 {
        4 * Sizes::of(&self.plan, max_batch).floats() as u64
    }

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
            pass::backward(&self.plan, workspace, batch, gradient, false);
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
        pass::backward(&self.plan, workspace, batch, &mut gradient, true);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Isa, only};
    use crate::kernel::reduce;
    use crate::model::preset::{Lenet, Mlp};

    const NOISE: Noise = Noise { seed: 1, step: 2 };

    fn lenet() -> Network {
        let preset = Lenet { channels: [5, 19], hidden: 21, keep_hidden: 0.6 };
        Network::new(preset.layers(), Shape::new(2, 11, 13), 4).unwrap()
    }

    fn mlp() -> Network {
        let preset = Mlp { hidden: vec![37, 20], keep_input: 0.8, keep_hidden: 0.5 };
        Network::new(preset.layers(), Shape::new(1, 9, 7), 4).unwrap().with_label_smoothing(0.1)
    }

    /// Everything that normalises, and blocks in each other, at odd sizes.
    fn residual(convolution: &str) -> Network {
        let layers = r#"layers = [
            { layer = "whiten" }, "batch_norm", "gelu",
            { layer = "residual", branch = [
                { layer = "conv", out = 16, kernel = 3, padding = 1, groups = 2 }, "batch_norm",
                { layer = "residual", branch = [{ layer = "conv", out = 16, kernel = 3, padding = 1, groups = 16 }, "silu",
                    { layer = "conv", out = 16, kernel = 5, padding = 2 }] },
                { layer = "conv", out = 19, kernel = 3, stride = 2, padding = 1 }, "batch_norm",
            ], shortcut = [{ layer = "conv", out = 19, kernel = 1, stride = 2 }, "batch_norm"] },
            "leaky_relu", { layer = "max_pool", kernel = 3, stride = 2, padding = 1 }, { layer = "avg_pool", kernel = 2, stride = 1 },
            { layer = "linear", out = 10 }, "batch_norm", "relu", { layer = "dropout", keep = 0.8 }, "linear", { layer = "scale", factor = 0.5 },
        ]"#;
        let problems = crate::config::Problems::default();
        let text = format!("convolution = \"{convolution}\"\n{layers}");
        let model = crate::model::read(&crate::config::Fields::parse(&text, &problems).unwrap());
        assert!(problems.take().is_empty());
        Network::new(model.layers, Shape::new(2, 11, 13), 4).unwrap()
    }

    fn batch(network: &Network, count: usize) -> (Vec<f32>, Vec<u32>) {
        let mut dice = Key::of_run(3, "images").dice();
        let images = (0..count * network.input().len()).map(|_| dice.uniform(-1.0, 1.0) as f32).collect();
        (images, (0..count).map(|_| dice.below(4) as u32).collect())
    }

    /// Bits of a gradient and of the state after it, and the tallies of training and evaluation.
    fn step(network: &Network, workspace: &mut Workspace, count: usize) -> (Vec<u32>, Tally, Tally) {
        let ((images, labels), mut parameters) = (batch(network, count), network.initialise(7));
        let mut gradient = vec![f32::NAN; network.parameter_count()];
        let trained = network.loss_and_gradient(workspace, &parameters, &images, &labels, NOISE, &mut gradient);
        network.remember(workspace, &mut parameters);
        let evaluated = network.evaluate(workspace, &parameters, &images, &labels);
        assert!(reduce::all_finite(&gradient));
        gradient.extend_from_slice(&parameters[network.parameter_count()..]);
        (gradient.into_iter().map(f32::to_bits).collect(), trained, evaluated)
    }

    /// Shares of the classes of `count` images, each row of sum 1.
    fn shares(classes: usize, count: usize) -> Vec<f32> {
        let mut dice = Key::of_run(4, "shares").dice();
        (0..count).flat_map(|_| dice.dirichlet(&vec![1.0; classes])).map(|share| share as f32).collect()
    }

    /// Bits of the gradient, and the tally, of a batch with soft targets.
    fn soft_step(network: &Network, workspace: &mut Workspace, count: usize) -> (Vec<u32>, Tally) {
        let ((images, _), parameters) = (batch(network, count), network.initialise(7));
        let (shares, mut gradient) = (shares(network.classes(), count), vec![f32::NAN; network.parameter_count()]);
        let soft = Targets::Soft(&shares);
        let tally = network.loss_and_gradient(workspace, &parameters, &images, soft, NOISE, &mut gradient);
        (gradient.into_iter().map(f32::to_bits).collect(), tally)
    }

    #[test]
    fn soft_targets_give_the_same_bits_on_any_number_of_threads_and_every_instruction_set() {
        for network in [lenet(), mlp()] {
            let mut workspace = network.workspace(150);
            for count in [150, 1, 2] {
                let expected = soft_step(&network, &mut network.workspace(count), count);
                assert!(expected.1.count == count as u64 && expected.1.loss_sum > 0.0);
                for threads in [1, 2, 3, 8] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    assert!(pool.install(|| soft_step(&network, &mut workspace, count)) == expected, "{threads} threads");
                }
                for isa in Isa::available() {
                    assert!(only(isa, || soft_step(&network, &mut workspace, count)) == expected, "{isa:?}");
                }
            }
        }
    }

    #[test]
    fn the_gradient_of_soft_targets_is_that_of_their_loss() {
        for smoothing in [0.0, 0.2] {
            let network =
                Network::new(crate::model::preset::softmax(), Shape::new(1, 2, 3), 4).unwrap().with_label_smoothing(smoothing);
            let ((images, _), mut parameters, shares) = (batch(&network, 5), network.initialise(7), shares(4, 5));
            let (mut workspace, mut gradient) = (network.workspace(5), vec![0.0; network.parameter_count()]);
            let mut mean_loss = |parameters: &[f32], gradient: &mut [f32]| {
                let soft = Targets::Soft(&shares);
                network.loss_and_gradient(&mut workspace, parameters, &images, soft, NOISE, gradient).loss_sum / 5.0
            };
            mean_loss(&parameters, &mut gradient);
            let mut scratch = gradient.clone();
            for place in 0..parameters.len() {
                let old = parameters[place];
                let [(above, to), (below, from)] = [1.0 / 64.0, -1.0 / 64.0].map(|by: f32| {
                    parameters[place] = old + by;
                    (mean_loss(&parameters, &mut scratch), f64::from(parameters[place]))
                });
                parameters[place] = old;
                assert!(((above - below) / (to - from) - f64::from(gradient[place])).abs() < 1e-4, "{place}");
            }
        }
    }

    #[test]
    fn shares_that_are_all_one_class_are_that_label() {
        for network in [lenet(), mlp()] {
            let ((images, labels), parameters) = (batch(&network, 9), network.initialise(7));
            let one_hot: Vec<f32> = labels.iter().flat_map(|&label| (0..4).map(move |class| f32::from(class == label))).collect();
            let mut workspace = network.workspace(9);
            let [mut hard, mut soft] = [0, 1].map(|_| vec![0.0; parameters.len()]);
            let by_label = network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, NOISE, &mut hard);
            let shares = Targets::Soft(&one_hot);
            let by_share = network.loss_and_gradient(&mut workspace, &parameters, &images, shares, NOISE, &mut soft);
            assert!((by_label.loss_sum / by_share.loss_sum - 1.0).abs() < 1e-12);
            assert_eq!((by_label.correct, by_label.count), (by_share.correct, by_share.count));
            assert!(hard.iter().zip(soft).all(|(hard, soft)| (hard - soft).abs() < 1e-6));
        }
    }

    #[test]
    fn neither_threads_nor_instructions_nor_earlier_batches_show() {
        for network in [lenet(), mlp(), residual("direct"), residual("winograd")] {
            let mut workspace = network.workspace(37);
            for count in [37, 1, 20] {
                let expected = step(&network, &mut network.workspace(count), count);
                for threads in [1, 2, 3, 4, 8] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    assert!(
                        pool.install(|| step(&network, &mut workspace, count)) == expected,
                        "{threads} threads, {count} images"
                    );
                }
                for isa in Isa::available() {
                    assert!(only(isa, || step(&network, &mut workspace, count)) == expected, "{isa:?}, {count} images");
                }
            }
        }
    }

    #[test]
    fn the_gradient_of_a_batch_is_the_mean_over_its_images() {
        let preset = Lenet { channels: [3, 4], hidden: 9, keep_hidden: 1.0 };
        let network = Network::new(preset.layers(), Shape::new(2, 8, 9), 4).unwrap();
        let ((images, labels), parameters) = (batch(&network, 6), network.initialise(7));
        let mut workspace = network.workspace(6);
        let mut whole = vec![0.0; parameters.len()];
        let tally = network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, NOISE, &mut whole);
        let (mut mean, mut loss) = (vec![0.0f64; parameters.len()], 0.0);
        for (image, label) in images.chunks(network.input().len()).zip(labels.chunks(1)) {
            let mut one = vec![0.0; parameters.len()];
            loss += network.loss_and_gradient(&mut workspace, &parameters, image, label, NOISE, &mut one).loss_sum;
            mean.iter_mut().zip(one).for_each(|(mean, one)| *mean += f64::from(one) / 6.0);
        }
        assert!((loss - tally.loss_sum).abs() < 1e-6 * loss);
        assert!(whole.iter().zip(mean).all(|(&whole, mean)| (f64::from(whole) - mean).abs() < 1e-6));
    }

    #[test]
    fn untrained_networks_lose_about_the_logarithm_of_the_number_of_classes() {
        let network = mlp().with_initialiser(Box::new(crate::model::initialise::Zeros));
        let (_, trained, evaluated) = step(&network, &mut network.workspace(20), 20);
        assert!((evaluated.loss_sum / 20.0 - 4f64.ln()).abs() < 1e-12 && evaluated.count == 20 && trained.count == 20);
    }

    #[test]
    fn a_small_batch_can_be_learned_by_heart() {
        for network in [lenet(), mlp().with_label_smoothing(0.0)] {
            let ((images, labels), mut parameters) = (batch(&network, 16), network.initialise(7));
            let (mut workspace, mut gradient) = (network.workspace(16), vec![0.0; network.parameter_count()]);
            for step in 0..400 {
                network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, Noise { seed: 1, step }, &mut gradient);
                parameters.iter_mut().zip(&gradient).for_each(|(parameter, gradient)| *parameter -= 0.1 * gradient);
            }
            let tally = network.evaluate(&mut workspace, &parameters, &images, &labels);
            assert!(tally.correct == 16 && tally.loss_sum / 16.0 < 0.05, "{tally:?}");
        }
    }

    #[test]
    fn nan_and_infinity_give_a_loss_that_is_not_finite_and_no_panic() {
        for bad in [f32::NAN, f32::INFINITY] {
            for network in [lenet(), residual("direct"), residual("winograd")] {
                let ((mut images, labels), parameters) = (batch(&network, 3), network.initialise(7));
                images.fill(bad);
                let mut gradient = vec![0.0; network.parameter_count()];
                let mut workspace = network.workspace(3);
                let tally = network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, NOISE, &mut gradient);
                assert!(!tally.loss_sum.is_finite() && tally.correct == 0);
                assert!(!reduce::all_finite(&gradient));
            }
        }
    }

    #[test]
    fn views_are_averaged_as_by_hand_whatever_the_workspace_holds() {
        let network = lenet();
        let ((images, _), parameters, labels) = (batch(&network, 30), network.initialise(7), [0, 3, 1]);
        let mut whole = network.workspace(30);
        let logits = network.logits(&mut whole, &parameters, &images, 30).to_vec();
        let mut by_hand = Tally::default();
        for (sample, &label) in labels.iter().enumerate() {
            let mut mean = [0.0f64; 4];
            for row in logits[sample * 40..][..40].chunks(4) {
                let powers: Vec<f64> = row.iter().map(|&logit| f64::from(logit).exp()).collect();
                let sum: f64 = powers.iter().sum();
                mean.iter_mut().zip(powers).for_each(|(mean, power)| *mean += power / sum / 10.0);
            }
            by_hand.loss_sum -= mean[label as usize].ln();
            by_hand.correct += u64::from(mean.iter().all(|&other| other <= mean[label as usize]));
        }
        let found = network.evaluate_views(&mut whole, &parameters, &images, &labels, 10);
        assert!((found.loss_sum - by_hand.loss_sum).abs() < 1e-9 && found.correct == by_hand.correct, "{found:?} {by_hand:?}");
        for capacity in [1, 4, 7, 10] {
            let mut small = network.workspace(capacity);
            assert_eq!(network.evaluate_views(&mut small, &parameters, &images, &labels, 10), found, "{capacity}");
        }
        assert_eq!(network.evaluate_views(&mut whole, &parameters, &[], &[], 10), Tally::default());
    }

    #[test]
    fn an_empty_batch_comes_to_nothing() {
        let network = mlp();
        let mut workspace = network.workspace(4);
        let (parameters, mut gradient) = (network.initialise(1), vec![f32::NAN; network.parameter_count()]);
        assert_eq!(network.evaluate(&mut workspace, &parameters, &[], &[]), Tally::default());
        assert_eq!(network.loss_and_gradient(&mut workspace, &parameters, &[], &[], NOISE, &mut gradient), Tally::default());
        assert!(gradient.iter().all(|&value| value == 0.0));
        let nobody = Targets::Soft(&[]);
        assert_eq!(network.loss_and_gradient(&mut workspace, &parameters, &[], nobody, NOISE, &mut gradient), Tally::default());
    }

    #[test]
    fn the_parameters_lie_in_one_arena_without_gaps_and_biases_start_at_0() {
        let network = residual("winograd");
        assert_eq!(network.spans().iter().filter(|span| span.name == "3.branch.2.branch.0.weight").count(), 1);
        let first_state = network.spans().iter().position(|span| !span.trained).unwrap();
        assert!(network.spans()[first_state..].iter().all(|span| !span.trained && !span.decay));
        assert_eq!(network.spans()[first_state].start, network.parameter_count());
        let network = lenet();
        let ends = network.spans().iter().scan(0, |end, span| {
            let fits = span.start == *end;
            *end += span.len;
            Some((fits, *end))
        });
        assert!(ends.clone().all(|(fits, _)| fits) && ends.last().map(|(_, end)| end) == Some(network.arena_len()));
        assert_eq!(
            network.spans().iter().map(|span| span.name.as_str()).collect::<Vec<_>>()[..3],
            ["0.weight", "0.bias", "3.weight"]
        );
        let parameters = network.initialise(7);
        for span in network.spans() {
            assert_eq!(span.decay, parameters[span.range()].iter().any(|&value| value != 0.0), "{}", span.name);
        }
        assert_eq!(network.summary().iter().map(|layer| layer.parameters).sum::<usize>(), network.parameter_count());
        assert!(parameters == network.initialise(7) && parameters != network.initialise(8));
    }

    #[test]
    fn dropout_differs_from_step_to_step_and_is_off_in_evaluation() {
        let network = mlp();
        let ((images, labels), parameters) = (batch(&network, 9), network.initialise(7));
        let (mut workspace, mut gradient) = (network.workspace(9), vec![0.0; parameters.len()]);
        let mut loss =
            |step| network.loss_and_gradient(&mut workspace, &parameters, &images, &labels, Noise { seed: 1, step }, &mut gradient);
        assert!(loss(1) != loss(2) && loss(1) == loss(1));
    }
}
