//! Inverts the bright values only.

use super::read::{Interval, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::point::solarize;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "solarize",
    about: "Inverts the values that are at least a threshold, and leaves darker ones as they are",
    example: "op = \"solarize\"\nthreshold = 128\np = 0.5",
    build: |fields| {
        let about = "lowest value that is inverted; an interval draws it anew for every image";
        let threshold = fields.key("threshold", about).interval(Limits::within(0.0, 256.0), exactly).required();
        Box::new(Solarize { threshold })
    },
};

struct Solarize {
    threshold: Interval,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    threshold: f32,
}

impl Op for Solarize {
    type Draw = Draw;
    const DEFAULT_P: f64 = 0.5;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { threshold: uniform(dice, self.threshold) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        solarize(image, draw.threshold);
    }

    fn is_fixed(&self) -> bool {
        self.threshold.0 == self.threshold.1
    }
}
