//! Layers: what each computes on plain slices, and the catalogue of them. A layer knows its own shapes, and no other layer.
//!
//! Three ways of working, so that a network can run a whole row of layers on one image while it is in the cache:
//! [`InPlace`] changes activations where they lie, [`PerImage`] maps one image to another, [`PerBatch`] needs all images at once.

mod avg_pool;
mod conv;
mod dropout;
mod flatten;
mod linear;
mod max_pool;
mod relu;
mod sigmoid;
mod tanh;
mod window;

pub use avg_pool::AvgPool;
pub use conv::Conv;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use linear::Linear;
pub use max_pool::MaxPool;
pub use relu::Relu;
pub use sigmoid::Sigmoid;
pub use tanh::Tanh;
pub use window::{Padding, Window};

use super::Shape;
use crate::config::Fields;
use crate::error::Problem;
use crate::registry::Entry;
use std::fmt::Debug;

/// Reads a layer's keys.
pub type Build = fn(&Fields) -> Box<dyn LayerSpec>;

/// Every layer that a pipeline file can name.
pub const LAYERS: &[Entry<Build>] = &[
    avg_pool::ENTRY,
    conv::ENTRY,
    dropout::ENTRY,
    flatten::ENTRY,
    linear::ENTRY,
    max_pool::ENTRY,
    relu::ENTRY,
    sigmoid::ENTRY,
    tanh::ENTRY,
];

/// A layer as written, before the shape of its input is known.
pub trait LayerSpec: Debug + Send + Sync {
    /// Its name in [`LAYERS`].
    fn kind(&self) -> &'static str;

    /// What it is in a few words: "5×5, 32 channels, padding 2".
    fn about(&self) -> String {
        String::new()
    }

    /// Fits the layer to its input. `classes` is what the network must tell apart.
    ///
    /// # Errors
    /// Why it cannot take that input.
    fn build(&self, input: Shape, classes: usize) -> Result<Built, Problem>;
}

/// A layer that has its shapes.
pub struct Built {
    /// Shape of its output.
    pub shape: Shape,
    /// Its tensors of parameters, in the order in which they follow each other.
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

/// A tensor of parameters that a layer wants.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// `weight` or `bias`.
    pub name: &'static str,
    /// Sizes.
    pub shape: Vec<usize>,
    /// Inputs that each output sums over.
    pub fan_in: usize,
    /// Outputs that each input feeds.
    pub fan_out: usize,
}

impl Tensor {
    /// `weight` and, where wanted, `bias` with one value an output.
    pub fn weight_and_bias(shape: Vec<usize>, fan_in: usize, fan_out: usize, bias: bool) -> Vec<Tensor> {
        let outputs = shape[0];
        let weight = Tensor { name: "weight", shape, fan_in, fan_out };
        let bias = bias.then(|| Tensor { name: "bias", shape: vec![outputs], fan_in, fan_out });
        std::iter::once(weight).chain(bias).collect()
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
    /// Needs all images at once.
    PerBatch(Box<dyn PerBatch>),
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
    /// Lays parameters out for this step's calls.
    fn prepare(&self, _parameters: &[f32], _prepared: &mut [f32]) {}
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
    /// Writes output row i at `i · stride`.
    fn forward(&self, parameters: &[f32], input: Rows<'_>, output: &mut [f32], stride: usize);
    /// Writes the gradients of the parameters, and of the input (rows without gaps) where that is wanted, given the output's.
    fn backward(&self, parameters: &[f32], input: Rows<'_>, output: Rows<'_>, to: Option<&mut [f32]>, gradient: &mut [f32]);
}
