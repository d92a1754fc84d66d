//! `pipeline find-lr`: learning rates tried on a copy of the model, the curve of losses as SVG and JSON, and a suggestion or the
//! reason why there is none.

use super::claim::ClaimedFolder;
use super::run::{moments::Moments, refuse_inside_data, refuse_too_large, signals::Signals, survey::survey};
use super::say;
use crate::batch::{Batch, Part, Pass};
use crate::error::{Error, Result};
use crate::plan::{End, Plan};
use crate::report::{RateLine, rate_curve};
use crate::stage::deal;
use crate::train::{RateCurve, RateFinder, RateSweep, Trainer};
use std::path::PathBuf;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A pipeline's name or file.
    pub name: String,
    /// Overrides, `key=value`.
    pub sets: Vec<String>,
    /// The first rate.
    pub from: f64,
    /// The last rate.
    pub to: f64,
    /// How many are tried.
    pub steps: u32,
    /// Folder for the curve, instead of a numbered one.
    pub out: Option<PathBuf>,
    /// Whether the curve is printed as JSON.
    pub json: bool,
}

/// Tries the rates, writes `learning_rate.svg` and `learning_rate.json`, and says what they suggest. No run and no model changes.
///
/// # Errors
/// [`Error::Refused`] where the pipeline does not train, or where the curve suggests nothing, with the reason; the files are
/// written even then.
pub fn find_lr(request: &Request) -> Result<()> {
    let signals = Signals::install()?;
    let plan = Plan::load(&request.name, &request.sets)?;
    refuse_range(request)?;
    refuse_too_large(&plan)?;
    refuse_inside_data(&plan, request.out.as_ref().unwrap_or(&plan.runs))?;
    let curve = sweep(&plan, request, &signals)?;
    let claimed = ClaimedFolder::create(&plan.runs, &format!("{}-find-lr", plan.name), request.out.as_deref())?;
    let document = serde_json::to_string_pretty(&curve).unwrap_or_default() + "\n";
    claimed.write("learning_rate.json", document.as_bytes())?;
    let points: Vec<_> =
        curve.points.iter().map(|p| RateLine { rate: p.learning_rate, loss: p.loss, smoothed: p.smoothed }).collect();
    claimed.write("learning_rate.svg", rate_curve(&points, curve.suggestion).as_bytes())?;
    claimed.release()?;
    match (&curve.reason, request.json) {
        (_, true) => say(&document)?,
        (None, _) => say(&format!("{}{}\n", words(&curve), claimed.path().display()))?,
        (Some(_), _) => say(&format!("{}\n", claimed.path().display()))?,
    }
    match curve.reason {
        Some(reason) => Err(Error::refused(
            format!("no learning rate can be suggested: {reason}"),
            "look at the curve, then try another --from, --to or --steps",
        )),
        None => Ok(()),
    }
}

fn refuse_range(request: &Request) -> Result<()> {
    let Request { from, to, .. } = *request;
    match from > 0.0 && from < to && to.is_finite() {
        true => Ok(()),
        false => Err(Error::refused(format!("rates from {from} to {to} cannot be tried"), "0 < --from < --to")),
    }
}

fn sweep(plan: &Plan, request: &Request, signals: &Signals) -> Result<RateCurve> {
    let End::Train(end) = &plan.end else {
        return Err(Error::refused(format!("{} does not train", plan.name), "only a pipeline with [train] has a learning rate"));
    };
    let moments = Moments::of_plan(plan, signals)?;
    let mut trainer = Trainer::new(end.network.clone(), &end.config, plan.setup())?;
    survey(plan, &moments, &mut trainer, signals)?;
    let mut finder = RateFinder::new(&mut trainer, RateSweep { from: request.from, to: request.to, steps: request.steps });
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    // The batches that a run would begin with.
    let pass = |epoch| Pass { part: Part::Train, epoch };
    let tickets = (0..u32::MAX).flat_map(|epoch| deal::pass(&plan.data.parts, plan.seed, pass(epoch), 0));
    let mut ledger = plan.data.ledger(&[Part::Train]);
    let mut take = |_, batch: Batch| {
        ledger.account(&batch)?;
        ledger.verdict()?;
        Ok::<_, Error>(finder.take(&batch.images, batch.targets()))
    };
    let flow = plan.batches(&load, tickets, signals.stop(), moments.normalize(), 0);
    flow.sink("find-lr", Plan::batch_room(), &mut take).run()?;
    if signals.stop().is_requested() {
        return Err(signals.interrupted("nothing was kept: start it again".to_owned()));
    }
    Ok(finder.finish())
}

fn words(curve: &RateCurve) -> String {
    let Some(rate) = curve.suggestion else { return String::new() };
    let end = if curve.diverged { "the loss blew up there" } else { "the loss had not blown up yet: a higher --to may show more" };
    let last = curve.points.last().map_or(0.0, |point| point.learning_rate);
    format!("learning_rate = {rate:.2e}   (the loss falls fastest there; {} rates up to {last:.2e}, {end})\n", curve.points.len())
}
