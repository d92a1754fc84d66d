//! A rectangle of one picture covers another (Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with
//! Localizable Features", 2019), with the rectangle that torchvision v2 draws.

use super::mixup::{ALPHA, ALPHAS};
use super::{Build, Mixer};
use crate::key::Dice;
use crate::registry::Entry;
use crate::sample::Size;
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "cutmix",
    about: "Covers a rectangle of every picture of a batch with that of the one before it; targets are mixed by area",
    example: "mixer = \"cutmix\"\nalpha = 1.0\np = 0.5",
    build: |fields| Box::new(Cutmix { alpha: fields.key("alpha", ALPHA).number(ALPHAS).or(1.0) }),
};

struct Cutmix {
    alpha: f64,
}

/// The rectangle, from (`top`, `left`) up to but without (`bottom`, `right`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Draw {
    top: u32,
    left: u32,
    bottom: u32,
    right: u32,
}

impl Draw {
    /// Half sides trunc(½·√(1 − λ)·side) around the pixel (`y`, `x`), as far as the picture reaches.
    fn around(y: u32, x: u32, lambda: f64, size: Size) -> Self {
        let half = |side: u32| (0.5 * (1.0 - lambda).max(0.0).sqrt() * f64::from(side)) as u32;
        let (high, wide) = (half(size.height), half(size.width));
        Draw {
            top: y.saturating_sub(high),
            left: x.saturating_sub(wide),
            bottom: y.saturating_add(high).min(size.height),
            right: x.saturating_add(wide).min(size.width),
        }
    }

    /// The part of it that lies in a picture of `size`.
    fn within(self, size: Size) -> Self {
        let (bottom, right) = (self.bottom.min(size.height), self.right.min(size.width));
        Draw { top: self.top.min(bottom), left: self.left.min(right), bottom, right }
    }
}

impl Mixer for Cutmix {
    type Draw = Draw;

    fn draw(&self, size: Size, dice: &mut Dice) -> Draw {
        let lambda = dice.beta(self.alpha, self.alpha);
        let x = dice.below(size.width.into()) as u32;
        let y = dice.below(size.height.into()) as u32;
        Draw::around(y, x, lambda, size)
    }

    /// 1 − rectangle / picture: what is left, not the share that was drawn.
    fn kept(&self, draw: &Draw, size: Size) -> f64 {
        let Draw { top, left, bottom, right } = draw.within(size);
        1.0 - Size::new(bottom - top, right - left).area() as f64 / size.area().max(1) as f64
    }

    fn apply(&self, draw: &Draw, size: Size, image: &mut [f32], partner: &[f32]) {
        let Draw { top, left, bottom, right } = draw.within(size);
        let (width, area) = (size.width as usize, size.area() as usize);
        for (image, partner) in image.chunks_exact_mut(area.max(1)).zip(partner.chunks_exact(area.max(1))) {
            for row in top as usize..bottom as usize {
                let columns = row * width + left as usize..row * width + right as usize;
                image[columns.clone()].copy_from_slice(&partner[columns]);
            }
        }
    }

    fn words(&self) -> String {
        format!("alpha = {}", self.alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use proptest::prelude::*;

    const CUTMIX: Cutmix = Cutmix { alpha: 1.0 };

    #[test]
    fn rectangles_are_those_of_the_formulas() {
        // 10 rows, 20 columns, λ = 0.75: half sides trunc(0.25·10) = 2 and trunc(0.25·20) = 5.
        let size = Size::new(10, 20);
        let draw = Draw::around(4, 9, 0.75, size);
        assert_eq!(draw, Draw { top: 2, left: 4, bottom: 6, right: 14 });
        assert_eq!(CUTMIX.kept(&draw, size), 1.0 - 40.0 / 200.0);
        let corner = Draw::around(0, 19, 0.75, size);
        assert_eq!(corner, Draw { top: 0, left: 14, bottom: 2, right: 20 });
        assert_eq!(CUTMIX.kept(&corner, size), 1.0 - 12.0 / 200.0);
        // Nothing kept: half sides 5 and 10 around the middle cover everything; around a corner, a quarter.
        assert_eq!(CUTMIX.kept(&Draw::around(5, 10, 0.0, size), size), 0.0);
        assert_eq!(CUTMIX.kept(&Draw::around(0, 0, 0.0, size), size), 0.75);
        assert_eq!(CUTMIX.kept(&Draw::around(3, 3, 1.0, size), size), 1.0);
    }

    #[test]
    fn the_rectangle_is_cut_out_of_every_channel() {
        let (mut image, partner) = ([0.0; 24], [1.0; 24]);
        CUTMIX.apply(&Draw { top: 1, left: 1, bottom: 3, right: 3 }, Size::new(3, 4), &mut image, &partner);
        let plane = [0., 0., 0., 0., 0., 1., 1., 0., 0., 1., 1., 0.];
        assert_eq!(image, [plane, plane].concat()[..]);
    }

    #[test]
    fn centres_are_uniform_over_all_pixels() {
        // λ about one half: half sides of 1, so that centres can be read off the far sides.
        let (size, cutmix) = (Size::new(3, 4), Cutmix { alpha: 1000.0 });
        let mut counts = [[0u32; 4]; 3];
        for batch in 0..24_000 {
            let draw = cutmix.draw(size, &mut Key { run: 2, epoch: 0, sample: batch, op: 5 }.dice());
            let (y, x) = (draw.bottom - 1, draw.right - 1);
            assert_eq!(draw, Draw::around(y, x, 0.5, size));
            counts[y as usize][x as usize] += 1;
        }
        assert!(counts.iter().flatten().all(|&count| count.abs_diff(2_000) < 220), "{counts:?}");
    }

    proptest! {
        #[test]
        fn the_share_kept_is_the_area_kept_whatever_the_rectangle(
            height in 1u32..20, width in 1u32..20, sides in prop::array::uniform4(0u32..25), wild in any::<bool>(),
        ) {
            let size = Size::new(height, width);
            let by = if wild { u32::MAX / 25 } else { 1 };
            let [top, left, bottom, right] = sides.map(|side| side * by);
            let draw = Draw { top, left, bottom, right };
            let mut image = vec![0.0f32; 2 * size.area() as usize];
            CUTMIX.apply(&draw, size, &mut image, &vec![1.0; 2 * size.area() as usize]);
            let left = image.iter().filter(|&&value| value == 0.0).count() as f64 / image.len() as f64;
            prop_assert!((CUTMIX.kept(&draw, size) - left).abs() < 1e-15);
        }
    }
}
