//! Stand-ins for stages in tests: late, failing, panicking and slow ones; and a watchdog that turns a hang into a report.

use super::{Assembled, Failure, Fault, Meters, Outcome};
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Random delays that depend on a seed and the item's number only: up to `most` offers of the core to other threads.
#[derive(Clone, Copy, Debug)]
pub struct Jitter {
    /// Which delays.
    pub seed: u64,
    /// The longest one; 0 for none.
    pub most: u64,
}

impl Jitter {
    /// Lets item `number`'s delay pass.
    pub fn wait(self, number: u64) {
        let mut mixed = (self.seed ^ number.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (0..(mixed >> 32) % (self.most + 1)).for_each(|_| std::thread::yield_now());
    }
}

/// How a stage may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It returns an error.
    Error,
    /// It panics, without a word on stderr.
    Panic,
}

impl Trouble {
    /// Fails.
    ///
    /// # Errors
    /// Always, with the text "trouble".
    pub fn strike(self) -> Result<(), Failure> {
        match self {
            Trouble::Error => Err("trouble".into()),
            Trouble::Panic => std::panic::resume_unwind(Box::new("trouble")),
        }
    }

    /// Whether `fault` is this one, met by `stage` at `item`.
    pub fn is(self, fault: &Fault, stage: &str, item: u64) -> bool {
        let error = self == Trouble::Error;
        let why = if error { "trouble" } else { "panicked: trouble" };
        fault.stage == stage && fault.item == item && fault.why == why && fault.payload.is_some() == error
    }
}

/// A map that passes items on until it strikes at item `at`.
pub fn faulty<T>(at: u64, trouble: Trouble) -> impl Fn(u64, T) -> Result<T, Failure> + Send + Sync {
    move |number, item| {
        if number == at {
            trouble.strike()?;
        }
        Ok(item)
    }
}

/// A gate that lets through as many as were admitted: what makes a consumer exactly as slow as a test wants.
#[derive(Debug, Default)]
pub struct Gate {
    admitted: Mutex<u64>,
    opened: Condvar,
}

impl Gate {
    /// Lets `count` more through.
    pub fn admit(&self, count: u64) {
        *self.admitted.lock().unwrap_or_else(PoisonError::into_inner) += count;
        self.opened.notify_all();
    }

    /// Waits to be let through.
    pub fn pass(&self) {
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        *self.opened.wait_while(admitted, |admitted| *admitted == 0).unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}

/// Waits until `done`, giving way to other threads.
pub fn until(done: impl Fn() -> bool) {
    while !done() {
        std::thread::yield_now();
    }
}

/// Knows which flow is being run.
#[derive(Debug, Default)]
pub struct Watch(Arc<Mutex<Meters>>);

impl Watch {
    /// Runs a flow that a report would tell about.
    ///
    /// # Errors
    /// As [`Assembled::run`].
    pub fn run(&self, flow: Assembled<'_>) -> Result<Outcome, Fault> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = flow.meters();
        flow.run()
    }
}

/// Runs a test's body. If it has not ended in 60 s, says which stage waits on which channel and aborts the process.
pub fn watched<R>(body: impl FnOnce(&Watch) -> R) -> R {
    let watch = Watch::default();
    let seen = watch.0.clone();
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    let (alive, ended) = crossbeam_channel::bounded::<()>(0);
    let dog = std::thread::spawn(move || {
        if ended.recv_timeout(Duration::from_secs(60)) == Err(crossbeam_channel::RecvTimeoutError::Timeout) {
            let waits = seen.lock().unwrap_or_else(PoisonError::into_inner).waits();
            let _ = write!(std::io::stderr(), "{test} hangs:\n{waits}");
            std::process::abort();
        }
    });
    let result = body(&watch);
    drop(alive);
    dog.join().expect("the watchdog only waits");
    result
}
