//! `pipeline predict MODEL PATH…`: what a trained model takes pictures for, one row a picture, in the order of the paths.

mod csv;
mod json;
mod output;
mod rows;
mod table;

pub use rows::Format;

use super::ensemble::Ensemble;
use super::run::signals::Signals;
use super::served::{Served, refuse_to_overwrite, workers};
use super::stderr_takes_color;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::event::{Event, Listener};
use crate::report::{Terminal, printable};
use crate::sample::BadSample;
use crate::source::{Source, pictures};
use crate::train::Predictions;
use output::Output;
use rows::{Outcome, Row, Rows, Summary};
use std::io::IsTerminal;
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
    /// Picture files, and folders of them.
    pub paths: Vec<PathBuf>,
    /// How rows are written; none leaves it to where they go.
    pub format: Option<Format>,
    /// Classes a row, the likeliest first.
    pub top: usize,
    /// Whether the probability of every class is written.
    pub probabilities: bool,
    /// The file that rows go to, instead of standard output.
    pub out: Option<PathBuf>,
    /// Whether it may be written over.
    pub force: bool,
    /// Share of pictures that may be bad before the job is said to have failed.
    pub max_bad: f64,
    /// Threads a stage.
    pub workers: Option<u16>,
    /// Whether nothing but warnings is said.
    pub quiet: bool,
}

/// Writes one row a picture. A bad one gets a row with its reason; all others are predicted all the same.
///
/// # Errors
/// [`Error::Refused`] for a model or a path that there is not; [`Error::TooManyBad`] at the end, once everything is written, where
/// more pictures were bad than are allowed.
pub fn predict(request: &Request) -> Result<()> {
    let signals = Signals::install()?;
    let ensemble = Ensemble::open(&request.model, &request.with)?;
    let model = ensemble.first();
    let source = pictures(&request.paths, model.decoding)?;
    if let Some(out) = &request.out {
        refuse_to_overwrite(out, request.force)?;
    }
    let listener = listener(request);
    model.warnings().into_iter().for_each(|words| listener.hear(&Event::Warning(words)));
    let mut out = Output::open(request.out.as_deref())?;
    let format = request.format.unwrap_or_else(|| Format::usual(request.out.as_deref()));
    let mut rows = format.rows(&ensemble, &*source, request);
    let written = write_rows(request, &ensemble, &*source, &mut *rows, &mut out, &listener, &signals)?;
    let Some((summary, first)) = written else { return Ok(()) };
    out.finish()?;
    verdict(&summary, first.as_deref(), request.max_bad)
}

/// Progress on standard error; no bar where rows appear on the same screen.
fn listener(request: &Request) -> Terminal {
    let same_screen = request.out.is_none() && std::io::stdout().is_terminal();
    let terminal = if same_screen { Terminal::lines(request.quiet, stderr_takes_color()) } else { Terminal::stderr(request.quiet) };
    terminal.listing_in("their rows")
}

/// Writes everything; none where whoever reads has gone away.
fn write_rows(
    request: &Request,
    ensemble: &Ensemble,
    source: &dyn Source,
    rows: &mut dyn Rows,
    out: &mut Output,
    listener: &dyn Listener,
    signals: &Signals,
) -> Result<Option<(Summary, Option<Arc<BadSample>>)>> {
    let entries: Vec<u32> = (0..source.len() as u32).collect();
    let served = Served { ensemble, source, entries: &entries, workers: workers(request.workers), listener, signals };
    let mut written = Written { source, out, rows, summary: Summary::default(), first: None, next: 0 };
    written.begin()?;
    let kept = if request.out.is_some() { "nothing was kept" } else { "the output ends there" };
    let top = request.top.min(ensemble.first().network.classes());
    served.each(1.0, kept, |batch, predictions, _| {
        written.batch(batch, predictions, top)?;
        Ok(if written.out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    written.end()?;
    Ok((!written.out.is_closed()).then_some((written.summary, written.first)))
}

/// Rows on their way out.
struct Written<'a> {
    source: &'a dyn Source,
    out: &'a mut Output,
    rows: &'a mut dyn Rows,
    summary: Summary,
    /// The first bad picture.
    first: Option<Arc<BadSample>>,
    /// The next entry that has no row yet.
    next: usize,
}

impl Written<'_> {
    fn begin(&mut self) -> Result<()> {
        let text = self.rows.begin();
        self.out.write(&text)
    }

    fn end(&mut self) -> Result<()> {
        let text = self.rows.end(&self.summary);
        self.out.write(&text)
    }

    /// Writes the rows of a batch, and of what was set aside before and in it, in the order of the source.
    fn batch(&mut self, batch: &Batch, predictions: &Predictions, top: usize) -> Result<()> {
        let (mut good, mut bad) = (batch.identities.iter().enumerate().peekable(), batch.bad.iter());
        let mut text = String::new();
        while self.next < batch.consumed as usize {
            let path = self.source.identity(self.next);
            self.next += 1;
            let outcome = match good.next_if(|(_, identity)| **identity == path) {
                Some((sample, _)) => {
                    self.summary.predicted += 1;
                    let probabilities = predictions.probabilities(sample);
                    Outcome::Good { ranked: predictions.ranked(sample, top), probabilities }
                }
                None => match bad.next() {
                    Some(why) => {
                        self.summary.bad += 1;
                        self.first.get_or_insert_with(|| why.clone());
                        Outcome::Bad(why)
                    }
                    // The account of the batch has been checked: every entry is good or bad.
                    None => continue,
                },
            };
            text += &self.rows.row(&Row { path: &path.0, outcome });
        }
        self.out.write(&text)
    }
}

/// Whether what was bad is more than is allowed.
fn verdict(summary: &Summary, first: Option<&BadSample>, max_bad: f64) -> Result<()> {
    let (all, Some(first)) = (summary.predicted + summary.bad, first) else { return Ok(()) };
    if summary.bad as f64 <= max_bad * all as f64 {
        return Ok(());
    }
    let Summary { predicted, bad } = summary;
    let first = format!("{}: {}", printable(&first.path), printable(&first.reason));
    Err(Error::TooManyBad(format!(
        "{bad} of {all} pictures could not be used, the first is {first}; {predicted} were predicted, and every bad one has a row \
         with its reason; --max-bad allows a share of them"
    )))
}
