//! Turns the image about its centre by a random angle.

use super::read::{Interval, Look, mirrored, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::affine::Affine;
use crate::pixels::fused::Motion;
use crate::pixels::projective::Projective;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "rotate",
    about: "Turns the image about its centre by a random angle, counter-clockwise where it is positive",
    example: "op = \"rotate\"\ndegrees = 15",
    build: |fields| {
        let about = "angle in degrees; a number d means -d to d";
        let degrees = fields.key("degrees", about).interval(Limits::within(-360.0, 360.0), mirrored).required();
        let look = Look::read(fields);
        let expand = fields.key("expand", "whether the canvas grows to hold the whole turned image").flag().or(false);
        Box::new(Rotate { degrees, look, expand })
    },
};

struct Rotate {
    degrees: Interval,
    look: Look,
    expand: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    degrees: f32,
}

impl Rotate {
    /// The map, and the size afterwards of an image of `size`.
    fn canvas(&self, draw: &Draw, size: Size) -> (Affine, Size) {
        let map = Affine::rotation(f64::from(draw.degrees));
        (map, if self.expand { map.expanded(size) } else { size })
    }
}

impl Op for Rotate {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { degrees: uniform(dice, self.degrees) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        let (map, size) = self.canvas(draw, image.size());
        self.look.warp(image, &map, size);
    }

    fn motion(&self, draw: &Draw, size: Size) -> Option<Motion> {
        let (map, out) = self.canvas(draw, size);
        self.look.motion(Projective::of_affine(&map, size, out), out)
    }

    fn out_size(&self, size: Option<Size>) -> Option<Size> {
        size.filter(|_| !self.expand)
    }

    fn is_fixed(&self) -> bool {
        self.degrees.0 == self.degrees.1
    }
}
