//! Events as JSON lines for other programs: one object an event, keys always in the same order, `event` first.

mod at_work;

use super::bad_samples::BadRow;
use super::growing::GrowingFile;
use super::record::{EpochRecord, StageRecord};
use crate::error::{Error, Result};
use crate::event::diagnosis::{Diagnosis, Finding};
use crate::event::histogram::Histogram;
use crate::event::self_check::SelfCheck;
use crate::event::workers::WorkerChoice;
use crate::event::{Event, Listener, Score};
use crate::sample::NoteCounts;
use at_work::{AtWork, EVERY};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a line looks like; epochs count from 1.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told<'e> {
    Planned {
        name: &'e str,
        seed: u64,
        classes: &'e [String],
        parameters: u64,
        train: u64,
        validation: u64,
        test: u64,
        filtered: u64,
    },
    WorkersChosen {
        #[serde(flatten)]
        choice: &'e WorkerChoice,
    },
    Started {
        name: &'e str,
        first_epoch: u32,
        epochs: u32,
        samples: u64,
    },
    Progress {
        part: &'static str,
        epoch: u32,
        done: u64,
        total: u64,
        loss: f64,
    },
    FirstBatch {
        after_seconds: f64,
    },
    Quarantined {
        path: String,
        class: String,
        stage: String,
        reason: String,
        words: String,
    },
    Odd {
        #[serde(flatten)]
        files: NoteCounts,
    },
    Flowing {
        stages: Vec<String>,
    },
    Weights {
        epoch: u32,
        tensors: &'e [Histogram],
    },
    Epoch {
        #[serde(flatten)]
        record: EpochRecord,
        /// None where a resumed run tells it from its checkpoint.
        wall_seconds: Option<f64>,
    },
    Trained {
        stopped: crate::event::Stopped,
        weights_blake3: String,
        stream_blake3: String,
    },
    Tested {
        #[serde(flatten)]
        score: Score,
    },
    SelfChecked {
        #[serde(flatten)]
        found: &'e SelfCheck,
    },
    Diagnosed {
        verdict: &'e str,
        reference_error: f64,
        train_error: Option<f64>,
        validation_error: Option<f64>,
        test_error: Option<f64>,
        findings: &'e [Finding],
        warnings: &'e [String],
    },
    Pictured {
        name: &'e str,
        height: usize,
        width: usize,
    },
    Warning {
        message: &'e str,
    },
    /// From time to time while stages work.
    Stages {
        flowing_seconds: f64,
        stages: Vec<StageRecord>,
    },
    Finished {
        wall_seconds: f64,
        stages: Vec<StageRecord>,
    },
}

/// The event as one line without its end.
pub fn json_line(event: &Event) -> String {
    let hash = |bytes: &[u8; 32]| blake3::Hash::from_bytes(*bytes).to_hex().to_string();
    let told = match event {
        Event::Progress { part, epoch, done, total, loss } => {
            Told::Progress { part: part.name(), epoch: epoch + 1, done: *done, total: *total, loss: *loss }
        }
        Event::Flowing(gauges) => Told::Flowing { stages: gauges.now().into_iter().map(|meter| meter.stage).collect() },
        Event::FirstBatch { after } => Told::FirstBatch { after_seconds: after.as_secs_f64() },
        Event::Weights { epoch, tensors } => Told::Weights { epoch: epoch + 1, tensors },
        Event::Pictured(picture) => {
            Told::Pictured { name: picture.name, height: picture.image.height(), width: picture.image.width() }
        }
        Event::Planned(facts) => {
            let [train, validation, test] = facts.samples;
            let (name, classes) = (&facts.name, &facts.classes);
            let (seed, parameters, filtered) = (facts.seed, facts.parameters, facts.filtered);
            Told::Planned { name, seed, classes, parameters, train, validation, test, filtered }
        }
        Event::WorkersChosen(choice) => Told::WorkersChosen { choice },
        Event::Started { name, first_epoch, epochs, samples } => {
            Told::Started { name, first_epoch: first_epoch + 1, epochs: *epochs, samples: *samples }
        }
        Event::Quarantined(sample) => {
            let BadRow { path, class, stage, reason, words } = BadRow::new(sample);
            Told::Quarantined { path, class, stage, reason, words }
        }
        Event::Odd(files) => Told::Odd { files: *files },
        Event::Epoch { epoch, train, validation, learning_rate, wall, best } => {
            let (train, validation, learning_rate, best) = (*train, *validation, *learning_rate, *best);
            let record = EpochRecord { epoch: epoch + 1, train, validation, learning_rate, best };
            Told::Epoch { record, wall_seconds: Some(wall.as_secs_f64()) }
        }
        Event::Trained { stopped, weights, stream } => {
            Told::Trained { stopped: *stopped, weights_blake3: hash(weights), stream_blake3: hash(stream) }
        }
        Event::Tested(score) => Told::Tested { score: *score },
        Event::SelfChecked(found) => Told::SelfChecked { found },
        Event::Diagnosed(found) => diagnosed(found),
        Event::Warning(message) => Told::Warning { message },
        Event::Finished { meters, wall } => {
            let wall_seconds = wall.as_secs_f64();
            let stages = meters.iter().map(|meter| StageRecord::new(meter, wall_seconds)).collect();
            Told::Finished { wall_seconds, stages }
        }
    };
    line(&told)
}

