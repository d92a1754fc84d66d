//! Keys that several operations have, read in one way. Knows no operation.

use super::policy::{Change, Elementary, Ranges, Style};
use crate::config::{Fields, Limits, Node, Value};
use crate::key::Dice;
use crate::pixels::affine::Affine;
use crate::pixels::resize::Interpolation;
use crate::pixels::tf::resize::Centres;
use crate::pixels::warp::{Sampling, warp};
use crate::sample::{Image, Size};

/// An interval of numbers, both ends included.
pub(super) type Interval = (f64, f64);

/// A draw from `interval`, as draws hold it.
pub(super) fn uniform(dice: &mut Dice, interval: Interval) -> f32 {
    dice.uniform(interval.0, interval.1) as f32
}

/// Angles: a number d means −d to d.
pub(super) const fn mirrored(d: f64) -> Interval {
    (-d, d)
}

/// A number v means exactly v.
pub(super) const fn exactly(v: f64) -> Interval {
    (v, v)
}

/// Factors: a number v means 1 − v (at least 0) to 1 + v.
pub(super) fn around_one(v: f64) -> Interval {
    if v < 0.0 { (1.0, 0.0) } else { ((1.0 - v).max(0.0), 1.0 + v) }
}

/// How a warp fills and samples: the keys `interpolation` and `fill`.
pub(super) struct Look {
    sampling: Sampling,
    fill: u8,
}

impl Look {
    pub(super) fn read(fields: &Fields) -> Self {
        let choices = [("nearest", Sampling::Nearest), ("bilinear", Sampling::Bilinear)];
        let about = "how pixels between pixels are made";
        let sampling = fields.key("interpolation", about).choice(&choices).or_shown(Sampling::Nearest, "nearest");
        Self { sampling, fill: fill(fields) }
    }

    pub(super) fn warp(&self, image: &mut Image, map: &Affine, size: Size) {
        *image = warp(image, map, size, self.sampling, self.fill);
    }
}

/// The key `fill`.
pub(super) fn fill(fields: &Fields) -> u8 {
    fields.key("fill", "value of the pixels that come from outside the image, in every channel").integer(0, 255).or(0) as u8
}

/// How an image is resized: the keys `interpolation` and `antialias`.
pub(super) fn interpolation(fields: &Fields) -> (Interpolation, bool) {
    let choices = [("nearest", Interpolation::Nearest), ("bilinear", Interpolation::Bilinear), ("bicubic", Interpolation::Bicubic)];
    let about = "how pixels between pixels are made";
    let interpolation = fields.key("interpolation", about).choice(&choices).or_shown(Interpolation::Bilinear, "bilinear");
    let about = "whether a smaller image averages over all the pixels that it covers; nearest never does";
    (interpolation, fields.key("antialias", about).flag().or(true))
}

/// How TensorFlow counts pixels in a bilinear resize: the key `half_pixel`.
pub(super) fn half_pixel(fields: &Fields) -> Centres {
    let about = "count pixels from their centres in a bilinear resize, as TensorFlow 2 does; weights of TF-slim expect it off";
    if fields.key("half_pixel", about).flag().or(false) { Centres::HalfPixel } else { Centres::Legacy }
}

/// A list of whole numbers 0 to `high`, or one alone.
pub(super) fn counts(node: &Node, high: u32) -> Option<Vec<u32>> {
    let one = |node: &Node| match node.value {
        Value::Integer(value) => u32::try_from(value).ok().filter(|&value| value <= high),
        _ => None,
    };
    match &node.value {
        Value::List(items) => items.iter().map(one).collect(),
        _ => Some(vec![one(node)?]),
    }
}

/// A list of numbers within `limits`, or one alone.
pub(super) fn numbers(node: &Node, low: f64, high: f64) -> Option<Vec<f64>> {
    let one = |node: &Node| {
        let value = match node.value {
            Value::Integer(value) => value as f64,
            Value::Float(value) => value,
            _ => return None,
        };
        (low..=high).contains(&value).then_some(value)
    };
    match &node.value {
        Value::List(items) => items.iter().map(one).collect(),
        _ => Some(vec![one(node)?]),
    }
}

/// Fractions of the sides by which an image may be moved: the key `translate`.
pub(super) fn translate<'f>(fields: &'f Fields) -> crate::config::Setting<'f, Vec<f64>> {
    let about = "[x, y]: largest move in each direction, as a fraction of the width and of the height";
    fields.key("translate", about).numbers(Limits::UNIT, 2, 2)
}

/// Whole pixels by which an image of `size` is moved: x, then y, each rounded.
pub(super) fn moves(dice: &mut Dice, fractions: &[f64], size: Size) -> (i32, i32) {
    let mut along = |fraction: f64, side: u32| {
        let most = fraction * f64::from(side);
        dice.uniform(-most, most).round_ties_even() as i32
    };
    (along(fractions[0], size.width), along(fractions[1], size.height))
}

/// How a policy samples and fills: the keys `interpolation` and `fill`.
pub(super) fn style(fields: &Fields, usual: Sampling) -> Style {
    let choices = [("nearest", Sampling::Nearest), ("bilinear", Sampling::Bilinear)];
    let shown = if usual == Sampling::Nearest { "nearest" } else { "bilinear" };
    let sampling = fields.key("interpolation", "how pixels between pixels are made").choice(&choices).or_shown(usual, shown);
    let about = "value of the pixels that come from outside the image, in every channel; without it they are black";
    Style { sampling, fill: fields.key("fill", about).integer(0, 255).optional().map(|fill| fill as u8) }
}

/// `op` at a bin of `ranges`, with its sign drawn where it has one.
pub(super) fn change(dice: &mut Dice, ranges: &Ranges, op: Elementary, bin: usize, bins: usize, size: Size) -> Change {
    let magnitude = ranges.magnitude(op, bin, bins, size);
    let negative = op.is_signed() && dice.chance(0.5);
    Change { op, magnitude: if negative { -magnitude } else { magnitude } }
}
