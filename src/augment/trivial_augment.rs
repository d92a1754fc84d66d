//! TrivialAugmentWide: one elementary operation with any magnitude.

use super::policy::{Change, Elementary, Style, WIDE};
use super::read::{change, style};
use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::warp::Sampling;
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "trivial_augment",
    about: "Does one of 14 elementary operations at a magnitude drawn evenly from a wide scale (TrivialAugmentWide)",
    example: "op = \"trivial_augment\"",
    build: |fields| {
        let bins = fields.key("num_magnitude_bins", "steps of the scale of magnitudes").count(2, 1000).or(31);
        Box::new(TrivialAugment { bins, style: style(fields, Sampling::Nearest) })
    },
};

struct TrivialAugment {
    bins: usize,
    style: Style,
}

impl Op for TrivialAugment {
    type Draw = Change;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Change {
        let op = Elementary::STANDARD[dice.below(14) as usize];
        let bin = dice.below(self.bins as u64) as usize;
        change(dice, &WIDE, op, bin, self.bins, size)
    }

    fn apply(&self, draw: &Change, image: &mut Image) {
        draw.apply(image, self.style);
    }
}
