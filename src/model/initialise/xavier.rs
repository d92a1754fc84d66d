//! Glorot & Bengio 2010: variance 2 / (fan in + fan out), for tanh, sigmoid and softmax.

use super::{Build, Distribution, Initialiser};
use crate::key::Dice;
use crate::model::Span;
use crate::registry::Entry;

pub(super) const NORMAL: Entry<Build> = Entry {
    name: "xavier_normal",
    about: "Normal with variance 2 / (fan in + fan out): for tanh and sigmoid",
    example: "name = \"xavier_normal\"",
    build: |_| Box::new(Xavier(Distribution::Normal)),
};

pub(super) const UNIFORM: Entry<Build> = Entry {
    name: "xavier_uniform",
    about: "Uniform with variance 2 / (fan in + fan out): for tanh and sigmoid",
    example: "name = \"xavier_uniform\"",
    build: |_| Box::new(Xavier(Distribution::Uniform)),
};

/// Variance 2 / (fan in + fan out).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xavier(pub Distribution);

impl Initialiser for Xavier {
    fn fill(&self, span: &Span, dice: &mut Dice, weights: &mut [f32]) {
        self.0.fill(2.0 / (span.fan_in + span.fan_out) as f64, dice, weights);
    }
}
