//! AugMix: a weighted mean of an image and of several chains of elementary operations on it.

use super::policy::{AUG_MIX, Change, Elementary, Style};
use super::read::{change, style};
use super::{Build, Op};
use crate::config::Limits;
use crate::key::Dice;
use crate::pixels::mixture::Mixture;
use crate::pixels::warp::Sampling;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "aug_mix",
    about: "Mixes the image with several chains of slight elementary operations on it (AugMix)",
    example: "op = \"aug_mix\"\nseverity = 3",
    build: |fields| {
        let severity = fields.key("severity", "how strong operations may be: bins 0 to severity - 1 of 10").count(1, 10).or(3);
        let width = fields.key("mixture_width", "how many chains are mixed").count(1, 100).or(3);
        let about = "operations of each chain; -1 (or 0) draws 1 to 3 anew for each";
        let depth = fields.key("chain_depth", about).integer(-1, 100).or(-1);
        let about = "shape of the Dirichlet weights: small ones favour one chain, large ones make all alike";
        let alpha = fields.key("alpha", about).number(Limits::within(0.001, 1e6)).or(1.0);
        let about = "whether brightness, color, contrast and sharpness take part";
        let ops = if fields.key("all_ops", about).flag().or(true) { &Elementary::AUG_MIX[..] } else { &Elementary::AUG_MIX[..9] };
        Box::new(AugMix { severity, width, depth, alpha, ops, style: style(fields, Sampling::Bilinear) })
    },
};

struct AugMix {
    severity: usize,
    width: usize,
    /// 1 or more, or else 1 to 3 at random.
    depth: i64,
    alpha: f64,
    ops: &'static [Elementary],
    style: Style,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    /// Weight of the image itself.
    original: f32,
    chains: Vec<Chain>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Chain {
    weight: f32,
    changes: Vec<Change>,
}

impl AugMix {
    fn changes(&self, size: Size, dice: &mut Dice) -> Vec<Change> {
        let depth = if self.depth > 0 { self.depth } else { dice.integer(1, 3) };
        let pick = |_| {
            let op = self.ops[dice.below(self.ops.len() as u64) as usize];
            let bin = dice.below(self.severity as u64) as usize;
            change(dice, &AUG_MIX, op, bin, 10, size)
        };
        (0..depth).map(pick).collect()
    }
}

impl Op for AugMix {
    type Draw = Draw;

    fn draw(&self, size: Size, _: usize, dice: &mut Dice) -> Draw {
        let mixed = dice.beta(self.alpha, self.alpha) as f32;
        let weights = dice.dirichlet(&vec![self.alpha; self.width]);
        let chain = |weight: f64| Chain { weight: weight as f32 * mixed, changes: self.changes(size, dice) };
        Draw { original: 1.0 - mixed, chains: weights.into_iter().map(chain).collect() }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        let mut mixture = Mixture::new(image, draw.original);
        for chain in &draw.chains {
            let mut changed = image.clone();
            chain.changes.iter().for_each(|change| change.apply(&mut changed, self.style));
            mixture.add(&changed, chain.weight);
        }
        mixture.write(image);
    }

    /// The sum, for three channels.
    fn scratch(&self) -> u64 {
        3 * size_of::<f32>() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::Elementary::{Invert, Posterize};
    use super::*;

    #[test]
    fn chains_begin_at_the_original_and_are_summed_by_weight_and_truncated() {
        let style = Style { sampling: Sampling::Nearest, fill: None };
        let op = AugMix { severity: 3, width: 2, depth: -1, alpha: 1.0, ops: &Elementary::AUG_MIX, style };
        let chain = |weight, changes: &[(Elementary, f32)]| Chain {
            weight,
            changes: changes.iter().map(|&(op, magnitude)| Change { op, magnitude }).collect(),
        };
        let chains = vec![chain(0.5, &[(Invert, 0.0)]), chain(0.25, &[(Posterize, 1.0), (Invert, 0.0)])];
        let mut image = Image::new(Size::new(1, 3), 1, vec![0, 100, 200]);
        Op::apply(&op, &Draw { original: 0.25, chains }, &mut image);
        // 0 + 127.5 + 63.75, 25 + 77.5 + 63.75, and 50 + 27.5 + (255 - 128)/4.
        assert_eq!(image.pixels(), [191, 166, 109]);
    }
}
