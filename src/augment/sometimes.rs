//! All of some operations, or none of them.

use super::Build;
use super::chain::Chain;
use super::group::{Group, Turns};
use crate::key::Dice;
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "sometimes",
    about: "Does all the operations inside, in their order, or none of them: one coin with chance p for all",
    example: "op = \"sometimes\"\np = 0.3\nops = [\"vertical_flip\", { op = \"gaussian_noise\", sigma = 0.1 }]",
    build: |fields| Box::new(Group { chain: Chain::inside(fields).0, turns: All }),
};

struct All;

impl Turns for All {
    const DEFAULT_P: f64 = 0.5;

    fn deal(&self, count: usize, _: &mut Dice) -> Vec<usize> {
        (0..count).collect()
    }

    fn bounds(&self, count: usize) -> (usize, usize) {
        (count, count)
    }

    fn chance(&self, _: usize, _: usize, p: f64) -> f64 {
        p
    }

    fn is_whole(&self, _: usize) -> bool {
        true
    }
}
