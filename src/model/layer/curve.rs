//! Activations whose gradient needs their input: they write to another place. Knows no names of layers.

use super::{ImageGradient, PerImage};
use crate::kernel::activation::Curve;

/// A curve over every value.
pub(super) struct Fitted(pub Curve);

impl PerImage for Fitted {
    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, _: &[f32], input: &[f32], output: &mut [f32]) {
        self.0.apply(input, output);
    }

    fn backward(&self, _: &[f32], pass: ImageGradient<'_>, _: &mut [f32]) {
        if let Some(to) = pass.to {
            self.0.gradient(pass.input, pass.output, to);
        }
    }
}
