//! The gradient of a whole network on its own images, held against differences of its loss at a few parameters of each tensor:
//! cheap enough for the start of a run. Knows no training.

use crate::key::{Dice, Key, hash_name};
use crate::model::{Network, Noise, Span, Workspace};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Decides which tensors and parameters.
    pub seed: u64,
    /// The most tensors.
    pub tensors: usize,
    /// The most parameters of a tensor.
    pub parameters: usize,
}

/// The derivative of the mean loss of a batch along a direction in one tensor of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Slope {
    /// The tensor's name.
    pub name: String,
    /// Parameters that the direction moves.
    pub moved: usize,
    /// By the backward pass.
    pub claimed: f64,
    /// By differences of losses at four points.
    pub measured: f64,
    /// How far off `measured` may be, as two lengths of step and the precision of f32 tell.
    pub doubt: f64,
    /// What a difference is held against: the greater of the two.
    pub scale: f64,
}

/// Whether a claimed derivative can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It is what was measured, to 10 %.
    Right,
    /// The loss is too rough there, or too flat, to tell.
    Unknown,
    /// It is off by more than 10 %.
    Off,
    /// It is off by more than 20 %, and that is certain.
    Wrong,
}

impl Slope {
    /// The judgement. In f32, with the kinks of `relu` and `max_pool`, much closer than 10 % is not to be had for every network.
    pub fn trust(&self) -> Trust {
        let off = (self.claimed - self.measured).abs();
        if off > 0.2 * self.scale + 3.0 * self.doubt {
            return Trust::Wrong;
        }
        // NaN is never right.
        if self.doubt.is_nan() || self.doubt > 0.25 * self.scale {
            return if self.scale == 0.0 && off == 0.0 { Trust::Right } else { Trust::Unknown };
        }
        if off <= 0.1 * self.scale + 3.0 * self.doubt { Trust::Right } else { Trust::Off }
    }
}

/// The change of the loss that a step aims at. A longer step crosses kinks of many units: in a network of twenty layers a change of
/// 5e-3 puts differences off by up to 9 %, one of 2e-4 by less than 3 %. A shorter one drowns in rounding.
const CHANGE: f64 = 2e-4;
/// The farthest that a step moves a parameter, as a share of the size of the tensor's parameters, and that size where all are 0.
const FARTHEST: (f64, f64) = (0.1, 0.05);
/// A loss of 1 is known to so much.
const ROUNDING: f64 = 2e-7;
const NOISE: u64 = 0;

/// Checks `network` at `arena` on `images` with `labels`, in training mode. Every direction is made of a keyed choice of a tensor's
/// parameters: their gradient and random signs in equal shares, so that a gradient shows that is too long, points elsewhere, or is 0
/// where it should not be. Runs on the current rayon pool, on which the result does not depend; `arena` is not changed.
///
/// # Panics
/// As [`Network::loss_and_gradient`].
pub fn sampled(
    network: &Network,
    workspace: &mut Workspace,
    arena: &[f32],
    images: &[f32],
    labels: &[u32],
    at: Sampling,
) -> Vec<Slope> {
    let noise = Noise { seed: at.seed, step: NOISE };
    let mut gradient = vec![0.0; network.parameter_count()];
    network.loss_and_gradient(workspace, arena, images, labels, noise, &mut gradient);
    let mut moved = arena.to_vec();
    let mut slopes = Vec::new();
    for span in chosen(network.spans(), at) {
        let key = Key { op: hash_name(&span.name), ..Key::of_run(at.seed, "gradient check") };
        let direction = Direction::draw(span, &gradient, arena, at.parameters, &mut key.dice());
        let mut loss = |by: f64| {
            direction.go(arena, &mut moved, by);
            let tally = network.training_loss(workspace, &moved, images, labels, noise);
            tally.loss_sum / tally.count.max(1) as f64
        };
        slopes.push(direction.slope(&span.name, &mut loss));
        direction.go(arena, &mut moved, 0.0);
    }
    slopes
}

