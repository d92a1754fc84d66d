//! The files in which other programs follow a run: event lines, metrics, TensorBoard's. Knows who hears, not what is written.

use super::Request;
use super::resume::Past;
use crate::error::{Error, Result};
use crate::event::{Event, Listener};
use crate::plan::Plan;
use crate::report::{BadRow, EventFile, JsonLines, MetricsFile};
use std::path::Path;

/// Those that were asked for.
pub struct Outputs {
    events: Option<JsonLines>,
    metrics: Option<MetricsFile>,
    tensorboard: Option<EventFile>,
}

impl Outputs {
    /// The outputs of a run whose results go to `folder`. Lines of events are added to those that are there where the run is taken
    /// up again, which [`Outputs::resume`] puts in order; else they begin anew.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be made.
    pub fn open(plan: &Plan, request: &Request, folder: Option<&Path>) -> Result<Self> {
        let events = request.events.as_deref().map(|path| JsonLines::file(path, request.resume)).transpose()?;
        let metrics = request.metrics_file.as_ref().or(plan.outputs.openmetrics.as_ref());
        if let Some(parent) = metrics.and_then(|path| path.parent()).filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(Error::io("cannot make", parent))?;
        }
        let tensorboard = folder.filter(|_| plan.outputs.tensorboard).map(EventFile::new);
        Ok(Self { events, metrics: metrics.map(MetricsFile::new), tensorboard })
    }

    /// Goes on behind what a run had told before it was interrupted.
    ///
    /// # Errors
    /// Where a file cannot be gone on with.
    pub fn resume(&self, past: &Past) -> Result<()> {
        self.events.as_ref().map_or(Ok(()), |events| events.resume(&past.history))?;
        if let Some(metrics) = &self.metrics {
            let bad = past.bad.iter().map(|bad| BadRow::new(bad)).collect();
            metrics.resume(past.epochs_done, past.history.clone(), bad, past.odd_files);
        }
        self.tensorboard.as_ref().map_or(Ok(()), |file| file.resume(&past.history))
    }

    /// Ends all of them, however the run ended.
    ///
    /// # Errors
    /// The first failure of one.
    pub fn finish(&self) -> Result<()> {
        let ends = [
            self.events.as_ref().map(JsonLines::check),
            self.metrics.as_ref().map(MetricsFile::finish),
            self.tensorboard.as_ref().map(EventFile::check),
        ];
        ends.into_iter().flatten().collect()
    }
}

impl Listener for Outputs {
    fn hear(&self, event: &Event) {
        let all: [Option<&dyn Listener>; 3] = [
            self.events.as_ref().map(|events| events as &dyn Listener),
            self.metrics.as_ref().map(|metrics| metrics as &dyn Listener),
            self.tensorboard.as_ref().map(|file| file as &dyn Listener),
        ];
        all.into_iter().flatten().for_each(|listener| listener.hear(event));
    }
}
