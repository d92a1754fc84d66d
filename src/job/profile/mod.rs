//! `pipeline profile`: where the time of a pipeline goes, and what would make it faster.

mod alone;
pub(super) mod cpu;
mod layers;
#[cfg(test)]
mod planted;
mod record;
mod scratch;
pub(super) mod stages;
pub(super) mod together;
pub(super) mod trainer;
mod written;

use super::run::{refuse_inside_data, refuse_too_large, signals::Signals};
use super::say;
use crate::error::Result;
use crate::plan::{End, Plan, Workers};
use crate::report::profile::{Profile, Proof, StageProfile, Verdict, chrome_trace, page, table};
use crate::report::write_atomic;
use record::Recorder;
use serde::Serialize;
use stages::Stages;
use std::path::PathBuf;
use std::time::Duration;
use together::Seen;
use written::Written;

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// A pipeline's name or file.
    pub name: String,
    /// Overrides, `key=value`.
    pub sets: Vec<String>,
    /// Look at the layers of the network instead of the stages.
    pub layers: bool,
    /// Time one stage only.
    pub stage: Option<String>,
    /// How long the whole is measured, and each setting of a stage a tenth of it.
    pub time: Duration,
    /// Whether the advice is followed, and the outcome compared with what was predicted.
    pub verify: bool,
    /// Whether the numbers are printed as JSON.
    pub json: bool,
    /// File for the page.
    pub html: Option<PathBuf>,
    /// File for the trace of all stages together.
    pub trace: Option<PathBuf>,
}

/// Everything that was found, as `--json` prints it.
#[derive(Serialize)]
struct Findings {
    profile: Profile,
    verdict: Verdict,
    verified: Option<Proof>,
}

/// Measures, and says what was found.
///
/// # Errors
/// [`Error::Refused`] where there is nothing to measure; what kept samples from being read or learned.
pub fn profile(request: &Request) -> Result<()> {
    let signals = Signals::install_leaving(scratch::leave)?;
    let recorder = request.trace.as_ref().map(|_| Recorder::install()).transpose()?;
    let mut plan = Plan::load(&request.name, &request.sets)?;
    refuse_too_large(&plan)?;
    if request.layers {
        let found = layers::layers(&plan, request.time)?;
        return if request.json { say(&as_json(&found)) } else { say(&found.table()) };
    }
    let written = written(&plan)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (time, stage) = (request.time / 10, request.stage.as_deref());
    let stages = match &written {
        Some(written) => written.measure(&plan, (time, cores), stage, &signals)?,
        None => Stages::new(&plan, time, cores).measure(stage)?,
    };
    let (name, batch_size, renditions) = (plan.name.clone(), plan.batch_size, written.as_ref().map(Written::renditions));
    let profile = Profile { name, cores, batch_size, renditions, stages, ..Profile::default() };
    if request.stage.is_some() {
        return say(&if request.json { as_json(&profile) } else { table(&profile, None, None) });
    }
    let together = |plan: &Plan| match &written {
        Some(written) => written.together(plan, request.time, cores, &signals),
        None => together::together(plan, request.time, cores, &signals),
    };
    let profile = joined(profile, together(&plan)?);
    if let (Some(recorder), Some(file)) = (&recorder, &request.trace) {
        write_atomic(file, chrome_trace(&recorder.spans()).as_bytes())?;
    }
    let verdict = profile.verdict();
    let verified = if request.verify { Some(verify(&mut plan, &profile, &verdict, together)?) } else { None };
    if let Some(file) = &request.html {
        write_atomic(file, page(&profile, &verdict, verified.as_ref()).as_bytes())?;
    }
    let found = Findings { profile, verdict, verified };
    say(&if request.json { as_json(&found) } else { table(&found.profile, Some(&found.verdict), found.verified.as_ref()) })
}

/// What is measured of a plan that writes a set.
fn written(plan: &Plan) -> Result<Option<Written>> {
    let End::Write(end) = &plan.end else { return Ok(None) };
    refuse_inside_data(plan, &end.path)?;
    Written::new(plan, end).map(Some)
}

/// The profile with what its stages do among each other.
pub(super) fn with_all_together(plan: &Plan, profile: Profile, time: Duration, signals: &Signals) -> Result<Profile> {
    let seen = together::together(plan, time, profile.cores, signals)?;
    Ok(joined(profile, seen))
}

fn joined(mut profile: Profile, seen: Seen) -> Profile {
    (profile.rate, profile.seconds, profile.cores_busy) = (Some(seen.rate), seen.seconds, seen.cores_busy);
    for (name, together) in seen.stages {
        match profile.stages.iter_mut().find(|stage| stage.stage == name) {
            Some(stage) => stage.together = Some(together),
            None => {
                let stage = StageProfile { stage: name.clone(), workers: 1, together: Some(together), ..StageProfile::default() };
                let at = if name == "source" { 0 } else { profile.stages.len() };
                profile.stages.insert(at, stage);
            }
        }
    }
    profile
}

/// Follows the advice, or, where there is none, measures once more what there is.
fn verify(plan: &mut Plan, profile: &Profile, verdict: &Verdict, together: impl Fn(&Plan) -> Result<Seen>) -> Result<Proof> {
    let (workers, predicted) = match &verdict.advice {
        Some(advice) => (advice.workers.clone(), advice.rate),
        None => (profile.workers(), verdict.predicted),
    };
    let of =
        |name: &str, now: usize| profile.stages.iter().position(|stage| stage.stage == name).map_or(now, |place| workers[place]);
    let Workers { load, augment, train, .. } = plan.workers;
    plan.workers = match plan.end {
        // The larger of the two is its number of threads.
        End::Write(_) => Workers { load: of("write", load), augment: of("write", augment), ..plan.workers },
        _ => Workers { load: of("load", load), augment: of("augment", augment), train: of("train", train), ..plan.workers },
    };
    let seen = together(plan)?;
    Ok(Proof { workers, predicted, measured: seen.rate })
}

fn as_json(found: &impl Serialize) -> String {
    serde_json::to_string_pretty(found).unwrap_or_default() + "\n"
}
