//! A file of a run's numbers for Prometheus, as node exporter's textfile collector reads it: kept up to date while the run goes on.
//! Knows no network.

mod text;

use super::pace::Pace;
use super::record::{Document, EpochRecord, StageRecord};
use super::{BadRow, Report, peak_memory, write_atomic};
use crate::batch::Part;
use crate::error::{Error, Result};
use crate::event::{Event, Listener};
use crate::sample::NoteCounts;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use text::{Family, Label, exposition};

/// Progress alone rewrites the file no more often than this.
const EVERY: Duration = Duration::from_secs(2);

/// Listens to a run and rewrites the file, whole, after every epoch and whatever else happens, and every two seconds between.
pub struct MetricsFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: Standing,
    pace: Pace,
    written: Option<Instant>,
    failure: Option<Error>,
}

/// What is known of a run.
#[derive(Default)]
struct Standing {
    report: Report,
    /// Samples that went by in this process: training, validation, test.
    passed: [u64; 3],
    /// The pass that is walked, entries done, and in all.
    pass: Option<(Part, u64, u64)>,
    epochs: u32,
    warnings: u64,
    running: bool,
    images_per_second: Option<f64>,
}

impl MetricsFile {
    /// A file at `path`, whose folder exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), state: Mutex::default() }
    }

    /// Starts from the past of a run that is taken up again: see [`Report::resume`].
    pub fn resume(&self, first_epoch: u32, epochs: Vec<EpochRecord>, bad: Vec<BadRow>, odd_files: NoteCounts) {
        self.state().now.report.resume(first_epoch, epochs, bad, odd_files);
    }

    /// Writes that the run is over, whatever ended it, and answers whether the file could be written so far.
    ///
    /// # Errors
    /// The first failure.
    pub fn finish(&self) -> Result<()> {
        let mut state = self.state();
        state.now.running = false;
        self.write(&mut state);
        state.failure.take().map_or(Ok(()), Err)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, state: &mut State) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
        let written = write_atomic(&self.path, state.now.text(time, peak_memory()).as_bytes());
        state.failure = state.failure.take().or(written.err());
        state.written = Some(Instant::now());
    }
}

impl Listener for MetricsFile {
    fn hear(&self, event: &Event) {
        let state = &mut *self.state();
        if let Event::Progress { part, epoch, done, total, .. } = event {
            let fresh = state.pace.note(*part, *epoch, *done, Instant::now());
            state.now.progress(*part, fresh, *done, *total);
            if state.written.is_some_and(|at| at.elapsed() < EVERY) {
                return;
            }
            state.now.images_per_second = state.pace.per_second().or(state.now.images_per_second);
            state.pace.restart();
        }
        state.now.take(event);
        self.write(state);
    }
}

impl Standing {
    fn progress(&mut self, part: Part, fresh: u64, done: u64, total: u64) {
        self.passed[part as usize] += fresh;
        self.pass = Some((part, done, total));
    }

    fn take(&mut self, event: &Event) {
        self.report.take(event);
        match event {
            Event::Planned(_) => self.running = true,
            Event::Started { epochs, .. } => self.epochs = *epochs,
            Event::Warning(_) => self.warnings += 1,
            Event::Finished { .. } => self.running = false,
            _ => {}
        }
    }

    /// The file's text, written `time` seconds after the beginning of 1970.
    fn text(&self, time: f64, peak: Option<u64>) -> String {
        let document = self.report.document();
        let name = [("pipeline", document.outcome.name.as_str())];
        let mut families = self.of_the_run(document, &name);
        families.extend(of_the_process(document, &name, time, peak));
        families.extend(of_the_stages(&document.timing.stages, name[0]));
        exposition(families)
    }

