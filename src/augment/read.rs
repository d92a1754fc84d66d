//! Keys that several operations have, read in one way. Knows no operation.

use super::policy::{Change, Elementary, Ranges, Style};
use crate::config::{Fields, Limits, Node, Value};
use crate::key::Dice;
use crate::pixels::affine::Affine;
use crate::pixels::crop::Region;
use crate::pixels::fused::Motion;
use crate::pixels::projective::Projective;
use crate::pixels::resize::Interpolation;
use crate::pixels::tf::resize::Centres;
use crate::pixels::warp::{Outside, Places, Sampling, resample};
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

/// How a warp samples, and what it sees beyond the image: the keys `interpolation`, `fill` and `edge`.
pub(super) struct Look {
    sampling: Sampling,
    outside: Outside,
}

impl Look {
    /// With nearest pixels by default.
    pub(super) fn read(fields: &Fields) -> Self {
        Self::read_with(fields, Sampling::Nearest, "nearest")
    }

    /// With `default`, which `describe` shows as `shown`.
    pub(super) fn read_with(fields: &Fields, default: Sampling, shown: &str) -> Self {
        let choices = [("nearest", Sampling::Nearest), ("bilinear", Sampling::Bilinear), ("bicubic", Sampling::Bicubic)];
        let about = "how pixels between pixels are made; bicubic is Keys' cubic with a = -0.75";
        let sampling = fields.key("interpolation", about).choice(&choices).or_shown(default, shown);
        Self { sampling, outside: outside(fields) }
    }

    /// `image` through `map` on a canvas of `size`.
    pub(super) fn warp(&self, image: &mut Image, map: &Affine, size: Size) {
        self.resample(image, Places::Affine(map), size);
    }

    /// `image` on a canvas of `size` whose pixels come from `places`.
    pub(super) fn resample(&self, image: &mut Image, places: Places, size: Size) {
        *image = resample(image, places, size, self.sampling, self.outside);
    }

    /// The same as a motion; none where the image is repeated or mirrored beyond its border.
    pub(super) fn motion(&self, map: Projective, size: Size) -> Option<Motion> {
        match self.outside {
            Outside::Fill(fill) | Outside::Exact(fill) => Some(Motion { map, size, fill, sampling: Some(self.sampling) }),
            Outside::Edge | Outside::Reflect => None,
        }
    }

    /// The same for an affine map that keeps the size.
    pub(super) fn affine_motion(&self, map: &Affine, size: Size) -> Option<Motion> {
        self.motion(Projective::of_affine(map, size, size), size)
    }
}

/// The keys `fill` and `edge`.
fn outside(fields: &Fields) -> Outside {
    let colour = fill(fields);
    let about = "what is seen beyond the image: \"fill\" as torchvision has it, with a seam where interpolated pixels fade twice, \
                 \"exact\" the same colour without the seam, \"edge\" the border pixels again, \"reflect\" the image mirrored at them";
    let torchvision = Outside::Fill(colour);
    let choices =
        [("fill", torchvision), ("exact", Outside::Exact(colour)), ("edge", Outside::Edge), ("reflect", Outside::Reflect)];
    fields.key("edge", about).choice(&choices).or_shown(torchvision, "fill")
}

/// The key `fill`: a colour.
pub(super) fn fill(fields: &Fields) -> [u8; 3] {
    let about =
        "colour of what comes from outside the image: one number for every channel, or one for each; a gray image takes the first";
    let kind = "integer or list of 1 or 3, 0 to 255".to_owned();
    let colour = fields.key("fill", about).read(kind, [0; 3], |node| match counts(node, 255)?[..] {
        [all] => Some([all as u8; 3]),
        [red, green, blue] => Some([red, green, blue].map(|value| value as u8)),
        _ => None,
    });
    colour.or_shown([0; 3], "0")
}

/// How an image is resized: the keys `interpolation` and `antialias`.
pub(super) fn interpolation(fields: &Fields) -> (Interpolation, bool) {
    let choices = [("nearest", Interpolation::Nearest), ("bilinear", Interpolation::Bilinear), ("bicubic", Interpolation::Bicubic)];
    let about = "how pixels between pixels are made";
    let interpolation = fields.key("interpolation", about).choice(&choices).or_shown(Interpolation::Bilinear, "bilinear");
    let about = "whether a smaller image averages over all the pixels that it covers; nearest never does";
    (interpolation, fields.key("antialias", about).flag().or(true))
}

/// How TensorFlow counts pixels in a bilinear resize: the keys `half_pixel` and `antialias`.
pub(super) fn half_pixel(fields: &Fields) -> Centres {
    let about = "count pixels from their centres in a bilinear resize, as TensorFlow 2 does; weights of TF-slim expect it off";
    let centres = if fields.key("half_pixel", about).flag().or(false) { Centres::HalfPixel } else { Centres::Legacy };
    let about =
        "average over all the pixels that a smaller image covers, counted from their centres: TensorFlow 2 with its antialias";
    if fields.key("antialias", about).flag().or(false) { Centres::Antialias } else { centres }
}

/// A resizing as a motion: it samples as a warp does, and looks at nothing outside.
pub(super) fn resizing(part: Region, size: Size, interpolation: Interpolation) -> Motion {
    let scale = |from: u32, to: u32| f64::from(from) / f64::from(to);
    let scale = (scale(part.width, size.width), scale(part.height, size.height));
    let map = Projective::along_axes(scale, f64::from(part.left), f64::from(part.top));
    let sampling = match interpolation {
        Interpolation::Nearest => Sampling::Nearest,
        Interpolation::Bilinear => Sampling::Bilinear,
        Interpolation::Bicubic => Sampling::Bicubic,
    };
    let sampling = (part.size() != size).then_some(sampling);
    Motion { map, size, fill: [0; 3], sampling }
}

/// A move of whole pixels as a motion: the canvas of `size` begins `left` and `top` pixels after the image does.
pub(super) fn moving(left: i64, top: i64, size: Size, fill: [u8; 3]) -> Motion {
    Motion { map: Projective::along_axes((1.0, 1.0), left as f64, top as f64), size, fill, sampling: None }
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
