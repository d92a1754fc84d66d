//! Turns single pixels white or black.

use super::read::{Interval, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::spots::salt_and_pepper;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "salt_and_pepper",
    about: "Turns single pixels white or black",
    example: "op = \"salt_and_pepper\"\namount = [0.01, 0.06]",
    build: |fields| {
        let about = "chance that a pixel is changed; an interval draws it anew for every image";
        let amount = fields.key("amount", about).interval(Limits::UNIT, exactly).or_shown((0.01, 0.06), "[0.01, 0.06]");
        let about = "white pixels among the changed ones, as a fraction; an interval draws it anew for every image";
        let salt = fields.key("salt_vs_pepper", about).interval(Limits::UNIT, exactly).or_shown((0.4, 0.6), "[0.4, 0.6]");
        Box::new(SaltAndPepper { amount, salt })
    },
};

struct SaltAndPepper {
    amount: Interval,
    salt: Interval,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    amount: f32,
    salt_vs_pepper: f32,
    /// Number of the pattern that says which pixels.
    pattern: u64,
}

impl Op for SaltAndPepper {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { amount: uniform(dice, self.amount), salt_vs_pepper: uniform(dice, self.salt), pattern: dice.bits() }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        salt_and_pepper(image, draw.amount, draw.salt_vs_pepper, draw.pattern);
    }
}
