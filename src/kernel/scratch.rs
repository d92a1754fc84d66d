//! Buffers that a thread keeps between calls, so that steps do not allocate once they have run. Knows nothing of their use.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Floats in a cache line.
const LINE: usize = 16;
/// Loans inside each other whose lengths are remembered.
const DEPTHS: usize = 8;

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// The longest buffer that was lent at each depth, on any thread.
static LONGEST: [AtomicUsize; DEPTHS] = [const { AtomicUsize::new(0) }; DEPTHS];

/// Lends `work` a buffer of `len` floats that starts at a cache line. What is in it is left over from earlier use: any numbers.
/// Calls may nest.
pub fn with<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    let depth = DEPTH.replace(DEPTH.get() + 1);
    if let Some(longest) = LONGEST.get(depth).filter(|longest| longest.load(Ordering::Relaxed) < len + LINE) {
        longest.fetch_max(len + LINE, Ordering::Relaxed);
    }
    let mut buffer = FREE.with(|free| free.borrow_mut().pop()).unwrap_or_default();
    if buffer.len() < len + LINE {
        buffer = vec![0.0; len + LINE];
    }
    let skip = buffer.as_ptr().align_offset(4 * LINE).min(LINE);
    let result = work(&mut buffer[skip..skip + len]);
    FREE.with(|free| free.borrow_mut().push(buffer));
    DEPTH.set(depth);
    result
}

/// Gives the calling thread buffers as long as any thread has needed so far: which thread comes to which work is chance, and one
/// that comes to it late need not allocate then. So is how deep loans lie in each other, because a thread that waits inside a loan
/// takes up other work: every depth gets the longest of all, and there is one more of them than was seen.
pub fn prepare() {
    let lengths = LONGEST.each_ref().map(|longest| longest.load(Ordering::Relaxed));
    let longest = lengths.into_iter().max().unwrap_or(0);
    let depths = DEPTHS.min(1 + lengths.into_iter().filter(|&len| len > 0).count());
    FREE.with(|free| {
        let mut free = free.borrow_mut();
        let count = depths.max(free.len());
        free.resize_with(count, Vec::new);
        free.iter_mut().filter(|buffer| buffer.len() < longest).for_each(|buffer| *buffer = vec![0.0; longest]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_loans_do_not_overlap_and_are_aligned() {
        with(100, |outer| {
            outer.fill(1.0);
            with(1000, |inner| inner.fill(2.0));
            assert!(outer.iter().all(|&value| value == 1.0));
            assert_eq!(outer.as_ptr().align_offset(64), 0);
        });
    }

    #[test]
    fn a_prepared_thread_has_buffers_for_all_that_others_did() {
        with(70_000, |_| with(50_000, |_| ()));
        let lengths = std::thread::spawn(|| {
            prepare();
            prepare();
            FREE.with(|free| free.borrow().iter().rev().map(Vec::len).collect::<Vec<_>>())
        });
        let lengths = lengths.join().unwrap();
        assert!(lengths.len() >= 3 && lengths.len() <= DEPTHS && lengths.iter().all(|&len| len >= 70_000), "{lengths:?}");
    }
}
