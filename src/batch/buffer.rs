//! The numbers of batches, in memory that is used again: a batch's are many, and the system takes longer to hand out that much memory,
//! zeroed, than it takes to fill it. Knows no batch.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Most buffers that wait for their next use.
const WAITING: usize = 4;

/// Where buffers wait.
#[derive(Clone, Debug, Default)]
pub struct Pool(Arc<Mutex<Vec<Vec<f32>>>>);

impl Pool {
    /// A buffer of `len` numbers, whatever they are.
    pub fn take(&self, len: usize) -> Buffer {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        if values.capacity() < len {
            values = vec![0.0; len];
        }
        values.resize(len, 0.0);
        Buffer { values, pool: self.clone() }
    }
}

/// Numbers that go back to their [`Pool`] when they are dropped.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    values: Vec<f32>,
    pool: Pool,
}

impl Buffer {
    /// Keeps the first `len` numbers, or adds zeros up to as many.
    pub fn resize(&mut self, len: usize) {
        self.values.resize(len, 0.0);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut waiting = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING && self.values.capacity() > 0 {
            waiting.push(std::mem::take(&mut self.values));
        }
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(values: Vec<f32>) -> Self {
        Self { values, pool: Pool::default() }
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_handed_out_again_and_never_more_than_a_few_wait() {
        let pool = Pool::default();
        let mut first = pool.take(100);
        first[7] = 3.0;
        let place = first.as_ptr();
        drop(first);
        let again = pool.take(60);
        assert!(again.as_ptr() == place && again.len() == 60);
        assert_ne!(pool.take(60).as_ptr(), place);
        drop((0..9).map(|_| pool.take(10)).collect::<Vec<_>>());
        assert_eq!(pool.0.lock().unwrap().len(), WAITING);
    }

    #[test]
    fn buffers_are_equal_by_their_numbers_and_outlive_their_pool() {
        let pool = Pool::default();
        let mut one = pool.take(3);
        drop(pool);
        one.copy_from_slice(&[1.0, 2.0, 3.0]);
        one.resize(2);
        assert!(one == Buffer::from(vec![1.0, 2.0]) && one.clone() == one && one != Buffer::default());
    }
}
