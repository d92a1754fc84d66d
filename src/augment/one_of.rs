//! One of some operations.

use super::Build;
use super::chain::Chain;
use super::group::{Group, Turns};
use crate::config::Limits;
use crate::key::Dice;
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "one_of",
    about: "Picks one of the operations inside, which then flips the coin of its own p",
    example: "op = \"one_of\"\nweights = [2, 1]\nops = [{ op = \"brightness\", factor = 0.4 }, { op = \"gaussian_noise\", sigma = 0.1 }]",
    build: |fields| {
        let (chain, count) = Chain::inside(fields);
        let about = "how often each is picked, in proportion; p plays no part in picking, as in torchvision's RandomChoice: \
                     a picked step with p = 0.5 does nothing half the time";
        let weights = fields.key("weights", about).numbers(Limits::within(0.0, 1e9), 1, usize::MAX);
        let weights = weights.or_shown(vec![1.0; count], "all alike");
        if weights.len() != count {
            fields.complain("weights", format!("{} weights for {count} operations", weights.len()), "give each operation one");
        } else if count > 0 && weights.iter().sum::<f64>() <= 0.0 {
            fields.complain("weights", "all weights are 0", "one at least must be more");
        }
        Box::new(Group { chain, turns: One { weights } })
    },
};

struct One {
    /// As many as there are steps, not all of them 0.
    weights: Vec<f64>,
}

impl Turns for One {
    fn deal(&self, _: usize, dice: &mut Dice) -> Vec<usize> {
        let mut left = dice.unit() * self.weights.iter().sum::<f64>();
        let picked = self.weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // Rounding may leave nothing below the sum: then the last that can be picked is.
        picked.or_else(|| self.weights.iter().rposition(|&weight| weight > 0.0)).into_iter().collect()
    }

    fn bounds(&self, _: usize) -> (usize, usize) {
        (1, 1)
    }

    fn chance(&self, step: usize, _: usize, p: f64) -> f64 {
        self.weights[step] / self.weights.iter().sum::<f64>() * p
    }

    fn is_whole(&self, count: usize) -> bool {
        count == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn the_pick_follows_the_weights_and_never_falls_on_nothing() {
        let one = One { weights: vec![0.0, 3.0, 1.0, 0.0] };
        let mut dice = Key { run: 0, epoch: 0, sample: 0, op: 0 }.dice();
        let mut counts = [0u32; 4];
        (0..8_000).for_each(|_| counts[one.deal(4, &mut dice)[0]] += 1);
        assert_eq!((counts[0], counts[3]), (0, 0));
        assert!(counts[1].abs_diff(6_000) < 200, "{counts:?}");
        assert_eq!(one.chance(1, 4, 0.5), 0.375);
    }
}
