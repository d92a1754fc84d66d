//! Enlarges or shrinks what the image shows, about its centre.

use super::read::{Interval, Look, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::affine::Affine;
use crate::pixels::fused::Motion;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "scale",
    about: "Enlarges or shrinks what the image shows, about its centre; the size in pixels stays",
    example: "op = \"scale\"\nscale = [0.8, 1.2]",
    build: |fields| {
        let about = "factor; a number means exactly that";
        let scale = fields.key("scale", about).interval(Limits::within(0.01, 100.0), exactly).required();
        Box::new(Scale { scale, look: Look::read(fields) })
    },
};

struct Scale {
    scale: Interval,
    look: Look,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    scale: f32,
}

impl Draw {
    fn map(&self) -> Affine {
        Affine::new(0.0, (0.0, 0.0), f64::from(self.scale), (0.0, 0.0))
    }
}

impl Op for Scale {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { scale: uniform(dice, self.scale) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        self.look.warp(image, &draw.map(), image.size());
    }

    fn motion(&self, draw: &Draw, size: Size) -> Option<Motion> {
        self.look.affine_motion(&draw.map(), size)
    }

    fn is_fixed(&self) -> bool {
        self.scale.0 == self.scale.1
    }
}
