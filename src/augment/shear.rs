//! Slants what the image shows.

use super::read::{Interval, Look, mirrored, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::affine::Affine;
use crate::pixels::fused::Motion;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "shear",
    about: "Slants what the image shows, about its centre",
    example: "op = \"shear\"\nx = 10",
    build: |fields| {
        let angle = |key, about| {
            let angle = fields.key(key, about).interval(Limits::within(-80.0, 80.0), mirrored);
            angle.or_shown((0.0, 0.0), "0")
        };
        let x = angle("x", "angle of the slant along x in degrees; a number d means -d to d");
        let y = angle("y", "angle of the slant along y in degrees; a number d means -d to d");
        Box::new(Shear { x, y, look: Look::read(fields) })
    },
};

struct Shear {
    x: Interval,
    y: Interval,
    look: Look,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    x: f32,
    y: f32,
}

impl Draw {
    fn map(&self) -> Affine {
        Affine::new(0.0, (0.0, 0.0), 1.0, (f64::from(self.x), f64::from(self.y)))
    }
}

impl Op for Shear {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { x: uniform(dice, self.x), y: uniform(dice, self.y) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        self.look.warp(image, &draw.map(), image.size());
    }

    fn motion(&self, draw: &Draw, size: Size) -> Option<Motion> {
        self.look.affine_motion(&draw.map(), size)
    }

    fn is_fixed(&self) -> bool {
        self.x.0 == self.x.1 && self.y.0 == self.y.1
    }
}
