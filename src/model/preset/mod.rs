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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Network, Shape};

    /// Trained parameters, and millions of multiply-adds for an image in all convolutions and linear layers.
    fn size(layers: Vec<Box<dyn LayerSpec>>, input: Shape) -> (usize, f64) {
        let network = Network::new(layers, input, 10).unwrap();
        let products = network.summary().into_iter().filter(|layer| ["conv", "linear", "whiten"].contains(&layer.kind));
        (network.parameter_count(), products.map(|layer| layer.flops_per_sample).sum::<u64>() as f64 / 2e6)
    }

    #[test]
    fn networks_have_the_sizes_of_their_descriptions() {
        let small = Shape::new(3, 32, 32);
        let near = |(parameters, products): (usize, f64), expected: (usize, f64)| {
            assert!(parameters == expected.0 && (products - expected.1).abs() < 0.05, "{parameters} {products}");
        };
        near(size(VggSmall::default().layers(), small), (307_946, 38.65));
        near(size(Resnet9::default().layers(), small), (6_573_120, 379.3));
        near(size(Airbench::default().layers(), small), (1_971_352, 118.1));
        near(size(Resnet20::default().layers(), small), (272_474, 40.8));
        near(size(Lenet::default().layers(), Shape::new(1, 28, 28)), (1_663_370, 12.3));
    }
}
