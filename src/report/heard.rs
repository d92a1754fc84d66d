//! A report that is kept in memory until a run is over. Writes nothing.

use super::{BadRow, Document, Machine, Report, cpu_time, peak_memory};
use crate::event::{Event, Listener};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Listens to a run that leaves no files of its own while it goes on.
pub struct Heard {
    machine: Machine,
    cpu_before: Option<Duration>,
    report: Mutex<Report>,
}

impl Default for Heard {
    fn default() -> Self {
        Self { machine: Machine::here(), cpu_before: cpu_time(), report: Mutex::default() }
    }
}

impl Heard {
    /// The document as it stands.
    pub fn document(&self) -> Document {
        let mut document = self.report().document().clone();
        document.timing.machine = self.machine.clone();
        document.timing.peak_memory_bytes = peak_memory();
        let taken = cpu_time().zip(self.cpu_before).map(|(now, before)| now.saturating_sub(before));
        document.timing.core_seconds = taken.map(|time| time.as_secs_f64());
        document
    }

    /// The samples set aside so far, each once, in the order of their paths.
    pub fn bad(&self) -> Vec<BadRow> {
        self.report().bad().iter().cloned().collect()
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Heard {
    fn hear(&self, event: &Event) {
        self.report().take(event);
    }
}
