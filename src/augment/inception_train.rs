//! Inception's training preprocessing as TF-slim does it: distorted box, resize, flip, colours, −1 to 1, all in numbers.

use super::distorted_box::DistortedBox;
use super::inception_evaluate::{UNIT, inception_size, to_view};
use super::read::{half_pixel, uniform};
use super::{Build, Op, Output};
use crate::key::Dice;
use crate::pixels::crop::Region;
use crate::pixels::tf::colour::{brightness, clip, contrast, hue, saturation};
use crate::pixels::tf::resize::{Centres, Method, Resize, resize};
use crate::pixels::tf::{flip_horizontal, shown};
use crate::registry::Entry;
use crate::sample::{FloatImage, Image, Size, View};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "inception_train",
    about: "Inception's training preprocessing of TF-slim: random box, resize, flip, colours; gives numbers, -1 to 1",
    example: "op = \"inception_train\"\nsize = 24\nmode = \"fast\"",
    build: |fields| {
        let size = inception_size(fields);
        let about = "fast: bilinear, brightness and saturation; full: one of four resizes, and contrast and hue, too";
        let full = fields.key("mode", about).choice(&[("fast", false), ("full", true)]).or_shown(false, "fast");
        Box::new(InceptionTrain { size, full, allowed: DistortedBox::read(fields), centres: half_pixel(fields) })
    },
};

struct InceptionTrain {
    size: Size,
    full: bool,
    allowed: DistortedBox,
    centres: Centres,
}

/// Which box, how it is resized, and how its colours change; what fast mode leaves out does nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    #[serde(flatten)]
    region: Region,
    method: Method,
    flip: bool,
    /// 0 to 3: which order of colour changes.
    order: u8,
    brightness: f32,
    saturation: f32,
    hue: f32,
    contrast: f32,
}

/// A change of colour.
#[derive(Clone, Copy)]
enum Change {
    Brightness,
    Saturation,
    Hue,
    Contrast,
}

use Change::{Brightness, Contrast, Hue, Saturation};

/// The orders of full mode.
const FULL: [[Change; 4]; 4] = [
    [Brightness, Saturation, Hue, Contrast],
    [Saturation, Brightness, Contrast, Hue],
    [Contrast, Hue, Brightness, Saturation],
    [Hue, Saturation, Contrast, Brightness],
];

/// The order that fast mode makes of each: the last three are one, so one order has the chance 1/4 and the other 3/4.
const FAST: [[Change; 2]; 4] =
    [[Brightness, Saturation], [Saturation, Brightness], [Saturation, Brightness], [Saturation, Brightness]];

impl InceptionTrain {
    /// The picture, 0 to 1.
    fn picture(&self, draw: &Draw, image: &Image) -> FloatImage {
        let of = Resize { region: draw.region, centres: self.centres, ..Resize::whole(image.size(), UNIT, self.size) };
        let mut floats = resize(image, of, draw.method);
        if draw.flip {
            flip_horizontal(&mut floats);
        }
        let order = usize::from(draw.order.min(3));
        let changes: &[Change] = if self.full { &FULL[order] } else { &FAST[order] };
        for change in changes {
            match change {
                Brightness => brightness(&mut floats, draw.brightness),
                Saturation => saturation(&mut floats, draw.saturation),
                Hue => hue(&mut floats, draw.hue),
                Contrast => contrast(&mut floats, draw.contrast),
            }
        }
        clip(&mut floats);
        floats
    }
}

