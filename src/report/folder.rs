//! Keeps a run folder's reports up to date while a run goes on. Knows what the files are called, not what is in them.

use super::record::{Document, EpochRecord};
use super::{
    BadRow, Machine, Report, accuracy_curves, bad_samples_tsv, cpu_time, loss_curves, metrics_csv, peak_memory, write_atomic,
};
use crate::error::{Error, Result};
use crate::event::self_check::SelfCheck;
use crate::event::{Event, Listener};
use crate::sample::NoteCounts;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Listens to a run and rewrites `report.json`, `metrics.csv`, `bad_samples.tsv`, `curves_loss.svg` and `curves_accuracy.svg` of
/// its folder, each whole, after every epoch, after the test and at the end.
pub struct RunFolder {
    path: PathBuf,
    machine: Machine,
    cpu_before: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    report: Report,
    failure: Option<Error>,
}

impl RunFolder {
    /// Reports into the folder at `path`, which exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), machine: Machine::here(), cpu_before: cpu_time(), state: Mutex::default() }
    }

    /// Starts from the past of a run that is taken up again: see [`Report::resume`].
    pub fn resume(&self, first_epoch: u32, epochs: Vec<EpochRecord>, bad: Vec<BadRow>, odd_files: NoteCounts) {
        self.state().report.resume(first_epoch, epochs, bad, odd_files);
    }

    /// Takes over what that run found before its first step.
    pub fn resume_self_check(&self, found: Option<SelfCheck>) {
        self.state().report.resume_self_check(found);
    }

    /// Takes note of why the run did not come to its end: see [`Report::fail`].
    pub fn fail(&self, words: String) {
        self.state().report.fail(words);
    }

    /// The samples set aside so far, each once, in the order of their paths.
    pub fn bad(&self) -> Vec<BadRow> {
        self.state().report.bad().iter().cloned().collect()
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The document as it stands.
    pub fn document(&self) -> Document {
        let mut document = self.state().report.document().clone();
        document.timing.machine = self.machine.clone();
        document.timing.peak_memory_bytes = peak_memory();
        let taken = cpu_time().zip(self.cpu_before).map(|(now, before)| now.saturating_sub(before));
        document.timing.core_seconds = taken.map(|time| time.as_secs_f64());
        document
    }

    /// Whether all files could be written so far.
    ///
    /// # Errors
    /// The first failure since the last call: hearing an event has no way to fail, so whoever drives the run asks here.
    pub fn check(&self) -> Result<()> {
        self.state().failure.take().map_or(Ok(()), Err)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves a report that is still good: each event is taken whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all files as of now.
    ///
    /// # Errors
    /// [`Error::Io`] with the file that could not be written.
    pub fn write(&self) -> Result<()> {
        let document = self.document();
        let bad = bad_samples_tsv(self.state().report.bad());
        let epochs = &document.outcome.epochs;
        self.put("bad_samples.tsv", &bad)?;
        self.put("metrics.csv", &metrics_csv(epochs))?;
        if !epochs.is_empty() {
            self.put("curves_loss.svg", &loss_curves(epochs))?;
            self.put("curves_accuracy.svg", &accuracy_curves(epochs))?;
        }
        // Last, so that a report never speaks of files that are not there yet.
        self.put("report.json", &document.to_json())
    }

    fn put(&self, name: &str, text: &str) -> Result<()> {
        write_atomic(self.path.join(name), text.as_bytes())
    }
}

impl Listener for RunFolder {
    fn hear(&self, event: &Event) {
        self.state().report.take(event);
        if matches!(
            event,
            Event::Epoch { .. } | Event::Trained { .. } | Event::Tested(_) | Event::Diagnosed(_) | Event::Finished { .. }
        ) {
            let failure = self.write().err();
            let mut state = self.state();
            state.failure = state.failure.take().or(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fold::tests::{bad, epoch, whole_run};

    #[test]
    fn all_files_are_whole_after_every_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let reports = RunFolder::new(folder.path());
        let mut epochs = 0;
        for event in whole_run() {
            reports.hear(&event);
            if matches!(event, Event::Epoch { .. }) {
                epochs += 1;
                let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
                let document: Document = serde_json::from_str(&text).unwrap();
                assert_eq!(document.outcome.epochs.len(), epochs);
                let table = std::fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
                assert_eq!(table.lines().count(), 1 + epochs);
            }
        }
        reports.check().unwrap();
        let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["bad_samples.tsv", "curves_accuracy.svg", "curves_loss.svg", "metrics.csv", "report.json"]);
        assert_eq!(crate::report::read_bad_samples(&folder.path().join("bad_samples.tsv")).unwrap().len(), 2);
    }

    #[test]
    fn a_folder_that_vanishes_is_told_once_asked() {
        let folder = tempfile::tempdir().unwrap();
        let reports = RunFolder::new(folder.path().join("gone"));
        reports.hear(&bad("a"));
        reports.check().unwrap();
        reports.hear(&epoch(0, 0.5, true));
        let failure = reports.check().unwrap_err();
        assert_eq!(failure.exit_code(), 4);
        assert!(failure.to_string().contains("gone"), "{failure}");
        reports.check().unwrap();
    }
}
