//! What a mixer is, and who is mixed with whom. Knows none of them.

use crate::key::Dice;
use crate::sample::Size;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;

/// One way of mixing two pictures: parameters are drawn once a batch, without seeing a value, and applied to every pair of it
/// without dice.
pub trait Mixer: Send + Sync {
    /// What a batch's mixing is made of; numbers with a fraction are `f32`, which survive JSON text exactly.
    type Draw: Serialize + DeserializeOwned + Clone + Debug;

    /// Parameters for a batch of pictures of `size`.
    fn draw(&self, size: Size, dice: &mut Dice) -> Self::Draw;

    /// The share, 0 to 1, that a picture of `size` keeps of itself and of its target.
    fn kept(&self, draw: &Self::Draw, size: Size) -> f64;

    /// Mixes `partner` into `image`: planes of `size`, one a channel (CHW), equally many of both. Must not panic whatever the draw.
    fn apply(&self, draw: &Self::Draw, size: Size, image: &mut [f32], partner: &[f32]);

    /// Its parameters in a few words, for the plan that is shown before a run.
    fn words(&self) -> String;
}

/// A [`Mixer`] whose kind of draw is hidden.
pub trait DynMixer: Send + Sync {
    /// Draws, mixes every one of `count` pictures with the one before it and the first with the last; the share that each keeps
    /// of itself. `spare` is memory for one picture.
    fn run(&self, dice: &mut Dice, size: Size, count: usize, images: &mut [f32], spare: &mut Vec<f32>) -> f64;

    /// What [`DynMixer::run`] would draw, as JSON, and the share that each picture would keep.
    fn look(&self, dice: &mut Dice, size: Size) -> (Value, f64);

    /// [`Mixer::words`].
    fn words(&self) -> String;
}

impl<T: Mixer> DynMixer for T {
    fn run(&self, dice: &mut Dice, size: Size, count: usize, images: &mut [f32], spare: &mut Vec<f32>) -> f64 {
        let draw = self.draw(size, dice);
        each_with_the_one_before(images, count, spare, |image, partner| self.apply(&draw, size, image, partner));
        self.kept(&draw, size)
    }

    fn look(&self, dice: &mut Dice, size: Size) -> (Value, f64) {
        let draw = self.draw(size, dice);
        (serde_json::to_value(&draw).unwrap_or_default(), self.kept(&draw, size))
    }

    fn words(&self) -> String {
        Mixer::words(self)
    }
}

/// Hands every one of `count` pictures to `mix`, together with the one before it as it was before; the first with the last.
fn each_with_the_one_before(images: &mut [f32], count: usize, spare: &mut Vec<f32>, mut mix: impl FnMut(&mut [f32], &[f32])) {
    let Some(len) = images.len().checked_div(count).filter(|&len| len > 0) else { return };
    spare.clear();
    spare.extend_from_slice(&images[(count - 1) * len..]);
    for index in (1..count).rev() {
        let (before, here) = images.split_at_mut(index * len);
        mix(&mut here[..len], &before[(index - 1) * len..]);
    }
    mix(&mut images[..len], spare);
}

/// The targets of a batch whose pictures keep `kept` of themselves: [count, classes], each row of sum 1.
pub(super) fn soft_targets(labels: &[u32], classes: usize, kept: f64) -> Vec<f32> {
    let mut targets = vec![0.0; labels.len() * classes];
    let before = labels.last().into_iter().chain(labels);
    for ((target, &label), &partner) in targets.chunks_exact_mut(classes.max(1)).zip(labels).zip(before) {
        target[label as usize] += kept as f32;
        target[partner as usize] += (1.0 - kept) as f32;
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_is_mixed_with_the_one_before_as_it_was() {
        for count in 1..5 {
            let mut images: Vec<f32> = (0..count * 2).map(|value| value as f32).collect();
            let mut spare = vec![9.0; 7];
            each_with_the_one_before(&mut images, count, &mut spare, |image, partner| {
                assert_eq!(partner.len(), 2);
                image.iter_mut().zip(partner).for_each(|(value, partner)| *value = *value * 100.0 + partner);
            });
            let expected = |value: usize| (value * 100 + (value + 2 * (count - 1)) % (2 * count)) as f32;
            assert_eq!(images, (0..count * 2).map(expected).collect::<Vec<_>>());
        }
        each_with_the_one_before(&mut [], 0, &mut Vec::new(), |_, _| panic!("there is nobody"));
    }

    #[test]
    fn targets_are_shared_between_a_label_and_that_of_the_one_before() {
        let targets = soft_targets(&[2, 0, 0], 3, 0.75);
        assert_eq!(targets, [0.25, 0.0, 0.75, 0.75, 0.0, 0.25, 1.0, 0.0, 0.0]);
        assert!(soft_targets(&[], 3, 0.5).is_empty());
    }
}
