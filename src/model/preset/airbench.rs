//! The network of airbench94 (Jordan 2024): 94 % on CIFAR-10 in ten epochs.

use super::blocks::{Layers, channels, max_pool};
use super::{Build, Recipe};
use crate::config::{Fields, Limits};
use crate::model::initialise::Dirac;
use crate::model::layer::{BatchNorm, Conv, Flatten, Gelu, LayerSpec, Linear, Scale, Whiten};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "airbench",
    about: "Fixed whitening of 2×2 patches, then six 3×3 convolutions that start as identities: airbench94 for 32×32 images",
    example: "preset = \"airbench\"\nchannels = [64, 256, 256]\nlogits = 0.111\nwhiten_eps = 0.0005",
    build: |fields| Recipe { layers: Airbench::read(fields).layers(), initialiser: Box::new(Dirac) },
};

/// Sizes of the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Airbench {
    /// Channels of the three pairs of convolutions.
    pub channels: [usize; 3],
    /// What logits are multiplied by.
    pub logits: f32,
    /// [`Whiten::eps`]: more keeps the noise of pictures that were stored with loss from being made as strong as what they show.
    pub whiten_eps: f64,
}

impl Default for Airbench {
    fn default() -> Self {
        Self { channels: [64, 256, 256], logits: 1.0 / 9.0, whiten_eps: Whiten::default().eps }
    }
}

impl Airbench {
    fn read(fields: &Fields) -> Self {
        let usual = Self::default();
        let logits = fields.key("logits", "what logits are multiplied by").number(Limits::above(0.0, 1e3));
        let eps =
            fields.key("whiten_eps", "added to the variance of patches along each direction; more for pictures stored with loss");
        Self {
            channels: channels(fields, "channels of the three pairs of convolutions", usual.channels),
            logits: logits.or_shown(f64::from(usual.logits), "1/9") as f32,
            whiten_eps: eps.number(Limits::above(0.0, 1.0)).or(usual.whiten_eps),
        }
    }

    /// Whitening and GELU; for each width convolution, 2×2 max pooling, batch normalisation, GELU, convolution, batch normalisation,
    /// GELU; 3×3 max pooling, linear without bias, and the factor of the logits. Convolutions are 3×3 without bias; batch
    /// normalisation has a bias only, and 0.4 of each batch goes into its running statistics.
    pub fn layers(&self) -> Layers {
        let gelu = || -> Box<dyn LayerSpec> { Box::new(Gelu::default()) };
        let norm = || -> Box<dyn LayerSpec> { Box::new(BatchNorm { eps: 1e-12, momentum: 0.4, scale: false, bias: true }) };
        let mut layers: Layers = vec![Box::new(Whiten { eps: self.whiten_eps, ..Whiten::default() }), gelu()];
        for out in self.channels {
            let conv = || -> Box<dyn LayerSpec> { Box::new(Conv::plain(out, 3, 1)) };
            layers.extend([conv(), max_pool(2), norm(), gelu(), conv(), norm(), gelu()]);
        }
        layers.push(max_pool(3));
        layers.push(Box::new(Flatten));
        layers.push(Box::new(Linear::new(None, false)));
        layers.push(Box::new(Scale { factor: self.logits }));
        layers
    }
}
