//! He et al. 2015 (PyTorch's `kaiming`): variance 2 / fan in, for layers that a ReLU follows.

use super::{Build, Distribution, Initialiser};
use crate::key::Dice;
use crate::model::Span;
use crate::registry::Entry;

pub(super) const NORMAL: Entry<Build> = Entry {
    name: "he_normal",
    about: "Normal with variance 2 / fan in: for ReLU",
    example: "name = \"he_normal\"",
    build: |_| Box::new(He::NORMAL),
};

pub(super) const UNIFORM: Entry<Build> = Entry {
    name: "he_uniform",
    about: "Uniform with variance 2 / fan in: for ReLU",
    example: "name = \"he_uniform\"",
    build: |_| Box::new(He(Distribution::Uniform)),
};

/// Variance 2 / fan in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct He(pub Distribution);

impl He {
    /// What networks start with where nothing else is said.
    pub const NORMAL: He = He(Distribution::Normal);
}

impl Initialiser for He {
    fn fill(&self, span: &Span, dice: &mut Dice, weights: &mut [f32]) {
        self.0.fill(2.0 / span.fan_in as f64, dice, weights);
    }
}
