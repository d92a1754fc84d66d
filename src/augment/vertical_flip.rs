//! Top becomes bottom.

use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::flip::{flip_vertical, flipped_vertical};
use crate::pixels::fused::Motion;
use crate::pixels::projective::Projective;
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "vertical_flip",
    about: "Mirrors the image so that top becomes bottom",
    example: "op = \"vertical_flip\"\np = 0.5",
    build: |_| Box::new(VerticalFlip),
};

struct VerticalFlip;

impl Op for VerticalFlip {
    type Draw = ();
    const DEFAULT_P: f64 = 0.5;

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        flip_vertical(image);
    }

    fn applied(&self, (): &(), image: &Image) -> Image {
        flipped_vertical(image)
    }

    fn motion(&self, (): &(), size: Size) -> Option<Motion> {
        let map = Projective::along_axes((1.0, -1.0), 0.0, f64::from(size.height));
        Some(Motion { map, size, fill: [0; 3], sampling: None })
    }

    fn is_fixed(&self) -> bool {
        true
    }
}
