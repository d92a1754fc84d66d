//! Moves what the image shows by whole pixels.

use super::read::{Look, moves, translate};
use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::affine::Affine;
use crate::pixels::fused::Motion;
use crate::pixels::projective::Projective;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "translate",
    about: "Moves what the image shows by whole pixels, right and down where they are positive",
    example: "op = \"translate\"\ntranslate = [0.1, 0.1]",
    build: |fields| Box::new(Translate { fractions: translate(fields).required(), look: Look::read(fields) }),
};

struct Translate {
    fractions: Vec<f64>,
    look: Look,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    x: i32,
    y: i32,
}

impl Op for Translate {
    type Draw = Draw;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let (x, y) = moves(dice, &self.fractions, size);
        Draw { x, y }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        let map = Affine::new(0.0, (f64::from(draw.x), f64::from(draw.y)), 1.0, (0.0, 0.0));
        self.look.warp(image, &map, image.size());
    }

    fn motion(&self, draw: &Draw, size: Size) -> Option<Motion> {
        let map = Projective::along_axes((1.0, 1.0), -f64::from(draw.x), -f64::from(draw.y));
        self.look.motion(map, size).map(|motion| Motion { sampling: None, ..motion })
    }
}
