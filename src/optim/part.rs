//! What an update is told of each tensor of parameters: where it lies, and what is done to it. Knows no layer.

use std::ops::Range;

/// A tensor of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its place in the row of all parameters.
    pub range: Range<usize>,
    /// Units (or filters) that it feeds: it is a matrix of so many rows. 1 for what is no matrix.
    pub units: usize,
    /// What it is.
    pub kind: PartKind,
    /// Factor of the learning rate; with 0 it stays as it is.
    pub rate: f64,
    /// Steps that it learns for; after them it stays as it is.
    pub until: u64,
    /// Weight decay, in PyTorch's convention: without the batch size.
    pub weight_decay: f64,
    /// The largest Euclidean norm that the weights of one unit may have.
    pub max_norm: Option<f64>,
}

/// What a tensor is to penalties and update rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Biases, and whatever else is no weight: L1 and L2 leave it alone.
    Other,
    /// A matrix of weights, `[out, in]`.
    Matrix,
    /// Filters of a convolution, `[out, in, height, width]`, seen as a matrix of `out` rows.
    Filters,
}

impl Part {
    /// A tensor that learns at the common rate without weight decay and without a constraint.
    pub fn new(range: Range<usize>, units: usize, kind: PartKind) -> Self {
        Self { range, units: units.max(1), kind, rate: 1.0, until: u64::MAX, weight_decay: 0.0, max_norm: None }
    }

    /// Whether step `step` (from 1) changes it.
    pub fn learns(&self, step: u64) -> bool {
        self.rate != 0.0 && step <= self.until
    }

    /// Whether L1 and L2 concern it.
    pub fn is_penalised(&self) -> bool {
        self.kind != PartKind::Other
    }
}

/// What lies of `parts` (ascending, apart) within the `length` numbers from `start` on, with its range counted from there.
pub(super) fn within(parts: &[Part], start: usize, length: usize) -> impl Iterator<Item = (&Part, Range<usize>)> + '_ {
    let first = parts.partition_point(|part| part.range.end <= start);
    let inside = parts[first..].iter().take_while(move |part| part.range.start < start + length);
    inside.map(move |part| (part, part.range.start.max(start) - start..part.range.end.min(start + length) - start))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init)] // parts of a row of parameters

    use super::*;

    #[test]
    fn parts_are_cut_to_the_piece() {
        let parts = [2..5, 8..20, 30..31].map(|range| Part::new(range, 1, PartKind::Other));
        let found = |start, length| within(&parts, start, length).map(|(_, range)| range).collect::<Vec<_>>();
        assert_eq!(found(4, 10), [0..1, 4..10]);
        assert!(found(20, 10).is_empty());
        assert_eq!(found(20, 11), [10..11]);
    }
}
