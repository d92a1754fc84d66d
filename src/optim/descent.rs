//! One update of all parameters: penalties, norm, clipping, the rule itself, the max-norm constraint, over pieces in parallel.
//! Knows no network.

use super::part::within;
use super::piece::{Piece, all_finite_of};
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

/// What an update came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Updated {
    /// Euclidean norm of the gradient of all that learns, penalties included, before clipping.
    pub norm: f64,
    /// Whether all parameters are finite still.
    pub finite: bool,
}

/// Elements of a gradient that are completed beside it: with their parameters and slots they stay in a core's first-level cache.
const BESIDE: usize = 1 << 10;

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

    /// Where the parameters begin that step `step` (from 1) changes: all before it have stopped learning.
    pub fn learned_from(&self, step: u64) -> usize {
        let end = self.parts.last().map_or(0, |part| part.range.end);
        self.parts.iter().find(|part| part.learns(step)).map_or(end, |part| part.range.start)
    }

    /// What every element of the gradient is to be multiplied by, so that its norm stays within the limit; none where an element
    /// is not finite, and no step can be made. Changes nothing. Only in the ranges that are `unproved` gradients may be anything else.
    pub fn prepare(&self, step: u64, params: &mut [f32], grads: &mut [f32], unproved: &[Range<usize>]) -> Option<f32> {
        if self.clip.norm.is_none() {
            return unproved.iter().all(|range| all_finite_of(&mut grads[range.clone()])).then_some(1.0);
        }
        let pieces = Piece { params, grads, ..Piece::default() };
        let [whole, clipped] =
            pieces.sweep(&|piece| self.squares(step, &piece), &|left, right| [left[0] + right[0], left[1] + right[1]]);
        whole.is_finite().then(|| self.clip.factor(clipped.sqrt()))
    }

    /// Sums of squares of a piece's gradient, penalties included: as it is, and after every element was clipped by itself.
    fn squares(&self, step: u64, piece: &Piece) -> [f64; 2] {
        let (mut sums, mut beside) = ([0.0; 2], [0.0; BESIDE]);
        let learning = within(&self.parts, piece.start, piece.params.len()).filter(|(part, _)| part.learns(step));
        for (part, run) in learning.flat_map(cut) {
            let grads = &mut beside[..run.len()];
            penalties::write(&piece.params[run.clone()], &piece.grads[run], self.slopes(part), grads);
            let whole = self.measure(grads);
            sums = [sums[0] + whole, sums[1] + if self.clip.value.is_some() { sum_of_squares(grads) } else { whole }];
        }
        sums
    }

    fn slopes(&self, part: &Part) -> [f32; 2] {
        self.penalties.slopes(self.batch_size, part, self.optimizer.decoupled_decay())
    }

    /// Clips each of `grads` by itself; answers the sum of their squares before.
    fn measure(&self, grads: &mut [f32]) -> f64 {
        let squares = sum_of_squares(grads);
        self.clip.values(grads);
        squares
    }

    /// Makes one step with `grads`, multiplied by what [`Descent::prepare`] answered for them.
    pub fn update(&self, state: &mut State, learning_rate: f64, scale: f32, params: &mut [f32], grads: &mut [f32]) -> Updated {
        state.step += 1;
        let at = Moment { step: state.step, learning_rate };
        let mut rows = state.slots.iter_mut().map(Vec::as_mut_slice);
        let slots: [&mut [f32]; SLOTS] = std::array::from_fn(|_| rows.next().unwrap_or_default());
        let pieces = Piece { start: 0, params: &mut *params, grads: &mut *grads, slots };
        let join = |left: (f64, bool), right: (f64, bool)| (left.0 + right.0, left.1 && right.1);
        let (squares, finite) = pieces.sweep(&|piece| self.update_piece(at, scale, piece), &join);
        let finite = finite && self.update_matrices(at, params, grads, &mut state.work);
        if finite {
            self.constrain(at.step, params);
        }
        Updated { norm: squares.sqrt(), finite }
    }

    /// Updates what is updated element by element, and gathers the directions of the rest. Answers the sum of squares of the
    /// gradient, and whether all parameters are finite.
    fn update_piece(&self, at: Moment, scale: f32, mut piece: Piece) -> (f64, bool) {
        let (mut squares, mut beside) = (0.0, [0.0; BESIDE]);
        for (part, run) in within(&self.parts, piece.start, piece.params.len()).flat_map(cut) {
            if !part.learns(at.step) {
                continue;
            }
            let params = &mut piece.params[run.clone()];
            let rule = self.optimizer.matrices().filter(|rule| rule.takes(part));
            let grads = match rule {
                Some(_) => {
                    let grads = &mut piece.grads[run.clone()];
                    penalties::add(params, grads, self.slopes(part));
                    grads
                }
                None => {
                    // The completed gradient is needed here only: it is not written back.
                    let grads = &mut beside[..run.len()];
                    penalties::write(params, &piece.grads[run.clone()], self.slopes(part), grads);
                    grads
                }
            };
            squares += self.measure(grads);
            if scale < 1.0 {
                grads.iter_mut().for_each(|g| *g *= scale);
            }
            let at = self.moment(at, part);
            if self.optimizer.decoupled_decay() && part.weight_decay != 0.0 {
                let shrink = (1.0 - at.learning_rate * part.weight_decay) as f32;
                params.iter_mut().for_each(|w| *w *= shrink);
            }
            let slots = piece.slots.each_mut().map(|slot| part_of(slot, run.clone()));
            match (rule, slots) {
                (Some(rule), [velocity, _]) => rule.gather(grads, velocity),
                (None, slots) => self.optimizer.update(at, params, grads, slots),
            }
        }
        (squares, all_finite(piece.params))
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

/// A part's run, in runs of [`BESIDE`] at most.
fn cut((part, run): (&Part, Range<usize>)) -> impl Iterator<Item = (&Part, Range<usize>)> {
    let end = run.end;
    run.step_by(BESIDE).map(move |start| (part, start..end.min(start + BESIDE)))
}

/// Part of a slot; nothing of a slot that is not kept.
fn part_of<'s>(slot: &'s mut &mut [f32], run: Range<usize>) -> &'s mut [f32] {
    slot.get_mut(run).unwrap_or_default()
}
