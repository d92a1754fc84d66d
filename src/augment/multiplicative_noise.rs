//! Multiplies the image, its channels, its pixels or its values by random factors.

use super::read::{Interval, exactly, uniform};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::speckle::{multiply_channels, multiply_elements};
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "multiplicative_noise",
    about: "Multiplies the image by random factors: one for all, or one for each channel, pixel or value",
    example: "op = \"multiplicative_noise\"\nmultiplier = [0.9, 1.1]\nelementwise = true",
    build: |fields| {
        let about = "from where factors are drawn; a number is taken as it is";
        let multiplier = fields.key("multiplier", about).interval(Limits::within(0.0, 255.0), exactly);
        let multiplier = multiplier.or_shown((0.9, 1.1), "[0.9, 1.1]");
        let per_channel = fields.key("per_channel", "whether every channel has factors of its own").flag().or(false);
        let elementwise = fields.key("elementwise", "whether every pixel has factors of its own").flag().or(false);
        Box::new(MultiplicativeNoise { multiplier, per_channel, elementwise })
    },
};

struct MultiplicativeNoise {
    multiplier: Interval,
    per_channel: bool,
    elementwise: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Draw {
    /// A factor for each channel, going round.
    Factors(Vec<f32>),
    /// Number of the pattern of factors.
    Pattern(u64),
}

impl Op for MultiplicativeNoise {
    type Draw = Draw;

    fn draw(&self, _: Size, channels: usize, dice: &mut Dice) -> Draw {
        if self.elementwise {
            return Draw::Pattern(dice.bits());
        }
        let count = if self.per_channel { channels } else { 1 };
        Draw::Factors((0..count).map(|_| uniform(dice, self.multiplier)).collect())
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        let interval = (self.multiplier.0 as f32, self.multiplier.1 as f32);
        match draw {
            Draw::Factors(factors) => multiply_channels(image, factors),
            Draw::Pattern(pattern) => multiply_elements(image, interval, self.per_channel, *pattern),
        }
    }

    fn is_fixed(&self) -> bool {
        self.multiplier.0 == self.multiplier.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn channels_share_a_factor_or_have_their_own_and_factors_are_uniform() {
        let mut sums = [0.0; 2];
        for sample in 0..4_000 {
            for (per_channel, sum) in [false, true].into_iter().zip(&mut sums) {
                let op = MultiplicativeNoise { multiplier: (0.5, 1.5), per_channel, elementwise: false };
                let mut dice = Key { run: 3, epoch: 0, sample, op: 1 }.dice();
                let Draw::Factors(factors) = op.draw(Size::new(4, 4), 3, &mut dice) else { panic!("factors") };
                assert_eq!(factors.len(), if per_channel { 3 } else { 1 });
                assert!(factors.iter().all(|factor| (0.5..=1.5).contains(factor)));
                *sum += f64::from(factors[0]) / 4_000.0;
            }
        }
        // The mean of 4,000 uniform numbers has the deviation 0.0046.
        assert!(sums.iter().all(|mean| (mean - 1.0).abs() < 0.02), "{sums:?}");
    }
}
