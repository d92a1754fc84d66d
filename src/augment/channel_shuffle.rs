//! Puts the channels into a random order.

use super::{Build, Op};
use crate::key::Dice;
use crate::pixels::channels::permute;
use crate::registry::Entry;
use crate::sample::{Image, Size};
use serde::{Deserialize, Serialize};

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "channel_shuffle",
    about: "Puts the channels into a random order; a gray image stays as it is",
    example: "op = \"channel_shuffle\"",
    build: |_| Box::new(ChannelShuffle),
};

struct ChannelShuffle;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Draw {
    /// For each channel, the old one that it shows.
    order: [u8; 3],
}

impl Op for ChannelShuffle {
    type Draw = Draw;

    fn draw(&self, _: Size, _: usize, dice: &mut Dice) -> Draw {
        Draw { order: random_order(dice) }
    }

    fn apply(&self, draw: &Draw, image: &mut Image) {
        permute(image, draw.order);
    }
}

/// One of the six orders of three channels, each with the same chance.
pub(super) fn random_order(dice: &mut Dice) -> [u8; 3] {
    let mut order = [0, 1, 2];
    dice.shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use std::collections::HashMap;

    #[test]
    fn all_six_orders_have_the_same_chance() {
        let mut counts = HashMap::new();
        for sample in 0..6_000 {
            let mut dice = Key { run: 5, epoch: 0, sample, op: 2 }.dice();
            *counts.entry(ChannelShuffle.draw(Size::new(1, 1), 3, &mut dice).order).or_insert(0u32) += 1;
        }
        let chi_square: f64 = counts.values().map(|&count| (f64::from(count) - 1_000.0).powi(2) / 1_000.0).sum();
        // Five degrees of freedom: above 20.5 once in a thousand.
        assert!(counts.len() == 6 && chi_square < 20.5, "{counts:?}");
    }
}
