//! Puts the chunks that a stage's workers finish in any order back into ticket order, within bounded memory.
//!
//! A worker hands its finished chunk in. Chunks up to `slots` places ahead of the one that is due wait here; whoever brings one
//! further ahead waits with it in hand. Whoever brings the due one sends it, and every consecutive one that is ready, so there
//! is no thread in between. At most `slots` + workers chunks are here and in hands together, and exactly that many once the
//! output is blocked.

use super::meter::Clock;
use super::port::{Parcel, Tx};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Window<T> {
    tx: Tx<T>,
    slots: u64,
    state: Mutex<State<T>>,
    moved: Condvar,
}

struct State<T> {
    /// The ticket that is due, or being sent.
    due: u64,
    /// The earliest ticket known to end the stream.
    last: u64,
    /// Whether nothing is taken any more.
    closed: bool,
    /// How many workers wait for room: with none there is nobody to notify, which would cost a system call.
    waiting: usize,
    ready: BTreeMap<u64, Parcel<T>>,
}

impl<T> State<T> {
    fn wants(&self, ticket: u64) -> bool {
        !self.closed && ticket <= self.last
    }
}

impl<T> Window<T> {
    pub(super) fn new(tx: Tx<T>, slots: usize) -> Self {
        let state = State { due: 0, last: u64::MAX, closed: false, waiting: 0, ready: BTreeMap::new() };
        Self { tx, slots: slots as u64, state: Mutex::new(state), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `ticket` is still worth working on. Once it is not, no later one is.
    pub(super) fn wants(&self, ticket: u64) -> bool {
        self.lock().wants(ticket)
    }

    /// Takes a finished parcel, waiting for room first. False if no further one is wanted from this worker.
    pub(super) fn hand_in(&self, clock: &Clock, parcel: Parcel<T>) -> bool {
        let ticket = parcel.ticket;
        let mut state = self.lock();
        if parcel.end.is_some() {
            state.last = state.last.min(ticket);
            self.tell(&state);
        }
        let full = |state: &State<T>| state.wants(ticket) && ticket > state.due + self.slots;
        if full(&state) {
            state.waiting += 1;
            let wait = || self.moved.wait_while(state, |state| full(state)).unwrap_or_else(PoisonError::into_inner);
            state = clock.block(wait);
            state.waiting -= 1;
        }
        if !state.wants(ticket) {
            return false;
        }
        state.ready.insert(ticket, parcel);
        if state.due == ticket { self.send(clock, state) } else { true }
    }

    /// Sends whatever is due, in order, until the due one is not ready. The lock is free while a send waits for room; nobody
    /// else sends then, because nobody else has the ticket that is due.
    fn send<'w>(&'w self, clock: &Clock, mut state: MutexGuard<'w, State<T>>) -> bool {
        loop {
            let due = state.due;
            let Some(parcel) = state.ready.remove(&due) else { return true };
            drop(state);
            let ends = parcel.end.is_some();
            if !self.tx.send(clock, parcel) || ends {
                self.close();
                return false;
            }
            state = self.lock();
            state.due += 1;
            self.tell(&state);
        }
    }

    fn tell(&self, state: &State<T>) {
        if state.waiting > 0 {
            self.moved.notify_all();
        }
    }

    /// Takes nothing any more and lets everybody go.
    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.tell(&state);
        let unwanted = std::mem::take(&mut state.ready);
        drop(state);
        drop(unwanted);
    }

    /// Closes the window if the worker that holds this unwinds: its ticket would never be answered.
    pub(super) fn guard(&self) -> Guard<'_, T> {
        Guard(self)
    }
}

pub(super) struct Guard<'w, T>(&'w Window<T>);

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::meter::Gauge;
    use super::super::port::{Close, channel};
    use super::super::stage::Chunk;
    use super::super::stop::{Control, Stop};
    use super::*;
    use proptest::prelude::*;

    fn parcel(ticket: u64) -> Parcel<u64> {
        Parcel { ticket, chunk: Chunk { first: ticket, items: vec![ticket] }, end: None }
    }

    proptest! {
        #[test]
        fn any_order_in_is_ticket_order_out(order in Just((0..20).collect::<Vec<u64>>()).prop_shuffle()) {
            let gauge = Gauge::new("s", 32, 1, 20);
            let clock = Clock::start(&gauge);
            let (tx, rx) = channel(32, &gauge);
            let window = Window::new(tx, 20);
            for &ticket in &order {
                prop_assert!(window.hand_in(&clock, parcel(ticket)));
            }
            drop(window);
            let control = Control::new(Stop::new());
            let out: Vec<u64> = std::iter::from_fn(|| rx.receive(&clock, &control)).map(|parcel| parcel.ticket).collect();
            prop_assert_eq!(out, (0..20).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_after_the_earliest_end_is_wanted_and_everything_before_still_is() {
        let gauge = Gauge::new("s", 8, 1, 8);
        let clock = Clock::start(&gauge);
        let (tx, rx) = channel(8, &gauge);
        let window = Window::new(tx, 8);
        assert!(window.hand_in(&clock, Parcel { end: Some(Close::Drained), ..parcel(3) }));
        assert!(window.hand_in(&clock, Parcel { end: Some(Close::Cancelled), ..parcel(1) }));
        assert!(!window.hand_in(&clock, Parcel { end: Some(Close::Drained), ..parcel(2) }));
        assert!(!window.wants(2) && !window.hand_in(&clock, parcel(2)) && window.wants(0));
        assert!(!window.hand_in(&clock, parcel(0)), "the end has been sent: nothing further");
        drop(window);
        let control = Control::new(Stop::new());
        let out: Vec<_> = std::iter::from_fn(|| rx.receive(&clock, &control)).map(|parcel| (parcel.ticket, parcel.end)).collect();
        assert!(matches!(out[..], [(0, None), (1, Some(Close::Cancelled))]), "{out:?}");
    }

    #[test]
    fn a_window_closes_when_a_worker_unwinds() {
        let gauge = Gauge::new("s", 8, 1, 8);
        let (tx, _rx) = channel::<u64>(8, &gauge);
        let window = Window::new(tx, 8);
        let lost = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _guard = window.guard();
            std::panic::resume_unwind(Box::new("escaped"));
        }));
        assert!(lost.is_err() && !window.wants(0));
    }
}
