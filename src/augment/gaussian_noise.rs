//! Adds independent normal noise to every value.

use super::read::{Interval, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::noise::add_gaussian;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "gaussian_noise",
    about: "Adds independent normal noise to every value, on a scale where white is 1",
    example: "op = \"gaussian_noise\"\nsigma = 0.05",
    build: |fields| {
        let mean = fields.key("mean", "mean of the noise").number(Limits::within(-1.0, 1.0)).or(0.0);
        let about = "standard deviation; an interval draws it anew for every image";
        let sigma = fields.key("sigma", about).interval(Limits::within(0.0, 10.0), exactly).or_shown((0.1, 0.1), "0.1");
        let clip = fields.key("clip", "whether results stay within black and white; they wrap around otherwise").flag().or(true);
        Box::new(GaussianNoise { mean, sigma, clip })
    },
};

struct GaussianNoise {
    mean: f64,
    sigma: Interval,
    clip: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    sigma: f32,
    /// Number of the noise pattern.
    pattern: u64,
}

impl Op for GaussianNoise {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { sigma: uniform(dice, self.sigma), pattern: dice.bits() }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        add_gaussian(image, self.mean as f32, draw.sigma, draw.pattern, self.clip);
    }
}
