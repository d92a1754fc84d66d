//! One update of all parameters: penalties, norm, clipping, the rule itself, the max-norm constraint, over pieces in parallel.
//! Knows no network.

use super::part::within;
use super::piece::Piece;
use super::{Clip, MatrixRule, Moment, Optimizer, Part, Penalties, SLOTS, max_norm, penalties};
use crate::kernel::reduce::{all_finite, sum_of_squares};
use std::ops::Range;
use std::sync::Arc;

/// What an update rule remembers between steps.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Updates made.
    pub step: u64,
    /// One row a name of [`Optimizer::slots`], each as long as the parameters.
    pub slots: Vec<Vec<f32>>,
    /// Scratch: what is in it means nothing from one step to the next.
    work: Vec<f32>,
}

/// Euclidean norms of a whole gradient, penalties included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// As it was: not finite exactly if some element is not.
    pub whole: f64,
    /// After every element was clipped by itself.
    pub clipped: f64,
}

/// An update rule with everything around it.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The rule.
    pub optimizer: Arc<dyn Optimizer>,
    /// Penalties on weights.
    pub penalties: Penalties,
    /// How large a gradient may be.
    pub clip: Clip,
    /// Samples in a full step: the m of the penalties. A smaller last batch does not make them stronger.
    pub batch_size: usize,
    /// Every tensor of parameters: ascending, without gaps.
    pub parts: Vec<Part>,
}

impl Descent {
    /// The state before the first step.
    pub fn fresh(&self, parameters: usize) -> State {
        State {
            step: 0,
            slots: self.optimizer.slots().iter().map(|_| vec![0.0; parameters]).collect(),
            work: vec![0.0; self.scratch()],
        }
    }

    /// Floats that [`State`] holds beside its slots.
    pub fn scratch(&self) -> usize {
        let of_rule =
            |rule: &dyn MatrixRule| self.parts.iter().filter(|part| rule.takes(part)).map(|part| rule.scratch(part)).max();
        self.optimizer.matrices().and_then(of_rule).unwrap_or(0)
    }

    /// Adds the penalties to `grads`, measures the result and clips its elements.
    pub fn complete(&self, params: &mut [f32], grads: &mut [f32]) -> Norm {
        let decoupled = self.optimizer.decoupled_decay();
        let work = |piece: Piece| {
            for (part, run) in within(&self.parts, piece.start, piece.params.len()) {
                let slopes = self.penalties.slopes(self.batch_size, part, decoupled);
                if slopes != [0.0; 2] {
                    penalties::add(&piece.params[run.clone()], &mut piece.grads[run], slopes);
                }
            }
            let whole = sum_of_squares(piece.grads);
            self.clip.values(piece.grads);
            [whole, if self.clip.value.is_some() { sum_of_squares(piece.grads) } else { whole }]
        };
        let pieces = Piece { params, grads, ..Piece::default() };
        let [whole, clipped] = pieces.sweep(&work, &|left, right| [left[0] + right[0], left[1] + right[1]]);
        Norm { whole: whole.sqrt(), clipped: clipped.sqrt() }
    }

    /// Makes one step with completed `grads` of norm `norm`. Answers whether all parameters are finite still.
    pub fn update(&self, state: &mut State, learning_rate: f64, norm: Norm, params: &mut [f32], grads: &mut [f32]) -> bool {
        state.step += 1;
        let at = Moment { step: state.step, learning_rate };
        let mut rows = state.slots.iter_mut().map(Vec::as_mut_slice);
        let slots: [&mut [f32]; SLOTS] = std::array::from_fn(|_| rows.next().unwrap_or_default());
        let clip = self.clip.factor(norm.clipped);
        let work = |piece: Piece| {
            if clip < 1.0 {
                piece.grads.iter_mut().for_each(|g| *g *= clip);
            }
            self.update_piece(at, piece)
        };
        let pieces = Piece { start: 0, params: &mut *params, grads: &mut *grads, slots };
        let finite = pieces.sweep(&work, &|left, right| left && right) && self.update_matrices(at, params, grads, &mut state.work);
        if finite {
            self.constrain(at.step, params);
        }
        finite
    }

    /// Updates what is updated element by element, and gathers the directions of the rest.
    fn update_piece(&self, at: Moment, mut piece: Piece) -> bool {
        let decoupled = self.optimizer.decoupled_decay();
        for (part, run) in within(&self.parts, piece.start, piece.params.len()).filter(|(part, _)| part.learns(at.step)) {
            let at = self.moment(at, part);
            let (params, grads) = (&mut piece.params[run.clone()], &mut piece.grads[run.clone()]);
            let slots = piece.slots.each_mut().map(|slot| part_of(slot, run.clone()));
            if decoupled && part.weight_decay != 0.0 {
                let shrink = (1.0 - at.learning_rate * part.weight_decay) as f32;
                params.iter_mut().for_each(|w| *w *= shrink);
            }
            match self.optimizer.matrices().filter(|rule| rule.takes(part)) {
                Some(rule) => {
                    let [velocity, _] = slots;
                    rule.gather(grads, velocity);
                }
                None => self.optimizer.update(at, params, grads, slots),
            }
        }
        all_finite(piece.params)
    }

    fn update_matrices(&self, at: Moment, params: &mut [f32], directions: &mut [f32], scratch: &mut [f32]) -> bool {
        let Some(rule) = self.optimizer.matrices() else { return true };
        self.parts.iter().filter(|part| part.learns(at.step) && rule.takes(part)).all(|part| {
            let range = part.range.clone();
            rule.update(self.moment(at, part), part, &mut params[range.clone()], &mut directions[range], scratch)
        })
    }

    fn constrain(&self, step: u64, params: &mut [f32]) {
        for part in self.parts.iter().filter(|part| part.learns(step)) {
            if let Some(limit) = part.max_norm {
                max_norm(&mut params[part.range.clone()], part.units, limit);
            }
        }
    }

    fn moment(&self, at: Moment, part: &Part) -> Moment {
        Moment { learning_rate: at.learning_rate * part.rate, ..at }
    }
}

/// Part of a slot; nothing of a slot that is not kept.
fn part_of<'s>(slot: &'s mut &mut [f32], run: Range<usize>) -> &'s mut [f32] {
    slot.get_mut(run).unwrap_or_default()
}
