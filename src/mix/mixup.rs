//! Two pictures shine through each other (Zhang, Cissé, Dauphin & Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", 2018).

use super::{Build, Mixer};
use crate::config::Limits;
use crate::kernel::blend::blend;
use crate::key::Dice;
use crate::registry::Entry;
use crate::sample::Size;
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "mixup",
    about: "Fades every picture of a batch, and its target, into the one before it",
    example: "mixer = \"mixup\"\nalpha = 0.2\np = 0.5",
    build: |fields| Box::new(Mixup { alpha: fields.key("alpha", ALPHA).number(ALPHAS).or(1.0) }),
};

/// What `alpha` means in every mixer that has one.
pub(super) const ALPHA: &str = "the share that is kept is drawn from Beta(alpha, alpha): small keeps nearly all or nearly nothing";
/// Values of `alpha` whose distribution is more than its two ends or its middle.
pub(super) const ALPHAS: Limits = Limits::within(0.001, 1000.0);

struct Mixup {
    alpha: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    /// λ, the share that each picture keeps.
    lambda: f32,
}

impl Mixer for Mixup {
    type Draw = Draw;

    fn draw(&self, _: Size, dice: &mut Dice) -> Draw {
        Draw { lambda: dice.beta(self.alpha, self.alpha) as f32 }
    }

    fn kept(&self, draw: &Draw, _: Size) -> f64 {
        f64::from(draw.lambda)
    }

    /// λ·x + (1 − λ)·x'.
    fn apply(&self, draw: &Draw, _: Size, image: &mut [f32], partner: &[f32]) {
        blend(image, draw.lambda, partner, (1.0 - f64::from(draw.lambda)) as f32);
    }

    fn words(&self) -> String {
        format!("alpha = {}", self.alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn a_quarter_of_a_picture_and_three_quarters_of_the_other() {
        let mut image = [1.0, -2.0, 0.5, 8.0];
        Mixup { alpha: 1.0 }.apply(&Draw { lambda: 0.25 }, Size::new(2, 2), &mut image, &[3.0, 2.0, 0.5, -8.0]);
        assert_eq!(image, [2.5, 1.0, 0.5, -4.0]);
    }

    #[test]
    fn the_share_kept_has_the_moments_of_the_beta_distribution() {
        for alpha in [0.2, 1.0, 3.0] {
            let draw =
                |batch| Mixup { alpha }.draw(Size::new(4, 4), &mut Key { run: 1, epoch: 0, sample: batch, op: 5 }.dice()).lambda;
            let shares: Vec<f64> = (0..40_000).map(|batch| f64::from(draw(batch))).collect();
            let mean = shares.iter().sum::<f64>() / 40_000.0;
            let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / 40_000.0;
            let expected = 0.25 / (2.0 * alpha + 1.0);
            assert!((mean - 0.5).abs() < 4.0 * (expected / 40_000.0).sqrt(), "Beta({alpha}): mean {mean}");
            assert!((variance / expected - 1.0).abs() < 0.03, "Beta({alpha}): variance {variance}, not {expected}");
        }
    }
}
