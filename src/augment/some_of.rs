//! A few of some operations.

use super::Build;
use super::chain::Chain;
use super::group::{Group, Turns};
use crate::config::{Fields, Node, Value};
use crate::key::Dice;
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "some_of",
    about: "Picks a few of the operations inside, all as likely, and does them in the file's order, each with its own p",
    example: "op = \"some_of\"\ncount = [1, 2]\nops = [{ op = \"brightness\", factor = 0.4 }, { op = \"gaussian_noise\", sigma = 0.1 }, \"vertical_flip\"]",
    build: |fields| {
        let (chain, given) = Chain::inside(fields);
        let about = "how many are picked: a number, or [fewest, most], all as likely";
        let kind = format!("integer or [fewest, most], 0 to {MOST}");
        let (fewest, most) = fields.key("count", about).read(kind, (0, 0), range).or_shown((1, 1), "1");
        let replace = fields.key("replace", "whether one may be picked more than once, with new dice each time").flag().or(false);
        refuse_too_many(fields, most, given, replace);
        Box::new(Group { chain, turns: Some { fewest, most, replace } })
    },
};

/// Turns of one group.
const MOST: usize = 100;

fn range(node: &Node) -> Option<(usize, usize)> {
    let one = |node: &Node| match node.value {
        Value::Integer(value) => usize::try_from(value).ok().filter(|&value| value <= MOST),
        _ => None,
    };
    match &node.value {
        Value::List(items) => match items.as_slice() {
            [low, high] => Option::Some((one(low)?, one(high)?)).filter(|(low, high)| low <= high),
            _ => None,
        },
        _ => one(node).map(|count| (count, count)),
    }
}

fn refuse_too_many(fields: &Fields, most: usize, given: usize, replace: bool) {
    if most > given && given > 0 && !replace {
        let help = "pick fewer, or write replace = true";
        fields.complain("count", format!("{most} of {given} operations cannot be picked"), help);
    }
}

struct Some {
    fewest: usize,
    most: usize,
    replace: bool,
}

impl Turns for Some {
    fn deal(&self, count: usize, dice: &mut Dice) -> Vec<usize> {
        let turns = dice.integer(self.fewest as i64, self.most as i64) as usize;
        let mut picked: Vec<usize> = match self.replace {
            true => (0..turns).map(|_| dice.below(count as u64) as usize).collect(),
            false => {
                let mut all: Vec<usize> = (0..count).collect();
                dice.shuffle(&mut all);
                all.truncate(turns);
                all
            }
        };
        picked.sort_unstable();
        picked
    }

    fn bounds(&self, _: usize) -> (usize, usize) {
        (self.fewest, self.most)
    }

    fn chance(&self, _: usize, count: usize, p: f64) -> f64 {
        let share = 1.0 / count as f64;
        let of = |turns: usize| match self.replace {
            true => 1.0 - (1.0 - p * share).powi(turns as i32),
            false => turns as f64 * share * p,
        };
        (self.fewest..=self.most).map(of).sum::<f64>() / (self.most - self.fewest + 1) as f64
    }

    fn is_whole(&self, count: usize) -> bool {
        self.fewest == count && self.most == count && (!self.replace || count == 1)
    }

    fn may_begin(&self, step: usize, count: usize) -> bool {
        self.most > 0 && (self.replace || step + self.fewest.max(1) <= count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn picks_are_in_order_and_their_number_in_range() {
        let mut dice = Key { run: 0, epoch: 0, sample: 0, op: 0 }.dice();
        for replace in [false, true] {
            let some = Some { fewest: 1, most: 4, replace };
            for _ in 0..200 {
                let picked = some.deal(5, &mut dice);
                assert!((1..=4).contains(&picked.len()));
                assert!(picked.windows(2).all(|pair| if replace { pair[0] <= pair[1] } else { pair[0] < pair[1] }), "{picked:?}");
            }
        }
    }

    #[test]
    fn chances_are_those_of_counting_by_hand() {
        let chance = |fewest, most, replace| Some { fewest, most, replace }.chance(0, 4, 0.5);
        assert_eq!(chance(1, 3, false), 0.25);
        assert_eq!(chance(4, 4, false), 0.5);
        assert_eq!(chance(2, 2, true), 1.0 - 0.875 * 0.875);
        assert_eq!(chance(0, 0, true), 0.0);
    }

    #[test]
    fn only_a_step_with_enough_behind_it_may_begin() {
        let some = Some { fewest: 2, most: 3, replace: false };
        assert_eq!([0, 1, 2, 3].map(|step| some.may_begin(step, 4)), [true, true, true, false]);
    }
}
