//! Blurs the image with a bell-shaped kernel.

use super::read::{Interval, counts, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::blur::gaussian_blur;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "gaussian_blur",
    about: "Blurs the image: every pixel becomes a mean of its neighbours, weighted by a bell curve",
    example: "op = \"gaussian_blur\"\nkernel_size = 5\nsigma = [0.1, 2.0]",
    build: |fields| {
        let about = "pixels along each side of the square that is averaged, an odd number";
        let kernel_size =
            fields.key("kernel_size", about).read("odd integer, 1 to 127".to_owned(), 1, |node| match counts(node, 127)?[..] {
                [size] if size % 2 == 1 => Some(size),
                _ => None,
            });
        let kernel_size = kernel_size.required();
        let about = "standard deviation of the bell curve in pixels; an interval draws it anew for every image";
        let sigma = fields.key("sigma", about).interval(Limits::above(0.0, 1000.0), exactly).or_shown((0.1, 2.0), "[0.1, 2.0]");
        Box::new(GaussianBlur { kernel_size, sigma })
    },
};

struct GaussianBlur {
    kernel_size: u32,
    sigma: Interval,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    sigma: f32,
}

impl Op for GaussianBlur {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { sigma: uniform(dice, self.sigma) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        gaussian_blur(image, self.kernel_size, draw.sigma);
    }

    fn is_fixed(&self) -> bool {
        self.kernel_size == 1 || self.sigma.0 == self.sigma.1
    }
}
