//! Buffers that a thread keeps between calls, so that steps do not allocate once they have run. Knows nothing of their use.

use std::cell::RefCell;

/// Floats in a cache line.
const LINE: usize = 16;

thread_local! {
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `work` a buffer of `len` floats that starts at a cache line. What is in it is left over from earlier use: any numbers.
/// Calls may nest.
pub fn with<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    let mut buffer = FREE.with(|free| free.borrow_mut().pop()).unwrap_or_default();
    if buffer.len() < len + LINE {
        buffer = vec![0.0; len + LINE];
    }
    let skip = buffer.as_ptr().align_offset(4 * LINE).min(LINE);
    let result = work(&mut buffer[skip..skip + len]);
    FREE.with(|free| free.borrow_mut().push(buffer));
    result
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
}
