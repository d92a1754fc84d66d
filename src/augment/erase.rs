//! Covers a random rectangle.
//!
//! Zhong et al., *Random erasing data augmentation*, 2017, sampled as torchvision does. It works on 8-bit pictures, before
//! normalisation: 0 is black and not the mean, and random values are uniform over 0–255, as in the paper.

use super::read::{Interval, exactly};
use super::{Build, Op};
use crate::config::{Fields, Limits, Node, Value};
use crate::key::Dice;
use crate::pixels::crop::Region;
use crate::pixels::erase::{cover, cover_randomly};
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "erase",
    about: "Covers a random rectangle with one colour or with random values",
    example: "op = \"erase\"\nscale = [0.02, 0.33]\nvalue = \"random\"\np = 0.5",
    build: |fields| {
        let about = "area of the rectangle, as a fraction of the image's";
        let scale = fields.key("scale", about).interval(Limits::UNIT, exactly).or_shown((0.02, 0.33), "[0.02, 0.33]");
        let about = "height of the rectangle divided by its width, drawn evenly on a logarithmic scale";
        let ratio = fields.key("ratio", about).interval(Limits::within(0.01, 100.0), exactly).or_shown((0.3, 3.3), "[0.3, 3.3]");
        let value = read_value(fields);
        Box::new(Erase { scale, ratio, value })
    },
};

fn read_value(fields: &Fields) -> Filling {
    let about = "what the rectangle shows, before any normalisation: a number for all channels, one for each, or random values";
    let kind = "\"random\", integer or [red, green, blue], 0 to 255".to_owned();
    let value = fields.key("value", about).read(kind, Filling::Random, |node| match &node.value {
        Value::Text(text) if text == "random" => Some(Filling::Random),
        _ => colour(node).map(Filling::Colour),
    });
    value.or_shown(Filling::Colour([0; 3]), "0")
}

/// A whole number 0 to 255 for all three channels, or a list of one for each.
pub(super) fn colour(node: &Node) -> Option<[u8; 3]> {
    match super::read::counts(node, 255)?[..] {
        [value] => Some([value as u8; 3]),
        [red, green, blue] => Some([red, green, blue].map(|value| value as u8)),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Filling {
    Colour([u8; 3]),
    Random,
}

struct Erase {
    scale: Interval,
    ratio: Interval,
    value: Filling,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    /// None where ten attempts did not fit.
    region: Option<Region>,
    /// Number of the pattern of random values, where they are asked for.
    pattern: Option<u64>,
}

impl Erase {
    /// A rectangle of the wanted area and proportions, if it is smaller than the image both ways.
    fn attempt(&self, size: Size, dice: &mut Dice) -> Option<Region> {
        let area = size.area() as f64 * dice.uniform(self.scale.0, self.scale.1);
        let ratio = dice.uniform(self.ratio.0.ln(), self.ratio.1.ln()).exp();
        let height = (area * ratio).sqrt().round_ties_even();
        let width = (area / ratio).sqrt().round_ties_even();
        (height < f64::from(size.height) && width < f64::from(size.width)).then(|| {
            let (height, width) = (height as u32, width as u32);
            let top = dice.below(u64::from(size.height - height) + 1) as u32;
            let left = dice.below(u64::from(size.width - width) + 1) as u32;
            Region { top, left, height, width }
        })
    }
}

impl Op for Erase {
    type Draw = Draw;
    const DEFAULT_P: f64 = 0.5;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let region = (0..10).find_map(|_| self.attempt(size, dice));
        Draw { region, pattern: (self.value == Filling::Random).then(|| dice.bits()) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        let Some(region) = draw.region else { return };
        match self.value {
            Filling::Colour(colour) => cover(image, region, colour),
            Filling::Random => cover_randomly(image, region, draw.pattern.unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    const OP: Erase = Erase { scale: (0.02, 0.33), ratio: (0.3, 3.3), value: Filling::Colour([0; 3]) };
    const COUNT: u64 = 20_000;

    fn regions(op: &Erase, size: Size) -> Vec<Region> {
        let dice = |sample| Key { run: 3, epoch: 0, sample, op: 9 }.dice();
        (0..COUNT).filter_map(|sample| op.draw(size, 3, &mut dice(sample)).region).collect()
    }

    #[test]
    fn areas_are_uniform_within_the_scale_and_proportions_even_on_a_logarithmic_scale() {
        let size = Size::new(1000, 1000);
        let regions = regions(&OP, size);
        assert_eq!(regions.len() as u64, COUNT);
        // Rectangles fit at once but for the largest and flattest ones, which the test's wide bounds allow for.
        let share = |region: &Region| f64::from(region.height) * f64::from(region.width) / 1e6;
        assert!(regions.iter().map(share).all(|share| (0.0195..=0.3305).contains(&share)));
        let mean = regions.iter().map(share).sum::<f64>() / COUNT as f64;
        assert!((mean - 0.175).abs() < 0.004, "{mean}");
        let ratio = |region: &Region| f64::from(region.height) / f64::from(region.width);
        assert!(regions.iter().map(ratio).all(|ratio| (0.29..=3.4).contains(&ratio)));
        let mean = regions.iter().map(|region| ratio(region).ln()).sum::<f64>() / COUNT as f64;
        assert!((mean - (0.3f64.ln() + 3.3f64.ln()) / 2.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn corners_are_uniform_over_all_places_where_the_rectangle_fits() {
        // A quarter of 8 × 8 pixels as a square: 4 × 4, with corners 0 to 4 both ways.
        let op = Erase { scale: (0.25, 0.25), ratio: (1.0, 1.0), ..OP };
        let mut counts = [[0u32; 5]; 5];
        for region in regions(&op, Size::new(8, 8)) {
            assert_eq!((region.height, region.width), (4, 4));
            counts[region.top as usize][region.left as usize] += 1;
        }
        let expected = COUNT as f64 / 25.0;
        let chi_square: f64 = counts.as_flattened().iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
        // 24 degrees of freedom: above 51.2 once in a thousand.
        assert!(chi_square < 51.2, "{chi_square}");
    }

    #[test]
    fn a_rectangle_as_high_or_wide_as_the_image_is_no_rectangle() {
        assert_eq!(regions(&Erase { scale: (1.0, 1.0), ratio: (1.0, 1.0), ..OP }, Size::new(8, 8)), []);
        assert!(regions(&OP, Size::new(1, 50)).iter().all(|region| region.height == 0));
        let mut image = Image::filled(Size::new(4, 4), 3, 7);
        OP.apply(&Draw { region: None, pattern: None }, &mut image);
        assert!(image.pixels().iter().all(|&value| value == 7));
    }
}
