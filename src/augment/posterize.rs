//! Leaves fewer levels: keeps the highest bits of every value.

use super::read::counts;
use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::point::{posterize, posterized};
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> =
    Entry {
        name: "posterize",
        about: "Leaves fewer levels: keeps only the highest bits of every value",
        example: "op = \"posterize\"\nbits = 4\np = 0.5",
        build: |fields| {
            let about = "how many bits are kept; an interval draws a whole number anew for every image";
            let bits = fields.key("bits", about).read("integer or [low, high], 0 to 8".to_owned(), (8, 8), |node| {
                match counts(node, 8)?[..] {
                    [bits] => Some((bits, bits)),
                    [low, high] if low <= high => Some((low, high)),
                    _ => None,
                }
            });
            Box::new(Posterize { bits: bits.required() })
        },
    };

struct Posterize {
    bits: (u32, u32),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    bits: u8,
}

impl Op for Posterize {
    type Draw = Draw;
    const DEFAULT_P: f64 = 0.5;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { bits: dice.integer(i64::from(self.bits.0), i64::from(self.bits.1)) as u8 }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        posterize(image, draw.bits);
    }

    fn applied(&self, draw: &Draw, image: &Image) -> Image {
        posterized(image, draw.bits)
    }

    fn is_fixed(&self) -> bool {
        self.bits.0 == self.bits.1
    }
}
