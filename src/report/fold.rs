//! The fold itself: events in, the current state of `report.json` out. Writes nothing and asks the system nothing.

use super::bad_samples::BadRow;
use super::record::{Document, EpochRecord, StageRecord};
use super::stages::limiting_stage;
use crate::event::self_check::SelfCheck;
use crate::event::{Event, Facts, Meter};
use crate::sample::NoteCounts;
use std::collections::BTreeSet;
use std::time::Duration;

/// What has been heard of a run so far.
#[derive(Clone, Debug, Default)]
pub struct Report {
    document: Document,
    bad: BTreeSet<BadRow>,
}

impl Report {
    /// The report of a whole run.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Self {
        let mut report = Self::default();
        events.into_iter().for_each(|event| report.take(event));
        report
    }

    /// Starts from the past of a run that is taken up again: the epochs before `first_epoch` (from 0, as in
    /// [`Event::Started`]), the samples that had been set aside and the odd files. What was recorded of later epochs is dropped: they are run again.
    pub fn resume(
        &mut self,
        first_epoch: u32,
        epochs: Vec<EpochRecord>,
        bad: impl IntoIterator<Item = BadRow>,
        odd_files: NoteCounts,
    ) {
        self.bad.extend(bad);
        self.document.odd_files = odd_files;
        let past = epochs.into_iter().filter(|record| record.epoch <= first_epoch);
        self.document.outcome.epochs = past.collect();
        self.recount();
    }

    /// Takes over what the run that is taken up again found before its first step.
    pub fn resume_self_check(&mut self, found: Option<SelfCheck>) {
        self.document.self_check = found;
    }

    /// Takes note of one event.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Planned(facts) => self.planned(facts),
            Event::WorkersChosen(choice) => self.document.timing.workers = Some(choice.as_ref().clone()),
            Event::Quarantined(sample) => {
                self.bad.insert(BadRow::new(sample));
                self.recount();
            }
            Event::Odd(more) => self.document.odd_files.join(more),
            Event::Epoch { wall, .. } => {
                self.document.outcome.epochs.extend(EpochRecord::of(event));
                self.document.timing.epoch_seconds.push(wall.as_secs_f64());
                self.document.timing.wall_seconds = self.document.timing.epoch_seconds.iter().sum();
                self.recount();
            }
            Event::Trained { stopped, weights, stream } => {
                let outcome = &mut self.document.outcome;
                outcome.stopped = Some(*stopped);
                outcome.weights_blake3 = Some(hexadecimal(weights));
                outcome.stream_blake3 = Some(hexadecimal(stream));
            }
            Event::SelfChecked(found) => self.document.self_check = Some(found.as_ref().clone()),
            Event::Diagnosed(diagnosis) => self.document.diagnosis = Some(diagnosis.as_ref().clone()),
            Event::Tested(score) => self.document.outcome.test = Some(*score),
            Event::Finished { meters, wall } => self.finished(meters, *wall),
            Event::FirstBatch { after } => self.document.timing.first_batch_seconds = Some(after.as_secs_f64()),
            Event::Started { .. } | Event::Flowing(_) | Event::Progress { .. } | Event::Warning(_) => {}
            Event::Weights { .. } | Event::Pictured(_) => {}
        }
    }

    fn planned(&mut self, facts: &Facts) {
        let outcome = &mut self.document.outcome;
        outcome.name.clone_from(&facts.name);
        outcome.seed = facts.seed;
        outcome.classes.clone_from(&facts.classes);
        outcome.parameters = facts.parameters;
        [outcome.samples.train, outcome.samples.validation, outcome.samples.test] = facts.samples;
        outcome.samples.filtered = facts.filtered;
        self.document.timing.memory_bound_bytes = facts.memory_bound;
        self.document.census.clone_from(&facts.census);
        self.document.data_blake3.clone_from(&facts.data_blake3);
    }

    fn finished(&mut self, meters: &[Meter], wall: Duration) {
        let timing = &mut self.document.timing;
        timing.wall_seconds = wall.as_secs_f64();
        timing.stages = meters.iter().map(|meter| StageRecord::new(meter, timing.wall_seconds)).collect();
        timing.limiting = limiting_stage(meters, wall);
    }

    /// What follows from the rest: the number of bad samples, the best epoch.
    fn recount(&mut self) {
        let paths: BTreeSet<&str> = self.bad.iter().map(|row| row.path.as_str()).collect();
        let outcome = &mut self.document.outcome;
        outcome.samples.quarantined = paths.len() as u64;
        outcome.best_epoch = outcome.epochs.iter().rev().find(|record| record.best).map(|record| record.epoch);
    }

    /// Takes note of why the run did not come to its end.
    pub fn fail(&mut self, words: String) {
        self.document.failure = Some(words);
    }

    /// The document as it stands. Machine and peak memory are the caller's to fill in: a fold asks no system.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The epochs so far.
    pub fn epochs(&self) -> &[EpochRecord] {
        &self.document.outcome.epochs
    }

    /// The samples set aside so far, each once, in the order of their paths whatever the order in which they were met.
    pub fn bad(&self) -> &BTreeSet<BadRow> {
        &self.bad
    }
}

