//! Cuts rows of parameters into pieces of a fixed size, works on them in parallel, and joins what they answer in a fixed binary
//! tree: the cut follows from the length alone, so results have the same bits on any number of threads.

use super::SLOTS;
use crate::kernel::reduce::all_finite;

/// Parameters in one piece: with gradient and slots 256 KiB, which stay in a core's second-level cache between two passes.
pub const PIECE: usize = 1 << 14;

/// A run of parameters with all that belongs to them.
#[derive(Debug, Default)]
pub(super) struct Piece<'p> {
    /// Where it begins in the whole row.
    pub start: usize,
    /// The parameters.
    pub params: &'p mut [f32],
    /// Their gradients.
    pub grads: &'p mut [f32],
    /// What the update rule keeps for them; empty where it keeps less.
    pub slots: [&'p mut [f32]; SLOTS],
}

impl<'p> Piece<'p> {
    /// Runs `work` on every piece of `self` in the current rayon pool; `join` makes one answer of two neighbours'.
    pub fn sweep<T: Send>(self, work: &(impl Fn(Piece) -> T + Sync), join: &(impl Fn(T, T) -> T + Sync)) -> T {
        if self.params.len() <= PIECE {
            return work(self);
        }
        let (left, right) = self.halves();
        let (left, right) = rayon::join(|| left.sweep(work, join), || right.sweep(work, join));
        join(left, right)
    }

    fn halves(self) -> (Piece<'p>, Piece<'p>) {
        let middle = self.params.len().div_ceil(2).next_multiple_of(PIECE);
        let (params, more_params) = self.params.split_at_mut(middle);
        let (grads, more_grads) = self.grads.split_at_mut(middle.min(self.grads.len()));
        let [first, second] = self.slots.map(|slot| slot.split_at_mut(middle.min(slot.len())));
        let left = Piece { start: self.start, params, grads, slots: [first.0, second.0] };
        let right = Piece { start: self.start + middle, params: more_params, grads: more_grads, slots: [first.1, second.1] };
        (left, right)
    }
}

/// Whether every value of a long row is a number and finite, on the current rayon pool.
pub fn all_finite_of(values: &mut [f32]) -> bool {
    let whole = Piece { params: values, ..Piece::default() };
    whole.sweep(&|piece: Piece| all_finite(piece.params), &|left, right| left && right)
}

/// sums ← sums + scale · values, or scale · values where they are the `first`; on the current rayon pool.
pub fn add_scaled(sums: &mut [f32], values: &mut [f32], scale: f32, first: bool) {
    let whole = Piece { params: sums, grads: values, ..Piece::default() };
    let add = |piece: Piece| {
        let places = piece.params.iter_mut().zip(&*piece.grads);
        if first {
            places.for_each(|(sum, value)| *sum = scale * value)
        } else {
            places.for_each(|(sum, value)| *sum += scale * value)
        }
    };
    whole.sweep(&add, &|(), ()| ());
}

/// to ← scale · sums, on the current rayon pool.
pub fn scale_into(sums: &mut [f32], scale: f32, to: &mut [f32]) {
    let whole = Piece { params: to, grads: sums, ..Piece::default() };
    whole.sweep(&|piece: Piece| piece.params.iter_mut().zip(&*piece.grads).for_each(|(to, sum)| *to = scale * sum), &|(), ()| ());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::reduce::sum_of_squares;

    #[test]
    fn every_parameter_is_in_one_piece_and_pieces_follow_from_the_length() {
        for length in [0, 1, PIECE, PIECE + 1, 5 * PIECE + 3] {
            let (mut params, mut grads) = (vec![0.0; length], vec![0.0; length]);
            let whole = Piece { params: &mut params, grads: &mut grads, ..Piece::default() };
            let work = |piece: Piece| {
                piece.params.iter_mut().for_each(|w| *w += 1.0);
                vec![(piece.start, piece.params.len(), piece.grads.len())]
            };
            let pieces = whole.sweep(&work, &|mut left: Vec<_>, right| {
                left.extend(right);
                left
            });
            assert!(params.iter().all(|&w| w == 1.0));
            let mut next = 0;
            for (start, params, grads) in pieces {
                assert_eq!((start, params), (next, grads));
                assert!(start % PIECE == 0 && params <= PIECE);
                next += params;
            }
            assert_eq!(next, length);
        }
    }

    #[test]
    fn what_is_not_finite_is_found_anywhere() {
        let mut values = vec![f32::MIN; 100];
        assert!(all_finite(&values) && all_finite(&[]));
        for place in [0, 50, 99] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let kept = std::mem::replace(&mut values[place], bad);
                assert!(!all_finite(&values) && !sum_of_squares(&values).is_finite());
                values[place] = kept;
            }
        }
        assert!(sum_of_squares(&values).is_finite(), "the largest numbers do not overflow");
    }
}
