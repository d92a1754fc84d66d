//! One sample's way through the chain, with a picture of every stop.

use super::pick::source_of;
use super::replay::Replayed;
use crate::augment::{Chain, StepTrace};
use crate::batch::Part;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::sample::{BadSample, Image, Sample, View};
use crate::stage::Ticket;
use crate::stage::load::Load;
use serde_json::{Value, json};
use std::sync::Arc;

/// The key that makes consecutive geometric steps one.
const FUSE: &str = "fuse_geometry";

/// A sample, and what became of it.
pub struct Shown {
    /// Who it is.
    pub who: Who,
    /// Its way, or why there is none.
    pub outcome: std::result::Result<Journey, Arc<BadSample>>,
}

/// Which sample it is.
pub struct Who {
    /// Its identity.
    pub identity: String,
    /// Its class.
    pub class: String,
    /// What it serves for.
    pub part: Part,
    /// Where it stands in its pass, from 0.
    pub position: u64,
}

/// What happened to a picture.
pub struct Journey {
    /// As it was read: decoded, upright.
    pub original: Image,
    /// Every step, in order.
    pub steps: Vec<Stop>,
    /// At the end, as a person sees it.
    pub last: Image,
    /// At the end, as the batch stage takes it: one view or several, bytes or numbers.
    pub views: Vec<View>,
    /// At the end the other way, with the way's name: step by step where the run fuses geometry, fused where it does not. Only
    /// where the pipeline file speaks of it.
    pub other: Option<(&'static str, Image)>,
}

/// One step, and the picture after it.
pub struct Stop {
    /// What was drawn.
    pub trace: StepTrace,
    /// Chance of the step to be applied.
    pub chance: f64,
    /// The picture after it.
    pub picture: Image,
}

/// Shows the samples of `tickets`.
///
/// # Errors
/// [`Error::Io`] where the disk is gone; [`Error::Fault`] should the traced way end in another picture than the one that runs take.
pub fn show(plan: &Plan, tickets: &[Ticket]) -> Result<Vec<Shown>> {
    let other = other_way(plan)?;
    tickets.iter().map(|&ticket| show_one(plan, other.as_ref(), ticket)).collect()
}

/// The same plan with the other way of doing geometry, where the file says which.
fn other_way(plan: &Plan) -> Result<Option<Plan>> {
    let Some(fused) = fuses(plan) else { return Ok(None) };
    let mut document = plan.document.clone();
    document.set(&format!("{FUSE}={}", !fused)).map_err(|problem| Error::Refused(vec![problem]))?;
    Plan::read(document, plan.file.clone()).map(Some)
}

/// What the file says about fusing, if it does.
fn fuses(plan: &Plan) -> Option<bool> {
    use crate::config::Value::{Flag, Table};
    let Table(entries) = &plan.document.root.value else { return None };
    entries.iter().find(|(key, _, _)| key == FUSE).and_then(|(_, _, node)| match node.value {
        Flag(flag) => Some(flag),
        _ => None,
    })
}

fn show_one(plan: &Plan, other: Option<&Plan>, ticket: Ticket) -> Result<Shown> {
    let augment = plan.augment_stage();
    let load = plan.load_stage(&augment);
    let source = source_of(plan, ticket.pass.part);
    let class = source.classes().get(source.label(ticket.entry as usize) as usize).cloned().unwrap_or_default();
    let identity = source.identity(ticket.entry as usize).to_string();
    let who = Who { identity, class, part: ticket.pass.part, position: ticket.position };
    let outcome = match load.read(ticket)? {
        Ok(read) => travel(plan, other.filter(|_| fuses(plan) == Some(true)).unwrap_or(plan), &load, ticket, read.sample)?,
        Err(bad) => Err(bad),
    };
    let outcome = match (outcome, other) {
        (Ok(journey), Some(other)) => Ok(with_other(journey, other, ticket)?),
        (outcome, _) => outcome,
    };
    Ok(Shown { who, outcome })
}

/// The way of one picture. Where it ends is asked of the stage that works in runs; the stops in between are replayed from what
/// that end drew, on the chain of `stepwise`, which is the same plan but does one step after the other.
fn travel(
    plan: &Plan,
    stepwise: &Plan,
    load: &Load,
    ticket: Ticket,
    sample: Sample,
) -> Result<std::result::Result<Journey, Arc<BadSample>>> {
    let (augment, pass) = (load.augment, ticket.pass);
    let views = match augment.finish(sample.clone(), pass) {
        Ok(finished) => finished.views,
        Err(bad) => return Ok(Err(bad)),
    };
    let fault = |why: String| Error::Fault { stage: "augment".to_owned(), item: ticket.position, why };
    let original = sample.image.clone();
    let last = augment.shown(sample.clone(), pass).map_err(|bad| fault(why(&bad)))?;
    let (traced, text) = augment.apply_traced(sample, pass).map_err(|bad| fault(why(&bad)))?;
    let bytes = |view: &View| matches!(view, View::Bytes(_));
    let same = match views.as_slice() {
        [View::Bytes(only)] => *only == traced.image,
        several => !several.iter().all(bytes) || several.contains(&View::Bytes(traced.image.clone())),
    };
    if !same || traced.image != last {
        return Err(fault("the traced picture is not the one that runs make: please report this".to_owned()));
    }
    let traces: Vec<StepTrace> = serde_json::from_str(&text).map_err(|error| fault(error.to_string()))?;
    let chain = if pass.part == Part::Train { &stepwise.augment } else { &stepwise.evaluate };
    let steps = stops(chain, &traces, &original).map_err(fault)?;
    let end = steps.last().map_or(&original, |stop| &stop.picture);
    if *end != last && fuses(plan) != Some(true) {
        return Err(fault("the steps, replayed one by one, end in another picture: please report this".to_owned()));
    }
    Ok(Ok(Journey { original, steps, last, views, other: None }))
}

/// The picture after every step, each replayed on the one before.
fn stops(chain: &Chain, traces: &[StepTrace], original: &Image) -> std::result::Result<Vec<Stop>, String> {
    let mut picture = original.clone();
    let mut stops = Vec::new();
    for (place, (step, trace)) in chain.steps().iter().zip(traces).enumerate() {
        let alone = |(other, trace): (usize, &StepTrace)| StepTrace { applied: trace.applied && other == place, ..trace.clone() };
        let only: Vec<StepTrace> = traces.iter().enumerate().map(alone).collect();
        chain.replay(&only, &mut picture)?;
        stops.push(Stop { trace: trace.clone(), chance: step.p(), picture: picture.clone() });
    }
    Ok(stops)
}

/// Adds where the picture ends the other way.
fn with_other(journey: Journey, other: &Plan, ticket: Ticket) -> Result<Journey> {
    let augment = other.augment_stage();
    let read = other.load_stage(&augment).read(ticket)?;
    let shown = read.ok().and_then(|read| augment.shown(read.sample, ticket.pass).ok());
    let name = if fuses(other) == Some(true) { "geometry fused" } else { "step by step" };
    Ok(Journey { other: shown.map(|picture| (name, picture)), ..journey })
}

/// A set-aside sample in words.
pub fn why(bad: &BadSample) -> String {
    let words = if bad.words.is_empty() { String::new() } else { format!(": {}", bad.words) };
    format!("{}: {}{words}", bad.stage, bad.reason)
}

/// BLAKE3 of a picture's bytes, in hexadecimal.
pub fn blake3_of(picture: &Image) -> String {
    blake3::hash(picture.pixels()).to_hex().to_string()
}

impl Shown {
    /// Everything but pixels.
    pub fn as_json(&self, replayed: Option<&Replayed>) -> Value {
        let Who { identity, class, part, position } = &self.who;
        let mut document = json!({ "sample": identity, "class": class, "part": part, "position": position });
        match &self.outcome {
            Err(bad) => document["bad"] = json!(bad),
            Ok(journey) => {
                let step = |stop: &Stop| {
                    json!({
                        "name": stop.trace.name, "chance": stop.chance, "applied": stop.trace.applied, "draw": stop.trace.draw,
                        "size": stop.picture.size(), "blake3": blake3_of(&stop.picture),
                    })
                };
                document["steps"] = journey.steps.iter().map(step).collect();
                let end = |picture: &Image| json!({ "size": picture.size(), "blake3": blake3_of(picture) });
                document["final"] = end(&journey.last);
                if let Some((_, other)) = &journey.other {
                    document["other"] = end(other);
                }
            }
        }
        if let Some(replayed) = replayed {
            document["replay"] = replayed.as_json();
        }
        document
    }
}
