//! Ctrl-C, SIGTERM and a closed terminal: the first asks the run to finish its step, the second ends the process at once.

use crate::error::{Error, Result};
use crate::flow::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals as Iterator;
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
        // A terminal that has gone asks as SIGTERM does, unless whoever started us said to ignore it (`nohup`).
        let hang_up = (!ignored(SIGHUP)).then_some((SIGHUP, SIGTERM));
        for (signal, means) in [(SIGINT, SIGINT), (SIGTERM, SIGTERM)].into_iter().chain(hang_up) {
            // The order matters: only a flag that an earlier signal has set makes the second one end the process.
            let ends = flag::register_conditional_shutdown(signal, 128 + means, signals.asked.clone());
            let notes = ends.and_then(|_| flag::register_usize(signal, signals.which.clone(), means as usize));
            notes.and_then(|_| flag::register(signal, signals.asked.clone())).map_err(Error::io("cannot listen to", "signals"))?;
        }
        Ok(signals)
    }

    /// Listens likewise, for a run that has the screen: before the second signal ends the process, `leave` gives the terminal back.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn install_leaving(leave: fn()) -> Result<Self> {
        let signals = Self { asked: Arc::default(), which: Arc::default() };
        let hang_up = (!ignored(SIGHUP)).then_some(SIGHUP);
        let refuse = || Error::io("cannot listen to", "signals");
        let mut heard = Iterator::new([SIGINT, SIGTERM].into_iter().chain(hang_up)).map_err(refuse())?;
        let (asked, which) = (signals.asked.clone(), signals.which.clone());
        let work = move || {
            for signal in heard.forever() {
                let means = if signal == SIGHUP { SIGTERM } else { signal };
                which.store(means as usize, Ordering::Release);
                if asked.swap(true, Ordering::AcqRel) {
                    leave();
                    signal_hook::low_level::exit(128 + means);
                }
            }
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(work).map_err(refuse())?;
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

/// Whether this process was started with `signal` ignored, where the system tells.
fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
