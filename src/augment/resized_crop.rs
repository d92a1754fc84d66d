//! Cuts out a random part of random proportions and brings it to one size: the crop that image classifiers are trained with.

use super::read::{Interval, exactly, interpolation, resizing};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::crop::Region;
use crate::pixels::fused::Motion;
use crate::pixels::resize::{Interpolation, resize_region};
use crate::registry::Entry;
use crate::sample::{Image, Size};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "resized_crop",
    about: "Cuts out a random part of random area and proportions and brings it to one size",
    example: "op = \"resized_crop\"\nsize = [32, 32]\nscale = [0.6, 1.0]",
    build: |fields| {
        let size = fields.key("size", "[height, width] afterwards; one number makes a square").size().required();
        let about = "area of the part, as a fraction of the image's";
        let scale = fields.key("scale", about).interval(Limits::above(0.0, 1.0), exactly).or_shown((0.08, 1.0), "[0.08, 1.0]");
        let about = "width of the part divided by its height, drawn evenly on a logarithmic scale";
        let ratio = fields.key("ratio", about).interval(Limits::within(0.01, 100.0), exactly);
        let ratio = ratio.or_shown((3.0 / 4.0, 4.0 / 3.0), "[0.75, 1.3333333333333333]");
        let (interpolation, antialias) = interpolation(fields);
        Box::new(ResizedCrop { size, scale, ratio, interpolation, antialias })
    },
};

struct ResizedCrop {
    size: Size,
    scale: Interval,
    ratio: Interval,
    interpolation: Interpolation,
    antialias: bool,
}

impl ResizedCrop {
    /// A part of the wanted area and proportions, if it fits.
    fn attempt(&self, size: Size, dice: &mut Dice) -> Option<Region> {
        let area = size.area() as f64 * dice.uniform(self.scale.0, self.scale.1);
        let ratio = dice.uniform(self.ratio.0.ln(), self.ratio.1.ln()).exp();
        let width = (area * ratio).sqrt().round_ties_even();
        let height = (area / ratio).sqrt().round_ties_even();
        let fits = width > 0.0 && width <= f64::from(size.width) && height > 0.0 && height <= f64::from(size.height);
        fits.then(|| {
            let (height, width) = (height as u32, width as u32);
            let top = dice.below(u64::from(size.height - height) + 1) as u32;
            let left = dice.below(u64::from(size.width - width) + 1) as u32;
            Region { top, left, height, width }
        })
    }

    /// The largest part in the middle whose proportions are allowed.
    fn fallback(&self, size: Size) -> Region {
        let (full_height, full_width) = (f64::from(size.height), f64::from(size.width));
        let (height, width) = match full_width / full_height {
            ratio if ratio < self.ratio.0 => (full_width / self.ratio.0, full_width),
            ratio if ratio > self.ratio.1 => (full_height, full_height * self.ratio.1),
            _ => (full_height, full_width),
        };
        let side = |side: f64, full: u32| (side.round_ties_even() as u32).clamp(1, full);
        let (height, width) = (side(height, size.height), side(width, size.width));
        Region { top: (size.height - height) / 2, left: (size.width - width) / 2, height, width }
    }
}

impl Op for ResizedCrop {
    type Draw = Region;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Region {
        let attempts = (0..10).find_map(|_| self.attempt(size, dice));
        attempts.unwrap_or_else(|| self.fallback(size))
    }

    fn apply(&self, draw: &Region, image: &mut Image) {
        *image = resize_region(image, *draw, self.size, self.interpolation, self.antialias);
    }

    fn part(&self, draw: &Region, size: Size) -> Option<(Region, Region)> {
        let region = draw.within(size);
        Some((region, Region::whole(region.size())))
    }

    fn enough(&self) -> Option<Size> {
        (self.antialias && self.interpolation != Interpolation::Nearest).then_some(self.size)
    }

    fn motion(&self, draw: &Region, size: Size) -> Option<Motion> {
        Some(resizing(draw.within(size), self.size, self.interpolation))
    }

    fn out_size(&self, _: Option<Size>) -> Option<Size> {
        Some(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_fits_the_middle_is_taken_with_the_nearest_proportions() {
        let crop = ResizedCrop {
            size: Size::new(8, 8),
            scale: (1.0, 1.0),
            ratio: (0.75, 4.0 / 3.0),
            interpolation: Interpolation::Bilinear,
            antialias: true,
        };
        assert_eq!(crop.fallback(Size::new(100, 30)), Region { top: 30, left: 0, height: 40, width: 30 });
        assert_eq!(crop.fallback(Size::new(30, 100)), Region { top: 0, left: 30, height: 30, width: 40 });
        assert_eq!(crop.fallback(Size::new(1, 1000)), Region { top: 0, left: 499, height: 1, width: 1 });
        assert_eq!(crop.fallback(Size::new(30, 33)), Region::whole(Size::new(30, 33)));
    }
}
