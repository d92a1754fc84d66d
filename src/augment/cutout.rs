//! Covers squares of one size at random places.
//!
//! DeVries and Taylor, *Improved regularization of convolutional neural networks with cutout*, 2017: the centre is uniform over
//! all pixels, so that a part of the square may lie outside. They cover the normalised picture with 0, which is the mean colour;
//! here, before normalisation, that colour is to be given as `value`.

use super::erase::colour;
use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::crop::Region;
use crate::pixels::erase::cover;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "cutout",
    about: "Covers squares of one size around random pixels, clipped at the border",
    example: "op = \"cutout\"\nsize = 16",
    build: |fields| {
        let about = "side of the square, not half of it; [height, width] makes a rectangle";
        let size = fields.key("size", about).size().required();
        let count = fields.key("count", "how many squares; they may overlap").count(1, 1000).or(1);
        let about = "what the squares show: a number for all channels or one for each; the mean colour is what the authors use";
        let value = fields.key("value", about).read("integer or [red, green, blue], 0 to 255".to_owned(), [0; 3], colour);
        Box::new(Cutout { size, count, value: value.or_shown([0; 3], "0") })
    },
};

struct Cutout {
    size: Size,
    count: usize,
    value: [u8; 3],
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    holes: Vec<Region>,
}

impl Op for Cutout {
    type Draw = Draw;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let mut hole = || {
            let (top, height) = clipped(dice.below(u64::from(size.height)), self.size.height, size.height);
            let (left, width) = clipped(dice.below(u64::from(size.width)), self.size.width, size.width);
            Region { top, left, height, width }
        };
        Draw { holes: (0..self.count).map(|_| hole()).collect() }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        draw.holes.iter().for_each(|&hole| cover(image, hole, self.value));
    }
}

/// First place and length of what lies inside 0 … `length` of `side` places around `centre`.
fn clipped(centre: u64, side: u32, length: u32) -> (u32, u32) {
    let start = centre as i64 - i64::from(side / 2);
    let end = (start + i64::from(side)).clamp(0, i64::from(length));
    let start = start.max(0);
    (start as u32, (end - start) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn a_side_is_the_whole_side_and_is_clipped_at_the_borders() {
        assert_eq!(clipped(10, 4, 20), (8, 4));
        assert_eq!(clipped(10, 5, 20), (8, 5));
        assert_eq!((clipped(0, 4, 20), clipped(19, 4, 20)), ((0, 2), (17, 3)));
        assert_eq!((clipped(0, 1, 1), clipped(7, 65_535, 20)), ((0, 1), (0, 20)));
    }

    #[test]
    fn centres_are_uniform_over_all_pixels() {
        let op = Cutout { size: Size::new(1, 1), count: 2, value: [0; 3] };
        let mut counts = [[0u32; 6]; 4];
        for sample in 0..6_000 {
            let holes = op.draw(Size::new(4, 6), 3, &mut Key { run: 8, epoch: 0, sample, op: 1 }.dice()).holes;
            assert_eq!(holes.len(), 2);
            holes.iter().for_each(|hole| counts[hole.top as usize][hole.left as usize] += 1);
        }
        let chi_square: f64 = counts.as_flattened().iter().map(|&count| (f64::from(count) - 500.0).powi(2) / 500.0).sum();
        // 23 degrees of freedom: above 49.7 once in a thousand.
        assert!(chi_square < 49.7, "{chi_square}");
    }
}