    fn of_the_run(&self, document: &Document, name: &[Label<'_>]) -> Vec<Family> {
        let outcome = &document.outcome;
        let last = outcome.epochs.last();
        let samples = [outcome.samples.train, outcome.samples.validation, outcome.samples.test];
        let scores = [last.map(|epoch| epoch.train), last.and_then(|epoch| epoch.validation), outcome.test];
        let parts = |family: Family, value: &dyn Fn(usize) -> Option<f64>| {
            let parts = [Part::Train, Part::Validation, Part::Test].into_iter().enumerate();
            parts.fold(family, |family, (at, part)| family.maybe(&[name[0], ("part", part.name())], value(at)))
        };
        let pass = self.pass.map(|(part, done, total)| (part.name(), done as f64 / total.max(1) as f64));
        let pass_labels = |part: &'static str| [name[0], ("part", part)];
        let of_pass = Family::gauge("augpipe_pass_ratio", "ratio", "Share of the pass under way that is over");
        vec![
            Family::gauge("augpipe_running", "", "1 while the run goes on, 0 when it has ended")
                .value(name, f64::from(u8::from(self.running))),
            Family::gauge("augpipe_epoch", "", "Epochs that are over").value(name, outcome.epochs.len() as f64),
            Family::gauge("augpipe_epochs", "", "Epochs to be run").value(name, f64::from(self.epochs)),
            Family::gauge("augpipe_best_epoch", "", "The best epoch so far").maybe(name, outcome.best_epoch.map(f64::from)),
            Family::gauge("augpipe_parameters", "", "Numbers that are learned").value(name, outcome.parameters as f64),
            parts(Family::gauge("augpipe_samples", "", "Samples of a part"), &|at| Some(samples[at] as f64)),
            parts(Family::gauge("augpipe_loss", "", "Mean cross-entropy in nats of the last epoch, and of the test"), &|at| {
                scores[at].map(|score| score.loss)
            }),
            parts(
                Family::gauge(
                    "augpipe_accuracy_ratio",
                    "ratio",
                    "Share of samples that were right in the last epoch, and in the test",
                ),
                &|at| scores[at].map(|score| score.accuracy),
            ),
            Family::gauge("augpipe_learning_rate", "", "Learning rate of the last epoch's last step")
                .maybe(name, last.map(|epoch| epoch.learning_rate)),
            match pass {
                Some((part, share)) => of_pass.value(&pass_labels(part), share),
                None => of_pass,
            },
            parts(Family::counter("augpipe_passed_samples", "samples", "Samples that went by since the process began"), &|at| {
                Some(self.passed[at] as f64)
            }),
            Family::gauge("augpipe_images_per_second", "", "Samples a second, of late").maybe(name, self.images_per_second),
            Family::gauge("augpipe_quarantined_samples", "samples", "Different samples set aside")
                .value(name, outcome.samples.quarantined as f64),
            Family::counter("augpipe_warnings", "", "Warnings given").value(name, self.warnings as f64),
        ]
    }
}

fn of_the_process(document: &Document, name: &[Label<'_>], time: f64, peak: Option<u64>) -> Vec<Family> {
    let timing = &document.timing;
    let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
    vec![
        Family::gauge("augpipe_first_batch_seconds", "seconds", "From the start to the first batch")
            .maybe(name, timing.first_batch_seconds),
        Family::gauge("augpipe_epoch_seconds", "seconds", "What the last epoch took")
            .maybe(name, timing.epoch_seconds.last().copied()),
        Family::gauge("augpipe_peak_memory_bytes", "bytes", "The most memory that was resident").maybe(name, bytes(peak)),
        Family::gauge("augpipe_memory_bound_bytes", "bytes", "What the plan says that is needed at most")
            .maybe(name, bytes(timing.memory_bound_bytes)),
        Family::gauge("augpipe_written_timestamp_seconds", "seconds", "When this file was written, since 1970").value(name, time),
    ]
}

/// Stages are known when the flow has ended.
fn of_the_stages(stages: &[StageRecord], name: Label<'_>) -> Vec<Family> {
    let all = |family: Family, value: fn(&StageRecord) -> f64| {
        stages.iter().fold(family, |family, stage| family.value(&[name, ("stage", &stage.stage)], value(stage)))
    };
    let time = |name, help| Family::counter(name, "seconds", help);
    vec![
        all(Family::gauge("augpipe_stage_workers", "", "Threads of a stage"), |stage| stage.workers as f64),
        all(Family::counter("augpipe_stage_items", "", "What a stage passed on"), |stage| stage.items as f64),
        all(time("augpipe_stage_busy_seconds", "Time of a stage's threads at work"), |stage| stage.busy_seconds),
        all(time("augpipe_stage_starved_seconds", "Their time waiting for input"), |stage| stage.starved_seconds),
        all(time("augpipe_stage_blocked_seconds", "Their time waiting for room in their output"), |stage| stage.blocked_seconds),
        all(Family::gauge("augpipe_stage_queue_depth", "", "Mean number of chunks waiting for a stage"), |stage| stage.queue_depth),
    ]
}

#[cfg(test)]
mod tests;
