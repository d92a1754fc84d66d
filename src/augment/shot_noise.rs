//! Shows the image as a sensor sees it that counts few photons.

use super::read::{Interval, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::shot::{FEWEST_PHOTONS, MOST_PHOTONS, shot_noise};
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "shot_noise",
    about: "Adds the noise of a sensor that counts few photons: every value becomes a Poisson distributed count",
    example: "op = \"shot_noise\"\nphotons = [25, 60]",
    build: |fields| {
        let about = "mean count for white, fewer are noisier; an interval draws it anew for every image";
        let limits = Limits::within(f64::from(FEWEST_PHOTONS), f64::from(MOST_PHOTONS));
        let photons = fields.key("photons", about).interval(limits, exactly).or_shown((25.0, 60.0), "[25, 60]");
        Box::new(ShotNoise { photons })
    },
};

struct ShotNoise {
    photons: Interval,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    photons: f32,
    /// Number of the noise pattern.
    pattern: u64,
}

impl Op for ShotNoise {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { photons: uniform(dice, self.photons), pattern: dice.bits() }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        shot_noise(image, draw.photons, draw.pattern);
    }
}
