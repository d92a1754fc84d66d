//! Sums over the images of a batch that do not show which thread took which image when. Knows rows of numbers.

use std::sync::{Mutex, PoisonError};

/// A row of sums an image, in its own lock: images come from any thread, each from one.
pub(super) struct RowSums(Vec<Mutex<Box<[f64]>>>);

impl RowSums {
    pub fn new(images: usize, len: usize) -> Self {
        Self((0..images).map(|_| Mutex::new(vec![0.0; len].into_boxed_slice())).collect())
    }

    /// Has `work` add an image's share to its row of `len` zeros.
    pub fn put(&self, image: usize, len: usize, work: impl FnOnce(&mut [f64])) {
        let mut row = self.0[image].lock().unwrap_or_else(PoisonError::into_inner);
        row[..len].fill(0.0);
        work(&mut row[..len]);
    }

    /// Writes the sums over the first `images` images to `total`: in order within groups of `group` images, and these in order.
    pub fn total(&mut self, images: usize, group: usize, total: &mut [f64]) {
        total.fill(0.0);
        for start in (0..images).step_by(group) {
            let (first, others) = self.0[start..images.min(start + group)].split_at_mut(1);
            let first = first[0].get_mut().unwrap_or_else(PoisonError::into_inner);
            for row in others {
                add(first, row.get_mut().unwrap_or_else(PoisonError::into_inner), total.len());
            }
            add(total, first, total.len());
        }
    }
}

fn add(to: &mut [f64], from: &[f64], len: usize) {
    to[..len].iter_mut().zip(from).for_each(|(sum, value)| *sum += value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_added_in_order() {
        // In another order the small ones would be lost.
        let values = [1.0, 1e16, -1e16, 1.0, 1.0];
        let mut sums = RowSums::new(6, 3);
        let mut total = [9.0; 2];
        for (group, expected) in [(5, 2.0), (2, 1.0), (3, 2.0), (1, 2.0)] {
            for (image, value) in values.into_iter().enumerate().rev() {
                sums.put(image, 2, |row| row[1] += value);
            }
            sums.total(5, group, &mut total);
            assert_eq!(total, [0.0, expected], "groups of {group}");
        }
    }
}
