//! Giants one at a time: whoever decodes a giant picture waits for its turn first, and keeps it until the picture is small again.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Pictures above this many pixels are giants.
pub const GIANT_PIXELS: u64 = 1 << 21;

static GIANTS: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this thread has its turn: it must not wait for itself.
    static HAS_TURN: Cell<bool> = const { Cell::new(false) };
    /// The turn taken by the decode under way, until its result takes it along.
    static TAKEN: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// The right to hold a giant picture, given back on drop. Pictures of usual size carry an empty one.
#[derive(Debug, Default)]
pub struct Turn(Option<MutexGuard<'static, ()>>);

/// Two decodes are equal whether or not one had to wait.
impl PartialEq for Turn {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Turn {}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.0.is_some() {
            HAS_TURN.set(false);
        }
    }
}

/// Waits for this thread's turn where `pixels` make a giant, before memory is taken for it.
pub(super) fn wait(pixels: u64) {
    if pixels > GIANT_PIXELS && !HAS_TURN.get() {
        // Whoever panicked while holding it has given back all its memory.
        let guard = GIANTS.lock().unwrap_or_else(PoisonError::into_inner);
        HAS_TURN.set(true);
        TAKEN.set(Some(Turn(Some(guard))));
    }
}

/// The turn that the decode under way has waited for.
pub(super) fn taken() -> Turn {
    TAKEN.take().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn one_giant_at_a_time_and_never_a_wait_for_oneself() {
        wait(GIANT_PIXELS + 1);
        let turn = taken();
        wait(GIANT_PIXELS + 1);
        assert!(taken().0.is_none(), "this thread has its turn already");
        let (tell, told) = mpsc::channel();
        let other = std::thread::spawn(move || {
            wait(GIANT_PIXELS);
            tell.send("small").unwrap();
            wait(GIANT_PIXELS + 1);
            tell.send("giant").unwrap();
            drop(taken());
        });
        assert_eq!(told.recv().unwrap(), "small");
        assert!(told.try_recv().is_err(), "the other thread's giant waits for ours");
        drop(turn);
        assert_eq!(told.recv().unwrap(), "giant");
        other.join().unwrap();
    }
}
