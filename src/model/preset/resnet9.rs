//! The quick residual network of DAWNBench (Page 2018).

use super::Build;
use super::blocks::{Layers, channels, conv_norm_relu, max_pool};
use crate::config::{Fields, Limits};
use crate::model::layer::{GlobalMaxPool, Linear, Residual, Scale};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "resnet9",
    about: "Eight 3×3 convolutions, four of them in two residual blocks, then one linear layer: quick to a good result on small images",
    example: "preset = \"resnet9\"\nchannels = [64, 128, 256, 512]\nlogits = 0.125",
    build: |fields| Resnet9::read(fields).layers().into(),
};

/// Sizes of the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resnet9 {
    /// Channels of the first convolution and of the three parts behind it.
    pub channels: [usize; 4],
    /// What logits are multiplied by.
    pub logits: f32,
}

impl Default for Resnet9 {
    fn default() -> Self {
        Self { channels: [64, 128, 256, 512], logits: 0.125 }
    }
}

impl Resnet9 {
    fn read(fields: &Fields) -> Self {
        let usual = Self::default();
        let logits = fields.key("logits", "what logits are multiplied by").number(Limits::above(0.0, 1e3));
        Self {
            channels: channels(fields, "channels of the first convolution and of the three parts behind it", usual.channels),
            logits: logits.or(f64::from(usual.logits)) as f32,
        }
    }

    /// Convolution, then three parts of convolution and 2×2 max pooling, a residual block of two convolutions behind the first and
    /// the third; each convolution 3×3 with batch normalisation and ReLU. At the end global max pooling, linear without bias, and
    /// the factor of the logits.
    pub fn layers(&self) -> Layers {
        let [first, parts @ ..] = self.channels;
        let mut layers = conv_norm_relu(first);
        for (index, out) in parts.into_iter().enumerate() {
            layers.extend(conv_norm_relu(out));
            layers.push(max_pool(2));
            if index != 1 {
                let branch = conv_norm_relu(out).into_iter().chain(conv_norm_relu(out)).collect();
                layers.push(Box::new(Residual { branch, shortcut: Vec::new() }));
            }
        }
        layers.push(Box::new(GlobalMaxPool));
        layers.push(Box::new(Linear::new(None, false)));
        layers.push(Box::new(Scale { factor: self.logits }));
        layers
    }
}
