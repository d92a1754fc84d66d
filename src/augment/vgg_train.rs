//! VGG's training preprocessing as TF-slim does it: scale jitter, crop, flip, minus the mean colour, in numbers from the resize on.
//!
//! The resize is TensorFlow's without half-pixel centres or antialias; the short side it aims at is sometimes missed by one pixel (see
//! [`short_side_size`]). Where that, or a size that the file asks for, leaves a side below the crop, the side is the crop's.

use super::read::half_pixel;
use super::{Build, Op, Output};
use crate::config::{Fields, Limits, Node, Value};
use crate::key::Dice;
use crate::pixels::crop::Region;
use crate::pixels::tf::resize::{Centres, Method, Resize, resize, short_side_size};
use crate::pixels::tf::{flip_horizontal, shift_and_scale, shown};
use crate::registry::Entry;
use crate::sample::{FloatImage, Image, Size, View};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "vgg_train",
    about: "VGG's training preprocessing of TF-slim: short side at random, crop, flip, minus the mean colour; gives numbers, 0 to 255",
    example: "op = \"vgg_train\"\nsize = 24\nresize_side = [26, 52]",
    build: |fields| {
        let vgg = Vgg::read(fields);
        let about = "short side before the crop: a whole number drawn evenly from [low, high]";
        let kind = "list of 2 integers, 1 to 4096".to_owned();
        let sides = fields.key("resize_side", about).read(kind, (256, 512), |node| match &node.value {
            Value::List(items) if items.len() == 2 => Some((side(&items[0])?, side(&items[1])?)).filter(|(low, high)| low <= high),
            _ => None,
        });
        let sides = sides.or_shown((256, 512), "[256, 512]");
        vgg.refuse_larger_than(fields, sides.0);
        Box::new(VggTrain { vgg, sides })
    },
};

/// A whole number that may be a picture's side.
pub(super) fn side(node: &Node) -> Option<u32> {
    match node.value {
        Value::Integer(side @ 1..=4096) => Some(side as u32),
        _ => None,
    }
}

/// What training and evaluation share.
pub(super) struct Vgg {
    pub(super) size: Size,
    mean: [f32; 3],
    centres: Centres,
}

impl Vgg {
    pub(super) fn read(fields: &Fields) -> Self {
        let size = fields.key("size", "[height, width] afterwards; one number makes a square").size();
        let size = size.or_shown(Size::new(224, 224), "224");
        let about = "colour that is subtracted: red, green, blue, 0 to 255";
        let mean = fields.key("mean", about).numbers(Limits::within(0.0, 255.0), 3, 3);
        let mean = mean.or_shown(vec![123.68, 116.78, 103.94], "[123.68, 116.78, 103.94]");
        Self { size, mean: [0, 1, 2].map(|channel| mean[channel] as f32), centres: half_pixel(fields) }
    }

    pub(super) fn refuse_larger_than(&self, fields: &Fields, short: u32) {
        if self.size.height.max(self.size.width) > short {
            let message = format!("{} cuts {} out of pictures whose short side is {short}", fields.name(), self.size);
            fields.complain(
                "resize_side",
                message,
                "raise that (`resize_side`; for evaluation a preset calls it `evaluate_side`), or lower `size`",
            );
        }
    }

    /// The size that a picture of `size` is brought to for a short side of `side`.
    pub(super) fn room(&self, size: Size, side: u32) -> Size {
        let room = short_side_size(size, side);
        Size::new(room.height.max(self.size.height), room.width.max(self.size.width))
    }

    /// The part of the picture at `room` that begins at `top` and `left`, 0 to 255, before the mean is subtracted.
    pub(super) fn cut(&self, image: &Image, room: Size, top: u32, left: u32) -> FloatImage {
        let (top, left) = (top.min(room.height - self.size.height), left.min(room.width - self.size.width));
        let window = Region::at(top, left, self.size);
        resize(image, Resize { window, centres: self.centres, ..Resize::whole(image.size(), 1.0, room) }, Method::Bilinear)
    }

    pub(super) fn view(&self, mut image: FloatImage) -> View {
        shift_and_scale(&mut image, self.mean, 1.0);
        View::Floats(image)
    }
}

struct VggTrain {
    vgg: Vgg,
    sides: (u32, u32),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    side: u32,
    top: u32,
    left: u32,
    flip: bool,
}

