//! Turns, moves, scales and slants in one resampling.

use super::read::{Interval, Look, exactly, mirrored, moves, numbers, translate, uniform};
use super::{Build, Op};
use crate::config::{Fields, Limits};
use crate::key::Dice;
use crate::pixels::affine::Affine as Map;
use crate::pixels::fused::Motion;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "affine",
    about: "Turns (clockwise), moves, scales and slants the image about its centre in one go",
    example: "op = \"affine\"\ndegrees = 10\ntranslate = [0.1, 0.1]\nscale = [0.9, 1.1]\nshear = 5",
    build: |fields| {
        let about = "angle in degrees, clockwise; a number d means -d to d";
        let degrees = fields.key("degrees", about).interval(Limits::within(-360.0, 360.0), mirrored).required();
        let fractions = translate(fields).or_shown(vec![0.0, 0.0], "[0, 0]");
        let about = "factor; a number means exactly that";
        let scale = fields.key("scale", about).interval(Limits::within(0.01, 100.0), exactly).or_shown((1.0, 1.0), "1");
        let (shear_x, shear_y) = read_shear(fields);
        Box::new(Affine { degrees, fractions, scale, shear_x, shear_y, look: Look::read(fields) })
    },
};

fn read_shear(fields: &Fields) -> (Interval, Interval) {
    let about = "slant in degrees: d means -d to d along x, [low, high] along x, [low, high, low, high] along x and y";
    let kind = "number or list of 2 or 4, -80 to 80".to_owned();
    let none = ((0.0, 0.0), (0.0, 0.0));
    let ordered = |(low, high): Interval| (low <= high).then_some((low, high));
    let shear = fields.key("shear", about).read(kind, none, |node| match numbers(node, -80.0, 80.0)?[..] {
        [d] => Some((ordered((-d, d))?, none.1)),
        [low, high] => Some((ordered((low, high))?, none.1)),
        [low, high, low_y, high_y] => Some((ordered((low, high))?, ordered((low_y, high_y))?)),
        _ => None,
    });
    shear.or_shown(none, "0")
}

struct Affine {
    degrees: Interval,
    fractions: Vec<f64>,
    scale: Interval,
    shear_x: Interval,
    shear_y: Interval,
    look: Look,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    degrees: f32,
    translate: (i32, i32),
    scale: f32,
    shear: (f32, f32),
}

impl Draw {
    fn map(&self) -> Map {
        let translate = (f64::from(self.translate.0), f64::from(self.translate.1));
        let shear = (f64::from(self.shear.0), f64::from(self.shear.1));
        Map::new(f64::from(self.degrees), translate, f64::from(self.scale), shear)
    }
}

impl Op for Affine {
    type Draw = Draw;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let degrees = uniform(dice, self.degrees);
        let translate = moves(dice, &self.fractions, size);
        let scale = uniform(dice, self.scale);
        let shear = (uniform(dice, self.shear_x), uniform(dice, self.shear_y));
        Draw { degrees, translate, scale, shear }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        self.look.warp(image, &draw.map(), image.size());
    }

    fn motion(&self, draw: &Draw, size: Size) -> Option<Motion> {
        self.look.affine_motion(&draw.map(), size)
    }
}