fn line(told: &Told) -> String {
    serde_json::to_string(told).expect("string keys and plain values always serialise")
}

/// What a line that was told before says of itself.
#[derive(Deserialize)]
struct Before {
    event: String,
    #[serde(default)]
    epoch: u32,
}

/// The whole of a diagnosis stands in the report.
fn diagnosed(found: &Diagnosis) -> Told<'_> {
    let [train_error, validation_error, test_error] =
        [&found.train, &found.validation, &found.test].map(|part| part.as_ref().map(|part| part.error));
    let Diagnosis { verdict, reference_error, findings, warnings, .. } = found;
    Told::Diagnosed { verdict, reference_error: *reference_error, train_error, validation_error, test_error, findings, warnings }
}

/// Tells events to a writer, one line each, flushed. A writer that fails (a closed pipe) is not written to again.
pub struct JsonLines {
    /// Where lines go when they go to a file.
    path: Option<PathBuf>,
    /// From one line about the stages to the next, at least; [`EVERY`] but in tests.
    every: Duration,
    state: Mutex<State>,
}

struct State {
    out: Option<Box<dyn Write + Send>>,
    failure: Option<std::io::Error>,
    flow: AtWork,
}

impl JsonLines {
    /// Lines to `out`: all but those of progress and of stages at work, of which there are many.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { path: None, every: EVERY, state: Mutex::new(State { out: Some(out), failure: None, flow: AtWork::default() }) }
    }

    /// Lines of all events to the file at `path`, and of the stages while they work: behind those that it holds where `more`, else in
    /// place of them.
    ///
    /// # Errors
    /// [`Error::Io`] with the path.
    pub fn file(path: &Path, more: bool) -> Result<Self> {
        let file = OpenOptions::new().create(true).write(true).append(more).truncate(!more).open(path);
        let file = file.map_err(Error::io("cannot write", path))?;
        let state = State { out: Some(Box::new(file)), failure: None, flow: AtWork::default() };
        Ok(Self { path: Some(path.to_path_buf()), every: EVERY, state: Mutex::new(state) })
    }

    /// Makes the file one of a run that has completed the epochs of `history` and goes on behind them: what was told of epochs that
    /// come again is left out, as is a line that was cut off, and epochs of which a killed run got no line to the file are told.
    ///
    /// # Errors
    /// [`Error::Io`] with the path.
    pub fn resume(&self, history: &[EpochRecord]) -> Result<()> {
        let Some(path) = self.path.as_ref().filter(|path| path.is_file()) else { return Ok(()) };
        let mut state = self.state();
        let done = history.last().map_or(0, |record| record.epoch);
        let (mut told, mut whole) = (BTreeSet::new(), GrowingFile::create(path)?);
        let before = File::open(path).map_err(Error::io("cannot read", path))?;
        for text in BufReader::new(before).split(b'\n') {
            let mut text = text.map_err(Error::io("cannot read", path))?;
            let Ok(Before { event, epoch }) = serde_json::from_slice(&text) else { continue };
            let again = matches!(event.as_str(), "epoch" | "weights") && epoch > done;
            if !again && (event != "epoch" || told.insert(epoch)) {
                text.push(b'\n');
                whole.add(&text)?;
            }
        }
        for record in history.iter().filter(|record| !told.contains(&record.epoch)) {
            whole.add((line(&Told::Epoch { record: record.clone(), wall_seconds: None }) + "\n").as_bytes())?;
        }
        whole.finish()?;
        let more = OpenOptions::new().append(true).open(path).map_err(Error::io("cannot write", path))?;
        state.out = Some(Box::new(more));
        Ok(())
    }

    /// Whether every line could be written to the file; a pipe that was closed is no failure.
    ///
    /// # Errors
    /// [`Error::Io`] with the path.
    pub fn check(&self) -> Result<()> {
        let failure = self.state().failure.take();
        match (failure, &self.path) {
            (Some(failure), Some(path)) => Err(Error::io("cannot write", path)(failure)),
            _ => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for JsonLines {
    fn hear(&self, event: &Event) {
        if self.path.is_none() && matches!(event, Event::Progress { .. }) {
            return;
        }
        let mut line = json_line(event) + "\n";
        let mut state = self.state();
        if let Some((flowing_seconds, stages)) = state.flow.heard(event, self.every) {
            line += &(self::line(&Told::Stages { flowing_seconds, stages }) + "\n");
        }
        let told = state.out.as_mut().map(|out| out.write_all(line.as_bytes()).and_then(|()| out.flush()));
        if let Some(Err(failure)) = told {
            state.out = None;
            state.failure = Some(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Part;
    use crate::event::gauges::Gauges;
    use crate::event::picture::Picture;
    use crate::report::fold::tests::whole_run;
    use crate::sample::{Image, Size};
    use std::sync::Arc;
    use std::time::Duration;

    /// One event of every kind.
    fn every_kind() -> Vec<Event> {
        let tensors = Arc::new(vec![Histogram::of("0.weight", &[0.0, 1.0])]);
        let image = Image::filled(Size::new(2, 3), 3, 0);
        let more = [
            Event::Progress { part: Part::Validation, epoch: 0, done: 8, total: 9, loss: 0.5 },
            Event::FirstBatch { after: Duration::from_millis(1500) },
            Event::Odd(NoteCounts::default()),
            Event::WorkersChosen(Arc::default()),
            Event::Flowing(Gauges::new(Vec::new)),
            Event::Weights { epoch: 0, tensors },
            Event::SelfChecked(Arc::default()),
            Event::Diagnosed(Arc::default()),
            Event::Pictured(Arc::new(Picture { name: "augmented", image })),
            Event::Warning("two\nlines".into()),
        ];
        whole_run().into_iter().chain(more).collect()
    }

    /// What a line is called, and its other keys. Without a wildcard: who adds an event says here how it is told.
    fn keys(event: &Event) -> (&'static str, &'static str) {
        match event {
            Event::Planned(_) => ("planned", "name seed classes parameters train validation test filtered"),
            Event::WorkersChosen(_) => ("workers_chosen", "threads chosen_by cores predicted seconds rates why"),
            Event::Flowing(_) => ("flowing", "stages"),
            Event::Started { .. } => ("started", "name first_epoch epochs samples"),
            Event::Progress { .. } => ("progress", "part epoch done total loss"),
            Event::FirstBatch { .. } => ("first_batch", "after_seconds"),
            Event::Quarantined(_) => ("quarantined", "path class stage reason words"),
            Event::Odd(_) => ("odd", ""),
            Event::Weights { .. } => ("weights", "epoch tensors"),
            Event::Epoch { .. } => ("epoch", "epoch train validation learning_rate best wall_seconds"),
            Event::Trained { .. } => ("trained", "stopped weights_blake3 stream_blake3"),
            Event::SelfChecked(_) => ("self_checked", "checks"),
            Event::Tested(_) => ("tested", "loss accuracy samples"),
            Event::Diagnosed(_) => {
                ("diagnosed", "verdict reference_error train_error validation_error test_error findings warnings")
            }
            Event::Pictured(_) => ("pictured", "name height width"),
            Event::Warning(_) => ("warning", "message"),
            Event::Finished { .. } => ("finished", "wall_seconds stages"),
        }
    }

    #[test]
    fn every_event_is_one_line_that_names_itself_first_and_has_its_keys() {
        let mut named = std::collections::BTreeSet::new();
        for event in every_kind() {
            let line = json_line(&event);
            let (name, others) = keys(&event);
            named.insert(name);
            assert!(line.starts_with(&format!("{{\"event\":\"{name}\"")) && !line.contains('\n'), "{line}");
            let table: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).unwrap();
            let expected: std::collections::BTreeSet<&str> = others.split_whitespace().chain(["event"]).collect();
            let found: std::collections::BTreeSet<&str> = table.keys().map(String::as_str).collect();
            assert!(found == expected || name == "odd", "{line}");
        }
        assert_eq!(named.len(), 17, "one of every kind: {named:?}");
    }

    #[test]
    fn an_epochs_keys_never_move() {
        let line = whole_run().iter().find(|event| matches!(event, Event::Epoch { .. })).map(json_line).unwrap();
        let expected = concat!(
            r#"{"event":"epoch","epoch":1,"train":{"loss":0.7,"accuracy":0.55,"samples":480},"#,
            r#""validation":{"loss":0.7999999999999999,"accuracy":0.30000000000000004,"samples":480},"#,
            r#""learning_rate":0.1,"best":true,"wall_seconds":1.5}"#
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn a_file_holds_all_lines_and_is_gone_on_with_only_where_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let tell = |more| {
            every_kind().iter().fold(JsonLines::file(&path, more).unwrap(), |lines, event| {
                lines.hear(event);
                lines
            })
        };
        let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
        let once = every_kind().len();
        for (more, expected) in [(false, once), (true, 2 * once), (false, once)] {
            tell(more).check().unwrap();
            assert_eq!(lines(), expected);
        }
        assert!(JsonLines::file(&folder.path().join("no/file"), false).is_err());
    }

    #[test]
    fn stages_at_work_are_told_from_time_to_time_until_they_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let meter = || vec![crate::event::Meter { stage: "load".into(), workers: 2, items: 7, ..Default::default() }];
        let progress = Event::Progress { part: Part::Train, epoch: 0, done: 8, total: 9, loss: 0.5 };
        let finished = Event::Finished { meters: meter(), wall: Duration::from_secs(1) };
        let told = |every| {
            let lines = JsonLines { every, ..JsonLines::file(&path, false).unwrap() };
            let events = [&progress, &Event::Flowing(Gauges::new(meter)), &progress, &progress, &finished, &progress];
            events.into_iter().for_each(|event| lines.hear(event));
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            lines.map(|line| line["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(told(EVERY), ["progress", "flowing", "progress", "progress", "finished", "progress"]);
        let all = ["progress", "flowing", "progress", "stages", "progress", "stages", "finished", "progress"];
        assert_eq!(told(Duration::ZERO), all);
        let text = std::fs::read_to_string(&path).unwrap();
        let line = text.lines().find(|line| line.starts_with("{\"event\":\"stages\",\"flowing_seconds\":")).unwrap();
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["stages"][0]["stage"], &line["stages"][0]["items"]), (&"load".into(), &7.into()));
        let keys = ["workers", "busy_seconds", "starved_seconds", "blocked_seconds", "queue_depth", "queue_capacity"];
        assert!(keys.iter().all(|key| line["stages"][0][key].is_number()), "{line}");
    }

    #[test]
    fn a_run_that_goes_on_leaves_every_epoch_once_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let record = |epoch| EpochRecord {
            epoch,
            train: Score { loss: 0.5, accuracy: 0.5, samples: 8 },
            validation: None,
            learning_rate: 0.1,
            best: true,
        };
        let told = |epoch| line(&Told::Epoch { record: record(epoch), wall_seconds: Some(1.0) }) + "\n";
        let other = json_line(&Event::Warning("kept".into())) + "\n";
        let cut = &told(4)[..20];
        std::fs::write(
            &path,
            [&other, &told(1), &told(3), &told(1), &other, &told(4), &cut.to_owned()].map(String::as_str).concat(),
        )
        .unwrap();
        let lines = JsonLines::file(&path, true).unwrap();
        lines.resume(&[record(1), record(2), record(3)]).unwrap();
        lines.hear(&Event::Warning("kept".into()));
        lines.check().unwrap();
        let alone = line(&Told::Epoch { record: record(2), wall_seconds: None }) + "\n";
        let expected = [&other, &told(1), &told(3), &other, &alone, &other].map(String::as_str).concat();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn a_closed_pipe_is_not_written_to_again() {
        struct Closed(std::sync::Arc<std::sync::atomic::AtomicU32>);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let tried = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let lines = JsonLines::new(Box::new(Closed(tried.clone())));
        whole_run().iter().for_each(|event| lines.hear(event));
        assert_eq!(tried.load(std::sync::atomic::Ordering::SeqCst), 1);
    }
}
