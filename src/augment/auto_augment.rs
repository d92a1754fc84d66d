//! AutoAugment: a pair of elementary operations that a search has found.

use super::policy::{CIFAR10, Change, IMAGENET, Pair, STANDARD, SVHN, Style};
use super::read::{change, style};
use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::warp::Sampling;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "auto_augment",
    about: "Does one of 25 pairs of elementary operations that were found by search (AutoAugment)",
    example: "op = \"auto_augment\"\npolicy = \"cifar10\"",
    build: |fields| {
        let choices = [("imagenet", &IMAGENET), ("cifar10", &CIFAR10), ("svhn", &SVHN)];
        let about = "data set that the pairs were found for";
        let pairs = fields.key("policy", about).choice(&choices).or_shown(&IMAGENET, "imagenet");
        Box::new(AutoAugment { pairs, style: style(fields, Sampling::Nearest) })
    },
};

struct AutoAugment {
    pairs: &'static [Pair; 25],
    style: Style,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    /// Number of the pair in its table, from 0.
    pair: u8,
    changes: Vec<Change>,
}

impl Op for AutoAugment {
    type Draw = Draw;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let pair = dice.below(25) as u8;
        let mut changes = Vec::with_capacity(2);
        for (op, p, bin) in self.pairs[usize::from(pair)] {
            if dice.chance(p) {
                changes.push(change(dice, &STANDARD, op, bin, 10, size));
            }
        }
        Draw { pair, changes }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        draw.changes.iter().for_each(|change| change.apply(image, self.style));
    }
}
