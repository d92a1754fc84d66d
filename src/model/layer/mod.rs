//! Layers: what each computes on plain slices, and the catalogue of them. A layer knows its own shapes, and no other layer.
//!
//! Four ways of working, so that a network can run a whole row of layers on one image while it is in the cache:
//! [`InPlace`] changes activations where they lie, [`PerImage`] maps one image to another, [`Normalise`] works image by image
//! once sums over all images are known, [`PerBatch`] needs all images at once.

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

/// How a layer works.
pub enum Work {
    /// Not at all: it gives the same numbers another shape.
    View,
    /// Changes activations where they lie.
    InPlace(Box<dyn InPlace>),
    /// Maps one image to another.
    PerImage(Box<dyn PerImage>),
    /// Works image by image once sums over all images are known.
    Normalise(Box<dyn Normalise>),
    /// Needs all images at once.
    PerBatch(Box<dyn PerBatch>),
    /// Adds what a row of layers makes of the input to the input, or to what a second row makes of it.
    Residual {
        /// The first row, not empty.
        branch: Vec<Part>,
        /// The second; empty for the input itself.
        shortcut: Vec<Part>,
    },
}

/// A layer inside another.
pub struct Part {
    /// Its name in the catalogue.
    pub kind: &'static str,
    /// What it is in a few words.
    pub about: String,
    /// The layer.
    pub built: Built,
}

/// Where a layer that draws random numbers finds them: the key of this layer in this step, and the image's number in the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Key of the layer in the step.
    pub key: u64,
    /// Number of the image.
    pub row: u64,
}

/// Changes activations where they lie, element by element.
pub trait InPlace: Send + Sync {
    /// Turns one image's inputs into its outputs. `draw` is none when evaluating.
    fn forward(&self, values: &mut [f32], draw: Option<Draw>);
    /// Turns the outputs' gradient into the inputs', given the outputs.
    fn backward(&self, output: &[f32], gradient: &mut [f32], draw: Draw);
    /// Whether [`InPlace::backward`] looks at the outputs, which then must not be changed by later layers.
    fn reads_output(&self) -> bool;
}

/// Maps one image to another.
pub trait PerImage: Send + Sync {
    /// Floats of [`PerImage::prepare`].
    fn prepared_len(&self) -> usize {
        0
    }
    /// Lays trained parameters and state out for this step's calls.
    fn prepare(&self, _parameters: &[f32], _state: &[f32], _prepared: &mut [f32]) {}
    /// Writes the output of one image.
    fn forward(&self, prepared: &[f32], input: &[f32], output: &mut [f32]);
    /// Floats in which [`PerImage::backward`] sums gradients of parameters.
    fn sums_len(&self) -> usize {
        0
    }
    /// Adds one image's gradients of parameters to `sums`; writes the gradient of its input where that is wanted.
    fn backward(&self, prepared: &[f32], pass: ImageGradient<'_>, sums: &mut [f32]);
    /// Writes summed gradients in the order of the parameters.
    fn collect(&self, _sums: &[f32], _gradient: &mut [f32]) {}
    /// Whether of the gradient that it hands back three quarters are zeros, at the least.
    fn leaves_zeros(&self) -> bool {
        false
    }
    /// Hears that of the gradient that it will be given three quarters are zeros. Comes before any other call.
    fn expect_zeros(&mut self) {}
    /// What it wants to know of training images before the first step.
    fn survey(&self) -> Option<&dyn Survey> {
        None
    }
}

/// What a first layer wants to know of training images before the first step, to set its state.
pub trait Survey: Send + Sync {
    /// Sums over the images.
    fn sums_len(&self) -> usize;
    /// Adds one image's share to the sums.
    fn look(&self, image: &[f32], sums: &mut [f64]);
    /// Writes the state that follows from the sums over `images` images.
    fn conclude(&self, sums: &[f64], images: usize, state: &mut [f32]);
}

/// What [`PerImage::backward`] works on.
#[derive(Debug)]
pub struct ImageGradient<'a> {
    /// The image's input.
    pub input: &'a [f32],
    /// Gradient of the output.
    pub output: &'a [f32],
    /// Gradient of the input, to be written.
    pub to: Option<&'a mut [f32]>,
}

/// Changes activations, image by image and keeping their shape, as sums over all images of the batch say.
///
/// Between its passes a layer keeps a row of *saved* numbers: [`Normalise::settle`] and [`Normalise::settle_gradient`] write it,
/// the others read it. Sums are added image by image within fixed groups of images, whose sums are then added in order.
pub trait Normalise: Send + Sync {
    /// Sums over the images in either direction.
    fn sums_len(&self) -> usize;
    /// Floats in the row of saved numbers.
    fn saved_len(&self) -> usize;
    /// Adds one image's share to the sums.
    fn measure(&self, input: &[f32], sums: &mut [f64]);
    /// Turns the sums over `images` images into what [`Normalise::forward`] needs; without sums, takes it from the state, to
    /// evaluate.
    fn settle(&self, parameters: &[f32], state: &[f32], sums: Option<(&[f64], usize)>, saved: &mut [f32]);
    /// Writes the output of one image.
    fn forward(&self, saved: &[f32], input: &[f32], output: &mut [f32]);
    /// Adds one image's share to the sums that the gradient depends on.
    fn measure_gradient(&self, saved: &[f32], input: &[f32], gradient: &[f32], sums: &mut [f64]);
    /// Turns these sums into what [`Normalise::backward`] needs, and writes the gradient of the parameters.
    fn settle_gradient(&self, parameters: &[f32], sums: (&[f64], usize), saved: &mut [f32], gradient: &mut [f32]);
    /// Turns the gradient of one image's output into that of its input.
    fn backward(&self, saved: &[f32], input: &[f32], gradient: &mut [f32]);
    /// Moves the state by what the last training pass measured.
    fn remember(&self, saved: &[f32], state: &mut [f32]);
}

/// Activations of a batch: row i begins at `i · stride`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The first row, and on.
    pub data: &'a [f32],
    /// Floats from one row to the next.
    pub stride: usize,
    /// Number of rows.
    pub count: usize,
}

/// Needs all images at once, and spreads the work over the current rayon pool itself.
pub trait PerBatch: Send + Sync {
    /// Floats that it takes beside for a while, whatever the batch.
    fn scratch_len(&self) -> usize {
        0
    }
    /// As [`PerImage::expect_zeros`].
    fn expect_zeros(&mut self) {}
    /// Writes output row i at `i · stride`.
    fn forward(&self, parameters: &[f32], input: Rows<'_>, output: &mut [f32], stride: usize);
    /// Writes the gradients of the parameters, and of the input (rows without gaps) where that is wanted, given the output's.
    fn backward(&self, parameters: &[f32], input: Rows<'_>, output: Rows<'_>, to: Option<&mut [f32]>, gradient: &mut [f32]);
}
