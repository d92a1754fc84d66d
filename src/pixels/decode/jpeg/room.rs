//! Buffers that a thread keeps from picture to picture. A small picture is decoded in hardly more time than it takes to get all its
//! buffers from the system's allocator and to give them back. Knows no picture.

use super::sequence::Lanes;
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::thread::LocalKey;

/// Most bytes of a buffer that is kept, and most buffers of a kind.
const MOST_BYTES: usize = 1 << 16;
const MOST: usize = 8;

type Shelf<T> = RefCell<Vec<Vec<T>>>;

/// What buffers hold.
pub(super) trait Kept: Copy + 'static {
    const ZERO: Self;
    /// Where the thread keeps them.
    const SHELF: &'static LocalKey<Shelf<Self>>;
}

macro_rules! kept {
    ($($kind:ty, $zero:expr, $shelf:ident;)+) => {$(
        thread_local! { static $shelf: Shelf<$kind> = const { RefCell::new(Vec::new()) }; }
        impl Kept for $kind {
            const ZERO: Self = $zero;
            const SHELF: &'static LocalKey<Shelf<Self>> = &$shelf;
        }
    )+};
}

kept! {
    u8, 0, BYTES;
    u16, 0, SUMS;
    u32, 0, PLACES;
    u64, 0, TARGETS;
    Lanes, [[0; _]; _], LANES;
}

/// A buffer that goes back to its thread's shelf when it is dropped.
pub(super) struct Room<T: Kept>(Vec<T>);

impl<T: Kept> Room<T> {
    /// An empty one.
    pub fn empty() -> Self {
        let mut room = Self::left();
        room.0.clear();
        room
    }

    /// One of `len` numbers, whatever they are.
    pub fn of(len: usize) -> Self {
        let mut room = Self::left();
        room.0.resize(len, T::ZERO);
        room
    }

    /// One of `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut room = Self::empty();
        room.0.resize(len, T::ZERO);
        room
    }

    fn left() -> Self {
        Self(T::SHELF.with(|shelf| shelf.borrow_mut().pop()).unwrap_or_default())
    }
}

impl<T: Kept> Drop for Room<T> {
    fn drop(&mut self) {
        if self.0.capacity() * size_of::<T>() > MOST_BYTES {
            return;
        }
        // A thread that ends has no shelf any more.
        let _ = T::SHELF.try_with(|shelf| {
            let mut shelf = shelf.borrow_mut();
            if shelf.len() < MOST {
                shelf.push(std::mem::take(&mut self.0));
            }
        });
    }
}

impl<T: Kept> Deref for Room<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T: Kept> DerefMut for Room<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_with_what_was_in_them_or_as_zeros() {
        let mut first = Room::<u16>::zeros(5);
        first[4] = 7;
        let place = first.as_ptr();
        drop(first);
        let again = Room::<u16>::of(5);
        assert!(again.as_ptr() == place && again[4] == 7);
        drop(again);
        assert_eq!(**Room::<u16>::zeros(5), [0; 5]);
        assert!(Room::<u16>::empty().is_empty());
    }

    #[test]
    fn giants_and_too_many_are_not_kept() {
        drop(Room::<u8>::of(MOST_BYTES + 1));
        drop((0..2 * MOST).map(|_| Room::<u8>::of(10)).collect::<Vec<_>>());
        BYTES.with(|shelf| {
            assert!(shelf.borrow().len() == MOST && shelf.borrow().iter().all(|buffer| buffer.capacity() <= MOST_BYTES));
        });
    }
}