/// The trained tensors that are looked at, in their order.
fn chosen(spans: &[Span], at: Sampling) -> Vec<&Span> {
    let mut trained: Vec<&Span> = spans.iter().filter(|span| span.trained && span.len > 0).collect();
    if trained.len() > at.tensors {
        Key::of_run(at.seed, "gradient check").dice().shuffle(&mut trained);
        trained.truncate(at.tensors);
        trained.sort_by_key(|span| span.start);
    }
    trained
}

/// Places in the arena and how far a step of length 1 moves each.
struct Direction {
    moves: Vec<(usize, f64)>,
    claimed: f64,
    /// The step.
    step: f64,
}

impl Direction {
    fn draw(span: &Span, gradient: &[f32], arena: &[f32], most: usize, dice: &mut Dice) -> Self {
        let places = places(span, most, dice);
        let slope = |place: usize| f64::from(gradient[place]);
        let length = norm(places.iter().map(|&place| slope(place)));
        let even = 1.0 / (places.len() as f64).sqrt();
        let mut signs: Vec<f64> = places.iter().map(|_| if dice.chance(0.5) { even } else { -even }).collect();
        // Never against the gradient: the two would cancel.
        if places.iter().zip(&signs).map(|(&place, sign)| sign * slope(place)).sum::<f64>() < 0.0 {
            signs.iter_mut().for_each(|sign| *sign = -*sign);
        }
        let along = |place: usize| if length > 0.0 { slope(place) / length } else { 0.0 };
        let raw: Vec<f64> = places.iter().zip(signs).map(|(&place, sign)| along(place) + sign).collect();
        let whole = norm(raw.iter().copied()).max(f64::MIN_POSITIVE);
        let moves: Vec<(usize, f64)> = places.into_iter().zip(raw).map(|(place, by)| (place, by / whole)).collect();
        let claimed = moves.iter().map(|&(place, by)| by * slope(place)).sum();
        let weights = &arena[span.range()];
        let size = norm(weights.iter().map(|&weight| f64::from(weight))) / (span.len as f64).sqrt();
        // As far as the weights are large: the loss of a network bends on their scale.
        let farthest = moves.iter().map(|(_, by)| by.abs()).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let limit = FARTHEST.0 * if size > 0.0 { size } else { FARTHEST.1 } / farthest;
        Self { moves, claimed, step: (CHANGE / length.max(1e-30)).min(limit) }
    }

    /// Sets the places of `moved` to those of `arena`, moved by so many steps.
    fn go(&self, arena: &[f32], moved: &mut [f32], steps: f64) {
        for &(place, by) in &self.moves {
            moved[place] = (f64::from(arena[place]) + steps * self.step * by) as f32;
        }
    }

    fn slope(&self, name: &str, loss: &mut dyn FnMut(f64) -> f64) -> Slope {
        let [near, far] = [1.0, 2.0].map(|steps| {
            let (up, down) = (loss(steps), loss(-steps));
            ((up - down) / (2.0 * steps * self.step), up.abs().max(down.abs()))
        });
        // Richardson's extrapolation: what is left grows with the fourth power of the step.
        let measured = (4.0 * near.0 - far.0) / 3.0;
        let rounding = ROUNDING * far.1.max(1.0) / self.step;
        let doubt = (near.0 - far.0).abs() + rounding;
        let scale = measured.abs().max(self.claimed.abs());
        Slope { name: name.to_owned(), moved: self.moves.len(), claimed: self.claimed, measured, doubt, scale }
    }
}

