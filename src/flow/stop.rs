//! Flags that tell threads to come to an end: the caller's [`Stop`], and a run's own [`Control`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A handle to cancel runs with, from any thread or a signal handler. Sources stop dealing; what is in flight is delivered.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A handle that nobody has pulled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every run that listens to stop; it cannot be taken back.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Shares a flag that something else sets, such as a signal handler.
impl From<Arc<AtomicBool>> for Stop {
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}

/// What the threads of one run tell each other outside the channels.
#[derive(Debug)]
pub(super) struct Control {
    stop: Stop,
    /// The sink is done: nothing in flight is wanted.
    over: AtomicBool,
}

impl Control {
    pub(super) fn new(stop: Stop) -> Self {
        Self { stop, over: AtomicBool::new(false) }
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.stop.is_requested()
    }
}
