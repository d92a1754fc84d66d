//! Takes the colour out of an image.

use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::colour::grayscale;
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "grayscale",
    about: "Takes the colour out of the image: every pixel becomes its grey, in all channels",
    example: "op = \"grayscale\"\np = 0.1",
    build: |_| Box::new(Grayscale),
};

struct Grayscale;

impl Op for Grayscale {
    type Draw = ();
    const DEFAULT_P: f64 = 0.1;

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        grayscale(image);
    }

    fn is_fixed(&self) -> bool {
        true
    }
}
