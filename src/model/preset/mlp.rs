//! Multi-layer perceptron with dropout.

use super::Build;
use crate::config::{Fields, Limits};
use crate::model::layer::{Dropout, Flatten, LayerSpec, Linear, Relu};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "mlp",
    about: "Multi-layer perceptron: hidden layers with ReLU and dropout, as in Srivastava et al. 2014",
    example: "preset = \"mlp\"\nhidden = [1024, 1024]\nkeep_input = 0.8\nkeep_hidden = 0.5",
    build: |fields| Mlp::read(fields).layers().into(),
};

/// A row of hidden layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// Units in each hidden layer.
    pub hidden: Vec<usize>,
    /// Chance of an input to be kept in training.
    pub keep_input: f32,
    /// Chance of a hidden unit to be kept in training.
    pub keep_hidden: f32,
}

impl Mlp {
    fn read(fields: &Fields) -> Self {
        let hidden = fields.key("hidden", "units in each hidden layer").numbers(Limits::within(1.0, 65536.0), 1, 64);
        let keep = |key, about| fields.key(key, about).number(Limits::above(0.0, 1.0)).or(1.0) as f32;
        Self {
            hidden: hidden.or_shown(vec![256.0], "[256]").into_iter().map(|units| units as usize).collect(),
            keep_input: keep("keep_input", "chance of an input to be kept in training"),
            keep_hidden: keep("keep_hidden", "chance of a hidden unit to be kept in training"),
        }
    }

    /// Flatten, dropout, then linear, ReLU and dropout for each hidden layer, then linear to the classes; no dropout that keeps all.
    pub fn layers(&self) -> Vec<Box<dyn LayerSpec>> {
        let mut layers: Vec<Box<dyn LayerSpec>> = vec![Box::new(Flatten)];
        let drop_out = |layers: &mut Vec<Box<dyn LayerSpec>>, keep: f32| {
            if keep < 1.0 {
                layers.push(Box::new(Dropout::new(keep)));
            }
        };
        drop_out(&mut layers, self.keep_input);
        for &units in &self.hidden {
            layers.push(Box::new(Linear::new(Some(units), true)));
            layers.push(Box::new(Relu));
            drop_out(&mut layers, self.keep_hidden);
        }
        layers.push(Box::new(Linear::new(None, true)));
        layers
    }
}
