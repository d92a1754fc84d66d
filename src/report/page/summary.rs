//! What came out, at a glance, and whether the run came to its end.

use super::{Paper, Section, mebibytes, percent};
use crate::event::{Score, Stopped};
use crate::report::words::{count, span, thousands};
use crate::report::{Delivered, WrittenSet, escaped};
use std::time::Duration;

pub(super) const SECTION: Section = Section { id: "summary", title: "Outcome", body };

fn body(paper: &Paper) -> Option<String> {
    let facts = match (&paper.document.written, &paper.document.delivered) {
        (Some(set), _) => written(paper, set),
        (_, Some(delivered)) => delivered_facts(paper, delivered),
        _ => trained(paper),
    };
    let item = |(name, value, about): Fact| {
        format!(
            "<div><dt>{name}</dt><dd><strong>{}</strong> <span class=\"soft\">{}</span></dd></div>\n",
            escaped(&value),
            escaped(&about)
        )
    };
    let list: String = facts.into_iter().map(item).collect();
    Some(format!("{}<dl class=\"facts\">\n{list}</dl>\n", notice(paper)))
}

/// A name, its value, and words about it.
type Fact = (String, String, String);

fn fact(name: &str, value: String, about: String) -> Fact {
    (name.to_owned(), value, about)
}

fn time(paper: &Paper) -> Fact {
    let timing = &paper.document.timing;
    let cores = timing.core_seconds.map_or(String::new(), |cores| format!("{} core-seconds", thousands(cores)));
    fact("Time", span(Duration::try_from_secs_f64(timing.wall_seconds).unwrap_or_default()), cores)
}

fn set_aside(paper: &Paper) -> Fact {
    let samples = &paper.document.outcome.samples;
    let filtered = format!("samples; {} left out by a rule", count(samples.filtered));
    fact("Set aside", count(samples.quarantined), filtered)
}

fn rate(paper: &Paper, samples: u64) -> String {
    let seconds = paper.document.timing.wall_seconds;
    if seconds > 0.0 { thousands(samples as f64 / seconds) } else { "not known".to_owned() }
}

fn written(paper: &Paper, set: &WrittenSet) -> Vec<Fact> {
    let stored: u64 = set.classes.iter().map(|class| class[0]).sum();
    // What an earlier run had written took none of this run's time.
    let passed = paper.document.timing.stages.last().map_or(0, |stage| stage.items);
    vec![
        fact("Pictures stored", count(set.pictures), format!("of {} samples", count(stored))),
        fact("Size", mebibytes(set.bytes), format!("as {}", set.encoding)),
        fact(
            "Shards",
            format!("{} of {}", count(set.shards), count(set.of)),
            format!("{} kept from an earlier run", count(set.kept)),
        ),
        set_aside(paper),
        fact("Samples a second", rate(paper, passed), "written by this run".to_owned()),
        time(paper),
    ]
}

fn delivered_facts(paper: &Paper, delivered: &Delivered) -> Vec<Fact> {
    let batches = format!("in {} batches of {}", count(delivered.batches), count(delivered.batch_size));
    vec![
        fact("Samples a second", rate(paper, delivered.samples), format!("decoded: {}", delivered.decode)),
        fact("Samples delivered", count(delivered.samples), batches),
        set_aside(paper),
        time(paper),
    ]
}

fn trained(paper: &Paper) -> Vec<Fact> {
    let outcome = &paper.document.outcome;
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String, about: String| facts.push((name.to_owned(), value, about));
    let score = |score: &Score| (percent(score.accuracy), format!("loss {:.4}, {} samples", score.loss, count(score.samples)));
    if let Some((value, about)) = outcome.test.as_ref().map(score) {
        add("Test accuracy", value, about);
    }
    let best = outcome.best_epoch.and_then(|best| outcome.epochs.iter().find(|record| record.epoch == best));
    if let Some(record) = best.or(outcome.epochs.last()) {
        let name = if best.is_some() { "best epoch" } else { "last epoch" };
        if let Some((value, about)) = record.validation.as_ref().map(score) {
            add("Validation accuracy", value, format!("{name}, {}; {about}", record.epoch));
        }
        let (value, about) = score(&record.train);
        add("Training accuracy", value, format!("{name}, {}; {about}, as learned from", record.epoch));
    }
    let epochs = outcome.epochs.len() as u64;
    add("Epochs", count(epochs), ended(paper).to_owned());
    facts.push(time(paper));
    facts.push(fact("Parameters", count(outcome.parameters), format!("{} classes", outcome.classes.len())));
    facts
}

/// Why training ended.
fn ended(paper: &Paper) -> &'static str {
    match paper.document.outcome.stopped {
        Some(Stopped::Epochs) => "all that were asked for",
        Some(Stopped::EarlyStopping) => "stopped early: no more improvement",
        Some(Stopped::Interrupted) => "interrupted",
        Some(Stopped::Failed) => "failed",
        None => "training did not come to its end",
    }
}

/// What a reader must know before anything else.
fn notice(paper: &Paper) -> String {
    let words = match &paper.document.failure {
        Some(words) => format!("This run did not come to its end: {words}"),
        None if !paper.finished => "This run has not come to its end: what is shown is what was written until now.".to_owned(),
        None => return String::new(),
    };
    format!("<p class=\"alarm\" role=\"note\">{}</p>\n", escaped(&words))
}
