//! The box of `tf.image.sample_distorted_bounding_box` with the whole image as the object, with all that this brings: proportions are
//! drawn evenly, not on a logarithmic scale; a box never touches the lower or right edge unless it fills the axis; and the object that
//! must be covered makes the smallest area 0.1, not the 0.05 that the range says.

use super::read::{Interval, exactly, uniform};
use crate::config::{Fields, Limits};
use crate::key::Dice;
use crate::pixels::crop::Region;
use crate::sample::Size;

/// Which boxes are allowed.
pub(super) struct DistortedBox {
    area: Interval,
    ratio: Interval,
    cover: f64,
}

/// Tries before the whole image is taken.
const ATTEMPTS: usize = 100;

impl DistortedBox {
    /// The keys `area`, `ratio` and `cover`.
    pub(super) fn read(fields: &Fields) -> Self {
        let about = "area of the box, as a fraction of the image's; never less than `cover`";
        let area = fields.key("area", about).interval(Limits::above(0.0, 1.0), exactly).or_shown((0.05, 1.0), "[0.05, 1.0]");
        let about = "width of the box divided by its height, drawn evenly";
        let ratio = fields.key("ratio", about).interval(Limits::within(0.01, 100.0), exactly);
        let ratio = ratio.or_shown((0.75, 1.33), "[0.75, 1.33]");
        let about = "share of the image that a box must cover";
        Self { area, ratio, cover: fields.key("cover", about).number(Limits::UNIT).or(0.1) }
    }

    /// The first of a hundred boxes that fits and is allowed, or the whole image.
    pub(super) fn draw(&self, size: Size, dice: &mut Dice) -> Region {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    const ALLOWED: DistortedBox = DistortedBox { area: (0.05, 1.0), ratio: (0.75, 1.33), cover: 0.1 };

    fn draws(allowed: DistortedBox, size: Size, count: u64) -> impl Iterator<Item = Region> {
        (0..count).map(move |sample| allowed.draw(size, &mut Key { run: 5, epoch: 1, sample, op: 2 }.dice()))
    }

    #[test]
    fn boxes_keep_off_the_lower_and_right_edges_and_are_a_tenth_at_least() {
        let size = Size::new(375, 500);
        let regions: Vec<Region> = draws(ALLOWED, size, 20_000).collect();
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
        // So narrow and so far inside that every first attempt holds.
        let regions = draws(DistortedBox { area: (0.2, 0.21), ..ALLOWED }, Size::new(1000, 1000), 20_000);
        let mean = regions.map(|region| f64::from(region.width) / f64::from(region.height)).sum::<f64>() / 20_000.0;
        // A logarithmic scale has the mean 1.0125.
        assert!((mean - 1.04).abs() < 0.006, "{mean}");
    }

    #[test]
    fn where_no_box_fits_the_whole_image_is_taken() {
        let size = Size::new(3, 1000);
        assert!(draws(ALLOWED, size, 50).all(|region| region == Region::whole(size)));
    }
}
