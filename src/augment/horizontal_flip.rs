//! Left becomes right.

use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::flip::{flip_horizontal, flipped_horizontal};
use crate::pixels::fused::Motion;
use crate::pixels::projective::Projective;
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "horizontal_flip",
    about: "Mirrors the image so that left becomes right",
    example: "op = \"horizontal_flip\"\np = 0.5",
    build: |_| Box::new(HorizontalFlip),
};

struct HorizontalFlip;

impl Op for HorizontalFlip {
    type Draw = ();
    const DEFAULT_P: f64 = 0.5;

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        flip_horizontal(image);
    }

    fn applied(&self, (): &(), image: &Image) -> Image {
        flipped_horizontal(image)
    }

    fn motion(&self, (): &(), size: Size) -> Option<Motion> {
        let map = Projective::along_axes((-1.0, 1.0), f64::from(size.width), 0.0);
        Some(Motion { map, size, fill: [0; 3], sampling: None })
    }

    fn is_fixed(&self) -> bool {
        true
    }
}
