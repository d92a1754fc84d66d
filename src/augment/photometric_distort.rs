//! Changes brightness, contrast, saturation, hue and the order of channels, each or not.
//!
//! Liu et al., *SSD: single shot multibox detector*, 2016, sampled as torchvision does.

use super::channel_shuffle::random_order;
use super::read::{Interval, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::channels::permute;
use crate::pixels::colour::{brightness, contrast, saturation};
use crate::pixels::hue::hue;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "photometric_distort",
    about: "Changes brightness, contrast, saturation, hue and the order of channels, each with a chance of its own",
    example: "op = \"photometric_distort\"",
    build: |fields| {
        let factor =
            |key, about, default, shown| fields.key(key, about).interval(Limits::NOT_NEGATIVE, exactly).or_shown(default, shown);
        let brightness = factor("brightness", "factor of every value", (0.875, 1.125), "[0.875, 1.125]");
        let contrast = factor("contrast", "factor of the distance from the mean grey", (0.5, 1.5), "[0.5, 1.5]");
        let saturation = factor("saturation", "factor of the distance from the pixel's grey", (0.5, 1.5), "[0.5, 1.5]");
        let about = "part of a full turn around the colour circle";
        let hue = fields.key("hue", about).interval(Limits::within(-0.5, 0.5), exactly).or_shown((-0.05, 0.05), "[-0.05, 0.05]");
        let part_p = fields.key("part_p", "chance of each of the five parts").number(Limits::UNIT).or(0.5);
        Box::new(PhotometricDistort { brightness, contrast, saturation, hue, part_p })
    },
};

struct PhotometricDistort {
    brightness: Interval,
    contrast: Interval,
    saturation: Interval,
    hue: Interval,
    part_p: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    brightness: Option<f32>,
    contrast: Option<f32>,
    saturation: Option<f32>,
    hue: Option<f32>,
    /// Whether contrast comes before saturation and hue.
    contrast_before: bool,
    /// For each channel, the old one that it shows.
    order: Option<[u8; 3]>,
}

impl Op for PhotometricDistort {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        let mut part = |interval| dice.chance(self.part_p).then(|| uniform(dice, interval));
        let (brightness, contrast) = (part(self.brightness), part(self.contrast));
        let (saturation, hue) = (part(self.saturation), part(self.hue));
        let contrast_before = dice.chance(0.5);
        let order = dice.chance(self.part_p).then(|| random_order(dice));
        Draw { brightness, contrast, saturation, hue, contrast_before, order }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        let (before, after) = if draw.contrast_before { (draw.contrast, None) } else { (None, draw.contrast) };
        draw.brightness.iter().for_each(|&factor| brightness(image, f64::from(factor)));
        before.iter().for_each(|&factor| contrast(image, f64::from(factor)));
        draw.saturation.iter().for_each(|&factor| saturation(image, f64::from(factor)));
        draw.hue.iter().for_each(|&shift| hue(image, shift.clamp(-0.5, 0.5)));
        after.iter().for_each(|&factor| contrast(image, f64::from(factor)));
        draw.order.iter().for_each(|&order| permute(image, order));
    }

    fn is_fixed(&self) -> bool {
        self.part_p == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    const OP: PhotometricDistort = PhotometricDistort {
        brightness: (0.875, 1.125),
        contrast: (0.5, 1.5),
        saturation: (0.5, 1.5),
        hue: (-0.05, 0.05),
        part_p: 0.5,
    };

    fn draws() -> Vec<Draw> {
        (0..8_000).map(|sample| OP.draw(Size::new(4, 4), 3, &mut Key { run: 2, epoch: 0, sample, op: 6 }.dice())).collect()
    }

    #[test]
    fn every_part_has_an_even_chance_of_its_own() {
        let draws = draws();
        let parts: [fn(&Draw) -> bool; 6] = [
            |draw| draw.brightness.is_some(),
            |draw| draw.contrast.is_some(),
            |draw| draw.saturation.is_some(),
            |draw| draw.hue.is_some(),
            |draw| draw.contrast_before,
            |draw| draw.order.is_some(),
        ];
        let count = |holds: &dyn Fn(&Draw) -> bool| draws.iter().filter(|draw| holds(draw)).count() as f64;
        for (index, part) in parts.iter().enumerate() {
            // Deviations: 44.7 for one, 38.7 for a pair.
            assert!((count(part) - 4_000.0).abs() < 180.0, "part {index}");
            for other in &parts[..index] {
                assert!((count(&|draw| part(draw) && other(draw)) - 2_000.0).abs() < 160.0, "part {index} and another");
            }
        }
    }

    #[test]
    fn factors_are_uniform_over_their_intervals() {
        let draws = draws();
        type Part = fn(&Draw) -> Option<f32>;
        let values: [(Part, f64, f64); 4] = [
            (|draw| draw.brightness, 0.875, 1.125),
            (|draw| draw.contrast, 0.5, 1.5),
            (|draw| draw.saturation, 0.5, 1.5),
            (|draw| draw.hue, -0.05, 0.05),
        ];
        for (value, low, high) in values {
            let values: Vec<f64> = draws.iter().filter_map(value).map(|value| (f64::from(value) - low) / (high - low)).collect();
            assert!(values.iter().all(|value| (-1e-6..=1.000_001).contains(value)));
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let square = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
            assert!((mean - 0.5).abs() < 0.02 && (square - 1.0 / 3.0).abs() < 0.02, "{mean} {square}");
        }
    }

    #[test]
    fn contrast_comes_before_or_after_saturation() {
        let picture = Image::new(Size::new(2, 2), 3, vec![200, 30, 60, 10, 250, 90, 77, 1, 140, 255, 255, 3]);
        let draw =
            Draw { brightness: None, contrast: Some(1.4), saturation: Some(1.5), hue: None, contrast_before: true, order: None };
        let after = |draw: &Draw| {
            let mut image = picture.clone();
            OP.apply(draw, &mut image);
            image
        };
        let mut expected = picture.clone();
        contrast(&mut expected, f64::from(1.4f32));
        saturation(&mut expected, f64::from(1.5f32));
        assert_eq!(after(&draw), expected);
        assert_ne!(after(&Draw { contrast_before: false, ..draw }), expected);
    }
}
