//! The residual networks for small images of He et al. 2016: 20 layers, and deeper ones by one key.

use super::Build;
use super::blocks::{Layers, channels, conv_norm_relu};
use crate::config::Fields;
use crate::model::layer::{BatchNorm, Conv, GlobalAvgPool, Linear, Padding, Relu, Residual, Window};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "resnet20",
    about: "Nine residual blocks of two 3×3 convolutions; with blocks = 5 or 9 a network of 32 or 56 layers",
    example: "preset = \"resnet20\"\nchannels = [16, 32, 64]\nblocks = 3",
    build: |fields| Resnet20::read(fields).layers().into(),
};

/// Sizes of the network, which has 6 · blocks + 2 layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resnet20 {
    /// Channels of the three parts; the second and the third halve height and width.
    pub channels: [usize; 3],
    /// Residual blocks in each part.
    pub blocks: usize,
}

impl Default for Resnet20 {
    fn default() -> Self {
        Self { channels: [16, 32, 64], blocks: 3 }
    }
}

impl Resnet20 {
    fn read(fields: &Fields) -> Self {
        let usual = Self::default();
        Self {
            channels: channels(fields, "channels of the three parts", usual.channels),
            blocks: fields.key("blocks", "residual blocks in each part").count(1, 64).or(usual.blocks),
        }
    }

    /// Convolution with batch normalisation and ReLU, three parts of residual blocks, global average pooling, linear. Where a block
    /// changes the shape, its shortcut is a 1×1 convolution with batch normalisation (the paper's option B).
    pub fn layers(&self) -> Layers {
        let mut layers = conv_norm_relu(self.channels[0]);
        let mut before = self.channels[0];
        for (part, &out) in self.channels.iter().enumerate() {
            for block in 0..self.blocks {
                let stride = if part > 0 && block == 0 { 2 } else { 1 };
                layers.push(Box::new(basic_block(out, stride, before != out || stride != 1)));
                layers.push(Box::new(Relu));
                before = out;
            }
        }
        layers.push(Box::new(GlobalAvgPool));
        layers.push(Box::new(Linear::new(None, true)));
        layers
    }
}

/// Two 3×3 convolutions with batch normalisation, the first with ReLU and stride.
fn basic_block(out: usize, stride: usize, projects: bool) -> Residual {
    let conv = |kernel: usize, stride: usize| {
        let window = Window { kernel, stride, padding: Padding::Sides(kernel / 2) };
        Box::new(Conv { window, ..Conv::plain(out, kernel, 0) })
    };
    let norm = || Box::new(BatchNorm::default());
    let branch: Layers = vec![conv(3, stride), norm(), Box::new(Relu), conv(3, 1), norm()];
    let shortcut: Layers = if projects { vec![conv(1, stride), norm()] } else { Vec::new() };
    Residual { branch, shortcut }
}
