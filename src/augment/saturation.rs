//! Makes colours stronger or weaker.

use super::read::{Interval, around_one, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::colour::saturation;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "saturation",
    about: "Moves every pixel away from its own grey, or towards it; gray images stay",
    example: "op = \"saturation\"\nfactor = 0.4",
    build: |fields| {
        let about = "factor of the distance from the pixel's grey; a number v means 1 - v (at least 0) to 1 + v";
        let factor = fields.key("factor", about).interval(Limits::NOT_NEGATIVE, around_one).required();
        Box::new(Saturation { factor })
    },
};

struct Saturation {
    factor: Interval,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    factor: f32,
}

impl Op for Saturation {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { factor: uniform(dice, self.factor) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        saturation(image, f64::from(draw.factor));
    }

    fn is_fixed(&self) -> bool {
        self.factor.0 == self.factor.1
    }
}
