//! All zeros: enough for softmax regression, and a demonstration of why nothing deeper learns from it.

use super::{Build, Initialiser};
use crate::key::Dice;
use crate::model::Span;
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "zeros",
    about: "All weights 0: only a network of one layer learns from it",
    example: "name = \"zeros\"",
    build: |_| Box::new(Zeros),
};

/// 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zeros;

impl Initialiser for Zeros {
    fn fill(&self, _: &Span, _: &mut Dice, weights: &mut [f32]) {
        weights.fill(0.0);
    }
}
