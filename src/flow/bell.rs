//! Waits at one end of a channel so that the other end seldom has to wake anybody.
//!
//! Waking a sleeping thread costs the waker some 10 µs, which comes off its own work. So a waiter, after it has looked out for some microseconds in vain, first *naps*: it looks again by
//! itself after a millisecond and is woken before that only if it matters, when the channel is half way to holding up the other
//! end. Only after some naps in vain does it *sleep* until it is woken; by then whatever it waits for is so rare that the waking
//! costs next to nothing. At a millisecond a chunk nobody is woken at all, and nobody is held up by the naps: a napping consumer
//! has a queue that is not half full, a napping producer one that is not half empty.

use crossbeam_utils::Backoff;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst, fence};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

const NAP: Duration = Duration::from_millis(1);
const NAPS: usize = 4;

/// Where the waiters of one end of a channel wait.
#[derive(Default)]
pub(super) struct Bell {
    napping: AtomicUsize,
    asleep: AtomicUsize,
    entry: Mutex<()>,
    rung: Condvar,
}

impl Bell {
    /// Tries until there is an answer.
    pub(super) fn wait<R>(&self, mut attempt: impl FnMut() -> Option<R>) -> R {
        let backoff = Backoff::new();
        while !backoff.is_completed() {
            if let Some(answer) = attempt() {
                return answer;
            }
            backoff.snooze();
        }
        for _ in 0..NAPS {
            if let Some(answer) = self.rest(&self.napping, Some(NAP), &mut attempt) {
                return answer;
            }
        }
        loop {
            if let Some(answer) = self.rest(&self.asleep, None, &mut attempt) {
                return answer;
            }
        }
    }

    /// Registers, tries once more, and waits. The other end changes the channel first and looks for waiters then, so one of the
    /// two sees the other; and it passes through `entry` before it rings, so a waiter that it saw does hear it.
    fn rest<R>(&self, how: &AtomicUsize, at_most: Option<Duration>, attempt: &mut impl FnMut() -> Option<R>) -> Option<R> {
        let entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        how.fetch_add(1, SeqCst);
        fence(SeqCst);
        let mut answer = attempt();
        if answer.is_none() {
            match at_most {
                Some(time) => drop(self.rung.wait_timeout(entry, time)),
                None => drop(self.rung.wait(entry)),
            }
            answer = attempt();
        }
        how.fetch_sub(1, SeqCst);
        answer
    }

    /// To be called after the channel has changed: wakes a sleeper, and if it is `urgent` a napper, too.
    pub(super) fn ring(&self, urgent: impl FnOnce() -> bool) {
        fence(SeqCst);
        if self.asleep.load(SeqCst) > 0 || self.napping.load(SeqCst) > 0 && urgent() {
            drop(self.entry.lock());
            self.rung.notify_one();
        }
    }

    /// Wakes everybody: the other end is gone.
    pub(super) fn ring_out(&self) {
        drop(self.entry.lock());
        self.rung.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::super::mock::{until, watched};
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// A waiter for `open`, the bell that it waits at, and what the other end does meanwhile.
    fn wait_and(meanwhile: impl FnOnce(&Bell, &AtomicBool)) {
        watched(|_| {
            let (bell, open) = (Bell::default(), AtomicBool::new(false));
            std::thread::scope(|scope| {
                let waiter = scope.spawn(|| bell.wait(|| open.load(SeqCst).then_some(7)));
                meanwhile(&bell, &open);
                assert_eq!(waiter.join().expect("no panic"), 7);
            });
            assert_eq!((bell.napping.load(SeqCst), bell.asleep.load(SeqCst)), (0, 0));
        });
    }

    #[test]
    fn a_napper_looks_again_by_itself() {
        wait_and(|_, open| open.store(true, SeqCst));
    }

    #[test]
    fn a_sleeper_hears_a_ring_that_is_not_urgent() {
        wait_and(|bell, open| {
            until(|| bell.asleep.load(SeqCst) > 0);
            open.store(true, SeqCst);
            bell.ring(|| false);
        });
    }

    #[test]
    fn a_sleeper_hears_that_the_other_end_is_gone() {
        wait_and(|bell, open| {
            until(|| bell.asleep.load(SeqCst) > 0);
            open.store(true, SeqCst);
            bell.ring_out();
        });
    }

    #[test]
    fn no_ring_is_lost_however_it_falls() {
        for _ in 0..300 {
            wait_and(|bell, open| {
                bell.asleep.fetch_add(1, SeqCst);
                open.store(true, SeqCst);
                bell.ring(|| true);
                bell.asleep.fetch_sub(1, SeqCst);
            });
        }
    }
}
