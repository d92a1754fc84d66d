//! Events as JSON lines for other programs: one object an event, keys always in the same order, `event` first.

use super::bad_samples::BadRow;
use super::record::EpochRecord;
use crate::event::diagnosis::{Diagnosis, Finding};
use crate::event::self_check::SelfCheck;
use crate::event::workers::WorkerChoice;
use crate::event::{Event, Listener, Score};
use crate::sample::NoteCounts;
use serde::Serialize;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

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
    Epoch {
        #[serde(flatten)]
        record: EpochRecord,
        wall_seconds: f64,
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
    Warning {
        message: &'e str,
    },
    Finished {
        wall_seconds: f64,
    },
}

/// The event as one line without its end; none for progress, which is for people.
pub fn json_line(event: &Event) -> Option<String> {
    let hash = |bytes: &[u8; 32]| blake3::Hash::from_bytes(*bytes).to_hex().to_string();
    let told = match event {
        Event::Progress { .. } | Event::Flowing(_) | Event::FirstBatch { .. } => return None,
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
        Event::Epoch { wall, .. } => Told::Epoch { record: EpochRecord::of(event)?, wall_seconds: wall.as_secs_f64() },
        Event::Trained { stopped, weights, stream } => {
            Told::Trained { stopped: *stopped, weights_blake3: hash(weights), stream_blake3: hash(stream) }
        }
        Event::Tested(score) => Told::Tested { score: *score },
        Event::SelfChecked(found) => Told::SelfChecked { found },
        Event::Diagnosed(found) => diagnosed(found),
        Event::Warning(message) => Told::Warning { message },
        Event::Finished { wall, .. } => Told::Finished { wall_seconds: wall.as_secs_f64() },
    };
    Some(serde_json::to_string(&told).expect("string keys and plain values always serialise"))
}

/// The whole of a diagnosis stands in the report.
fn diagnosed(found: &Diagnosis) -> Told<'_> {
    let [train_error, validation_error, test_error] =
        [&found.train, &found.validation, &found.test].map(|part| part.as_ref().map(|part| part.error));
    let Diagnosis { verdict, reference_error, findings, warnings, .. } = found;
    Told::Diagnosed { verdict, reference_error: *reference_error, train_error, validation_error, test_error, findings, warnings }
}

/// Tells every event to a writer, one line each, flushed. A writer that fails (a closed pipe) is not written to again.
pub struct JsonLines(Mutex<Option<Box<dyn Write + Send>>>);

impl JsonLines {
    /// Lines to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new(Some(out)))
    }
}

impl Listener for JsonLines {
    fn hear(&self, event: &Event) {
        let Some(line) = json_line(event) else { return };
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = out.as_mut().map(|out| writeln!(out, "{line}").and_then(|()| out.flush()));
        if matches!(told, Some(Err(_))) {
            *out = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fold::tests::whole_run;

    #[test]
    fn every_event_is_one_line_that_names_itself_first() {
        for event in whole_run() {
            let line = json_line(&event).unwrap();
            assert!(line.starts_with("{\"event\":\"") && !line.contains('\n'), "{line}");
            assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
        }
    }

    #[test]
    fn an_epochs_keys_never_move() {
        let line = whole_run().iter().find(|event| matches!(event, Event::Epoch { .. })).and_then(json_line).unwrap();
        let expected = concat!(
            r#"{"event":"epoch","epoch":1,"train":{"loss":0.7,"accuracy":0.55,"samples":480},"#,
            r#""validation":{"loss":0.7999999999999999,"accuracy":0.30000000000000004,"samples":480},"#,
            r#""learning_rate":0.1,"best":true,"wall_seconds":1.5}"#
        );
        assert_eq!(line, expected);
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
