//! The ways in which a layer works on activations and gradients. Knows no layer.
//!
//! Four of them, so that a network can run a whole row of layers on one image while it is in the cache:
//! [`InPlace`] changes activations where they lie, [`PerImage`] maps one image to another, [`Normalise`] works image by image
//! once sums over all images are known, [`PerBatch`] needs all images at once.

use super::{Built, LayerSpec};
use crate::error::Problem;
use crate::kernel::rows::{Rows, Then};
use crate::model::Shape;

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

impl Part {
    /// Fits a row of layers to each other; gives them and the last one's shape.
    ///
    /// # Errors
    /// What does not fit, under `word` and its number.
    pub(in crate::model) fn row(
        word: &str,
        layers: &[Box<dyn LayerSpec>],
        input: Shape,
        classes: usize,
    ) -> Result<(Vec<Part>, Shape), Problem> {
        let (mut parts, mut shape) = (Vec::new(), input);
        for (index, layer) in layers.iter().enumerate() {
            let built = layer.build(shape, classes).map_err(|problem| {
                let message = format!("{word} {index} ({}): {}", layer.kind(), problem.message);
                Problem { message, ..problem }
            })?;
            shape = built.shape;
            parts.push(Part { kind: layer.kind(), about: layer.about(), built });
        }
        Ok((parts, shape))
    }
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
    /// Whether to compute its output again takes longer than to keep it.
    fn is_costly(&self) -> bool {
        false
    }
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
    /// Whether to compute its output again takes longer than to keep it.
    fn is_costly(&self) -> bool {
        false
    }
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

/// Rows to be written, and who takes up each.
pub type ToRows<'a> = (&'a mut [f32], &'a Then<'a>);

/// Needs all images at once, and spreads the work over the current rayon pool itself.
pub trait PerBatch: Send + Sync {
    /// Floats that it takes beside for a while, whatever the batch.
    fn scratch_len(&self) -> usize {
        0
    }
    /// As [`PerImage::expect_zeros`].
    fn expect_zeros(&mut self) {}
    /// Whether it takes inputs that are made when it asks for them, and asks for each image only a few times.
    fn takes_made_rows(&self) -> bool {
        false
    }
    /// Writes output row i at `i · stride`, and has `then` take up each row when it stands there.
    fn forward(&self, parameters: &[f32], input: Rows<'_>, output: (&mut [f32], usize), then: &Then<'_>);
    /// Writes the gradients of the parameters, and of the input (rows without gaps, each of which is taken up when it stands there)
    /// where that is wanted, given the output's. Answers whether the parameters' gradients are finite for certain.
    fn backward(&self, parameters: &[f32], input: Rows<'_>, output: Rows<'_>, to: Option<ToRows<'_>>, gradient: &mut [f32])
    -> bool;
}
