//! What has been heard of a run, as far as a screen shows it. Times are given by the caller, from the beginning of the run.

use crate::batch::Part;
use crate::event::gauges::Gauges;
use crate::event::{Event, Meter, Score};
use crate::report::bad_samples::BadRow;
use crate::report::stages::limiting_stage;
use crate::report::words::{count, printable};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

/// Over so long rates and shares are taken.
const WINDOW: Duration = Duration::from_secs(4);
/// Warnings that are kept.
const WARNINGS: usize = 8;
/// Epochs that tell how long one takes.
const TELLING: usize = 5;

/// A run as it stands.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The pipeline's name.
    pub name: String,
    /// How many threads were chosen and why, where they were left to us.
    pub workers: String,
    /// Epochs in all; 0 where nothing is learned.
    pub epochs: u32,
    /// Which part is being walked, in which epoch (from 0), entries done and in all, mean loss so far.
    pub pass: Option<(Part, u32, u64, u64, f64)>,
    /// Training and validation score of every epoch, from the first one heard of.
    pub scores: Vec<(Score, Option<Score>)>,
    /// The first of these, from 0.
    pub first_epoch: u32,
    /// The best epoch so far, from 1.
    pub best: Option<u32>,
    /// The test set's score.
    pub test: Option<Score>,
    /// The last warnings, the newest last.
    pub warnings: VecDeque<String>,
    /// Whether the run was asked to stop.
    pub stopping: bool,
    /// Whether training is over.
    pub trained: bool,
    bad: HashSet<String>,
    gauges: Option<Gauges>,
    looks: VecDeque<(Duration, Vec<Meter>)>,
    marks: VecDeque<(Duration, u64)>,
    walls: Vec<Duration>,
    epoch_began: Duration,
}

