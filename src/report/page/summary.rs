//! What came out, at a glance, and whether the run came to its end.

use super::{Paper, Section, percent};
use crate::event::{Score, Stopped};
use crate::report::escaped;
use crate::report::words::{count, span, thousands};
use std::time::Duration;

pub(super) const SECTION: Section = Section { id: "summary", title: "Outcome", body };

fn body(paper: &Paper) -> Option<String> {
    let document = &paper.document;
    let (outcome, timing) = (&document.outcome, &document.timing);
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
    let seconds = timing.wall_seconds;
    let cores = timing.core_seconds.map_or(String::new(), |cores| format!("{} core-seconds", thousands(cores)));
    add("Time", span(Duration::try_from_secs_f64(seconds).unwrap_or_default()), cores);
    add("Parameters", count(outcome.parameters), format!("{} classes", outcome.classes.len()));
    let item = |(name, value, about): (String, String, String)| {
        format!(
            "<div><dt>{name}</dt><dd><strong>{}</strong> <span class=\"soft\">{}</span></dd></div>\n",
            escaped(&value),
            escaped(&about)
        )
    };
    let list: String = facts.into_iter().map(item).collect();
    Some(format!("{}<dl class=\"facts\">\n{list}</dl>\n", notice(paper)))
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
