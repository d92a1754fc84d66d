//! Before the first step: labels are counted, a few training samples are read, and the model is tried on them. Decides what stops a
//! run; what is wrong with numbers is found in `train`.

use super::moments::Moments;
use super::signals::Signals;
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Problem, Result};
use crate::event::self_check::{Check, Level, SelfCheck};
use crate::key::Key;
use crate::plan::{Plan, TrainEnd};
use crate::sample::Size;
use crate::stage::batch::{Batcher, LastBatch};
use crate::stage::deal::{self, Parts};
use crate::train::Trainer;
use crate::train::self_check::{Few, InputAudit, SAMPLES};

/// Samples that are looked at as the first epoch begins with them.
const AUDITED: usize = 32;
/// Class names that are listed.
const LISTED: usize = 8;

/// Looks at data and model. The trainer is not changed.
///
/// # Errors
/// Whatever keeps samples from being read; an interruption.
pub fn self_check(plan: &Plan, end: &TrainEnd, moments: &Moments, trainer: &Trainer, signals: &Signals) -> Result<SelfCheck> {
    let network = trainer.network();
    let mut audit = InputAudit::new(network.input(), network.classes());
    let first = plan.data.parts.order(plan.seed, Pass { part: Part::Train, epoch: 0 }).into_iter().take(AUDITED).collect();
    let first = Parts { train: first, ..Parts::default() };
    read(plan, moments, &first, Part::Train, signals, &mut |batch| audit.look(batch))?;
    let mut few = Few::default();
    let each = network.input().len();
    let chosen = Parts { validation: spread(plan), ..Parts::default() };
    read(plan, moments, &chosen, Part::Validation, signals, &mut |batch| {
        let whole = batch.images.len() == batch.count() * batch.views * each;
        for (images, &label) in batch.images.chunks_exact((batch.views * each).max(1)).zip(&batch.labels).filter(|_| whole) {
            few.images.extend_from_slice(&images[..each]);
            few.labels.push(label);
        }
    })?;
    let mut checks = vec![labels(plan, Some(network.classes())), audit.conclude()];
    // A model is not tried on what it cannot take.
    if checks.iter().all(|check| check.level != Level::Failed) {
        checks.extend(trainer.self_check(&few, end.config.label_smoothing));
    }
    Ok(SelfCheck { checks })
}

/// Refuses to begin where a check has failed.
///
/// # Errors
/// [`Error::Refused`] with every failed check.
pub fn refuse_failed(found: &SelfCheck) -> Result<()> {
    let failed = found.checks.iter().filter(|check| check.level == Level::Failed);
    let problem = |check: &Check| {
        let message = format!("self-check, {}: {}", check.name.replace('_', " "), check.words.escape_debug());
        Problem::new(message, "--no-self-check begins all the same")
    };
    let problems: Vec<Problem> = failed.map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Refused(problems)) }
}

/// Hands samples of `part` to `look` in small batches, one after the other, neither mixed nor left out.
fn read(plan: &Plan, moments: &Moments, parts: &Parts, part: Part, signals: &Signals, look: &mut dyn FnMut(&Batch)) -> Result<()> {
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let size = plan.size.unwrap_or(Size::new(1, 1));
    let mut batcher = Batcher::new(SAMPLES, LastBatch::Keep, moments.normalize(), plan.data.channels, size);
    for ticket in deal::pass(parts, plan.seed, Pass { part, epoch: 0 }, 0) {
        if signals.stop().is_requested() {
            return Err(signals.interrupted("nothing was learned yet: start it again without --resume".to_owned()));
        }
        // A bad sample is set aside, and told, when the run meets it.
        if let Some(batch) = batcher.take(augment.apply(load.load(ticket)?)) {
            look(&batch);
        }
    }
    Ok(())
}

/// A keyed choice of training samples, of as many classes as possible, in the order of the source.
fn spread(plan: &Plan) -> Vec<u32> {
    let mut entries = plan.data.parts.train.clone();
    Key::of_run(plan.seed, "self check").dice().shuffle(&mut entries);
    let mut taken = vec![0usize; plan.data.source.classes().len()];
    // How many of its class come before each: the first of every class, then the second, until there are enough.
    let mut ranked: Vec<(usize, usize, u32)> = Vec::new();
    for (place, entry) in entries.into_iter().enumerate() {
        let rank = &mut taken[plan.data.source.label(entry as usize) as usize];
        if *rank < SAMPLES {
            ranked.push((*rank, place, entry));
        }
        *rank += 1;
    }
    ranked.sort_unstable();
    let mut chosen: Vec<u32> = ranked.into_iter().take(SAMPLES).map(|(.., entry)| entry).collect();
    chosen.sort_unstable();
    chosen
}

