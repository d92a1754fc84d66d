//! The samples that a model finds hardest, in bounded memory. Knows no picture.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// How many are kept.
pub const KEPT: usize = 16;

/// A sample and what was made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hard {
    /// Its identity.
    pub path: String,
    /// Its class number.
    pub label: u32,
    /// The class that it was taken for.
    pub predicted: u32,
    /// With which probability.
    pub confidence: f64,
    /// Cross-entropy in nats.
    pub loss: f64,
}

/// Keeps the [`KEPT`] greatest losses of a pass; of equal ones, the first.
#[derive(Debug, Default)]
pub struct TopLosses {
    kept: BinaryHeap<Placed>,
    taken: u64,
}

#[derive(Debug)]
struct Placed(u64, Hard);

impl TopLosses {
    /// Takes a sample; `hard` is called only where its loss is among the greatest so far.
    pub fn take(&mut self, loss: f64, hard: impl FnOnce() -> Hard) {
        self.taken += 1;
        // The heap's top is the one to go first.
        if self.kept.len() == KEPT {
            let least = self.kept.peek().is_some_and(|least| least.1.loss.total_cmp(&loss) == Ordering::Less);
            if !least {
                return;
            }
            self.kept.pop();
        }
        self.kept.push(Placed(self.taken, hard()));
    }

    /// What was kept, greatest loss first.
    pub fn into_sorted(self) -> Vec<Hard> {
        self.kept.into_sorted_vec().into_iter().map(|Placed(_, hard)| hard).collect()
    }
}

/// The least comes last: one that is to go before another is greater.
impl Ord for Placed {
    fn cmp(&self, other: &Self) -> Ordering {
        other.1.loss.total_cmp(&self.1.loss).then(self.0.cmp(&other.0))
    }
}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Placed {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_greatest_are_kept_in_order_and_of_equal_ones_the_first(
            losses in proptest::collection::vec(prop_oneof![0.0..9.0f64, Just(1.0), Just(f64::NAN), Just(f64::INFINITY)], 0..60),
        ) {
            let mut top = TopLosses::default();
            for (place, &loss) in losses.iter().enumerate() {
                top.take(loss, || Hard { path: place.to_string(), label: 0, predicted: 1, confidence: 0.5, loss });
            }
            let mut expected: Vec<(usize, f64)> = losses.into_iter().enumerate().collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let expected: Vec<String> = expected.into_iter().take(KEPT).map(|(place, _)| place.to_string()).collect();
            prop_assert_eq!(top.into_sorted().into_iter().map(|hard| hard.path).collect::<Vec<_>>(), expected);
        }
    }
}
