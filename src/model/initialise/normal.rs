//! Normal numbers of a given deviation.

use super::{Build, Distribution, Initialiser};
use crate::config::Limits;
use crate::key::Dice;
use crate::model::Span;
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "normal",
    about: "Normal with a given standard deviation",
    example: "name = \"normal\"\nstd = 0.01",
    build: |fields| Box::new(Normal { std: fields.key("std", "standard deviation").number(Limits::NOT_NEGATIVE).or(0.01) }),
};

/// Standard deviation `std`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    /// Standard deviation.
    pub std: f64,
}

impl Initialiser for Normal {
    fn fill(&self, _: &Span, dice: &mut Dice, weights: &mut [f32]) {
        Distribution::Normal.fill(self.std * self.std, dice, weights);
    }
}
