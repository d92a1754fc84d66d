//! Sharpens or softens the image.

use super::read::{Interval, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::sharpness::sharpness;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "sharpness",
    about: "Sharpens or softens the image: moves it away from its own blur, or towards it",
    example: "op = \"sharpness\"\nfactor = [0.5, 2.0]\np = 0.5",
    build: |fields| {
        let about =
            "factor of the distance from the blurred image: 0 blurs, 1 changes nothing, 2 sharpens; a number is taken as it is";
        let factor = fields.key("factor", about).interval(Limits::NOT_NEGATIVE, exactly).required();
        Box::new(Sharpness { factor })
    },
};

struct Sharpness {
    factor: Interval,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    factor: f32,
}

impl Op for Sharpness {
    type Draw = Draw;
    const DEFAULT_P: f64 = 0.5;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { factor: uniform(dice, self.factor) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        sharpness(image, draw.factor);
    }

    fn is_fixed(&self) -> bool {
        self.factor.0 == self.factor.1
    }
}
