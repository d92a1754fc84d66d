//! Inception's training preprocessing as TF-slim does it: distorted box, resize, flip, colours, −1 to 1, all in numbers.
//!
//! The box is that of `tf.image.sample_distorted_bounding_box` with the whole image as the object, with all that this brings: the
//! proportions are drawn evenly, not on a logarithmic scale; a box never touches the lower or right edge unless it fills the axis; and
//! the object that must be covered makes the smallest area 0.1, not the 0.05 that the range says.

use super::inception_evaluate::{UNIT, inception_size, to_view};
use super::read::{Interval, exactly, half_pixel, uniform};
use super::{Build, Op, Output};
use crate::config::{Fields, Limits};
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
        Box::new(InceptionTrain { size, full, sampler: Sampler::read(fields), centres: half_pixel(fields) })
    },
};

/// `tf.image.sample_distorted_bounding_box` whose object is the whole image.
struct Sampler {
    area: Interval,
    ratio: Interval,
    cover: f64,
}

/// Tries before the whole image is taken.
const ATTEMPTS: usize = 100;

impl Sampler {
    fn read(fields: &Fields) -> Self {
        let about = "area of the box, as a fraction of the image's; never less than `cover`";
        let area = fields.key("area", about).interval(Limits::above(0.0, 1.0), exactly).or_shown((0.05, 1.0), "[0.05, 1.0]");
        let about = "width of the box divided by its height, drawn evenly";
        let ratio = fields.key("ratio", about).interval(Limits::within(0.01, 100.0), exactly);
        let ratio = ratio.or_shown((0.75, 1.33), "[0.75, 1.33]");
        let about = "share of the image that a box must cover";
        Self { area, ratio, cover: fields.key("cover", about).number(Limits::UNIT).or(0.1) }
    }

    fn draw(&self, size: Size, dice: &mut Dice) -> Region {
        (0..ATTEMPTS).find_map(|_| self.attempt(size, dice)).unwrap_or(Region::whole(size))
    }

    /// A box of random proportions, height and place, if rounding leaves it within the limits. In `f32`, as TensorFlow's.
    fn attempt(&self, size: Size, dice: &mut Dice) -> Option<Region> {
        let ratio = uniform(dice, self.ratio);
        let whole = size.height as f32 * size.width as f32;
        let (least, most) = (self.area.0 as f32 * whole, self.area.1 as f32 * whole);
        let mut height = self.height(size, ratio, (least, most), dice);
        let width = |height: i64| (height as f32 * ratio).round_ties_even() as i64;
        let area = |height: i64| (width(height) * height) as f32;
        if area(height) < least {
            height += 1;
        }
        if area(height) > most {
            height -= 1;
        }
        let (width, area) = (width(height), area(height));
        let fits = (1..=i64::from(size.width)).contains(&width) && (1..=i64::from(size.height)).contains(&height);
        let allowed = area >= least && area <= most && area / whole >= self.cover as f32;
        if !(fits && allowed) {
            return None;
        }
        let (height, width) = (height as u32, width as u32);
        // The last offset is left out, as TensorFlow leaves it.
        let top = dice.below((size.height - height).into()) as u32;
        let left = dice.below((size.width - width).into()) as u32;
        Some(Region { top, left, height, width })
    }

    /// A height between those that the areas allow, as far as both sides fit.
    fn height(&self, size: Size, ratio: f32, (least, most): (f32, f32), dice: &mut Dice) -> i64 {
        let of_area = |area: f32| (area / ratio).sqrt().round_ties_even() as i64;
        let width = |height: i64| (height as f32 * ratio).round_ties_even() as i64;
        let full = i64::from(size.width);
        let mut highest = of_area(most);
        if width(highest) > full {
            highest = ((size.width as f32 + 0.5 - 1e-7) / ratio) as i64;
            highest -= i64::from(width(highest) > full);
        }
        let highest = highest.min(size.height.into());
        dice.integer(of_area(least).min(highest), highest)
    }
}

struct InceptionTrain {
    size: Size,
    full: bool,
    sampler: Sampler,
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
        let region = self.sampler.draw(size, dice);
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
    use crate::key::Key;

    fn op(full: bool) -> InceptionTrain {
        let sampler = Sampler { area: (0.05, 1.0), ratio: (0.75, 1.33), cover: 0.1 };
        InceptionTrain { size: Size::new(9, 9), full, sampler, centres: Centres::Legacy }
    }

    fn draws(op: &InceptionTrain, size: Size, count: u64) -> Vec<Draw> {
        (0..count).map(|sample| op.draw(size, 3, &mut Key { run: 5, epoch: 1, sample, op: 2 }.dice())).collect()
    }

    #[test]
    fn boxes_keep_off_the_lower_and_right_edges_and_are_a_tenth_at_least() {
        let size = Size::new(375, 500);
        let regions: Vec<Region> = draws(&op(false), size, 20_000).into_iter().map(|draw| draw.region).collect();
        let areas: Vec<f64> = regions.iter().map(|region| region.size().area() as f64 / size.area() as f64).collect();
        let mean = areas.iter().sum::<f64>() / areas.len() as f64;
        assert!((mean - 0.390).abs() < 0.008, "{mean}");
        let least = areas.iter().copied().fold(1.0, f64::min);
        assert!((0.0999..0.102).contains(&least), "{least}");
        for region in &regions {
            assert!(region.height == 375 || region.top + region.height < 375, "{region:?}");
            assert!(region.width == 500 || region.left + region.width < 500, "{region:?}");
            let ratio = f64::from(region.width) / f64::from(region.height);
            assert!((0.74..1.34).contains(&ratio), "{region:?}");
        }
        assert!(regions.iter().any(|region| region.height == 375));
    }

    #[test]
    fn proportions_are_even_and_not_logarithmic() {
        let mut op = op(false);
        // So narrow and so far inside that every first attempt holds.
        op.sampler.area = (0.2, 0.21);
        let regions = draws(&op, Size::new(1000, 1000), 20_000).into_iter().map(|draw| draw.region);
        let mean = regions.map(|region| f64::from(region.width) / f64::from(region.height)).sum::<f64>() / 20_000.0;
        // A logarithmic scale has the mean 1.0125.
        assert!((mean - 1.04).abs() < 0.006, "{mean}");
    }

    #[test]
    fn where_no_box_fits_the_whole_image_is_taken() {
        let size = Size::new(3, 1000);
        let draws = draws(&op(false), size, 50);
        assert!(draws.iter().all(|draw| draw.region == Region::whole(size)), "{draws:?}");
        assert_eq!(draws.len(), 50);
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
