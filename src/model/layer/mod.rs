//! Layers: what each computes on plain slices, and the catalogue of them. A layer knows its own shapes, and no other layer.
//!
//! How it works on them is one of a few [ways](Work).

mod avg_pool;
mod batch_norm;
mod conv;
mod curve;
mod dropout;
mod flatten;
mod gelu;
mod global_avg_pool;
mod global_max_pool;
mod leaky_relu;
mod linear;
mod max_pool;
mod relu;
mod residual;
mod scale;
mod sigmoid;
mod silu;
mod tanh;
mod whiten;
mod window;
mod winograd;
mod work;

pub use avg_pool::AvgPool;
pub use batch_norm::BatchNorm;
pub use conv::Conv;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use gelu::Gelu;
pub use global_avg_pool::GlobalAvgPool;
pub use global_max_pool::GlobalMaxPool;
pub use leaky_relu::LeakyRelu;
pub use linear::Linear;
pub use max_pool::MaxPool;
pub use relu::Relu;
pub use residual::Residual;
pub use scale::Scale;
pub use sigmoid::Sigmoid;
pub use silu::Silu;
pub use tanh::Tanh;
pub use whiten::Whiten;
pub use window::{Padding, Window};
pub use work::{Draw, ImageGradient, InPlace, Normalise, Part, PerBatch, PerImage, Survey, ToRows, Work};

use super::{Numerics, Shape};
use crate::config::Fields;
use crate::error::Problem;
use crate::onnx::{Graph, Wire};
use crate::registry::Entry;
use std::fmt::Debug;

/// Reads a layer's keys.
pub type Build = fn(&Fields) -> Box<dyn LayerSpec>;

/// Every layer that a pipeline file can name.
pub const LAYERS: &[Entry<Build>] = &[
    avg_pool::ENTRY,
    batch_norm::ENTRY,
    conv::ENTRY,
    dropout::ENTRY,
    flatten::ENTRY,
    gelu::ENTRY,
    global_avg_pool::ENTRY,
    global_max_pool::ENTRY,
    leaky_relu::ENTRY,
    linear::ENTRY,
    max_pool::ENTRY,
    relu::ENTRY,
    residual::ENTRY,
    scale::ENTRY,
    sigmoid::ENTRY,
    silu::ENTRY,
    tanh::ENTRY,
    whiten::ENTRY,
];

/// A layer as written, before the shape of its input is known.
pub trait LayerSpec: Debug + Send + Sync {
    /// Its name in [`LAYERS`].
    fn kind(&self) -> &'static str;

    /// What it is in a few words: "5×5, 32 channels, padding 2".
    fn about(&self) -> String {
        String::new()
    }

    /// Chooses how its products are computed, and those of layers inside it. Most layers have no choice.
    fn compute_by(&mut self, _numerics: Numerics) {}

    /// Whether it, or a layer inside it, rounds factors of products to fewer bits than f32 has.
    fn rounds_factors(&self) -> bool {
        false
    }

    /// Fits the layer to its input. `classes` is what the network must tell apart.
    ///
    /// # Errors
    /// Why it cannot take that input.
    fn build(&self, input: Shape, classes: usize) -> Result<Built, Problem>;

    /// Adds to `graph` what the layer computes in evaluation, given its input, and answers its output. The layer has been built for
    /// that input; the graph has its tensors under their names.
    fn onnx(&self, graph: &mut Graph<'_>, input: Wire) -> Wire;
}

/// A layer that has its shapes.
pub struct Built {
    /// Shape of its output.
    pub shape: Shape,
    /// Its tensors: those that are trained in the order in which they follow each other, and so the others.
    pub tensors: Vec<Tensor>,
    /// Multiply-adds of the forward pass for one image.
    pub multiply_adds: u64,
    /// What it does.
    pub work: Work,
}

impl Built {
    /// A layer without parameters.
    pub fn plain(shape: Shape, work: Work) -> Self {
        Self { shape, tensors: Vec::new(), multiply_adds: 0, work }
    }
}

/// A tensor that a layer wants in the arena.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// `weight`, `bias` or what else PyTorch calls it.
    pub name: &'static str,
    /// Sizes.
    pub shape: Vec<usize>,
    /// Whether it has a gradient. What has none is the layer's *state*.
    pub trained: bool,
    /// Whether penalties on weights concern it.
    pub decay: bool,
    /// What every value starts as; none where the initialiser draws them.
    pub initial: Option<f32>,
    /// Inputs that each output sums over.
    pub fan_in: usize,
    /// Outputs that each input feeds.
    pub fan_out: usize,
}

impl Tensor {
    /// `weight` and, where wanted, `bias` with one value an output.
    pub fn weight_and_bias(shape: Vec<usize>, fan_in: usize, fan_out: usize, bias: bool) -> Vec<Tensor> {
        let outputs = shape[0];
        let weight = Tensor { name: "weight", shape, trained: true, decay: true, initial: None, fan_in, fan_out };
        let bias = bias.then(|| Tensor { fan_in, fan_out, ..Tensor::vector("bias", outputs, 0.0) });
        std::iter::once(weight).chain(bias).collect()
    }

    /// One trained value a channel, all starting as `initial`, that no penalty concerns.
    pub fn vector(name: &'static str, channels: usize, initial: f32) -> Tensor {
        let initial = Some(initial);
        Tensor { name, shape: vec![channels], trained: true, decay: false, initial, fan_in: 1, fan_out: 1 }
    }

    /// The same as state.
    pub fn state(self) -> Tensor {
        Tensor { trained: false, decay: false, ..self }
    }

    /// Number of floats.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