impl VggTrain {
    fn picture(&self, draw: &Draw, image: &Image) -> FloatImage {
        let mut floats = self.vgg.cut(image, self.vgg.room(image.size(), draw.side), draw.top, draw.left);
        if draw.flip {
            flip_horizontal(&mut floats);
        }
        floats
    }
}

impl Op for VggTrain {
    type Draw = Draw;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let side = dice.integer(self.sides.0.into(), self.sides.1.into()) as u32;
        let room = self.vgg.room(size, side);
        let mut offset = |room: u32, part: u32| dice.below(u64::from(room - part) + 1) as u32;
        let (top, left) = (offset(room.height, self.vgg.size.height), offset(room.width, self.vgg.size.width));
        Draw { side, top, left, flip: dice.chance(0.5) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        *image = shown(&self.picture(draw, image), 1.0);
    }

    fn out_size(&self, _: Option<Size>) -> Option<Size> {
        Some(self.vgg.size)
    }

    fn output(&self) -> Output {
        Output { views: 1, floats: true }
    }

    fn views(&self, draw: &Draw, image: Image) -> Vec<View> {
        vec![self.vgg.view(self.picture(draw, &image))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn vgg(size: u32, sides: (u32, u32)) -> VggTrain {
        let vgg = Vgg { size: Size::new(size, size), mean: [123.68, 116.78, 103.94], centres: Centres::Legacy };
        VggTrain { vgg, sides }
    }

    fn draws(op: &VggTrain, size: Size, count: u64) -> Vec<Draw> {
        (0..count).map(|sample| op.draw(size, 3, &mut Key { run: 5, epoch: 1, sample, op: 2 }.dice())).collect()
    }

    #[test]
    fn sides_offsets_and_flips_are_uniform() {
        let draws = draws(&vgg(224, (256, 512)), Size::new(375, 500), 51_400);
        let mut counts = [0u32; 257];
        draws.iter().for_each(|draw| counts[draw.side as usize - 256] += 1);
        // 200 expected of each side: chi-square over 256 degrees of freedom lies within 256 ± 5·√512.
        let chi: f64 = counts.iter().map(|&count| (f64::from(count) - 200.0).powi(2) / 200.0).sum();
        assert!((chi - 256.0).abs() < 5.0 * 512f64.sqrt(), "{chi}");
        let flips = draws.iter().filter(|draw| draw.flip).count() as f64 / draws.len() as f64;
        assert!((flips - 0.5).abs() < 0.011, "{flips}");
        let room = |draw: &Draw| short_side_size(Size::new(375, 500), draw.side);
        let part = |offset: u32, slack: u32| (f64::from(offset) + 0.5) / f64::from(slack + 1);
        let mean = |part: &dyn Fn(&Draw) -> f64| draws.iter().map(part).sum::<f64>() / draws.len() as f64;
        assert!((mean(&|draw| part(draw.top, room(draw).height - 224)) - 0.5).abs() < 0.007);
        assert!((mean(&|draw| part(draw.left, room(draw).width - 224)) - 0.5).abs() < 0.007);
        assert!(draws.iter().any(|draw| draw.top == room(draw).height - 224), "the last offset is included");
    }

    #[test]
    fn the_view_is_the_picture_minus_the_mean_and_keeps_its_fractions() {
        let op = vgg(6, (8, 8));
        let image = Image::new(Size::new(11, 13), 3, (0..429u32).map(|i| (i * i % 251) as u8).collect());
        let draw = Draw { side: 8, top: 1, left: 2, flip: false };
        let View::Floats(view) = op.views(&draw, image.clone()).remove(0) else { panic!("numbers") };
        let whole = resize(&image, Resize::whole(image.size(), 1.0, Size::new(8, 9)), Method::Bilinear);
        for (y, x, c) in [(0, 0, 0), (3, 5, 1), (5, 5, 2)] {
            let expected = whole.values()[((y + 1) * 9 + x + 2) * 3 + c] - [123.68, 116.78, 103.94][c];
            assert_eq!(view.values()[(y * 6 + x) * 3 + c], expected);
        }
        assert!(view.values().iter().any(|value| (value + 123.68).fract() != 0.0));
        let View::Floats(flipped) = op.views(&Draw { flip: true, ..draw }, image).remove(0) else { panic!("numbers") };
        assert_eq!(flipped.values()[..3], view.values()[15..18]);
    }
}
