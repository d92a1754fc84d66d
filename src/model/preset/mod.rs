//! Networks that have a name: lists of layers built in code, and the catalogue of them.

mod airbench;
mod blocks;
mod lenet;
mod mlp;
mod resnet20;
mod resnet9;
mod softmax;
mod vgg_small;

pub use airbench::Airbench;
pub use lenet::Lenet;
pub use mlp::Mlp;
pub use resnet9::Resnet9;
pub use resnet20::Resnet20;
pub use softmax::softmax;
pub use vgg_small::VggSmall;

use super::initialise::{He, Initialiser};
use super::layer::LayerSpec;
use crate::config::Fields;
use crate::registry::Entry;

/// What a preset stands for.
#[derive(Debug)]
pub struct Recipe {
    /// Its layers.
    pub layers: Vec<Box<dyn LayerSpec>>,
    /// How its weights start where the file does not say.
    pub initialiser: Box<dyn Initialiser>,
}

impl From<Vec<Box<dyn LayerSpec>>> for Recipe {
    fn from(layers: Vec<Box<dyn LayerSpec>>) -> Self {
        Self { layers, initialiser: Box::new(He::NORMAL) }
    }
}

/// Reads a preset's keys.
pub type Build = fn(&Fields) -> Recipe;

/// Every preset that a pipeline file can name.
pub const PRESETS: &[Entry<Build>] =
    &[airbench::ENTRY, lenet::ENTRY, mlp::ENTRY, resnet20::ENTRY, resnet9::ENTRY, softmax::ENTRY, vgg_small::ENTRY];
