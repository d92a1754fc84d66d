//! Ctrl-C and SIGTERM: the first asks the run to finish its step, the second ends the process at once.

use crate::error::{Error, Result};
use crate::flow::Stop;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What the system has asked for.
pub struct Signals {
    asked: Arc<AtomicBool>,
    which: Arc<AtomicUsize>,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// Where the system refuses, which it does for no signal of ours.
    pub fn install() -> Result<Self> {
        let signals = Self { asked: Arc::default(), which: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            // The order matters: only a flag that an earlier signal has set makes the second one end the process.
            let ends = flag::register_conditional_shutdown(signal, 128 + signal, signals.asked.clone());
            let notes = ends.and_then(|_| flag::register_usize(signal, signals.which.clone(), signal as usize));
            notes.and_then(|_| flag::register(signal, signals.asked.clone())).map_err(Error::io("cannot listen to", "signals"))?;
        }
        Ok(signals)
    }

    /// Listens to nothing; [`Signals::ask`] asks in the system's place.
    #[cfg(test)]
    pub fn silent() -> Self {
        Self { asked: Arc::default(), which: Arc::default() }
    }

    /// Asks the run to stop.
    #[cfg(test)]
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Release);
    }

    /// The flag as a flow's stop.
    pub fn stop(&self) -> Stop {
        Stop::from(self.asked.clone())
    }

    /// What an interrupted run ends with; `resume` says how to go on.
    pub fn interrupted(&self, resume: String) -> Error {
        let signal = match self.which.load(Ordering::Acquire) {
            0 => SIGINT,
            signal => signal as i32,
        };
        Error::Interrupted { signal, resume }
    }
}
