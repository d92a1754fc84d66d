//! Turns an image into its negative.

use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::point::{invert, inverted};
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "invert",
    about: "Turns the image into its negative: every value x becomes 255 - x",
    example: "op = \"invert\"\np = 0.5",
    build: |_| Box::new(Invert),
};

struct Invert;

impl Op for Invert {
    type Draw = ();
    const DEFAULT_P: f64 = 0.5;

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        invert(image);
    }

    fn applied(&self, (): &(), image: &Image) -> Image {
        inverted(image)
    }

    fn is_fixed(&self) -> bool {
        true
    }
}
