//! Turns all colours around the colour circle.

use super::read::{Interval, mirrored, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::hue::{hue, with_hue_turned};
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "hue",
    about: "Turns all colours around the colour circle; gray images stay",
    example: "op = \"hue\"\nshift = 0.1",
    build: |fields| {
        let about = "part of a full turn; a number v means -v to v";
        Box::new(Hue { shift: fields.key("shift", about).interval(Limits::within(-0.5, 0.5), mirrored).required() })
    },
};

struct Hue {
    shift: Interval,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    shift: f32,
}

impl Op for Hue {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { shift: uniform(dice, self.shift) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        hue(image, draw.shift.clamp(-0.5, 0.5));
    }

    fn applied(&self, draw: &Draw, image: &Image) -> Image {
        with_hue_turned(image, draw.shift.clamp(-0.5, 0.5))
    }

    fn is_fixed(&self) -> bool {
        self.shift.0 == self.shift.1
    }
}