/// The check `labels`: who has samples in which part, and whether the model has an output a class, where it is known how many it has.
pub fn labels(plan: &Plan, outputs: Option<usize>) -> Check {
    let (data, parts) = (&plan.data, &plan.data.parts);
    let classes = data.source.classes();
    let count = |part: Part| {
        let source = if part == Part::Test { data.test.as_deref().unwrap_or(&*data.source) } else { &*data.source };
        let mut counts = vec![0u64; classes.len()];
        for &entry in parts.of(part) {
            counts[source.label(entry as usize) as usize] += 1;
        }
        counts
    };
    judge_labels(classes, [Part::Train, Part::Validation, Part::Test].map(|part| (part.name(), count(part))), outputs)
}

fn judge_labels(classes: &[String], parts: [(&str, Vec<u64>); 3], outputs: Option<usize>) -> Check {
    let check = |level, words: String| Check::new("labels", level, words);
    let all = classes.len();
    if let Some(outputs) = outputs.filter(|outputs| *outputs != all) {
        let help = "the last layer needs as many outputs as there are classes";
        return check(Level::Failed, format!("{all} classes, but the model has {outputs} outputs; {help}"));
    }
    let present = parts[0].1.iter().filter(|count| **count > 0).count();
    if present < 2 {
        let help = "there is nothing to tell apart: look at the source's folders or labels, and at [split]";
        return check(Level::Warning, format!("training samples of {present} class only; {help}"));
    }
    // A part without a single sample is meant to be so.
    let used = parts.iter().filter(|(_, counts)| counts.iter().any(|count| *count > 0));
    let lacking = used.filter_map(|(part, counts)| {
        let empty: Vec<&str> =
            classes.iter().zip(counts).filter(|(_, count)| **count == 0).map(|(name, _)| name.as_str()).collect();
        let more = if empty.len() > LISTED { format!(" and {} more", empty.len() - LISTED) } else { String::new() };
        (!empty.is_empty()).then(|| format!("no {part} sample of {}{more}", empty[..empty.len().min(LISTED)].join(", ")))
    });
    let lacking: Vec<String> = lacking.collect();
    match lacking.is_empty() {
        true => check(Level::Passed, format!("labels of {all} classes in every part")),
        false => check(Level::Warning, format!("{}; such classes are not learned, or not tested", lacking.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(train: &[u64], validation: &[u64], test: &[u64], outputs: usize) -> Check {
        let names: Vec<String> = (0..train.len()).map(|class| format!("c{class}")).collect();
        judge_labels(
            &names,
            [("train", train.to_vec()), ("validation", validation.to_vec()), ("test", test.to_vec())],
            Some(outputs),
        )
    }

    #[test]
    fn labels_are_held_against_parts_and_outputs() {
        let cases: [(Check, Level, &str); 6] = [
            (judged(&[5, 5, 5], &[1, 1, 1], &[2, 2, 2], 3), Level::Passed, "labels of 3 classes"),
            (judged(&[5, 5, 5], &[0, 0, 0], &[0, 0, 0], 3), Level::Passed, "labels of 3 classes"),
            (judged(&[5, 5, 5], &[1, 1, 1], &[2, 2, 2], 4), Level::Failed, "3 classes, but the model has 4 outputs"),
            (judged(&[9, 0], &[1, 0], &[0, 0], 2), Level::Warning, "1 class only"),
            (judged(&[5, 0, 5], &[1, 1, 0], &[2, 2, 2], 3), Level::Warning, "no train sample of c1; no validation sample of c2"),
            (
                judged(&[5; 20], &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], &[0; 20], 20),
                Level::Warning,
                "c8 and 1 more",
            ),
        ];
        for (check, level, words) in cases {
            assert!(check.level == level && check.words.contains(words), "{check:?}");
        }
    }

    #[test]
    fn only_what_has_failed_is_refused() {
        let check = |level| Check::new("inputs", level, "words\n");
        assert!(refuse_failed(&SelfCheck { checks: vec![check(Level::Warning), check(Level::Skipped)] }).is_ok());
        let refused = refuse_failed(&SelfCheck { checks: vec![check(Level::Failed), check(Level::Passed)] }).unwrap_err();
        assert_eq!((refused.exit_code(), refused.to_string().as_str()), (2, "refused: self-check, inputs: words\\n"));
    }
}