/// A keyed choice of a tensor's places, each once, in order.
fn places(span: &Span, most: usize, dice: &mut Dice) -> Vec<usize> {
    if span.len <= most {
        return span.range().collect();
    }
    let mut chosen = std::collections::BTreeSet::new();
    while chosen.len() < most {
        chosen.insert(span.start + dice.below(span.len as u64) as usize);
    }
    chosen.into_iter().collect()
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::wrong::Wrong;
    use super::*;
    use crate::model::layer::{Linear, Relu};
    use crate::model::preset::{Lenet, Mlp, softmax};
    use crate::model::{LayerSpec, Shape};

    const AT: Sampling = Sampling { seed: 7, tensors: 64, parameters: 24 };

    fn data(network: &Network, count: usize) -> (Vec<f32>, Vec<u32>) {
        let mut dice = Key::of_run(3, "images").dice();
        let images = (0..count * network.input().len()).map(|_| dice.uniform(-1.7, 1.7) as f32).collect();
        (images, (0..count).map(|_| dice.below(network.classes() as u64) as u32).collect())
    }

    fn slopes(network: &Network, at: Sampling) -> Vec<Slope> {
        let (images, labels) = data(network, 4);
        sampled(network, &mut network.workspace(4), &network.initialise(5), &images, &labels, at)
    }

    fn networks() -> Vec<Network> {
        let lenet = Lenet { channels: [6, 9], hidden: 31, keep_hidden: 0.7 };
        let mlp = Mlp { hidden: vec![120, 60], keep_input: 0.8, keep_hidden: 0.5 };
        vec![
            Network::new(lenet.layers(), Shape::new(3, 16, 16), 5).unwrap(),
            Network::new(mlp.layers(), Shape::new(1, 14, 14), 10).unwrap().with_label_smoothing(0.1),
            Network::new(softmax(), Shape::new(1, 9, 9), 3).unwrap(),
        ]
    }

    #[test]
    fn gradients_that_are_right_are_found_right() {
        for network in networks() {
            let found = slopes(&network, AT);
            assert_eq!(found.len(), network.spans().iter().filter(|span| span.trained).count());
            for slope in &found {
                assert!(!matches!(slope.trust(), Trust::Off | Trust::Wrong), "{slope:?}");
            }
            let known = found.iter().filter(|slope| slope.trust() == Trust::Right).count();
            assert!(2 * known > found.len(), "most can be told: {found:#?}");
        }
    }

    #[test]
    fn a_layer_whose_gradient_is_wrong_is_found_in_front_of_it_only() {
        let linear = |out| Box::new(Linear::new(out, true)) as Box<dyn LayerSpec>;
        let layers: Vec<Box<dyn LayerSpec>> =
            vec![linear(Some(12)), Box::new(Relu), linear(Some(9)), Box::new(Wrong), Box::new(Relu), linear(None)];
        let network = Network::new(layers, Shape::vector(20), 4).unwrap();
        for slope in slopes(&network, AT) {
            let expected = if slope.name.starts_with('5') { Trust::Right } else { Trust::Wrong };
            assert_eq!(slope.trust(), expected, "{slope:?}");
        }
    }

    #[test]
    fn the_choice_is_keyed_and_the_same_for_any_number_of_threads() {
        let network = &networks()[0];
        let few = Sampling { tensors: 3, ..AT };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| slopes(network, few))
        };
        assert_eq!(on(1).len(), 3);
        assert_eq!(on(1), on(3));
        assert_ne!(on(1), slopes(network, Sampling { seed: 8, ..few }));
    }

    #[test]
    fn a_gradient_that_is_missing_is_wrong_and_a_flat_loss_is_right() {
        let slope = Slope { name: String::new(), moved: 9, claimed: 0.0, measured: 0.3, doubt: 0.001, scale: 0.3 };
        assert_eq!(slope.trust(), Trust::Wrong);
        assert_eq!(Slope { claimed: 0.31, ..slope.clone() }.trust(), Trust::Right);
        assert_eq!(Slope { claimed: 0.36, ..slope.clone() }.trust(), Trust::Off);
        assert_eq!(Slope { claimed: 0.2, doubt: 0.2, ..slope.clone() }.trust(), Trust::Unknown);
        assert_eq!(Slope { measured: f64::NAN, doubt: f64::NAN, ..slope.clone() }.trust(), Trust::Unknown);
        assert_eq!(Slope { measured: 0.0, doubt: 0.0, scale: 0.0, ..slope }.trust(), Trust::Right);
    }
}
