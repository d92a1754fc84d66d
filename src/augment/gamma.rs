//! Bends the brightness curve.

use super::read::{Interval, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::point::gamma;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "gamma",
    about: "Bends the brightness curve: every value, on a scale where white is 1, becomes gain times its power",
    example: "op = \"gamma\"\ngamma = [0.7, 1.5]",
    build: |fields| {
        let about = "exponent: below 1 brightens the dark parts, above 1 darkens them; a number is taken as it is";
        let gamma = fields.key("gamma", about).interval(Limits::NOT_NEGATIVE, exactly).required();
        let gain = fields.key("gain", "factor of the result").number(Limits::NOT_NEGATIVE).or(1.0);
        Box::new(Gamma { gamma, gain })
    },
};

struct Gamma {
    gamma: Interval,
    gain: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    gamma: f32,
}

impl Op for Gamma {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { gamma: uniform(dice, self.gamma) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        gamma(image, draw.gamma, self.gain as f32);
    }

    fn is_fixed(&self) -> bool {
        self.gamma.0 == self.gamma.1
    }
}
