//! Makes all levels about equally frequent.

use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::levels::equalize;
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "equalize",
    about: "Spreads the values of each channel so that all levels are about equally frequent",
    example: "op = \"equalize\"\np = 0.5",
    build: |_| Box::new(Equalize),
};

struct Equalize;

impl Op for Equalize {
    type Draw = ();
    const DEFAULT_P: f64 = 0.5;

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        equalize(image);
    }

    fn is_fixed(&self) -> bool {
        true
    }
}
