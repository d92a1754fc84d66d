//! Brightness, contrast, saturation and hue, in random order.

use super::read::{Interval, around_one, mirrored, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::jitter::{Change, change_colours};
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "color_jitter",
    about: "Changes brightness, contrast, saturation and hue in random order",
    example: "op = \"color_jitter\"\nbrightness = 0.4\ncontrast = 0.4\nsaturation = 0.4\nhue = 0.1",
    build: |fields| {
        let factor = |key, about| fields.key(key, about).interval(Limits::NOT_NEGATIVE, around_one).optional();
        let brightness = factor("brightness", "factor of every value; a number v means 1 - v (at least 0) to 1 + v");
        let contrast = factor("contrast", "factor of the distance from the mean grey; v as for brightness");
        let saturation = factor("saturation", "factor of the distance from the pixel's grey; v as for brightness");
        let about = "part of a full turn around the colour circle; a number v means -v to v";
        let hue = fields.key("hue", about).interval(Limits::within(-0.5, 0.5), mirrored).optional();
        Box::new(ColorJitter { brightness, contrast, saturation, hue })
    },
};

struct ColorJitter {
    brightness: Option<Interval>,
    contrast: Option<Interval>,
    saturation: Option<Interval>,
    hue: Option<Interval>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    Brightness,
    Contrast,
    Saturation,
    Hue,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    order: [Part; 4],
    brightness: Option<f32>,
    contrast: Option<f32>,
    saturation: Option<f32>,
    hue: Option<f32>,
}

impl Op for ColorJitter {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        let mut order = [Part::Brightness, Part::Contrast, Part::Saturation, Part::Hue];
        dice.shuffle(&mut order);
        let mut within = |interval: Option<Interval>| interval.map(|interval| uniform(dice, interval));
        let (brightness, contrast) = (within(self.brightness), within(self.contrast));
        let (saturation, hue) = (within(self.saturation), within(self.hue));
        Draw { order, brightness, contrast, saturation, hue }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        let changes = draw.order.iter().filter_map(|part| match part {
            Part::Brightness => draw.brightness.map(|factor| Change::Brightness(factor.into())),
            Part::Contrast => draw.contrast.map(|factor| Change::Contrast(factor.into())),
            Part::Saturation => draw.saturation.map(|factor| Change::Saturation(factor.into())),
            Part::Hue => draw.hue.map(Change::Hue),
        });
        change_colours(image, &changes.collect::<Vec<_>>());
    }
}
