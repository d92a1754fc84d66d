//! One update of all parameters: penalties, norm, clipping, the rule itself, over pieces in parallel. Knows no network.

use super::piece::{Piece, all_finite, sum_of_squares, within};
use super::{Moment, Optimizer, Penalties, SLOTS, clip_factor, penalties};
use std::ops::Range;
use std::sync::Arc;

/// What an update rule remembers between steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Updates made.
    pub step: u64,
    /// One row a name of [`Optimizer::slots`], each as long as the parameters.
    pub slots: Vec<Vec<f32>>,
}

/// An update rule with everything around it.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The rule.
    pub optimizer: Arc<dyn Optimizer>,
    /// Penalties on weights.
    pub penalties: Penalties,
    /// The largest allowed norm of the whole gradient, penalties included.
    pub clip_norm: Option<f64>,
    /// Samples in a full batch: the m of the penalties. A smaller last batch does not make them stronger.
    pub batch_size: usize,
    /// Which parameters the penalties concern: ranges, ascending, apart.
    pub decay: Vec<Range<usize>>,
}

impl Descent {
    /// The state before the first step.
    pub fn fresh(&self, parameters: usize) -> State {
        State { step: 0, slots: self.optimizer.slots().iter().map(|_| vec![0.0; parameters]).collect() }
    }

    /// Adds the penalties to `grads` and measures the Euclidean norm of the result: not finite exactly if some gradient is not.
    pub fn complete(&self, params: &mut [f32], grads: &mut [f32]) -> f64 {
        let (slopes, of_all) = self.penalties.slopes(self.batch_size, self.optimizer.decoupled_decay());
        let work = |piece: Piece| {
            if slopes != [0.0; 2] {
                for run in within(&self.decay, piece.start, piece.params.len()) {
                    penalties::add(&piece.params[run.clone()], &mut piece.grads[run], slopes);
                }
            }
            if of_all != 0.0 {
                penalties::add(piece.params, piece.grads, [0.0, of_all]);
            }
            sum_of_squares(piece.grads)
        };
        Piece { params, grads, ..Piece::default() }.sweep(&work, &|left, right| left + right).sqrt()
    }

    /// Makes one step with completed `grads` whose norm is `norm`. Answers whether all parameters are finite still.
    pub fn update(&self, state: &mut State, learning_rate: f64, norm: f64, params: &mut [f32], grads: &mut [f32]) -> bool {
        state.step += 1;
        let at = Moment { step: state.step, learning_rate };
        let clip = clip_factor(norm, self.clip_norm);
        let decoupled = self.optimizer.decoupled_decay() && self.penalties.weight_decay != 0.0;
        let shrink = (1.0 - learning_rate * self.penalties.weight_decay) as f32;
        let everything = [Range { start: 0, end: params.len() }];
        let decaying = if self.penalties.decay_all { &everything[..] } else { &self.decay };
        let work = |piece: Piece| {
            if clip < 1.0 {
                piece.grads.iter_mut().for_each(|g| *g *= clip);
            }
            if decoupled {
                let runs = within(decaying, piece.start, piece.params.len());
                runs.for_each(|run| piece.params[run].iter_mut().for_each(|w| *w *= shrink));
            }
            self.optimizer.update(at, piece.params, piece.grads, piece.slots);
            all_finite(piece.params)
        };
        let mut rows = state.slots.iter_mut().map(Vec::as_mut_slice);
        let slots: [&mut [f32]; SLOTS] = std::array::from_fn(|_| rows.next().unwrap_or_default());
        Piece { start: 0, params, grads, slots }.sweep(&work, &|left, right| left && right)
    }
}
