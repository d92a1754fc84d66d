//! Where the time went: the stages drawn as wide as their time, memory beside its bound, seconds an epoch.

use super::{Kind, Paper, Section, mebibytes};
use crate::report::html::{escaped, table};
use crate::report::profile::{Alone, Limit, Profile, StageProfile, Together, flow};
use crate::report::words::{count, thousands};
use crate::report::{StageRecord, Timing};

pub(super) const SECTION: Section = Section { id: "stages", title: "Time and memory", body };

/// From this share of time at work a stage is drawn as the one that limits.
const LIMITS: f64 = 0.6;

fn body(paper: &Paper) -> Option<String> {
    let timing = &paper.document.timing;
    let mut text = String::new();
    if !timing.stages.is_empty() {
        text += &format!("<p class=\"verdict\">{}</p>\n", with_names(&timing.limiting));
        text += &flow(&drawn(paper), limit(timing));
        text += &counts(timing, paper.kind());
    }
    Some(text + &resources(paper))
}

/// The stages as a profile draws them: a stage's pace is that of its workers while they are at work.
fn drawn(paper: &Paper) -> Profile {
    let timing = &paper.document.timing;
    let samples = timing.stages.iter().map(|stage| stage.items).max().unwrap_or(0) as f64;
    let stage = |record: &StageRecord| {
        let workers = record.workers.max(1);
        let busy = record.busy_seconds.max(1e-9);
        let alone = Alone { workers, rate: samples * workers as f64 / busy, ..Alone::default() };
        let StageRecord { stage, queue_depth: queue, queue_capacity: capacity, .. } = record.clone();
        let [busy, starved, blocked] = shares(record, timing.wall_seconds);
        let together = Some(Together { busy, starved, blocked, cpu: None, queue, capacity });
        StageProfile { stage, workers, alone: vec![alone], together, ..StageProfile::default() }
    };
    let name = paper.document.outcome.name.clone();
    Profile { name, stages: timing.stages.iter().map(stage).collect(), ..Profile::default() }
}

/// Text in which what stands between backticks is a name.
pub(super) fn with_names(text: &str) -> String {
    let part = |(place, text): (usize, &str)| match place % 2 {
        0 => escaped(text),
        _ => format!("<code>{}</code>", escaped(text)),
    };
    text.split('`').enumerate().map(part).collect()
}

/// Shares of its workers' time at work, without input and without room, as the sentence above and the terminal count them.
fn shares(record: &StageRecord, wall: f64) -> [f64; 3] {
    let times = [record.busy_seconds, record.starved_seconds, record.blocked_seconds];
    let all = times.iter().sum::<f64>().max(wall * record.workers as f64).max(1e-9);
    times.map(|time| time / all)
}

fn limit(timing: &Timing) -> Limit {
    let busy = timing.stages.iter().map(|record| shares(record, timing.wall_seconds)[0]).enumerate();
    match busy.max_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((place, share)) if share >= LIMITS => Limit::Stage(place),
        _ => Limit::Cores,
    }
}

fn counts(timing: &Timing, kind: Kind) -> String {
    let row = |record: &StageRecord| {
        let seconds = [record.busy_seconds, record.starved_seconds, record.blocked_seconds].map(|time| format!("{time:.2}"));
        let first = [record.stage.clone(), record.workers.to_string(), count(record.items), thousands(record.items_per_second)];
        first.into_iter().chain(seconds).collect::<Vec<_>>()
    };
    let rows: Vec<_> = timing.stages.iter().map(row).collect();
    let titles = ["stage", "workers", "passed on", "a second", "at work (s)", "no input (s)", "no room (s)"];
    let what = if kind == Kind::Wrote { "samples" } else { "samples; batches from the batcher on" };
    table(&format!("What each stage passed on ({what}), and its workers' seconds"), &titles, &rows)
}

fn resources(paper: &Paper) -> String {
    let timing = &paper.document.timing;
    let seconds = |value: Option<f64>| value.map_or("not known".to_owned(), |value| format!("{} s", thousands(value)));
    let bytes = |value: Option<u64>| value.map_or("not known".to_owned(), mebibytes);
    let epochs = timing.epoch_seconds.len();
    let mean = (epochs > 0).then(|| timing.epoch_seconds.iter().sum::<f64>() / epochs as f64);
    let rate = mean.filter(|mean| *mean > 0.0).map(|mean| paper.document.outcome.samples.train as f64 / mean);
    let rows = [
        ("wall time", seconds(Some(timing.wall_seconds))),
        ("processor time of all threads (core-seconds)", seconds(timing.core_seconds)),
        ("first batch after", seconds(timing.first_batch_seconds)),
        ("mean epoch, validation included", seconds(mean)),
        ("training samples a second of epochs", rate.map_or("not known".to_owned(), thousands)),
        ("most memory in use", bytes(timing.peak_memory_bytes)),
        ("bound that the plan computed", bytes(timing.memory_bound_bytes)),
        ("share of that bound in use at most", of_bound(timing.peak_memory_bytes, timing.memory_bound_bytes)),
    ];
    // Only what learns has epochs, and only what makes batches has a first one.
    let has = |name: &str| match paper.kind() {
        Kind::Trained => true,
        Kind::Wrote => !name.contains("epoch") && !name.contains("batch"),
        Kind::Delivered => !name.contains("epoch"),
    };
    let rows = rows.into_iter().filter(|(name, _)| has(name));
    let rows: Vec<_> = rows.map(|(name, value)| vec![name.to_owned(), value]).collect();
    table("Time and memory of this process's part of the run", &["what", "measured"], &rows)
}

/// The peak as a share of the bound; one above it is a defect of ours, and is called so.
fn of_bound(peak: Option<u64>, bound: Option<u64>) -> String {
    let (Some(peak), Some(bound)) = (peak, bound.filter(|bound| *bound > 0)) else { return "not known".to_owned() };
    let share = 100.0 * peak as f64 / bound as f64;
    let words = if peak > bound { ": above the bound, please report this" } else { "" };
    format!("{share:.0} %{words}")
}

#[cfg(test)]
mod tests {
    use super::of_bound;

    #[test]
    fn a_peak_above_the_bound_is_called_a_defect() {
        assert_eq!(of_bound(Some(50), Some(200)), "25 %");
        assert_eq!(of_bound(Some(300), Some(200)), "150 %: above the bound, please report this");
        assert_eq!((of_bound(None, Some(1)), of_bound(Some(1), Some(0))), ("not known".to_owned(), "not known".to_owned()));
    }
}
