//! Turns the image by quarters, without resampling.

use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::fused::Motion;
use crate::pixels::projective::Projective;
use crate::pixels::rotate90::rotate90;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "rotate90",
    about: "Turns the image by quarter turns, which moves pixels without mixing them",
    example: "op = \"rotate90\"",
    build: |fields| {
        let about = "quarter turns counter-clockwise; without it 0 to 3, each as likely";
        Box::new(Rotate90 { turns: fields.key("turns", about).integer(0, 3).optional().map(|turns| turns as u32) })
    },
};

struct Rotate90 {
    turns: Option<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    turns: u32,
}

impl Op for Rotate90 {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { turns: self.turns.unwrap_or_else(|| dice.below(4) as u32) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        rotate90(image, draw.turns);
    }

    fn motion(&self, draw: &Draw, size: Size) -> Option<Motion> {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let (matrix, size) = match draw.turns % 4 {
            0 => ([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], size),
            1 => ([0.0, -1.0, width, 1.0, 0.0, 0.0], Size::new(size.width, size.height)),
            2 => ([-1.0, 0.0, width, 0.0, -1.0, height], size),
            _ => ([0.0, 1.0, 0.0, -1.0, 0.0, height], Size::new(size.width, size.height)),
        };
        let [a, b, c, d, e, f] = matrix;
        let map = Projective { matrix: [a, b, c, d, e, f, 0.0, 0.0, 1.0] };
        Some(Motion { map, size, fill: [0; 3], sampling: None })
    }

    fn out_size(&self, size: Option<Size>) -> Option<Size> {
        let turned = size.map(|size| Size::new(size.width, size.height));
        match self.turns {
            Some(turns) if turns % 2 == 0 => size,
            Some(_) => turned,
            None => size.filter(|_| size == turned),
        }
    }

    fn is_fixed(&self) -> bool {
        self.turns.is_some()
    }
}
