//! Stretches each channel to the full range.

use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::levels::autocontrast;
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "autocontrast",
    about: "Stretches each channel so that its lowest value becomes 0 and its highest 255",
    example: "op = \"autocontrast\"\np = 0.5",
    build: |_| Box::new(Autocontrast),
};

struct Autocontrast;

impl Op for Autocontrast {
    type Draw = ();
    const DEFAULT_P: f64 = 0.5;

    fn draw(&self, _: Size, _: usize, _: &mut Dice) {}

    fn apply(&self, (): &(), image: &mut Image) {
        autocontrast(image);
    }

    fn is_fixed(&self) -> bool {
        true
    }
}
