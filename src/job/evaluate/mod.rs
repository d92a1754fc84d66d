//! `pipeline evaluate MODEL SOURCE`: how well a trained model does on labelled pictures. Classes are matched by their names.

pub(super) mod data;
mod matched;
mod said;

use super::ensemble::Ensemble;
use super::run::signals::Signals;
use super::say;
use super::served::{Served, workers};
use crate::batch::Part;
use crate::error::Result;
use crate::event::{Event, Listener};
use crate::report::Terminal;
use crate::sample::{BadSample, NoteCounts};
use crate::train::Evaluation;
use data::Labelled;
use matched::Matched;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model's file, or the folder of its run.
    pub model: PathBuf,
    /// Models whose probabilities are averaged with its own.
    pub with: Vec<PathBuf>,
    /// Where labelled pictures are; none for the test set of the model's run.
    pub source: Option<String>,
    /// Keys of the source, or overrides of the pipeline that it is.
    pub sets: Vec<String>,
    /// Which part of a pipeline's samples.
    pub part: Part,
    /// Whether samples of classes that the model does not know are left out.
    pub skip_unknown: bool,
    /// Among how many of the likeliest classes a label is looked for, too.
    pub top: usize,
    /// Threads a stage.
    pub workers: Option<u16>,
    /// Whether one JSON document is printed instead of words.
    pub json: bool,
    /// Whether nothing but warnings and the result is said.
    pub quiet: bool,
}

/// All that an evaluation found.
struct Found<'a> {
    ensemble: &'a Ensemble,
    data: &'a Labelled,
    matched: &'a Matched,
    evaluation: Evaluation,
    top: usize,
    bad: Vec<Arc<BadSample>>,
    odd: NoteCounts,
}

/// Scores the model and prints what comes of it.
///
/// # Errors
/// [`crate::error::Error::Refused`] for a model or a source that there is not, or classes that do not match;
/// [`crate::error::Error::TooManyBad`] as in a run.
pub fn evaluate(request: &Request) -> Result<()> {
    let signals = Signals::install()?;
    let ensemble = Ensemble::open(&request.model, &request.with)?;
    let model = ensemble.first();
    let data = data::open(request, model)?;
    let matched = Matched::new(&*data.source, &data.entries, &model.card.classes, request.skip_unknown)?;
    let listener = Terminal::stderr(request.quiet).listing_in("the list with --json");
    let warnings = model.warnings().into_iter().chain(data.warnings.iter().cloned()).chain(matched.warnings());
    warnings.for_each(|words| listener.hear(&Event::Warning(words)));
    let found = score(request, &ensemble, &data, &matched, &listener, &signals)?;
    say(&if request.json { said::as_json(&found) } else { said::as_text(&found) })
}

fn score<'a>(
    request: &Request,
    ensemble: &'a Ensemble,
    data: &'a Labelled,
    matched: &'a Matched,
    listener: &dyn Listener,
    signals: &Signals,
) -> Result<Found<'a>> {
    let source = &*data.source;
    let served = Served { ensemble, source, entries: &matched.entries, workers: workers(request.workers), listener, signals };
    let mut evaluation = Evaluation::new(request.top);
    let ledger = served.each(data.max_bad, "nothing was kept", |batch, predictions, ledger| {
        ledger.verdict()?;
        let labels: Vec<u32> = batch.labels.iter().map(|&label| matched.class(label)).collect();
        evaluation.add(predictions, &labels);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Found { ensemble, data, matched, evaluation, top: request.top, bad: ledger.bad(), odd: ledger.notes() })
}
