//! All of some operations, in random order.

use super::Build;
use super::chain::Chain;
use super::group::{Group, Turns};
use crate::key::Dice;
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "random_order",
    about: "Does all the operations inside, each with its own p, in an order that is drawn anew for every sample",
    example: "op = \"random_order\"\nops = [{ op = \"brightness\", factor = 0.4 }, { op = \"contrast\", factor = 0.4 }, \"vertical_flip\"]",
    build: |fields| Box::new(Group { chain: Chain::inside(fields).0, turns: Shuffled }),
};

struct Shuffled;

impl Turns for Shuffled {
    fn deal(&self, count: usize, dice: &mut Dice) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        dice.shuffle(&mut order);
        order
    }

    fn bounds(&self, count: usize) -> (usize, usize) {
        (count, count)
    }

    fn chance(&self, _: usize, _: usize, p: f64) -> f64 {
        p
    }

    fn is_whole(&self, count: usize) -> bool {
        count <= 1
    }
}