impl Live {
    /// Takes note of one event, heard at `now`.
    pub fn take(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Planned(facts) => self.name = printable(&facts.name),
            Event::WorkersChosen(choice) => self.workers = printable(&choice.words()),
            Event::Started { first_epoch, epochs, .. } => {
                (self.first_epoch, self.epochs, self.epoch_began) = (*first_epoch, *epochs, now);
            }
            Event::Flowing(gauges) => {
                self.gauges = Some(gauges.clone());
                self.looks.clear();
            }
            Event::Progress { part, epoch, done, total, loss } => self.progress((*part, *epoch, *done, *total, *loss), now),
            Event::Quarantined(sample) => {
                let row = BadRow::new(sample);
                let words = format!("bad sample: {}: {}", row.path, row.reason);
                if self.bad.insert(row.path) {
                    self.warn(words);
                }
            }
            Event::Epoch { epoch, train, validation, wall, best, .. } => {
                self.scores.push((*train, *validation));
                self.walls.push(*wall);
                self.epoch_began = now;
                if *best {
                    self.best = Some(epoch + 1);
                }
            }
            Event::Tested(score) => self.test = Some(*score),
            Event::Warning(words) => self.warn(printable(words)),
            Event::Trained { .. } => self.trained = true,
            Event::Finished { .. } => self.gauges = None,
            Event::Odd(_) | Event::FirstBatch { .. } | Event::SelfChecked(_) | Event::Diagnosed(_) => {}
            Event::Weights { .. } | Event::Pictured(_) => {}
        }
    }

    fn warn(&mut self, words: String) {
        self.warnings.push_back(words);
        if self.warnings.len() > WARNINGS {
            self.warnings.pop_front();
        }
    }

    fn progress(&mut self, pass: (Part, u32, u64, u64, f64), now: Duration) {
        let same = self.pass.is_some_and(|(part, epoch, ..)| (part, epoch) == (pass.0, pass.1));
        if !same {
            self.marks.clear();
        }
        self.pass = Some(pass);
        self.marks.push_back((now, pass.2));
        forget(&mut self.marks, now);
    }

    /// Reads the gauges at `now`.
    pub fn look(&mut self, now: Duration) {
        let Some(gauges) = &self.gauges else { return };
        self.looks.push_back((now, gauges.now()));
        forget(&mut self.looks, now);
    }

    /// Images a second over the last seconds; none before there are two batches.
    pub fn rate(&self) -> Option<f64> {
        let (first, last) = (self.marks.front()?, self.marks.back()?);
        let time = last.0.saturating_sub(first.0).as_secs_f64();
        (time > 0.0).then(|| last.1.saturating_sub(first.1) as f64 / time)
    }

    /// What every stage did over the last seconds, and how long that was; queues as they are now.
    pub fn recent(&self) -> (Vec<Meter>, Duration) {
        let (Some((begin, before)), Some((end, after))) = (self.looks.front(), self.looks.back()) else {
            return (Vec::new(), Duration::ZERO);
        };
        let stage = |(place, after): (usize, &Meter)| {
            let zero = Meter::default();
            let before = before.get(place).unwrap_or(&zero);
            Meter {
                items: after.items.saturating_sub(before.items),
                busy: after.busy.saturating_sub(before.busy),
                starved: after.starved.saturating_sub(before.starved),
                blocked: after.blocked.saturating_sub(before.blocked),
                ..after.clone()
            }
        };
        (after.iter().enumerate().map(stage).collect(), end.saturating_sub(*begin))
    }

    /// Which stage limits, in a sentence; empty while nothing flows.
    pub fn bottleneck(&self) -> String {
        let (meters, wall) = self.recent();
        if meters.is_empty() || wall.is_zero() { String::new() } else { limiting_stage(&meters, wall) }
    }

    /// Samples set aside.
    pub fn bad(&self) -> usize {
        self.bad.len()
    }

    /// Time that is left for the epochs, as far as that can be told at `now`.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let (part, epoch, done, total, _) = self.pass?;
        let rest = |rate: f64| Duration::try_from_secs_f64(total.saturating_sub(done) as f64 / rate).ok();
        if part == Part::Test || self.epochs == 0 {
            return rest(self.rate()?);
        }
        let last = &self.walls[self.walls.len().saturating_sub(TELLING)..];
        let to_come = self.epochs.saturating_sub(epoch + 1);
        if last.is_empty() {
            let whole = Duration::try_from_secs_f64(total as f64 / self.rate()?).ok()?;
            return rest(self.rate()?)?.checked_add(whole.checked_mul(to_come)?);
        }
        let one = last.iter().sum::<Duration>() / last.len() as u32;
        let over = self.walls.len() as u32 + self.first_epoch > epoch;
        let this = if over { Duration::ZERO } else { one.saturating_sub(now.saturating_sub(self.epoch_began)) };
        one.checked_mul(to_come)?.checked_add(this)
    }

    /// What is being done, in a word or two.
    pub fn doing(&self) -> String {
        let what = match self.pass {
            _ if self.stopping => return "stopping after this step".to_owned(),
            None => "preparing".to_owned(),
            Some((Part::Test, ..)) if self.test.is_some() => "looking at predictions".to_owned(),
            Some((Part::Test, ..)) => "testing".to_owned(),
            Some(_) if self.epochs == 0 => "samples".to_owned(),
            Some((part, epoch, ..)) => format!("{} {}/{}", part.name(), epoch + 1, self.epochs),
        };
        if self.bad.is_empty() { what } else { format!("{what}, {} set aside", count(self.bad.len() as u64)) }
    }
}

