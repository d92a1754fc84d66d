//! A network of layers with all parameters in one arena: what it takes, what it holds, how it begins. What becomes of a batch stands in
//! [`loss`](super::loss).

use super::initialise::{He, Initialiser};
use super::layer::LayerSpec;
use super::plan::Plan;
use super::survey::Survey;
use super::workspace::{Sizes, Workspace};
use super::{Numerics, Shape, Span};
use crate::error::Problem;
use crate::key::{Key, hash_name};

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
    pub(super) keys: Vec<u64>,
    pub(super) smoothing: f64,
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
}
