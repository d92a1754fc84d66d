//! A small convolutional network in the manner of LeNet-5 (LeCun et al. 1998), with ReLU, max pooling and dropout.

use super::Build;
use crate::config::{Fields, Limits};
use crate::model::layer::{Conv, Dropout, Flatten, LayerSpec, Linear, MaxPool, Padding, Relu, Window};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "lenet",
    about: "Two convolutions with pooling, one hidden layer, dropout: LeNet with today's parts",
    example: "preset = \"lenet\"\nchannels = [32, 64]\nhidden = 512\nkeep_hidden = 0.5",
    build: |fields| Lenet::read(fields).layers().into(),
};

/// Sizes of the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lenet {
    /// Channels of the two convolutions.
    pub channels: [usize; 2],
    /// Units of the hidden layer.
    pub hidden: usize,
    /// Chance of a hidden unit to be kept in training.
    pub keep_hidden: f32,
}

impl Default for Lenet {
    fn default() -> Self {
        Self { channels: [32, 64], hidden: 512, keep_hidden: 0.5 }
    }
}

impl Lenet {
    fn read(fields: &Fields) -> Self {
        let usual = Self::default();
        let channels = fields.key("channels", "channels of the two convolutions").numbers(Limits::within(1.0, 4096.0), 2, 2);
        let channels = channels.or_shown(usual.channels.map(|c| c as f64).to_vec(), "[32, 64]");
        let keep = fields.key("keep_hidden", "chance of a hidden unit to be kept in training").number(Limits::above(0.0, 1.0));
        Self {
            channels: [channels[0] as usize, channels[1] as usize],
            hidden: fields.key("hidden", "units of the hidden layer").count(1, 65536).or(usual.hidden),
            keep_hidden: keep.or(f64::from(usual.keep_hidden)) as f32,
        }
    }

    /// Twice 5×5 convolution with padding 2, ReLU and 2×2 max pooling; then flatten, linear, ReLU, dropout, linear to the classes.
    pub fn layers(&self) -> Vec<Box<dyn LayerSpec>> {
        let mut layers: Vec<Box<dyn LayerSpec>> = Vec::new();
        for out in self.channels {
            layers.push(Box::new(Conv { bias: true, ..Conv::plain(out, 5, 2) }));
            layers.push(Box::new(Relu));
            layers.push(Box::new(MaxPool { window: Window { kernel: 2, stride: 2, padding: Padding::Sides(0) } }));
        }
        layers.push(Box::new(Flatten));
        layers.push(Box::new(Linear::new(Some(self.hidden), true)));
        layers.push(Box::new(Relu));
        if self.keep_hidden < 1.0 {
            layers.push(Box::new(Dropout::new(self.keep_hidden)));
        }
        layers.push(Box::new(Linear::new(None, true)));
        layers
    }
}