fn hexadecimal(hash: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::event::{Score, Stopped};
    use crate::sample::BadSample;
    use std::sync::Arc;

    pub(crate) fn score(loss: f64, accuracy: f64) -> Score {
        Score { loss, accuracy, samples: 480 }
    }

    pub(crate) fn epoch(epoch: u32, loss: f64, best: bool) -> Event {
        let validation = Some(score(loss + 0.1, 1.0 - loss));
        let wall = Duration::from_millis(1500);
        Event::Epoch { epoch, train: score(loss, 0.9 - loss / 2.0), validation, learning_rate: 0.1, wall, best }
    }

    pub(crate) fn bad(path: &str) -> Event {
        let row = BadSample {
            path: path.into(),
            class: "cat".into(),
            stage: "decode",
            reason: "truncated".into(),
            words: "unexpected end".into(),
        };
        Event::Quarantined(Arc::new(row))
    }

    pub(crate) fn whole_run() -> Vec<Event> {
        let facts = Facts {
            name: "t".into(),
            seed: 7,
            classes: vec!["cat".into(), "dog".into()],
            parameters: 61_706,
            samples: [480, 120, 400],
            filtered: 3,
            memory_bound: Some(1 << 30),
            census: None,
            data_blake3: Some("d".into()),
        };
        let meter = Meter { stage: "load".into(), workers: 1, items: 960, busy: Duration::from_secs(2), ..Meter::default() };
        vec![
            Event::Planned(Arc::new(facts)),
            Event::Started { name: "t".into(), first_epoch: 0, epochs: 3, samples: 480 },
            bad("b.png"),
            epoch(0, 0.7, true),
            bad("a.png"),
            bad("b.png"),
            epoch(1, 0.4, true),
            epoch(2, 0.5, false),
            Event::Trained { stopped: Stopped::Epochs, weights: [1; 32], stream: [2; 32] },
            Event::Tested(score(0.3, 0.96)),
            Event::Finished { meters: vec![meter], wall: Duration::from_secs(4) },
        ]
    }

    #[test]
    fn every_number_heard_stands_in_the_document() {
        let report = Report::fold(&whole_run());
        let outcome = &report.document().outcome;
        assert_eq!(outcome.samples.quarantined, 2, "a sample met twice is one bad sample");
        assert_eq!((outcome.samples.train, outcome.samples.filtered, outcome.parameters), (480, 3, 61_706));
        assert_eq!(outcome.epochs.iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(outcome.best_epoch, Some(2));
        assert_eq!(outcome.stopped, Some(Stopped::Epochs));
        assert_eq!(outcome.weights_blake3.as_deref(), Some("01".repeat(32).as_str()));
        assert_eq!(report.document().timing.stages[0].items_per_second, 240.0);
        assert_eq!(report.document().timing.epoch_seconds, [1.5, 1.5, 1.5]);
    }

    #[test]
    fn the_document_reads_back_and_its_keys_never_move() {
        let report = Report::fold(&whole_run());
        let text = report.document().to_json();
        assert_eq!(&serde_json::from_str::<Document>(&text).unwrap(), report.document());
        let keys =
            ["outcome", "name", "seed", "classes", "parameters", "samples", "epochs", "best_epoch", "stopped", "\"test\": {"];
        let keys =
            keys.iter().chain(&["weights_blake3", "stream_blake3", "timing", "wall_seconds", "stages", "limiting", "machine"]);
        let mut from = 0;
        for key in keys {
            from += text[from..].find(key).unwrap_or_else(|| panic!("{key} after byte {from} of {text}"));
        }
    }

    #[test]
    fn the_outcome_knows_no_time_and_no_order_of_bad_samples() {
        let mut events = whole_run();
        events.swap(2, 4);
        for event in &mut events {
            if let Event::Epoch { wall, .. } | Event::Finished { wall, .. } = event {
                *wall *= 3;
            }
        }
        let (one, other) = (Report::fold(&whole_run()), Report::fold(&events));
        assert_eq!(one.document().outcome, other.document().outcome);
        assert_eq!(one.bad(), other.bad());
        assert_ne!(one.document().timing, other.document().timing);
    }

    #[test]
    fn a_resumed_run_has_the_outcome_of_one_straight_through() {
        let straight = Report::fold(&whole_run());
        for first_epoch in 0..=3u32 {
            // The report may be ahead of the checkpoint: it then holds epochs that are run again.
            let mut resumed = Report::default();
            resumed.resume(first_epoch, straight.epochs().to_vec(), straight.bad().clone(), NoteCounts::default());
            for event in &whole_run() {
                if !matches!(event, Event::Epoch { epoch, .. } if *epoch < first_epoch) {
                    resumed.take(event);
                }
            }
            assert_eq!(resumed.document().outcome, straight.document().outcome);
        }
    }
}
