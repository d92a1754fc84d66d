//! RandAugment: a few elementary operations, all with one magnitude.

use super::policy::{Change, Elementary, STANDARD, Style};
use super::read::{change, style};
use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::warp::Sampling;
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "rand_augment",
    about: "Does a few of 14 elementary operations, picked evenly with repeats, all at one magnitude (RandAugment)",
    example: "op = \"rand_augment\"\nnum_ops = 2\nmagnitude = 9",
    build: |fields| {
        let num_ops = fields.key("num_ops", "how many operations follow one another").count(1, 100).or(2);
        let bins = fields.key("num_magnitude_bins", "steps of the scale of magnitudes").count(2, 1000).or(31);
        let about = "step of the scale, from 0 to num_magnitude_bins - 1";
        let magnitude = fields.key("magnitude", about).count(0, bins - 1).or(9.min(bins - 1));
        Box::new(RandAugment { num_ops, magnitude, bins, style: style(fields, Sampling::Nearest) })
    },
};

struct RandAugment {
    num_ops: usize,
    magnitude: usize,
    bins: usize,
    style: Style,
}

impl Op for RandAugment {
    type Draw = Vec<Change>;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Vec<Change> {
        let pick = |_| {
            let op = Elementary::STANDARD[dice.below(14) as usize];
            change(dice, &STANDARD, op, self.magnitude, self.bins, size)
        };
        (0..self.num_ops).map(pick).collect()
    }

    fn apply(&self, draw: &Vec<Change>, image: &mut Image) {
        draw.iter().for_each(|change| change.apply(image, self.style));
    }
}
