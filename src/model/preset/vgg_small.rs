//! A small network in the manner of VGG (Simonyan & Zisserman 2015), with batch normalisation.

use super::Build;
use super::blocks::{Layers, channels, conv_norm_relu, max_pool};
use crate::config::Fields;
use crate::model::layer::{Flatten, Linear};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "vgg_small",
    about: "Three times two 3×3 convolutions with batch normalisation and pooling, then one linear layer",
    example: "preset = \"vgg_small\"\nchannels = [32, 64, 128]",
    build: |fields| VggSmall::read(fields).layers().into(),
};

/// Sizes of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VggSmall {
    /// Channels of the three pairs of convolutions.
    pub channels: [usize; 3],
}

impl Default for VggSmall {
    fn default() -> Self {
        Self { channels: [32, 64, 128] }
    }
}

impl VggSmall {
    fn read(fields: &Fields) -> Self {
        Self { channels: channels(fields, "channels of the three pairs of convolutions", Self::default().channels) }
    }

    /// For each width twice 3×3 convolution, batch normalisation, ReLU, and then 2×2 max pooling; at the end flatten and linear.
    pub fn layers(&self) -> Layers {
        let mut layers = Layers::new();
        for out in self.channels {
            layers.extend(conv_norm_relu(out).into_iter().chain(conv_norm_relu(out)));
            layers.push(max_pool(2));
        }
        layers.push(Box::new(Flatten));
        layers.push(Box::new(Linear::new(None, true)));
        layers
    }
}