/// Drops what lies longer back than the window, but for the last one of it.
fn forget<T>(marks: &mut VecDeque<(Duration, T)>, now: Duration) {
    while marks.len() > 2 && marks.get(1).is_some_and(|(at, _)| *at + WINDOW < now) {
        marks.pop_front();
    }
    // However fast batches come, what is kept stays small.
    if marks.len() > 4096 {
        let (mut place, last) = (0, marks.len() - 1);
        marks.retain(|_| {
            place += 1;
            place == 1 || place > last || place % 2 == 0
        });
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::fold::tests::{bad, epoch, whole_run};
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// A flow of five stages that has been watched for ten seconds; the trainer is at work all the time.
    pub fn gauges() -> Gauges {
        let time = AtomicU64::new(0);
        Gauges::new(move || {
            let now = time.fetch_add(1, Relaxed);
            let stage = |stage: &str, workers: usize, busy: u64, starved: u64, depth: f64| Meter {
                stage: stage.into(),
                workers,
                items: 1240 * now,
                busy: seconds(now) * workers as u32 * busy as u32 / 100,
                starved: seconds(now) * workers as u32 * starved as u32 / 100,
                blocked: seconds(now) * workers as u32 * (100 - busy - starved) as u32 / 100,
                queue_depth: depth,
                queue_capacity: 2,
            };
            let source = Meter { queue_capacity: 0, ..stage("source", 1, 1, 0, 0.0) };
            vec![
                source,
                stage("load", 2, 40, 0, 2.0),
                stage("augment", 1, 30, 5, 2.0),
                stage("batch", 1, 10, 0, 1.0),
                stage("train", 1, 97, 3, 3.0),
            ]
        })
    }

    /// In the middle of a run.
    pub fn under_way() -> Live {
        let mut live = Live::default();
        let events = whole_run();
        live.take(&events[0], seconds(0));
        live.take(&Event::Started { name: "t".into(), first_epoch: 0, epochs: 8, samples: 480 }, seconds(1));
        live.take(&Event::Flowing(gauges()), seconds(1));
        (0..=10).for_each(|at| live.look(seconds(at)));
        (0..4).for_each(|at| live.take(&epoch(at, 0.7 - 0.1 * f64::from(at), true), seconds(2 + u64::from(at))));
        live.take(&bad("a\u{1b}[2J.png"), seconds(5));
        live.take(&Event::Warning("something is odd\nhere".into()), seconds(5));
        for done in 1..=4 {
            let progress = Event::Progress { part: Part::Train, epoch: 4, done: 60 * done, total: 480, loss: 0.31 };
            live.take(&progress, seconds(5 + done));
        }
        live
    }

    #[test]
    fn numbers_are_of_the_last_seconds() {
        let live = under_way();
        assert_eq!(live.rate(), Some(60.0));
        let (meters, wall) = live.recent();
        assert!(wall >= WINDOW && wall < 2 * WINDOW, "{wall:?}");
        assert_eq!(meters[1].items, 1240 * wall.as_secs());
        assert!(live.bottleneck().starts_with("`train` limits: its worker was busy 97 % of the time"), "{}", live.bottleneck());
        assert_eq!((live.bad(), live.best, live.warnings.len()), (1, Some(4), 2));
        // Three epochs of 1.5 s to come, and what this one still takes.
        assert_eq!(live.left(Duration::from_millis(5500)), Some(Duration::from_millis(4500 + 1000)));
        assert_eq!(live.doing(), "train 5/8, 1 set aside");
    }

    #[test]
    fn nothing_heard_is_nothing_told() {
        let live = Live::default();
        assert_eq!((live.rate(), live.left(seconds(1)), live.bottleneck()), (None, None, String::new()));
        assert_eq!(live.doing(), "preparing");
    }

    #[test]
    fn a_long_run_takes_no_more_room() {
        let mut live = Live::default();
        for step in 0..20_000u64 {
            let progress = Event::Progress { part: Part::Train, epoch: 0, done: step, total: 1 << 40, loss: 0.0 };
            live.take(&progress, Duration::from_micros(step));
            live.take(&Event::Warning(step.to_string()), Duration::ZERO);
        }
        assert!(live.marks.len() <= 4096 && live.warnings.len() == WARNINGS);
        assert!((live.rate().unwrap() / 1e6 - 1.0).abs() < 0.01, "{:?}", live.rate());
    }
}
