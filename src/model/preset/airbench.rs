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
    example: "preset = \"airbench\"\nchannels = [64, 256, 256]\nlogits = 0.111",
    build: |fields| Recipe { layers: Airbench::read(fields).layers(), initialiser: Box::new(Dirac) },
};

/// Sizes of the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Airbench {
    /// Channels of the three pairs of convolutions.
    pub channels: [usize; 3],
    /// What logits are multiplied by.
    pub logits: f32,
}

impl Default for Airbench {
    fn default() -> Self {
        Self { channels: [64, 256, 256], logits: 1.0 / 9.0 }
    }
}

impl Airbench {
    fn read(fields: &Fields) -> Self {
        let usual = Self::default();
        let logits = fields.key("logits", "what logits are multiplied by").number(Limits::above(0.0, 1e3));
        Self {
            channels: channels(fields, "channels of the three pairs of convolutions", usual.channels),
            logits: logits.or_shown(f64::from(usual.logits), "1/9") as f32,
        }
    }

    /// Whitening and GELU; for each width convolution, 2×2 max pooling, batch normalisation, GELU, convolution, batch normalisation,
    /// GELU; 3×3 max pooling, linear without bias, and the factor of the logits. Convolutions are 3×3 without bias; batch
    /// normalisation has a bias only, and 0.4 of each batch goes into its running statistics.
    pub fn layers(&self) -> Layers {
        let gelu = || -> Box<dyn LayerSpec> { Box::new(Gelu::default()) };
        let norm = || -> Box<dyn LayerSpec> { Box::new(BatchNorm { eps: 1e-12, momentum: 0.4, scale: false, bias: true }) };
        let mut layers: Layers = vec![Box::new(Whiten::default()), gelu()];
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