impl Op for InceptionTrain {
    type Draw = Draw;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let region = self.allowed.draw(size, dice);
        let methods = [Method::Bilinear, Method::Nearest, Method::Bicubic, Method::Area];
        let method = methods[if self.full { dice.below(4) as usize } else { 0 }];
        let (flip, order) = (dice.chance(0.5), dice.below(4) as u8);
        let brightness = uniform(dice, (-32.0 / 255.0, 32.0 / 255.0));
        let saturation = uniform(dice, (0.5, 1.5));
        let (hue, contrast) = match self.full {
            true => (uniform(dice, (-0.2, 0.2)), uniform(dice, (0.5, 1.5))),
            false => (0.0, 1.0),
        };
        Draw { region, method, flip, order, brightness, saturation, hue, contrast }
    }

    fn part(&self, draw: &Draw, size: Size) -> Option<(Region, Draw)> {
        let region = draw.region.within(size);
        Some((region, Draw { region: Region::whole(region.size()), ..draw.clone() }))
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        *image = shown(&self.picture(draw, image), 255.0);
    }

    fn out_size(&self, _: Option<Size>) -> Option<Size> {
        Some(self.size)
    }

    fn output(&self) -> Output {
        Output { views: 1, floats: true }
    }

    fn views(&self, draw: &Draw, image: Image) -> Vec<View> {
        vec![to_view(self.picture(draw, &image))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Fields;
    use crate::key::Key;

    fn op(full: bool) -> InceptionTrain {
        let problems = crate::config::Problems::default();
        let allowed = DistortedBox::read(&Fields::empty("inception_train", &problems));
        InceptionTrain { size: Size::new(9, 9), full, allowed, centres: Centres::Legacy }
    }

    fn draws(op: &InceptionTrain, size: Size, count: u64) -> Vec<Draw> {
        (0..count).map(|sample| op.draw(size, 3, &mut Key { run: 5, epoch: 1, sample, op: 2 }.dice())).collect()
    }

    #[test]
    fn fast_mode_has_two_orders_one_to_three_and_full_mode_four_orders_and_four_resizes() {
        let fast = draws(&op(false), Size::new(40, 50), 20_000);
        let brightness_first = fast.iter().filter(|draw| matches!(FAST[usize::from(draw.order)][0], Brightness)).count();
        assert!((brightness_first as f64 / 20_000.0 - 0.25).abs() < 0.0155, "{brightness_first}");
        assert!(fast.iter().all(|draw| draw.method == Method::Bilinear && draw.hue == 0.0 && draw.contrast == 1.0));
        let full = draws(&op(true), Size::new(40, 50), 20_000);
        for order in 0..4 {
            let count = full.iter().filter(|draw| draw.order == order).count();
            assert!(count.abs_diff(5_000) < 310, "order {order}: {count}");
        }
        for method in [Method::Bilinear, Method::Nearest, Method::Bicubic, Method::Area] {
            let count = full.iter().filter(|draw| draw.method == method).count();
            assert!(count.abs_diff(5_000) < 310, "{method:?}: {count}");
        }
    }

    #[test]
    fn colours_are_drawn_evenly_from_their_ranges() {
        let draws = draws(&op(true), Size::new(40, 50), 20_000);
        let check = |of: &dyn Fn(&Draw) -> f32, low: f32, high: f32| {
            let parts: Vec<f64> = draws.iter().map(|draw| f64::from((of(draw) - low) / (high - low))).collect();
            assert!(parts.iter().all(|part| (-1e-6..=1.0 + 1e-6).contains(part)));
            let mean = parts.iter().sum::<f64>() / parts.len() as f64;
            let square = parts.iter().map(|part| part * part).sum::<f64>() / parts.len() as f64;
            assert!((mean - 0.5).abs() < 0.011 && (square - 1.0 / 3.0).abs() < 0.011, "{low} to {high}: {mean}, {square}");
        };
        check(&|draw| draw.brightness, -32.0 / 255.0, 32.0 / 255.0);
        check(&|draw| draw.saturation, 0.5, 1.5);
        check(&|draw| draw.hue, -0.2, 0.2);
        check(&|draw| draw.contrast, 0.5, 1.5);
    }

    #[test]
    fn colours_change_in_their_order_and_end_within_one() {
        let image = Image::new(Size::new(2, 2), 3, vec![250, 3, 90, 10, 200, 30, 0, 0, 255, 128, 128, 120]);
        let base = Draw {
            region: Region::whole(image.size()),
            method: Method::Bilinear,
            flip: false,
            order: 0,
            brightness: 0.12,
            saturation: 1.5,
            hue: 0.2,
            contrast: 0.6,
        };
        let values = |full: bool, order: u8| {
            let View::Floats(view) = op(full).views(&Draw { order, ..base.clone() }, image.clone()).remove(0) else {
                panic!("numbers")
            };
            assert!(view.values().iter().all(|value| (-1.0..=1.0).contains(value)));
            view.values().to_vec()
        };
        assert!(values(false, 0) != values(false, 1) && values(false, 1) == values(false, 3));
        let full: Vec<_> = (0..4).map(|order| values(true, order)).collect();
        assert!((1..4).all(|order| full[..order].iter().all(|other| *other != full[order])));
        assert_eq!(values(true, 200), full[3], "a draw from a file may hold any order");
    }
}
